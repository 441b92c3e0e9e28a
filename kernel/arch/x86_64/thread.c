/*
 * Threads: their first stack frame, the switch, segment bases, and user registers made harmless.
 *
 * FS and GS bases of user mode live in the CPU while the thread runs (a program may set them itself
 * where the CPU has FSGSBASE) and in struct arch_thread while it does not. Kernel threads leave
 * them alone.
 */
#include <arch/thread.h>

#include <linux/errno.h>

#include <arch/cpu.h>
#include <arch/upcalls.h>

#include "arch/x86_64/entry.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/segments.h"
#include "lib/hash.h"
#include "lib/string.h"

DEFINE_PER_CPU(struct arch_thread *, current_thread);
DEFINE_PER_CPU(uint64_t, stack_canary);
uint64_t __stack_chk_guard __ro_after_init;
uint64_t canary_keys[2] __ro_after_init;

/* What switch_stacks() finds on the stack of a thread that has never run. */
struct first_frame {
	uint64_t r15, r14, r13, r12, rbx, rbp;
	uint64_t return_address;
};

#define EFLAGS_USER_SETTABLE 0x254dd5ul /* CF PF AF ZF SF TF DF OF RF AC ID; not IF, IOPL, NT, VM */

/* Nobody who has seen some can tell another without the keys. */
static uint64_t canary_for(const struct arch_thread *t)
{
	uint64_t word = hash_u64(hash_pointer(t) ^ cpu_cycles() ^ canary_keys[0]);

	return hash_u64(word ^ canary_keys[1]) & CANARY_MASK;
}

static struct first_frame *push_first_frame(struct arch_thread *t, uint64_t stack_top)
{
	struct first_frame *frame = (struct first_frame *)arch_user_regs(stack_top) - 1;

	*frame = (struct first_frame){ 0 };
	t->stack_top = stack_top;
	t->kernel_sp = (uint64_t)frame;
	t->canary = canary_for(t);
	return frame;
}

void arch_thread_init_kernel(struct arch_thread *t, uint64_t stack_top, void (*fn)(void *),
                             void *arg)
{
	struct first_frame *frame = push_first_frame(t, stack_top);

	memset(arch_user_regs(stack_top), 0, sizeof(struct pt_regs));
	frame->rbx = (uint64_t)fn;
	frame->r12 = (uint64_t)arg;
	frame->return_address = (uint64_t)thread_start_kernel;
}

void arch_thread_init_user(struct arch_thread *t, uint64_t stack_top, const struct pt_regs *regs)
{
	struct first_frame *frame = push_first_frame(t, stack_top);

	*arch_user_regs(stack_top) = *regs;
	frame->return_address = (uint64_t)thread_start_user;
}

void arch_thread_init_boot(struct arch_thread *t, uint64_t stack_top)
{
	t->stack_top = stack_top;
	t->canary = this_cpu_read(stack_canary); /* there are frames already */
	this_cpu_write(current_thread, t);
	segments_set_kernel_stack(stack_top);
}

/* ---- segment bases ------------------------------------------------------------------------- */

static uint64_t live_fs_base(void)
{
	uint64_t base;

	if (!cpu_has(CPU_FSGSBASE))
		return msr_read(MSR_FS_BASE);
	__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

static void write_live_fs_base(uint64_t base)
{
	if (cpu_has(CPU_FSGSBASE))
		__asm__ volatile("wrfsbase %0" : : "r"(base));
	else
		msr_write(MSR_FS_BASE, base);
}

/* User mode's GS base is the inactive one while the kernel runs. */
static uint64_t live_gs_base(void)
{
	return msr_read(MSR_KERNEL_GS_BASE);
}

/* The same, faster; interrupts off. */
static uint64_t live_gs_base_quick(void)
{
	uint64_t base;

	if (!cpu_has(CPU_FSGSBASE))
		return live_gs_base();
	__asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(base) : : "memory");
	return base;
}

static void save_bases(struct arch_thread *t)
{
	if (!cpu_has(CPU_FSGSBASE))
		return; /* only arch_thread_set_*_base() changes them, and keeps t right */
	t->fs_base = live_fs_base();
	t->gs_base = live_gs_base_quick();
}

/* Writing a base is dear on some machines; most programs have the same GS base, 0. */
static void load_bases(const struct arch_thread *t)
{
	write_live_fs_base(t->fs_base);
	if (live_gs_base_quick() != t->gs_base)
		msr_write(MSR_KERNEL_GS_BASE, t->gs_base);
}

static bool is_live(const struct arch_thread *t)
{
	return t == arch_current();
}

int arch_thread_set_fs_base(struct arch_thread *t, uaddr_t base)
{
	if (base >= USER_MAX)
		return -EPERM;
	t->fs_base = base;
	if (is_live(t))
		write_live_fs_base(base);
	return 0;
}

int arch_thread_set_gs_base(struct arch_thread *t, uaddr_t base)
{
	if (base >= USER_MAX)
		return -EPERM;
	t->gs_base = base;
	if (is_live(t))
		msr_write(MSR_KERNEL_GS_BASE, base);
	return 0;
}

uaddr_t arch_thread_fs_base(const struct arch_thread *t)
{
	return is_live(t) ? live_fs_base() : t->fs_base;
}

uaddr_t arch_thread_gs_base(const struct arch_thread *t)
{
	return is_live(t) ? live_gs_base() : t->gs_base;
}

/* ---- the switch ---------------------------------------------------------------------------- */

struct arch_thread *arch_switch(struct arch_thread *prev, struct arch_thread *next)
{
	if (prev->fpu) {
		save_bases(prev);
		fpu_switch_out(prev->fpu);
	}
	if (next->fpu) {
		load_bases(next);
		fpu_switch_in(next->fpu);
	}
	this_cpu_write(current_thread, next);
	segments_set_kernel_stack(next->stack_top);
	return switch_stacks(prev, next);
}

/* ---- user registers ------------------------------------------------------------------------ */

void arch_regs_init_user(struct pt_regs *regs, uaddr_t entry, uaddr_t sp)
{
	*regs = (struct pt_regs){ .rip = entry, .rsp = sp };
	regs->orig_rax = ~0ul;
	arch_regs_sanitize(regs);
}

/*
 * iretq must not fault. A rip that is not canonical is moved into the kernel's half: user mode then
 * faults on its first fetch, which is what the program asked for.
 */
void arch_regs_sanitize(struct pt_regs *regs)
{
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->eflags = (regs->eflags & EFLAGS_USER_SETTABLE) | EFLAGS_IF | 2;
	if (regs->rip >> 47)
		regs->rip |= 0xffff800000000000ul;
}
