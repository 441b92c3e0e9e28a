/*
 * UDP sockets, for udp.c (life, names, options), udp_table.c (who gets what), udp_send.c. udp(7)
 *
 * A socket with a port is in a table by its port, from which packets and errors find it.
 */
#pragma once

#include "lib/hlist.h"
#include "net/inet/dgram.h"
#include "net/inet/port.h"

struct udp_sock {
	struct dgram_sock  dgram; /* first */
	struct hlist_node  in_table __guarded_by(core);
	struct port_use    port __guarded_by(core);
	bool               wants_cork __atomic;   /* UDP_CORK */
	bool               no_check6 __atomic;    /* UDP_NO_CHECK6_TX */
	bool               takes_unchecked6 __atomic; /* UDP_NO_CHECK6_RX */
	bool               wants_gro __atomic;    /* UDP_GRO: kept; packets come one by one */
	uint32_t           segment __atomic;      /* UDP_SEGMENT; 0: none */
	struct pbuf       *corked __guarded_by(core); /* what waits for more; NULL: nothing */
	struct dgram_send  corked_send __guarded_by(core);
};

static inline struct udp_sock *to_udp(struct socket *socket)
{
	return container_of(socket, struct udp_sock, dgram.inet.socket);
}

/* ---- udp_table.c; core held --------------------------------------------------------- */

/* ENOMEM: the table itself, with the first socket. */
__must_check int udp_table_add(struct udp_sock *sock);
void udp_table_remove(struct udp_sock *sock);

/* ---- udp.c -------------------------------------------------------------------------- */

/* A port for a socket that has none. Core held. EAGAIN: none is free. */
__must_check int udp_autobind_locked(struct udp_sock *sock);

/* ---- udp_send.c --------------------------------------------------------------------- */

ssize_t udp_message_send(struct socket *socket, struct message *message);
/* What waits for more goes now, or never. Core held. */
int udp_uncork_locked(struct udp_sock *sock);
void udp_cork_drop_locked(struct udp_sock *sock);

extern struct inet_statistics udp_statistics __atomic;
