/*
 * packets.h - a hostile neighbour: Ethernet frames as networks know them, and spoilt.
 *
 * packet_next() makes a frame of some kind (ARP, IPv4 with options, fragments, ICMP that quotes,
 * IGMP, UDP, DHCP, DNS, TCP in every state, IPv6 with its headers, neighbour discovery, rubbish),
 * half of them mutated, most of those with checksums made right again, so that they come far. It
 * needs to know what the target sends: packet_heard() learns its sequence numbers from it, and
 * gives back what a decent neighbour would answer (ARP, neighbour solicitations). All depends on
 * the seed and on what is heard.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACKET_MAX = 2048, PACKET_FLOWS = 24, PACKET_PORTS = 4 };

/* A TCP connection as we see it. */
struct packet_flow {
	bool     six, live;
	uint16_t own_port, port;
	uint32_t seq, ack;
};

struct packets {
	uint64_t random;
	uint8_t  own_mac[6], mac[6];              /* the target's: mac, ip4, ip6, link_local */
	uint8_t  own_ip4[4], ip4[4];
	uint8_t  own_ip6[16], ip6[16], link_local[16];
	uint16_t ports[PACKET_PORTS];             /* at which the target listens */
	struct packet_flow flows[PACKET_FLOWS];
	uint64_t nr_sent, nr_mutated, nr_live;
};

/* A target at 10.77.0.2 and fd00:77::2, we at .1 and ::1, with these ports. */
void packets_init(struct packets *packets, uint64_t seed, const uint8_t mac[6],
                  const uint16_t ports[PACKET_PORTS]);

/* The next frame; its size. */
size_t packet_next(struct packets *packets, uint8_t frame[PACKET_MAX]);

/* Only SYNs from many addresses, to the first port; its size. */
size_t packet_flood(struct packets *packets, uint8_t frame[PACKET_MAX]);

/* What the target sent; the size of the answer in frame, or 0. */
size_t packet_heard(struct packets *packets, const uint8_t *heard, size_t size,
                    uint8_t frame[PACKET_MAX]);

/* Uniform below limit, which is not 0. */
uint32_t packet_random(struct packets *packets, uint32_t limit);
