/*
 * Device numbers: dev_t holds a major (12 bits) and a minor (20 bits). User space sees the packing
 * of Linux's new_encode_dev() in 32-bit fields and the same widened in 64-bit ones (makedev(3)).
 */
#pragma once

#include "lib/types.h"

#define DEV_MINOR_BITS 20
#define DEV_MAJOR_MAX  ((1u << 12) - 1)
#define DEV_MINOR_MAX  ((1u << DEV_MINOR_BITS) - 1)

/* A macro, so that tables of devices can be constant. */
#define dev_make(major, minor) ((dev_t)((uint32_t)(major) << DEV_MINOR_BITS | (uint32_t)(minor)))

static inline unsigned int dev_major(dev_t dev)
{
	return dev >> DEV_MINOR_BITS;
}

static inline unsigned int dev_minor(dev_t dev)
{
	return dev & DEV_MINOR_MAX;
}

/* As mknod(2) takes it and stat(2) gives it: low minor byte, major, high minor bits. */
static inline uint32_t dev_encode(dev_t dev)
{
	unsigned int major = dev_major(dev), minor = dev_minor(dev);

	return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

static inline dev_t dev_decode(uint32_t encoded)
{
	return dev_make((encoded & 0xfff00) >> 8, (encoded & 0xff) | (encoded >> 12 & 0xfff00));
}
