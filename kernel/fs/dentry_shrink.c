/*
 * Unused dentries: the LRU, and how it is emptied when memory is short, when a file system is
 * unmounted, and when a directory goes.
 *
 * A dentry is put on the LRU when its last reference goes and stays there when it is used again; a
 * pass over the list gives those used since (DENTRY_REFERENCED) another round. The list's lock
 * comes after a dentry's lock; a pass, which goes the other way, only tries.
 *
 * A pass for memory's sake has no reference on the file systems that it meets: what it frees of one
 * is counted there, and an unmount waits until that is done.
 */
#include <linux/errno.h>

#include "core/gauge.h"
#include "fs/dentry.h"
#include "fs/dentry_impl.h"
#include "fs/super.h"
#include "lib/atomic.h"
#include "sched/rcu.h"
#include "sched/wait.h"

void dentry_lru_add(struct dentry *dentry)
{
	if (dentry->flags & DENTRY_ON_LRU) {
		atomic_or(&dentry->flags, DENTRY_REFERENCED);
		return;
	}
	spin_lock(&dentry_lru.lock);
	list_add_tail(&dentry_lru.list, &dentry->lru);
	dentry_lru.count++;
	spin_unlock(&dentry_lru.lock);
	atomic_or(&dentry->flags, DENTRY_ON_LRU | DENTRY_REFERENCED);
}

void dentry_lru_remove(struct dentry *dentry)
{
	if (!(dentry->flags & DENTRY_ON_LRU))
		return;
	spin_lock(&dentry_lru.lock);
	list_remove_init(&dentry->lru);
	dentry_lru.count--;
	spin_unlock(&dentry_lru.lock);
	atomic_and(&dentry->flags, ~(DENTRY_ON_LRU | DENTRY_REFERENCED));
}

static struct wait_queue shrinkers = WAIT_QUEUE(shrinkers); /* unmounts wait for them here */

/* Which dentries a pass may take. */
struct pass {
	const struct superblock *super; /* NULL: any */
	bool                     young; /* those used lately too */
	size_t                   left;  /* to look at */
};

/* True: the dentry is dead now and locked, for the caller to finish. */
static bool pass_takes(const struct pass *pass, struct dentry *dentry)
{
	if (pass->super && dentry->super != pass->super)
		return false;
	if (!pass->young && dentry->flags & DENTRY_REFERENCED) {
		atomic_and(&dentry->flags, ~DENTRY_REFERENCED);
		return false;
	}
	if (!spin_trylock(&dentry->lock))
		return false;
	if (!dentry_try_kill(dentry)) {
		spin_unlock(&dentry->lock);
		return false;
	}
	/* Before it leaves the list: dentry_shrink_super() sees it there, or the count. */
	atomic_inc(&dentry->super->nr_shrinking);
	__release(&dentry->lock); /* the caller has it */
	return true;
}

/*
 * The next dentry that dies, locked and dead already; NULL when the pass is over. Dentries in use
 * are passed by.
 */
static struct dentry *pass_next(struct pass *pass)
{
	struct dentry *victim = NULL;

	spin_lock(&dentry_lru.lock);
	while (!victim && pass->left && !list_is_empty(&dentry_lru.list)) {
		struct dentry *dentry = list_first_entry(&dentry_lru.list, struct dentry, lru);

		pass->left--;
		list_move_tail(&dentry_lru.list, &dentry->lru);
		if (pass_takes(pass, dentry))
			victim = dentry;
	}
	spin_unlock(&dentry_lru.lock);
	return victim;
}

static size_t pass_run(struct pass *pass, size_t target)
{
	size_t freed = 0;
	struct dentry *victim;

	while (freed < target && (victim = pass_next(pass))) {
		struct superblock *super = victim->super;

		dentry_put(dentry_finish_kill(victim));
		freed++;
		/* The super block may go from here on. */
		if (!atomic_dec_return(&super->nr_shrinking))
			wake_up_all(&shrinkers);
	}
	return freed;
}

size_t dentry_shrink(size_t target)
{
	struct pass pass = { .left = dentry_unused_count() };
	size_t freed = pass_run(&pass, target);

	if (freed < target) {
		pass = (struct pass){ .left = dentry_unused_count(), .young = true };
		freed += pass_run(&pass, target - freed);
	}
	return freed;
}

void dentry_shrink_super(struct superblock *super)
{
	struct pass pass;

	do {
		wait_event(&shrinkers, !atomic_load(&super->nr_shrinking));
		pass = (struct pass){ .super = super,
			              .young = true,
			              .left = dentry_unused_count() };
	} while (pass_run(&pass, SIZE_MAX) || atomic_load(&super->nr_shrinking));
}

/* A child that is unused, dead now, with its lock held; NULL: no more of them. */
static struct dentry *unused_child(struct dentry *parent)
{
	struct dentry *child, *victim = NULL;

	spin_lock(&parent->lock);
	list_for_each_entry(child, &parent->children, sibling) {
		if (atomic_load_relaxed(&child->refs))
			continue;
		if (!spin_trylock(&child->lock))
			continue;
		if (dentry_try_kill(child)) {
			__release(&child->lock); /* the caller has it */
			victim = child;
			break;
		}
		spin_unlock(&child->lock);
	}
	spin_unlock(&parent->lock);
	return victim;
}

void dentry_invalidate(struct dentry *dentry)
{
	struct dentry *child;

	dentry_drop(dentry);
	while ((child = unused_child(dentry))) {
		dentry_put(dentry_finish_kill(child));
		cond_resched();
	}
}

size_t dentry_unused_count(void)
{
	return READ_ONCE(dentry_lru.count);
}

static void dentry_drain(void)
{
	dentry_shrink(SIZE_MAX);
	rcu_barrier();
}
GAUGE_DRAIN(dentry_drain);
