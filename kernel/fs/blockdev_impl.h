/*
 * What blockdev_file.c and blockdev_ioctl.c share.
 */
#pragma once

#include "fs/blockdev.h"

struct file;

long bdev_file_ioctl(struct file *file, unsigned int command, void *arg);
/*
 * Discards or zeroes bytes, multiples of the logical block, and what is cached of them. Sleeps. As
 * block_clear().
 */
__must_check int bdev_clear(struct bdev *bdev, enum block_operation operation, uint64_t start,
                            uint64_t len, unsigned int bio_flags);
