/*
 * The registry of block devices. See block.h.
 */
#include "dev/block.h"

#include <linux/errno.h>

#include "core/panic.h"
#include "core/spinlock.h"
#include "dev/disk_impl.h"
#include "lib/devnum.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"

enum { DYNAMIC_MAJOR_FIRST = 254, DYNAMIC_MAJOR_LAST = 234, EXTENDED_MAJOR = 259 };

struct major {
	struct list  link;
	unsigned int number;
	const char  *name;
};

struct mutex block_registry = MUTEX(block_registry, RANK_DISK_REGISTRY);

static struct {
	struct spinlock lock; /* RANK_LEAF: what lookups read; changed with block_registry too */
	struct list     devices __guarded_by(lock);
	struct list     majors __guarded_by(lock); /* by number */
	const struct block_hooks *hooks __guarded_by(block_registry);
	uint32_t          generation __atomic; /* counts registrations */
	struct wait_queue grown;
} registry = {
	.grown = WAIT_QUEUE(registry.grown),
	.lock = SPINLOCK(RANK_LEAF),
	.devices = LIST_INIT(registry.devices),
	.majors = LIST_INIT(registry.majors),
};

/* The whole disk to which a claim on a partition belongs is held by this. */
static const char held_by_partitions;

/* ---- references ---------------------------------------------------------------------------- */

struct block_device *block_device_get(struct block_device *device)
{
	if (device->partition)
		refcount_get(&device->refs);
	else
		disk_get(device->disk);
	return device;
}

void block_device_put(struct block_device *device)
{
	struct disk *disk;

	if (!device)
		return;
	disk = device->disk;
	if (device->partition) {
		if (!refcount_put(&device->refs))
			return;
		assert(!device->openers && !device->content);
		kfree(device);
	}
	disk_put(disk);
}

/* ---- finding ------------------------------------------------------------------------------- */

static bool has_number(const struct block_device *device, const void *number)
{
	return device->number == *(const dev_t *)number;
}

static bool has_name(const struct block_device *device, const void *name)
{
	return !strcmp(device->name, name);
}

static bool has_uuid(const struct block_device *device, const void *uuid)
{
	return device->uuid[0] && !strcasecmp(device->uuid, uuid);
}

static bool has_label(const struct block_device *device, const void *label)
{
	return device->label[0] && !strcmp(device->label, label);
}

static struct block_device *find(bool (*is_it)(const struct block_device *, const void *),
                                 const void *key)
{
	struct block_device *device, *found = NULL;

	spin_lock(&registry.lock);
	list_for_each_entry(device, &registry.devices, link) {
		if (is_it(device, key)) {
			found = block_device_get(device);
			break;
		}
	}
	spin_unlock(&registry.lock);
	return found;
}

struct block_device *block_device_find(dev_t number)
{
	return find(has_number, &number);
}

struct block_device *block_device_find_name(const char *name)
{
	return find(has_name, name);
}

struct block_device *block_device_find_uuid(const char *uuid)
{
	return find(has_uuid, uuid);
}

struct block_device *block_device_find_label(const char *label)
{
	return find(has_label, label);
}

static bool is_nth(const struct block_device *device, const void *n)
{
	unsigned int *left = *(unsigned int *const *)n;

	return (*left)-- == 0;
}

struct block_device *block_device_at(unsigned int index)
{
	unsigned int *left = &index;

	return find(is_nth, &left);
}

uint32_t block_device_block_size(const struct block_device *device)
{
	return device->disk->limits.logical_block;
}

bool block_device_is_readonly(const struct block_device *device)
{
	return atomic_load_relaxed(&device->is_readonly) ||
	       atomic_load_relaxed(&device->disk->flags) & DISK_READONLY;
}

void block_device_set_readonly(struct block_device *device, bool readonly)
{
	atomic_store_relaxed(&device->is_readonly, readonly);
}

/* ---- registration -------------------------------------------------------------------------- */

static dev_t number_choose(const struct disk *disk, uint32_t partition)
{
	if (partition < disk->minors)
		return disk->whole->number + partition;
	for (uint32_t minor = 0;; minor++) {
		struct block_device *taken = block_device_find(dev_make(EXTENDED_MAJOR, minor));

		if (!taken)
			return dev_make(EXTENDED_MAJOR, minor);
		block_device_put(taken);
	}
}

static void name_make(struct block_device *device, const struct disk *disk)
{
	const char *name = disk->whole->name;
	const char last = name[strlen(name) - 1];

	(void)snprintf(device->name, sizeof(device->name), "%.24s%s%u", name,
	               last >= '0' && last <= '9' ? "p" : "", device->partition % PARTITIONS_MAX);
}

int block_device_create(struct disk *disk, uint32_t partition, struct block_device **out)
{
	struct block_device *device = kzalloc(sizeof(*device), ALLOC_KERNEL);

	if (!device)
		return -ENOMEM;
	device->disk = disk_get(disk);
	device->partition = partition;
	device->number = number_choose(disk, partition);
	device->is_readonly = atomic_load_relaxed(&disk->whole->is_readonly);
	name_make(device, disk);
	refcount_init(&device->refs, 1);
	list_init(&device->link);
	list_init(&device->disk_link);
	*out = device;
	return 0;
}

int block_device_register(struct block_device *device)
{
	struct block_device *other = block_device_find(device->number);

	if (!other)
		other = block_device_find_name(device->name);
	if (other) {
		block_device_put(other);
		return -EBUSY;
	}
	block_device_get(device);
	spin_lock(&registry.lock);
	list_add_tail(&registry.devices, &device->link);
	spin_unlock(&registry.lock);
	if (registry.hooks)
		registry.hooks->added(device);
	atomic_inc_return(&registry.generation);
	wake_up_all(&registry.grown);
	return 0;
}

void block_wait_for_device(uint32_t *seen)
{
	wait_event(&registry.grown, atomic_load(&registry.generation) != *seen);
	*seen = atomic_load(&registry.generation);
}

void block_device_unregister(struct block_device *device)
{
	atomic_store_relaxed(&device->is_gone, true);
	spin_lock(&registry.lock);
	list_remove_init(&device->link);
	spin_unlock(&registry.lock);
	if (registry.hooks)
		registry.hooks->removed(device);
	block_device_put(device);
}

void block_set_hooks(const struct block_hooks *hooks)
{
	struct block_device *device;

	mutex_lock(&block_registry);
	registry.hooks = hooks;
	list_for_each_entry(device, &registry.devices, link)
		hooks->added(device);
	mutex_unlock(&block_registry);
}

/* ---- opening -------------------------------------------------------------------------------- */

static bool may_claim(const struct block_device *device, const void *holder)
{
	const struct block_device *whole = device->disk->whole;

	if (device->holder)
		return device->holder == holder;
	return device == whole || !whole->holder || whole->holder == &held_by_partitions;
}

static void claim(struct block_device *device, const void *holder)
{
	struct block_device *whole = device->disk->whole;

	device->holder = holder;
	device->holds++;
	if (device != whole) {
		whole->holder = &held_by_partitions;
		whole->holds++;
	}
}

static void unclaim_one(struct block_device *device)
{
	if (!--device->holds)
		device->holder = NULL;
}

static int open_locked(struct block_device *device, const void *holder)
{
	struct disk *disk = device->disk;
	int err = 0;

	if (atomic_load_relaxed(&device->is_gone) || disk_has_failed(disk))
		return -ENXIO;
	if (holder && !may_claim(device, holder))
		return -EBUSY;
	if (!disk->openers && disk->ops->opened)
		err = disk->ops->opened(disk);
	if (err)
		return err;
	if (holder)
		claim(device, holder);
	device->openers++;
	disk->openers++;
	return 0;
}

int block_device_open(struct block_device *device, const void *holder)
{
	int err;

	wait_event(&device->disk->idle,
	           atomic_load(&device->disk->state) & (DISK_PROBED | DISK_FAILED));
	mutex_lock(&block_registry);
	err = open_locked(device, holder);
	mutex_unlock(&block_registry);
	return err;
}

void block_device_close(struct block_device *device, const void *holder)
{
	struct disk *disk = device->disk;
	bool last;

	mutex_lock(&block_registry);
	if (holder) {
		debug_assert(device->holder == holder);
		unclaim_one(device);
		if (device != disk->whole)
			unclaim_one(disk->whole);
	}
	device->openers--;
	last = !--disk->openers;
	mutex_unlock(&block_registry);
	if (last && disk->ops->closed)
		disk->ops->closed(disk);
}

/* ---- majors --------------------------------------------------------------------------------- */

static struct major *major_find_locked(unsigned int number)
{
	struct major *major;

	list_for_each_entry(major, &registry.majors, link) {
		if (major->number == number)
			return major;
	}
	return NULL;
}

static unsigned int major_choose_locked(void)
{
	for (unsigned int n = DYNAMIC_MAJOR_FIRST; n >= DYNAMIC_MAJOR_LAST; n--) {
		if (!major_find_locked(n))
			return n;
	}
	return 0;
}

int block_major_register(unsigned int number, const char *name, unsigned int *out)
{
	struct major *major = kmalloc(sizeof(*major), ALLOC_KERNEL), *before;
	bool taken;

	if (!major)
		return -ENOMEM;
	spin_lock(&registry.lock);
	major->number = number ? number : major_choose_locked();
	major->name = name;
	taken = !major->number || major_find_locked(major->number);
	if (!taken) {
		list_for_each_entry_reverse(before, &registry.majors, link) {
			if (before->number < major->number)
				break;
		}
		list_add_head(&before->link, &major->link);
		*out = major->number;
	}
	spin_unlock(&registry.lock);
	if (taken)
		kfree(major);
	return taken ? -EBUSY : 0;
}

const char *block_major_at(unsigned int index, unsigned int *number)
{
	const char *name = NULL;
	struct major *major;

	spin_lock(&registry.lock);
	list_for_each_entry(major, &registry.majors, link) {
		if (index-- == 0) {
			*number = major->number;
			name = major->name;
			break;
		}
	}
	spin_unlock(&registry.lock);
	return name;
}
