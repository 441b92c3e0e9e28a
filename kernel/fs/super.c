/*
 * The registry of file-system types, and the life of super blocks. See super.h.
 * check-style: includes: everything that hangs on a super block ends with it.
 */
#include "fs/super.h"

#include <linux/errno.h>
#include <linux/mount.h>

#include "core/panic.h"
#include "core/printk.h"
#include "core/spinlock.h"
#include "fs/blockdev.h"
#include "fs/dentry.h"
#include "fs/inode_cache.h"
#include "fs/notify.h"
#include "lib/bitmap.h"
#include "lib/devnum.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "sched/rcu.h"
#include "sched/wait.h"

enum { FS_TYPES_MAX = 32, ANON_DEVS_MAX = 1 << 14 };

static struct {
	struct spinlock       lock;
	const struct fs_type *all[FS_TYPES_MAX] __guarded_by(lock); /* only grows */
	uint32_t              count __guarded_by(lock);
} types = { .lock = SPINLOCK(RANK_LEAF) };

static struct {
	struct mutex lock; /* RANK_SLEEPING */
	struct list  all __guarded_by(lock);
	struct wait_queue gone; /* super_find_device() */
	/* minors of major 0 in use */
	uint64_t     devs[bitmap_words(ANON_DEVS_MAX)] __guarded_by(lock);
} supers = {
	.lock = MUTEX(supers.lock, RANK_SLEEPING),
	.gone = WAIT_QUEUE(supers.gone),
	.all = LIST_INIT(supers.all),
	.devs = { 1 },
};

const struct fs_type *fs_type_find(const char *name)
{
	const struct fs_type *type;

	for (unsigned int i = 0; (type = fs_type_at(i)); i++) {
		if (strcmp(type->name, name) == 0)
			return type;
	}
	return NULL;
}

const struct fs_type *fs_type_at(unsigned int index)
{
	/* Pairs with the release in fs_type_register(). */
	return index < atomic_load_acquire(&types.count) ? types.all[index] : NULL;
}

int fs_type_register(const struct fs_type *type)
{
	int err = 0;

	spin_lock(&types.lock);
	if (fs_type_find(type->name)) {
		err = -EBUSY;
	} else if (types.count == FS_TYPES_MAX) {
		err = -ENOSPC;
	} else {
		types.all[types.count] = type;
		/* Pairs with the acquire in fs_type_at(). */
		atomic_store_release(&types.count, types.count + 1);
	}
	spin_unlock(&types.lock);
	return err;
}

int super_create(const struct fs_type *type, const struct super_ops *ops, unsigned int flags,
                 struct superblock **out)
{
	struct superblock *super = kzalloc(sizeof(*super), ALLOC_KERNEL);
	size_t minor;

	if (!super)
		return -ENOMEM;
	super->type = type;
	super->ops = ops;
	super->flags = flags;
	super->block_size = PAGE_SIZE;
	super->name_max = PATH_NAME_MAX;
	super->max_size = INT64_MAX;
	refcount_init(&super->refs, 1);
	mutex_init(&super->lock, RANK_SUPERBLOCK);
	mutex_init(&super->rename_lock, RANK_RENAME);

	mutex_lock(&supers.lock);
	minor = bitmap_find_first_zero(supers.devs, ANON_DEVS_MAX);
	if (minor < ANON_DEVS_MAX) {
		bitmap_set(supers.devs, minor);
		super->dev = dev_make(0, (unsigned int)minor);
		list_add_tail(&supers.all, &super->link);
	}
	mutex_unlock(&supers.lock);
	if (minor == ANON_DEVS_MAX) {
		kfree(super);
		return -EMFILE;
	}
	*out = super;
	return 0;
}

struct superblock *super_get(struct superblock *super)
{
	refcount_get(&super->refs);
	return super;
}

/* What is on a disk comes to rest, and nothing of it is kept. */
static void stored_finish(struct superblock *super)
{
	int err = writeback_sync(super, true);

	if (err)
		pr_err("%s: not everything was written: error %d\n", super->type->name, -err);
	inode_cache_drop_super(super);
}

static void super_destroy(struct superblock *super)
{
	notify_super(super);
	if (super->root) {
		dentry_shrink_super(super);
		dentry_put(super->root);
	}
	if (super->writeback)
		stored_finish(super);
	if (super->ops->sync)
		super->ops->sync(super, true);
	/* Inodes are freed through RCU, and need the operations until then. */
	rcu_barrier();
	assert(super->inodes == 0);
	writeback_destroy(super);
	if (super->ops->release)
		super->ops->release(super);
	if (super->bdev)
		bdev_close(super->bdev, super->type);
	mutex_lock(&supers.lock);
	list_remove(&super->link);
	if (!dev_major(super->dev))
		bitmap_clear(supers.devs, dev_minor(super->dev));
	mutex_unlock(&supers.lock);
	wake_up_all(&supers.gone);
	kfree(super);
}

void super_set_bdev(struct superblock *super, struct bdev *bdev)
{
	mutex_lock(&supers.lock);
	bitmap_clear(supers.devs, dev_minor(super->dev));
	super->dev = bdev->device->number;
	super->bdev = bdev;
	mutex_unlock(&supers.lock);
}

/* *dying: there is one, which nobody can have any more. */
static struct superblock *find_device(const struct fs_type *type, const struct block_device *device,
                                      bool *dying)
{
	struct superblock *super, *found = NULL;

	*dying = false;
	mutex_lock(&supers.lock);
	list_for_each_entry(super, &supers.all, link) {
		if (super->type != type || !super->bdev || super->bdev->device != device)
			continue;
		if (refcount_try_get(&super->refs))
			found = super;
		else
			*dying = true;
		break;
	}
	mutex_unlock(&supers.lock);
	return found;
}

struct superblock *super_find_device(const struct fs_type *type, const struct block_device *device)
{
	struct superblock *found;
	bool dying;

	wait_event(&supers.gone, (found = find_device(type, device, &dying)) || !dying);
	return found;
}

void super_put(struct superblock *super)
{
	if (refcount_put(&super->refs))
		super_destroy(super);
}

int super_statfs(struct superblock *super, struct fs_stat *stat)
{
	uint32_t encoded = dev_encode(super->dev);

	*stat = (struct fs_stat){
		.type = super->magic,
		.block_size = super->block_size,
		.fragment_size = super->block_size,
		.name_max = super->name_max,
		.id = encoded,
	};
	return super->ops->statfs ? super->ops->statfs(super, stat) : 0;
}

/* The index-th, or the first behind it that is not on its way out; with a reference. */
static struct superblock *super_at(unsigned int index)
{
	struct superblock *super, *found = NULL;

	mutex_lock(&supers.lock);
	list_for_each_entry(super, &supers.all, link) {
		if (index) {
			index--;
		} else if (refcount_try_get(&super->refs)) {
			found = super;
			break;
		}
	}
	mutex_unlock(&supers.lock);
	return found;
}

int super_sync(struct superblock *super, bool wait)
{
	int err = writeback_sync(super, wait), sync_err = 0;

	if (super->ops->sync)
		sync_err = super->ops->sync(super, wait);
	return err ? err : sync_err;
}

void super_sync_all(bool wait)
{
	struct superblock *super;

	/* First everything gets on its way, then each is waited for. */
	writeback_kick_all();
	for (unsigned int i = 0; (super = super_at(i)) != NULL; i++) {
		(void)super_sync(super, wait);
		super_put(super);
	}
}

/* What remount may change in the super block; the rest of MS_* is the mount's or no flag at all. */
#define SUPER_REMOUNT_FLAGS (MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_LAZYTIME)

int super_remount(struct superblock *super, unsigned int flags, const char *options)
{
	unsigned int wanted = (super->flags & ~SUPER_REMOUNT_FLAGS) | (flags & SUPER_REMOUNT_FLAGS);
	unsigned int old;
	int err = 0;

	mutex_lock(&super->lock);
	old = super->flags;
	if (wanted & ~old & MS_RDONLY) {
		/* Pairs with the fully ordered count in mount_write_get(): one sees the other. */
		atomic_store(&super->flags, old | MS_RDONLY);
		if (atomic_load(&super->writers))
			err = -EBUSY;
	}
	if (!err && wanted & ~old & MS_RDONLY)
		err = super_sync(super, true);
	if (!err && super->ops->remount)
		err = super->ops->remount(super, &wanted, options);
	atomic_store_release(&super->flags, err ? old : wanted);
	mutex_unlock(&super->lock);
	return err;
}

static void super_force_readonly(struct superblock *super)
{
	mutex_lock(&super->lock);
	if (!(super->flags & MS_RDONLY)) {
		(void)super_sync(super, true);
		atomic_store(&super->flags, super->flags | MS_RDONLY);
	}
	mutex_unlock(&super->lock);
}

void super_remount_all_readonly(void)
{
	struct superblock *super;

	for (unsigned int i = 0; (super = super_at(i)) != NULL; i++) {
		if (super->type->flags & FS_NEEDS_DEVICE)
			super_force_readonly(super);
		super_put(super);
	}
}
