/*
 * What the CPU knows of a thread: its stack, FS and GS bases, FPU state, and the two words that the
 * entry code tests on its way in and out.
 *
 * struct arch_thread is the first member of struct thread (sched), at offset 0. current_thread is
 * the per-CPU pointer to the running one. The kernel stack is KSTACK_SIZE bytes (arch/layout.h);
 * the user's registers stand at its very top. A fast system call does not save rbx, rbp and r12 to
 * r15 there: those six are valid in upcall_exit_to_user(), in exceptions and interrupts, in traced
 * calls, and in handlers marked full, nowhere else.
 */
#pragma once

#include <asm/ptrace.h>

#include "arch/layout.h"
#include "arch/percpu.h"

struct fpu_state;

struct arch_thread {
	uint32_t flags     __atomic; /* not 0: upcall_exit_to_user() before user mode (bits are the
	                                upper floors'; set from any CPU by atomic or) */
	uint32_t traced    __atomic; /* not 0: system calls go to upcall_syscall_traced() */
	uint64_t kernel_sp __owned_by_cpu; /* where it stopped, while switched out */
	uint64_t stack_top __const_after_init; /* one past the kernel stack */
	/* of user mode; right while switched out, see arch_thread_set_fs_base() */
	uint64_t fs_base;
	uint64_t gs_base;
	struct fpu_state *fpu; /* NULL for a kernel thread; owned by the thread */
	uint64_t canary __const_after_init; /* what the compiler's stack protector expects */
	uint64_t fixup_only; /* > 0: a fault in a user copy fails at once, see arch/usercopy.h */
};

#define ARCH_THREAD_FLAGS  0 /* offsets for the entry code, checked in thread.c */
#define ARCH_THREAD_TRACED 4

DECLARE_PER_CPU(struct arch_thread *, current_thread);

/* The running thread's; the compiler's code compares it with what it has put on the stack. */
DECLARE_PER_CPU(uint64_t, stack_canary);

/* The same for clang, which can only be told of a variable that all threads share. */
extern uint64_t __stack_chk_guard __const_after_init;

static inline struct arch_thread *arch_current(void)
{
	return this_cpu_read(current_thread);
}

/* Secret; canaries of threads are made from them. boot_relocate() draws them. */
extern uint64_t canary_keys[2] __const_after_init;

/* Its lowest byte is 0, so that no string reads or writes it. */
#define CANARY_MASK (~0xfful)

/* The user's registers of a thread whose stack ends at stack_top. */
static inline struct pt_regs *arch_user_regs(uint64_t stack_top)
{
	return (struct pt_regs *)stack_top - 1;
}

/*
 * The first switch to t calls upcall_thread_first_run(), then fn(arg) with interrupts on. fn does
 * not return, except after arch_thread_set_user_regs() made it a user thread: then it goes to user
 * mode. Other fields of t are zero or the caller's.
 */
void arch_thread_init_kernel(struct arch_thread *t, uint64_t stack_top, void (*fn)(void *),
                             void *arg);

/*
 * The first switch to t calls upcall_thread_first_run() and goes to user mode with these registers.
 */
void arch_thread_init_user(struct arch_thread *t, uint64_t stack_top, const struct pt_regs *regs);

/* Adopts the boot stack's context as t (the first thread of a CPU) and makes it current. */
void arch_thread_init_boot(struct arch_thread *t, uint64_t stack_top);

/*
 * Leaves prev, continues next. Interrupts off. Returns when somebody switches to prev again;
 * the result is the thread that ran on this CPU just before. Saves FPU state and user segment bases
 * of prev, loads next's, sets current_thread and the entry stack. Address spaces are the caller's
 * (mmu_activate).
 */
struct arch_thread *arch_switch(struct arch_thread *prev, struct arch_thread *next);

/* Registers of a fresh program: all zero but these; user selectors, interrupts on. */
void arch_regs_init_user(struct pt_regs *regs, uaddr_t entry, uaddr_t sp);

/*
 * Drops the current kernel context and enters user mode with the registers at the top of the
 * current stack.
 */
__noreturn void arch_enter_user(void);

/*
 * Segment bases of a thread that is current or switched out for good (a stopped tracee, a new
 * thread). -EPERM if the address is not the user's (as arch_prctl(2)).
 */
__must_check int arch_thread_set_fs_base(struct arch_thread *t, uaddr_t base);
__must_check int arch_thread_set_gs_base(struct arch_thread *t, uaddr_t base);
uaddr_t arch_thread_fs_base(const struct arch_thread *t);
uaddr_t arch_thread_gs_base(const struct arch_thread *t);

/*
 * After registers were changed from outside (ptrace, a signal frame): selectors, flags and rip made
 * harmless.
 */
void arch_regs_sanitize(struct pt_regs *regs);

/* What a system call's registers mean. */
static inline long arch_syscall_nr(const struct pt_regs *regs)     { return (long)regs->orig_rax; }
static inline long arch_syscall_result(const struct pt_regs *regs) { return (long)regs->rax; }
static inline void arch_syscall_args(const struct pt_regs *regs, long args[6])
{
	args[0] = (long)regs->rdi;
	args[1] = (long)regs->rsi;
	args[2] = (long)regs->rdx;
	args[3] = (long)regs->r10;
	args[4] = (long)regs->r8;
	args[5] = (long)regs->r9;
}

static inline void arch_syscall_set_result(struct pt_regs *regs, long value)
{
	regs->rax = (unsigned long)value;
}

/* The interrupted call will be made again, with number nr (orig_rax, or __NR_restart_syscall). */
static inline void arch_syscall_restart(struct pt_regs *regs, long nr)
{
	regs->rax = (unsigned long)nr;
	regs->rip -= 2;
}

static inline bool arch_regs_from_user(const struct pt_regs *regs)
{
	return regs->cs & 3;
}
