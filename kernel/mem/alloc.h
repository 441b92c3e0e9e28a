/*
 * Kernel memory: how an allocation may behave, and the heap for objects of any size.
 *
 *	struct ring *ring = kzalloc(sizeof(*ring), ALLOC_KERNEL);
 *	if (!ring)
 *		return -ENOMEM;
 *	...
 *	kfree(ring);
 *
 * Objects of one type that come and go often have a typed cache of their own (mem/slab.h); whole
 * pages come from mem/buddy.h; large, only virtually contiguous memory from mem/vmalloc.h.
 *
 * Every allocation can fail. None may be made or freed in a hard interrupt handler: per-CPU caches
 * are therefore touched without lock and with interrupts on.
 */
#pragma once

#include "lib/types.h"

/* What the allocator may do to satisfy the request; one of the sets below, with modifiers. */
enum alloc_flags {
	ALLOC_MAY_RECLAIM = 1 << 0, /* sleep, drop clean caches, wait for write-back */
	ALLOC_MAY_OOM     = 1 << 1, /* start the out-of-memory killer */
	ALLOC_MAY_DIP     = 1 << 2, /* use half of the emergency reserve */
	/* use all of it: for those whose work frees memory (reclaim, a victim) */
	ALLOC_RESERVE     = 1 << 3,
	ALLOC_IS_USER     = 1 << 4, /* for user pages: keeps a reserve for the kernel */
	/* contents of files without a disk and of pipes: leaves room for programs as well */
	ALLOC_IS_FILE     = 1 << 5,

	ALLOC_ATOMIC = ALLOC_MAY_DIP,     /* under a spinlock: never sleeps */
	/* never sleeps and leaves the reserve alone: has a fall-back */
	ALLOC_NOWAIT = 0,
	ALLOC_KERNEL = ALLOC_MAY_RECLAIM, /* may sleep: no spinlock held, rank below RANK_RECLAIM */
	ALLOC_USER   = ALLOC_MAY_RECLAIM | ALLOC_MAY_OOM | ALLOC_IS_USER,
	ALLOC_FILE   = ALLOC_MAY_RECLAIM | ALLOC_IS_FILE,

	/* Modifiers. */
	ALLOC_ZERO   = 1 << 8,  /* all bytes zero */
	ALLOC_NOWARN = 1 << 9,  /* the caller has a fall-back: no line in the log */
	ALLOC_NOFAIL_INJECT = 1 << 10, /* exempt from alloc_fail= */
	ALLOC_DMA32  = 1 << 11, /* frames below 4 GiB */
};

/*
 * At least size bytes, aligned to 16 (8 for sizes up to 8; pages to a page). NULL if there is none.
 */
void *kmalloc(size_t size, unsigned int flags) __must_check
	__attribute__((malloc, alloc_size(1)));

static inline void *__must_check kzalloc(size_t size, unsigned int flags)
{
	return kmalloc(size, flags | ALLOC_ZERO);
}

/* n * size bytes, NULL also when that overflows. */
void *kmalloc_array(size_t n, size_t size, unsigned int flags) __must_check;

static inline void *__must_check kzalloc_array(size_t n, size_t size, unsigned int flags)
{
	return kmalloc_array(n, size, flags | ALLOC_ZERO);
}

/* Change the size, moving if need be; old stays valid when NULL comes back. NULL old is kmalloc. */
void *krealloc(void *old, size_t size, unsigned int flags) __must_check;

/* Copies of a string or of bytes. */
char *kstrdup(const char *text, unsigned int flags) __must_check;
void *kmemdup(const void *data, size_t size, unsigned int flags) __must_check;

/* Free what these functions gave; NULL is fine. */
void kfree(const void *object);

/* Bytes usable behind the pointer, at least what was asked for. */
size_t ksize(const void *object);

/*
 * For large tables: kmalloc() while that is likely to work, else vmalloc(). Freed by kvfree() only.
 * May sleep.
 */
void *kvmalloc(size_t size, unsigned int flags) __must_check;
void kvfree(const void *object);

/* For __cleanup in short functions: `char *name __cleanup(kfree_cleanup) = kmalloc(...)`. */
static inline void kfree_cleanup(void *pointer_to_pointer)
{
	kfree(*(void **)pointer_to_pointer);
}

/*
 * Fault injection (`alloc_fail=N`): the N-th allocation from now that may fail fails; with `every`,
 * every N-th does. 0 turns it off. Counts page, slab and vmalloc requests alike.
 */
void alloc_fail_set(uint64_t n, bool every);
uint64_t alloc_fail_remaining(void);

/* The count of the command line's `alloc_fail=` begins here: before the first program. */
void alloc_fail_start(void);
