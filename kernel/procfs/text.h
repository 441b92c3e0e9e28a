/*
 * Text that grows as it is written: what a file of /proc or /sys says.
 *
 *	struct text text = TEXT;
 *	text_printf(&text, "MemTotal:       %8lu kB\n", kb);
 *	... text.bytes, text.len, text.err ...
 *	text_fini(&text);
 *
 * Writing never fails at once: when memory lacks or the text would be longer than TEXT_MAX, err is
 * set (-ENOMEM) and what is written later is dropped, so that writers need no checks. A text
 * belongs to one thread at a time. Writing may sleep.
 */
#pragma once

#include "lib/types.h"

#define TEXT_MAX ((size_t)64 << 20)

struct text {
	char  *bytes; /* not terminated; NULL while empty */
	size_t len;
	size_t room;
	int    err;
};

#define TEXT { 0 }

void text_fini(struct text *text);

void text_printf(struct text *text, const char *fmt, ...) __printf(2, 3);
void text_put(struct text *text, const char *bytes, size_t n);
void text_puts(struct text *text, const char *string);

/* The string with each byte that occurs in `which`, and the backslash, as \ooo in octal. */
void text_put_escaped(struct text *text, const char *string, const char *which);

/* Blanks until the text's current line, which began at `start`, is `column` long; at least one. */
void text_pad(struct text *text, size_t start, size_t column);
