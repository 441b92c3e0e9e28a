/*
 * Numbers and options out of text.
 */
#include <linux/errno.h>

#include "lib/parse.h"

#include "lib/math.h"
#include "lib/string.h"

/* 36 and more: no digit in any base. */
static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A') + 10;
	return 36;
}

/* Chooses the base of base 0, and steps over a 0x that has a digit behind it. */
static const char *parse_base(const char *s, unsigned *base)
{
	bool hex = s[0] == '0' && (s[1] | 0x20) == 'x' && digit_value(s[2]) < 16;

	if (*base == 0)
		*base = hex ? 16 : s[0] == '0' ? 8 : 10;
	return hex && *base == 16 ? s + 2 : s;
}

int parse_u64_prefix(const char *s, unsigned base, uint64_t *value, const char **end)
{
	bool fits = true;
	uint64_t n = 0;

	s = parse_base(s, &base);
	if (digit_value(*s) >= base)
		return -EINVAL;
	for (; digit_value(*s) < base; s++)
		fits = fits && checked_mul(n, base, &n) && checked_add(n, digit_value(*s), &n);
	if (!fits)
		return -ERANGE;
	*value = n;
	*end = s;
	return 0;
}

static bool is_end(const char *s)
{
	return !s[0] || (s[0] == '\n' && !s[1]);
}

int parse_u64_base(const char *s, unsigned base, uint64_t *value)
{
	const char *end;
	uint64_t n;
	int err = parse_u64_prefix(s, base, &n, &end);

	if (err)
		return err;
	if (!is_end(end))
		return -EINVAL;
	*value = n;
	return 0;
}

int parse_u64(const char *s, uint64_t *value)
{
	return parse_u64_base(s, 0, value);
}

int parse_i64(const char *s, int64_t *value)
{
	bool negative = *s == '-';
	uint64_t n;
	int err = parse_u64(s + negative, &n);

	if (err)
		return err;
	if (n > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*value = (int64_t)(negative ? -n : n);
	return 0;
}

int parse_u32(const char *s, uint32_t *value)
{
	uint64_t n;
	int err = parse_u64(s, &n);

	if (err)
		return err;
	if (n > UINT32_MAX)
		return -ERANGE;
	*value = (uint32_t)n;
	return 0;
}

int parse_i32(const char *s, int32_t *value)
{
	int64_t n;
	int err = parse_i64(s, &n);

	if (err)
		return err;
	if (n < INT32_MIN || n > INT32_MAX)
		return -ERANGE;
	*value = (int32_t)n;
	return 0;
}

int parse_bool(const char *s, bool *value)
{
	static const char *const yes[] = { "1", "y", "yes", "on", "true" };
	static const char *const no[] = { "0", "n", "no", "off", "false" };

	for (size_t i = 0; i < array_size(yes); i++) {
		if (!strcasecmp(s, yes[i]) || !strcasecmp(s, no[i])) {
			*value = !strcasecmp(s, yes[i]);
			return 0;
		}
	}
	return -EINVAL;
}

int parse_size(const char *s, uint64_t *value)
{
	static const char suffixes[] = "kmgtpe";
	const char *end, *suffix;
	uint64_t n, unit = 1;
	int err = parse_u64_prefix(s, 0, &n, &end);

	if (err)
		return err;
	suffix = *end ? strchr(suffixes, *end | 0x20) : NULL;
	if (suffix) {
		unit = 1ul << (10 * (suffix - suffixes + 1));
		end++;
	}
	if (!is_end(end))
		return -EINVAL;
	if (!checked_mul(n, unit, &n))
		return -ERANGE;
	*value = n;
	return 0;
}

bool option_next(char **cursor, struct option *option)
{
	char *at = *cursor, *comma;

	while (at && *at == ',')
		at++;
	if (!at || !*at)
		return false;
	comma = strchr(at, ',');
	if (comma)
		*comma = '\0';
	*cursor = comma ? comma + 1 : NULL;
	option->name = at;
	option->value = strchr(at, '=');
	if (option->value)
		*option->value++ = '\0';
	return true;
}
