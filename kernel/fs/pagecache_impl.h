/*
 * What the page cache of memory (pagecache.c, pagecache_io.c) and that of disks (disk_impl.h) have
 * in common.
 */
#pragma once

#include <linux/errno.h>
#include <linux/fcntl.h>

#include "fs/file.h"
#include "fs/inode.h"
#include "fs/pagecache.h"
#include "fs/super.h"
#include "lib/math.h"
#include "sched/thread.h"
#include "vm/uio.h"

/* Lets the allocator reclaim, so that the next insertion finds a node. -ENOMEM. */
int index_refill(void);

enum { RESCHED_PAGES = 32 };

/* True every so many pages if the thread should stop: it is being killed. */
static inline bool mapping_is_interrupted(pos_t position)
{
	if (((uint64_t)position >> PAGE_SHIFT) % RESCHED_PAGES)
		return false;
	cond_resched();
	return thread_test_flag(thread_current(), TF_KILLED);
}

/* Where the write goes and how much of it may: limits, seals. Inode's lock held. */
static inline int mapping_write_check(struct io *io, struct mapping *mapping)
{
	struct inode *inode = mapping->host;
	uint64_t limit = min(io->size_limit, (uint64_t)inode->super->max_size);

	pos_t end;

	if (!checked_add(io->position, (pos_t)io->uio->remaining, &end))
		return -EINVAL;
	if (io->flags & IO_APPEND)
		io->position = inode->size;
	if (io->position < 0)
		return -EINVAL;
	if (unlikely(mapping->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EPERM;
	if (!io->uio->remaining)
		return 0;
	if ((uint64_t)io->position >= limit)
		return -EFBIG;
	if (io->uio->remaining > limit - (uint64_t)io->position)
		uio_truncate(io->uio, limit - (uint64_t)io->position);
	if (unlikely(mapping->seals & F_SEAL_GROW)) {
		if (io->position >= inode->size)
			return -EPERM;
		if ((pos_t)io->uio->remaining > inode->size - io->position)
			uio_truncate(io->uio, (size_t)(inode->size - io->position));
	}
	return 0;
}
