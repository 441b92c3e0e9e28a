/*
 * Descriptors as the calls that make files need them.
 */
#pragma once

#include "lib/types.h"

struct file;

/* One past the highest descriptor that the current process may have: RLIMIT_NOFILE. */
uint32_t fd_limit(void);

/*
 * The lowest free descriptor for `file`, whose reference is consumed in any case. -EMFILE, -ENOMEM.
 */
long fd_give(struct file *file, bool cloexec);
