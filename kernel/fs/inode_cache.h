/*
 * Inodes of disks in memory, by super block and number.
 *
 * A file system's inode embeds struct disk_inode, whose first member is struct inode. The cache
 * holds one reference on each inode that it knows, so that an inode stays when its last name and
 * last user go; a shrinker lets go of those that nobody uses, that are clean and that have no
 * pages. An inode without a name left (nlink 0) is taken out by the file system, in unlink, by
 * inode_cache_remove(): the last user's inode_put() then evicts it at once. So fast paths count
 * references as ever, and know nothing of this.
 *
 * Life: inode_cache_get() -> super_ops.read_inode() -> in the cache, used or not -> shrunk away, or
 * removed -> super_ops.evict(), which begins with disk_inode_evict() -> free_inode() after RCU.
 *
 * Locking: one spinlock (RANK_INODE_CACHE) over the hash; read_inode() runs without it, others who
 * ask for the same number wait for its end.
 */
#pragma once

#include "fs/disk_mapping.h"
#include "fs/inode.h"
#include "fs/writeback.h"
#include "lib/hlist.h"
#include "lib/list.h"

struct disk_inode {
	struct inode        inode; /* first */
	struct disk_mapping content; /* pages; inode.mapping points to it if they are in use */
	uint32_t            state __guarded_by(writeback->lock); /* DISK_INODE_* */
	ns_t                dirtied_at __guarded_by(writeback->lock); /* monotonic */
	struct list         dirty_link __guarded_by(writeback->lock);
	struct hlist_node   cache_link __guarded_by(cache.lock);
	struct list         cache_list __guarded_by(cache.lock); /* of all cached */
	uint32_t            was_used __atomic; /* found since the shrinker looked */
};

static inline struct disk_inode *to_disk_inode(struct inode *inode)
{
	return container_of(inode, struct disk_inode, inode);
}

/* After inode_init(): the part that is ours. Not in the cache yet; content is the caller's. */
void disk_inode_init(struct disk_inode *disk);
/*
 * First thing in super_ops.evict(): off the list of the dirty, all pages dropped (an inode with a
 * name left is clean by then). Sleeps.
 */
void disk_inode_evict(struct inode *inode);

/*
 * The inode of that number with a reference: found, or made by super_ops.read_inode(super, ino,
 * &inode), which returns one with one reference. Two who ask at once get the same one. Errors are
 * read_inode's, and ENOMEM. Sleeps.
 */
int __must_check inode_cache_get(struct superblock *super, ino_t ino, struct inode **out);
/* Only if it is in memory; NULL. Spinlocks only. */
struct inode *inode_cache_find(struct superblock *super, ino_t ino);
/* A new inode (create; linkat(2) of a nameless one) enters; the cache takes a reference. ENOMEM. */
int __must_check inode_cache_add(struct inode *inode);
/* Its last name is gone. The caller has a reference, and its put() may evict. */
void inode_cache_remove(struct inode *inode);

/*
 * Unmount: everything that nobody uses goes, clean as it must be by now. super.c calls it after the
 * last sync. Sleeps.
 */
void inode_cache_drop_super(struct superblock *super);
