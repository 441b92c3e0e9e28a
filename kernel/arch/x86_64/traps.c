/*
 * Exceptions: the vector table, and what each exception means.
 *
 * User code's exceptions go up as signals, page faults on user addresses go up to be resolved. What
 * the kernel does wrong is a panic, except where the exception table has a way on (user copies).
 * Interrupts are as they were before the exception while the kernel's is handled, on while user
 * code's is.
 */
#include <arch/cpu.h>
#include <arch/irqchip.h>
#include <arch/layout.h>
#include <arch/trace.h>
#include <arch/upcalls.h>
#include <arch/usercopy.h>

#include "arch/x86_64/entry.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/setup.h"
#include "arch/x86_64/tables.h"
#include "core/irq.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/symbols.h"

enum exception {
	DIVIDE = 0, DEBUG_TRAP = 1, NMI = 2, BREAKPOINT = 3, OVERFLOW = 4, BOUND = 5,
	INVALID_OPCODE = 6,
	DEVICE_NOT_AVAILABLE = 7, DOUBLE_FAULT = 8, INVALID_TSS = 10, SEGMENT_MISSING = 11,
	STACK_SEGMENT = 12, GENERAL_PROTECTION = 13, PAGE_FAULT = 14, FPU_ERROR = 16,
	ALIGNMENT = 17, MACHINE_CHECK = 18, SIMD_ERROR = 19, EXCEPTIONS = 32, VECTORS = 256,
};

/* Bits of a page fault's error code. */
enum { PF_PRESENT = 1, PF_WRITE = 2, PF_USER = 4, PF_RESERVED = 8, PF_EXEC = 16 };

struct gate {
	uint16_t offset_low, selector;
	uint8_t  ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, reserved;
};

static struct gate idt[VECTORS] __aligned(16) __ro_after_init;
static struct cpu_stacks boot_stacks __section(".bss.page_aligned");
static DEFINE_PER_CPU(const struct pt_regs *, fatal_regs);
static DEFINE_PER_CPU(const struct pt_regs *, interrupted_regs);

static const char *const exception_names[EXCEPTIONS] = {
	[DIVIDE] = "divide error", [DEBUG_TRAP] = "debug trap", [NMI] = "non-maskable interrupt",
	[BREAKPOINT] = "breakpoint", [OVERFLOW] = "overflow", [BOUND] = "bound range exceeded",
	[INVALID_OPCODE] = "invalid opcode", [DEVICE_NOT_AVAILABLE] = "FPU not available",
	[DOUBLE_FAULT] = "double fault", [INVALID_TSS] = "invalid task state",
	[SEGMENT_MISSING] = "segment not present", [STACK_SEGMENT] = "stack segment fault",
	[GENERAL_PROTECTION] = "general protection fault", [PAGE_FAULT] = "page fault",
	[FPU_ERROR] = "FPU exception", [ALIGNMENT] = "alignment check",
	[MACHINE_CHECK] = "machine check", [SIMD_ERROR] = "SIMD exception",
};

#define CHECK_OFFSET(constant, field) \
	static_assert(constant == __builtin_offsetof(struct pt_regs, field), #field)
CHECK_OFFSET(REGS_R15, r15);
CHECK_OFFSET(REGS_R14, r14);
CHECK_OFFSET(REGS_R13, r13);
CHECK_OFFSET(REGS_R12, r12);
CHECK_OFFSET(REGS_RBP, rbp);
CHECK_OFFSET(REGS_RBX, rbx);
CHECK_OFFSET(REGS_R11, r11);
CHECK_OFFSET(REGS_R10, r10);
CHECK_OFFSET(REGS_R9, r9);
CHECK_OFFSET(REGS_R8, r8);
CHECK_OFFSET(REGS_RAX, rax);
CHECK_OFFSET(REGS_RCX, rcx);
CHECK_OFFSET(REGS_RDX, rdx);
CHECK_OFFSET(REGS_RSI, rsi);
CHECK_OFFSET(REGS_RDI, rdi);
CHECK_OFFSET(REGS_ORIG_RAX, orig_rax);
CHECK_OFFSET(REGS_RIP, rip);
CHECK_OFFSET(REGS_CS, cs);
CHECK_OFFSET(REGS_EFLAGS, eflags);
CHECK_OFFSET(REGS_RSP, rsp);
CHECK_OFFSET(REGS_SS, ss);
static_assert(REGS_SIZE == sizeof(struct pt_regs), "size of struct pt_regs");
static_assert(THREAD_FLAGS == __builtin_offsetof(struct arch_thread, flags), "flags");
static_assert(THREAD_TRACED == __builtin_offsetof(struct arch_thread, traced), "traced");
static_assert(THREAD_CANARY == __builtin_offsetof(struct arch_thread, canary), "canary");
static_assert(THREAD_KERNEL_SP == __builtin_offsetof(struct arch_thread, kernel_sp), "kernel_sp");

/* ---- the table ---------------------------------------------------------------------------- */

static void set_gate(unsigned int vector, const char *stub, unsigned int ist, unsigned int dpl)
{
	uint64_t address = (uint64_t)stub;

	idt[vector] = (struct gate){
		.offset_low = (uint16_t)address, .offset_middle = (uint16_t)(address >> 16),
		.offset_high = (uint32_t)(address >> 32), .selector = KERNEL_CS,
		.ist = (uint8_t)ist, .type = (uint8_t)(0x8e | dpl << 5),
	};
}

static unsigned int ist_of(unsigned int vector)
{
	switch (vector) {
	case DEBUG_TRAP:
		return IST_DEBUG;
	case NMI:
		return IST_NMI;
	case DOUBLE_FAULT:
		return IST_DOUBLE_FAULT;
	case MACHINE_CHECK:
		return IST_MACHINE_CHECK;
	default:
		return IST_NONE;
	}
}

static void load_idt(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed pointer = { sizeof(idt) - 1, (uint64_t)idt };

	__asm__ volatile("lidt %0" : : "m"(pointer));
}

static void init_syscall_registers(void)
{
	msr_write(MSR_STAR, (uint64_t)USER32_CS << 48 | (uint64_t)KERNEL_CS << 32);
	msr_write(MSR_LSTAR, (uint64_t)syscall_entry);
	msr_write(MSR_SYSCALL_MASK, EFLAGS_IF | EFLAGS_TF | EFLAGS_DF | EFLAGS_AC | EFLAGS_NT |
	          EFLAGS_IOPL | EFLAGS_RF | EFLAGS_CF);
}

void traps_init_cpu(struct cpu_stacks *stacks)
{
	segments_init_cpu(stacks);
	load_idt();
	init_syscall_registers();
}

void traps_init(void)
{
	for (unsigned int i = 0; i < EXCEPTIONS; i++) {
		unsigned int dpl = i == BREAKPOINT || i == OVERFLOW ? 3 : 0;

		set_gate(i, exception_stubs + i * STUB_SIZE, ist_of(i), dpl);
	}
	for (unsigned int i = EXCEPTIONS; i < VECTORS; i++)
		set_gate(i, interrupt_stubs + (i - EXCEPTIONS) * INTERRUPT_STUB_SIZE, IST_NONE, 0);
	traps_init_cpu(&boot_stacks);
}

/* ---- the kernel's own -------------------------------------------------------------------- */

const struct pt_regs *trap_regs_current(void)
{
	return this_cpu_read(fatal_regs);
}

const struct pt_regs *trap_regs_interrupted(void)
{
	return this_cpu_read(interrupted_regs);
}

static __noreturn void kernel_died(struct pt_regs *regs, uint64_t vector, uint64_t error)
{
	const char *name = vector < EXCEPTIONS ? exception_names[vector] : NULL;

	this_cpu_write(fatal_regs, regs);
	if (DEBUG && vector == INVALID_OPCODE)
		panic_undefined(regs); /* the compiler's checks end in ud2 */
	panic_regs(regs, "%s in the kernel, error code %#lx", name ? name : "unknown exception",
	           error);
}

static __noreturn void kernel_page_fault_died(struct pt_regs *regs, uint64_t addr, uint64_t error)
{
	const char *what = error & PF_EXEC ? "execute" : error & PF_WRITE ? "write" : "read";

	this_cpu_write(fatal_regs, regs);
	if (addr < PAGE_SIZE)
		panic_regs(regs, "the kernel tried to %s at %#lx: NULL pointer", what, addr);
	if (error & PF_RESERVED)
		panic_regs(regs, "corrupted page table at %#lx", addr);
	panic_regs(regs, "the kernel tried to %s at %#lx, which is %s", what, addr,
	           error & PF_PRESENT ? "protected" : "not mapped");
}

static __noreturn void stack_overflow_died(struct pt_regs *regs)
{
	char where[160];

	symbol_format(regs->rip, false, where, sizeof(where));
	panic_regs(regs, "kernel stack overflow in %s, rsp %#lx", where, regs->rsp);
}

static bool is_stack_guard(uint64_t addr)
{
	const struct arch_thread *thread = arch_current();
	uint64_t bottom = thread ? thread->stack_top - KSTACK_SIZE : 0;

	return addr < bottom && addr >= bottom - PAGE_SIZE;
}

/* It comes of pushing onto a stack that has run into its guard page. */
static __noreturn void double_fault_died(struct pt_regs *regs)
{
	this_cpu_write(fatal_regs, regs);
	if (is_stack_guard(cr2_read()))
		stack_overflow_died(regs);
	panic_regs(regs, "double fault");
}

/* ---- page faults --------------------------------------------------------------------------- */

static uint32_t access_of(uint64_t error)
{
	uint32_t access = 0;

	access |= error & PF_WRITE ? FAULT_WRITE : 0;
	access |= error & PF_EXEC ? FAULT_EXEC : 0;
	access |= error & PF_PRESENT ? FAULT_PRESENT : 0;
	return access;
}

static bool copy_may_sleep(const struct pt_regs *regs)
{
	const struct arch_thread *thread = arch_current();

	return (regs->eflags & EFLAGS_IF) && thread && thread->fixup_only == 0;
}

static void kernel_page_fault(struct pt_regs *regs, uint64_t addr, uint64_t error)
{
	bool in_copy = extable_has(regs->rip);

	if (in_copy && addr < USER_MAX && copy_may_sleep(regs) && !(error & PF_RESERVED)) {
		irq_enable();
		int err = upcall_page_fault(regs, addr, access_of(error));

		irq_disable();
		if (err == 0)
			return;
	}
	if (addr >= USER_MAX && !(error & PF_PRESENT) && kernel_half_sync(addr))
		return;
	if (!extable_fixup(regs))
		kernel_page_fault_died(regs, addr, error);
}

static void user_page_fault(struct pt_regs *regs, uint64_t addr, uint64_t error)
{
	irq_enable();
	if (error & PF_RESERVED)
		panic_regs(regs, "corrupted page table at user address %#lx", addr);
	upcall_page_fault(regs, addr, access_of(error) | FAULT_USER);
}

/* ---- dispatch ------------------------------------------------------------------------------ */

/*
 * A single step that began in user mode and trapped on a kernel instruction, or stray debug state.
 */
static void kernel_debug_trap(struct pt_regs *regs)
{
	__asm__ volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ul));
	regs->eflags &= ~EFLAGS_TF;
}

static void user_exception(struct pt_regs *regs, uint64_t vector, uint64_t error)
{
	uaddr_t addr = regs->rip;

	if (vector == DEBUG_TRAP)
		__asm__ volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ul));
	if (vector == MACHINE_CHECK)
		kernel_died(regs, vector, error);
	irq_enable();
	upcall_user_exception(regs, (uint32_t)vector, error, addr);
}

void exception_handle(struct pt_regs *regs, uint64_t vector)
{
	uint64_t addr = cr2_read(); /* before another fault can replace it */
	uint64_t error = regs->orig_rax;

	regs->orig_rax = ~0ul;
	if (vector == PAGE_FAULT) {
		if (regs->cs & 3)
			user_page_fault(regs, addr, error);
		else
			kernel_page_fault(regs, addr, error);
		return;
	}
	if (regs->cs & 3)
		user_exception(regs, vector, error);
	else if (vector != GENERAL_PROTECTION || !extable_fixup(regs))
		kernel_died(regs, vector, error);
}

void exception_handle_paranoid(struct pt_regs *regs, uint64_t vector)
{
	uint64_t error = regs->orig_rax;

	switch (vector) {
	case DEBUG_TRAP:
		kernel_debug_trap(regs);
		return;
	case NMI:
		upcall_nmi(regs);
		return;
	case DOUBLE_FAULT:
		double_fault_died(regs);
	default:
		kernel_died(regs, vector, error);
	}
}

static void interrupt_dispatch(struct pt_regs *regs, uint64_t vector)
{
	switch (vector) {
	case VECTOR_SPURIOUS:
		return;
	case VECTOR_TIMER:
		irqchip_eoi();
		upcall_timer_irq(regs);
		return;
	case VECTOR_IPI_WAKE:
		irqchip_eoi();
		upcall_ipi_wake();
		return;
	case VECTOR_IPI_STOP:
		irqchip_eoi();
		upcall_ipi_stop(regs);
	case VECTOR_IPI_FLUSH:
	case VECTOR_ERROR:
		interrupt_handle_internal(vector);
		return;
	default:
		/* a level that the handler has not taken away would come again at once */
		upcall_irq((uint8_t)vector);
		irqchip_eoi();
		return;
	}
}

void interrupt_handle(struct pt_regs *regs, uint64_t vector)
{
	this_cpu_write(interrupted_regs, regs);
	irq_count((uint8_t)vector);
	interrupt_dispatch(regs, vector);
	this_cpu_write(interrupted_regs, NULL);
}

/* The slow way out: interrupts off on entry and on return. */
void exit_to_user(struct pt_regs *regs)
{
	while (READ_ONCE(arch_current()->flags)) {
		irq_enable();
		upcall_exit_to_user(regs);
		irq_disable();
	}
}
