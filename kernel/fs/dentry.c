/*
 * The dentry cache: hash, references, life and death. The contract is in dentry.h; moving is in
 * dentry_move.c, shrinking in dentry_shrink.c.
 *
 * References and death. refs > 0: in use. 0: unused, kept on the LRU. DENTRY_DEAD: being freed.
 * A put that may be the last decrements inside an RCU section (nothing here sleeps, so a CPU is in
 * one without asking) and looks at the flags afterwards; who unhashes a dentry holds a reference
 * and puts it afterwards. So the last of the two sees both, and an unhashed dentry never stays
 * behind unused. Turning dead needs the lock and a count of zero, swapped in one step against
 * lockless dentry_try_get().
 */
#include "fs/dentry.h"

#include <linux/errno.h>

#include "core/gauge.h"
#include "core/panic.h"
#include "fs/dentry_impl.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "fs/super.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/buddy.h"
#include "mem/slab.h"

enum { HASH_LOCKS = 64 };

struct dentry_lru dentry_lru = {
	.lock = SPINLOCK(RANK_DENTRY_LRU),
	.list = LIST_INIT(dentry_lru.list),
};

struct dentry_table dentry_table __ro_after_init;

static struct {
	struct spinlock locks[HASH_LOCKS]; /* of the chains with this remainder */
	int64_t         count __atomic;    /* of dentries alive */
} cache;

static struct cache dentry_slab = CACHE("dentry", struct dentry);

void dentry_cache_init(void)
{
	uint64_t wanted = pages_total() / 2; /* a thousandth of memory */
	uint32_t size = 256;

	while (size < wanted && size < 1u << 17)
		size *= 2;
	dentry_table.buckets = kvmalloc(size * sizeof(*dentry_table.buckets),
	                                ALLOC_KERNEL | ALLOC_ZERO);
	if (!dentry_table.buckets)
		panic("no memory for the dentry hash");
	dentry_table.mask = size - 1;
	for (size_t i = 0; i < array_size(cache.locks); i++)
		spin_lock_init(&cache.locks[i], RANK_DENTRY_HASH);
}

uint32_t dentry_hash(const char *text, size_t len)
{
	const uint32_t whole = (uint32_t)len;
	uint64_t hash = 0, word;

	for (; len >= sizeof(word); text += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		hash = dentry_hash_word(hash, word);
	}
	if (len) {
		word = 0;
		memcpy(&word, text, len);
		hash = dentry_hash_word(hash, word);
	}
	return dentry_hash_end(hash, whole);
}

void component_init(struct component *component, const char *text, size_t len)
{
	component->text = text;
	component->len = (uint32_t)len;
	component->hash = dentry_hash(text, len);
	component->tail = 0;
	memcpy(&component->tail, text + len / 8 * 8, len % 8);
}

/* ---- making -------------------------------------------------------------------------------- */

/* Room for a text with at least one NUL, in whole words. */
#define NAME_BYTES(len) (((len) / 8 + 1) * 8)

static void name_fill(struct dentry_name *name, const char *text, uint32_t len, uint32_t hash)
{
	name->hash = hash;
	name->len = len;
	*(uint64_t *)(void *)(name->text + len / 8 * 8) = 0;
	memcpy(name->text, text, len);
}

struct dentry_name *dentry_name_alloc(const char *text, uint32_t len, uint32_t hash)
{
	struct dentry_name *name = kmalloc(sizeof(*name) + NAME_BYTES(len), ALLOC_KERNEL);

	if (name)
		name_fill(name, text, len, hash);
	return name;
}

static bool name_set(struct dentry *dentry, const struct component *name)
{
	struct dentry_name *own = (struct dentry_name *)(void *)dentry->own_name;

	if (sizeof(*own) + NAME_BYTES(name->len) > sizeof(dentry->own_name)) {
		dentry->name = dentry_name_alloc(name->text, name->len, name->hash);
		return dentry->name;
	}
	name_fill(own, name->text, name->len, name->hash);
	dentry->name = own;
	return true;
}

/* A dentry with one reference, its own parent. */
static struct dentry *dentry_new(struct superblock *super, const struct component *name)
{
	struct dentry *dentry = cache_alloc(&dentry_slab, ALLOC_KERNEL);

	if (!dentry)
		return NULL;
	hlist_node_init(&dentry->in_hash);
	if (!name_set(dentry, name)) {
		cache_free(&dentry_slab, dentry);
		return NULL;
	}
	dentry->parent = dentry;
	dentry->inode = NULL;
	dentry->seq = SEQCOUNT;
	dentry->refs = 1;
	dentry->flags = super->kind & SUPER_NOCACHE ? DENTRY_VOLATILE : 0;
	spin_lock_init(&dentry->lock, RANK_DENTRY);
	dentry->super = super;
	list_init(&dentry->children);
	list_init(&dentry->sibling);
	list_init(&dentry->lru);
	dentry->ops = NULL;
	dentry->private = NULL;
	atomic_inc(&cache.count);
	return dentry;
}

int dentry_alloc(struct dentry *parent, const struct component *name, struct dentry **out)
{
	struct dentry *dentry = dentry_new(parent->super, name);

	if (!dentry)
		return -ENOMEM;
	dentry->parent = dentry_get(parent);
	spin_lock(&parent->lock);
	list_add_head(&parent->children, &dentry->sibling);
	spin_unlock(&parent->lock);
	*out = dentry;
	return 0;
}

int dentry_create_detached(struct superblock *super, const char *name, struct inode *inode,
                           struct dentry **out)
{
	/* The name is never looked up, so it needs no hash. */
	struct component component = { .text = name, .len = (uint32_t)strlen(name) };
	struct dentry *dentry = dentry_new(super, &component);

	if (!dentry)
		return -ENOMEM;
	dentry->inode = inode;
	dentry->flags |= DENTRY_DETACHED;
	*out = dentry;
	return 0;
}

int dentry_create_root(struct superblock *super, struct inode *inode, struct dentry **out)
{
	int err = dentry_create_detached(super, "/", inode, out);

	if (err) {
		inode_put(inode);
		return err;
	}
	(*out)->flags &= ~DENTRY_DETACHED;
	return 0;
}

/* ---- references ---------------------------------------------------------------------------- */

struct dentry *dentry_get(struct dentry *dentry)
{
	int32_t old = atomic_fetch_add_relaxed(&dentry->refs, 1);

	debug_assert(old > 0);
	(void)old;
	return dentry;
}

static void dentry_free_rcu(struct rcu_head *head)
{
	struct dentry *dentry = container_of(head, struct dentry, rcu);

	if ((void *)dentry->name != dentry->own_name)
		kfree(dentry->name);
	cache_free(&dentry_slab, dentry);
	atomic_dec(&cache.count);
}

bool dentry_try_kill(struct dentry *dentry)
{
	int32_t unused = 0;

	/* Fails against a concurrent dentry_try_get(). */
	return atomic_cmpxchg(&dentry->refs, &unused, DENTRY_DEAD);
}

struct dentry *dentry_finish_kill(struct dentry *dentry)
{
	struct dentry *parent = dentry->parent;
	struct inode *inode = dentry->inode;

	__acquire(&dentry->lock); /* the caller's */
	dentry_unhash(dentry);
	dentry_lru_remove(dentry);
	spin_unlock(&dentry->lock);

	if (parent == dentry) {
		parent = NULL;
	} else {
		spin_lock(&parent->lock);
		list_remove(&dentry->sibling);
		spin_unlock(&parent->lock);
	}
	rcu_call(&dentry->rcu, dentry_free_rcu);
	if (inode) {
		notify_gone(inode);
		inode_put(inode);
	}
	return parent;
}

enum { KEPT = DENTRY_HASHED | DENTRY_ON_LRU | DENTRY_REFERENCED };

/* Drops what may be the last reference; the parent to put if the dentry died. */
static struct dentry *dentry_put_last(struct dentry *dentry)
{
	uint32_t flags;

	/* The head comment says why nothing is lost between the count and the flags. */
	if (atomic_dec_return(&dentry->refs) != 0)
		return NULL;
	flags = atomic_load_relaxed(&dentry->flags);
	if (likely((flags & (KEPT | DENTRY_VOLATILE)) == KEPT))
		return NULL;
	spin_lock(&dentry->lock);
	if ((dentry->flags & (DENTRY_HASHED | DENTRY_VOLATILE)) != DENTRY_HASHED) {
		if (dentry_try_kill(dentry)) {
			__release(&dentry->lock); /* for it to let go */
			return dentry_finish_kill(dentry);
		}
	} else if (atomic_load_relaxed(&dentry->refs) == 0) {
		dentry_lru_add(dentry);
	}
	spin_unlock(&dentry->lock);
	return NULL;
}

void dentry_put(struct dentry *dentry)
{
	while (dentry) {
		int32_t refs = atomic_load_relaxed(&dentry->refs);

		debug_assert(refs > 0);
		while (refs > 1) {
			if (atomic_cmpxchg_release(&dentry->refs, &refs, refs - 1))
				return;
		}
		dentry = dentry_put_last(dentry);
	}
}

/* ---- the hash ------------------------------------------------------------------------------ */

struct dentry *dentry_lookup(struct dentry *parent, const struct component *name)
{
	struct dentry *dentry;
	unsigned int seq;

	rcu_read_lock();
	dentry = dentry_find_rcu(parent, name, &seq);
	if (dentry && !dentry_try_get(dentry))
		dentry = NULL;
	rcu_read_unlock();
	/* Moved, deleted or given another inode meanwhile: the slow way decides. */
	if (dentry && seqcount_retry(&dentry->seq, seq)) {
		dentry_put(dentry);
		return NULL;
	}
	return dentry;
}

struct dentry *dentry_lookup_locked(struct dentry *parent, const struct component *name)
{
	uint32_t index = dentry_bucket(parent, name->hash);
	struct dentry *dentry, *found = NULL;

	spin_lock(&cache.locks[index % HASH_LOCKS]);
	hlist_for_each_entry(dentry, &dentry_table.buckets[index], in_hash) {
		if (READ_ONCE(dentry->parent) != parent || !dentry_name_is(dentry->name, name))
			continue;
		if (dentry_try_get(dentry)) {
			found = dentry;
			break;
		}
	}
	spin_unlock(&cache.locks[index % HASH_LOCKS]);
	return found;
}

void dentry_rehash(struct dentry *dentry)
{
	uint32_t index = dentry_bucket(dentry->parent, dentry->name->hash);

	spin_lock_nested(&cache.locks[index % HASH_LOCKS], 0);
	hlist_add_rcu(&dentry_table.buckets[index], &dentry->in_hash);
	spin_unlock(&cache.locks[index % HASH_LOCKS]);
	atomic_or(&dentry->flags, DENTRY_HASHED);
}

void dentry_unhash(struct dentry *dentry)
{
	uint32_t index;

	if (!(dentry->flags & DENTRY_HASHED))
		return;
	index = dentry_bucket(dentry->parent, dentry->name->hash);
	spin_lock(&cache.locks[index % HASH_LOCKS]);
	hlist_remove_rcu(&dentry->in_hash);
	spin_unlock(&cache.locks[index % HASH_LOCKS]);
	atomic_and(&dentry->flags, ~DENTRY_HASHED);
}

void dentry_add(struct dentry *dentry)
{
	spin_lock(&dentry->lock);
	dentry_rehash(dentry);
	spin_unlock(&dentry->lock);
}

void dentry_attach(struct dentry *dentry, struct inode *inode)
{
	spin_lock(&dentry->lock);
	debug_assert(!dentry->inode);
	seqcount_write_begin(&dentry->seq);
	rcu_assign(&dentry->inode, inode);
	seqcount_write_end(&dentry->seq);
	spin_unlock(&dentry->lock);
}

void dentry_delete(struct dentry *dentry)
{
	struct inode *inode = NULL;

	spin_lock(&dentry->lock);
	seqcount_write_begin(&dentry->seq);
	/*
	 * Pairs with the reference taken before the retry in dentry_lookup(): one sees the other.
	 */
	smp_mb();
	if (atomic_load_relaxed(&dentry->refs) == 1 && !(dentry->flags & DENTRY_VOLATILE)) {
		inode = dentry->inode;
		rcu_assign(&dentry->inode, NULL);
	} else {
		dentry_unhash(dentry);
	}
	seqcount_write_end(&dentry->seq);
	spin_unlock(&dentry->lock);
	if (inode) {
		notify_gone(inode);
		inode_put(inode);
	}
}

void dentry_drop(struct dentry *dentry)
{
	spin_lock(&dentry->lock);
	seqcount_write_begin(&dentry->seq);
	dentry_unhash(dentry);
	seqcount_write_end(&dentry->seq);
	spin_unlock(&dentry->lock);
}

struct dentry *dentry_get_parent(struct dentry *dentry)
{
	struct dentry *parent;

	rcu_read_lock();
	do {
		parent = READ_ONCE(dentry->parent);
	} while (!dentry_try_get(parent));
	rcu_read_unlock();
	return parent;
}

int64_t dentry_count(void)
{
	return atomic_load_relaxed(&cache.count);
}
GAUGE("dentries", dentry_count);
