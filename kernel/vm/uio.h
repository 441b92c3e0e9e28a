/*
 * The cursor over the memory that an I/O call reads into or writes from: one user buffer, a user
 * iovec array, or kernel memory. File systems, pipes, sockets and devices see only this, never a
 * user pointer.
 *
 *     uio_init_user(&uio, buf, count);           at the system-call floor
 *     n = uio_copy_out(&uio, src, len);          below: moves the cursor by n
 *     if (n < len) ... -EFAULT if nothing at all was transferred, else the partial count
 *
 * A uio belongs to the one thread that uses it. Copies sleep, except for kernel memory. The iovec
 * array is copied into the kernel when the uio is made, so that it is judged once.
 */
#pragma once

#include <linux/uio.h> /* struct iovec, UIO_MAXIOV */

#include "lib/types.h"

/* Room for this many vectors lies on the caller's stack; more are allocated. */
#define UIO_INLINE_VECTORS 8

/* The most that one call transfers, as Linux's MAX_RW_COUNT. */
#define UIO_MAX_BYTES ((size_t)0x7ffff000)

struct uio {
	uint8_t *base;           /* next byte of the current segment; a user address if is_user */
	size_t segment_left;     /* bytes left in the current segment */
	size_t remaining;        /* bytes left in all; read it freely */
	bool is_user;            /* base and the vectors are user addresses */
	uint32_t nr_vectors;     /* 0: a single buffer */
	uint32_t index;          /* the current vector */
	/* kernel copy; iov_base are addresses of the kind of is_user */
	const struct iovec *vectors;
	size_t total;            /* bytes at the start: remaining + done */
};

/*
 * A single user buffer. len beyond UIO_MAX_BYTES is cut to it, as read(2) does. -EFAULT if the
 * range is not in the user half.
 */
int __must_check uio_init_user(struct uio *uio, const void __user *addr, size_t len);

/*
 * A user array of count vectors. The kernel copy goes to room[UIO_INLINE_VECTORS] or, for more, to
 * memory of its own: then *allocated is it, and the caller kfree()s it after the last use (NULL
 * otherwise; kfree(NULL) is fine). Errors as readv(2): -EINVAL for count > UIO_MAXIOV or a length
 * that is negative as ssize_t, -EFAULT, -ENOMEM. The sum is cut to UIO_MAX_BYTES.
 */
int __must_check uio_init_iovec(struct uio *uio, const struct iovec __user *user_vectors,
                                size_t count, struct iovec *room, struct iovec **allocated);

/* Kernel memory: copies cannot fail. The memory must outlive the uio. */
void uio_init_kernel(struct uio *uio, void *addr, size_t len);

/*
 * Copy n bytes (at most uio->remaining) from src to the uio's side, or zeroes; or from the uio's
 * side to dst. Return the bytes copied, by which the cursor has moved: short only on a fault.
 */
size_t __must_check uio_copy_out(struct uio *uio, const void *src, size_t n);
size_t __must_check uio_zero(struct uio *uio, size_t n);
size_t __must_check uio_copy_in(struct uio *uio, void *dst, size_t n);

/* Skip n bytes, or go back n bytes that were passed (n at most what was done). */
void uio_advance(struct uio *uio, size_t n);
void uio_revert(struct uio *uio, size_t n);

/* Ends the cursor n bytes from here, if it had more. */
void uio_truncate(struct uio *uio, size_t n);

static inline size_t uio_done(const struct uio *uio)
{
	return uio->total - uio->remaining;
}
