/*
 * Moving dentries (rename), and looking upward while others move.
 *
 * All moves go one after the other under one spinlock with a sequence count: a reader that climbs
 * from a dentry to the root looks again if the count changed. Each dentry's own count tells lookups
 * that its parent and name are changing.
 */
#include <linux/errno.h>

#include "core/panic.h"
#include "fs/dentry.h"
#include "fs/dentry_impl.h"
#include "lib/string.h"
#include "mem/alloc.h"

static struct {
	struct spinlock lock; /* writers of seq */
	struct seqcount seq;
} rename = { .lock = SPINLOCK(RANK_DENTRY_RENAME) };

unsigned int dentry_rename_begin(void)
{
	return seqcount_begin(&rename.seq);
}

bool dentry_rename_retry(unsigned int seq)
{
	return seqcount_retry(&rename.seq, seq);
}

bool dentry_is_below(struct dentry *dentry, struct dentry *ancestor)
{
	struct dentry *at;
	unsigned int seq;

	rcu_read_lock();
	do {
		seq = dentry_rename_begin();
		at = dentry;
		while (at != ancestor && !dentry_is_root(at))
			at = READ_ONCE(at->parent);
	} while (dentry_rename_retry(seq));
	rcu_read_unlock();
	return at == ancestor;
}

static struct dentry_name *name_copy(const struct dentry_name *name)
{
	return dentry_name_alloc(name->text, name->len, name->hash);
}

int dentry_prepare_move(struct dentry *from, struct dentry *to, bool exchange,
                        struct dentry_name *names[2])
{
	names[1] = NULL;
	names[0] = name_copy(to->name);
	if (!names[0])
		return -ENOMEM;
	if (!exchange)
		return 0;
	names[1] = name_copy(from->name);
	if (names[1])
		return 0;
	kfree(names[0]);
	return -ENOMEM;
}

void dentry_cancel_move(struct dentry_name *names[2])
{
	kfree(names[0]);
	kfree(names[1]);
}

static void name_free_rcu(struct rcu_head *head)
{
	kfree(container_of(head, struct dentry_name, rcu));
}

/* Rehashes the dentry at its new place; its lock is held. */
static void dentry_place(struct dentry *dentry, struct dentry *parent, struct dentry_name *name)
{
	struct dentry_name *old = dentry->name;

	dentry_unhash(dentry);
	WRITE_ONCE(dentry->parent, parent);
	rcu_assign(&dentry->name, name);
	dentry_rehash(dentry);
	if ((void *)old != dentry->own_name)
		rcu_call(&old->rcu, name_free_rcu);
}

static void child_relist(struct dentry *child, struct dentry *old_parent,
                         struct dentry *new_parent)
{
	if (old_parent == new_parent)
		return;
	spin_lock(&old_parent->lock);
	list_remove_init(&child->sibling);
	spin_unlock(&old_parent->lock);
	spin_lock(&new_parent->lock);
	list_add_head(&new_parent->children, &child->sibling);
	spin_unlock(&new_parent->lock);
}

void dentry_move(struct dentry *from, struct dentry *to, bool exchange,
                 struct dentry_name *names[2])
{
	struct dentry *from_parent = from->parent, *to_parent = to->parent;

	if (!exchange)
		dentry_get(to_parent);
	spin_lock(&rename.lock);
	seqcount_write_begin(&rename.seq);
	spin_lock(&from->lock);
	spin_lock_nested(&to->lock, 1);
	seqcount_write_begin(&from->seq);
	seqcount_write_begin(&to->seq);
	if (exchange)
		dentry_place(to, from_parent, names[1]);
	else
		dentry_unhash(to);
	dentry_place(from, to_parent, names[0]);
	seqcount_write_end(&to->seq);
	seqcount_write_end(&from->seq);
	spin_unlock(&to->lock);
	spin_unlock(&from->lock);
	child_relist(from, from_parent, to_parent);
	if (exchange)
		child_relist(to, to_parent, from_parent);
	seqcount_write_end(&rename.seq);
	spin_unlock(&rename.lock);
	if (!exchange)
		dentry_put(from_parent);
}
