/*
 * The entropy device (Virtual I/O Device Specification 1.2, section 5.4): a queue of buffers that
 * it fills with noise.
 *
 * One buffer goes back and forth. When the driver starts and then every minute its noise is for the
 * pool of core/random.h, credited with half its bits; when somebody reads /dev/hwrng, for them.
 * The device cannot make us busy: it is asked again by the timer or by a reader only.
 *
 * Locking: `lock` over the ring, the buffer and who it is for. The device writes into the buffer
 * while `is_asked`; nobody looks at it then.
 */
#include <linux/errno.h>

#include "core/random.h"
#include "dev/hwrng.h"
#include "drivers/virtio/drivers.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "sched/clock.h"
#include "sched/timer.h"
#include "sched/wait.h"

enum { BUFFER_BYTES = 64, CREDITED_BITS_PER_BYTE = 4 };

#define FEED_PERIOD (60 * NS_PER_SEC)

struct rng {
	struct hwrng         hwrng;
	struct virtio_queue *queue __const_after_init;
	struct spinlock      lock;
	uint8_t             *buffer __const_after_init;
	uint32_t             nr_bytes __guarded_by(lock);   /* of noise in the buffer */
	uint32_t             nr_readers __guarded_by(lock); /* waiting; 0: noise is for the pool */
	bool                 is_asked __guarded_by(lock);
	bool                 is_gone __guarded_by(lock);
	struct wait_queue    came;
	struct timer         timer;
	struct work          feed;
};

/* With the lock held. */
static void ask(struct rng *rng)
{
	struct virtqueue_segment segment = { virt_to_phys(rng->buffer), BUFFER_BYTES };
	struct virtqueue_chain chain = {
		.segments = &segment, .nr_writable = 1, .token = rng->buffer,
	};

	if (rng->is_asked || rng->is_gone || rng->nr_bytes ||
	    virtqueue_add(&rng->queue->ring, &chain))
		return;
	rng->is_asked = true;
	virtio_queue_publish(rng->queue);
}

/* With the lock held: what nobody waits for goes into the pool. */
static void feed_pool(struct rng *rng)
{
	if (!rng->nr_bytes || rng->nr_readers)
		return;
	random_add(rng->buffer, rng->nr_bytes, rng->nr_bytes * CREDITED_BITS_PER_BYTE);
	mem_wipe(rng->buffer, BUFFER_BYTES);
	rng->nr_bytes = 0;
}

static void rng_serve(struct virtio_queue *queue)
{
	struct rng *rng = queue->private;
	struct virtqueue_used used;

	spin_lock(&rng->lock);
	do {
		while (!virtqueue_take(&queue->ring, &used)) {
			rng->is_asked = false;
			rng->nr_bytes = used.length;
			feed_pool(rng);
		}
	} while (virtqueue_interrupts_on(&queue->ring) && !virtqueue_is_broken(&queue->ring));
	spin_unlock(&rng->lock);
	wake_up_all(&rng->came);
}

static void feed(struct work *work)
{
	struct rng *rng = container_of(work, struct rng, feed);

	spin_lock(&rng->lock);
	feed_pool(rng);
	ask(rng);
	spin_unlock(&rng->lock);
}

static void feed_later(struct timer *timer)
{
	struct rng *rng = container_of(timer, struct rng, timer);

	work_queue(&rng->feed);
	timer_start(timer, clock_monotonic() + FEED_PERIOD);
}

/* ---- /dev/hwrng ------------------------------------------------------------------------------ */

/* How many bytes; 0: there are none, and the device has been asked. With the lock held. */
static ssize_t take_noise(struct rng *rng, void *buffer, size_t size)
{
	size_t n = min(size, (size_t)rng->nr_bytes);

	if (rng->is_gone)
		return -ENODEV;
	if (!n) {
		ask(rng);
		return 0;
	}
	rng->nr_bytes -= (uint32_t)n;
	memcpy(buffer, rng->buffer + rng->nr_bytes, n);
	memset(rng->buffer + rng->nr_bytes, 0, n);
	return (ssize_t)n;
}

static ssize_t rng_read(struct hwrng *hwrng, void *buffer, size_t size, bool may_wait)
{
	struct rng *rng = container_of(hwrng, struct rng, hwrng);
	ssize_t done;
	int err = 0;

	spin_lock(&rng->lock);
	rng->nr_readers++;
	done = take_noise(rng, buffer, size);
	if (!done && !may_wait)
		err = -EAGAIN;
	else if (!done)
		err = wait_event_interruptible_spin(
			&rng->came, (done = take_noise(rng, buffer, size)), &rng->lock);
	rng->nr_readers--;
	spin_unlock(&rng->lock);
	return done ? done : err;
}

/* ---- coming and going ------------------------------------------------------------------------ */

static int rng_start(struct virtio_device *device, struct rng *rng)
{
	const struct virtio_queue_params params = {
		.name = "input", .size = 1, .cpu = IRQ_ANY_CPU, .serve = rng_serve, .private = rng,
	};
	int err = virtio_queues_prepare(device, 1);

	if (!err)
		err = virtio_queue_create(device, &params, &rng->queue);
	return err;
}

static int rng_probe(struct virtio_device *device)
{
	struct rng *rng = kzalloc(sizeof(*rng), ALLOC_KERNEL);
	int err = -ENOMEM;

	if (!rng)
		return -ENOMEM;
	spin_lock_init(&rng->lock, RANK_LEAF);
	wait_queue_init(&rng->came);
	timer_init(&rng->timer, feed_later);
	work_init(&rng->feed, feed);
	rng->hwrng = (struct hwrng){ .name = "virtio_rng.0", .read = rng_read };
	rng->buffer = kzalloc(BUFFER_BYTES, ALLOC_KERNEL);
	if (rng->buffer)
		err = rng_start(device, rng);
	if (err) {
		virtio_device_silence(device);
		kfree(rng->buffer);
		kfree(rng);
		return err;
	}
	device->private = rng;
	virtio_device_start(device);
	/* the second of two feeds the pool all the same */
	(void)!hwrng_register(&rng->hwrng);
	feed(&rng->feed);
	timer_start(&rng->timer, clock_monotonic() + FEED_PERIOD);
	return 0;
}

static void rng_broken(struct virtio_device *device)
{
	struct rng *rng = device->private;

	timer_cancel_sync(&rng->timer);
	spin_lock(&rng->lock);
	rng->is_gone = true;
	while (virtqueue_abandon(&rng->queue->ring))
		rng->is_asked = false;
	spin_unlock(&rng->lock);
	wake_up_all(&rng->came);
}

static void rng_remove(struct virtio_device *device)
{
	struct rng *rng = device->private;

	hwrng_unregister(&rng->hwrng);
	virtio_settle(); /* feeding */
	kfree(rng->buffer);
	kfree(rng);
}

const struct virtio_driver virtio_rng_driver = {
	.name = "random numbers",
	.id = VIRTIO_ID_RNG,
	.probe = rng_probe,
	.broken = rng_broken,
	.remove = rng_remove,
};
