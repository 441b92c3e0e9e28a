/*
 * Semaphore sets: making, asking, changing. See ipc/sem.h.
 */
#include "ipc/sem.h"

#include <linux/errno.h>

#include "ipc/sem_impl.h"
#include "mem/alloc.h"
#include "proc/proc.h"
#include "proc/task.h"

/* SEMUME, SEMMNU and SEMUSZ, which say nothing but are told, as Linux defines them. */
enum { UNDOS_A_CALL = 500, UNDO_BYTES = 20 };

struct sem_limits sem_limits = {
	.max_in_set = 32000, .max_in_all = 1024000000, .max_ops = 500, .max_sets = 32000,
};

static int64_t sem_total __atomic; /* in all sets */

/* ---- making ---------------------------------------------------------------------------------- */

static int set_create(const void *request, struct ipc_object **out)
{
	const uint32_t nr = *(const uint32_t *)request;
	struct sem_set *set;

	if (!nr)
		return -EINVAL;
	if (atomic_add_return(&sem_total, nr) > READ_ONCE(sem_limits.max_in_all)) {
		atomic_fetch_sub(&sem_total, nr);
		return -ENOSPC;
	}
	set = kvmalloc(sizeof(*set) + nr * sizeof(set->values[0]), ALLOC_KERNEL | ALLOC_ZERO);
	if (!set) {
		atomic_fetch_sub(&sem_total, nr);
		return -ENOMEM;
	}
	set->nr = nr;
	set->changed = ipc_now();
	list_init(&set->waiters);
	list_init(&set->undos);
	*out = &set->ipc;
	return 0;
}

static int set_check(const struct ipc_object *object, const void *request)
{
	const struct sem_set *set = container_of(object, const struct sem_set, ipc);

	return *(const uint32_t *)request > set->nr ? -EINVAL : 0;
}

static void set_free(struct ipc_object *object)
{
	struct sem_set *set = to_set(object);

	atomic_fetch_sub(&sem_total, set->nr);
	kvfree(set);
}

static const struct ipc_kind sem_kind = {
	.create = set_create, .check = set_check, .free = set_free,
};

struct ipc_ids sem_ids = IPC_IDS(&sem_kind, 32000);

int sem_get(int key, int nr, int flags)
{
	const uint32_t wanted = (uint32_t)nr;

	if (nr < 0 || nr > READ_ONCE(sem_limits.max_in_set))
		return -EINVAL;
	return ipc_get(&sem_ids, key, flags, &wanted);
}

int sem_lock(int id, struct sem_set **out)
{
	struct ipc_object *object;
	int err = ipc_lock(&sem_ids, id, &object);

	if (!err)
		*out = to_set(object);
	return err;
}

int sem_limits_set(const struct sem_limits *limits)
{
	if (limits->max_in_set < 0 || limits->max_in_all < 0 || limits->max_ops < 0 ||
	    limits->max_sets < 0 || limits->max_sets > IPC_SLOTS_MAX)
		return -EINVAL;
	WRITE_ONCE(sem_limits.max_in_set, limits->max_in_set);
	WRITE_ONCE(sem_limits.max_in_all, limits->max_in_all);
	WRITE_ONCE(sem_limits.max_ops, limits->max_ops);
	WRITE_ONCE(sem_limits.max_sets, limits->max_sets);
	atomic_store_relaxed(&sem_ids.max, limits->max_sets);
	return 0;
}

void sem_init(void)
{
	sem_undo_init();
}

/* ---- values ---------------------------------------------------------------------------------- */

/* A set that may be read (0444) or changed (0222). */
static int lock_for(int id, int mode, struct sem_set **out)
{
	int err = sem_lock(id, out);

	if (err)
		return err;
	err = ipc_check(&(*out)->ipc, task_current()->cred, mode);
	if (err)
		ipc_unlock(&(*out)->ipc);
	return err;
}

/* Who waits for the semaphore to become zero, or to grow, as the first thing in the way. */
static int count_waiters(const struct sem_set *set, uint32_t index, bool for_zero)
{
	const struct sem_wait *w;
	int count = 0;

	list_for_each_entry(w, &set->waiters, link) {
		const struct sembuf *op = &w->ops[w->blocked_by];

		count += op->sem_num == index && (op->sem_op == 0) == for_zero;
	}
	return count;
}

int sem_ask(int id, uint32_t index, int command)
{
	struct sem_set *set;
	int answer = lock_for(id, 0444, &set);

	if (answer)
		return answer;
	if (index >= set->nr)
		answer = -EINVAL;
	else if (command == GETVAL)
		answer = set->values[index].value;
	else if (command == GETPID)
		answer = set->values[index].pid;
	else
		answer = count_waiters(set, index, command == GETZCNT);
	ipc_unlock(&set->ipc);
	return answer;
}

int sem_set_value(int id, uint32_t index, int value)
{
	struct sem_set *set;
	int err;

	if (value < 0 || value > SEM_VALUE_MAX)
		return -ERANGE;
	err = sem_lock(id, &set);
	if (err)
		return err;
	if (index >= set->nr)
		err = -EINVAL;
	else
		err = ipc_check(&set->ipc, task_current()->cred, 0222);
	if (!err) {
		sem_undo_clear(set, (int)index);
		set->values[index] =
			(struct semaphore){ value, proc_tgid(proc_current()) };
		set->changed = ipc_now();
		sem_update(set);
	}
	ipc_unlock(&set->ipc);
	return err;
}

int sem_count(int id, int mode)
{
	struct sem_set *set;
	int nr = lock_for(id, mode, &set);

	if (nr)
		return nr;
	nr = (int)set->nr;
	ipc_unlock(&set->ipc);
	return nr;
}

int sem_set_all(int id, const unsigned short *values, uint32_t nr)
{
	struct sem_set *set;
	int err;

	for (uint32_t i = 0; i < nr; i++)
		if (values[i] > SEM_VALUE_MAX)
			return -ERANGE;
	err = lock_for(id, 0222, &set);
	if (err)
		return err;
	if (nr != set->nr)
		err = -EINVAL;
	for (uint32_t i = 0; !err && i < nr; i++)
		set->values[i] = (struct semaphore){ values[i], proc_tgid(proc_current()) };
	if (!err) {
		sem_undo_clear(set, -1);
		set->changed = ipc_now();
		sem_update(set);
	}
	ipc_unlock(&set->ipc);
	return err;
}

int sem_get_all(int id, unsigned short *values, uint32_t nr)
{
	struct sem_set *set;
	int err = lock_for(id, 0444, &set);

	if (err)
		return err;
	if (nr != set->nr)
		err = -EINVAL;
	for (uint32_t i = 0; !err && i < nr; i++)
		values[i] = (unsigned short)set->values[i].value;
	ipc_unlock(&set->ipc);
	return err;
}

/* ---- the set as a whole ---------------------------------------------------------------------- */

static void stat_fill(const struct sem_set *set, struct semid64_ds *out)
{
	*out = (struct semid64_ds){
		.sem_otime = set->operated,
		.sem_ctime = set->changed,
		.sem_nsems = set->nr,
	};
	ipc_perm_fill(&set->ipc, &out->sem_perm);
}

int sem_stat(int id, int command, struct semid64_ds *out)
{
	struct ipc_object *object;
	int result = command == IPC_STAT ? ipc_lock(&sem_ids, id, &object)
	                                 : ipc_lock_slot(&sem_ids, id, &object);

	if (result)
		return result;
	if (command != SEM_STAT_ANY)
		result = ipc_check(object, task_current()->cred, 0444);
	if (!result) {
		stat_fill(to_set(object), out);
		result = command == IPC_STAT ? 0 : object->id;
	}
	ipc_unlock(object);
	return result;
}

int sem_change(int id, const struct semid64_ds *wanted)
{
	struct sem_set *set;
	int err = sem_lock(id, &set);

	if (err)
		return err;
	err = ipc_check_owner(&set->ipc, task_current()->cred);
	if (!err)
		err = ipc_perm_set(&set->ipc, &wanted->sem_perm);
	if (!err)
		set->changed = ipc_now();
	ipc_unlock(&set->ipc);
	return err;
}

int sem_remove(int id)
{
	struct sem_set *set;
	int err = sem_lock(id, &set);

	if (err)
		return err;
	err = ipc_check_owner(&set->ipc, task_current()->cred);
	if (!err) {
		ipc_remove_locked(&set->ipc);
		sem_undo_detach_all(set);
		sem_wake_all(set, -EIDRM);
	}
	ipc_unlock(&set->ipc);
	return err;
}

int sem_info(int command, struct seminfo *out)
{
	const bool counts = command == SEM_INFO;

	*out = (struct seminfo){
		.semmap = READ_ONCE(sem_limits.max_in_all),
		.semmni = READ_ONCE(sem_limits.max_sets),
		.semmns = READ_ONCE(sem_limits.max_in_all),
		.semmnu = READ_ONCE(sem_limits.max_in_all),
		.semmsl = READ_ONCE(sem_limits.max_in_set),
		.semopm = READ_ONCE(sem_limits.max_ops),
		.semume = UNDOS_A_CALL,
		.semusz = counts ? (int)ipc_in_use(&sem_ids) : UNDO_BYTES,
		.semvmx = SEM_VALUE_MAX,
		.semaem = counts ? (int)atomic_load_relaxed(&sem_total) : SEM_ADJUST_MAX,
	};
	return ipc_highest_slot(&sem_ids);
}

bool sem_next(uint32_t *slot, int *id, struct semid64_ds *out)
{
	struct ipc_object *object = ipc_lock_next(&sem_ids, slot);

	if (!object)
		return false;
	*id = object->id;
	stat_fill(to_set(object), out);
	ipc_unlock(object);
	return true;
}
