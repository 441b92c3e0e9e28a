/*
 * getrusage(2), times(2): what has been used.
 */
#include "syscall/usage.h"

#include <linux/errno.h>
#include <linux/resource.h>
#include <linux/times.h>

#include "proc/proc.h"
#include "proc/wait.h"
#include "sched/clock.h"
#include "syscall/prototypes.h"
#include "vm/space.h"
#include "vm/usercopy.h"

#define NS_PER_TICK (NS_PER_SEC / 100) /* USER_HZ */

static struct __kernel_old_timeval to_timeval(ns_t ns)
{
	return (struct __kernel_old_timeval){
		.tv_sec = ns / NS_PER_SEC,
		.tv_usec = ns % NS_PER_SEC / NS_PER_USEC,
	};
}

void usage_to_rusage(const struct usage *usage, struct rusage *rusage)
{
	*rusage = (struct rusage){
		.ru_utime = to_timeval(usage->user_ns),
		.ru_stime = to_timeval(usage->system_ns),
		.ru_maxrss = (long)(usage->max_rss_pages * (PAGE_SIZE / 1024)),
		.ru_minflt = (long)usage->min_faults,
		.ru_majflt = (long)usage->maj_faults,
		.ru_nvcsw = (long)usage->voluntary_switches,
		.ru_nivcsw = (long)usage->involuntary_switches,
	};
}

static void usage_of_children(struct proc *proc, struct usage *usage)
{
	unsigned long flags = spin_lock_irqsave(&proc->lock);

	*usage = proc->child_usage;
	spin_unlock_irqrestore(&proc->lock, flags);
}

long sys_getrusage(int who, struct rusage __user *out)
{
	struct task *task = task_current();
	struct rusage rusage;
	struct usage usage;

	switch (who) {
	case RUSAGE_SELF:
		proc_usage(task->proc, &usage);
		break;
	case RUSAGE_CHILDREN:
		usage_of_children(task->proc, &usage);
		break;
	case RUSAGE_THREAD:
		task_usage(task, &usage);
		usage.max_rss_pages = space_hiwater_rss(task->space);
		break;
	default:
		return -EINVAL;
	}
	usage_to_rusage(&usage, &rusage);
	return copy_to_user(out, &rusage, sizeof(rusage));
}

long sys_times(struct tms __user *out)
{
	struct usage self, children;
	struct tms tms;

	if (out) {
		proc_usage(proc_current(), &self);
		usage_of_children(proc_current(), &children);
		tms = (struct tms){
			.tms_utime = self.user_ns / NS_PER_TICK,
			.tms_stime = self.system_ns / NS_PER_TICK,
			.tms_cutime = children.user_ns / NS_PER_TICK,
			.tms_cstime = children.system_ns / NS_PER_TICK,
		};
		if (copy_to_user(out, &tms, sizeof(tms)))
			return -EFAULT;
	}
	return clock_monotonic() / NS_PER_TICK;
}
