/*
 * The value of ip=: one word, or fields with colons between them.
 */
#include "net/autoconf/words.h"

#include <linux/errno.h>

#include "lib/byteorder.h"
#include "lib/math.h"
#include "lib/string.h"

enum field { CLIENT, SERVER, GATEWAY, MASK, HOST, DEVICE, PROTOCOL, DNS0, DNS1, NTP0, NR_FIELDS };

static __init bool is_word(const char *text, size_t size, const char *word)
{
	return strlen(word) == size && !memcmp(text, word, size);
}

static __init bool means_dhcp(const char *text, size_t size)
{
	return is_word(text, size, "dhcp") || is_word(text, size, "on") ||
	       is_word(text, size, "any") || is_word(text, size, "both") ||
	       is_word(text, size, "bootp");
}

static __init bool means_nothing(const char *text, size_t size)
{
	return !size || is_word(text, size, "off") || is_word(text, size, "none");
}

bool __init autoconf_parse_address(const char *text, size_t size, __be32 *address)
{
	uint32_t bits = 0, part = 0, dots = 0, digits = 0;

	for (size_t i = 0; i <= size; i++) {
		if (i < size && text[i] >= '0' && text[i] <= '9' && digits < 3) {
			part = part * 10 + (uint32_t)(text[i] - '0');
			digits++;
		} else if (digits && part < 256 && (i == size ? dots == 3 : text[i] == '.')) {
			bits = bits << 8 | part;
			dots++;
			part = digits = 0;
		} else {
			return false;
		}
	}
	*address = cpu_to_be32(bits);
	return dots == 4;
}

/* host.domain */
static __init void parse_names(struct autoconf_wish *wish, const char *text, size_t size)
{
	const char *dot = memchr(text, '.', size);
	size_t host = dot ? (size_t)(dot - text) : size;
	size_t domain = dot ? size - host - 1 : 0;

	memcpy(wish->host, text, min(host, (size_t)AUTOCONF_NAME_MAX));
	memcpy(wish->domain, text + size - domain, min(domain, (size_t)AUTOCONF_NAME_MAX));
}

static __init bool parse_field(struct autoconf_wish *wish, enum field field, const char *text,
                               size_t size)
{
	switch (field) {
	case CLIENT:   return autoconf_parse_address(text, size, &wish->address);
	case SERVER:   return autoconf_parse_address(text, size, &wish->server);
	case GATEWAY:  return autoconf_parse_address(text, size, &wish->gateway);
	case MASK:     return autoconf_parse_address(text, size, &wish->mask);
	case DNS0:     return autoconf_parse_address(text, size, &wish->dns[0]);
	case DNS1:     return autoconf_parse_address(text, size, &wish->dns[1]);
	case HOST:
		parse_names(wish, text, size);
		return true;
	case DEVICE:
		memcpy(wish->device, text, min(size, sizeof(wish->device) - 1));
		return size < sizeof(wish->device);
	case PROTOCOL:
		wish->is_dynamic = means_dhcp(text, size);
		return wish->is_dynamic || means_nothing(text, size);
	default:
		return true;
	}
}

static __init int parse_fields(struct autoconf_wish *wish, const char *text)
{
	wish->is_dynamic = true;
	for (int field = CLIENT; field < NR_FIELDS; field++) {
		const char *colon = memchr(text, ':', strlen(text));
		size_t size = colon ? (size_t)(colon - text) : strlen(text);

		if (size && !parse_field(wish, field, text, size))
			return -EINVAL;
		if (!colon)
			break;
		text = colon + 1;
	}
	if (wish->address)
		wish->is_dynamic = false;
	wish->is_wanted = wish->is_dynamic || wish->address;
	return 0;
}

int __init autoconf_parse(const char *text, struct autoconf_wish *wish)
{
	size_t size = strlen(text);

	memset(wish, 0, sizeof(*wish));
	if (means_nothing(text, size))
		return 0;
	if (means_dhcp(text, size)) {
		wish->is_wanted = wish->is_dynamic = true;
		return 0;
	}
	return memchr(text, ':', size) || autoconf_parse_address(text, size, &wish->address)
	               ? parse_fields(wish, text) : -EINVAL;
}
