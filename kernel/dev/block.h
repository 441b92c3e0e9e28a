/*
 * Block devices: whole disks and their partitions, by number and by name.
 *
 * A driver makes a struct disk and adds it (dev/disk.h); that registers the block device of the
 * whole disk, and a worker then reads its partition table (dev/partition.h) and registers one for
 * each partition. Users find devices here, keep a reference, and send bios (dev/bio.h).
 *
 * A device whose disk was removed, or a partition that was deleted, lives on until the last
 * reference is put: it is_gone, bios to it end with EIO, opening it is ENXIO.
 *
 * Openers and holders, as on Linux: any number may have a device open; one holder (a mount, an
 * O_EXCL open) may claim it for itself; the whole disk and a partition of it cannot be claimed by
 * two at the same time. A partition table is not read again while a partition is open (EBUSY).
 *
 * Locking: `block_registry` mutex (RANK_DISK_REGISTRY) over registration, partitions, openers and
 * holders; the hooks make nodes under it. A spinlock inside it over what lookups read.
 */
#pragma once

#include "dev/bio.h"
#include "lib/list.h"
#include "lib/refcount.h"
#include "lib/types.h"

struct disk;

enum {
	DISK_NAME_MAX = 32,
	/* partition 0 is the whole disk */
	PARTITIONS_MAX = 256,
	PARTITION_UUID_SIZE = 37,
	PARTITION_LABEL_SIZE = 36 * 3 + 1,
};

/* Requests done, by kind; as /proc/diskstats has them. Every field is atomic. */
enum { BLOCK_STAT_READ, BLOCK_STAT_WRITE, BLOCK_STAT_DISCARD, BLOCK_STAT_FLUSH, BLOCK_STAT_KINDS };
struct block_statistics {
	uint64_t ios[BLOCK_STAT_KINDS];
	uint64_t merges[BLOCK_STAT_KINDS];  /* bios that joined a request */
	uint64_t sectors[BLOCK_STAT_KINDS];
	uint64_t time_ns[BLOCK_STAT_KINDS]; /* from the request's making to its end, added up */
	uint64_t busy_ns;                   /* with at least one in flight */
	ns_t     busy_since;                /* when the first of those in flight began */
	uint32_t in_flight[2];              /* reads, all else */
	uint32_t in_flight_all;
};

struct block_device {
	struct disk    *disk __const_after_init;
	struct refcount refs;
	dev_t           number __const_after_init;
	uint32_t        partition __const_after_init; /* 0: the whole disk */
	char            name[DISK_NAME_MAX] __const_after_init;
	uint64_t        first_sector __const_after_init; /* on the disk, of 512 bytes */
	uint64_t        nr_sectors __atomic;
	/* of the partition, "" for none: lower-case UUID, or XXXXXXXX-PP of an MBR; UTF-8 name */
	char            uuid[PARTITION_UUID_SIZE] __const_after_init;
	char            label[PARTITION_LABEL_SIZE] __const_after_init;
	bool            is_readonly __atomic;  /* by BLKROSET, or because the disk is */
	bool            is_gone __atomic;
	uint32_t        openers __guarded_by(block_registry);
	const void     *holder __guarded_by(block_registry);
	uint32_t        holds __guarded_by(block_registry); /* by that holder */
	void           *content __guarded_by(fs/blockdev.c);  /* the cache of what is on it */
	struct block_statistics stats;
	struct list     link __guarded_by(block_registry); /* of all, in order of registration */
	struct list     disk_link __guarded_by(block_registry); /* of the disk's partitions */
};

/* ---- finding -------------------------------------------------------------------------------- */

/* The device with a reference; NULL if there is none. Any context that may spin. */
struct block_device *block_device_find(dev_t number);
struct block_device *block_device_find_name(const char *name);
/* The first whose uuid (any case) or label it is: root=PARTUUID=, PARTLABEL=. */
struct block_device *block_device_find_uuid(const char *uuid);
struct block_device *block_device_find_label(const char *label);
/* The index-th registered, with a reference; NULL behind the last. */
struct block_device *block_device_at(unsigned int index);
struct block_device *block_device_get(struct block_device *device);
void block_device_put(struct block_device *device); /* NULL is fine; any context that may spin */

/* Sectors of 512 bytes; bytes of a logical block. */
static inline uint64_t block_device_sectors(const struct block_device *device)
{
	return READ_ONCE(device->nr_sectors);
}
uint32_t block_device_block_size(const struct block_device *device);
bool block_device_is_readonly(const struct block_device *device);
/* BLKROSET. What the disk cannot write stays read-only. */
void block_device_set_readonly(struct block_device *device, bool readonly);

/* ---- opening --------------------------------------------------------------------------------- */

/*
 * One more opener, and with holder != NULL one more claim for that holder. ENXIO: it is gone.
 * EBUSY: another holder has it or the disk around it. Waits for the disk's partition table to have
 * been read. Sleeps.
 */
__must_check int block_device_open(struct block_device *device, const void *holder);
/* The same holder as at open. The last close of a disk and its partitions calls ops->closed. */
void block_device_close(struct block_device *device, const void *holder);

/* ---- for those who list and who wait --------------------------------------------------------- */

/* Called for every device registered before and after, in thread context; may sleep. */
struct block_hooks {
	void (*added)(const struct block_device *device);
	void (*removed)(const struct block_device *device);
};
void block_set_hooks(const struct block_hooks *hooks);
/* Until every disk added before has had its partitions read. Sleeps. */
void block_wait_for_probe(void);

/*
 * Until a device is registered that was not there when *seen was last written; 0 at first: until
 * there is one. Sleeps.
 */
void block_wait_for_device(uint32_t *seen);

/*
 * A major number for a kind of disk, shown in /proc/devices. major 0: one is chosen, 254 and
 * downwards as on Linux. Drivers call it once. EBUSY.
 */
int block_major_register(unsigned int major, const char *name, unsigned int *out);
/* The index-th, in order of number; NULL behind the last. */
const char *block_major_at(unsigned int index, unsigned int *major);
