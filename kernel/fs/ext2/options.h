/*
 * Mount options of ext2: the words of mount(8), as Linux takes them.
 */
#pragma once

#include "fs/ext2/ext2_impl.h"

/* What only counts when the file system is mounted. */
struct ext2_mount_words {
	uint64_t super_at; /* sb=: where a super block lies, in KiB; 0: the usual place */
};

/*
 * Changes *options by the words; unknown ones are EINVAL. is_ext2: no words of ext3 and ext4, which
 * mean nothing for file systems that are only read. words may be NULL. EINVAL, ENOMEM.
 */
int ext2_options_parse(const char *text, bool is_ext2, struct ext2_options *options,
                       struct ext2_mount_words *words);
/* What differs from the super block's own, as super_ops.show_options. */
int ext2_show_options(struct superblock *super, char *buf, size_t size);
