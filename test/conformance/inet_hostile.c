/*
 * Packets that mean no good, over loopback: spoilt ones of IPv4 and IPv6, of UDP, ICMP, IGMP, TCP
 * and others, whole and in pieces, by raw sockets with headers of their own. Afterwards everything
 * works as before.
 */
#define _GNU_SOURCE
#include "inet.h"

#include <netinet/ip.h>

enum { PACKETS = 3000, SIZE_MAX_SENT = 600 };

static uint64_t seed = 0x9e3779b97f4a7c15ull;
static uint8_t packet[SIZE_MAX_SENT], buffer[70000];
static uint16_t ports[2];

static uint32_t random_below(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 20) % below;
}

static void store16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static size_t header4(uint8_t *at, uint8_t protocol, size_t size)
{
	static const uint8_t from_to[] = { 127, 0, 0, 1, 127, 0, 0, 1 };

	memset(at, 0, 20);
	at[0] = 0x45;
	store16(at + 2, (uint32_t)(20 + size));
	at[8] = 64;
	at[9] = protocol;
	memcpy(at + 12, from_to, 8);
	return 20;
}

static size_t header6(uint8_t *at, uint8_t protocol, size_t size)
{
	memset(at, 0, 40);
	at[0] = 0x60;
	store16(at + 4, (uint32_t)size);
	at[6] = protocol;
	at[7] = 64;
	at[23] = at[39] = 1;
	return 40;
}

/* A datagram between our two sockets. */
static size_t udp_make(uint8_t *at, size_t data)
{
	store16(at, ports[random_below(2)]);
	store16(at + 2, ports[random_below(2)]);
	store16(at + 4, (uint32_t)(8 + data));
	store16(at + 6, 0);
	return 8 + data;
}

/* A message of ICMP that quotes one of them. */
static size_t icmp_make(uint8_t *at, bool is_v6)
{
	static const uint8_t types4[] = { 0, 3, 3, 3, 4, 5, 8, 11, 12, 13 };
	static const uint8_t types6[] = { 1, 1, 2, 3, 4, 128, 129, 130, 133, 134, 135, 136, 137 };
	size_t header;

	memset(at, 0, 8);
	at[0] = is_v6 ? types6[random_below(sizeof(types6))] : types4[random_below(sizeof(types4))];
	at[1] = (uint8_t)random_below(8);
	store16(at + 6, random_below(2000));
	header = is_v6 ? header6(at + 8, IPPROTO_UDP, 20) : header4(at + 8, IPPROTO_UDP, 20);
	return 8 + header + udp_make(at + 8 + header, 12);
}

static size_t packet_make(bool is_v6)
{
	static const uint8_t others[] = { 0, 1, 2, 4, 6, 17, 41, 43, 44, 50, 58, 59, 60, 136, 255 };
	size_t header = is_v6 ? 40 : 20, size;
	uint8_t protocol = IPPROTO_UDP;

	for (size_t i = 0; i < sizeof(packet); i++)
		packet[i] = (uint8_t)random_below(256);
	switch (random_below(4)) {
	case 0:
		size = udp_make(packet + header, random_below(400));
		break;
	case 1:
		protocol = is_v6 ? 58 : IPPROTO_ICMP;
		size = icmp_make(packet + header, is_v6);
		break;
	default:
		protocol = others[random_below(sizeof(others))];
		size = random_below(500);
	}
	if (is_v6)
		header6(packet, protocol, size);
	else
		header4(packet, protocol, size);
	return header + size;
}

/* Some bytes become others, but not whom it is for. */
static void packet_spoil(size_t size, bool is_v6)
{
	size_t target = is_v6 ? 24 : 16, end = is_v6 ? 40 : 20;

	for (uint32_t n = random_below(4); n; n--) {
		size_t at = random_below((uint32_t)size);

		if (at == 0 || (at >= target && at < end))
			continue;
		packet[at] = (uint8_t)random_below(256);
	}
	if (!is_v6 && !random_below(4))
		store16(packet + 6, random_below(64) | (random_below(2) ? 0x2000 : 0));
	if (!is_v6 && !random_below(8))
		packet[0] = (uint8_t)(0x40 | random_below(16));
}

static void drain(const int *socks, size_t nr)
{
	struct msghdr message;
	struct iovec part = { buffer, sizeof(buffer) };
	char control[256];

	for (size_t i = 0; i < nr; i++) {
		for (int n = 0; n < 8; n++) {
			message = (struct msghdr){ .msg_iov = &part, .msg_iovlen = 1,
				                   .msg_control = control,
				                   .msg_controllen = sizeof(control) };
			recvmsg(socks[i], &message, MSG_DONTWAIT | (n & 1 ? MSG_ERRQUEUE : 0));
		}
	}
}

static void storm(int raw, bool is_v6, const int *socks, size_t nr)
{
	struct sockaddr_in name = v4("127.0.0.1", 0);
	struct sockaddr_in6 name6 = v6("::1", 0);

	for (int i = 0; i < PACKETS; i++) {
		size_t size = packet_make(is_v6);

		packet_spoil(size, is_v6);
		if (is_v6)
			sendto(raw, packet, size, MSG_DONTWAIT, NAME(name6));
		else
			sendto(raw, packet, size, MSG_DONTWAIT, NAME(name));
		if (i % 16 == 0)
			drain(socks, nr);
	}
}

static void test_after(void)
{
	int a = bound4(SOCK_DGRAM, "127.0.0.1"), b = bound6(SOCK_DGRAM, "::1");
	struct sockaddr_in name = v4("127.0.0.1", port_of(a));
	struct sockaddr_in6 name6 = v6("::1", port_of(b));

	CHECK_EQ(udp_works, sendto(a, "x", 1, 0, NAME(name)) == 1 && recv(a, buffer, 9, 0) == 1, 1);
	CHECK_EQ(udp6_works, sendto(b, "x", 1, 0, NAME(name6)) == 1 && recv(b, buffer, 9, 0) == 1,
	         1);
	CHECK_EQ(large_ones_work, sendto(a, buffer, 60000, 0, NAME(name)) == 60000 &&
	         recv(a, buffer, sizeof(buffer), 0) == 60000, 1);
	close(a);
	close(b);
}

int main(void)
{
	int raw, socks[6];

	loopback_up();
	socks[0] = bound4(SOCK_DGRAM, "127.0.0.1");
	socks[1] = bound4(SOCK_DGRAM, "127.0.0.1");
	ports[0] = port_of(socks[0]);
	ports[1] = port_of(socks[1]);
	option_set(socks[0], SOL_IP, IP_RECVERR, 1);
	socks[2] = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 name6 = v6("::1", ports[0]);

	bind(socks[2], NAME(name6));
	option_set(socks[2], SOL_IPV6, IPV6_RECVERR, 1);
	socks[3] = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	option_set(socks[3], SOL_IP, IP_RECVERR, 1);
	socks[4] = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	socks[5] = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);

	raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	storm(raw, false, socks, 6);
	close(raw);
	raw = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
	storm(raw, true, socks, 6);
	CHECK_ERRNO(a_short_header, sendto(raw, packet, 39, 0, NAME(name6)), EINVAL);
	close(raw);
	for (int i = 0; i < 6; i++)
		close(socks[i]);
	test_after();
	return 0;
}
