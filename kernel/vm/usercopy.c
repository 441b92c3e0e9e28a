/*
 * Copies from and to user memory that are more than one run of bytes. The accesses themselves, with
 * their fix-ups, are the arch's.
 */
#include "vm/usercopy.h"

#include "lib/math.h"
#include "lib/string.h"

ssize_t strncpy_from_user(char *dst, const char __user *src, size_t size)
{
	ssize_t len = user_string_copy_in(dst, src, size);

	return len == (ssize_t)size ? -ENAMETOOLONG : len;
}

ssize_t strnlen_user(const char __user *src, size_t max)
{
	char piece[64];
	size_t len = 0;

	while (len < max) {
		size_t room = min(sizeof(piece), max - len);
		ssize_t n = user_string_copy_in(piece, src + len, room);

		if (n < 0)
			return n;
		len += (size_t)n;
		if ((size_t)n < room)
			break;
	}
	return (ssize_t)len;
}

/* -E2BIG unless all n bytes are zero. */
static int user_is_zero(const uint8_t __user *src, size_t n)
{
	uint8_t piece[64];

	for (size_t done = 0; done < n;) {
		size_t step = min(sizeof(piece), n - done);

		if (copy_from_user(piece, src + done, step))
			return -EFAULT;
		if (!mem_is_zero(piece, step))
			return -E2BIG;
		done += step;
	}
	return 0;
}

int copy_struct_from_user(void *dst, size_t size, const void __user *src, size_t user_size)
{
	size_t n = min(size, user_size);

	if (user_size > PAGE_SIZE)
		return -E2BIG;
	if (user_size > size) {
		int err = user_is_zero((const uint8_t __user *)src + size, user_size - size);

		if (err)
			return err;
	}
	memset((uint8_t *)dst + n, 0, size - n);
	return copy_from_user(dst, src, n);
}
