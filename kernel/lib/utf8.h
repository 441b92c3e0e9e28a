/*
 * UTF-8 (RFC 3629): overlong forms, surrogates and anything above U+10FFFF are refused.
 */
#pragma once

#include "lib/types.h"

/* A byte that continues a character, and is none by itself: erased along with its leader. */
static inline bool utf8_is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* How many bytes the character at s[size] has, itself in *code; -EILSEQ if it is malformed. */
int __must_check utf8_decode(const void *s, size_t size, uint32_t *code);

/* Writes the character into to[4]; how many bytes, or -EILSEQ if there is no such character. */
int __must_check utf8_encode(uint32_t code, void *to);

bool utf8_is_valid(const void *s, size_t size);
