/*
 * read(2), write(2) and their vector and positioned forms, lseek(2).
 *
 * A write that finds nobody at the other end raises SIGPIPE here, one that meets the size limit
 * SIGXFSZ.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/uio.h>

#include "fs/fdtable.h"
#include "fs/file.h"
#include "mem/slab.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "syscall/prototypes.h"
#include "vm/uio.h"

/* A pipe that breaks in the middle raises the signal, and the count is the result all the same. */
static __cold void raise_signal(ssize_t result, const struct io *io)
{
	if ((result == -EPIPE || io->flags & IO_BROKEN) && !(io->file->mode & FILE_QUIET))
		(void)signal_send_task(task_current(), SIGPIPE, SIGINFO_USER);
	else if (result == -EFBIG && (uint64_t)io->position >= io->size_limit)
		(void)signal_send_task(task_current(), SIGXFSZ, SIGINFO_KERNEL);
}

static ssize_t transfer_in(struct file *file, struct uio *uio, pos_t position, unsigned flags)
{
	struct io io = { .file = file, .uio = uio, .position = position, .flags = flags };

	return file_read(&io);
}

static ssize_t transfer_out(struct file *file, struct uio *uio, pos_t position, unsigned flags)
{
	struct io io = {
		.file = file,
		.uio = uio,
		.position = position,
		.flags = flags,
		.size_limit = rlimit_get(&proc_current()->limits, RLIMIT_FSIZE),
	};

	ssize_t result = file_write(&io);

	if (unlikely(result < 0 || io.flags & IO_BROKEN))
		raise_signal(result, &io);
	return result;
}

/* A file at a position: -EINVAL for a negative one, -ESPIPE for what has none. */
static int borrow_at(int fd, pos_t pos, struct fd_borrow *ref)
{
	if (pos < 0)
		return -EINVAL;
	if (!fd_borrow_io(task_current()->files, fd, ref))
		return -EBADF;
	if (ref->file->mode & FILE_SEEK)
		return 0;
	fd_return(ref);
	return -ESPIPE;
}

/* Inlined, since nothing is called more often. */
static __always_inline long plain_read(const struct fd_borrow *ref, char __user *buf,
				       size_t count, pos_t pos, unsigned flags)
{
	struct uio uio;
	ssize_t result = uio_init_user(&uio, buf, count);

	if (!result)
		result = transfer_in(ref->file, &uio, pos, flags);
	fd_return(ref);
	return result;
}

static __always_inline long plain_write(const struct fd_borrow *ref, const char __user *buf,
					size_t count, pos_t pos, unsigned flags)
{
	struct uio uio;
	ssize_t result = uio_init_user(&uio, buf, count);

	if (!result)
		result = transfer_out(ref->file, &uio, pos, flags);
	fd_return(ref);
	return result;
}

long sys_read(int fd, char __user *buf, size_t count)
{
	struct fd_borrow ref;

	if (!fd_borrow_io(task_current()->files, fd, &ref))
		return -EBADF;
	return plain_read(&ref, buf, count, 0, IO_POSITION);
}

long sys_write(int fd, const char __user *buf, size_t count)
{
	struct fd_borrow ref;

	if (!fd_borrow_io(task_current()->files, fd, &ref))
		return -EBADF;
	return plain_write(&ref, buf, count, 0, IO_POSITION);
}

long sys_pread64(int fd, char __user *buf, size_t count, pos_t pos)
{
	struct fd_borrow ref;
	int err = borrow_at(fd, pos, &ref);

	return err ? err : plain_read(&ref, buf, count, pos, 0);
}

long sys_pwrite64(int fd, const char __user *buf, size_t count, pos_t pos)
{
	struct fd_borrow ref;
	int err = borrow_at(fd, pos, &ref);

	return err ? err : plain_write(&ref, buf, count, pos, 0);
}

/* RWF_* as IO_*: -EOPNOTSUPP for those that a file of this kind, or this kernel, does not have. */
static int add_rwf(const struct file *file, int rwf, bool is_write, unsigned *flags)
{
	if ((unsigned)rwf & ~(unsigned)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -EOPNOTSUPP;
	if ((rwf & RWF_APPEND) && !is_write)
		return -EOPNOTSUPP;
	if ((rwf & RWF_NOWAIT) && !(file->mode & FILE_NOWAIT))
		return -EOPNOTSUPP;
	*flags |= (rwf & RWF_NOWAIT ? IO_NOWAIT : 0) | (rwf & RWF_DSYNC ? IO_DSYNC : 0) |
		  (rwf & RWF_SYNC ? IO_SYNC | IO_DSYNC : 0) | (rwf & RWF_APPEND ? IO_APPEND : 0);
	return 0;
}

struct vector_call {
	const struct iovec __user *iov;
	int   nr_iov;
	bool  is_write;
	bool  has_position;
	pos_t position;
	int   rwf; /* RWF_* */
};

static ssize_t transfer_vector(struct file *file, const struct vector_call *call)
{
	unsigned flags = call->has_position ? 0 : IO_POSITION;
	struct iovec room[UIO_INLINE_VECTORS], *allocated = NULL;
	struct uio uio;
	ssize_t result = add_rwf(file, call->rwf, call->is_write, &flags);

	if (!result)
		result = uio_init_iovec(&uio, call->iov, (size_t)call->nr_iov, room, &allocated);
	if (result)
		return result;
	result = call->is_write ? transfer_out(file, &uio, call->position, flags)
				: transfer_in(file, &uio, call->position, flags);
	kfree(allocated);
	return result;
}

static long vector_io(int fd, const struct vector_call *call)
{
	struct fd_borrow ref;
	ssize_t result = 0;

	if (call->has_position)
		result = borrow_at(fd, call->position, &ref);
	else if (!fd_borrow_io(task_current()->files, fd, &ref))
		result = -EBADF;
	if (result)
		return result;
	result = call->nr_iov < 0 ? -EINVAL : transfer_vector(ref.file, call);
	fd_return(&ref);
	return result;
}

static long positioned_io(int fd, const struct iovec __user *iov, int nr_iov, pos_t position,
			  bool is_write)
{
	struct vector_call call = {
		.iov = iov, .nr_iov = nr_iov, .has_position = true, .position = position,
		.is_write = is_write,
	};

	return vector_io(fd, &call);
}

/* Position -1 means the file's own: preadv2(2). */
static long flagged_io(int fd, struct vector_call *call, unsigned long pos)
{
	call->has_position = (pos_t)pos != -1;
	call->position = call->has_position ? (pos_t)pos : 0;
	return vector_io(fd, call);
}

long sys_readv(int fd, const struct iovec __user *iov, int nr_iov)
{
	struct vector_call call = { .iov = iov, .nr_iov = nr_iov };

	return vector_io(fd, &call);
}

long sys_writev(int fd, const struct iovec __user *iov, int nr_iov)
{
	struct vector_call call = { .iov = iov, .nr_iov = nr_iov, .is_write = true };

	return vector_io(fd, &call);
}

long sys_preadv(int fd, const struct iovec __user *iov, int nr_iov, unsigned long pos_low,
		unsigned long pos_high)
{
	return positioned_io(fd, iov, nr_iov, (pos_t)pos_low, false);
}

long sys_pwritev(int fd, const struct iovec __user *iov, int nr_iov, unsigned long pos_low,
		 unsigned long pos_high)
{
	return positioned_io(fd, iov, nr_iov, (pos_t)pos_low, true);
}

long sys_preadv2(int fd, const struct iovec __user *iov, int nr_iov, unsigned long pos_low,
		 unsigned long pos_high, int flags)
{
	struct vector_call call = { .iov = iov, .nr_iov = nr_iov, .rwf = flags };

	return flagged_io(fd, &call, pos_low);
}

long sys_pwritev2(int fd, const struct iovec __user *iov, int nr_iov, unsigned long pos_low,
		  unsigned long pos_high, int flags)
{
	struct vector_call call = {
		.iov = iov, .nr_iov = nr_iov, .rwf = flags, .is_write = true,
	};

	return flagged_io(fd, &call, pos_low);
}

long sys_lseek(int fd, pos_t offset, unsigned int whence)
{
	struct fd_borrow ref;
	pos_t result;

	if (!fd_borrow_io(task_current()->files, fd, &ref))
		return -EBADF;
	result = whence <= SEEK_MAX ? file_seek(ref.file, offset, (int)whence) : -EINVAL;
	fd_return(&ref);
	return result;
}
