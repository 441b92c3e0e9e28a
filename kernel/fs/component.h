/*
 * Components of a path: measured and hashed eight bytes at a time, for both kinds of walk.
 *
 * Up to seven bytes behind the end of a string may be read, never across a page boundary, and never
 * looked at.
 */
#pragma once

#include "fs/dentry.h"
#include "lib/bits.h"

/* The hash of a name, eight bytes at a time, a last word filled up with zeroes; then the length. */
static inline uint64_t dentry_hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9ddfea08eb382d69ul;
	return hash ^ hash >> 29;
}

static inline uint32_t dentry_hash_end(uint64_t hash, uint32_t len)
{
	return (uint32_t)(hash ^ hash >> 32) + len;
}

#define COMPONENT_ONES  0x0101010101010101ul
#define COMPONENT_HIGHS 0x8080808080808080ul

/* Bits 7 of the bytes that are zero; exact for the lowest one. */
static inline uint64_t zero_bytes(uint64_t word)
{
	return (word - COMPONENT_ONES) & ~word & COMPONENT_HIGHS;
}

/*
 * Eight bytes of a string that may end before: the rest of them is not looked at by the caller (and
 * not read under the eyes of the address sanitizer).
 */
static inline uint64_t load_word(const char *at)
{
	uint64_t word;

	if (KASAN || unlikely(((uintptr_t)at & (PAGE_SIZE - 1)) > PAGE_SIZE - sizeof(word))) {
		word = 0;
		for (size_t i = 0; i < sizeof(word) && at[i]; i++)
			word |= (uint64_t)(uint8_t)at[i] << 8 * i;
		return word;
	}
	__builtin_memcpy(&word, at, sizeof(word));
	return word;
}

/* Measures and hashes the component at `at`, as dentry_hash() does; where it ends. */
static inline const char *component_parse(const char *at, struct component *out)
{
	uint64_t hash = 0, word, stop;
	uint32_t tail;

	out->text = at;
	for (;; at += sizeof(word)) {
		word = load_word(at);
		stop = zero_bytes(word) | zero_bytes(word ^ COMPONENT_ONES * '/');
		if (stop)
			break;
		hash = dentry_hash_word(hash, word);
	}
	tail = bit_lowest(stop) / 8;
	/* Two shifts, because one by 64 does nothing. */
	out->tail = word & ~(~0ul << 4 * tail << 4 * tail);
	if (tail)
		hash = dentry_hash_word(hash, out->tail);
	at += tail;
	out->len = (uint32_t)(at - out->text);
	out->hash = dentry_hash_end(hash, out->len);
	return at;
}

/* Whether this is the text, which has the same length. */
static inline bool component_is(const struct component *name, const struct dentry_name *have)
{
	const uint64_t *words = (const uint64_t *)(const void *)have->text;
	const char *at = name->text;

	for (uint32_t left = name->len; left >= 8; left -= 8, at += 8) {
		if (load_word(at) != *words++)
			return false;
	}
	return *words == name->tail;
}
