/*
 * Loop devices: control, attaching, settings. See loop.h.
 */
#include "fs/loop.h"

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "core/printk.h"
#include "dev/chardev.h"
#include "dev/partition.h"
#include "fs/blockdev.h"
#include "fs/file.h"
#include "fs/loop_impl.h"
#include "fs/super.h"
#include "id/cred.h"
#include "lib/devnum.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"

enum { LOOP_MAJOR = 7, CONTROL_MINOR = 237, QUEUE_DEPTH = 32, MAX_SECTORS = 2048 };

static struct {
	struct mutex lock; /* RANK_DISK_OPEN */
	struct list  all __guarded_by(lock); /* by number */
} loops = { .lock = MUTEX(loops.lock, RANK_DISK_OPEN), .all = LIST_INIT(loops.all) };

/* ---- size and limits ------------------------------------------------------------------------ */

static uint64_t capacity_of(const struct loop *loop, const struct file *file, uint64_t offset,
                            uint64_t limit)
{
	const uint64_t size = (uint64_t)READ_ONCE(file->mapping->host->size);
	uint64_t bytes = size > offset ? size - offset : 0;

	if (limit && limit < bytes)
		bytes = limit;
	return bytes >> SECTOR_SHIFT;
}

/* The device's size follows; files and mappings that are open see it. */
static void size_update(struct loop *loop, struct bdev *bdev)
{
	const uint64_t sectors = loop->file ? capacity_of(loop, loop->file, loop->offset,
	                                                  loop->size_limit) : 0;

	disk_set_capacity(loop->disk, sectors);
	WRITE_ONCE(bdev->disk.inode.size, (pos_t)(sectors << SECTOR_SHIFT));
}

static int block_size_set(struct loop *loop, struct bdev *bdev, uint32_t bytes)
{
	struct disk_limits limits = loop->disk->limits;
	int err;

	if (bytes < SECTOR_SIZE || bytes > PAGE_SIZE || bytes & (bytes - 1))
		return -EINVAL;
	if (bytes == limits.logical_block)
		return 0;
	limits.logical_block = limits.physical_block = limits.io_min = bytes;
	limits.discard_granularity = bytes;
	err = bdev_block_size(bdev) < bytes ? bdev_set_block_size(bdev, bytes) : 0;
	return err ? err : disk_set_limits(loop->disk, &limits);
}

/* ---- attaching ------------------------------------------------------------------------------ */

/* A file may stand on this very device: through partitions and other loops. */
static bool leads_to(const struct file *file, const struct loop *loop)
{
	while (S_ISBLK(file->inode->mode)) {
		const struct bdev *bdev = file->private;
		const struct disk *disk = bdev->device->disk;
		const struct loop *below = disk->private;

		if (disk == loop->disk)
			return true;
		if (disk->ops != &loop_disk_ops || !below->file)
			return false;
		file = below->file;
	}
	return false;
}

static int file_check(const struct loop *loop, const struct file *file)
{
	const mode_t type = file->inode->mode & S_IFMT;

	if (leads_to(file, loop))
		return -EBADF;
	if ((type != S_IFREG && type != S_IFBLK) || !file->mapping || !(file->mode & FILE_READ))
		return -EINVAL;
	return 0;
}

static int info_check(const struct loop_info64 *info)
{
	if (info->lo_encrypt_type || info->lo_encrypt_key_size > LO_KEY_SIZE ||
	    info->lo_offset > INT64_MAX || info->lo_sizelimit > INT64_MAX)
		return -EINVAL;
	return 0;
}

static void info_take(struct loop *loop, const struct loop_info64 *info)
{
	loop->offset = info->lo_offset;
	loop->size_limit = info->lo_sizelimit;
	memcpy(loop->file_name, info->lo_file_name, LO_NAME_SIZE);
	loop->file_name[LO_NAME_SIZE - 1] = '\0';
}

static int attach_locked(struct loop *loop, struct bdev *bdev, const struct file *device_file,
                         const struct loop_attach *request)
{
	struct file *file = request->file;
	const bool readonly = !(file->mode & FILE_WRITE) || !(device_file->mode & FILE_WRITE) ||
	                      !file->ops->write;
	int err = loop->file ? -EBUSY : file_check(loop, file);

	if (!err && request->info) {
		err = info_check(request->info);
		if (request->info->lo_flags & ~(uint32_t)LOOP_CONFIGURE_SETTABLE_FLAGS)
			err = -EINVAL;
	}
	if (!err)
		err = block_size_set(loop, bdev, request->block_size ? request->block_size
		                                                     : SECTOR_SIZE);
	if (err)
		return err;
	loop->file = file_get(file);
	loop->flags = readonly ? LO_FLAGS_READ_ONLY : 0;
	if (request->info) {
		info_take(loop, request->info);
		loop->flags |= request->info->lo_flags & ~(uint32_t)LO_FLAGS_DIRECT_IO;
	}
	err = loop_start(loop);
	if (err) {
		loop->file = NULL;
		file_put(file);
		return err;
	}
	disk_set_readonly(loop->disk, loop->flags & LO_FLAGS_READ_ONLY);
	size_update(loop, bdev);
	return 0;
}

static void scan_partitions(struct loop *loop)
{
	int err = partition_rescan(loop->disk->whole);

	if (err)
		pr_warn("loop%u: partitions not read: error %d\n", loop->number, -err);
}

static int attach(struct loop *loop, struct file *device_file, const struct loop_attach *request)
{
	struct bdev *bdev = device_file->private;
	const bool claims = !(device_file->mode & FILE_HOLDER);
	bool scans;
	int err = claims ? block_device_open(loop->disk->whole, request) : 0;

	if (err)
		return err;
	mutex_lock(&loop->lock);
	err = attach_locked(loop, bdev, device_file, request);
	scans = !err && loop->flags & LO_FLAGS_PARTSCAN;
	mutex_unlock(&loop->lock);
	(void)disk_mapping_invalidate(bdev_mapping(bdev), 0, INT64_MAX);
	if (scans)
		scan_partitions(loop);
	if (claims)
		block_device_close(loop->disk->whole, request);
	return err;
}

/* Nothing is on its way: the file, for the caller to put; NULL: there was none. */
static struct file *detach_locked(struct loop *loop)
{
	struct file *file = loop->file;

	if (!file)
		return NULL;
	disk_set_capacity(loop->disk, 0);
	wait_event(&loop->disk->idle, !atomic_load(&loop->disk->in_flight));
	loop_stop(loop);
	loop->file = NULL;
	loop->flags = 0;
	loop->offset = loop->size_limit = 0;
	memset(loop->file_name, 0, sizeof(loop->file_name));
	disk_set_readonly(loop->disk, false);
	return file;
}

/* The partitions go with the file. */
static void detach_end(struct loop *loop, struct file *file)
{
	if (!file)
		return;
	(void)!partition_rescan(loop->disk->whole);
	file_put(file);
}

/* What was written belongs to the file that is attached now. */
static void sync_attached(const struct loop *loop, struct bdev *bdev)
{
	if (READ_ONCE(loop->file))
		(void)!bdev_sync(bdev);
}

/* Others have it open, too: it goes when they let go. */
static int clear_fd(struct loop *loop, struct bdev *bdev)
{
	struct file *file = NULL;
	int err;

	sync_attached(loop, bdev);
	err = mutex_lock_killable(&loop->lock);
	if (err)
		return err;
	if (!loop->file)
		err = -ENXIO;
	else if (atomic_load_relaxed(&loop->disk->openers) > 1)
		loop->flags |= LO_FLAGS_AUTOCLEAR;
	else
		file = detach_locked(loop);
	if (!err)
		size_update(loop, bdev);
	mutex_unlock(&loop->lock);
	detach_end(loop, file);
	return err;
}

void loop_closed(struct disk *disk)
{
	struct loop *loop = disk->private;
	struct file *file = NULL;

	mutex_lock(&loop->lock);
	if (loop->flags & LO_FLAGS_AUTOCLEAR && !atomic_load_relaxed(&disk->openers))
		file = detach_locked(loop);
	mutex_unlock(&loop->lock);
	detach_end(loop, file);
}

/* Another file of the same size, under a read-only device: for live CDs. */
static int change_fd_locked(struct loop *loop, struct file *file, struct file **old)
{
	int err;

	if (!loop->file)
		return -ENXIO;
	if (!(loop->flags & LO_FLAGS_READ_ONLY))
		return -EINVAL;
	err = file_check(loop, file);
	if (err)
		return err;
	if (capacity_of(loop, file, loop->offset, loop->size_limit) !=
	    block_device_sectors(loop->disk->whole))
		return -EINVAL;
	loop_stop(loop);
	*old = loop->file;
	loop->file = file_get(file);
	return loop_start(loop);
}

static int change_fd(struct loop *loop, const struct loop_attach *request)
{
	struct file *old = NULL;
	int err;

	mutex_lock(&loop->lock);
	err = change_fd_locked(loop, request->file, &old);
	mutex_unlock(&loop->lock);
	if (old)
		file_put(old);
	return err;
}

/* ---- status --------------------------------------------------------------------------------- */

static int set_status(struct loop *loop, struct bdev *bdev, const struct loop_info64 *info)
{
	const uint32_t old = loop->flags;
	bool scans = false;
	int err;

	sync_attached(loop, bdev);
	mutex_lock(&loop->lock);
	err = loop->file ? info_check(info) : -ENXIO;
	if (!err) {
		if (loop->offset != info->lo_offset || loop->size_limit != info->lo_sizelimit)
			(void)disk_mapping_invalidate(bdev_mapping(bdev), 0, INT64_MAX);
		info_take(loop, info);
		loop->flags = (old & ~(uint32_t)LOOP_SET_STATUS_CLEARABLE_FLAGS) |
		              (info->lo_flags & LOOP_SET_STATUS_SETTABLE_FLAGS);
		scans = loop->flags & ~old & LO_FLAGS_PARTSCAN;
		size_update(loop, bdev);
	}
	mutex_unlock(&loop->lock);
	if (scans)
		scan_partitions(loop);
	return err;
}

static int get_status(struct loop *loop, struct loop_info64 *info)
{
	const struct inode *inode;
	int err = 0;

	mutex_lock(&loop->lock);
	if (loop->file) {
		inode = loop->file->inode;
		*info = (struct loop_info64){
			.lo_device = dev_encode(inode->super->dev),
			.lo_inode = inode->ino,
			.lo_rdevice = dev_encode(S_ISBLK(inode->mode) ? inode->rdev : 0),
			.lo_offset = loop->offset,
			.lo_sizelimit = loop->size_limit,
			.lo_number = loop->number,
			.lo_flags = loop->flags,
		};
		memcpy(info->lo_file_name, loop->file_name, LO_NAME_SIZE);
	} else {
		err = -ENXIO;
	}
	mutex_unlock(&loop->lock);
	return err;
}

static int with_file(struct loop *loop, struct bdev *bdev, unsigned int command, uintptr_t value)
{
	int err = 0;

	sync_attached(loop, bdev);
	mutex_lock(&loop->lock);
	if (!loop->file)
		err = -ENXIO;
	else if (command == LOOP_SET_CAPACITY)
		size_update(loop, bdev);
	else if (command == LOOP_SET_BLOCK_SIZE)
		err = value > PAGE_SIZE ? -EINVAL : block_size_set(loop, bdev, (uint32_t)value);
	else
		err = value ? -EINVAL : 0; /* LOOP_SET_DIRECT_IO */
	mutex_unlock(&loop->lock);
	return err;
}

long loop_ioctl(struct block_device *device, struct file *file, unsigned int command, void *arg)
{
	struct loop *loop = device->disk->private;
	struct bdev *bdev = file->private;

	if (device->partition)
		return -ENOTTY;
	switch (command) {
	case LOOP_SET_FD:
	case LOOP_CONFIGURE:
		return attach(loop, file, arg);
	case LOOP_CHANGE_FD:
		return change_fd(loop, arg);
	case LOOP_CLR_FD:
		return clear_fd(loop, bdev);
	case LOOP_GET_STATUS64:
		return get_status(loop, arg);
	case LOOP_SET_STATUS64:
	case LOOP_SET_CAPACITY:
	case LOOP_SET_DIRECT_IO:
	case LOOP_SET_BLOCK_SIZE:
		break;
	default:
		return -ENOTTY;
	}
	if (!(file->mode & FILE_WRITE) && !cred_capable(file->cred, CAP_SYS_ADMIN))
		return -EPERM;
	if (command == LOOP_SET_STATUS64)
		return set_status(loop, bdev, arg);
	return with_file(loop, bdev, command, (uintptr_t)arg);
}

/* ---- control -------------------------------------------------------------------------------- */

void loop_release(struct disk *disk)
{
	kfree(disk->private);
}

static int loop_create(uint32_t number, struct loop **out)
{
	struct loop *loop = kzalloc(sizeof(*loop), ALLOC_KERNEL);
	char name[DISK_NAME_MAX];
	const struct disk_params params = {
		.name = name,
		.ops = &loop_disk_ops,
		.private = loop,
		.number = dev_make(LOOP_MAJOR, number),
		.flags = DISK_NO_PARTITIONS | DISK_WRITE_CACHE,
		.limits = { .max_sectors = MAX_SECTORS, .max_discard_sectors = UINT32_MAX >> 9 },
		.queue_depth = QUEUE_DEPTH,
	};
	int err;

	if (!loop)
		return -ENOMEM;
	snprintf(name, sizeof(name), "loop%u", number);
	loop->number = number;
	loop->stops = true;
	mutex_init(&loop->lock, RANK_LOOP);
	spin_lock_init(&loop->queue_lock, RANK_BLOCK);
	list_init(&loop->requests);
	wait_queue_init(&loop->wait);
	err = disk_create(&params, &loop->disk);
	if (err) {
		kfree(loop);
		return err;
	}
	err = disk_add(loop->disk);
	if (err)
		disk_put(loop->disk);
	else
		*out = loop;
	return err;
}

static struct loop *loop_find_locked(uint32_t number)
{
	struct loop *loop;

	list_for_each_entry(loop, &loops.all, link) {
		if (loop->number == number)
			return loop;
	}
	return NULL;
}

static long add_locked(uint32_t number)
{
	struct loop *loop, *before;
	int err;

	if (number > DEV_MINOR_MAX)
		return -EINVAL;
	if (loop_find_locked(number))
		return -EEXIST;
	err = loop_create(number, &loop);
	if (err)
		return err;
	list_for_each_entry_reverse(before, &loops.all, link) {
		if (before->number < number)
			break;
	}
	list_add_head(&before->link, &loop->link);
	return number;
}

static uint32_t unused_number_locked(void)
{
	uint32_t number = 0;

	while (loop_find_locked(number))
		number++;
	return number;
}

static long get_free_locked(void)
{
	struct loop *loop;

	list_for_each_entry(loop, &loops.all, link) {
		if (!READ_ONCE(loop->file))
			return loop->number;
	}
	return add_locked(unused_number_locked());
}

static long remove_locked(uint32_t number)
{
	struct loop *loop = loop_find_locked(number);

	if (!loop)
		return -ENODEV;
	if (READ_ONCE(loop->file) || atomic_load_relaxed(&loop->disk->openers))
		return -EBUSY;
	list_remove(&loop->link);
	disk_remove(loop->disk);
	disk_put(loop->disk);
	return 0;
}

static long control_ioctl(struct file *file, unsigned int command, void *arg)
{
	const int number = (int)(uintptr_t)arg;
	long result;

	mutex_lock(&loops.lock);
	switch (command) {
	case LOOP_CTL_ADD:
		result = add_locked(number < 0 ? unused_number_locked() : (uint32_t)number);
		break;
	case LOOP_CTL_REMOVE:
		result = number < 0 ? -EINVAL : remove_locked((uint32_t)number);
		break;
	case LOOP_CTL_GET_FREE:
		result = get_free_locked();
		break;
	default:
		result = -ENOSYS;
		break;
	}
	mutex_unlock(&loops.lock);
	return result;
}

static const struct file_ops control_ops = {
	.ioctl = control_ioctl,
	.seek = file_seek_nowhere,
};

static struct chardev control_device = {
	.first = dev_make(10, CONTROL_MINOR),
	.name = "loop-control",
	.class_name = "misc",
	.mode = 0600,
	.ops = &control_ops,
};

int loop_init(void)
{
	unsigned int major;
	int err = block_major_register(LOOP_MAJOR, "loop", &major);

	return err ? err : chardev_register(&control_device);
}
