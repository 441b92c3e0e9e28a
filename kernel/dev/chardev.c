/*
 * The registry of character devices. See chardev.h.
 */
#include "dev/chardev.h"

#include <linux/errno.h>

#include "core/spinlock.h"
#include "sched/mutex.h"

static struct {
	/* RANK_SUPERBLOCK: registration as a whole; the hooks make nodes under it */
	struct mutex   change;
	struct spinlock lock;
	struct list    all __guarded_by(lock); /* changed with `change` too */
	const struct chardev_hooks *hooks __guarded_by(change);
} chardevs = {
	.change = MUTEX(chardevs.change, RANK_SUPERBLOCK),
	.lock = SPINLOCK(RANK_LEAF),
	.all = LIST_INIT(chardevs.all),
};

static uint32_t device_count(const struct chardev *device)
{
	return device->count ? device->count : 1;
}

static struct chardev *find_locked(dev_t first, uint32_t count)
{
	struct chardev *device;

	list_for_each_entry(device, &chardevs.all, link) {
		if (first < device->first + device_count(device) && device->first < first + count)
			return device;
	}
	return NULL;
}

int chardev_register(struct chardev *device)
{
	bool taken;

	mutex_lock(&chardevs.change);
	spin_lock(&chardevs.lock);
	taken = find_locked(device->first, device_count(device));
	if (!taken)
		list_add_tail(&chardevs.all, &device->link);
	spin_unlock(&chardevs.lock);
	if (!taken && chardevs.hooks)
		chardevs.hooks->added(device);
	mutex_unlock(&chardevs.change);
	return taken ? -EBUSY : 0;
}

void chardev_unregister(struct chardev *device)
{
	mutex_lock(&chardevs.change);
	spin_lock(&chardevs.lock);
	list_remove(&device->link);
	spin_unlock(&chardevs.lock);
	if (chardevs.hooks)
		chardevs.hooks->removed(device);
	mutex_unlock(&chardevs.change);
}

struct chardev *chardev_find(dev_t dev)
{
	struct chardev *device;

	spin_lock(&chardevs.lock);
	device = find_locked(dev, 1);
	spin_unlock(&chardevs.lock);
	return device;
}

struct chardev *chardev_at(unsigned int index)
{
	struct chardev *device, *found = NULL;

	spin_lock(&chardevs.lock);
	list_for_each_entry(device, &chardevs.all, link) {
		if (index-- == 0) {
			found = device;
			break;
		}
	}
	spin_unlock(&chardevs.lock);
	return found;
}

void chardev_set_hooks(const struct chardev_hooks *hooks)
{
	struct chardev *device;

	mutex_lock(&chardevs.change);
	chardevs.hooks = hooks;
	list_for_each_entry(device, &chardevs.all, link)
		hooks->added(device);
	mutex_unlock(&chardevs.change);
}
