/*
 * Disks, as their drivers see them.
 *
 *     struct disk_params params = { .name = "vda", .ops = &my_ops, .private = mine, ... };
 *     err = disk_create(&params, &disk);     nobody knows it yet
 *     err = disk_add(disk);                  found by number and name; partitions are read soon
 *     ...
 *     disk_fail(disk);                       the device is gone: new I/O ends with EIO
 *     (the driver stops its hardware and completes what it still has)
 *     disk_remove(disk);                     waits for the rest; ops are not called any more
 *     disk_put(disk);                        users with references keep the structure alive
 *
 * I/O arrives as requests: one operation on one range of sectors, within the limits, merged from
 * neighbouring bios or cut from a large one. The block layer owns them (params.queue_depth for each
 * hardware queue) together with params.request_bytes of the driver's own behind each.
 *
 * ops->queue() gets them one at a time for each hardware queue, interrupts on, no lock held, in any
 * thread or in deferred work: it must not sleep. It answers 0 (and will call
 * block_request_complete() exactly once, from any context, also from within) or -EAGAIN (no room
 * now: the same request comes again after the next completion of that queue, or disk_kick()). Only
 * when something is in flight, or disk_kick() will follow, may it say -EAGAIN. ops->commit()
 * follows the last of a batch.
 *
 * Requests that a driver never completes keep disk_remove() waiting for ever.
 */
#pragma once

#include "dev/block.h"
#include "lib/list.h"
#include "lib/types.h"
#include "sched/wait.h"

struct block_request;
struct file;
struct disk_queue;

enum disk_flags {
	DISK_READONLY     = 1 << 0,
	DISK_WRITE_CACHE  = 1 << 1, /* volatile: needs BLOCK_FLUSH */
	DISK_FUA          = 1 << 2, /* knows block_request.fua */
	DISK_ROTATIONAL   = 1 << 3,
	DISK_REMOVABLE    = 1 << 4,
	DISK_NO_PARTITIONS = 1 << 5, /* never looks for a table by itself; BLKPG works */
};

/* 0 means what the comment says. Sectors have 512 bytes. */
struct disk_limits {
	uint32_t logical_block;      /* 512; a power of two up to 4096 */
	uint32_t physical_block;     /* the logical one */
	uint32_t io_min, io_opt;     /* the physical block; unknown */
	uint32_t alignment_offset;
	uint32_t max_sectors;        /* of a request: 2560, as on Linux */
	uint32_t max_segments;       /* 128 */
	uint32_t max_segment_bytes;  /* 65536 */
	uint32_t max_discard_sectors;      /* cannot discard */
	uint32_t discard_granularity;      /* bytes; the logical block */
	uint32_t max_write_zeroes_sectors; /* zero pages are written instead */
};

struct disk_ops {
	int  (*queue)(struct disk *disk, uint32_t queue, struct block_request *request);
	void (*commit)(struct disk *disk, uint32_t queue);  /* NULL: nothing to ring */
	/* First open, last close, of the disk or a partition. Sleep. NULL: nothing. */
	int  (*opened)(struct disk *disk);
	void (*closed)(struct disk *disk);
	/* As file_ops.ioctl; -ENOTTY: not one of mine. Sleeps. NULL: none. */
	long (*ioctl)(struct block_device *device, struct file *file, unsigned int command,
	              void *arg);
	void (*release)(struct disk *disk); /* the last reference is gone; no sleep. NULL */
};

struct disk_params {
	const char            *name;         /* copied; at most 24 bytes */
	const struct disk_ops *ops;
	void                  *private;
	dev_t                  number;       /* of the whole disk */
	uint32_t               minors;       /* for it and partitions; beyond: major 259 */
	unsigned int           flags;        /* enum disk_flags */
	uint64_t               nr_sectors;
	struct disk_limits     limits;
	uint32_t               nr_queues;    /* 0: one; more than CPUs are not used */
	uint32_t               queue_depth;  /* 0: 64; requests of each queue */
	uint32_t               request_bytes; /* of the driver's own with each request */
	const char            *serial;       /* copied, or NULL */
	const char            *model;        /* copied, or NULL */
};

struct disk {
	const struct disk_ops *ops __const_after_init;
	void                  *private __const_after_init;
	struct disk_limits     limits; /* no zeroes that mean something else; changes without I/O */
	unsigned int           flags __atomic;
	uint32_t               minors __const_after_init;
	uint32_t               nr_queues __const_after_init;
	uint32_t               queue_depth __const_after_init;
	uint32_t               request_bytes __const_after_init;
	uint64_t               sequence __const_after_init; /* BLKGETDISKSEQ */
	char                   serial[64] __const_after_init;
	char                   model[64] __const_after_init;
	struct refcount        refs;       /* one for each block device of it, and the driver's */
	struct block_device   *whole __const_after_init;
	struct list            partitions __guarded_by(block_registry); /* by number */
	uint32_t               openers __guarded_by(block_registry); /* partitions too */
	uint32_t               state __atomic; /* of its life: dev/disk_impl.h */
	uint32_t               in_flight __atomic; /* bios submitted and not done */
	struct wait_queue      idle;       /* disk_remove() waits for in_flight == 0 */
	struct disk_queue     *queues __const_after_init;
	struct disk_flush     *flush __const_after_init;
};

/* Makes a disk with one reference, the caller's. EINVAL: limits; ENOMEM. Sleeps. */
__must_check int disk_create(const struct disk_params *params, struct disk **out);
struct disk *disk_get(struct disk *disk);
void disk_put(struct disk *disk);

/* Registers it. EBUSY: number or name is taken. Sleeps. */
__must_check int disk_add(struct disk *disk);
/*
 * What waits ends with EIO, and all that comes. A request that is just on its way may still reach
 * ops->queue(), which completes it with an error. Any context that may spin.
 */
void disk_fail(struct disk *disk);
/* Fails it, waits for what is in flight, takes it and its partitions off the registry. Sleeps. */
void disk_remove(struct disk *disk);

/* Its size changed, or whether it can be written. Partitions beyond the end fail. */
void disk_set_capacity(struct disk *disk, uint64_t nr_sectors);
void disk_set_readonly(struct disk *disk, bool readonly);
/* Other limits, with nothing in flight. EINVAL: as disk_create(). */
__must_check int disk_set_limits(struct disk *disk, const struct disk_limits *limits);
/* Room again after -EAGAIN without a completion. Any context that may spin. */
void disk_kick(struct disk *disk);

/* ---- requests --------------------------------------------------------------------------- */

struct block_request {
	struct list link;       /* the driver's while it has the request */
	uint8_t     operation;  /* enum block_operation; WRITE_ZEROES only if the disk knows it */
	bool        fua;
	bool        keep;       /* WRITE_ZEROES: BIO_KEEP */
	uint16_t    tag;        /* below queue_depth, unique in its queue */
	uint32_t    queue;
	uint64_t    sector;     /* on the disk, of 512 bytes */
	uint64_t    nr_sectors; /* 0: a flush */
	uint32_t    nr_segments; /* what the cursor will give */

	/* The block layer's. */
	int         error;
	struct disk *disk;
	struct list bios;       /* whole ones, or empty: */
	struct bio *slice;      /* then this is a part of that one, from here: */
	uint32_t    first_segment, first_offset;
	ns_t        started_ns;
};

static inline void *block_request_private(struct block_request *request)
{
	return request + 1;
}

/* Done, 0 or -errno for all of it. Any context, interrupt handlers included. */
void block_request_complete(struct block_request *request, int error);

/*
 * The memory of a READ or WRITE request, run by run:
 *
 *     struct block_cursor cursor = block_cursor_begin(request);
 *     while (block_cursor_next(&cursor, &extent)) ...
 */
struct block_extent {
	paddr_t  address;
	uint32_t length; /* at most limits.max_segment_bytes */
};

struct block_cursor {
	uint32_t max_bytes; /* of an extent */
	const struct bio *bio;
	uint32_t segment, offset;
	uint64_t left;
};

struct block_cursor block_cursor_begin(const struct block_request *request);
bool block_cursor_next(struct block_cursor *cursor, struct block_extent *extent);
