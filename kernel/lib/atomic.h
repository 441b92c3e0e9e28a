/*
 * Atomic access to plain fields (int, uint32_t, uint64_t, bool, pointers), with the memory order
 * in the name. Fields used so carry the guard __atomic and are touched in no other way once they
 * are shared.
 *
 *     atomic_load_relaxed   the value alone, no order
 *     atomic_load_acquire   what comes after stays after: pairs with ...
 *     atomic_store_release  what came before stays before
 *     read-modify-write     fully ordered, unless the name ends in _relaxed, _acquire or _release
 *     atomic_inc, _dec      relaxed counters: statistics, never a decision
 *
 * Macros, because they work on every scalar type; each evaluates its arguments once. Whoever uses
 * an ordered one writes beside it which access it pairs with.
 */
#pragma once

#include "lib/compiler.h"

#define atomic_load_relaxed(ptr)          __atomic_load_n(ptr, __ATOMIC_RELAXED)
#define atomic_load_acquire(ptr)          __atomic_load_n(ptr, __ATOMIC_ACQUIRE)
#define atomic_load(ptr)                  __atomic_load_n(ptr, __ATOMIC_SEQ_CST)
#define atomic_store_relaxed(ptr, value)  __atomic_store_n(ptr, value, __ATOMIC_RELAXED)
#define atomic_store_release(ptr, value)  __atomic_store_n(ptr, value, __ATOMIC_RELEASE)
#define atomic_store(ptr, value)          __atomic_store_n(ptr, value, __ATOMIC_SEQ_CST)

/* The new value. */
#define atomic_add_return(ptr, n)         __atomic_add_fetch(ptr, n, __ATOMIC_SEQ_CST)
#define atomic_sub_return(ptr, n)         __atomic_sub_fetch(ptr, n, __ATOMIC_SEQ_CST)
#define atomic_inc_return(ptr)            __atomic_add_fetch(ptr, 1, __ATOMIC_SEQ_CST)
#define atomic_dec_return(ptr)            __atomic_sub_fetch(ptr, 1, __ATOMIC_SEQ_CST)

/* The old value. */
#define atomic_fetch_add(ptr, n)          __atomic_fetch_add(ptr, n, __ATOMIC_SEQ_CST)
#define atomic_fetch_sub(ptr, n)          __atomic_fetch_sub(ptr, n, __ATOMIC_SEQ_CST)
#define atomic_fetch_or(ptr, bits)        __atomic_fetch_or(ptr, bits, __ATOMIC_SEQ_CST)
#define atomic_fetch_and(ptr, bits)       __atomic_fetch_and(ptr, bits, __ATOMIC_SEQ_CST)
#define atomic_fetch_xor(ptr, bits)       __atomic_fetch_xor(ptr, bits, __ATOMIC_SEQ_CST)
#define atomic_fetch_add_relaxed(ptr, n)  __atomic_fetch_add(ptr, n, __ATOMIC_RELAXED)
#define atomic_fetch_or_relaxed(ptr, b)   __atomic_fetch_or(ptr, b, __ATOMIC_RELAXED)
#define atomic_fetch_and_relaxed(ptr, b)  __atomic_fetch_and(ptr, b, __ATOMIC_RELAXED)
#define atomic_xchg(ptr, value)           __atomic_exchange_n(ptr, value, __ATOMIC_SEQ_CST)
#define atomic_xchg_acquire(ptr, value)   __atomic_exchange_n(ptr, value, __ATOMIC_ACQUIRE)

/* No result. */
#define atomic_inc(ptr)                   ((void)__atomic_fetch_add(ptr, 1, __ATOMIC_RELAXED))
#define atomic_dec(ptr)                   ((void)__atomic_fetch_sub(ptr, 1, __ATOMIC_RELAXED))
#define atomic_add(ptr, n)                ((void)__atomic_fetch_add(ptr, n, __ATOMIC_RELAXED))
#define atomic_sub(ptr, n)                ((void)__atomic_fetch_sub(ptr, n, __ATOMIC_RELAXED))
#define atomic_or(ptr, bits)              ((void)__atomic_fetch_or(ptr, bits, __ATOMIC_SEQ_CST))
#define atomic_and(ptr, bits)             ((void)__atomic_fetch_and(ptr, bits, __ATOMIC_SEQ_CST))

/*
 * If *ptr is *expected, stores value and is true; else puts what is there into *expected and is
 * false. The failing load is ordered like the order named.
 */
#define atomic_cmpxchg(ptr, expected, value) \
	__atomic_compare_exchange_n(ptr, expected, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define atomic_cmpxchg_acquire(ptr, expected, value) \
	__atomic_compare_exchange_n(ptr, expected, value, 0, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)
#define atomic_cmpxchg_release(ptr, expected, value) \
	__atomic_compare_exchange_n(ptr, expected, value, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
#define atomic_cmpxchg_relaxed(ptr, expected, value) \
	__atomic_compare_exchange_n(ptr, expected, value, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)

/* Fences between CPUs. Fences towards devices are in <arch/io.h>. */
#define smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST) /* loads and stores, all orders */
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE) /* loads before loads */
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE) /* stores before stores */
