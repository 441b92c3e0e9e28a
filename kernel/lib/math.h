/*
 * Arithmetic that says what it means. min, max and clamp want operands of one signedness and
 * evaluate them once. Alignments are powers of two without side effects (they are evaluated twice,
 * so that the macros also serve in constant expressions).
 *
 * checked_add() and friends are true when the result fits its type: sizes and offsets that come
 * from programs, disks or networks are computed with these.
 */
#pragma once

#include "lib/bits.h"
#include "lib/types.h"

#define is_unsigned(x) ((__typeof__((x) + 0))-1 > 0)
#define min(a, b)                                                                    \
	({                                                                           \
		static_assert(is_unsigned(a) == is_unsigned(b), "mixed signs");      \
		__typeof__((a) + 0) min_a_ = (a);                                    \
		__typeof__((b) + 0) min_b_ = (b);                                    \
		min_a_ < min_b_ ? min_a_ : min_b_;                                   \
	})
#define max(a, b)                                                                    \
	({                                                                           \
		static_assert(is_unsigned(a) == is_unsigned(b), "mixed signs");      \
		__typeof__((a) + 0) max_a_ = (a);                                    \
		__typeof__((b) + 0) max_b_ = (b);                                    \
		max_a_ > max_b_ ? max_a_ : max_b_;                                   \
	})
#define clamp(x, low, high) max(min(x, high), low)

/* With both operands converted to type first. */
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))

#define align_down(x, to)    ((x) & ~((__typeof__(x))(to) - 1))
#define align_up(x, to)      (((x) + ((__typeof__(x))(to) - 1)) & ~((__typeof__(x))(to) - 1))
#define is_aligned(x, to)    (((x) & ((__typeof__(x))(to) - 1)) == 0)
#define div_round_up(n, d)   (((n) + (d) - 1) / (d))
#define round_up_to(n, unit) (div_round_up(n, unit) * (unit))

#define checked_add(a, b, result) (!__builtin_add_overflow(a, b, result))
#define checked_sub(a, b, result) (!__builtin_sub_overflow(a, b, result))
#define checked_mul(a, b, result) (!__builtin_mul_overflow(a, b, result))

static inline bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* Floor of the binary logarithm; n must not be 0. */
static inline unsigned ilog2(uint64_t n)
{
	return bit_highest(n);
}

/* The smallest power of two that is at least n; 1 for 0. n at most 2^63. */
static inline uint64_t round_up_pow2(uint64_t n)
{
	return n <= 1 ? 1 : 2ul << ilog2(n - 1);
}

/* a * b >> shift through 128 bits: clock scaling. shift below 64. */
static inline uint64_t mul_shift(uint64_t a, uint64_t b, unsigned shift)
{
	return (uint64_t)(((unsigned __int128)a * b) >> shift);
}

/* a * b / c through 128 bits, UINT64_MAX if it does not fit or c is 0. Not for hot paths. */
uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c);
