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

/* ---- files that read memory itself --------------------------------------------------------- */

/* Keeps the space of now, for those who may: a later program is not shown to who opened before. */
static int space_open(const struct node *node, bool is_private, struct file *file)
{
	struct task *task = node_task(node);
	struct space *space = NULL;
	int err = 0;

	file->private = NULL;
	if (!task)
		return is_private ? -ESRCH : 0;
	if (is_private)
		err = task_space_get_access(task, &space);
	else
		space = task_space_get(task);
	task_put(task);
	if (err)
		return -EACCES;
	if (space) {
		space_ref(space);
		space_put(space);
	}
	file->private = space;
	return 0;
}

static int private_open(struct inode *inode, struct file *file)
{
	return space_open(to_node(inode), true, file);
}

static int public_open(struct inode *inode, struct file *file)
{
	return space_open(to_node(inode), false, file);
}

static void space_release(struct file *file)
{
	if (file->private)
		space_unref(file->private);
}

/* Every position is an address. */
static pos_t address_seek(struct file *file, pos_t offset, int whence)
{
	if (whence != SEEK_SET && whence != SEEK_CUR)
		return -EINVAL;
	return file_seek_size(file, offset, whence, 0);
}

/* ---- cmdline, environ ---------------------------------------------------------------------- */

/*
 * Where the arguments are. A program that has overwritten the end of its arguments has made itself
 * a title: one string that may go on where the environment was (Linux's get_mm_cmdline()).
 */
static void cmdline_range(struct space *space, char *page, uaddr_t *start, uaddr_t *end)
{
	const struct space_bounds bounds = space->bounds;
	const char *nul;
	char last = '\0';
	size_t n;

	*start = bounds.arg_start;
	*end = max(bounds.arg_end, bounds.arg_start);
	if (*start == *end || bounds.env_start != bounds.arg_end ||
	    space_access(space, bounds.arg_end - 1, &last, 1, 0) != 1 || !last)
		return;
	n = min(max(bounds.env_end, *start) - *start, PAGE_SIZE);
	n = space_access(space, *start, page, n, 0);
	nul = memchr(page, '\0', n);
	*end = *start + (nul ? (size_t)(nul - page) + 1 : n);
}

static void environ_range(struct space *space, char *page, uaddr_t *start, uaddr_t *end)
{
	(void)page;
	*start = space->bounds.env_start;
	*end = max(space->bounds.env_end, *start);
}

/* What of [start, end) is asked for and can be read, by way of `page`. */
static ssize_t range_read(struct io *io, struct space *space, char *page, uaddr_t start,
			  uaddr_t end)
{
	size_t done = 0, n, got;

	while (io->uio->remaining && (uint64_t)io->position < end - start) {
		uaddr_t at = start + (uaddr_t)io->position;

		n = min(end - at, io->uio->remaining);
		n = min(n, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
		got = space_access(space, at, page, n, 0);
		n = got ? uio_copy_out(io->uio, page, got) : 0;
		if (got && !n && !done)
			return -EFAULT;
		io->position += (pos_t)n;
		done += n;
		if (!n || n < got)
			break;
		cond_resched();
	}
	return (ssize_t)done;
}

static ssize_t strings_read(struct io *io, void (*range)(struct space *space, char *page,
							 uaddr_t *start, uaddr_t *end))
{
	struct space *space = io->file->private;
	uaddr_t start, end;
	ssize_t result;
	char *page;

	if (!space || !io->uio->remaining)
		return 0;
	page = page_alloc_virt(ALLOC_KERNEL);
	if (!page)
		return -ENOMEM;
	result = 0;
	if (space_try_get(space)) {
		range(space, page, &start, &end);
		result = range_read(io, space, page, start, end);
		space_put(space);
	}
	pages_free_virt(page, 0);
	return result;
}

static ssize_t cmdline_read(struct io *io)
{
	return strings_read(io, cmdline_range);
}

static ssize_t environ_read(struct io *io)
{
	return strings_read(io, environ_range);
}

const struct file_ops pid_cmdline_ops = {
	.open = public_open,
	.release = space_release,
	.read = cmdline_read,
	.seek = address_seek,
};

const struct file_ops pid_environ_ops = {
	.open = private_open,
	.release = space_release,
	.read = environ_read,
	.seek = address_seek,
};

/* ---- mem ----------------------------------------------------------------------------------- */

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

const struct file_ops pid_mem_ops = {
	.open = private_open,
	.release = space_release,
	.read = mem_read,
	.write = mem_write,
	.seek = address_seek,
};
