/*
 * splice(2), tee(2), vmsplice(2), sendfile(2).
 *
 * vmsplice copies: pages of a program are not lent to a pipe, so what it changes later is not seen.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/uio.h>

#include "fs/fdtable.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/pipe.h"
#include "fs/splice.h"
#include "lib/math.h"
#include "mem/alloc.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "syscall/prototypes.h"
#include "vm/uio.h"
#include "vm/usercopy.h"

/* Of splice(2); the UAPI headers lack them. */
enum { SPLICE_F_MOVE = 1, SPLICE_F_NONBLOCK = 2, SPLICE_F_MORE = 4, SPLICE_F_GIFT = 8 };
#define SPLICE_FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

static void raise_SIGPIPE(void)
{
	(void)signal_send_task(task_current(), SIGPIPE, SIGINFO_USER);
}

/* What was moved into a pipe. */
static ssize_t finish_pipe(ssize_t result)
{
	if (result == -EPIPE)
		raise_SIGPIPE();
	return result;
}

/* What was moved into another file. */
static ssize_t finish_file(ssize_t result, const struct io *out)
{
	if (out->flags & IO_BROKEN)
		raise_SIGPIPE();
	else if (result == -EFBIG)
		(void)signal_send_task(task_current(), SIGXFSZ, SIGINFO_KERNEL);
	return result;
}

/* Two descriptors, the first to be read, the second to be written. EBADF. */
static int borrow_two(int in_fd, int out_fd, struct fd_borrow *in, struct fd_borrow *out)
{
	struct fdtable *table = task_current()->files;

	if (!fd_borrow_io(table, in_fd, in))
		return -EBADF;
	if (in->file->mode & FILE_READ && fd_borrow_io(table, out_fd, out)) {
		if (out->file->mode & FILE_WRITE)
			return 0;
		fd_return(out);
	}
	fd_return(in);
	return -EBADF;
}

static void return_two(const struct fd_borrow *in, const struct fd_borrow *out)
{
	fd_return(out);
	fd_return(in);
}

/* Where in the file: the caller's number or the file's own. EFAULT, EINVAL. */
static int position_read(const struct io *io, const pos_t __user *offset, pos_t *position)
{
	*position = io->file->position;
	if (offset && get_user(*position, offset))
		return -EFAULT;
	return *position < 0 ? -EINVAL : 0;
}

static ssize_t position_write(const struct io *io, pos_t __user *offset, ssize_t result)
{
	if (offset)
		return put_user(io->position, offset) ? -EFAULT : result;
	if (result > 0 && io->file->mode & FILE_SEEK)
		WRITE_ONCE(io->file->position, io->position);
	return result;
}

static struct io io_of(struct file *file)
{
	return (struct io){
		.file = file,
		.size_limit = proc_limit(RLIMIT_FSIZE),
	};
}

/* ---- splice ------------------------------------------------------------------------- */

static ssize_t splice_in(struct file *file, pos_t __user *offset, struct file *pipe, size_t len,
			 bool nowait)
{
	struct io in = io_of(file);
	ssize_t result;

	if (offset && !(file->mode & FILE_SEEK))
		return -EINVAL;
	if (!file_can_splice(file))
		return -EINVAL;
	result = position_read(&in, offset, &in.position);
	if (result)
		return result;
	if (nowait)
		in.flags |= IO_NOWAIT;
	result = finish_pipe(splice_to_pipe(&in, pipe, len, nowait || pipe->flags & O_NONBLOCK));
	return position_write(&in, offset, result);
}

static ssize_t splice_out(struct file *pipe, struct file *file, pos_t __user *offset, size_t len,
			  bool nowait)
{
	struct io out = io_of(file);
	ssize_t result;

	if (offset && !(file->mode & FILE_SEEK))
		return -EINVAL;
	if (file->flags & O_APPEND || !file->ops->write)
		return -EINVAL;
	result = position_read(&out, offset, &out.position);
	if (result)
		return result;
	result = finish_file(splice_from_pipe(pipe, &out, len, nowait), &out);
	return position_write(&out, offset, result);
}

static ssize_t splice_files(struct file *in, pos_t __user *in_offset, struct file *out,
			    pos_t __user *out_offset, size_t len, bool nowait)
{
	bool from_pipe = file_is_pipe(in), to_pipe = file_is_pipe(out);

	if ((from_pipe && in_offset) || (to_pipe && out_offset))
		return -ESPIPE;
	if (from_pipe && to_pipe) {
		if (in->inode == out->inode)
			return -EINVAL;
		nowait = nowait || (in->flags | out->flags) & O_NONBLOCK;
		return finish_pipe(splice_pipe_to_pipe(in, out, len, nowait));
	}
	if (from_pipe)
		return splice_out(in, out, out_offset, len, nowait);
	if (to_pipe)
		return splice_in(in, in_offset, out, len, nowait);
	return -EINVAL;
}

long sys_splice(int in_fd, pos_t __user *in_offset, int out_fd, pos_t __user *out_offset,
		size_t count, unsigned int flags)
{
	struct fd_borrow in, out;
	ssize_t result;

	if (!count)
		return 0;
	if (flags & ~(unsigned int)SPLICE_FLAGS)
		return -EINVAL;
	result = borrow_two(in_fd, out_fd, &in, &out);
	if (result)
		return result;
	result = splice_files(in.file, in_offset, out.file, out_offset, min(count, UIO_MAX_BYTES),
			      flags & SPLICE_F_NONBLOCK);
	return_two(&in, &out);
	return result;
}

long sys_tee(int in_fd, int out_fd, size_t count, unsigned int flags)
{
	struct fd_borrow in, out;
	bool nowait = flags & SPLICE_F_NONBLOCK;
	ssize_t result;

	if (flags & ~(unsigned int)SPLICE_FLAGS)
		return -EINVAL;
	if (!count)
		return 0;
	result = borrow_two(in_fd, out_fd, &in, &out);
	if (result)
		return result;
	result = -EINVAL;
	if (file_is_pipe(in.file) && file_is_pipe(out.file) && in.file->inode != out.file->inode) {
		nowait = nowait || (in.file->flags | out.file->flags) & O_NONBLOCK;
		result = tee_pipe_to_pipe(in.file, out.file, min(count, UIO_MAX_BYTES), nowait);
	}
	return_two(&in, &out);
	return finish_pipe(result);
}

/* ---- vmsplice ----------------------------------------------------------------------- */

static ssize_t vmsplice_uio(struct file *pipe, struct uio *uio, bool nowait)
{
	struct io io = io_of(pipe);
	ssize_t result = 0;

	io.uio = uio;
	io.flags = nowait ? IO_NOWAIT : 0;
	if (!file_is_pipe(pipe))
		return -EBADF;
	if (!(pipe->mode & FILE_WRITE))
		return file_read(&io);
	/* It waits for room, but not for room for all. */
	io.flags = IO_NOWAIT;
	for (;;) {
		result = file_write(&io);
		if (result != -EAGAIN || nowait)
			break;
		result = splice_wait_writable(pipe);
		if (result)
			break;
	}
	return finish_pipe(result);
}

long sys_vmsplice(int fd, const struct iovec __user *iov, unsigned long nr_iov, unsigned int flags)
{
	struct iovec room[UIO_INLINE_VECTORS], *allocated;
	struct fd_borrow pipe;
	struct uio uio;
	ssize_t result;

	if (flags & ~(unsigned int)SPLICE_FLAGS)
		return -EINVAL;
	if (!fd_borrow_io(task_current()->files, fd, &pipe))
		return -EBADF;
	result = uio_init_iovec(&uio, iov, nr_iov, room, &allocated);
	if (!result) {
		result = vmsplice_uio(pipe.file, &uio, flags & SPLICE_F_NONBLOCK);
		kfree(allocated);
	}
	fd_return(&pipe);
	return result;
}

/* ---- sendfile ----------------------------------------------------------------------- */

static ssize_t sendfile_files(struct io *in, struct file *out_file, size_t len)
{
	struct io out = io_of(out_file);
	ssize_t result;

	if (!file_can_splice(in->file))
		return -EINVAL;
	if (file_is_pipe(out_file))
		return finish_pipe(
			splice_to_pipe(in, out_file, len, out_file->flags & O_NONBLOCK));
	if (!in->file->mapping && !S_ISREG(in->file->inode->mode))
		return -EINVAL;
	if (out_file->flags & O_APPEND || !out_file->ops->write)
		return -EINVAL;
	out.position = out_file->position;
	result = finish_file(splice_file_to_file(in, &out, len), &out);
	return position_write(&out, NULL, result);
}

long sys_sendfile(int out_fd, int in_fd, pos_t __user *offset, size_t count)
{
	struct fd_borrow in, out;
	ssize_t result = borrow_two(in_fd, out_fd, &in, &out);
	struct io io;

	if (result)
		return result;
	io = io_of(in.file);
	result = position_read(&io, offset, &io.position);
	if (!result && offset && !(in.file->mode & FILE_SEEK))
		result = -ESPIPE;
	if (!result) {
		result = sendfile_files(&io, out.file, min(count, UIO_MAX_BYTES));
		result = position_write(&io, offset, result);
	}
	return_two(&in, &out);
	return result;
}
