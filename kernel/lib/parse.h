/*
 * Numbers and options out of text. Strict: the whole string is the number, save one newline at the
 * end as `echo` writes it; no spaces, no plus sign, nothing cut off in silence.
 *
 * All return 0, -EINVAL (not a number) or -ERANGE (does not fit), and touch *value only on 0.
 */
#pragma once

#include "lib/types.h"

/* base 2 to 36, or 0: 0x is hexadecimal, a leading 0 octal, else decimal. */
int __must_check parse_u64_base(const char *s, unsigned base, uint64_t *value);

/* base 0 */
int __must_check parse_u64(const char *s, uint64_t *value);
int __must_check parse_i64(const char *s, int64_t *value);
int __must_check parse_u32(const char *s, uint32_t *value);
int __must_check parse_i32(const char *s, int32_t *value);

/* y, yes, on, true, 1 and their contraries. */
int __must_check parse_bool(const char *s, bool *value);

/* A size in bytes with an optional suffix K M G T P E of either case, powers of 1024. */
int __must_check parse_size(const char *s, uint64_t *value);

/*
 * A number at the start of s: its value, and in *end what follows it. -EINVAL if there is none.
 */
int __must_check parse_u64_prefix(const char *s, unsigned base, uint64_t *value, const char **end);

struct option {
	char *name;
	char *value; /* NULL if there is no '=' */
};

/*
 * Options of mount(8): "a=b,c". Each call takes the next one off *cursor, which it splits in place;
 * empty ones are skipped. False at the end. *cursor may begin as NULL: no options.
 */
bool option_next(char **cursor, struct option *option);
