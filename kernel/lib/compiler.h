/*
 * The dialect: attributes and annotations that gcc, clang and sparse understand, and the few
 * macros that functions cannot replace. Every header may include this one; it includes nothing.
 *
 * Guards are written on the field, as documentation that a reader and a reviewer can check:
 *
 *     struct list  threads  __guarded_by(lock);     changes only with that lock held
 *     uint64_t     root     __const_after_init;     written before the object is published
 *     uint32_t     refs     __atomic;               only through lib/atomic.h
 *     struct list  free     __owned_by_cpu;         touched only by the CPU whose copy it is
 */
#pragma once

/* The build without the address sanitizer. */
#ifndef KASAN
#define KASAN 0
#endif

#define __must_check      __attribute__((warn_unused_result))
#define __packed          __attribute__((packed))
#define __aligned(n)      __attribute__((aligned(n)))
#define __printf(fmt, va) __attribute__((format(printf, fmt, va)))
#define __section(name)   __attribute__((section(name)))
#define __used            __attribute__((used))
#define __maybe_unused    __attribute__((unused))
#define __noinline        __attribute__((noinline))
#define __cold            __attribute__((cold))
#define __noreturn        __attribute__((noreturn))
#define __cleanup(fn)     __attribute__((cleanup(fn)))
#define __no_stack_protector __attribute__((no_stack_protector))
#define __fallthrough     __attribute__((fallthrough))
#ifndef __always_inline /* the UAPI headers define it too */
#define __always_inline   inline __attribute__((always_inline))
#endif

#define __guarded_by(lock)
#define __const_after_init
#define __owned_by_cpu
#define __atomic

/* Start-up code and data, given back before the first program; data that is read-only then. */
#define __init            __attribute__((section(".init.text"), cold))
#define __initdata        __attribute__((section(".init.data")))
#define __ro_after_init   __attribute__((section(".data.ro_after_init")))

/* A pointer into user memory: only arch/usercopy.h may look behind it (sparse and clang check). */
#if defined(__CHECKER__)
#define __user            __attribute__((noderef, address_space(__user)))
#define __force           __attribute__((force))
#define __VERSION__       "sparse" /* which does not say */
#define __acquires(lock)  __attribute__((context(lock, 0, 1)))
#define __releases(lock)  __attribute__((context(lock, 1, 0)))
#define __must_hold(lock) __attribute__((context(lock, 1, 1)))
#define __acquire(lock)   __context__(lock, 1)
#define __release(lock)   __context__(lock, -1)
#else
#if defined(__clang__) && defined(CHECK_USER_POINTERS)
#define __user            __attribute__((noderef, address_space(1)))
#else
#define __user
#endif
#define __force
#define __acquires(lock)
#define __releases(lock)
#define __must_hold(lock)
#define __acquire(lock)   ((void)0)
#define __release(lock)   ((void)0)
#endif

#define likely(x)         __builtin_expect(!!(x), 1)
#define unlikely(x)       __builtin_expect(!!(x), 0)
#define static_assert     _Static_assert
#define unreachable()     __builtin_unreachable()
#define barrier()         __asm__ volatile("" ::: "memory")

/* One load or store of a scalar that the compiler neither splits, repeats nor invents. */
/* The pointer, of which the compiler may believe that it is a multiple of n. */
#ifdef __CHECKER__ /* sparse does not know it */
#define assume_aligned(ptr, n) (ptr)
#else
#define assume_aligned(ptr, n) __builtin_assume_aligned(ptr, n)
#endif

#ifdef __CHECKER__ /* sparse takes the builtins for plain integers only */
#define READ_ONCE(x)      (*(volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)  (*(volatile __typeof__(x) *)&(x) = (v))
#else
#define READ_ONCE(x)      __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)  __atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#endif

#define array_size(a)     (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
	((type *)((__UINTPTR_TYPE__)(ptr) - __builtin_offsetof(type, member)))
