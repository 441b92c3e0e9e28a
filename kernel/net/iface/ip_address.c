/*
 * Addresses of the internet, as values. See net/iface/ip_address.h.
 */
#include "net/iface/ip_address.h"

/* The word of the address whose bits from `first` on are asked for, as far as `length` goes. */
static uint32_t word_mask(unsigned int first, unsigned int length)
{
	if (length <= first)
		return 0;
	return length - first >= 32 ? ~0u : ~0u << (32 - (length - first));
}

bool ip_prefix_equals(const struct ip_address *a, const struct ip_address *b, unsigned int length)
{
	if (a->family != b->family)
		return false;
	for (unsigned int i = 0; i * 32 < length; i++) {
		if (be32_to_cpu(a->words[i] ^ b->words[i]) & word_mask(i * 32, length))
			return false;
	}
	return true;
}

void ip_address_mask(struct ip_address *address, unsigned int length)
{
	unsigned int nr_words = ip_family_bytes(address->family) / 4;

	for (unsigned int i = 0; i < nr_words; i++)
		address->words[i] &= cpu_to_be32(word_mask(i * 32, length));
}

bool ip_address_is_any(const struct ip_address *address)
{
	if (address->family == AF_INET)
		return !address->v4;
	return address->family != AF_INET6 ||
	       !(address->words[0] | address->words[1] | address->words[2] | address->words[3]);
}

bool ip_address_is_loopback(const struct ip_address *address)
{
	if (address->family == AF_INET)
		return address->bytes[0] == 127;
	return address->family == AF_INET6 && !address->words[0] && !address->words[1] &&
	       !address->words[2] && address->words[3] == cpu_to_be32(1);
}

bool ip_address_is_multicast(const struct ip_address *address)
{
	if (address->family == AF_INET)
		return (address->bytes[0] & 0xf0) == 0xe0;
	return address->family == AF_INET6 && address->bytes[0] == 0xff;
}

bool ip_address_is_link_local(const struct ip_address *address)
{
	if (address->family == AF_INET)
		return address->bytes[0] == 169 && address->bytes[1] == 254;
	return address->family == AF_INET6 && address->bytes[0] == 0xfe &&
	       (address->bytes[1] & 0xc0) == 0x80;
}

bool ip_address_is_all_ones(const struct ip_address *address)
{
	return address->family == AF_INET && be32_to_cpu(address->v4) == ~0u;
}
