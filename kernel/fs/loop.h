/*
 * Loop devices: block devices whose disk is a file (loop(4)).
 *
 * /dev/loop-control makes them (LOOP_CTL_ADD, LOOP_CTL_GET_FREE), so that none is there before it
 * is asked for; each then lives until LOOP_CTL_REMOVE. A thread of the device does the I/O while a
 * file is attached, through the file's own operations, in order.
 *
 * Offset, size limit, read-only, partitions, autoclear and block size are as on Linux. Not there:
 * direct I/O to the file (asking for it is EINVAL, as for files that cannot; in LOOP_CONFIGURE the
 * flag is dropped, as on Linux), encryption, and the ioctls of struct loop_info (32-bit offsets).
 */
#pragma once

#include "lib/types.h"

struct file;
struct loop_info64;

/* What LOOP_SET_FD, LOOP_CHANGE_FD and LOOP_CONFIGURE hand in (syscall/ioctl_block.c). */
struct loop_attach {
	struct file              *file;       /* borrowed */
	uint32_t                  block_size; /* 0: 512 */
	const struct loop_info64 *info;       /* NULL: LOOP_SET_FD */
};

/* Registers the control device and the major number. Once, at start-up. */
int loop_init(void);
