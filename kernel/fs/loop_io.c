/*
 * The I/O of loop devices: requests become reads and writes of the file, in the device's thread.
 * See loop.h.
 */
#include <linux/errno.h>
#include <linux/falloc.h>

#include "fs/file.h"
#include "fs/loop_impl.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "sched/thread.h"

static int loop_queue(struct disk *disk, uint32_t queue, struct block_request *request)
{
	struct loop *loop = disk->private;
	bool stops;

	spin_lock(&loop->queue_lock);
	stops = loop->stops;
	if (!stops)
		list_add_tail(&loop->requests, &request->link);
	spin_unlock(&loop->queue_lock);
	if (stops)
		block_request_complete(request, -EIO);
	else
		wake_up(&loop->wait);
	return 0;
}

/* What the file has no longer, because somebody cut it, reads as zeroes. */
static int read_extent(struct file *file, char *to, size_t size, pos_t position)
{
	ssize_t n = file_read_kernel(file, to, size, position);

	if (n < 0)
		return (int)n;
	memset(to + n, 0, size - (size_t)n);
	return 0;
}

static int write_extent(struct file *file, const char *from, size_t size, pos_t position)
{
	ssize_t n = file_write_kernel(file, from, size, position);

	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -EIO;
}

static int transfer(struct loop *loop, struct block_request *request)
{
	struct block_cursor cursor = block_cursor_begin(request);
	pos_t position = (pos_t)(loop->offset + (request->sector << SECTOR_SHIFT));
	struct block_extent extent;
	int err = 0;

	while (!err && block_cursor_next(&cursor, &extent)) {
		char *memory = phys_to_virt(extent.address);

		err = request->operation == BLOCK_READ
		              ? read_extent(loop->file, memory, extent.length, position)
		              : write_extent(loop->file, memory, extent.length, position);
		position += extent.length;
	}
	return err;
}

static int discard(struct loop *loop, const struct block_request *request)
{
	return file_fallocate(loop->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	                      (pos_t)(loop->offset + (request->sector << SECTOR_SHIFT)),
	                      (pos_t)(request->nr_sectors << SECTOR_SHIFT), UINT64_MAX);
}

static int serve(struct loop *loop, struct block_request *request)
{
	int err;

	switch (request->operation) {
	case BLOCK_FLUSH:
		err = file_sync(loop->file, 0, INT64_MAX, false);
		return err == -EINVAL ? 0 : err;
	case BLOCK_DISCARD:
		return discard(loop, request);
	default:
		return transfer(loop, request);
	}
}

/* The next request; NULL: it is to stop, and nothing is left. */
static struct block_request *take(struct loop *loop)
{
	struct block_request *request = NULL;

	spin_lock(&loop->queue_lock);
	wait_event_spin(&loop->wait, !list_is_empty(&loop->requests) || loop->stops,
	                &loop->queue_lock);
	if (!list_is_empty(&loop->requests)) {
		request = list_first_entry(&loop->requests, struct block_request, link);
		list_remove(&request->link);
	}
	spin_unlock(&loop->queue_lock);
	return request;
}

static void loop_main(void *arg)
{
	struct loop *loop = arg;
	struct block_request *request;

	while ((request = take(loop))) {
		int err = serve(loop, request);

		if (err && err != -ENOSPC && err != -EOPNOTSUPP)
			err = -EIO;
		block_request_complete(request, err);
		cond_resched();
	}
	complete(&loop->stopped);
}

int loop_start(struct loop *loop)
{
	struct thread *thread;
	char name[THREAD_NAME_SIZE];
	int err;

	snprintf(name, sizeof(name), "loop%u", loop->number);
	err = kthread_create(name, loop_main, loop, &thread);
	if (err)
		return err;
	loop->stops = false;
	completion_init(&loop->stopped);
	thread_start(thread);
	return 0;
}

void loop_stop(struct loop *loop)
{
	spin_lock(&loop->queue_lock);
	loop->stops = true;
	spin_unlock(&loop->queue_lock);
	wake_up(&loop->wait);
	completion_wait(&loop->stopped);
}

const struct disk_ops loop_disk_ops = {
	.queue = loop_queue,
	.closed = loop_closed,
	.ioctl = loop_ioctl,
	.release = loop_release,
};
