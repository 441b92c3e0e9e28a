/*
 * An address of the internet, of either family, as the floors outside the stack see it: bytes in
 * the order of the wire, and which family they belong to. A plain value.
 *
 * Zones of link-local addresses are not part of it: who needs one has the index of an interface
 * beside it, as sockaddr_in6 has.
 */
#pragma once

#include "abi/socket.h"
#include "lib/byteorder.h"
#include "lib/string.h"
#include "lib/types.h"

struct ip_address {
	uint16_t family; /* AF_INET, AF_INET6; AF_UNSPEC: none */
	union {
		__be32  v4;
		__be32  words[4];
		uint8_t bytes[16];
	};
};

static inline struct ip_address ip_address_v4(__be32 v4)
{
	return (struct ip_address){ .family = AF_INET, .v4 = v4 };
}

/* From 16 bytes. */
static inline struct ip_address ip_address_v6(const void *bytes)
{
	struct ip_address address = { .family = AF_INET6 };

	memcpy(address.bytes, bytes, sizeof(address.bytes));
	return address;
}

/* From the 4 or 16 bytes of the family. */
static inline struct ip_address ip_address_from(unsigned int family, const void *bytes)
{
	struct ip_address address = { .family = (uint16_t)family };

	memcpy(address.bytes, bytes, family == AF_INET ? 4 : 16);
	return address;
}

/* Bytes of an address of the family. */
static inline uint32_t ip_family_bytes(unsigned int family)
{
	return family == AF_INET ? 4 : 16;
}

/* Inline: every packet's route is looked up by it. */
static inline bool ip_address_equals(const struct ip_address *a, const struct ip_address *b)
{
	if (a->family != b->family)
		return false;
	if (likely(a->family == AF_INET))
		return a->v4 == b->v4;
	return a->family == AF_UNSPEC || !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}
/* Of one family, and their first `length` bits are the same. */
bool ip_prefix_equals(const struct ip_address *a, const struct ip_address *b, unsigned int length);
/* Clears what is behind the first `length` bits. */
void ip_address_mask(struct ip_address *address, unsigned int length);

bool ip_address_is_any(const struct ip_address *address); /* also if there is none */
bool ip_address_is_loopback(const struct ip_address *address);
bool ip_address_is_multicast(const struct ip_address *address);
bool ip_address_is_link_local(const struct ip_address *address); /* fe80::/10, 169.254/16 */
/* 255.255.255.255; those of a network only the routes know. */
bool ip_address_is_all_ones(const struct ip_address *address);
