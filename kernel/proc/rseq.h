/*
 * Restartable sequences, rseq(2): user code that works on per-CPU data is sent to its abort handler
 * when it was preempted, moved, interrupted by a signal or slept in a page fault inside a critical
 * section, and always knows its CPU.
 *
 * The area is the program's memory: it is only touched on the way to user mode, where a fault may
 * sleep.
 */
#pragma once

#include "lib/types.h"
#include "proc/task.h"

struct pt_regs;

/* Registers `area`, or takes it away (`unregister`). -EINVAL, -EBUSY, -EPERM. */
int __must_check rseq_register(uaddr_t area, uint32_t size, uint32_t signature);
int __must_check rseq_unregister(uaddr_t area, uint32_t size, uint32_t signature);

/*
 * Before user mode goes on at regs, which it left by preemption, signal, migration or a fault that
 * slept. Bad memory: SIGSEGV.
 */
void rseq_resume_registered(struct pt_regs *regs);
static inline void rseq_resume(struct pt_regs *regs)
{
	if (task_current()->rseq_area)
		rseq_resume_registered(regs);
}
