/*
 * rseq(2), membarrier(2).
 */
#include "proc/rseq.h"

#include <linux/errno.h>
#include <linux/membarrier.h>
#include <linux/rseq.h>

#include "arch/percpu.h"
#include "proc/proc.h"
#include "sched/rcu.h"
#include "syscall/prototypes.h"

long sys_rseq(struct rseq __user *area, uint32_t size, int flags, uint32_t signature)
{
	if (flags & RSEQ_FLAG_UNREGISTER)
		return flags == RSEQ_FLAG_UNREGISTER
			       ? rseq_unregister((uaddr_t)area, size, signature)
			       : -EINVAL;
	return flags ? -EINVAL : rseq_register((uaddr_t)area, size, signature);
}

#define MEMBARRIER_COMMANDS                                                                   \
	(MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |                            \
	 MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED |        \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)

/*
 * Every CPU that ran user code has passed through the kernel: a full barrier, and a serialising
 * return.
 */
static long barrier_everywhere(void)
{
	smp_mb();
	if (nr_cpus() > 1)
		rcu_synchronize();
	return 0;
}

static long barrier_if_registered(int registration)
{
	if (!(atomic_load_relaxed(&proc_current()->membarriers) & (uint32_t)registration))
		return -EPERM;
	return barrier_everywhere();
}

long sys_membarrier(int command, unsigned int flags, int cpu)
{
	if (flags)
		return -EINVAL;
	switch (command) {
	case MEMBARRIER_CMD_QUERY:
		return MEMBARRIER_COMMANDS;
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		return barrier_everywhere();
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
		atomic_or(&proc_current()->membarriers, (uint32_t)command);
		return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		return barrier_if_registered(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
		return barrier_if_registered(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE);
	default:
		return -EINVAL;
	}
}
