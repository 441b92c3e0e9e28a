/*
 * SEM_UNDO: what operations did is taken back when the last task that shares the list ends. See
 * ipc/sem.h, proc/sysvsem.h.
 */
#include <linux/errno.h>

#include "ipc/sem_impl.h"
#include "lib/math.h"
#include "mem/alloc.h"
#include "proc/proc.h"
#include "proc/sysvsem.h"
#include "proc/task.h"

struct sysvsem {
	struct refcount refs; /* tasks */
	struct spinlock lock; /* RANK_LEAF, inside the sets' */
	struct list     undos __guarded_by(lock); /* by in_list */
};

static int list_make(struct task *task)
{
	struct sysvsem *own;

	if (task->sysvsem)
		return 0;
	own = kmalloc(sizeof(*own), ALLOC_KERNEL);
	if (!own)
		return -ENOMEM;
	refcount_init(&own->refs, 1);
	spin_lock_init(&own->lock, RANK_LEAF);
	list_init(&own->undos);
	task->sysvsem = own;
	return 0;
}

static int list_share(struct task *parent, struct task *child)
{
	int err = list_make(parent);

	if (err)
		return err;
	refcount_get(&parent->sysvsem->refs);
	child->sysvsem = parent->sysvsem;
	return 0;
}

static struct sem_undo *find_locked(struct sysvsem *own, const struct sem_set *set)
{
	struct sem_undo *undo;

	list_for_each_entry(undo, &own->undos, in_list)
		if (undo->set == set)
			return undo;
	return NULL;
}

int sem_undo_find(struct sem_set *set, struct sem_undo **out)
{
	struct task *task = task_current();
	struct sem_undo *undo, *unused;
	int err = list_make(task);

	if (err)
		return err;
	undo = kzalloc(sizeof(*undo) + set->nr * sizeof(undo->adjust[0]), ALLOC_KERNEL);
	if (!undo)
		return -ENOMEM;
	unused = undo;
	spin_lock(&set->ipc.lock);
	spin_lock(&task->sysvsem->lock);
	*out = find_locked(task->sysvsem, set);
	if (set->ipc.is_removed) {
		err = -EIDRM;
	} else if (!*out) {
		unused = NULL;
		*out = undo;
		undo->set = set;
		refcount_get(&set->ipc.refs);
		list_add_tail(&task->sysvsem->undos, &undo->in_list);
		list_add_tail(&set->undos, &undo->in_set);
	}
	spin_unlock(&task->sysvsem->lock);
	spin_unlock(&set->ipc.lock);
	kfree(unused);
	return err;
}

void sem_undo_clear(struct sem_set *set, int index)
{
	struct sem_undo *undo;

	list_for_each_entry(undo, &set->undos, in_set)
		for (uint32_t i = 0; i < set->nr; i++)
			if (index < 0 || i == (uint32_t)index)
				undo->adjust[i] = 0;
}

void sem_undo_detach_all(struct sem_set *set)
{
	struct sem_undo *undo, *next;

	list_for_each_entry_safe(undo, next, &set->undos, in_set)
		list_remove_init(&undo->in_set);
}

/* The set is locked, and has not been removed. */
static void apply_locked(struct sem_set *set, struct sem_undo *undo)
{
	for (uint32_t i = 0; i < set->nr; i++) {
		int value = set->values[i].value + undo->adjust[i];

		if (!undo->adjust[i])
			continue;
		set->values[i].value = clamp(value, 0, (int)SEM_VALUE_MAX);
		set->values[i].pid = proc_tgid(proc_current());
		set->operated = ipc_now();
	}
	list_remove_init(&undo->in_set);
	sem_update(set);
}

static struct sem_undo *take_first(struct sysvsem *own)
{
	struct sem_undo *undo = NULL;

	spin_lock(&own->lock);
	if (!list_is_empty(&own->undos)) {
		undo = list_first_entry(&own->undos, struct sem_undo, in_list);
		list_remove(&undo->in_list);
	}
	spin_unlock(&own->lock);
	return undo;
}

/* The task ends, or has its own from now on. */
static void list_leave(struct task *task)
{
	struct sysvsem *own = task->sysvsem;
	struct sem_undo *undo;

	task->sysvsem = NULL;
	if (!refcount_put(&own->refs))
		return;
	while ((undo = take_first(own)) != NULL) {
		struct sem_set *set = undo->set;

		spin_lock(&set->ipc.lock);
		if (!set->ipc.is_removed)
			apply_locked(set, undo);
		__release(&set->ipc.lock);
		ipc_unlock(&set->ipc);
		kfree(undo);
	}
	kfree(own);
}

static const struct sysvsem_ops undo_ops = { .share = list_share, .leave = list_leave };

void sem_undo_init(void)
{
	sysvsem_register(&undo_ops);
}
