/*
 * Virtio devices. See drivers/virtio/device.h.
 *
 * Life, by the status register (Virtual I/O Device Specification 1.2, section 3.1): reset ->
 * ACKNOWLEDGE, DRIVER -> FEATURES_OK, which is read back -> the driver's probe() -> DRIVER_OK; or
 * FAILED. A device that broke is reset and keeps status 0.
 */
#define pr_fmt(fmt) "virtio: " fmt

#include "drivers/virtio/device.h"

#include <arch/io.h>
#include <linux/errno.h>

#include "core/printk.h"
#include "drivers/virtio/drivers.h"
#include "lib/atomic.h"
#include "lib/bits.h"
#include "lib/printf.h"
#include "mem/alloc.h"
#include "mem/buddy.h"
#include "sched/clock.h"
#include "sched/wait.h"

#define TRANSPORT_FEATURES                                                             \
	(BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX) |             \
	 BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_ACCESS_PLATFORM))

enum { STATUS_GONE = 0xff, CONFIG_TRIES = 16, RESET_TRIES = 1000, SERVE_NAME_SIZE = 32 };

static uint32_t devices_found __atomic; /* for names */

/* ---- status and features --------------------------------------------------------------------- */

static void status_add(struct virtio_device *device, uint8_t bits)
{
	device->transport->set_status(device, device->transport->status(device) | bits);
}

/* Until the device says that it has stopped, which is at once where it is not made to do much. */
static int reset(struct virtio_device *device)
{
	device->transport->set_status(device, 0);
	for (int i = 0; i < RESET_TRIES; i++) {
		uint8_t status = device->transport->status(device);

		if (status == 0 || status == STATUS_GONE)
			return 0;
		sleep_until_uninterruptible(clock_monotonic() + NS_PER_MSEC);
	}
	pr_err("%s (%s) cannot be reset\n", device->name, device->parent);
	return -ETIMEDOUT;
}

static int negotiate(struct virtio_device *device, const struct virtio_driver *driver)
{
	uint64_t offered = device->transport->features(device);

	if (!(offered & BIT(VIRTIO_F_VERSION_1))) {
		pr_warn("%s (%s) is a legacy device: left alone\n", device->name, device->parent);
		return -ENODEV;
	}
	if (driver->choose)
		offered = driver->choose(offered);
	device->features = offered & (driver->features | TRANSPORT_FEATURES);
	device->transport->accept(device, device->features);
	status_add(device, VIRTIO_CONFIG_S_FEATURES_OK);
	if (device->transport->status(device) & VIRTIO_CONFIG_S_FEATURES_OK)
		return 0;
	pr_err("%s (%s) refuses features that it has offered\n", device->name, device->parent);
	return -ENODEV;
}

void virtio_device_start(struct virtio_device *device)
{
	status_add(device, VIRTIO_CONFIG_S_DRIVER_OK);
}

/* ---- configuration --------------------------------------------------------------------------- */

static void read_once(struct virtio_device *device, uint32_t offset, uint8_t *to, uint32_t size)
{
	uint32_t step = size == 8 ? 4 : size == 4 || size == 2 ? size : 1;

	for (uint32_t done = 0; done < size; done += step) {
		uint32_t value = device->transport->read(device, offset + done, step);

		/* as the wire has it: the lowest byte first */
		for (uint32_t i = 0; i < step; i++)
			to[done + i] = (uint8_t)(value >> 8 * i);
	}
}

void virtio_config_read(struct virtio_device *device, uint32_t offset, void *to, uint32_t size)
{
	uint32_t before, after = device->transport->generation(device);
	int tries = 0;

	do {
		before = after;
		read_once(device, offset, to, size);
		after = device->transport->generation(device);
	} while (before != after && ++tries < CONFIG_TRIES);
}

uint64_t virtio_config_number(struct virtio_device *device, uint32_t offset, uint32_t size)
{
	uint8_t bytes[8] = { 0 };
	uint64_t value = 0;

	virtio_config_read(device, offset, bytes, size);
	for (uint32_t i = 0; i < size; i++)
		value |= (uint64_t)bytes[i] << 8 * i;
	return value;
}

void virtio_config_write8(struct virtio_device *device, uint32_t offset, uint8_t value)
{
	device->transport->write8(device, offset, value);
}

/* ---- queues ---------------------------------------------------------------------------------- */

int virtio_queues_prepare(struct virtio_device *device, uint16_t nr)
{
	int err;

	device->queues = kzalloc_array(nr, sizeof(struct virtio_queue *), ALLOC_KERNEL);
	if (!device->queues)
		return -ENOMEM;
	err = device->transport->interrupts_start(device, nr);
	if (err) {
		kfree(device->queues);
		device->queues = NULL;
		return err;
	}
	device->nr_queues = nr;
	return 0;
}

static void serve(struct work *work)
{
	struct virtio_queue *queue = container_of(work, struct virtio_queue, work);

	queue->serve(queue);
	if (unlikely(virtqueue_is_broken(&queue->ring)))
		virtio_device_break(queue->device, queue->ring.complaint);
}

/* The largest power of two in both, 0: there is no such queue. */
static uint16_t queue_size(struct virtio_device *device, const struct virtio_queue_params *params)
{
	uint32_t most = device->transport->queue_size_max(device, params->index);

	if (most > params->size)
		most = params->size;
	if (most > VIRTQUEUE_SIZE_MAX)
		most = VIRTQUEUE_SIZE_MAX;
	return most ? (uint16_t)(1u << (31 - __builtin_clz(most))) : 0;
}

static int queue_memory_alloc(struct virtio_queue *queue, uint16_t size)
{
	struct virtqueue_slot *slots = kmalloc(virtqueue_slots_bytes(size), ALLOC_KERNEL);
	struct page *pages;

	while ((PAGE_SIZE << queue->order) < virtqueue_memory_bytes(size))
		queue->order++;
	pages = slots ? pages_alloc(queue->order, ALLOC_KERNEL) : NULL;
	if (!pages) {
		kfree(slots);
		return -ENOMEM;
	}
	queue->memory = page_to_virt(pages);
	virtqueue_init(&queue->ring, size, queue->device->features, queue->memory, slots);
	queue->ring.fence = device_fence();
	return 0;
}

/* The device has been reset, and nothing interrupts for the queue any more. */
static void queue_free(struct virtio_queue *queue)
{
	pages_free_virt(queue->memory, queue->order);
	kfree(queue->ring.slots);
	kfree(queue->name);
	kfree(queue);
}

static char *interrupt_name(struct virtio_device *device, const char *queue)
{
	char name[SERVE_NAME_SIZE];

	snprintf(name, sizeof(name), "%s-%s", device->name, queue);
	return kstrdup(name, ALLOC_KERNEL);
}

int virtio_queue_create(struct virtio_device *device, const struct virtio_queue_params *params,
                        struct virtio_queue **out)
{
	uint16_t size = queue_size(device, params);
	struct virtio_queue *queue;
	int err = -ENOMEM;

	if (!size || params->index >= device->nr_queues)
		return -ENOENT;
	queue = kzalloc(sizeof(*queue), ALLOC_KERNEL);
	if (!queue)
		return -ENOMEM;
	queue->device = device;
	queue->index = params->index;
	queue->cpu = params->cpu;
	queue->serve = params->serve;
	queue->private = params->private;
	work_init(&queue->work, serve);
	queue->name = interrupt_name(device, params->name);
	if (!queue->name)
		goto out_free;
	err = queue_memory_alloc(queue, size);
	if (err)
		goto out_name;
	*out = device->queues[params->index] = queue; /* its interrupts may come from here on */
	err = device->transport->queue_start(queue);
	if (!err)
		return 0;
	device->queues[params->index] = NULL;
	pages_free_virt(queue->memory, queue->order);
	kfree(queue->ring.slots);
out_name:
	kfree(queue->name);
out_free:
	kfree(queue);
	return err;
}

static void nothing(void)
{
}

void virtio_settle(void)
{
	work_on_each_cpu(nothing); /* each CPU's queue is served in order */
}

/* The device is reset already: afterwards no queue->serve() runs. */
static void queues_stop(struct virtio_device *device)
{
	if (!device->queues || device->is_silent)
		return;
	device->is_silent = true;
	for (uint16_t i = 0; i < device->nr_queues; i++) {
		if (device->queues[i])
			device->transport->queue_stop(device->queues[i]);
	}
	device->transport->interrupts_stop(device);
	virtio_settle(); /* what the interrupts had queued */
}

static void queues_free(struct virtio_device *device)
{
	for (uint16_t i = 0; i < device->nr_queues; i++) {
		if (device->queues[i])
			queue_free(device->queues[i]);
	}
	kfree(device->queues);
	device->queues = NULL;
	device->nr_queues = 0;
	device->is_silent = false;
}

void virtio_device_silence(struct virtio_device *device)
{
	(void)!reset(device);
	queues_stop(device);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

void virtio_queue_interrupt(struct virtio_queue *queue)
{
	if (!queue || !queue->serve)
		return;
	virtqueue_interrupts_off(&queue->ring);
	work_queue(&queue->work);
}

void virtio_config_interrupt(struct virtio_device *device)
{
	work_queue_sleeping(&device->config_work);
}

static void config_changed(struct work *work)
{
	struct virtio_device *device = container_of(work, struct virtio_device, config_work);

	if (device->transport->status(device) & VIRTIO_CONFIG_S_NEEDS_RESET)
		virtio_device_break(device, "it says that it needs a reset");
	mutex_lock_nested(&device->lock, 1);
	if (device->driver && device->driver->config_changed && !device->is_broken)
		device->driver->config_changed(device);
	mutex_unlock(&device->lock);
}

/* ---- breaking -------------------------------------------------------------------------------- */

void virtio_device_break(struct virtio_device *device, const char *why)
{
	if (atomic_xchg(&device->is_broken, true))
		return;
	pr_err("%s (%s) is not to be trusted: %s: it is out of use\n", device->name,
	       device->parent, why);
	work_queue_sleeping(&device->break_work);
}

static void break_device(struct work *work)
{
	struct virtio_device *device = container_of(work, struct virtio_device, break_work);

	mutex_lock_nested(&device->lock, 1);
	if (device->driver) {
		(void)!reset(device);
		device->driver->broken(device);
	}
	mutex_unlock(&device->lock);
}

/* ---- coming and going ------------------------------------------------------------------------ */

static const struct virtio_driver *driver_of(uint32_t id)
{
	for (unsigned int i = 0; virtio_drivers[i]; i++) {
		if (virtio_drivers[i]->id == id)
			return virtio_drivers[i];
	}
	return NULL;
}

static int probe(struct virtio_device *device, const struct virtio_driver *driver)
{
	int err = reset(device);

	if (err)
		return err;
	status_add(device, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	err = negotiate(device, driver);
	if (!err)
		err = driver->probe(device);
	if (!err)
		return 0;
	virtio_device_silence(device);
	queues_free(device);
	status_add(device, VIRTIO_CONFIG_S_FAILED);
	return err;
}

int virtio_device_add(struct virtio_device *device)
{
	const struct virtio_driver *driver = driver_of(device->id);
	uint32_t number = atomic_fetch_add(&devices_found, 1);
	int err = 0;

	snprintf(device->name, sizeof(device->name), "virtio%u", number);
	mutex_init(&device->lock, RANK_BUS);
	work_init(&device->break_work, break_device);
	work_init(&device->config_work, config_changed);
	if (!driver)
		return 0;
	mutex_lock_nested(&device->lock, 1);
	err = probe(device, driver);
	if (!err)
		device->driver = driver;
	mutex_unlock(&device->lock);
	if (err)
		pr_err("%s (%s): no %s (error %d)\n", device->name, device->parent, driver->name,
		       err);
	return err;
}

void virtio_device_remove(struct virtio_device *device)
{
	const struct virtio_driver *driver;

	atomic_store(&device->is_broken, true);
	mutex_lock_nested(&device->lock, 1);
	driver = device->driver;
	device->driver = NULL;
	mutex_unlock(&device->lock);
	if (!driver)
		return;
	/* nobody but us acts on it from here on */
	virtio_device_silence(device);
	driver->broken(device);
	driver->remove(device);
	queues_free(device);
	work_drain(); /* of breaking and of configuration changes, which look at `driver` */
}
