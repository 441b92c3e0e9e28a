/*
 * DHCP messages. A message is BOOTP's fixed part, a magic number and options: code, length, data.
 */
#include "net/autoconf/dhcp.h"

#include "lib/byteorder.h"
#include "lib/checksum.h"
#include "lib/math.h"
#include "lib/string.h"

enum { IP_BYTES = 20, UDP_BYTES = 8, SERVER_PORT = 67, CLIENT_PORT = 68, PROTOCOL_UDP = 17 };

/* Offsets in a message. */
enum {
	OP = 0, HARDWARE = 1, HARDWARE_SIZE = 2, XID = 4, SECONDS = 8, FLAGS = 10,
	YOUR_ADDRESS = 16, NEXT_SERVER = 20, CLIENT_MAC = 28, COOKIE = 236, OPTIONS = 240,
	BROADCAST = 0x8000,
};

enum {
	OPTION_PAD = 0, OPTION_MASK = 1, OPTION_ROUTER = 3, OPTION_DNS = 6, OPTION_HOST = 12,
	OPTION_DOMAIN = 15, OPTION_REQUESTED = 50, OPTION_TYPE = 53, OPTION_SERVER = 54,
	OPTION_WANTED = 55, OPTION_END = 255,
};

static const uint8_t cookie[] = { 99, 130, 83, 99 };

static __init uint8_t *option_write(uint8_t *at, uint8_t code, const void *data, uint8_t size)
{
	at[0] = code;
	at[1] = size;
	memcpy(at + 2, data, size);
	return at + 2 + size;
}

/* The checksum of UDP may be left out, and is. */
static __init void write_headers(uint8_t *packet)
{
	uint16_t sum;

	packet[0] = 0x45;
	store_be16(packet + 2, DHCP_PACKET_SIZE);
	packet[8] = 64;
	packet[9] = PROTOCOL_UDP;
	memset(packet + 16, 0xff, 4);
	sum = (uint16_t)~checksum_fold(checksum_add(0, packet, IP_BYTES));
	memcpy(packet + 10, &sum, sizeof(sum));
	store_be16(packet + IP_BYTES, CLIENT_PORT);
	store_be16(packet + IP_BYTES + 2, SERVER_PORT);
	store_be16(packet + IP_BYTES + 4, DHCP_PACKET_SIZE - IP_BYTES);
}

void __init dhcp_write(uint8_t packet[DHCP_PACKET_SIZE], const struct dhcp_client *client,
                       uint8_t type)
{
	static const uint8_t wanted[] = { OPTION_MASK, OPTION_ROUTER, OPTION_DNS, OPTION_HOST,
	                                  OPTION_DOMAIN };
	uint8_t *message = packet + IP_BYTES + UDP_BYTES, *at = message + OPTIONS;

	memset(packet, 0, DHCP_PACKET_SIZE);
	write_headers(packet);
	message[OP] = 1;
	message[HARDWARE] = 1;
	message[HARDWARE_SIZE] = sizeof(client->mac);
	store_be32(message + XID, client->xid);
	store_be16(message + SECONDS, client->seconds);
	store_be16(message + FLAGS, BROADCAST);
	memcpy(message + CLIENT_MAC, client->mac, sizeof(client->mac));
	memcpy(message + COOKIE, cookie, sizeof(cookie));
	at = option_write(at, OPTION_TYPE, &type, 1);
	if (type == DHCP_REQUEST) {
		at = option_write(at, OPTION_REQUESTED, &client->requested, 4);
		at = option_write(at, OPTION_SERVER, &client->server, 4);
	}
	at = option_write(at, OPTION_WANTED, wanted, sizeof(wanted));
	*at = OPTION_END;
}

/* Text that names something, without what could spoil a file of lines. */
static __init void read_name(char name[DHCP_NAME_MAX + 1], const uint8_t *data, size_t size)
{
	size_t n = 0;

	while (n < size && n < DHCP_NAME_MAX && data[n] > ' ' && data[n] < 0x7f) {
		name[n] = (char)data[n];
		n++;
	}
	name[n] = '\0';
}

static __init void read_option(struct dhcp_reply *reply, uint8_t code, const uint8_t *data,
                               uint8_t size)
{
	if (code == OPTION_TYPE && size == 1)
		reply->type = data[0];
	else if (code == OPTION_HOST)
		read_name(reply->host, data, size);
	else if (code == OPTION_DOMAIN)
		read_name(reply->domain, data, size);
	if (size < 4)
		return;
	if (code == OPTION_MASK)
		memcpy(&reply->mask, data, 4);
	else if (code == OPTION_ROUTER)
		memcpy(&reply->gateway, data, 4);
	else if (code == OPTION_SERVER)
		memcpy(&reply->server, data, 4);
	else if (code == OPTION_DNS)
		memcpy(reply->dns, data, min(size & ~3u, (unsigned)sizeof(reply->dns)));
}

/* False: they do not end where they should. */
static __init bool read_options(struct dhcp_reply *reply, const uint8_t *at, const uint8_t *end)
{
	while (at < end && *at != OPTION_END) {
		if (*at == OPTION_PAD) {
			at++;
			continue;
		}
		if (end - at < 2 || end - at - 2 < at[1])
			return false;
		read_option(reply, at[0], at + 2, at[1]);
		at += 2 + at[1];
	}
	return at < end;
}

/* The UDP payload of a packet to our port, or NULL. */
static __init const uint8_t *find_message(const uint8_t *packet, size_t *size)
{
	size_t header, total, length;

	if (*size < IP_BYTES || packet[0] >> 4 != 4)
		return NULL;
	header = (packet[0] & 15u) * 4;
	total = load_be16(packet + 2);
	if (header < IP_BYTES || total > *size || total < header + UDP_BYTES + OPTIONS)
		return NULL;
	if (packet[9] != PROTOCOL_UDP || (load_be16(packet + 6) & 0x3fff) ||
	    checksum_fold(checksum_add(0, packet, header)) != 0xffff)
		return NULL;
	packet += header;
	length = load_be16(packet + 4);
	if (load_be16(packet) != SERVER_PORT || load_be16(packet + 2) != CLIENT_PORT ||
	    length > total - header || length < UDP_BYTES + OPTIONS)
		return NULL;
	*size = length - UDP_BYTES;
	return packet + UDP_BYTES;
}

uint8_t __init dhcp_prefix_length(__be32 mask)
{
	uint32_t bits = be32_to_cpu(mask);
	uint8_t length = 0;

	while (length < 32 && bits & 1u << (31 - length))
		length++;
	return length < 32 && bits << length ? 32 : length;
}

bool __init dhcp_read(const uint8_t *packet, size_t size, const struct dhcp_client *client,
                      struct dhcp_reply *reply)
{
	const uint8_t *message = find_message(packet, &size);

	memset(reply, 0, sizeof(*reply));
	if (!message || message[OP] != 2 || message[HARDWARE] != 1 ||
	    message[HARDWARE_SIZE] != sizeof(client->mac) ||
	    load_be32(message + XID) != client->xid ||
	    memcmp(message + CLIENT_MAC, client->mac, sizeof(client->mac)) ||
	    memcmp(message + COOKIE, cookie, sizeof(cookie)))
		return false;
	memcpy(&reply->address, message + YOUR_ADDRESS, 4);
	memcpy(&reply->boot_server, message + NEXT_SERVER, 4);
	if (!read_options(reply, message + OPTIONS, message + size))
		return false;
	reply->prefix_length = reply->mask ? dhcp_prefix_length(reply->mask) : 0;
	return true;
}
