/*
 * Errors of sockets: what is pending for SO_ERROR, and the error queue of IP_RECVERR, which
 * recvmsg() with MSG_ERRQUEUE reads. ip(7), ipv6(7)
 *
 * Where they come from: messages of ICMP (icmp.c) that quote a packet which we sent, and the own
 * host that finds a packet too large.
 */
#pragma once

#include "net/inet/inet_impl.h"

struct dgram_send;

/* What ICMP quotes of the packet: for who reads the error. */
struct inet_quote {
	const void *bytes;
	uint32_t    size;
};

/* Into the queue; a copy. Core held or not; no sleep. What has no room is lost. */
void inet_error_queue(struct inet_sock *sock, const struct inet_error *error,
                      const struct inet_quote *quote);
/* EMSGSIZE of the own host, if the socket wants to know. */
void inet_error_queue_local(struct inet_sock *sock, int err, const struct dgram_send *send,
                            uint32_t info);
/* recvmsg() with MSG_ERRQUEUE: EAGAIN without any. */
ssize_t inet_errors_receive(struct inet_sock *sock, struct message *message);
void inet_errors_clear(struct inet_sock *sock);
/* Does the socket want to know what happens to packets that went to such an address? */
static inline bool inet_wants_errors(const struct inet_sock *sock, const ip_addr_t *remote)
{
	return inet_has(sock, IP_IS_V4(remote) ? INET_RECV_ERR : INET_RECV_ERR6);
}
