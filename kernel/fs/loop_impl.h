/*
 * What loop.c and loop_io.c share.
 *
 * Locking: loop->lock (RANK_LOOP) over attaching, detaching and settings; it is never held while a
 * file is put, which may close another block device. queue_lock (RANK_BLOCK) over the requests.
 */
#pragma once

#include <linux/loop.h>

#include "core/spinlock.h"
#include "dev/disk.h"
#include "lib/list.h"
#include "lib/types.h"
#include "sched/mutex.h"
#include "sched/wait.h"

struct loop {
	struct list       link __guarded_by(loops.lock);
	uint32_t          number __const_after_init;
	struct disk      *disk __const_after_init;
	struct mutex      lock;
	struct file      *file __guarded_by(lock); /* a reference; NULL: nothing is attached */
	uint32_t          flags __guarded_by(lock); /* LO_FLAGS_* */
	uint64_t          offset __guarded_by(lock), size_limit __guarded_by(lock);
	uint8_t           file_name[LO_NAME_SIZE] __guarded_by(lock);

	struct spinlock   queue_lock;
	struct list       requests __guarded_by(queue_lock);
	bool              stops __guarded_by(queue_lock); /* there is no thread, or not for long */
	struct wait_queue wait;
	struct completion stopped;
};

extern const struct disk_ops loop_disk_ops;
/* The thread that does the I/O; loop->file is set and stays until it is stopped. ENOMEM. */
__must_check int loop_start(struct loop *loop);
void loop_stop(struct loop *loop);

/* loop.c */
long loop_ioctl(struct block_device *device, struct file *file, unsigned int command, void *arg);
void loop_closed(struct disk *disk);
void loop_release(struct disk *disk);
