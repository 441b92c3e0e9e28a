/*
 * Partitions of a disk: reading its table (lib/gpt.h, lib/mbr.h) and changing the set.
 *
 * All of it sleeps. A partition that somebody has open is never removed but with its disk.
 */
#pragma once

#include "dev/block.h"

/*
 * Reads the table again and replaces the partitions: BLKRRPART. EBUSY: one is open. EINVAL: called
 * on a partition. What is wrong with a table is said in the log; a disk without one has none.
 */
__must_check int partition_rescan(struct block_device *whole);

/* BLKPG: sectors of 512 bytes. EBUSY: overlaps, or the number is taken; EINVAL: beyond the end. */
__must_check int partition_add(struct block_device *whole, uint32_t number, uint64_t first_sector,
                               uint64_t nr_sectors);
__must_check int partition_remove(struct block_device *whole, uint32_t number); /* ENXIO EBUSY */
/* The size alone; first_sector must be what it is. ENXIO EINVAL EBUSY. */
__must_check int partition_resize(struct block_device *whole, uint32_t number,
                                  uint64_t first_sector, uint64_t nr_sectors);
/* Of the disk, by number (0: the whole of it), with a reference; NULL: there is none. */
struct block_device *partition_get(struct disk *disk, int64_t number);
