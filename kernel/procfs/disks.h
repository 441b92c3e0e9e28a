/*
 * What /proc and /sys say of block devices.
 */
#pragma once

#include "dev/disk.h"
#include "procfs/node.h"

/* disks.c: /proc/partitions, diskstats, and the second half of devices. */
int show_partitions(const struct node *node, struct text *text);
int show_diskstats(const struct node *node, struct text *text);
void show_block_majors(struct text *text);

/* One line of numbers: /proc/diskstats and /sys/block/DISK/stat, whose widths differ. */
void block_stat_print(const struct block_device *device, struct text *text, bool wide);

/*
 * The registered device with the least number of at least `from`, with a reference; NULL: none.
 * disk: partitions of this one only; NULL: any device.
 */
struct block_device *block_device_from(dev_t from, const struct disk *disk);
