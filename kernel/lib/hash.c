/*
 * SipHash (Aumasson and Bernstein): c rounds for each 8 bytes, d rounds at the end.
 */
#include "lib/hash.h"

#include "lib/bits.h"
#include "lib/byteorder.h"

struct sip {
	uint64_t a, b, c, d;
};

static __always_inline void sip_rounds(struct sip *sip, int n)
{
	while (n--) {
		sip->a += sip->b;
		sip->c += sip->d;
		sip->b = rotate_left64(sip->b, 13) ^ sip->a;
		sip->d = rotate_left64(sip->d, 16) ^ sip->c;
		sip->a = rotate_left64(sip->a, 32) + sip->d;
		sip->c += sip->b;
		sip->d = rotate_left64(sip->d, 21) ^ sip->a;
		sip->b = rotate_left64(sip->b, 17) ^ sip->c;
		sip->c = rotate_left64(sip->c, 32);
	}
}

static __always_inline void sip_start(struct sip *sip, const struct siphash_key *key)
{
	sip->a = key->low ^ 0x736f6d6570736575ul;
	sip->b = key->high ^ 0x646f72616e646f6dul;
	sip->c = key->low ^ 0x6c7967656e657261ul;
	sip->d = key->high ^ 0x7465646279746573ul;
}

static __always_inline void sip_word(struct sip *sip, uint64_t word, int rounds)
{
	sip->d ^= word;
	sip_rounds(sip, rounds);
	sip->a ^= word;
}

static __always_inline uint64_t sip_end(struct sip *sip, int rounds)
{
	sip->c ^= 0xff;
	sip_rounds(sip, rounds);
	return sip->a ^ sip->b ^ sip->c ^ sip->d;
}

static __always_inline uint64_t siphash(const struct siphash_key *key, const void *data,
                                        size_t size, int word_rounds, int end_rounds)
{
	const uint8_t *at = data;
	uint64_t last = (uint64_t)size << 56;
	struct sip sip;

	sip_start(&sip, key);
	for (; size >= 8; size -= 8, at += 8)
		sip_word(&sip, load_le64(at), word_rounds);
	for (size_t i = 0; i < size; i++)
		last |= (uint64_t)at[i] << (8 * i);
	sip_word(&sip, last, word_rounds);
	return sip_end(&sip, end_rounds);
}

uint64_t siphash13(const struct siphash_key *key, const void *data, size_t size)
{
	return siphash(key, data, size, 1, 3);
}

uint64_t siphash24(const struct siphash_key *key, const void *data, size_t size)
{
	return siphash(key, data, size, 2, 4);
}

uint64_t siphash13_u64(const struct siphash_key *key, uint64_t a, uint64_t b)
{
	struct sip sip;

	sip_start(&sip, key);
	sip_word(&sip, a, 1);
	sip_word(&sip, b, 1);
	sip_word(&sip, 16ul << 56, 1);
	return sip_end(&sip, 3);
}
