/*
 * Random number generators in hardware. See dev/hwrng.h.
 */
#include "dev/hwrng.h"

#include <linux/errno.h>

#include "dev/chardev.h"
#include "lib/devnum.h"
#include "sched/mutex.h"

static struct {
	struct mutex  lock;
	struct hwrng *rng __guarded_by(lock);
} hwrng = { .lock = MUTEX(hwrng.lock, RANK_SLEEPING) };

static struct chardev device = {
	.first = dev_make(10, 183), .name = "hwrng", .mode = 0600,
};

void hwrng_set_file_ops(const struct file_ops *ops)
{
	device.ops = ops;
}

static int set_rng(const struct hwrng *from, struct hwrng *to)
{
	int err = -EBUSY;

	mutex_lock(&hwrng.lock);
	if (hwrng.rng == from) {
		hwrng.rng = to;
		err = 0;
	}
	mutex_unlock(&hwrng.lock);
	return err;
}

int hwrng_register(struct hwrng *rng)
{
	int err = set_rng(NULL, rng);

	if (!err)
		err = chardev_register(&device);
	if (err)
		(void)!set_rng(rng, NULL);
	return err;
}

void hwrng_unregister(struct hwrng *rng)
{
	if (!set_rng(rng, NULL))
		chardev_unregister(&device);
}

ssize_t hwrng_read(void *buffer, size_t size, bool may_wait)
{
	ssize_t done = mutex_lock_interruptible(&hwrng.lock);

	if (done)
		return done;
	done = hwrng.rng ? hwrng.rng->read(hwrng.rng, buffer, size, may_wait) : -ENODEV;
	mutex_unlock(&hwrng.lock);
	return done;
}
