/*
 * The virtio drivers of this kernel: to add one is a line in drivers.c.
 */
#pragma once

#include "drivers/virtio/device.h"

/* NULL-terminated. */
extern const struct virtio_driver *const virtio_drivers[];

extern const struct virtio_driver virtio_blk_driver, virtio_console_driver, virtio_net_driver,
                                  virtio_rng_driver;
