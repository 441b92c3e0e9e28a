/*
 * Memory and strings.
 *
 * Copies load everything a step needs before they store it, so that the forward copy is right for
 * overlapping areas whose target lies below, and memmove() needs no second set of loops for them.
 * Up to 16 bytes go as two words that may overlap; the ragged end of longer ones likewise.
 *
 * This file is compiled without the loop idioms (see the Makefile): the compiler would otherwise
 * turn the loops into calls of the very functions they implement.
 */
#include <linux/errno.h>

#include "lib/asan.h"
#include "lib/string.h"

struct word32 {
	uint32_t value;
} __packed __attribute__((may_alias));

struct word64 {
	uint64_t value;
} __packed __attribute__((may_alias));

static __always_inline uint64_t load64(const void *at)
{
	return ((const struct word64 *)at)->value;
}

static __always_inline void store64(void *at, uint64_t value)
{
	((struct word64 *)at)->value = value;
}

static __always_inline uint32_t load32(const void *at)
{
	return ((const struct word32 *)at)->value;
}

static __always_inline void store32(void *at, uint32_t value)
{
	((struct word32 *)at)->value = value;
}

/* size at most 16 */
static __always_inline void copy_small(uint8_t *to, const uint8_t *from, size_t size)
{
	if (size >= 8) {
		uint64_t head = load64(from), tail = load64(from + size - 8);

		store64(to, head);
		store64(to + size - 8, tail);
	} else if (size >= 4) {
		uint32_t head = load32(from), tail = load32(from + size - 4);

		store32(to, head);
		store32(to + size - 4, tail);
	} else if (size) {
		uint8_t head = from[0], middle = from[size / 2], tail = from[size - 1];

		to[0] = head;
		to[size / 2] = middle;
		to[size - 1] = tail;
	}
}

static __always_inline void copy_block64(uint8_t *to, const uint8_t *from)
{
	uint64_t a = load64(from), b = load64(from + 8), c = load64(from + 16),
		 d = load64(from + 24);

	store64(to, a);
	store64(to + 8, b);
	store64(to + 16, c);
	store64(to + 24, d);
	a = load64(from + 32);
	b = load64(from + 40);
	c = load64(from + 48);
	d = load64(from + 56);
	store64(to + 32, a);
	store64(to + 40, b);
	store64(to + 48, c);
	store64(to + 56, d);
}

/* size above 16; if the areas overlap, to lies below from */
static __always_inline void copy_forward(uint8_t *to, const uint8_t *from, size_t size)
{
	uint64_t tail = load64(from + size - 8);
	uint8_t *last = to + size - 8;

	for (; size >= 64; size -= 64, to += 64, from += 64)
		copy_block64(to, from);
	for (; size > 8; size -= 8, to += 8, from += 8)
		store64(to, load64(from));
	store64(last, tail);
}

/* size above 16; if the areas overlap, to lies above from */
static __always_inline void copy_backward(uint8_t *to, const uint8_t *from, size_t size)
{
	uint64_t head = load64(from);

	for (; size >= 32; size -= 32) {
		uint64_t a = load64(from + size - 8), b = load64(from + size - 16),
			 c = load64(from + size - 24), d = load64(from + size - 32);

		store64(to + size - 8, a);
		store64(to + size - 16, b);
		store64(to + size - 24, c);
		store64(to + size - 32, d);
	}
	for (; size > 8; size -= 8)
		store64(to + size - 8, load64(from + size - 8));
	store64(to, head);
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	asan_check_read(from, size);
	asan_check_write(to, size);
	if (size <= 16)
		copy_small(to, from, size);
	else
		copy_forward(to, from, size);
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	asan_check_read(from, size);
	asan_check_write(to, size);
	if (size <= 16)
		copy_small(to, from, size);
	else if ((uintptr_t)to - (uintptr_t)from >= size)
		copy_forward(to, from, size);
	else
		copy_backward(to, from, size);
	return to;
}

static __always_inline void fill_small(uint8_t *to, uint64_t word, size_t size)
{
	if (size >= 8) {
		store64(to, word);
		store64(to + size - 8, word);
	} else if (size >= 4) {
		store32(to, (uint32_t)word);
		store32(to + size - 4, (uint32_t)word);
	} else if (size) {
		to[0] = (uint8_t)word;
		to[size / 2] = (uint8_t)word;
		to[size - 1] = (uint8_t)word;
	}
}

static inline void fill_64(uint8_t *at, uint64_t word)
{
	store64(at, word);
	store64(at + 8, word);
	store64(at + 16, word);
	store64(at + 24, word);
	store64(at + 32, word);
	store64(at + 40, word);
	store64(at + 48, word);
	store64(at + 56, word);
}

void *memset(void *to, int byte, size_t size)
{
	uint64_t word = (uint8_t)byte * 0x0101010101010101ul;
	uint8_t *at = to;

	asan_check_write(to, size);
	if (size <= 16) {
		fill_small(at, word, size);
		return to;
	}
	store64(at + size - 8, word);
	for (; size >= 256; size -= 256, at += 256) {
		fill_64(at, word);
		fill_64(at + 64, word);
		fill_64(at + 128, word);
		fill_64(at + 192, word);
	}
	for (; size >= 64; size -= 64, at += 64)
		fill_64(at, word);
	for (; size > 8; size -= 8, at += 8)
		store64(at, word);
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const uint8_t *p = a, *q = b;

	asan_check_read(a, size);
	asan_check_read(b, size);
	for (; size >= 8; size -= 8, p += 8, q += 8) {
		uint64_t x = load64(p), y = load64(q);

		if (x != y)
			return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
	}
	for (; size; size--, p++, q++) {
		if (*p != *q)
			return *p - *q;
	}
	return 0;
}

void *memchr(const void *in, int byte, size_t size)
{
	const uint8_t *at = in;

	for (; size; size--, at++) {
		if (*at == (uint8_t)byte)
			return (void *)(uintptr_t)at;
	}
	return NULL;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strncmp(const char *a, const char *b, size_t max)
{
	for (; max; max--, a++, b++) {
		if (*a != *b || !*a)
			return (uint8_t)*a - (uint8_t)*b;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

static int ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (uint8_t)c;
}

int strcasecmp(const char *a, const char *b)
{
	while (*a && ascii_lower(*a) == ascii_lower(*b)) {
		a++;
		b++;
	}
	return ascii_lower(*a) - ascii_lower(*b);
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++) {
		if (!*s)
			return NULL;
	}
	return (char *)(uintptr_t)s;
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	do {
		if (*s == (char)c)
			found = s;
	} while (*s++);
	return (char *)(uintptr_t)found;
}

char *strstr(const char *in, const char *what)
{
	size_t n = strlen(what);

	for (;; in++) {
		if (!strncmp(in, what, n))
			return (char *)(uintptr_t)in;
		if (!*in)
			return NULL;
	}
}

bool str_has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

ssize_t str_copy_n(char *to, size_t size, const char *s, size_t n)
{
	size_t length = strnlen(s, n);

	if (!size)
		return -E2BIG;
	if (length >= size) {
		memcpy(to, s, size - 1);
		to[size - 1] = '\0';
		return -E2BIG;
	}
	memcpy(to, s, length);
	to[length] = '\0';
	return (ssize_t)length;
}

ssize_t str_copy(char *to, const char *s, size_t size)
{
	return str_copy_n(to, size, s, SIZE_MAX);
}

void mem_wipe(void *at, size_t size)
{
	memset(at, 0, size);
	__asm__ volatile("" : : "r"(at) : "memory");
}

bool mem_is_zero(const void *at, size_t size)
{
	const uint8_t *p = at;

	for (; size >= 8; size -= 8, p += 8) {
		if (load64(p))
			return false;
	}
	while (size--) {
		if (*p++)
			return false;
	}
	return true;
}
