/*
 * Memory and strings: the standard functions under their standard names (the compiler emits calls
 * to the first four by itself), and two of our own for copying strings into bounded buffers.
 *
 * Large copies and fills run in unrolled 64-bit loops: best where `rep movsb` is emulated a byte at
 * a time, and within a factor of two of it where the CPU does it well. Whole pages go through
 * <arch/...>, which may choose by CPU features.
 * No function here sleeps or knows user memory.
 */
#pragma once

#include "lib/types.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *in, int byte, size_t size);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max);
int strcasecmp(const char *a, const char *b); /* ASCII only */
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *in, const char *what);

/*
 * Copies s with its NUL into to[size]. The length of s, or -E2BIG if it did not fit: then as much
 * as fits is there, terminated. Nothing is written if size is 0.
 */
ssize_t str_copy(char *to, const char *s, size_t size);

/* The same for the first n bytes of s, or up to its NUL if that comes first. */
ssize_t str_copy_n(char *to, size_t size, const char *s, size_t n);

/* Whether s begins with prefix. */
bool str_has_prefix(const char *s, const char *prefix);

/* Zeroes memory that is not read again (keys): the compiler may not leave it out. */
void mem_wipe(void *at, size_t size);

/* If all of the size bytes are zero. */
bool mem_is_zero(const void *at, size_t size);
