/*
 * The class of random number generators in hardware. The one that is registered first answers
 * those who read /dev/hwrng (fs/devfs/hwrng.c); feeding core/random.h is each driver's own affair.
 *
 * Locking: a mutex over the one in use; a driver's read() is called with it held.
 */
#pragma once

#include "lib/types.h"

struct file_ops;

struct hwrng {
	const char *name __const_after_init; /* "virtio_rng.0" */
	/*
	 * At least one byte of fresh noise and at most `size`: how many. -EAGAIN: !may_wait and
	 * there is none yet; -ERESTARTSYS; -ENODEV: the device is gone. Sleeps.
	 */
	ssize_t   (*read)(struct hwrng *rng, void *buffer, size_t size, bool may_wait);
};

/* What opens as /dev/hwrng, which appears with the first generator. Once, before any. */
void hwrng_set_file_ops(const struct file_ops *ops);

/* The structure stays the driver's. -EBUSY: there is one already. May sleep. */
__must_check int hwrng_register(struct hwrng *rng);
/* Afterwards read() is not called any more. May sleep. */
void hwrng_unregister(struct hwrng *rng);

/* Noise from the generator, as its read() has it; -ENODEV also when there is none. Sleeps. */
__must_check ssize_t hwrng_read(void *buffer, size_t size, bool may_wait);
