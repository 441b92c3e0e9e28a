/*
 * A virtio device that is not there: a disk behind a transport of its own, honest or lying as a
 * test wants. What the device does, it does in deferred work, from the ring's memory alone.
 */
#pragma once

#include <linux/virtio_blk.h>

#include "drivers/virtio/device.h"

enum fake_behaviour {
	FAKE_HONEST,
	FAKE_SILENT,      /* takes requests and never answers */
	FAKE_WRONG_ID,    /* says to have used what it was not given */
	FAKE_TOO_LONG,    /* says to have written more than there is room for */
	FAKE_RUNS_AHEAD,  /* moves its index beyond what it was given */
	FAKE_BAD_STATUS,  /* answers with a status that nobody knows */
	FAKE_REFUSES,     /* takes FEATURES_OK back */
	FAKE_LEGACY,      /* does not offer VIRTIO_F_VERSION_1 */
	FAKE_NO_QUEUE,    /* has none */
};

enum { FAKE_SECTORS = 64 };

struct fake {
	struct virtio_device     device;
	uint32_t                 behaviour __atomic; /* enum fake_behaviour */
	struct virtio_blk_config config;
	uint64_t                 accepted;
	uint32_t                 generation;
	uint8_t                  status;
	uint32_t                 nr_resets;
	struct virtio_queue     *queue;
	struct work              work;
	uint16_t                 seen, used;
	char                     data[FAKE_SECTORS * 512];
};

/* Not added yet. NULL: no memory. */
struct fake *fake_create(enum fake_behaviour behaviour);
/* Removes the device if it was added. Sleeps. */
void fake_destroy(struct fake *fake, bool was_added);

/* Its disk, with a reference; NULL: there is none. */
struct block_device *fake_disk(struct fake *fake);

/* The configuration has changed. */
void fake_resize(struct fake *fake, uint64_t nr_sectors);
