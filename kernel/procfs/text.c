/*
 * Text that grows. See text.h.
 */
#include "procfs/text.h"

#include <linux/errno.h>

#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/vmalloc.h"

enum { FIRST_ROOM = 512 };

void text_fini(struct text *text)
{
	kvfree(text->bytes);
	*text = (struct text)TEXT;
}

/* Room for n more bytes. */
static bool text_grow(struct text *text, size_t n)
{
	size_t room = text->room ? text->room : FIRST_ROOM;
	char *bytes;

	if (text->err)
		return false;
	if (text->len + n <= text->room)
		return true;
	while (room < text->len + n)
		room *= 2;
	bytes = room <= TEXT_MAX ? kvmalloc(room, ALLOC_KERNEL | ALLOC_NOWARN) : NULL;
	if (!bytes) {
		text->err = -ENOMEM;
		return false;
	}
	if (text->len)
		memcpy(bytes, text->bytes, text->len);
	kvfree(text->bytes);
	text->bytes = bytes;
	text->room = room;
	return true;
}

void text_printf(struct text *text, const char *fmt, ...)
{
	va_list args;
	size_t n;

	if (!text_grow(text, 1))
		return;
	va_start(args, fmt);
	n = (size_t)vsnprintf(text->bytes + text->len, text->room - text->len, fmt, args);
	va_end(args);
	if (n >= text->room - text->len) {
		if (!text_grow(text, n + 1))
			return;
		va_start(args, fmt);
		vsnprintf(text->bytes + text->len, n + 1, fmt, args);
		va_end(args);
	}
	text->len += n;
}

void text_put(struct text *text, const char *bytes, size_t n)
{
	if (!n || !text_grow(text, n))
		return;
	memcpy(text->bytes + text->len, bytes, n);
	text->len += n;
}

void text_puts(struct text *text, const char *string)
{
	text_put(text, string, strlen(string));
}

void text_put_escaped(struct text *text, const char *string, const char *which)
{
	for (; *string; string++) {
		unsigned char c = (unsigned char)*string;

		if (c == '\\' || strchr(which, c))
			text_printf(text, "\\%03o", c);
		else
			text_put(text, string, 1);
	}
}

void text_pad(struct text *text, size_t start, size_t column)
{
	do
		text_put(text, " ", 1);
	while (!text->err && text->len - start < column);
}
