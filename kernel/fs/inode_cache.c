/*
 * Inodes of disks by number. See inode_cache.h.
 *
 * The table is made when the first inode comes. An inode in it has one reference of the cache's, so
 * that whoever finds it under the lock may take another. Eviction turns the last reference into
 * none under the same lock, and takes it out: nobody finds one that is on its way out.
 *
 * Who reads an inode leaves a note (struct reading, on its stack) for others who ask for it.
 */
#include "fs/inode_cache.h"

#include <linux/errno.h>

#include "core/panic.h"
#include "fs/super.h"
#include "lib/bits.h"
#include "lib/hash.h"
#include "lib/math.h"
#include "mem/alloc.h"
#include "mem/buddy.h"
#include "sched/mutex.h"
#include "sched/rcu.h"
#include "sched/thread.h"
#include "sched/wait.h"
#include "vm/reclaim.h"

enum {
	BUCKETS_MIN = 256,
	PAGES_PER_BUCKET = 16,
	INODES_PER_PAGE = 4, /* about: an inode, and what hangs on it */
	SCAN_BATCH = 64,
};

struct reading {
	struct superblock *super;
	ino_t              ino;
	struct list        link;
};

static struct {
	struct spinlock   lock;
	struct hlist     *table __guarded_by(lock); /* NULL: nothing was ever cached */
	uint64_t          nr_buckets __guarded_by(lock); /* a power of two */
	struct list       list __guarded_by(lock);  /* of all; the shrinker's hand is its head */
	size_t            count __guarded_by(lock);
	struct list       reading __guarded_by(lock);
	struct wait_queue wait;    /* for the end of a reading */
	struct mutex      making;  /* RANK_SLEEPING: the table */
} cache = {
	.lock = SPINLOCK(RANK_INODE_CACHE),
	.list = LIST_INIT(cache.list),
	.reading = LIST_INIT(cache.reading),
	.wait = WAIT_QUEUE(cache.wait),
	.making = MUTEX(cache.making, RANK_SLEEPING),
};

/* ---- table ---------------------------------------------------------------------------------- */

static struct hlist *bucket_of(const struct superblock *super, ino_t ino)
{
	uint64_t hash = hash_u64(ino ^ (uintptr_t)super);

	return &cache.table[hash & (cache.nr_buckets - 1)];
}

static struct disk_inode *find_locked(const struct superblock *super, ino_t ino)
{
	struct disk_inode *disk;

	if (!cache.table)
		return NULL;
	hlist_for_each_entry(disk, bucket_of(super, ino), cache_link) {
		if (disk->inode.ino == ino && disk->inode.super == super)
			return disk;
	}
	return NULL;
}

static void add_locked(struct disk_inode *disk)
{
	inode_get(&disk->inode);
	hlist_add(bucket_of(disk->inode.super, disk->inode.ino), &disk->cache_link);
	list_add_tail(&cache.list, &disk->cache_list);
	cache.count++;
}

static void remove_locked(struct disk_inode *disk)
{
	hlist_remove(&disk->cache_link);
	list_remove_init(&disk->cache_list);
	cache.count--;
}

static size_t inode_cache_shrink(struct shrinker *shrinker, size_t nr_pages);
static size_t inode_cache_count(struct shrinker *shrinker);

static struct shrinker inode_shrinker = {
	.name = "disk inodes",
	.shrink = inode_cache_shrink,
	.count = inode_cache_count,
};

static int table_make(void)
{
	uint64_t wanted = max(pages_total() / PAGES_PER_BUCKET, (uint64_t)BUCKETS_MIN);
	uint64_t nr = 1ull << bit_highest(wanted);
	struct hlist *table;

	if (READ_ONCE(cache.table))
		return 0;
	table = kvmalloc(nr * sizeof(*table), ALLOC_KERNEL | ALLOC_ZERO);
	if (!table)
		return -ENOMEM;
	spin_lock(&cache.lock);
	if (!cache.table) {
		cache.nr_buckets = nr;
		WRITE_ONCE(cache.table, table);
		table = NULL;
	}
	spin_unlock(&cache.lock);
	if (table)
		kvfree(table);
	else
		shrinker_register(&inode_shrinker);
	return 0;
}

/* ---- finding and reading -------------------------------------------------------------------- */

struct inode *inode_cache_find(struct superblock *super, ino_t ino)
{
	struct disk_inode *disk;

	spin_lock(&cache.lock);
	disk = find_locked(super, ino);
	if (disk)
		inode_get(&disk->inode);
	spin_unlock(&cache.lock);
	return disk ? &disk->inode : NULL;
}

static bool is_being_read_locked(const struct superblock *super, ino_t ino)
{
	struct reading *reading;

	list_for_each_entry(reading, &cache.reading, link) {
		if (reading->ino == ino && reading->super == super)
			return true;
	}
	return false;
}

/* The inode with a reference; NULL: it is the caller's to read, and his note is there. */
static struct disk_inode *find_or_claim(struct reading *reading)
{
	struct disk_inode *disk;

	spin_lock(&cache.lock);
	wait_event_spin(&cache.wait, !is_being_read_locked(reading->super, reading->ino),
	                &cache.lock);
	disk = find_locked(reading->super, reading->ino);
	if (disk) {
		inode_get(&disk->inode);
		atomic_or(&disk->was_used, 1);
	} else {
		list_add_tail(&cache.reading, &reading->link);
	}
	spin_unlock(&cache.lock);
	return disk;
}

int inode_cache_get(struct superblock *super, ino_t ino, struct inode **out)
{
	struct reading reading = { .super = super, .ino = ino };
	struct disk_inode *disk;
	struct inode *inode;
	int err;

	err = table_make();
	if (err)
		return err;
	disk = find_or_claim(&reading);
	if (disk) {
		*out = &disk->inode;
		return 0;
	}
	err = super->ops->read_inode(super, ino, &inode);
	spin_lock(&cache.lock);
	list_remove(&reading.link);
	if (!err && inode->nlink)
		add_locked(to_disk_inode(inode));
	spin_unlock(&cache.lock);
	wake_up_all(&cache.wait);
	if (!err)
		*out = inode;
	return err;
}

int inode_cache_add(struct inode *inode)
{
	int err = table_make();

	if (err)
		return err;
	spin_lock(&cache.lock);
	if (!hlist_is_linked(&to_disk_inode(inode)->cache_link))
		add_locked(to_disk_inode(inode));
	spin_unlock(&cache.lock);
	return 0;
}

void inode_cache_remove(struct inode *inode)
{
	struct disk_inode *disk = to_disk_inode(inode);
	bool was_cached;

	spin_lock(&cache.lock);
	was_cached = hlist_is_linked(&disk->cache_link);
	if (was_cached)
		remove_locked(disk);
	spin_unlock(&cache.lock);
	if (was_cached)
		inode_put(inode);
}

/* ---- life ----------------------------------------------------------------------------------- */

void disk_inode_init(struct disk_inode *disk)
{
	disk->state = 0;
	disk->was_used = 0;
	disk->dirtied_at = 0;
	list_init(&disk->dirty_link);
	hlist_node_init(&disk->cache_link);
	list_init(&disk->cache_list);
}

void disk_inode_evict(struct inode *inode)
{
	disk_inode_forget(inode);
	if (inode->mapping)
		disk_mapping_drop(inode->mapping);
}

/* Nobody else refers to it, and there is nothing that only it knows. */
static bool can_go(const struct disk_inode *disk, bool with_pages)
{
	const struct mapping *mapping = disk->inode.mapping;

	if (refcount_read(&disk->inode.refs) != 1 ||
	    atomic_load_relaxed(&disk->state) & (DISK_INODE_DIRTY | DISK_INODE_SYNCING))
		return false;
	return with_pages || !mapping || !READ_ONCE(mapping->nr_pages);
}

/*
 * Looks at up to nr_scan inodes and takes up to a batch out of the table, each with the reference
 * that was the cache's. super NULL: any. How many.
 */
static size_t gather_locked(const struct superblock *super, bool forced, size_t *nr_scan,
                            struct disk_inode **victims)
{
	size_t nr = 0;

	while (*nr_scan && nr < SCAN_BATCH && !list_is_empty(&cache.list)) {
		struct disk_inode *disk = list_first_entry(&cache.list, struct disk_inode,
		                                           cache_list);

		--*nr_scan;
		list_remove(&disk->cache_list);
		list_add_tail(&cache.list, &disk->cache_list);
		if (super && disk->inode.super != super)
			continue;
		if (!forced && disk->was_used) {
			atomic_store_relaxed(&disk->was_used, 0);
			continue;
		}
		if (!can_go(disk, forced))
			continue;
		remove_locked(disk);
		victims[nr++] = disk;
	}
	return nr;
}

static size_t evict_some(const struct superblock *super, bool forced, size_t *nr_scan)
{
	struct disk_inode *victims[SCAN_BATCH];
	size_t nr;

	spin_lock(&cache.lock);
	nr = gather_locked(super, forced, nr_scan, victims);
	spin_unlock(&cache.lock);
	for (size_t i = 0; i < nr; i++)
		inode_put(&victims[i]->inode);
	return nr;
}

static size_t inode_cache_shrink(struct shrinker *shrinker, size_t nr_pages)
{
	size_t left = READ_ONCE(cache.count), freed = 0;

	while (left && freed / INODES_PER_PAGE < nr_pages) {
		freed += evict_some(NULL, nr_pages > SIZE_MAX / 4, &left);
		cond_resched();
	}
	if (freed)
		rcu_barrier();
	return (freed + INODES_PER_PAGE - 1) / INODES_PER_PAGE;
}

static size_t inode_cache_count(struct shrinker *shrinker)
{
	return READ_ONCE(cache.count) / INODES_PER_PAGE;
}

void inode_cache_drop_super(struct superblock *super)
{
	size_t left = READ_ONCE(cache.count);

	while (left) {
		evict_some(super, true, &left);
		cond_resched();
	}
}
