/*
 * Integers of disks and wires. le32_to_cpu() and its kin convert fields of __le32, __be16 ...
 * (sparse checks that nobody forgets); load_le32() and store_be16() work at any alignment.
 */
#pragma once

#include "lib/types.h"

#define BYTEORDER_PAIR(bits, swap_le, swap_be)                                                     \
	static inline uint##bits##_t le##bits##_to_cpu(__le##bits x)                               \
	{                                                                                          \
		return swap_le((__force uint##bits##_t)x);                                         \
	}                                                                                          \
	static inline __le##bits cpu_to_le##bits(uint##bits##_t x)                                 \
	{                                                                                          \
		return (__force __le##bits)swap_le(x);                                             \
	}                                                                                          \
	static inline uint##bits##_t be##bits##_to_cpu(__be##bits x)                               \
	{                                                                                          \
		return swap_be((__force uint##bits##_t)x);                                         \
	}                                                                                          \
	static inline __be##bits cpu_to_be##bits(uint##bits##_t x)                                 \
	{                                                                                          \
		return (__force __be##bits)swap_be(x);                                             \
	}                                                                                          \
	static inline uint##bits##_t load_le##bits(const void *at)                                 \
	{                                                                                          \
		uint##bits##_t x;                                                                  \
		__builtin_memcpy(&x, at, sizeof(x));                                               \
		return swap_le(x);                                                                 \
	}                                                                                          \
	static inline void store_le##bits(void *at, uint##bits##_t x)                              \
	{                                                                                          \
		x = swap_le(x);                                                                    \
		__builtin_memcpy(at, &x, sizeof(x));                                               \
	}                                                                                          \
	static inline uint##bits##_t load_be##bits(const void *at)                                 \
	{                                                                                          \
		uint##bits##_t x;                                                                  \
		__builtin_memcpy(&x, at, sizeof(x));                                               \
		return swap_be(x);                                                                 \
	}                                                                                          \
	static inline void store_be##bits(void *at, uint##bits##_t x)                              \
	{                                                                                          \
		x = swap_be(x);                                                                    \
		__builtin_memcpy(at, &x, sizeof(x));                                               \
	}

BYTEORDER_PAIR(16, , __builtin_bswap16)
BYTEORDER_PAIR(32, , __builtin_bswap32)
BYTEORDER_PAIR(64, , __builtin_bswap64)

#undef BYTEORDER_PAIR
