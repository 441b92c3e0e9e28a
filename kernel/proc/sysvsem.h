/*
 * Adjustments of System V semaphores at the end of a task, SEM_UNDO of semop(2): tasks carry and
 * share them (CLONE_SYSVSEM); the floor of ipc/ knows what they are.
 */
#pragma once

#include "lib/compiler.h"

struct task;

struct sysvsem_ops {
	/* The child shares the parent's, which gets some if it has none. ENOMEM. May sleep. */
	int (*share)(struct task *parent, struct task *child);
	/* The task has some, and lets them go: what the last one leaves is undone. May sleep. */
	void (*leave)(struct task *task);
};

/* Once, before the first program. */
void sysvsem_register(const struct sysvsem_ops *ops);

/*
 * For clone(2), exit, and unshare(2), which begins with none. The task is the current one, or new.
 */
int __must_check sysvsem_share(struct task *parent, struct task *child);
void sysvsem_leave(struct task *task);
