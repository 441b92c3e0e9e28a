/*
 * What the files of the dentry cache share among themselves and with the path walk.
 */
#pragma once

#include "fs/component.h"
#include "fs/dentry.h"

enum { DENTRY_DEAD = -(1 << 30) };

struct dentry_lru {
	struct spinlock lock;
	struct list     list __guarded_by(lock); /* oldest first */
	size_t          count __guarded_by(lock);
};
extern struct dentry_lru dentry_lru;

struct dentry_name *dentry_name_alloc(const char *text, uint32_t len, uint32_t hash);

/* The chains. Each has a spinlock for writers in dentry.c; readers go by RCU. */
struct dentry_table {
	struct hlist *buckets __const_after_init;
	uint32_t      mask __const_after_init;
};
extern struct dentry_table dentry_table;

static inline uint32_t dentry_bucket(const struct dentry *parent, uint32_t hash)
{
	uint64_t mixed = (hash ^ (uintptr_t)parent >> 6) * 0x9e3779b97f4a7c15ul;

	return (mixed >> 32) & dentry_table.mask;
}

static inline bool dentry_name_is(const struct dentry_name *have, const struct component *name)
{
	return have->key == name->key && component_is(name, have);
}

/*
 * Inside an RCU section: the cached child and its sequence number, without a reference; NULL if not
 * found or just changing. The caller checks seqcount_retry(&dentry->seq, *seq) after it has read.
 */
static inline struct dentry *dentry_find_rcu(struct dentry *parent, const struct component *name,
                                             unsigned int *seq)
{
	struct hlist *bucket = &dentry_table.buckets[dentry_bucket(parent, name->hash)];
	struct dentry *dentry;

	hlist_for_each_entry_rcu(dentry, bucket, in_hash) {
		*seq = seqcount_peek(&dentry->seq);
		if (READ_ONCE(dentry->parent) == parent &&
		    dentry_name_is(rcu_dereference(&dentry->name), name))
			return *seq & 1 ? NULL : dentry;
	}
	return NULL;
}

/* In and out of the chains; dentry->lock held. */
void dentry_rehash(struct dentry *dentry);
void dentry_unhash(struct dentry *dentry);

/* dentry->lock held. */
void dentry_lru_add(struct dentry *dentry);
void dentry_lru_remove(struct dentry *dentry);

/* Turn an unused dentry dead; dentry->lock held. False: somebody took a reference. */
bool __must_check dentry_try_kill(struct dentry *dentry);
/*
 * The rest of dying: lets go of dentry->lock, frees, and returns the parent for the caller to put.
 */
struct dentry *dentry_finish_kill(struct dentry *dentry);
