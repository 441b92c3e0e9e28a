/*
 * ext2: the file system on disks. See README.md.
 */
#pragma once

/* Registers the types ext2, ext3 and ext4. Once, at start-up. */
int ext2_init(void);
