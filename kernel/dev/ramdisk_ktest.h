/*
 * A disk in memory for tests of what stands on the block layer, that can misbehave at will. It is
 * in the kernel as long as the tests are.
 *
 *     struct ramdisk *ramdisk;
 *     ramdisk_create(&(struct ramdisk_params){ .name = "ktd", .nr_sectors = 2048 }, &ramdisk);
 *     ... block_device_find_name("ktd") ...
 *     ramdisk_destroy(ramdisk);
 */
#pragma once

#include "core/spinlock.h"
#include "dev/disk.h"

struct ramdisk_params {
	const char        *name;
	uint64_t           nr_sectors;
	struct disk_limits limits;
	unsigned int       flags;       /* enum disk_flags */
	uint32_t           queue_depth, nr_queues;
	uint32_t           room;        /* requests in the "ring" before -EAGAIN; 0: any number */
};

/* What it was asked for; the newest last. */
struct ramdisk_seen {
	uint8_t  operation;
	bool     fua;
	uint64_t sector, nr_sectors;
	uint32_t nr_segments;
};

enum { RAMDISK_SEEN_MAX = 256 };

struct ramdisk {
	struct disk    *disk __const_after_init;
	char           *data __const_after_init;  /* params.nr_sectors * 512 bytes, zeroed */
	struct spinlock lock; /* RANK_IRQ_LEAF, as a driver's */
	bool            holds __atomic;    /* requests wait for ramdisk_release() */
	struct list     held __guarded_by(lock);
	uint32_t        nr_held __guarded_by(lock);
	uint32_t        room __atomic;
	/* the n-th request from now, counted down, fails; 0: none */
	uint32_t        fail_in __guarded_by(lock);
	int             fail_error __guarded_by(lock);
	uint32_t        fail_operation __guarded_by(lock); /* counts these only; UINT32_MAX: all */
	uint32_t        nr_seen __guarded_by(lock);
	uint32_t        nr_commits __guarded_by(lock);
	struct ramdisk_seen seen[RAMDISK_SEEN_MAX] __guarded_by(lock);
};

__must_check int ramdisk_create(const struct ramdisk_params *params, struct ramdisk **out);
/* Removes the disk. Sleeps. */
void ramdisk_destroy(struct ramdisk *ramdisk);
void ramdisk_hold(struct ramdisk *ramdisk);
/* Ends the hold; what was held is done, the newest first if `backwards`. */
void ramdisk_release(struct ramdisk *ramdisk, bool backwards);
void ramdisk_fail_nth(struct ramdisk *ramdisk, uint32_t n, uint32_t operation, int error);
