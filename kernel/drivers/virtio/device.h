/*
 * Virtio devices: what a transport (mmio.c, pci.c) finds and a driver (blk.c ...) drives.
 *
 * A transport embeds struct virtio_device, fills in `transport`, `id` and `parent`, and calls
 * virtio_device_add(); the driver for that id, if there is one, is asked to probe():
 *
 *	probe: read the configuration, virtio_queue_create() for each queue, virtio_device_start(),
 *	       register with the class. Features are negotiated before (those of driver->features
 *	       that the device offers, VIRTIO_F_VERSION_1 always, event index and indirect
 *	       descriptors where offered); a device that had been in use is reset first.
 *
 * Interrupts: for a queue, the handler asks for no more and queues deferred work, on the CPU that
 * the interrupt came to: queue->serve(), which takes what is done until
 * virtqueue_interrupts_on() finds nothing new. For a change of the configuration a thread calls
 * driver->config_changed().
 *
 * The device is not trusted. Who finds it lying (virtqueue_is_broken() after serve() is looked for
 * here) calls virtio_device_break(): one line in the log; then, in a thread, the device is reset,
 * so that it no more touches memory, and driver->broken() ends what is in flight with EIO. It stays
 * so until it is removed. A device that says NEEDS_RESET is treated alike.
 *
 * Locking: a queue's ring is the driver's to lock. Probe, remove, break and configuration changes
 * of one device exclude each other (`lock`, RANK_BUS, subclass 1: inside PCI's).
 *
 * Not here: legacy devices (without VERSION_1), which are left alone with a line in the log.
 */
#pragma once

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "core/irq.h"
#include "drivers/virtio/virtqueue.h"
#include "lib/types.h"
#include "sched/mutex.h"
#include "sched/work.h"

struct virtio_device;
struct virtio_queue;

enum { VIRTIO_DEVICE_NAME_SIZE = 16 };

/* How a device is reached. None sleeps unless said. */
struct virtio_transport {
	const char *name;
	uint64_t (*features)(struct virtio_device *device);
	void     (*accept)(struct virtio_device *device, uint64_t features);
	uint8_t  (*status)(struct virtio_device *device);
	void     (*set_status)(struct virtio_device *device, uint8_t status);
	uint32_t (*generation)(struct virtio_device *device);
	/* 1, 2 or 4 bytes of the configuration; all ones beyond its end. */
	uint32_t (*read)(struct virtio_device *device, uint32_t offset, uint32_t size);
	void     (*write8)(struct virtio_device *device, uint32_t offset, uint8_t value);
	uint32_t (*queue_size_max)(struct virtio_device *device, uint16_t index); /* 0: none */
	/* Ways to interrupt for so many queues and the configuration. Sleeps. */
	int      (*interrupts_start)(struct virtio_device *device, uint16_t nr_queues);
	void     (*interrupts_stop)(struct virtio_device *device); /* sleeps; the device is reset */
	/* Tells the device where the queue is and turns it on. Sleeps. */
	int      (*queue_start)(struct virtio_queue *queue);
	void     (*queue_stop)(struct virtio_queue *queue); /* sleeps; the device is reset */
	void     (*notify)(struct virtio_queue *queue);     /* any context */
};

struct virtio_driver {
	const char *name;
	uint32_t    id;       /* VIRTIO_ID_* */
	uint64_t    features; /* that it can make use of, below VIRTIO_TRANSPORT_F_START */
	/* What of the offer goes together. NULL: all. */
	uint64_t (*choose)(uint64_t offered);
	/*
	 * 0: the device is in use. On an error, queues that were created are freed behind it; see
	 * virtio_device_silence(). Sleeps.
	 */
	int  (*probe)(struct virtio_device *device);
	/* The configuration has changed. Sleeps. NULL: who cares. */
	void (*config_changed)(struct virtio_device *device);
	/* The device was reset and is lost: end what is in flight, refuse more. Sleeps. */
	void (*broken)(struct virtio_device *device);
	/*
	 * After broken(): take the device off its class, free what is the driver's. Sleeps; the
	 * device's lock is not held, and work_drain() may be called.
	 */
	void (*remove)(struct virtio_device *device);
};

struct virtio_device {
	const struct virtio_transport *transport __const_after_init;
	const struct virtio_driver    *driver __guarded_by(lock); /* NULL: none */
	uint32_t             id __const_after_init;
	char                 name[VIRTIO_DEVICE_NAME_SIZE] __const_after_init; /* "virtio0" */
	const char          *parent __const_after_init; /* for the log: "0000:00:03.0" */
	uint64_t             features __const_after_init; /* negotiated, before probe() */
	struct mutex         lock;
	struct virtio_queue **queues __const_after_init; /* some may be NULL while probing */
	uint16_t             nr_queues __const_after_init;
	bool                 is_broken __atomic;
	bool                 is_silent __guarded_by(lock); /* reset, its interrupts taken away */
	struct work          break_work, config_work;
	void                *private; /* the driver's */
};

struct virtio_queue {
	struct virtqueue      ring; /* locked by the driver */
	struct virtio_device *device __const_after_init;
	uint16_t              index __const_after_init;
	uint32_t              cpu __const_after_init; /* where its interrupts should come */
	/* Deferred work; NULL: no interrupts are wanted. */
	void                (*serve)(struct virtio_queue *queue) __const_after_init;
	void                 *private __const_after_init; /* the driver's */
	struct work           work;
	const char           *name __const_after_init; /* "virtio0-req.1", for interrupts */
	volatile void        *bell __const_after_init; /* the transport's */
	struct irq_action     interrupt; /* the transport's */
	void                 *memory __const_after_init; /* of the ring; in the direct map */
	unsigned int          order __const_after_init;
};

/* ---- for transports -------------------------------------------------------------------------- */

/*
 * Finds a driver and lets it probe. 0 also when there is no driver for the id; else the transport
 * may forget the device. Sleeps.
 */
__must_check int virtio_device_add(struct virtio_device *device);
/* The device is taken away from its driver and reset. It may have gone already. Sleeps. */
void virtio_device_remove(struct virtio_device *device);

/* What an interrupt handler found: this queue may have something; the configuration changed. */
void virtio_queue_interrupt(struct virtio_queue *queue);
void virtio_config_interrupt(struct virtio_device *device);

/* ---- for drivers ----------------------------------------------------------------------------- */

/* The feature has been negotiated. */
static inline bool virtio_has(const struct virtio_device *device, unsigned int feature)
{
	return device->features >> feature & 1;
}

/*
 * Bytes of the configuration as they were at one moment: read again if the device changed it
 * meanwhile. A size of 1, 2, 4 or 8 is read as a number of that width, others byte by byte. What
 * the device does not have is all ones. Not under a spinlock.
 */
void virtio_config_read(struct virtio_device *device, uint32_t offset, void *to, uint32_t size);
/* A field of 1, 2, 4 or 8 bytes. */
uint64_t virtio_config_number(struct virtio_device *device, uint32_t offset, uint32_t size);
#define virtio_config_field(device, type, field) \
	virtio_config_number(device, offsetof(struct type, field),                       \
	                     sizeof(((struct type *)0)->field))
void virtio_config_write8(struct virtio_device *device, uint32_t offset, uint8_t value);

/* How many queues there will be; before the first virtio_queue_create(). Sleeps. -ENOMEM ... */
__must_check int virtio_queues_prepare(struct virtio_device *device, uint16_t nr);

struct virtio_queue_params {
	uint16_t    index;
	const char *name;     /* "req.0"; copied */
	uint32_t    size;     /* at most so many descriptors */
	uint32_t    cpu;      /* for its interrupts; IRQ_ANY_CPU */
	void      (*serve)(struct virtio_queue *queue);
	void       *private;
};

/* -ENOENT: the device has no such queue; -ENOMEM, -EIO. Sleeps. */
__must_check int virtio_queue_create(struct virtio_device *device,
                                     const struct virtio_queue_params *params,
                                     struct virtio_queue **out);

/* DRIVER_OK: queues are alive from here on. */
void virtio_device_start(struct virtio_device *device);

/*
 * For a probe() that fails when there are queues: afterwards the device touches no memory and no
 * serve() runs, so that what they use can be freed. The queues go when probe() returns. Sleeps.
 */
void virtio_device_silence(struct virtio_device *device);

/* Rings the bell if there is something new to see. Under the driver's lock of the ring. */
static inline void virtio_queue_publish(struct virtio_queue *queue)
{
	if (virtqueue_publish(&queue->ring))
		queue->device->transport->notify(queue);
}

/* Waits until the deferred work that was queued before, on any CPU, has run. Sleeps. */
void virtio_settle(void);

/* The device lies; `why` says how, and lives on. Any context; once is enough. */
void virtio_device_break(struct virtio_device *device, const char *why);
