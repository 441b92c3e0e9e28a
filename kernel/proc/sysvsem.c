/*
 * The way to ipc/ for adjustments of semaphores. See proc/sysvsem.h.
 */
#include "proc/sysvsem.h"

#include "proc/task.h"

static const struct sysvsem_ops *sysvsem_ops __const_after_init;

void sysvsem_register(const struct sysvsem_ops *ops)
{
	sysvsem_ops = ops;
}

int sysvsem_share(struct task *parent, struct task *child)
{
	return sysvsem_ops->share(parent, child);
}

void sysvsem_leave(struct task *task)
{
	if (task->sysvsem)
		sysvsem_ops->leave(task);
}
