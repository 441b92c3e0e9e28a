/*
 * Backtraces by frame pointers, and registers in words.
 *
 * A frame is believed only if it lies on a stack that the kernel knows (the thread's, an entry
 * stack of this CPU, the boot stack) and above the one before it.
 */
#include <arch/trace.h>

#include <arch/cpu.h>
#include <arch/thread.h>
#include <arch/usercopy.h>

#include "arch/x86_64/entry.h"
#include "arch/x86_64/image.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/segments.h"
#include "core/printk.h"
#include "core/symbols.h"
#include "lib/printf.h"

struct frame {
	uint64_t next, return_address;
};

static bool is_within(uint64_t address, uint64_t start, uint64_t end)
{
	return address >= start && address < end;
}

/* The end of the stack that the address lies on; false if it is on none. */
static bool find_stack(uint64_t address, uint64_t *end)
{
	const struct arch_thread *thread = arch_current();

	if (thread && is_within(address, thread->stack_top - KSTACK_SIZE, thread->stack_top)) {
		*end = thread->stack_top;
		return true;
	}
	if (is_within(address, (uint64_t)boot_stack, (uint64_t)boot_stack_top)) {
		*end = (uint64_t)boot_stack_top;
		return true;
	}
	return segments_find_stack(address, end);
}

static bool is_text(uint64_t address)
{
	return is_within(address, (uint64_t)text_start, (uint64_t)text_end) ||
	       is_within(address, (uint64_t)ktest_start, (uint64_t)init_end);
}

/* Follows frames below end; goes on to another stack only if that is one too. */
static size_t walk(uint64_t rbp, uint64_t end, uint64_t *addresses, size_t max)
{
	size_t n = 0;
	struct frame frame;

	while (n < max && !(rbp & 7) && rbp + sizeof(frame) <= end) {
		if (!kernel_read_nofault(&frame, (const void *)rbp, sizeof(frame)))
			break;
		if (!is_text(frame.return_address))
			break;
		addresses[n++] = frame.return_address;
		if (frame.next <= rbp || frame.next >= end) {
			if (frame.next == rbp || !find_stack(frame.next, &end))
				break;
		}
		rbp = frame.next;
	}
	return n;
}

/* After a jump to nowhere: the return address of the call that did it is what was pushed last. */
static size_t called_from(uint64_t rsp, uint64_t *address)
{
	return kernel_read_nofault(address, (const void *)rsp, sizeof(*address)) &&
	       is_text(*address);
}

size_t backtrace_collect(const struct pt_regs *regs, uint64_t *addresses, size_t max)
{
	uint64_t rbp = regs ? regs->rbp : (uint64_t)__builtin_frame_address(0);
	uint64_t end;
	size_t n = 0;

	if (max == 0 || (regs && arch_regs_from_user(regs)))
		return 0;
	if (regs && is_text(regs->rip))
		addresses[n++] = regs->rip;
	else if (regs && find_stack(regs->rsp, &end))
		n += called_from(regs->rsp, addresses);
	if (!find_stack(rbp, &end))
		return n;
	return n + walk(rbp, end, addresses + n, max - n);
}

size_t backtrace_collect_switched(uint64_t kernel_sp, uint64_t *addresses, size_t max)
{
	enum { SAVED_RBP = 5 * 8, SAVED_RETURN = 6 * 8 }; /* as switch_stacks() pushes */
	uint64_t rbp, rip;

	if (max == 0 || !kernel_read_nofault(&rbp, (const void *)(kernel_sp + SAVED_RBP), 8) ||
	    !kernel_read_nofault(&rip, (const void *)(kernel_sp + SAVED_RETURN), 8) ||
	    !is_text(rip))
		return 0;
	addresses[0] = rip;
	if (!is_within(rbp, kernel_sp, kernel_sp + KSTACK_SIZE))
		return 1;
	return 1 + walk(rbp, kernel_sp + KSTACK_SIZE, addresses + 1, max - 1);
}

bool regs_are_idle(const struct pt_regs *regs)
{
	static const uint8_t hlt = 0xf4;

	return is_text(regs->rip) && (regs->eflags & EFLAGS_IF) &&
	       ((const uint8_t *)regs->rip)[-1] == hlt;
}

void regs_print(int level, const struct pt_regs *regs)
{
	char where[160];

	if (arch_regs_from_user(regs))
		scnprintf(where, sizeof(where), "user %#lx", regs->rip);
	else
		symbol_format(regs->rip, false, where, sizeof(where));
	log_printf(level, "rip %s\n", where);
	log_printf(level, "rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", regs->rax, regs->rbx,
	           regs->rcx, regs->rdx);
	log_printf(level, "rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx\n", regs->rsi, regs->rdi,
	           regs->rbp, regs->rsp);
	log_printf(level, "r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n", regs->r8, regs->r9,
	           regs->r10, regs->r11);
	log_printf(level, "r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n", regs->r12, regs->r13,
	           regs->r14, regs->r15);
	log_printf(level, "cs %02lx  ss %02lx  eflags %08lx\n", regs->cs, regs->ss, regs->eflags);
}

void regs_print_control(void)
{
	pr_emerg("cr0 %08lx  cr2 %016lx  cr3 %012lx  cr4 %08lx\n", cr0_read(), cr2_read(),
	         cr3_read(), cr4_read());
}
