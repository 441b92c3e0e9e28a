/*
 * MBR, the partition table of PCs: four entries in block 0, one of which may be an extended
 * partition, a chain of tables for logical ones (numbers 5 and up).
 *
 * As on Linux: an extended partition is shown with 1 KiB, so that nobody writes over its chain by
 * mistake; what goes beyond the end of the disk is cut there; a block whose boot flags are neither
 * 0 nor 0x80 is no table, but the boot block of a file system.
 */
#pragma once

#include "lib/partition_table.h"

/* 0; -ENOENT: there is none (or a protective one: lib/gpt.h); -EIO and the like. */
int mbr_read(const struct table_source *source, struct partition_table *table) __must_check;
