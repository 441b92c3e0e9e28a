/*
 * copy_file_range(2) within the page cache: through a buffer of the kernel's, in pieces. See
 * copy.h.
 */
#include "fs/copy.h"

#include <linux/errno.h>
#include <linux/fcntl.h>

#include "fs/file.h"
#include "fs/inode.h"
#include "lib/math.h"
#include "mem/alloc.h"
#include "sched/thread.h"
#include "vm/uio.h"

enum { PIECE_BYTES = 16384 };

static int files_check(const struct file *in, const struct file *out)
{
	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	if (!(in->mode & FILE_READ) || !(out->mode & FILE_WRITE) || out->flags & O_APPEND)
		return -EBADF;
	return in->inode->super != out->inode->super ? -EXDEV : 0;
}

/* Bounds the request by the end of the input and the limits of the output. */
static int range_check(struct copy_request *r)
{
	const struct inode *in = r->in->inode;
	pos_t in_end, out_end, len = (pos_t)r->len;

	if (r->out->inode->flags & INODE_IMMUTABLE)
		return -EPERM;
	if (r->in_position < 0 || r->out_position < 0)
		return -EINVAL;
	if (!checked_add(r->in_position, len, &in_end) ||
	    !checked_add(r->out_position, len, &out_end))
		return -EOVERFLOW;
	len = r->in_position >= in->size ? 0 : min(len, in->size - r->in_position);
	if (len && (uint64_t)r->out_position >= r->size_limit)
		return -EFBIG;
	r->len = (size_t)min((uint64_t)len, r->size_limit - (uint64_t)r->out_position);
	if (in == r->out->inode && r->out_position + (pos_t)r->len > r->in_position &&
	    r->out_position < r->in_position + (pos_t)r->len)
		return -EINVAL;
	return 0;
}

static ssize_t piece_copy(struct copy_request *r, void *buffer, size_t len)
{
	ssize_t n = file_read_kernel(r->in, buffer, len, r->in_position);

	if (n > 0)
		n = file_write_kernel(r->out, buffer, (size_t)n, r->out_position);
	if (n > 0) {
		r->in_position += n;
		r->out_position += n;
	}
	return n;
}

ssize_t file_copy_range(struct copy_request *r)
{
	size_t done = 0;
	ssize_t n = files_check(r->in, r->out);
	void *buffer;

	if (!n && !r->len)
		return 0;
	r->len = min(r->len, UIO_MAX_BYTES);
	if (!n)
		n = range_check(r);
	if (n || !r->len)
		return n;
	buffer = kmalloc(PIECE_BYTES, ALLOC_KERNEL);
	if (!buffer)
		return -ENOMEM;
	while (done < r->len && !thread_test_flag(thread_current(), TF_KILLED)) {
		n = piece_copy(r, buffer, min(r->len - done, (size_t)PIECE_BYTES));
		if (n <= 0)
			break;
		done += (size_t)n;
		cond_resched();
	}
	kfree(buffer);
	return done ? (ssize_t)done : n;
}
