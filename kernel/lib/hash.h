/*
 * Hashes for tables.
 *
 * siphash13() is for keys that an attacker may choose (names, addresses): without the secret key,
 * drawn at start-up, nobody can aim at one bucket. siphash24() is the slower original with
 * published vectors. hash_u64() mixes integers that nobody chooses; take the low bits.
 */
#pragma once

#include "lib/types.h"

struct siphash_key {
	uint64_t low, high;
};

uint64_t siphash13(const struct siphash_key *key, const void *data, size_t size);
uint64_t siphash24(const struct siphash_key *key, const void *data, size_t size);

/* siphash13() of two integers, without the loop. */
uint64_t siphash13_u64(const struct siphash_key *key, uint64_t a, uint64_t b);

static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ul;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ul;
	return x ^ x >> 32;
}

static inline uint64_t hash_pointer(const void *pointer)
{
	return hash_u64((uintptr_t)pointer);
}
