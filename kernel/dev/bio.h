/*
 * A bio: one asynchronous transfer between pages and a block device.
 *
 *     struct bio *bio = bio_alloc(nr_segments, ALLOC_KERNEL);
 *     bio_target(bio, device, BLOCK_READ, sector);
 *     bio_add_page(bio, page, 0, PAGE_SIZE);              as often as there is room
 *     bio->done = when_done;
 *     bio->private = mine;
 *     bio_submit(bio);                                    when_done(bio) is called once: bio->error
 *
 * The memory is the submitter's from allocation to bio_free(): the block layer allocates nothing
 * on the way of a bio. bio_alloc() falls back to a reserve, so that write-back makes progress
 * without memory: who may sleep always gets one of up to BIO_RESERVE_SEGMENTS, provided that he
 * submits what he has before he asks for more (a plug of his is flushed by the sleep).
 *
 * A plug gathers what a thread submits, so that it is sorted, merged and sent by one bell:
 *
 *     struct block_plug plug;
 *     block_plug_begin(&plug); bio_submit(...); bio_submit(...); block_plug_end(&plug);
 *
 * Nested plugs are the outermost one. A thread that sleeps, or calls schedule() at all, flushes its
 * plug first: so it may wait for what it has just submitted.
 *
 * Order: bios in flight together may be done in any order. Who needs one behind another waits, or
 * uses BIO_PREFLUSH and BIO_FUA:
 *   BIO_PREFLUSH   all writes done before the submission are durable before this one begins
 *   BIO_FUA        this one is durable before it is done
 *   BLOCK_FLUSH    a bio without data: all writes that were done before are durable when it is
 * A disk without a volatile cache ignores them; one without FUA is flushed after the write.
 */
#pragma once

#include "lib/list.h"
#include "lib/types.h"

struct block_device;
struct page;
struct thread;

enum { SECTOR_SHIFT = 9, SECTOR_SIZE = 1 << SECTOR_SHIFT };

enum block_operation {
	BLOCK_READ,
	BLOCK_WRITE,
	BLOCK_FLUSH,        /* no data; sector and length mean nothing */
	BLOCK_DISCARD,      /* nr_sectors from sector are not needed any more; EOPNOTSUPP */
	BLOCK_WRITE_ZEROES, /* by the disk's own means, or by writing zero pages */
};

enum bio_flags {
	BIO_FUA       = 1 << 0,
	BIO_PREFLUSH  = 1 << 1,
	BIO_SYNC      = 1 << 2, /* somebody waits: before background writes (reads always are) */
	BIO_READAHEAD = 1 << 3, /* nobody waits yet; it may fail without a line in the log */
	BIO_KEEP      = 1 << 4, /* BLOCK_WRITE_ZEROES: do not give the space back */
};

/* Bytes of one run of pages: they may lie beyond the first page if the run is longer. */
struct bio_segment {
	struct page *page;
	uint32_t     offset; /* below PAGE_SIZE times the run's length */
	uint32_t     length; /* a multiple of the device's logical block */
};

struct bio {
	struct block_device *device; /* the submitter holds a reference until done */
	uint64_t             sector; /* first, of 512 bytes, on the device */
	uint64_t             nr_sectors; /* bio_submit() computes it from segments, if there are */
	uint8_t              operation;  /* enum block_operation */
	uint8_t              flags;      /* enum bio_flags */
	uint16_t             nr_segments;
	uint16_t             max_segments __const_after_init;
	int                  error;      /* 0 or -errno, before done */
	/* once, as deferred work (sched/work.h): spinlocks, ALLOC_ATOMIC, freeing; no sleep */
	void               (*done)(struct bio *bio);
	void                *private;    /* the submitter's */
	struct list          link;       /* the submitter's before submission and from done on */
	struct bio_segment  *segments __const_after_init;

	/* The block layer's, from submission to done. */
	uint64_t             start_sector;  /* on the disk */
	uint64_t             issued;        /* bytes handed to the disk */
	uint32_t             issued_segment, issued_offset; /* where the next request begins */
	uint32_t             pending __atomic; /* requests with parts of it, and the issuer */
	uint8_t              stage;
	bool                 from_reserve __const_after_init;
	struct bio_segment   inline_segments[];
};

enum {
	BIO_MAX_SEGMENTS     = 256, /* of bio_alloc(): 1 MiB of single pages */
	BIO_RESERVE_SEGMENTS = 32,
};

/*
 * A bio with room for nr_segments, at most BIO_MAX_SEGMENTS; 0 for those without data. NULL if
 * flags forbid to sleep and there is neither memory nor reserve, or above BIO_RESERVE_SEGMENTS.
 */
struct bio *bio_alloc(uint32_t nr_segments, unsigned int flags) __must_check;
/* Not in flight. Any context but interrupt handlers. */
void bio_free(struct bio *bio);
/* One in memory of the caller's (on the stack of who waits for it), segments and all. */
void bio_init(struct bio *bio, struct bio_segment *segments, uint32_t max_segments);

/* Where it goes. Everything else is as bio_alloc() left it: no segments, no flags. */
void bio_target(struct bio *bio, struct block_device *device, enum block_operation operation,
                uint64_t sector);
/* Adds bytes of a page, joined to the last segment where they follow it. False: no room. */
bool bio_add_page(struct bio *bio, struct page *page, uint32_t offset, uint32_t length);
/* Bytes of all segments. */
uint64_t bio_size(const struct bio *bio);

/*
 * On its way; done(bio) is called once, never from within this call. Any context with interrupts
 * on that holds no spinlock of RANK_BLOCK or inside it. bio->error then is 0 or
 *   -EIO         the medium, a range beyond the end of the device, or the disk is gone
 *   -ENOSPC -EREMOTEIO ...  what else the driver says
 *   -EOPNOTSUPP  BLOCK_DISCARD that the disk cannot do
 *   -EINVAL      sector or length no multiple of the logical block; no data
 *   -EPERM       a write to a device that is read-only (as Linux answers)
 */
void bio_submit(struct bio *bio);
/* The same, and waits; the error. done and private are used. Sleeps. */
__must_check int bio_submit_wait(struct bio *bio);

/* ---- plugs ------------------------------------------------------------------------------- */

struct block_plug {
	struct list    bios;
	uint32_t       count;
	bool           nested;
};

void block_plug_begin(struct block_plug *plug);
void block_plug_end(struct block_plug *plug);
/* What the current thread has gathered goes down now; the plug stays. */
void block_plug_flush(void);

/* ---- short synchronous helpers ----------------------------------------------------------- */

/*
 * Bytes at a byte position, through pages of their own: for tables and super blocks, not for speed,
 * and beside any cache. Position and size are multiples of 512 (of the logical block, else they
 * are widened for reading). Sleep. 0, or as bio_submit(); -ENOMEM.
 */
__must_check int block_read(struct block_device *device, uint64_t position, void *buf, size_t size);
__must_check int block_write(struct block_device *device, uint64_t position, const void *buf,
                             size_t size, unsigned int bio_flags);
/* Everything written before is durable. Sleeps. */
__must_check int block_flush(struct block_device *device);
/* BLOCK_DISCARD or BLOCK_WRITE_ZEROES of any length; -EINTR by a fatal signal in between. */
__must_check int block_clear(struct block_device *device, enum block_operation operation,
                             uint64_t sector, uint64_t nr_sectors, unsigned int bio_flags);
