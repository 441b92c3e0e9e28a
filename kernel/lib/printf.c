/*
 * Formatted output. The format is read into a struct spec, one conversion at a time, and each
 * conversion writes to the sink in pieces: padding, prefix, digits. Buffers are a sink that stops
 * storing, but not counting, when it is full.
 */
#include "lib/printf.h"

#include "lib/errno_name.h"
#include "lib/math.h"
#include "lib/string.h"

/* A width or precision above this is cut: a message never needs it. */
#define FIELD_MAX 4096

struct spec {
	bool left, plus, space, alt, zero;
	int width;
	int precision; /* -1: none given */
	int long_bytes; /* size of the integer argument */
};

struct output {
	struct print_sink *sink;
	int count;
};

static void emit(struct output *out, const char *text, size_t size)
{
	if (!size)
		return;
	out->sink->write(out->sink, text, size);
	out->count += (int)size;
}

static void emit_repeated(struct output *out, char c, int n)
{
	static const char spaces[] = "                ";
	static const char zeros[] = "0000000000000000";
	const char *from = c == '0' ? zeros : spaces;

	for (; n > 0; n -= 16)
		emit(out, from, (size_t)min(n, 16));
}

static void format_text(struct output *out, const struct spec *spec, const char *s)
{
	size_t max = spec->precision >= 0 ? (size_t)spec->precision : SIZE_MAX;
	size_t length;
	int pad;

	if (!s)
		s = "(null)";
	length = strnlen(s, max);
	pad = length < (size_t)spec->width ? spec->width - (int)length : 0;
	if (!spec->left)
		emit_repeated(out, ' ', pad);
	emit(out, s, length);
	if (spec->left)
		emit_repeated(out, ' ', pad);
}

static void format_char(struct output *out, const struct spec *spec, char c)
{
	if (!spec->left)
		emit_repeated(out, ' ', spec->width - 1);
	emit(out, &c, 1);
	if (spec->left)
		emit_repeated(out, ' ', spec->width - 1);
}

/* The digits of value, ending at end; where they begin. Nothing for zero. */
static char *digits_before(char *end, uint64_t value, unsigned base, bool upper)
{
	const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	for (; value; value /= base)
		*--end = alphabet[value % base];
	return end;
}

/* prefix: sign or 0x. Zeros fill up to the precision, or to the width if the flag says so. */
static void format_digits(struct output *out, const struct spec *spec, const char *prefix,
                          const char *digits, size_t nr_digits)
{
	int length = (int)(strlen(prefix) + nr_digits);
	int zeros = max((spec->precision < 0 ? 1 : spec->precision) - (int)nr_digits, 0);

	if (spec->zero && !spec->left && spec->precision < 0)
		zeros = max(zeros, spec->width - length);
	length += zeros;
	if (!spec->left)
		emit_repeated(out, ' ', spec->width - length);
	emit(out, prefix, strlen(prefix));
	emit_repeated(out, '0', zeros);
	emit(out, digits, nr_digits);
	if (spec->left)
		emit_repeated(out, ' ', spec->width - length);
}

static void format_signed(struct output *out, const struct spec *spec, int64_t value)
{
	const char *prefix = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";
	char buffer[24], *end = buffer + sizeof(buffer);
	uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char *digits = digits_before(end, magnitude, 10, false);

	format_digits(out, spec, prefix, digits, (size_t)(end - digits));
}

static void format_unsigned(struct output *out, const struct spec *spec, char conversion,
                            uint64_t value)
{
	unsigned base = conversion == 'o' ? 8 : conversion == 'u' ? 10 : 16;
	char buffer[24], *end = buffer + sizeof(buffer);
	char *digits = digits_before(end, value, base, conversion == 'X');
	const char *prefix = "";

	if (spec->alt && value)
		prefix = conversion == 'x' ? "0x" : conversion == 'X' ? "0X" : base == 8 ? "0" : "";
	format_digits(out, spec, prefix, digits, (size_t)(end - digits));
}

static void format_error(struct output *out, const struct spec *spec, int err)
{
	const char *name = errno_name(err);

	if (name)
		format_text(out, spec, name);
	else
		format_signed(out, spec, err);
}

static void format_pointer(struct output *out, const struct spec *spec, uintptr_t value)
{
	char buffer[24], *end = buffer + sizeof(buffer);
	char *digits = digits_before(end, value, 16, false);
	struct spec full = *spec;

	full.precision = 16;
	format_digits(out, &full, "0x", digits, (size_t)(end - digits));
}

static const char *parse_flags(const char *fmt, struct spec *spec)
{
	for (;; fmt++) {
		switch (*fmt) {
		case '-': spec->left = true; break;
		case '+': spec->plus = true; break;
		case ' ': spec->space = true; break;
		case '#': spec->alt = true; break;
		case '0': spec->zero = true; break;
		default: return fmt;
		}
	}
}

static const char *parse_number(const char *fmt, int *value)
{
	int n = 0;

	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		n = min(n * 10 + (*fmt - '0'), FIELD_MAX);
	*value = n;
	return fmt;
}

static const char *parse_length(const char *fmt, struct spec *spec)
{
	spec->long_bytes = 4;
	switch (*fmt) {
	case 'h':
		spec->long_bytes = fmt[1] == 'h' ? 1 : 2;
		return fmt + (fmt[1] == 'h' ? 2 : 1);
	case 'l':
		spec->long_bytes = 8;
		return fmt + (fmt[1] == 'l' ? 2 : 1);
	case 'z':
	case 'j':
	case 't':
		spec->long_bytes = 8;
		return fmt + 1;
	default:
		return fmt;
	}
}

/* va_list travels by pointer: as a parameter it would be a copy that does not come back. */
struct arguments {
	va_list list;
};

static const char *parse_spec(const char *fmt, struct spec *spec, struct arguments *args)
{
	*spec = (struct spec){ .precision = -1 };
	fmt = parse_flags(fmt, spec);
	if (*fmt == '*') {
		int width = va_arg(args->list, int);

		spec->left |= width < 0;
		spec->width = clamp(width < 0 ? -width : width, 0, FIELD_MAX);
		fmt++;
	} else {
		fmt = parse_number(fmt, &spec->width);
	}
	if (*fmt == '.' && fmt[1] == '*') {
		spec->precision = max(va_arg(args->list, int), -1);
		fmt += 2;
	} else if (*fmt == '.') {
		fmt = parse_number(fmt + 1, &spec->precision);
	}
	return parse_length(fmt, spec);
}

static uint64_t argument_unsigned(const struct spec *spec, struct arguments *args)
{
	if (spec->long_bytes == 8)
		return va_arg(args->list, uint64_t);
	if (spec->long_bytes == 4)
		return va_arg(args->list, uint32_t);
	return va_arg(args->list, uint32_t) & (BIT(8 * spec->long_bytes) - 1);
}

static int64_t argument_signed(const struct spec *spec, struct arguments *args)
{
	uint64_t value = argument_unsigned(spec, args);
	int shift = 64 - 8 * spec->long_bytes;

	return (int64_t)(value << shift) >> shift;
}

/* fmt is at the conversion letter; returns what follows it. NULL: not one that we know. */
static const char *convert(struct output *out, const char *fmt, struct spec *spec,
                           struct arguments *args)
{
	switch (*fmt) {
	case 'd':
	case 'i':
		format_signed(out, spec, argument_signed(spec, args));
		break;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		format_unsigned(out, spec, *fmt, argument_unsigned(spec, args));
		break;
	case 'c':
		format_char(out, spec, (char)va_arg(args->list, int));
		break;
	case 's':
		format_text(out, spec, va_arg(args->list, const char *));
		break;
	case 'p':
		if (fmt[1] == 'e') {
			format_error(out, spec, (int)(intptr_t)va_arg(args->list, void *));
			return fmt + 2;
		}
		format_pointer(out, spec, (uintptr_t)va_arg(args->list, void *));
		break;
	case '%':
		emit(out, "%", 1);
		break;
	default:
		return NULL;
	}
	return fmt + 1;
}

int vprintf_to(struct print_sink *sink, const char *fmt, va_list list)
{
	struct output out = { .sink = sink };
	struct arguments args;

	va_copy(args.list, list);
	while (*fmt) {
		const char *start = fmt, *after;
		struct spec spec;

		while (*fmt && *fmt != '%')
			fmt++;
		emit(&out, start, (size_t)(fmt - start));
		if (!*fmt)
			break;
		start = fmt;
		fmt = parse_spec(fmt + 1, &spec, &args);
		after = convert(&out, fmt, &spec, &args);
		if (after) {
			fmt = after;
			continue;
		}
		fmt += *fmt ? 1 : 0;
		emit(&out, start, (size_t)(fmt - start));
	}
	va_end(args.list);
	return out.count;
}

int printf_to(struct print_sink *sink, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vprintf_to(sink, fmt, args);
	va_end(args);
	return n;
}

struct buffer_sink {
	struct print_sink sink;
	char *at;
	size_t left; /* without the NUL */
};

static void buffer_write(struct print_sink *sink, const char *text, size_t size)
{
	struct buffer_sink *buffer = container_of(sink, struct buffer_sink, sink);
	size_t n = min(size, buffer->left);

	memcpy(buffer->at, text, n);
	buffer->at += n;
	buffer->left -= n;
}

int vsnprintf(char *to, size_t size, const char *fmt, va_list args)
{
	struct buffer_sink buffer = {
		.sink.write = buffer_write,
		.at = to,
		.left = size ? size - 1 : 0,
	};
	int n = vprintf_to(&buffer.sink, fmt, args);

	if (size)
		*buffer.at = '\0';
	return n;
}

int snprintf(char *to, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(to, size, fmt, args);
	va_end(args);
	return n;
}

int vscnprintf(char *to, size_t size, const char *fmt, va_list args)
{
	int n = vsnprintf(to, size, fmt, args);

	if ((size_t)n < size)
		return n;
	return size ? (int)(size - 1) : 0;
}

int scnprintf(char *to, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vscnprintf(to, size, fmt, args);
	va_end(args);
	return n;
}
