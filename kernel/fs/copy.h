/*
 * Copying between files inside the kernel: copy_file_range(2).
 */
#pragma once

#include "lib/types.h"

struct file;

struct copy_request {
	struct file *in, *out;
	pos_t        in_position, out_position; /* advanced by what was copied */
	size_t       len;
	uint64_t     size_limit; /* RLIMIT_FSIZE */
};

/*
 * Bytes copied, 0 at the end of the input; EISDIR, EINVAL (no regular files, overlap), EXDEV, EBADF
 * (modes, O_APPEND), EOVERFLOW, EFBIG, ENOSPC, ENOMEM. May sleep.
 */
ssize_t file_copy_range(struct copy_request *request);
