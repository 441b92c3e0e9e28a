/*
 * Files of disks: open, mmap, seek, advice, sync_file_range(2). Reading, writing and syncing are in
 * disk_read.c, disk_write.c and disk_sync.c. See disk_mapping.h.
 */
#include <linux/errno.h>
#include <linux/fadvise.h>
#include <linux/fs.h>

#include "fs/disk_impl.h"
#include "fs/file.h"
#include "fs/super.h"
#include "fs/writeback.h"
#include "fs/errors.h"
#include "vm/space.h"

int disk_file_open(struct inode *inode, struct file *file)
{
	if (file->mapping) {
		file->errors_seen = error_sequence_sample(&disk_of(file->mapping)->errors);
		file->mode |= FILE_DIRECT;
	}
	file->super_errors_seen = error_sequence_sample(&inode->super->errors);
	file->mode |= FILE_ERRORS;
	return 0;
}

int disk_file_mmap(struct file *file, struct map_request *request)
{
	request->backing = &file->mapping->backing;
	file_accessed(file);
	return 0;
}

/*
 * The first position from `from` on in a hole, or not in one; size if there is none. What is cached
 * does not matter: a block has its place before it is written.
 */
static pos_t next_of(struct disk_mapping *disk, pos_t from, pos_t size, bool hole)
{
	const uint32_t shift = disk->block_shift;
	uint64_t block = (uint64_t)from >> shift, end = disk_size_blocks(disk);

	while (block < end) {
		struct disk_extent extent;
		uint32_t ahead = (uint32_t)min(end - block, (uint64_t)UINT32_MAX);
		int err = disk->ops->map(&disk->mapping, block, ahead, MAP_READ, &extent);

		if (err)
			return err;
		if ((extent.state != EXTENT_MAPPED) == hole)
			return min(max(from, (pos_t)(block << shift)), size);
		block += extent.count;
	}
	return size;
}

pos_t disk_file_seek(struct file *file, pos_t offset, int whence)
{
	struct inode *inode = file->inode;
	pos_t size, result;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return file_seek_size(file, offset, whence, inode->size);
	rwlock_read_lock(&inode->lock);
	size = inode->size;
	result = -ENXIO;
	if (offset >= 0 && offset < size) {
		result = next_of(disk_of(file->mapping), offset, size, whence == SEEK_HOLE);
		if (whence == SEEK_DATA && result == size)
			result = -ENXIO;
	}
	rwlock_read_unlock(&inode->lock);
	if (result >= 0)
		file->position = result;
	return result;
}

int disk_file_sync_range(struct file *file, pos_t from, pos_t to, unsigned int flags)
{
	int err = 0;

	if (flags & SYNC_FILE_RANGE_WAIT_BEFORE) {
		mapping_wait(file->mapping, from, to);
		err = disk_file_errors(file);
	}
	if (!err && flags & SYNC_FILE_RANGE_WRITE)
		err = mapping_write_back(file->mapping, from, to,
		                         flags & SYNC_FILE_RANGE_WAIT_BEFORE);
	if (!err && flags & SYNC_FILE_RANGE_WAIT_AFTER) {
		mapping_wait(file->mapping, from, to);
		err = disk_file_errors(file);
	}
	return err;
}

/* Whole pages of the range go, as far as they are clean. */
static void range_forget(struct mapping *mapping, pos_t from, pos_t end)
{
	pos_t first = (pos_t)align_up((uint64_t)from, PAGE_SIZE);
	pos_t last = end >= mapping->host->size ? INT64_MAX
	                                        : (pos_t)align_down((uint64_t)end, PAGE_SIZE) - 1;

	(void)mapping_write_back(mapping, from, end - 1, false);
	if (last > first)
		(void)disk_mapping_invalidate(mapping, first, last);
}

void disk_file_advise(struct file *file, pos_t from, pos_t len, int advice)
{
	pos_t end;

	if (!len || !checked_add(from, len, &end))
		end = INT64_MAX;
	switch (advice) {
	case POSIX_FADV_RANDOM:
		atomic_store_relaxed(&file->readahead, READAHEAD_NONE);
		break;
	case POSIX_FADV_NORMAL:
	case POSIX_FADV_SEQUENTIAL:
		atomic_store_relaxed(&file->readahead, 0);
		break;
	case POSIX_FADV_WILLNEED:
		disk_mapping_read_ahead(file->mapping, (uint64_t)from >> PAGE_SHIFT,
		                        (size_t)(((uint64_t)(end - from) >> PAGE_SHIFT) + 1));
		break;
	case POSIX_FADV_DONTNEED:
		range_forget(file->mapping, from, end);
		break;
	default:
		break;
	}
}
