/*
 * Exceptions and page faults of user code become signals: the upcalls of arch/, and the last stop
 * before user mode.
 */
#include <asm/signal.h>
#include <linux/errno.h>

#include "abi/siginfo.h"
#include "arch/fpu.h"
#include "arch/upcalls.h"
#include "mem/alloc.h"
#include "proc/proc.h"
#include "proc/rseq.h"
#include "proc/signal.h"
#include "sched/sched.h"
#include "vm/fault.h"
#include "vm/reclaim.h"

/* Vectors of the processor: Intel SDM volume 3, 6.15. */
enum {
	TRAP_DIVIDE = 0, TRAP_DEBUG = 1, TRAP_BREAKPOINT = 3, TRAP_OVERFLOW = 4, TRAP_BOUND = 5,
	TRAP_INVALID_OPCODE = 6, TRAP_SEGMENT = 11, TRAP_STACK = 12, TRAP_PROTECTION = 13,
	TRAP_PAGE = 14,
	TRAP_X87 = 16, TRAP_ALIGNMENT = 17, TRAP_SIMD = 19,
};

struct trap_signal {
	int signo, code;
	bool has_address;
};

static const struct trap_signal trap_signals[32] = {
	[TRAP_DIVIDE] = { SIGFPE, FPE_INTDIV, true },
	[TRAP_DEBUG] = { SIGTRAP, TRAP_TRACE, true },
	[TRAP_BREAKPOINT] = { SIGTRAP, 0x80, false },
	[TRAP_OVERFLOW] = { SIGSEGV, 0x80, false },
	[TRAP_BOUND] = { SIGSEGV, 0x80, false },
	[TRAP_INVALID_OPCODE] = { SIGILL, ILL_ILLOPN, true },
	[TRAP_SEGMENT] = { SIGBUS, 0x80, false },
	[TRAP_STACK] = { SIGBUS, 0x80, false },
	[TRAP_PROTECTION] = { SIGSEGV, 0x80, false },
	[TRAP_X87] = { SIGFPE, 0, true },
	[TRAP_ALIGNMENT] = { SIGBUS, BUS_ADRALN, true },
	[TRAP_SIMD] = { SIGFPE, 0, true },
};

static void note_trap(uint32_t trap, uint64_t error_code, uaddr_t addr)
{
	struct task *task = task_current();

	task->trap_number = trap;
	task->trap_error = error_code;
	task->trap_address = addr;
}

/* The first of the exceptions that the FPU tells, in Linux's order. */
static int fpu_code(uint32_t trap)
{
	uint32_t told = fpu_exceptions(trap == TRAP_SIMD);

	return told & 1	     ? FPE_FLTINV
	       : told & 4    ? FPE_FLTDIV
	       : told & 8    ? FPE_FLTOVF
	       : told & 0x12 ? FPE_FLTUND
	       : told & 0x20 ? FPE_FLTRES
			     : 0;
}

void upcall_user_exception(struct pt_regs *regs, uint32_t trap, uint64_t error_code, uaddr_t addr)
{
	struct trap_signal how = trap_signals[trap & 31];
	siginfo_t info;

	if (!how.signo)
		how = (struct trap_signal){ SIGSEGV, 0x80, false };
	note_trap(trap, error_code, task_current()->trap_address);
	siginfo_init(&info, how.signo, how.code ? how.code : fpu_code(trap));
	if (how.has_address)
		info.si_addr = (void *)addr;
	signal_force(how.signo, &info);
}

static void count_fault(const struct fault_result *result)
{
	struct task *task = task_current();

	if (result->is_major)
		task->maj_faults++;
	else
		task->min_faults++;
}

static void signal_fault(const struct fault_result *result, uaddr_t addr, uint32_t access)
{
	siginfo_t info;

	siginfo_init(&info, result->signo, result->code);
	info.si_addr = (void *)addr;
	/* The error code as the processor gives it: present, write, user, fetch. */
	note_trap(TRAP_PAGE, (access & FAULT_PRESENT ? 1 : 0) | (access & FAULT_WRITE ? 2 : 0) | 4 |
			     (access & FAULT_EXEC ? 16 : 0), addr);
	signal_force(result->signo, &info);
}

/* Another has run on this CPU since then: what user mode began here, rseq(2) ends. */
static void notice_sleep(struct task *task, uint64_t switches)
{
	if (task->rseq_area && task->thread.switches_voluntary != switches)
		thread_set_flag(&task->thread, TF_NOTIFY);
}

int upcall_page_fault(struct pt_regs *regs, uaddr_t addr, uint32_t access)
{
	struct thread *thread = thread_current();
	struct fault_result result;
	struct space *space;
	uint64_t switches;
	int err;

	if (!thread_is_task(thread) || !(space = task_current()->space))
		return -EFAULT;
	switches = thread->switches_voluntary;
	err = space_fault(space, addr, access, &result);
	notice_sleep(task_current(), switches);
	if (!err) {
		count_fault(&result);
		return 0;
	}
	if (err == -ENOMEM && !signal_is_fatal_pending()) {
		if (oom_invoke(0, ALLOC_USER))
			return 0;
		signal_force(SIGKILL, SIGINFO_KERNEL);
	}
	if (err == -EFAULT && (access & FAULT_USER))
		signal_fault(&result, addr, access);
	return access & FAULT_USER ? 0 : -EFAULT;
}

void upcall_exit_to_user(struct pt_regs *regs)
{
	struct thread *thread = thread_current();

	if (thread_test_flag(thread, TF_SCHED_WORK) && sched_exit_work())
		thread_set_flag(thread, TF_NOTIFY);
	if (thread_test_flag(thread, TF_NOTIFY)) {
		thread_clear_flag(thread, TF_NOTIFY);
		rseq_resume(regs);
	}
	if (thread_test_flag(thread, TF_SIGNAL | TF_KILLED | TF_RESTORE_MASK))
		signal_deliver(regs);
}
