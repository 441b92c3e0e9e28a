/*
 * What lies in a process's memory: its arguments, environment, auxiliary vector, and all of it as a
 * file (proc(5), cmdline, environ, auxv, mem).
 */
#include <linux/errno.h>
#include <linux/fs.h>

#include "arch/layout.h"
#include "fs/file.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "proc/task.h"
#include "procfs/pid.h"
#include "vm/space.h"
#include "vm/uio.h"

/* Appends the bytes [start, end), up to the first that cannot be read. */
static int put_memory(struct text *text, struct space *space, uaddr_t start, uaddr_t end)
{
	char *page = page_alloc_virt(ALLOC_KERNEL);

	if (!page)
		return -ENOMEM;
	while (start < end) {
		size_t want = min(end - start, PAGE_SIZE - (start & (PAGE_SIZE - 1)));
		size_t got = space_access(space, start, page, want, 0);

		text_put(text, page, got);
		start += got;
		if (got < want)
			break;
	}
	pages_free_virt(page, 0);
	return 0;
}

/*
 * A program that has overwritten the end of its arguments has made itself a title: one string that
 * may go on where the environment was (Linux's get_mm_cmdline()).
 */
static int put_title(struct text *text, struct space *space, uaddr_t start, uaddr_t end)
{
	const char *nul;
	int err = put_memory(text, space, start, min(end, start + PAGE_SIZE));

	nul = text->len ? memchr(text->bytes, '\0', text->len) : NULL;
	if (nul)
		text->len = (size_t)(nul - text->bytes) + 1;
	return err;
}

int show_pid_cmdline(struct space *space, struct text *text)
{
	const struct space_bounds bounds = space->bounds;
	char last = '\0';

	if (bounds.arg_start >= bounds.arg_end)
		return 0;
	if (space_access(space, bounds.arg_end - 1, &last, 1, 0) == 1 && last &&
	    bounds.env_start == bounds.arg_end)
		return put_title(text, space, bounds.arg_start, bounds.env_end);
	return put_memory(text, space, bounds.arg_start, bounds.arg_end);
}

int show_pid_environ(struct space *space, struct text *text)
{
	return put_memory(text, space, space->bounds.env_start, space->bounds.env_end);
}

/* On the stack, from where exec put it to AT_NULL and its value. */
int show_pid_auxv(struct space *space, struct text *text)
{
	enum { PAIRS_MAX = 64 };
	uint64_t pair[2];
	uaddr_t at = space->bounds.auxv;

	for (int i = 0; at && i < PAIRS_MAX; i++, at += sizeof(pair)) {
		if (space_access(space, at, pair, sizeof(pair), 0) < sizeof(pair))
			break;
		text_put(text, (const char *)pair, sizeof(pair));
		if (!pair[0])
			break;
	}
	return 0;
}

/* ---- mem ----------------------------------------------------------------------------------- */

static int mem_open(struct inode *inode, struct file *file)
{
	const struct node *node = to_node(inode);
	int err = node_may_access(node);
	struct space *space = NULL;
	struct task *task;

	if (err)
		return err;
	task = node_task(node);
	if (task) {
		space = task_space_get(task);
		task_put(task);
	}
	if (space) {
		space_ref(space);
		space_put(space);
	}
	file->private = space;
	return 0;
}

static void mem_release(struct file *file)
{
	if (file->private)
		space_unref(file->private);
}

/* One page's worth: bytes moved, 0 where nothing is mapped. */
static size_t mem_step(struct io *io, struct space *space, char *page, bool write)
{
	uaddr_t at = (uaddr_t)io->position;
	size_t n = min(io->uio->remaining, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
	unsigned how = SPACE_ACCESS_FORCE | (write ? SPACE_ACCESS_WRITE : 0);

	if (at >= USER_MAX)
		return 0;
	if (write) {
		n = uio_copy_in(io->uio, page, n);
		return n ? space_access(space, at, page, n, how) : 0;
	}
	n = space_access(space, at, page, n, how);
	return n ? uio_copy_out(io->uio, page, n) : 0;
}

static ssize_t mem_transfer(struct io *io, bool write)
{
	struct space *space = io->file->private;
	const size_t wanted = io->uio->remaining;
	size_t done = 0;
	char *page;

	if (!space || !wanted)
		return 0;
	page = page_alloc_virt(ALLOC_KERNEL);
	if (!page)
		return -ENOMEM;
	if (!space_try_get(space)) {
		pages_free_virt(page, 0);
		return 0;
	}
	while (done < wanted) {
		size_t step = mem_step(io, space, page, write);

		io->position += (pos_t)step;
		done += step;
		cond_resched();
		if (!step || thread_test_flag(thread_current(), TF_KILLED))
			break;
	}
	space_put(space);
	pages_free_virt(page, 0);
	return done ? (ssize_t)done : -EIO;
}

static ssize_t mem_read(struct io *io)
{
	return mem_transfer(io, false);
}

static ssize_t mem_write(struct io *io)
{
	return mem_transfer(io, true);
}

/* Every position is an address. */
static pos_t mem_seek(struct file *file, pos_t offset, int whence)
{
	if (whence != SEEK_SET && whence != SEEK_CUR)
		return -EINVAL;
	return file_seek_size(file, offset, whence, 0);
}

const struct file_ops pid_mem_ops = {
	.open = mem_open,
	.release = mem_release,
	.read = mem_read,
	.write = mem_write,
	.seek = mem_seek,
};
