/*
 * The parts list of virtio. See drivers/virtio/drivers.h.
 */
#include "drivers/virtio/drivers.h"

const struct virtio_driver *const virtio_drivers[] = {
	&virtio_blk_driver, /* disks: vda, vdb ... */
	&virtio_console_driver, /* hvc0 ... */
	&virtio_net_driver, /* eth0 ... */
	&virtio_rng_driver, /* noise for core/random.h, /dev/hwrng */
	NULL,
};
