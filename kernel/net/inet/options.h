/*
 * Options of SOL_IP and SOL_IPV6, which all types of sockets have. ip(7), ipv6(7)
 *
 *     options.c     which level; what is one bit; SOL_IP
 *     options6.c    SOL_IPV6
 *     options_multicast.c  groups, for both
 */
#pragma once

#include "net/inet/inet_impl.h"

/* Options that are one bit of inet_sock->flags. */
struct inet_flag_option {
	int      name;
	uint32_t flag;
};

/*
 * For struct socket_ops, or for what a protocol does not know itself: ENOPROTOOPT for levels and
 * options that there are not.
 */
int inet_set_option(struct socket *socket, const struct socket_option *option);
int inet_get_option(struct socket *socket, struct socket_option *option);

/* ---- between the files -------------------------------------------------------------- */

int inet6_set_option(struct inet_sock *sock, const struct socket_option *option);
int inet6_get_option(struct inet_sock *sock, struct socket_option *option);
/* ENOPROTOOPT: none of the group options. */
int inet_set_multicast_option(struct inet_sock *sock, const struct socket_option *option);
int inet6_set_multicast_option(struct inet_sock *sock, const struct socket_option *option);

/* The entry's bit, 0: it is not in the table. */
uint32_t inet_flag_of(const struct inet_flag_option *table, size_t nr, int name);
void inet_flag_set(struct inet_sock *sock, uint32_t flag, bool on);
/* The MTU of the way to the peer. ENOTCONN. */
int inet_peer_mtu(struct inet_sock *sock, uint32_t *mtu);
/* May this socket send from there: an interface that exists, and that it is bound to, if it is? */
int inet_iface_check(const struct inet_sock *sock, uint32_t index, int err);
