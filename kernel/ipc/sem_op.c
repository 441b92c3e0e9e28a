/*
 * semop(2): operations, and waiting with them. See ipc/sem.h.
 */
#include <linux/errno.h>

#include "ipc/sem_impl.h"
#include "proc/proc.h"
#include "proc/task.h"

/* ---- operations ------------------------------------------------------------------------------ */

/* One of them: 0, SEM_WAITS or -errno. */
static int operate_one(struct sem_set *set, const struct sembuf *op, struct sem_undo *undo)
{
	struct semaphore *semaphore = &set->values[op->sem_num];
	const int value = semaphore->value + op->sem_op;
	int adjust;

	if (op->sem_op == 0)
		return semaphore->value ? SEM_WAITS : 0;
	if (value < 0)
		return SEM_WAITS;
	if (value > SEM_VALUE_MAX)
		return -ERANGE;
	if (op->sem_flg & SEM_UNDO) {
		adjust = undo->adjust[op->sem_num] - op->sem_op;
		if (adjust < -SEM_ADJUST_MAX - 1 || adjust > SEM_ADJUST_MAX)
			return -ERANGE;
		undo->adjust[op->sem_num] = (int16_t)adjust;
	}
	semaphore->value = value;
	return 0;
}

static void take_back(struct sem_set *set, const struct sem_wait *w, uint32_t nr)
{
	while (nr-- > 0) {
		const struct sembuf *op = &w->ops[nr];

		set->values[op->sem_num].value -= op->sem_op;
		if (op->sem_flg & SEM_UNDO && op->sem_op)
			w->undo->adjust[op->sem_num] =
				(int16_t)(w->undo->adjust[op->sem_num] + op->sem_op);
	}
}

int sem_try(struct sem_set *set, struct sem_wait *w)
{
	for (uint32_t i = 0; i < w->nr; i++) {
		int result = operate_one(set, &w->ops[i], w->undo);

		if (!result)
			continue;
		take_back(set, w, i);
		w->blocked_by = i;
		return result == SEM_WAITS && w->ops[i].sem_flg & IPC_NOWAIT ? -EAGAIN : result;
	}
	for (uint32_t i = 0; i < w->nr; i++)
		set->values[w->ops[i].sem_num].pid = w->pid;
	set->operated = ipc_now();
	return 0;
}

/* ---- those who wait -------------------------------------------------------------------------- */

static void finish(struct sem_wait *w, int result)
{
	list_remove_init(&w->link);
	w->result = result;
	wake_up(&w->queue);
}

void sem_update(struct sem_set *set)
{
	struct sem_wait *w, *next;
	bool has_changed;

	do {
		has_changed = false;
		list_for_each_entry_safe(w, next, &set->waiters, link) {
			int result = sem_try(set, w);

			if (result == SEM_WAITS)
				continue;
			finish(w, result);
			/* Those in front may go on by what this one changed. */
			has_changed |= result == 0 && w->alters;
		}
	} while (has_changed);
}

void sem_wake_all(struct sem_set *set, int result)
{
	struct sem_wait *w, *next;

	list_for_each_entry_safe(w, next, &set->waiters, link)
		finish(w, result);
}

/* The set is locked, and is again when it returns; the caller holds a reference. */
static int wait_locked(struct sem_set *set, struct sem_wait *w, ns_t deadline)
	__must_hold(set->ipc.lock)
{
	int err;

	wait_queue_init(&w->queue);
	w->result = SEM_WAITS;
	list_add_tail(&set->waiters, &w->link);
	err = wait_event_interruptible_spin_until(&w->queue, w->result != SEM_WAITS,
	                                          &set->ipc.lock, deadline);
	if (w->result != SEM_WAITS)
		return w->result;
	list_remove_init(&w->link);
	return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

static int operate_locked(struct sem_set *set, struct sem_wait *w, ns_t deadline)
	__must_hold(set->ipc.lock)
{
	int result = ipc_check(&set->ipc, task_current()->cred, w->alters ? 0222 : 0444);

	if (!result)
		result = sem_try(set, w);
	if (result == SEM_WAITS)
		return wait_locked(set, w, deadline);
	if (!result && w->alters)
		sem_update(set);
	return result;
}

/* What the call is about; EFBIG: a semaphore that the set does not have. */
static int look_at_ops(const struct sem_set *set, struct sem_wait *w, bool *wants_undo)
{
	for (uint32_t i = 0; i < w->nr; i++) {
		if (w->ops[i].sem_num >= set->nr)
			return -EFBIG;
		w->alters |= w->ops[i].sem_op != 0;
		*wants_undo |= w->ops[i].sem_op && w->ops[i].sem_flg & SEM_UNDO;
	}
	return 0;
}

int sem_operate(int id, const struct sembuf *ops, uint32_t nr, ns_t deadline)
{
	struct sem_wait w = { .ops = ops, .nr = nr, .pid = proc_tgid(proc_current()) };
	bool wants_undo = false;
	struct sem_set *set;
	int err = sem_lock(id, &set);

	if (err)
		return err;
	__acquire(&set->ipc.lock);
	err = look_at_ops(set, &w, &wants_undo);
	if (!err && wants_undo) {
		spin_unlock(&set->ipc.lock);
		err = sem_undo_find(set, &w.undo);
		spin_lock(&set->ipc.lock);
		if (!err && set->ipc.is_removed)
			err = -EIDRM;
	}
	if (!err)
		err = operate_locked(set, &w, deadline);
	__release(&set->ipc.lock);
	ipc_unlock(&set->ipc);
	return err;
}
