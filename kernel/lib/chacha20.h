/*
 * ChaCha20 (RFC 8439): the block function behind the kernel's random numbers.
 */
#pragma once

#include "lib/types.h"

#define CHACHA20_KEY_SIZE   32
#define CHACHA20_NONCE_SIZE 12
#define CHACHA20_BLOCK_SIZE 64

struct chacha20 {
	uint32_t state[16];
};

void chacha20_init(struct chacha20 *chacha, const uint8_t key[CHACHA20_KEY_SIZE],
                   const uint8_t nonce[CHACHA20_NONCE_SIZE], uint32_t counter);

/* The next block of key stream; the counter goes on by one. */
void chacha20_block(struct chacha20 *chacha, uint8_t block[CHACHA20_BLOCK_SIZE]);

/* size bytes of key stream; the rest of the last block is lost. */
void chacha20_stream(struct chacha20 *chacha, void *to, size_t size);
