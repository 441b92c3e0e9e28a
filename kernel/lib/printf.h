/*
 * Formatted output into buffers and sinks. As printf(3), with what a kernel needs of it:
 *
 *     flags      - + space 0 #, width and precision (also *)
 *     lengths    hh h l ll z j t
 *     d i u x X o c s %      %s prints "(null)" for NULL
 *     %p         full 16 hexadecimal digits with 0x
 *     %pe        an error: the argument is (void *)(long)err, prints EINVAL or the number
 *
 * No floating point, no %n. An unknown conversion is printed as it stands, so that it is seen.
 * Nothing allocates, sleeps or locks.
 */
#pragma once

#include <stdarg.h>

#include "lib/types.h"

/* Takes size bytes of output, not terminated. Called several times for one message. */
struct print_sink {
	void (*write)(struct print_sink *sink, const char *text, size_t size);
};

/*
 * Writes at most size bytes with the terminating NUL into to; returns how many characters the
 * whole text has without it, as snprintf(3). to may be NULL if size is 0.
 */
int vsnprintf(char *to, size_t size, const char *fmt, va_list args) __printf(3, 0);
int snprintf(char *to, size_t size, const char *fmt, ...) __printf(3, 4);

/* As snprintf, but returns what is in the buffer: at most size - 1. For appending in pieces. */
int vscnprintf(char *to, size_t size, const char *fmt, va_list args) __printf(3, 0);
int scnprintf(char *to, size_t size, const char *fmt, ...) __printf(3, 4);

/* Formats into sink; returns the number of characters. */
int vprintf_to(struct print_sink *sink, const char *fmt, va_list args) __printf(2, 0);
int printf_to(struct print_sink *sink, const char *fmt, ...) __printf(2, 3);
