/*
 * Copies between kernel memory and the memory of the running thread's program.
 *
 * Every user pointer is hostile: it may be unmapped, read-only, in the kernel's half, or change
 * under our hands. These functions check the range first and survive a fault at any byte. They
 * sleep (a fault may read from a disk), so no spinlock is held over them, and no sleeping lock that
 * the page-fault path takes (rank "vm space" and inside it). An inode's lock is none of these.
 *
 * The address space is the one that the running CPU has loaded; a kernel thread has none, and every
 * copy of it fails. Nothing may be read twice from user memory: copy once, judge the copy.
 *
 * Only this file, vm/uio and the arch's user-access code dereference user pointers.
 */
#pragma once

#include <arch/usercopy.h>
#include <linux/errno.h>

#include "lib/types.h"

/* True if [addr, addr + n) lies in the user half. Says nothing about whether it is mapped. */
static inline bool user_range_ok(const void __user *addr, size_t n)
{
	return is_user_range((uaddr_t)(__force const void *)addr, n);
}

/* Copies n bytes; 0 or -EFAULT. After a failure a prefix has been copied. */
static inline int __must_check copy_from_user(void *dst, const void __user *src, size_t n)
{
	return unlikely(user_copy_in(dst, src, n)) ? -EFAULT : 0;
}

static inline int __must_check copy_to_user(void __user *dst, const void *src, size_t n)
{
	return unlikely(user_copy_out(dst, src, n)) ? -EFAULT : 0;
}

/* Writes n zero bytes; 0 or -EFAULT. */
static inline int __must_check clear_user(void __user *dst, size_t n)
{
	return unlikely(user_zero(dst, n)) ? -EFAULT : 0;
}

/* For get_user() and put_user(): size is a constant of 1, 2, 4 or 8. */
static __always_inline int __must_check user_load(void *dst, const void __user *src, size_t size)
{
	switch (size) {
	case 1:
		return user_get_u8(dst, src);
	case 2:
		return user_get_u16(dst, src);
	case 4:
		return user_get_u32(dst, src);
	default:
		return user_get_u64(dst, src);
	}
}

static __always_inline int __must_check user_store(void __user *dst, uint64_t value, size_t size)
{
	switch (size) {
	case 1:
		return user_put_u8(dst, (uint8_t)(value & UINT8_MAX));
	case 2:
		return user_put_u16(dst, (uint16_t)(value & UINT16_MAX));
	case 4:
		return user_put_u32(dst, (uint32_t)(value & UINT32_MAX));
	default:
		return user_put_u64(dst, value);
	}
}

/*
 * One value of 1, 2, 4 or 8 bytes: `err = get_user(value, pointer)`, `err = put_user(value,
 * pointer)`. 0 or -EFAULT; a get that fails leaves 0 in the value. Not split when the pointer is
 * aligned.
 */
#define get_user(value, ptr)                                                                     \
	({                                                                                       \
		static_assert(sizeof(value) == sizeof(*(ptr)), "get_user: sizes differ");        \
		static_assert(sizeof(value) <= 8, "get_user: too large");                        \
		user_load(&(value), (ptr), sizeof(value));                                       \
	})
#define put_user(value, ptr)                                                                     \
	({                                                                                       \
		static_assert(sizeof(*(ptr)) <= 8, "put_user: too large");                       \
		user_store((ptr), (uint64_t)(value), sizeof(*(ptr)));                            \
	})

/*
 * Copies a NUL-terminated string of at most size bytes, the NUL included. Returns its length
 * without the NUL; -EFAULT, or -ENAMETOOLONG if no NUL was found in size bytes.
 */
ssize_t __must_check strncpy_from_user(char *dst, const char __user *src, size_t size);

/* Length without the NUL of a string of at most max bytes: -EFAULT, or max if there is no NUL. */
ssize_t __must_check strnlen_user(const char __user *src, size_t max);

/*
 * An extensible struct as clone3(2) and openat2(2) take them. The user's struct has user_size
 * bytes, ours size: a shorter one is filled up with zeroes, a longer one must be zero where we do
 * not know it (-E2BIG otherwise). -EFAULT. The caller checks the smallest size that it accepts.
 */
int __must_check copy_struct_from_user(void *dst, size_t size, const void __user *src,
                                       size_t user_size);
