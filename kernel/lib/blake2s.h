/*
 * BLAKE2s (RFC 7693): the hash that mixes entropy. Keyed or not, 1 to 32 bytes of digest.
 */
#pragma once

#include "lib/types.h"

#define BLAKE2S_DIGEST_SIZE 32
#define BLAKE2S_BLOCK_SIZE  64

struct blake2s {
	uint32_t state[8];
	uint64_t count;      /* bytes hashed */
	uint8_t block[BLAKE2S_BLOCK_SIZE];
	size_t filled;       /* bytes waiting in block */
	size_t digest_size;
};

/* key may be NULL with key_size 0; key_size at most 32, digest_size 1 to 32. */
void blake2s_init(struct blake2s *blake, size_t digest_size, const void *key, size_t key_size);
void blake2s_update(struct blake2s *blake, const void *data, size_t size);

/* Writes digest_size bytes and wipes the state. */
void blake2s_final(struct blake2s *blake, void *digest);

/* All at once. */
void blake2s(void *digest, size_t digest_size, const void *key, size_t key_size, const void *data,
             size_t size);
