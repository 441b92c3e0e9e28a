/*
 * DHCP messages in IPv4 packets, written and read. RFC 2131, RFC 2132
 *
 * Pure: bytes in, bytes out. What comes from the wire is believed only after all of it was checked.
 * Options that are spread over the fields `sname` and `file` (52) are not looked for there.
 */
#pragma once

#include "lib/types.h"

/* A packet of ours: IP, UDP, BOOTP with room for a few options. */
enum { DHCP_PACKET_SIZE = 20 + 8 + 300, DHCP_NAME_MAX = 64, DHCP_NR_DNS = 3 };

enum dhcp_type {
	DHCP_DISCOVER = 1, DHCP_OFFER = 2, DHCP_REQUEST = 3, DHCP_ACK = 5, DHCP_NAK = 6,
};

/* Whose exchange it is, and how far it is. Addresses as on the wire, 0: none. */
struct dhcp_client {
	uint32_t xid;
	uint8_t  mac[6];
	uint16_t seconds;   /* since it began */
	__be32   requested; /* of an offer, to be asked for */
	__be32   server;    /* who offered it */
};

struct dhcp_reply {
	uint8_t type; /* enum dhcp_type */
	uint8_t prefix_length;
	__be32  address, mask, gateway, server, boot_server;
	__be32  dns[DHCP_NR_DNS];
	char    host[DHCP_NAME_MAX + 1], domain[DHCP_NAME_MAX + 1];
};

/* DHCP_DISCOVER or DHCP_REQUEST. */
void dhcp_write(uint8_t packet[DHCP_PACKET_SIZE], const struct dhcp_client *client, uint8_t type);

/* A packet from its IPv4 header on. False: it is no whole answer to this client. */
bool dhcp_read(const uint8_t *packet, size_t size, const struct dhcp_client *client,
               struct dhcp_reply *reply);

/* Bits of a network mask; 32 for a mask with holes. */
uint8_t dhcp_prefix_length(__be32 mask);
