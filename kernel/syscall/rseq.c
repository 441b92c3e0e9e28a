/*
 * rseq(2), membarrier(2).
 */
#include "proc/rseq.h"

#include <linux/errno.h>
#include <linux/membarrier.h>
#include <linux/rseq.h>

#include "arch/mmu.h"
#include "arch/percpu.h"
#include "proc/proc.h"
#include "sched/rcu.h"
#include "sched/sched.h"
#include "syscall/prototypes.h"
#include "vm/space.h"

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
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |                                \
	 MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ)

/* Every CPU that ran user code passes through the kernel, when it will. */
static long barrier_at_leisure(void)
{
	smp_mb();
	if (nr_cpus() > 1)
		rcu_synchronize();
	return 0;
}

/* Has any space asked to take part in GLOBAL_EXPEDITED? Never taken back. */
static bool any_is_global __atomic;

static bool is_registered(int registration)
{
	return atomic_load_relaxed(&task_current()->space->membarriers) & (uint32_t)registration;
}

static long register_space(int registration)
{
	atomic_or(&task_current()->space->membarriers, (uint32_t)registration);
	if (registration == MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED)
		atomic_store(&any_is_global, true);
	return 0;
}

/* CPUs that run other spaces pass a barrier when they come to this one. */
static long barrier_if_registered(int registration)
{
	if (!is_registered(registration))
		return -EPERM;
	mmu_barrier(&task_current()->space->mmu);
	return 0;
}

/* Who runs in a restartable sequence, on whatever CPU, starts it again. */
static long restart_sequences(unsigned int flags, int cpu)
{
	int registration = MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ;

	if (!is_registered(registration))
		return -EPERM;
	if (flags & MEMBARRIER_CMD_FLAG_CPU && cpu >= (int)nr_cpus())
		return 0;
	sched_notify_running(&task_current()->space->mmu);
	return barrier_if_registered(registration);
}

static long barrier_everywhere(void)
{
	smp_mb();
	if (atomic_load(&any_is_global))
		mmu_barrier(NULL);
	return 0;
}

long sys_membarrier(int command, unsigned int flags, int cpu)
{
	bool may_name_cpu = command == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ;

	if (flags && !(may_name_cpu && flags == MEMBARRIER_CMD_FLAG_CPU))
		return -EINVAL;
	switch (command) {
	case MEMBARRIER_CMD_QUERY:
		return MEMBARRIER_COMMANDS;
	case MEMBARRIER_CMD_GLOBAL:
		return barrier_at_leisure();
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		return barrier_everywhere();
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
		return register_space(command);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		return barrier_if_registered(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
		return barrier_if_registered(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ:
		return restart_sequences(flags, cpu);
	default:
		return -EINVAL;
	}
}
