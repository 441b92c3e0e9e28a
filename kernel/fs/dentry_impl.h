/*
 * What the files of the dentry cache share among themselves and with the path walk.
 */
#pragma once

#include "fs/dentry.h"

enum { DENTRY_DEAD = -(1 << 30) };

struct dentry_lru {
	struct spinlock lock;
	struct list     list __guarded_by(lock); /* oldest first */
	size_t          count __guarded_by(lock);
};
extern struct dentry_lru dentry_lru;

/* The hash of a name, eight bytes at a time, a last word filled up with zeroes; then the length. */
static inline uint64_t dentry_hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9ddfea08eb382d69ul;
	return hash ^ hash >> 29;
}

static inline uint32_t dentry_hash_end(uint64_t hash, uint32_t len)
{
	return (uint32_t)(hash ^ hash >> 32) + len;
}

struct dentry_name *dentry_name_alloc(const char *text, uint32_t len, uint32_t hash);

/*
 * Inside an RCU section: the cached child and its sequence number, without a reference; NULL if not
 * found or just changing. The caller checks seqcount_retry(&dentry->seq, *seq) after it has read.
 */
struct dentry *dentry_find_rcu(struct dentry *parent, const struct component *name,
                               unsigned int *seq);

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
