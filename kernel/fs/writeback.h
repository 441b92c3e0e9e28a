/*
 * Write-back: how dirty pages and inodes of disks come to rest. The cache's side is in
 * fs/disk_mapping.h.
 *
 * Each super block that can be written has a struct writeback with the list of its dirty inodes,
 * oldest first, and a thread (made when the first inode is dirtied, gone with the super block) that
 * writes inodes older than dirty_expire (30 s), looks every dirty_writeback (5 s), and writes
 * everything, oldest first, while more than the background share (10 %) of available memory is
 * dirty. Writers wait in their write(2) above the limit (20 %). /proc/sys/vm/dirty_*.
 *
 * Dirty says: pages (in the inode's index), attributes (the file system's inode has not been
 * written since they changed), or times alone (the same, but fdatasync(2) does not care).
 *
 * Errors of write-back are counted in the mapping and in the super block (fs/errors.h), and every
 * open file hears of each once: fsync(2), syncfs(2), O_SYNC.
 *
 * Locking: writeback->lock (RANK_INODE_CACHE) over lists and state of inodes; writeback->mutex
 * (RANK_WRITEBACK) makes one thread at a time write the listed inodes. Who works on an inode has
 * DISK_INODE_SYNCING; others wait for it. No other lock is held across I/O. The inode's lock is not
 * taken here: write_inode() reads attributes as they are.
 */
#pragma once

#include "fs/errors.h"
#include "lib/types.h"

struct block_device;
struct file;
struct inode;
struct mapping;
struct superblock;
struct writeback;

/* Bits of disk_inode.state: what of it is dirty. */
enum disk_inode_state {
	DISK_INODE_DIRTY_PAGES = 1 << 0,
	DISK_INODE_DIRTY_ATTR  = 1 << 1, /* size, mode, blocks: what fdatasync(2) needs */
	DISK_INODE_DIRTY_TIME  = 1 << 2,
	DISK_INODE_DIRTY       = DISK_INODE_DIRTY_PAGES | DISK_INODE_DIRTY_ATTR |
	                         DISK_INODE_DIRTY_TIME,
	DISK_INODE_SYNCING     = 1 << 3, /* somebody writes it */
	DISK_INODE_FREEING     = 1 << 4, /* evict() has begun */
};

/* ---- super blocks --------------------------------------------------------------------------- */

/* For a super block of disk_inodes, before the first of them. ENOMEM. */
int __must_check writeback_create(struct superblock *super);
/* Everything is written or dropped; ends the thread. super.c calls it. */
void writeback_destroy(struct superblock *super);

/*
 * Write all dirty inodes' data and attributes, in order of age; wait: until it is all on its way
 * to rest, pages under write-back included. The file system's sync() and the device's flush are the
 * caller's: super_sync() does all three. First error. Sleeps.
 */
int writeback_sync(struct superblock *super, bool wait);

/* ---- inodes --------------------------------------------------------------------------------- */

/* what of DISK_INODE_DIRTY. Spinlocks only; nothing for inodes being evicted. */
void disk_inode_dirty(struct inode *inode, unsigned int what);
/* As super_ops.dirty_inode: times were touched. */
void disk_inode_dirty_times(struct inode *inode);
/* It is being evicted: off the list, and never on it again. For disk_inode_evict(). */
void disk_inode_forget(struct inode *inode);
bool disk_inode_is_dirty(const struct inode *inode, unsigned int what);
/*
 * Calls super_ops.write_inode() if attributes are dirty (times alone: unless data_only), and waits
 * for another who does. For fsync(2), after disk_file_sync_data(). Sleeps.
 */
int disk_inode_write(struct inode *inode, bool data_only, bool wait);

/* ---- pages ---------------------------------------------------------------------------------- */

/*
 * Submit dirty pages of from .. to (inclusive bytes; to INT64_MAX: the end). Pages that are being
 * written already are waited for and written again if wait, else left. Does not wait for what it
 * submits: mapping_wait() does. EIO if the file system could not say where. Sleeps.
 */
int mapping_write_back(struct mapping *mapping, pos_t from, pos_t to, bool wait);
/* Until no page of the range is under write-back. Errors are in mapping->errors only. Sleeps. */
void mapping_wait(struct mapping *mapping, pos_t from, pos_t to);

/* Dirty pages, and those being written, of all mappings: /proc/meminfo. */
size_t dirty_pages(void);
size_t writeback_pages(void);

/* Called by writers between pages, without page locks: waits while too much is dirty. Sleeps. */
void writeback_balance(struct mapping *mapping);
/* Somebody needs clean pages: all threads write what they have. Any context. */
void writeback_kick_all(void);

/* /proc/sys/vm/: percent, bytes (0: the percent count), centiseconds. As Linux: sysctl/vm. */
struct writeback_settings {
	int      background_ratio __atomic, ratio __atomic;
	uint64_t background_bytes __atomic, bytes __atomic;
	int      expire_cs __atomic, period_cs __atomic;
};
extern struct writeback_settings writeback_settings;
/* The settings changed: threads look again. */
void writeback_settings_changed(void);
/* The limits of now, in pages. */
void writeback_limits(size_t *background, size_t *limit);
