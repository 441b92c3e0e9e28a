/*
 * The parts list of virtio. See drivers/virtio/drivers.h.
 */
#include "drivers/virtio/drivers.h"

const struct virtio_driver *const virtio_drivers[] = {
	NULL,
};
