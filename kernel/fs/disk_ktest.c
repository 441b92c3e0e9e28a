/*
 * Tests of the page cache over disks, with a file system of one file whose blocks lie anywhere on a
 * disk in memory: everything that can be done to the file, in random order, against a copy of it;
 * errors of the disk; inodes by number.
 *
 * The disk is full of 0xaa, and blocks come back to it as they are: who sees a block's old content
 * sees that it is not the copy's.
 *
 * check-style: includes: the disk below, the file system above, and all between.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "core/ktest.h"
#include "core/printk.h"
#include "dev/block.h"
#include "dev/ramdisk_ktest.h"
#include "fs/disk_impl.h"
#include "fs/file.h"
#include "fs/inode_cache.h"
#include "fs/super.h"
#include "id/cred.h"
#include "lib/hash.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "sched/clock.h"
#include "sched/wait.h"
#include "vm/fault.h"
#include "vm/reclaim.h"
#include "vm/uio.h"

enum {
	DISK_BYTES = 1 << 20,
	FILE_MAX = 192 << 10,
	BLOCKS_MAX = DISK_BYTES >> SECTOR_SHIFT,
	STEPS = 700,
};

struct test_inode {
	struct disk_inode disk; /* first */
	struct mutex      lock; /* RANK_META: the map */
	uint32_t          places[BLOCKS_MAX]; /* of the file's blocks, + 1; 0: a hole */
	uint8_t           used[BLOCKS_MAX];
	uint32_t          writes; /* write_inode() calls */
};

struct test_fs {
	struct ramdisk      *ramdisk;
	struct block_device *device;
	struct superblock   *super;
	struct test_inode   *inode;
	struct file          file;
	uint32_t             shift;
	char                *copy, *buf;
	pos_t                size;
	uint64_t             random;
};

static struct test_inode *to_test(struct inode *inode)
{
	return container_of(to_disk_inode(inode), struct test_inode, disk);
}

/* ---- the file system ------------------------------------------------------------------------ */

/* A place that is as unlike the last one as it can be, but for some runs. */
static uint32_t place_take(struct test_inode *test, uint32_t near, uint32_t nr)
{
	for (uint32_t i = 1; i <= nr; i++) {
		uint32_t at = (near + (near % 3 ? 1 : 7) * i) % nr;

		if (!test->used[at]) {
			test->used[at] = 1;
			return at + 1;
		}
	}
	return 0;
}

static int test_map(struct mapping *mapping, uint64_t block, uint32_t count, unsigned int flags,
                    struct disk_extent *out)
{
	struct test_inode *test = to_test(mapping->host);
	uint32_t nr = (uint32_t)(DISK_BYTES >> to_disk_mapping(mapping)->block_shift), n = 1;
	uint32_t *place = &test->places[block];

	if (block >= nr)
		return -EFBIG;
	mutex_lock(&test->lock);
	out->state = *place ? EXTENT_MAPPED : EXTENT_HOLE;
	if (!*place && flags & MAP_ALLOCATE) {
		*place = place_take(test, block ? place[-1] : 0, nr);
		out->state = EXTENT_NEW;
	}
	while (n < count && block + n < nr && out->state != EXTENT_NEW &&
	       (*place ? place[n] == *place + n : !place[n]))
		n++;
	out->device_block = *place - 1;
	out->count = n;
	mutex_unlock(&test->lock);
	return !*place && flags & MAP_ALLOCATE ? -ENOSPC : 0;
}

static void places_free(struct test_inode *test, uint64_t first, uint64_t end)
{
	mutex_lock(&test->lock);
	for (uint64_t i = first; i < min(end, (uint64_t)BLOCKS_MAX); i++) {
		if (test->places[i])
			test->used[test->places[i] - 1] = 0;
		test->places[i] = 0;
	}
	mutex_unlock(&test->lock);
}

static const struct disk_mapping_ops test_mapping_ops = { .map = test_map };

static void test_evict(struct inode *inode)
{
	disk_inode_evict(inode);
	disk_mapping_fini(&to_disk_inode(inode)->content);
}

static void test_free(struct inode *inode)
{
	kvfree(to_test(inode));
}

static int test_write_inode(struct inode *inode, bool wait)
{
	to_test(inode)->writes++;
	return 0;
}

static int test_read_inode(struct superblock *super, ino_t ino, struct inode **out)
{
	const struct new_inode new = { .mode = S_IFREG | 0644 };
	struct test_inode *test = kvmalloc(sizeof(*test), ALLOC_KERNEL | ALLOC_ZERO);
	struct test_fs *fs = super->private;

	if (!test)
		return -ENOMEM;
	inode_init(&test->disk.inode, super, &new);
	test->disk.inode.ino = ino;
	disk_inode_init(&test->disk);
	mutex_init(&test->lock, RANK_META);
	disk_mapping_init(&test->disk.content, &test->disk.inode, &test_mapping_ops, fs->device,
	                  fs->shift);
	test->disk.inode.mapping = &test->disk.content.mapping;
	*out = &test->disk.inode;
	return 0;
}

static const struct super_ops test_super_ops = {
	.evict = test_evict,
	.free_inode = test_free,
	.read_inode = test_read_inode,
	.write_inode = test_write_inode,
	.dirty_inode = disk_inode_dirty_times,
};

static const struct fs_type test_type = { .name = "ktest", .flags = FS_HIDDEN };

static void file_setup(struct test_fs *fs, struct inode *inode)
{
	fs->inode = to_test(inode);
	fs->file = (struct file){
		.inode = inode,
		.mapping = inode->mapping,
		.flags = O_NOATIME,
		.mode = FILE_READ | FILE_WRITE,
		.cred = &cred_root,
	};
	disk_file_open(inode, &fs->file);
}

static bool setup(struct test_fs *fs, uint32_t shift)
{
	const struct ramdisk_params params = { .name = "ktc",
		                               .nr_sectors = DISK_BYTES >> SECTOR_SHIFT };
	struct inode *inode;

	memset(fs, 0, sizeof(*fs));
	fs->shift = shift;
	fs->random = 17 + shift;
	fs->copy = kvmalloc(FILE_MAX, ALLOC_KERNEL | ALLOC_ZERO);
	fs->buf = kvmalloc(FILE_MAX, ALLOC_KERNEL);
	if (!fs->copy || !fs->buf || ramdisk_create(&params, &fs->ramdisk))
		return false;
	memset(fs->ramdisk->data, 0xaa, DISK_BYTES);
	fs->device = block_device_find_name("ktc");
	if (!fs->device || super_create(&test_type, &test_super_ops, 0, &fs->super) ||
	    writeback_create(fs->super))
		return false;
	fs->super->max_size = FILE_MAX;
	fs->super->private = fs;
	if (inode_cache_get(fs->super, 11, &inode))
		return false;
	file_setup(fs, inode);
	return true;
}

static void teardown(struct test_fs *fs)
{
	if (fs->inode)
		inode_put(&fs->inode->disk.inode);
	if (fs->super)
		super_put(fs->super);
	block_device_put(fs->device);
	if (fs->ramdisk)
		ramdisk_destroy(fs->ramdisk);
	kvfree(fs->copy);
	kvfree(fs->buf);
}

/* ---- steps ---------------------------------------------------------------------------------- */

static uint32_t pick(struct test_fs *fs, uint32_t below)
{
	return (uint32_t)(hash_u64(++fs->random) % below);
}

static ssize_t transfer(struct test_fs *fs, bool write, pos_t position, size_t n, bool direct)
{
	struct uio uio;
	struct io io = { .file = &fs->file, .uio = &uio, .position = position,
		         .size_limit = UINT64_MAX };
	ssize_t done;

	fs->file.flags = O_NOATIME | (direct ? O_DIRECT : 0);
	uio_init_kernel(&uio, fs->buf, n);
	done = write ? disk_file_write(&io) : disk_file_read(&io);
	fs->file.flags = O_NOATIME;
	return done;
}

static bool step_write(struct test_fs *fs)
{
	bool direct = pick(fs, 4) == 0;
	uint32_t align = direct ? SECTOR_SIZE : 1;
	pos_t at = pick(fs, FILE_MAX - 1) & ~(align - 1);
	size_t n = (pick(fs, pick(fs, 2) ? 70000 : 3000) + align) & ~(align - 1);

	n = min(n, (size_t)(FILE_MAX - at));
	memset(fs->buf, (int)(1 + pick(fs, 250)), n);
	for (size_t i = 0; i < n; i += 97)
		fs->buf[i] = (char)pick(fs, 256);
	if (transfer(fs, true, at, n, direct) != (ssize_t)n)
		return false;
	memcpy(fs->copy + at, fs->buf, n);
	fs->size = max(fs->size, at + (pos_t)n);
	return fs->inode->disk.inode.size == fs->size;
}

static bool step_read(struct test_fs *fs)
{
	bool direct = pick(fs, 4) == 0;
	uint32_t align = direct ? SECTOR_SIZE : 1;
	pos_t at = pick(fs, FILE_MAX) & ~(align - 1);
	size_t n = (pick(fs, 70000) + align) & ~(align - 1);
	ssize_t expected = min((ssize_t)n, max((ssize_t)(fs->size - at), (ssize_t)0));

	n = min(n, (size_t)FILE_MAX);
	return transfer(fs, false, at, n, direct) == expected &&
	       !memcmp(fs->buf, fs->copy + at, (size_t)expected);
}

static bool step_resize(struct test_fs *fs)
{
	struct inode *inode = &fs->inode->disk.inode;
	pos_t size = pick(fs, FILE_MAX), old = fs->size;
	int err;

	rwlock_write_lock(&inode->lock);
	if (size < old) {
		WRITE_ONCE(inode->size, size);
		err = disk_mapping_truncate(inode->mapping, size);
		places_free(fs->inode, ((uint64_t)size + (1u << fs->shift) - 1) >> fs->shift,
		            BLOCKS_MAX);
		memset(fs->copy + size, 0, (size_t)(old - size));
	} else {
		err = disk_mapping_extend(inode->mapping, size);
	}
	rwlock_write_unlock(&inode->lock);
	fs->size = size;
	return !err;
}

static bool step_punch(struct test_fs *fs)
{
	struct inode *inode = &fs->inode->disk.inode;
	pos_t from = pick(fs, FILE_MAX), to = from + pick(fs, 40000);
	uint64_t first, end;
	int err;

	to = min(to, fs->size);
	if (from >= to)
		return true;
	rwlock_write_lock(&inode->lock);
	err = disk_mapping_punch(inode->mapping, from, to);
	first = align_up((uint64_t)from, PAGE_SIZE) >> fs->shift;
	end = align_down((uint64_t)to, PAGE_SIZE) >> fs->shift;
	if (end > first)
		places_free(fs->inode, first, end);
	rwlock_write_unlock(&inode->lock);
	memset(fs->copy + from, 0, (size_t)(to - from));
	return !err;
}

/* As a store through a shared mapping would do. */
static bool step_store(struct test_fs *fs)
{
	struct backing *backing = &fs->inode->disk.inode.mapping->backing;
	uint32_t at = pick(fs, FILE_MAX), n;
	struct page *page;
	char value = (char)pick(fs, 256);

	if (at >= fs->size)
		return backing->ops->fault(backing, FILE_MAX, FAULT_WRITE, &page) == -EFAULT;
	n = (uint32_t)min((uint64_t)(fs->size - at), PAGE_SIZE - (at & (PAGE_SIZE - 1)));
	n = 1 + pick(fs, n);
	if (backing->ops->fault(backing, at >> PAGE_SHIFT, FAULT_WRITE, &page) ||
	    backing->ops->dirty(backing, page))
		return false;
	memset((char *)page_to_virt(page) + (at & (PAGE_SIZE - 1)), value, n);
	(void)backing->ops->dirty(backing, page);
	page_put(page);
	memset(fs->copy + at, value, n);
	return true;
}

static bool step_sync(struct test_fs *fs)
{
	switch (pick(fs, 4)) {
	case 0:
		return !disk_file_sync_data(&fs->file, 0, INT64_MAX);
	case 1:
		return !mapping_write_back(fs->file.mapping, pick(fs, FILE_MAX), INT64_MAX, false);
	case 2:
		return !super_sync(fs->super, true) &&
		       !disk_inode_is_dirty(&fs->inode->disk.inode, DISK_INODE_DIRTY);
	default:
		(void)disk_mapping_invalidate(fs->file.mapping, pick(fs, FILE_MAX), INT64_MAX);
		return true;
	}
}

static bool step_reclaim(struct test_fs *fs)
{
	reclaim_pages(1 + pick(fs, 30));
	return true;
}

static bool is_zero(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

/* What lies on the disk itself is the copy. */
static bool disk_is_copy(struct test_fs *fs)
{
	const size_t block = 1u << fs->shift;

	for (uint64_t i = 0; i << fs->shift < (uint64_t)fs->size; i++) {
		size_t n = min((size_t)(fs->size - (pos_t)(i << fs->shift)), block);
		uint32_t place = fs->inode->places[i];
		const char *want = fs->copy + (i << fs->shift);

		if (place ? memcmp(want, fs->ramdisk->data + ((place - 1) << fs->shift), n) != 0
		          : !is_zero(want, n))
			return false;
	}
	return true;
}

static bool (*const steps[])(struct test_fs *fs) = {
	step_write, step_write, step_read, step_read, step_resize, step_punch, step_store,
	step_store, step_sync, step_reclaim,
};

/* The number of the step that failed, 0 if none did. */
static uint32_t run_steps(struct test_fs *fs)
{
	for (uint32_t i = 1; i <= STEPS; i++) {
		uint32_t kind = pick(fs, array_size(steps));

		if (!steps[kind](fs)) {
			pr_err("blocks of %u: step %u, of kind %u, failed\n", 1u << fs->shift, i,
			       kind);
			return i;
		}
	}
	if (super_sync(fs->super, true) || !disk_is_copy(fs))
		return STEPS + 1;
	return 0;
}

static uint32_t random_run(uint32_t shift)
{
	static struct test_fs fs;
	uint32_t failed = UINT32_MAX;

	if (setup(&fs, shift))
		failed = run_steps(&fs);
	teardown(&fs);
	return failed;
}

KTEST(disk_file_is_its_copy_with_blocks_of_512)
{
	KTEST_ASSERT(random_run(9) == 0);
}

KTEST(disk_file_is_its_copy_with_blocks_of_1024)
{
	KTEST_ASSERT(random_run(10) == 0);
}

KTEST(disk_file_is_its_copy_with_blocks_of_4096)
{
	KTEST_ASSERT(random_run(12) == 0);
}

/* ---- errors of the disk --------------------------------------------------------------------- */

static bool file_fill(struct test_fs *fs, char value)
{
	memset(fs->buf, value, 65536);
	return transfer(fs, true, 0, 65536, false) == 65536;
}

static bool cache_empty(struct test_fs *fs)
{
	return !disk_file_sync_data(&fs->file, 0, INT64_MAX) &&
	       !disk_mapping_invalidate(fs->file.mapping, 0, INT64_MAX) &&
	       !fs->file.mapping->nr_pages;
}

KTEST(disk_read_error_is_EIO_and_the_next_read_tries_again)
{
	static struct test_fs fs;
	ssize_t first = 0, second = 0;
	bool ready = setup(&fs, 12) && file_fill(&fs, 7) && cache_empty(&fs);

	if (ready) {
		/* Of the window; then of the page alone; then it works. */
		ramdisk_fail_nth(fs.ramdisk, 1, BLOCK_READ, -EIO);
		first = transfer(&fs, false, 0, 100, false);
		ramdisk_fail_nth(fs.ramdisk, 0, BLOCK_READ, 0);
		second = transfer(&fs, false, 0, 65536, false);
	}
	teardown(&fs);
	KTEST_ASSERT(ready && (first == -EIO || first == 100) && second == 65536);
}

KTEST(write_back_error_is_told_once_to_each_open_file)
{
	static struct test_fs fs;
	struct file other, late;
	int told[4] = { 0 };
	bool ready = setup(&fs, 12) && file_fill(&fs, 9);

	other = fs.file;
	if (ready) {
		ramdisk_fail_nth(fs.ramdisk, 1, BLOCK_WRITE, -EIO);
		(void)mapping_write_back(fs.file.mapping, 0, INT64_MAX, true);
		mapping_wait(fs.file.mapping, 0, INT64_MAX);
		told[0] = disk_file_sync_data(&fs.file, 0, INT64_MAX);
		told[1] = disk_file_sync_data(&fs.file, 0, INT64_MAX);
		told[2] = disk_file_sync_data(&other, 0, INT64_MAX);
		late = fs.file;
		disk_file_open(late.inode, &late);
		told[3] = disk_file_sync_data(&late, 0, INT64_MAX);
	}
	teardown(&fs);
	KTEST_ASSERT(ready && told[0] == -EIO && !told[1] && told[2] == -EIO && !told[3]);
}

/* ---- inodes --------------------------------------------------------------------------------- */

KTEST(inode_cache_knows_an_inode_until_nobody_wants_it)
{
	static struct test_fs fs;
	struct inode *again = NULL, *found = NULL, *lost;
	bool ready = setup(&fs, 12) && !inode_cache_get(fs.super, 11, &again);

	if (ready) {
		inode_put(again);
		inode_put(&fs.inode->disk.inode);
		fs.inode = NULL;
		found = inode_cache_find(fs.super, 11);
		if (found)
			inode_put(found);
		reclaim_all();
	}
	lost = ready ? inode_cache_find(fs.super, 11) : NULL;
	teardown(&fs);
	KTEST_ASSERT(ready && found == again && !lost);
}

KTEST(write_back_thread_writes_what_is_old)
{
	static struct test_fs fs;
	const int expire = writeback_settings.expire_cs, period = writeback_settings.period_cs;
	bool ready, clean = false;

	writeback_settings.expire_cs = 1;
	writeback_settings.period_cs = 1;
	ready = setup(&fs, 12) && file_fill(&fs, 3);
	for (uint32_t i = 0; ready && i < 500 && !clean; i++) {
		sleep_until_uninterruptible(clock_monotonic() + 10 * NS_PER_MSEC);
		clean = !disk_inode_is_dirty(&fs.inode->disk.inode,
		                             DISK_INODE_DIRTY | DISK_INODE_SYNCING);
	}
	clean = clean && fs.inode->writes;
	writeback_settings.expire_cs = expire;
	writeback_settings.period_cs = period;
	teardown(&fs);
	KTEST_ASSERT(ready && clean);
}
