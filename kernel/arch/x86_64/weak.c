/*
 * Until the rooms above land: what the linker needs.
 */
#include <stdarg.h>
#include "arch/x86_64/early_console.h"
#include "core/printk.h"
#include "core/panic.h"
#include "lib/printf.h"
#include "mem/memmap.h"
#include "mem/buddy.h"
#include <arch/cpu.h>
#define WEAK __attribute__((weak))
#include <arch/irqchip.h>
#include <arch/upcalls.h>
#include <arch/usercopy.h>
#include "arch/x86_64/interrupts.h"
#include "mem/slab.h"
WEAK int upcall_page_fault(struct pt_regs *regs, uaddr_t addr, uint32_t access) { panic_regs(regs, "user page fault %#lx rip %#lx", addr, regs->rip); }
WEAK void upcall_user_exception(struct pt_regs *regs, uint32_t trap, uint64_t error_code, uaddr_t addr) { panic_regs(regs, "user exception %u", trap); }
WEAK void upcall_timer_irq(struct pt_regs *regs) { pr_info("tick\n"); }
WEAK void upcall_ipi_wake(void) { }
WEAK void upcall_exit_to_user(struct pt_regs *regs) { arch_current()->flags = 0; }
WEAK void upcall_thread_first_run(struct arch_thread *prev) { }
WEAK void upcall_syscall_traced(struct pt_regs *regs) { }
WEAK struct pt_regs *task_regs(void);
WEAK struct pt_regs *task_regs(void) { return arch_user_regs(arch_current()->stack_top); }
