/*
 * The page cache of what lies on a disk: files of a disk's file system, and block devices
 * themselves. The file system says WHERE blocks are (map), everything that moves data is here and
 * in fs/writeback.h. A file system embeds struct disk_inode (fs/inode_cache.h), which has a struct
 * disk_mapping, and takes the operations of its files from below: disk_file_read() and so on.
 *
 * The states of a page stand beside enum disk_page_flags below.
 *
 * Content is changed by whoever holds a reference, without the page lock: first the bytes, then
 * disk_page_dirty(). The reference keeps the page in the index against reclaim, the inode's lock
 * against truncation.
 *
 * Stores through shared mappings: a PTE is writable only if the page was made DIRTY after the last
 * write-back of it began. Write-back clears DIRTY first, then takes the write permission away
 * (backing_write_protect), then submits; a fault makes DIRTY again after it made the PTE writable.
 *
 * Who waits for what, outermost first: inode's lock > page lock (ascending index in one file) > a
 * metadata operation > page lock of a device's page.
 * - map() is called with pages of the file locked. It takes neither the inode's lock nor page locks
 *   of files, and does not wait for anybody who does. Reading the device's pages is fine.
 * - Write-back, in whatever thread, takes page locks of files, never the inode's lock. So nobody
 *   waits for write-back, or calls disk_mapping_truncate(), inside a metadata operation.
 * - Page faults take no inode lock: they allocate under the page lock alone. Truncation sets the
 *   size, takes the pages out (each under its lock), and only then may the file system free blocks:
 *   an allocation either sees the new size, or is done before the page goes.
 * - No user memory is touched under a page lock.
 *
 * Does not do: delayed allocation (a block has its place before its page is dirty); pages larger
 * than 4 KiB; tracking of blocks below the page: a page is read and written whole, but blocks of it
 * that are holes are neither allocated nor written.
 */
#pragma once

#include "fs/pagecache.h"
#include "lib/types.h"
#include "mem/page.h"

struct block_device;
struct cred;
struct disk_inode;
struct disk_mapping;
struct file;
struct inode;
struct io;
struct page;

enum disk_extent_state {
	EXTENT_HOLE,      /* nothing there: reads as zeroes */
	EXTENT_MAPPED,    /* at device_block */
	EXTENT_NEW,       /* at device_block, allocated by this call: what lies there is nobody's */
	EXTENT_UNWRITTEN, /* reserved at device_block, reads as zeroes; the cache never writes it */
};

/* Blocks that lie behind one another on the device, in blocks of 1 << block_shift bytes. */
struct disk_extent {
	uint64_t device_block;
	uint32_t count; /* at least 1 */
	enum disk_extent_state state;
};

enum map_flags {
	MAP_READ     = 0,
	MAP_ALLOCATE = 1 << 0, /* what is a hole gets a place */
};

struct disk_mapping_ops {
	/*
	 * Where blocks block .. block + count - 1 of the file lie: the run that begins at block, at
	 * most count long (less is fine). MAP_READ may be asked of anything, behind the end too (a
	 * hole). MAP_ALLOCATE never answers HOLE. Sleeps. EIO ENOSPC EDQUOT EFBIG ENOMEM EROFS.
	 * Locks: see the head of this file; must protect itself against a concurrent map.
	 */
	int (*map)(struct mapping *mapping, uint64_t block, uint32_t count, unsigned int flags,
	           struct disk_extent *out);
	/*
	 * A write failed after blocks were allocated: those behind the inode's size are to be freed
	 * again. Inode's lock held for writing, no page lock. NULL: nothing to do.
	 */
	void (*trim)(struct mapping *mapping);
};

struct disk_mapping {
	struct mapping                 mapping; /* first */
	const struct disk_mapping_ops *ops __const_after_init;
	/* whose references the owner keeps while the mapping is in use */
	struct block_device           *device __const_after_init;
	uint32_t block_shift __guarded_by(host->lock); /* 9 to 12; changes without pages only */
	bool     is_device __const_after_init; /* a device's own: Buffers of /proc/meminfo */
	/* count removals and allocations: what map() said before is void, or its holes */
	uint32_t removals __atomic, allocations __atomic;
	uint32_t errors __atomic;      /* fs/errors.h: write-back that failed */
};

/*
 * States of a page in the index (flags in mem/page.h):
 *
 *	LOCKED      being read, or its place is being changed (allocation, removal). The holder is a
 *	            thread, or the bios that read it. sched/page_lock.h
 *	UPTODATE    content is valid; never taken back. Neither set nor LOCKED: reading failed
 *	            (ERROR), whoever wants it next reads again
 *	DIRTY       newer than the disk; RADIX_DIRTY in the index. Both under mapping->lock
 *	WRITEBACK   bios are writing it; RADIX_WRITEBACK. It may become DIRTY meanwhile
 *	ALLOCATED   every block below the file's size has a place on the disk: it may be dirtied
 *	AHEAD       whoever comes here starts the next read-ahead
 *	PRIVATE     a file system's metadata layer owns it (private_value is its word) and writes it
 *	            by bios of its own: write-back and reclaim pass by
 *	REFERENCED  used since the clock hand passed
 *
 * Without PRIVATE, private_value counts the bios still to come while a page is read or written. A
 * page that is DIRTY, WRITEBACK or LOCKED leaves the index only by truncation, which waits for
 * LOCKED and WRITEBACK. What lies behind the file's size in the last page is zero when it is read
 * and when the size grows; between, shared mappings may store there.
 */
enum disk_page_flags {
	PAGE_ALLOCATED = PAGE_OWNER_1,
	PAGE_AHEAD     = PAGE_OWNER_2,
};

/*
 * host->mapping is set by the caller. host->size is the size of the content (a device's, too).
 * block_shift: 9 .. 12, at least that of the device's logical block.
 */
void disk_mapping_init(struct disk_mapping *disk, struct inode *host,
                       const struct disk_mapping_ops *ops, struct block_device *device,
                       uint32_t block_shift);
/* Asserts that no page is left: disk_mapping_truncate() or _drop() to 0 goes before. */
void disk_mapping_fini(struct disk_mapping *disk);

static inline struct disk_mapping *to_disk_mapping(struct mapping *mapping)
{
	return container_of(mapping, struct disk_mapping, mapping);
}

/* Pages of all mappings of files on disks, of devices: Cached and Buffers of /proc/meminfo. */
size_t disk_file_pages(void);
size_t disk_device_pages(void);

/* ---- pages ---------------------------------------------------------------------------------- */

/*
 * The page, read if need be, UPTODATE and unlocked, with a reference. EIO, ENOMEM, EINTR (a fatal
 * signal). Sleeps. May be used under RANK_META on a device's mapping.
 */
int __must_check disk_page_get(struct mapping *mapping, pgoff_t index, struct page **out);
/*
 * The page locked, whatever is in it, made if need be (then neither UPTODATE nor read): for who
 * writes all of it. Then disk_page_set_uptodate() and page_unlock(). ENOMEM. Sleeps.
 */
int __must_check disk_page_grab(struct mapping *mapping, pgoff_t index, struct page **out);
static inline void disk_page_set_uptodate(struct page *page)
{
	__atomic_fetch_or(&page->flags, PAGE_UPTODATE, __ATOMIC_RELEASE);
}
/*
 * Starts reading what is not there of nr pages, of the first MiB of them, and does not wait for it.
 * Sleeps.
 */
void disk_mapping_read_ahead(struct mapping *mapping, pgoff_t first, size_t nr);
/*
 * Content was changed: marks the page dirty and puts the inode on the list of its super block. The
 * caller has a reference and allocated blocks. Spinlocks only.
 */
void disk_page_dirty(struct mapping *mapping, struct page *page);
/*
 * The page is not to be written after all (its blocks were freed, or the metadata layer takes it
 * over and writes it itself). Page lock held.
 */
void disk_page_clean(struct mapping *mapping, struct page *page);

/* ---- shrinking ------------------------------------------------------------------------------ */

/*
 * The content ends at `size` bytes now; inode->size is changed already, the blocks are not yet
 * freed. Zeroes and dirties the rest of the last block if it is on the disk, then takes pages out
 * that lie behind, after waiting for whoever reads or writes them. Inode's lock held for writing;
 * not inside a metadata operation. EIO: the last block could not be read; pages are gone
 * nevertheless. With size 0 it cannot fail. Sleeps.
 */
int disk_mapping_truncate(struct mapping *mapping, pos_t size);
/*
 * The content grows to `size` bytes without a write (truncate(2), fallocate(2)): zeroes what is
 * behind the end in the last page, and sets inode->size. Inode's lock held for writing; not inside
 * a metadata operation. EIO, ENOMEM. Sleeps.
 */
int disk_mapping_extend(struct mapping *mapping, pos_t size);
/*
 * Bytes from .. to - 1 are to read as zeroes: pages wholly inside leave, edges are zeroed and
 * dirtied. The caller may free the blocks of whole pages inside, afterwards, and no others. As
 * disk_mapping_truncate().
 */
int disk_mapping_punch(struct mapping *mapping, pos_t from, pos_t to);
/*
 * Takes clean pages of from .. to (inclusive bytes) out of the cache, unmapping them; waits for
 * write-back. EBUSY: something was dirtied again meanwhile, and stays. What O_DIRECT, BLKFLSBUF and
 * changed media need. Sleeps.
 */
int disk_mapping_invalidate(struct mapping *mapping, pos_t from, pos_t to);
/* All pages, dirty or not (the file is deleted, the device is gone). No users left. Sleeps. */
void disk_mapping_drop(struct mapping *mapping);

/* ---- file_ops ------------------------------------------------------------------------------- */

/* Notes which errors the file has seen: every disk file's open() calls it. 0. */
int     disk_file_open(struct inode *inode, struct file *file);
ssize_t disk_file_read(struct io *io);
ssize_t disk_file_write(struct io *io);
/* The same with the inode's lock held by the caller, and without O_SYNC's part. */
ssize_t disk_file_write_locked(struct io *io);
int     disk_file_mmap(struct file *file, struct map_request *request);
/* SEEK_DATA and SEEK_HOLE by map(). */
pos_t   disk_file_seek(struct file *file, pos_t offset, int whence);
/*
 * The data part of fsync(2): writes from .. to (inclusive bytes) out, waits, and says each error
 * once per open file. The file system then does its metadata and the device's flush.
 */
int     disk_file_sync_data(struct file *file, pos_t from, pos_t to);
/* sync_file_range(2), with its flags; to is inclusive. The file has FILE_DIRECT. Sleeps. */
int     disk_file_sync_range(struct file *file, pos_t from, pos_t to, unsigned int flags);
/* posix_fadvise(2), advice checked; len 0: to the end. The file has FILE_DIRECT. Sleeps. */
void    disk_file_advise(struct file *file, pos_t from, pos_t len, int advice);

/* A cached, valid page of the file at the position, lent with a reference; NULL: not there. */
struct page *disk_page_borrow(struct mapping *mapping, pgoff_t index);
