/*
 * Packets in: where the stack hands over what is not TCP's, and what TCP's errors are. For this
 * folder alone. Everything here runs with core held.
 *
 * The stack asks a raw pcb of ours for each protocol that somebody wants, before it looks itself:
 * UDP, which ends here; ICMP, whose errors go to the
 * sockets that they are about; and those of raw sockets. What we do not take goes on in the stack.
 */
#pragma once

#include "net/inet/dgram.h"
#include "net/inet/errors.h"

/* Before the first socket: UDP and ICMP are seen. Core not held. ENOMEM. */
__must_check int inet_input_start(struct netns *netns);

/* From now on packets of the protocol are seen; counted. Core held. ENOMEM. */
__must_check int inet_input_add(int protocol);
void inet_input_remove(int protocol);

/* A packet, its IP header first. */
struct inet_packet {
	struct pbuf     *pbuf;
	const ip_addr_t *from, *to;
	uint32_t         iface;     /* index */
	uint32_t         transport; /* offset of the header behind IP's */
	uint8_t          protocol;
	bool             is_broadcast, is_multicast;
	bool             is_verified; /* its checksum needs no look */
};

/* All of UDP ends here. */
void udp_packet_input(const struct inet_packet *packet);
/* To all raw sockets of the protocol; copies. True if there was one. */
bool raw_input_sockets(const struct inet_packet *packet);
/* An echo reply to the ping socket that asked. */
void ping_input(const struct inet_packet *packet);

/* To the sender of a packet that nobody wants. */
void icmp_send_port_unreachable(const struct inet_packet *packet);

/* A message of ICMP: errors go to whom they are about. */
void icmp_input_errors(const struct inet_packet *packet);
/* Each says whether it is about a socket of ours. */
bool udp_error(const struct inet_error *error, const struct inet_quote *quote);
bool raw_error(const struct inet_error *error, const struct inet_quote *quote);
bool ping_error(const struct inet_error *error, const struct inet_quote *quote);
