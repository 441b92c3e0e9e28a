/*
 * What the files of the block layer share: queues of a disk, flushes, the life of a bio.
 *
 * A bio goes through stages; each is a set of requests, and the last of them to be done
 * (bio->pending) begins the next:
 *
 *     STAGE_FLUSH_BEFORE   BIO_PREFLUSH and BLOCK_FLUSH on a disk with a volatile cache
 *     STAGE_DATA           one request, or several if it exceeds the limits
 *     STAGE_FLUSH_AFTER    BIO_FUA on a disk that has no FUA
 *
 * Flushes of a disk are one internal bio (STAGE_INTERNAL), one at a time: whoever comes while it is
 * on its way waits for the next, which then serves all of them.
 *
 * Locking: disk_queue.lock and disk_flush.lock are RANK_BLOCK and never nest. No lock is held while
 * the driver is called; `is_dispatching` keeps others out of it.
 */
#pragma once

#include "core/spinlock.h"
#include "dev/disk.h"
#include "lib/atomic.h"
#include "lib/list.h"
#include "sched/mutex.h"
#include "sched/rcu.h"

enum disk_state {
	DISK_ADDED  = 1 << 0,
	DISK_FAILED = 1 << 1,
	DISK_PROBED = 1 << 2, /* its partition table has been read */
};

enum bio_stage { STAGE_FLUSH_BEFORE = 1, STAGE_DATA, STAGE_FLUSH_AFTER, STAGE_INTERNAL };

struct disk_queue {
	struct spinlock lock;
	struct disk    *disk __const_after_init;
	uint32_t        index __const_after_init;
	struct list     urgent __guarded_by(lock);     /* bios for which somebody waits */
	struct list     background __guarded_by(lock); /* writes of pages, read-ahead */
	uint32_t        urgent_run __guarded_by(lock); /* dispatched since a background one */
	struct list     free __guarded_by(lock);       /* requests */
	uint32_t        nr_free __guarded_by(lock);
	struct block_request *stalled __guarded_by(lock); /* the driver had no room for it */
	bool            is_dispatching __guarded_by(lock);
	bool            again __guarded_by(lock);      /* look once more before you leave */
	void           *requests __const_after_init;   /* memory of all */
};

struct disk_flush {
	struct spinlock lock;
	struct list     waiting __guarded_by(lock); /* bios for the next flush */
	struct list     served __guarded_by(lock);  /* bios of the one on its way */
	bool            is_busy __guarded_by(lock);
	struct bio      bio;                        /* the flush itself */
	struct rcu_head rcu;                        /* of the disk's memory */
};

/* ---- dev/disk_queue.c ---- */
int disk_queues_create(struct disk *disk);
void disk_queues_destroy(struct disk *disk);
/* Bios of one disk in their data stage, or its flush: down they go. Consumes the list. */
void disk_queue_send(struct disk *disk, struct list *bios);
/* Looks at the queue again: requests are free, or the disk has failed. */
void disk_queue_run(struct disk_queue *queue);
bool disk_has_failed(const struct disk *disk);

/* ---- dev/disk_flush.c ---- */
int disk_flush_create(struct disk *disk);
/* The bio is to be flushed for; goes on with its next stage by bio_stage_done(). */
void disk_flush_add(struct disk *disk, struct bio *bio);
/* The internal bio is done. Deferred work. */
void disk_flush_done(struct disk *disk);

/* ---- dev/bio_submit.c ---- */
/* The stage is over: the next one, or the end. Deferred work. */
void bio_stage_done(struct bio *bio);
/* Over with an error, from anywhere: bio_stage_done() comes as deferred work. */
void bio_end_later(struct bio *bio, int error);
/* A request's own part of the completion, as deferred work. */
void disk_request_done(struct block_request *request);
/* What it needs from the disk, in segments of the disk's, whole. */
uint64_t bio_segments_needed(const struct bio *bio, const struct disk_limits *limits);

/* ---- dev/bio.c ---- */
int bio_reserve_create(void);
/* True: the current thread's plug has it. */
bool block_plug_add(struct bio *bio);

/* ---- dev/block_stats.c ---- */
void block_account_start(struct block_request *request);
void block_account_merge(struct block_request *request);
void block_account_end(const struct block_request *request);

/* ---- dev/block.c ---- */
extern struct mutex block_registry; /* RANK_DISK_REGISTRY */
/* A partition, not yet found by anybody; it has a reference to the disk. block_registry held. */
int block_device_create(struct disk *disk, uint32_t partition, struct block_device **out);
/* Found from now on. EBUSY. block_registry held. */
int block_device_register(struct block_device *device);
/* Not found any more; puts the registry's reference. block_registry held. */
void block_device_unregister(struct block_device *device);

/* ---- dev/partition.c ---- */
void partition_probe_start(struct disk *disk);
/* All partitions go, open or not: the disk is going. block_registry held. */
void partition_remove_all(struct disk *disk);
