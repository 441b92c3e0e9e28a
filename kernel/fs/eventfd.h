/*
 * eventfd(2): a counter that is read and written as eight bytes. Reading waits for it to be more
 * than zero, writing for room below UINT64_MAX.
 */
#pragma once

#include "lib/types.h"

struct cred;
struct file;

/* flags: EFD_SEMAPHORE, EFD_NONBLOCK. ENFILE, ENOMEM. */
int __must_check eventfd_create(const struct cred *cred, uint64_t count, unsigned int flags,
                                struct file **out);
