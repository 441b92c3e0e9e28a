/*
 * The I/O cursor: a current segment (base, segment_left) inside at most one array of vectors. All
 * copies go through segment_step, which hands out the next piece that is contiguous; the case of a
 * single buffer takes it once.
 */
#include "vm/uio.h"

#include <linux/errno.h>

#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "vm/usercopy.h"

static_assert(sizeof(struct iovec) == 16, "iovec is ABI");

static void uio_init_single(struct uio *uio, void *base, size_t len, bool is_user)
{
	*uio = (struct uio){
		.base = base,
		.segment_left = len,
		.remaining = len,
		.total = len,
		.is_user = is_user,
	};
}

int uio_init_user(struct uio *uio, const void __user *addr, size_t len)
{
	if (len > UIO_MAX_BYTES)
		len = UIO_MAX_BYTES;
	if (!user_range_ok(addr, len))
		return -EFAULT;
	uio_init_single(uio, (void *)(uintptr_t)(__force const void *)addr, len, true);
	return 0;
}

void uio_init_kernel(struct uio *uio, void *addr, size_t len)
{
	uio_init_single(uio, addr, len, false);
}

/* Judges the copied vectors and cuts their sum to UIO_MAX_BYTES. */
static int vectors_check(struct iovec *vectors, size_t count, size_t *total)
{
	size_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		size_t len = vectors[i].iov_len;

		if ((ssize_t)len < 0)
			return -EINVAL;
		if (!user_range_ok((const void __user *)(uaddr_t)vectors[i].iov_base, len))
			return -EFAULT;
		if (len > UIO_MAX_BYTES - sum)
			vectors[i].iov_len = len = UIO_MAX_BYTES - sum;
		sum += len;
	}
	*total = sum;
	return 0;
}

int uio_init_iovec(struct uio *uio, const struct iovec __user *user_vectors, size_t count,
                   struct iovec *room, struct iovec **allocated)
{
	struct iovec *vectors = room;
	size_t total;
	int err;

	*allocated = NULL;
	if (count > UIO_MAXIOV)
		return -EINVAL;
	if (count > UIO_INLINE_VECTORS) {
		vectors = kmalloc(count * sizeof(*vectors), ALLOC_KERNEL);
		if (!vectors)
			return -ENOMEM;
	}
	err = copy_from_user(vectors, user_vectors, count * sizeof(*vectors));
	if (!err)
		err = vectors_check(vectors, count, &total);
	if (err) {
		if (vectors != room)
			kfree(vectors);
		return err;
	}
	*allocated = vectors != room ? vectors : NULL;
	*uio = (struct uio){
		.base = count ? (__force uint8_t *)vectors[0].iov_base : NULL,
		.segment_left = count ? vectors[0].iov_len : 0,
		.remaining = total,
		.total = total,
		.is_user = true,
		.nr_vectors = (uint32_t)count,
		.vectors = vectors,
	};
	return 0;
}

/* Goes on to the next vector that is not empty. Only while remaining is not 0. */
static void segment_next(struct uio *uio)
{
	while (!uio->segment_left) {
		const struct iovec *vector = &uio->vectors[++uio->index];

		uio->base = (__force uint8_t *)vector->iov_base;
		uio->segment_left = vector->iov_len;
	}
}

/* The contiguous piece at the cursor, at most n bytes; 0 at the end. */
static inline size_t segment_piece(struct uio *uio, size_t n)
{
	n = min(n, uio->remaining);
	if (unlikely(n && !uio->segment_left))
		segment_next(uio);
	return min(n, uio->segment_left);
}

static inline void segment_pass(struct uio *uio, size_t n)
{
	uio->base += n;
	uio->segment_left -= n;
	uio->remaining -= n;
}

size_t uio_copy_out(struct uio *uio, const void *src, size_t n)
{
	const uint8_t *from = src;
	size_t done = 0, piece;

	while ((piece = segment_piece(uio, n - done))) {
		size_t copied = piece;

		if (likely(uio->is_user))
			copied -= user_copy_out((void __user *)uio->base, from + done, piece);
		else
			memcpy(uio->base, from + done, piece);
		segment_pass(uio, copied);
		done += copied;
		if (unlikely(copied < piece))
			break;
	}
	return done;
}

size_t uio_zero(struct uio *uio, size_t n)
{
	size_t done = 0, piece;

	while ((piece = segment_piece(uio, n - done))) {
		size_t copied = piece;

		if (likely(uio->is_user))
			copied -= user_zero((void __user *)uio->base, piece);
		else
			memset(uio->base, 0, piece);
		segment_pass(uio, copied);
		done += copied;
		if (unlikely(copied < piece))
			break;
	}
	return done;
}

size_t uio_copy_in(struct uio *uio, void *dst, size_t n)
{
	uint8_t *to = dst;
	size_t done = 0, piece;

	while ((piece = segment_piece(uio, n - done))) {
		size_t copied = piece;

		if (likely(uio->is_user))
			copied -= user_copy_in(to + done, (const void __user *)uio->base, piece);
		else
			memcpy(to + done, uio->base, piece);
		segment_pass(uio, copied);
		done += copied;
		if (unlikely(copied < piece))
			break;
	}
	return done;
}

void uio_advance(struct uio *uio, size_t n)
{
	size_t piece;

	while ((piece = segment_piece(uio, n))) {
		segment_pass(uio, piece);
		n -= piece;
	}
}

void uio_revert(struct uio *uio, size_t n)
{
	uio->remaining += n;
	if (!uio->nr_vectors) {
		uio->base -= n;
		uio->segment_left += n;
		return;
	}
	for (;;) {
		const struct iovec *vector = &uio->vectors[uio->index];
		size_t step = min(n, (size_t)(uio->base - (__force uint8_t *)vector->iov_base));

		uio->base -= step;
		uio->segment_left += step;
		n -= step;
		if (!n)
			return;
		vector = &uio->vectors[--uio->index];
		uio->base = (__force uint8_t *)vector->iov_base + vector->iov_len;
		uio->segment_left = 0;
	}
}

void uio_truncate(struct uio *uio, size_t n)
{
	if (n >= uio->remaining)
		return;
	uio->total -= uio->remaining - n;
	uio->remaining = n;
}
