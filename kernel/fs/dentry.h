/*
 * The dentry: a name in a directory and what it leads to, cached. A dentry without inode (negative)
 * says that the name does not exist.
 *
 * The cache is a hash by (parent, name). A lookup that hits takes no lock: it runs in an RCU
 * section, checks the dentry's sequence count around its reads and takes a reference that fails on
 * dying dentries. A miss is decided under the directory's inode lock, so two lookups never make two
 * dentries of one name, and a name is created or removed only under that lock.
 *
 * Life: dentry_alloc() (referenced, unhashed), dentry_add() (found by others), in use, unused
 * (count 0: stays cached on the LRU until memory is short), dead (count negative, unhashed), freed
 * by RCU. A child holds a reference on its parent. A dentry holds one on its inode.
 *
 * Locking: `lock` (RANK_DENTRY; parent before child) guards flags, inode and the list of children;
 * parent and name change only with it, the sequence count, both directories' inode locks and the
 * global rename count (dentry_move()). A name is immutable: rename swaps the pointer and frees the
 * old text by RCU. While anybody holds a reference, a dentry that has an inode keeps it.
 */
#pragma once

#include "core/seqcount.h"
#include "core/spinlock.h"
#include "lib/hlist.h"
#include "lib/list.h"
#include "lib/types.h"
#include "sched/rcu.h"

struct inode;
struct path;
struct superblock;

/* A component as a walk sees it: bytes inside a longer string, not terminated. */
struct component {
	const char *text;
	union {
		struct {
			uint32_t hash; /* dentry_hash(text, len) */
			uint32_t len;
		};
		uint64_t key; /* both, to compare at once */
	};
	uint64_t tail; /* the last len % 8 bytes, filled up with zeroes */
};

struct dentry_name {
	struct rcu_head rcu;
	union {
		struct {
			uint32_t hash;
			uint32_t len;
		};
		uint64_t key;
	};
	char text[] __aligned(8); /* NUL-terminated, filled up with zeroes to whole words */
};

enum {
	DENTRY_HASHED     = 1 << 0, /* others find it */
	DENTRY_ON_LRU     = 1 << 1,
	DENTRY_REFERENCED = 1 << 2, /* used since the LRU last looked */
	DENTRY_MOUNTED    = 1 << 3, /* something is mounted here in some namespace */
	DENTRY_VOLATILE   = 1 << 4, /* not kept once unused: procfs */
	DENTRY_DETACHED   = 1 << 5, /* of no directory: a pipe, a socket, memory */
};

/* Bytes of struct dentry_name and a short text with its NUL. */
enum { DENTRY_OWN_NAME = 64 };

struct dentry {
	struct hlist_node   in_hash __guarded_by(bucket);
	struct dentry      *parent __guarded_by(lock); /* itself for a root */
	struct dentry_name *name __guarded_by(lock);
	struct inode       *inode __guarded_by(lock); /* NULL: negative */
	struct seqcount     seq; /* writers hold lock */
	int32_t             refs __atomic; /* 0: unused; negative: dead */
	uint32_t            flags __guarded_by(lock);
	struct spinlock     lock;
	struct superblock  *super __const_after_init;
	struct list         children __guarded_by(lock);
	struct list         sibling __guarded_by(parent->lock);
	struct list         lru __guarded_by(lru_lock);
	const struct dentry_ops *ops __const_after_init; /* NULL: none */
	void               *private; /* the file system's */
	struct rcu_head     rcu;
	_Alignas(struct dentry_name) char own_name[DENTRY_OWN_NAME]; /* where a short name is */
};

/* Of file systems whose names come and go on their own (procfs). */
struct dentry_ops {
	/*
	 * False: the dentry is stale, look it up anew. Called without references: must not sleep.
	 */
	bool (*revalidate)(struct dentry *dentry);
	/* The text that path_render() shows instead of the name ("pipe:[17]"), like snprintf(). */
	int  (*describe)(const struct dentry *dentry, char *buf, size_t size);
};

void dentry_cache_init(void);

uint32_t dentry_hash(const char *text, size_t len);
/* A component of these bytes, which stay the caller's. */
void component_init(struct component *component, const char *text, size_t len);

/* A root for a super block; consumes the inode reference, also on failure. */
int dentry_create_root(struct superblock *super, struct inode *inode, struct dentry **out);
/* An unhashed, negative dentry under parent. ENOMEM. */
int dentry_alloc(struct dentry *parent, const struct component *name, struct dentry **out);
/*
 * A dentry of no directory, for pipes, sockets, memfd: named so, with this inode (consumed on
 * success).
 */
int dentry_create_detached(struct superblock *super, const char *name, struct inode *inode,
                           struct dentry **out);

struct dentry *dentry_get(struct dentry *dentry);

/* Inside an RCU section: false if the dentry is dying. */
static inline bool __must_check dentry_try_get(struct dentry *dentry)
{
	int32_t refs = atomic_load_relaxed(&dentry->refs);

	do {
		if (unlikely(refs < 0))
			return false;
	} while (unlikely(!atomic_cmpxchg(&dentry->refs, &refs, refs + 1)));
	return true;
}

void dentry_put(struct dentry *dentry); /* may sleep: may drop the last reference of an inode */

/*
 * Cached child, with a reference; NULL if not cached. No lock, does not sleep. May miss during
 * renames.
 */
struct dentry *dentry_lookup(struct dentry *parent, const struct component *name);
/* The same exactly: never misses; the caller holds the directory's inode lock. */
struct dentry *dentry_lookup_locked(struct dentry *parent, const struct component *name);

/* Publish in the hash. Directory's inode lock held for writing. */
void dentry_add(struct dentry *dentry);
/* Give a negative dentry its inode; consumes the inode reference. */
void dentry_attach(struct dentry *dentry, struct inode *inode);
/*
 * The name is gone: the dentry becomes negative if nobody else uses it, or leaves the hash and
 * lives on for those who do. Directory locked.
 */
void dentry_delete(struct dentry *dentry);
/* Out of the hash: nobody finds it any more. */
void dentry_drop(struct dentry *dentry);
/* Drop the dentry and what is cached and unused directly below it: a directory was removed. */
void dentry_invalidate(struct dentry *dentry);
/*
 * Give `from` the place and name of `to` (which leaves the hash), or exchange both. ENOMEM before
 * any change.
 */
int dentry_prepare_move(struct dentry *from, struct dentry *to, bool exchange,
                        struct dentry_name *names[2]);
void dentry_move(struct dentry *from, struct dentry *to, bool exchange,
                 struct dentry_name *names[2]);
void dentry_cancel_move(struct dentry_name *names[2]);

/* True if dentry is below or equal to ancestor. */
bool dentry_is_below(struct dentry *dentry, struct dentry *ancestor);
/* The parent with a reference. */
struct dentry *dentry_get_parent(struct dentry *dentry);

static inline bool dentry_is_root(const struct dentry *dentry)
{
	return READ_ONCE(dentry->parent) == dentry;
}

static inline bool dentry_is_negative(const struct dentry *dentry)
{
	return !READ_ONCE(dentry->inode);
}

static inline bool dentry_is_unlinked(const struct dentry *dentry)
{
	return !(READ_ONCE(dentry->flags) & DENTRY_HASHED) && !dentry_is_root(dentry);
}

/* Drop up to `target` unused dentries, oldest first; the number dropped. May sleep. */
size_t dentry_shrink(size_t target);
/* Drop all unused dentries of a super block, children before parents. */
void dentry_shrink_super(struct superblock *super);
/* Cached and unused dentries, and all of them. */
size_t dentry_unused_count(void);
int64_t dentry_count(void);

/* Changes whenever any dentry moves: for readers that walk upward (path_render()). */
unsigned int dentry_rename_begin(void);
bool dentry_rename_retry(unsigned int seq);
