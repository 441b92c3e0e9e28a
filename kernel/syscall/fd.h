/*
 * Descriptors as the calls that make files need them.
 */
#pragma once

#include <linux/resource.h>

#include "fs/fdtable.h"
#include "lib/types.h"
#include "proc/proc.h"

struct file;

/* One past the highest descriptor that the current process may have: RLIMIT_NOFILE. */
static inline uint32_t fd_limit(void)
{
	uint64_t limit = proc_limit(RLIMIT_NOFILE);

	return limit < FD_MAX ? (uint32_t)limit : FD_MAX;
}

/*
 * The lowest free descriptor for `file`, whose reference is consumed in any case. -EMFILE, -ENOMEM.
 */
long fd_give(struct file *file, bool cloexec);
