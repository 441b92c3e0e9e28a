/*
 * The initramfs: one or several cpio archives (newc or crc), each plain or compressed, one behind
 * the other with zero padding between, unpacked into the rootfs before the first program.
 */
#pragma once

#include "fs/path.h"
#include "lib/types.h"

/*
 * Unpack data[size] below root. Archive memory before *freed is no longer needed while it runs:
 * give_back (may be NULL) is called with whole pages that have been read. Hard links, devices,
 * links and times are kept. On error one clear message is logged, what was unpacked stays, and
 * -errno is returned: EINVAL (not an archive, corrupt, truncated), ENOMEM or ENOSPC.
 */
int initramfs_unpack(const void *data, size_t size, const struct path *root,
                     void (*give_back)(const void *from, size_t size));
