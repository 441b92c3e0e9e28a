/*
 * Sockets of messages: what UDP, raw and ping sockets have in common. For this folder alone.
 *
 * A packet that the stack hands over is queued as it is: struct datagram refers to the pbuf, whose
 * headers are looked at again when it is read. The queue is bounded by SO_RCVBUF, what is in all
 * queues by a share of memory; what has no room is dropped and counted.
 *
 *     dgram.c          the queue, receiving, polling
 *     dgram_build.c    a user's bytes as a pbuf, with room for headers in front
 *     control.c        what goes beside a message
 *     output.c         the header of IP, and out
 *     udp*.c raw*.c ping.c
 *
 * Locking: inet.lock over the queue; a datagram off the queue belongs to who took it. Pbufs that
 * several datagrams share (multicast) are put under core.
 */
#pragma once

#include "lib/refcount.h"
#include "net/inet/inet_impl.h"

struct datagram {
	struct list     link;
	struct refcount refs;      /* the queue's, and those of who only looks */
	struct pbuf    *pbuf;      /* its payload is the IP header */
	uint32_t        iface;     /* index of where it came in */
	uint16_t        transport; /* offset of the header behind IP's */
	uint16_t        data;      /* offset of what a reader gets */
	uint32_t        charge;    /* for SO_RCVBUF */
	uint32_t        verdict;   /* bytes that a filter leaves, from `data` on */
	struct message_arrival arrival;
};

enum dgram_bound { DGRAM_BOUND_ADDRESS = 1 << 0, DGRAM_BOUND_PORT = 1 << 1 };

struct dgram_sock {
	struct inet_sock inet; /* first */
	struct list      queue __guarded_by(inet.lock); /* struct datagram */
	uint32_t         nr_queued, charged __guarded_by(inet.lock);
	uint32_t         bound __guarded_by(core); /* what bind(2) said: enum dgram_bound */
	bool             is_connected __guarded_by(core);
	bool             is_dead __guarded_by(core); /* takes no packets any more */
};

static inline struct dgram_sock *to_dgram(struct socket *socket)
{
	return container_of(socket, struct dgram_sock, inet.socket);
}

/* ---- dgram.c ------------------------------------------------------------------------ */

void dgram_init(struct dgram_sock *sock, const struct socket_ops *ops, struct netns *netns,
                int family, int type, int protocol);
void dgram_fini(struct dgram_sock *sock);

/*
 * A packet for the socket, with its IP header first; takes its own reference. Core held. False: no
 * room, or a filter refused it.
 */
bool dgram_queue(struct dgram_sock *sock, struct pbuf *pbuf, uint32_t transport, uint32_t data,
                 uint32_t iface);

ssize_t dgram_receive(struct socket *socket, struct message *message);
unsigned int dgram_poll(struct socket *socket, struct poller *poller);
long dgram_ioctl(struct socket *socket, unsigned int cmd, void *arg);
size_t dgram_footprint(const struct socket *socket);
void dgram_describe(struct inet_sock *sock, struct inet_entry *out);
/* Halves: ENOTCONN unless it is connected. */
int dgram_shutdown(struct socket *socket, bool read, bool write);

/* connect(2) to a name: checks, the route, the own address. Core held; port is the caller's. */
int dgram_connect_locked(struct dgram_sock *sock, const struct inet_address *to);
/* connect(2) with AF_UNSPEC: the peer is forgotten, and an address that nobody bound. Core held. */
void dgram_disconnect_locked(struct dgram_sock *sock);
/*
 * connect(2) and its undoing by AF_UNSPEC, through what the type does of its own; both with core
 * held. EINVAL: no name, errors of inet_address_of_peer(), and what they say.
 */
struct dgram_peering {
	int  (*connect)(struct dgram_sock *sock, const struct inet_address *to);
	void (*disconnect)(struct dgram_sock *sock);
};
__must_check int dgram_connect(struct socket *socket, const struct socket_name *name,
                               const struct dgram_peering *peering);
/* Does the socket take packets that come from and go to here, in at this interface? Core held. */
bool dgram_matches(const struct dgram_sock *sock, const ip_addr_t *to, const ip_addr_t *from,
                   uint32_t iface);

/* ---- dgram_build.c ------------------------------------------------------------------ */

enum { DGRAM_HEADER_ROOM = 128 }; /* Ethernet, IP with options, UDP */

/*
 * The next `size` bytes of uio in a pbuf, with DGRAM_HEADER_ROOM in front. ENOBUFS, EFAULT. May
 * sleep. pbuf_free() under core, or stack_pbuf_free().
 */
__must_check int dgram_build(struct uio *uio, size_t size, struct pbuf **out);

/* ---- control.c ---------------------------------------------------------------------- */

/* How one packet is sent: the socket's options, and what came beside the message. */
struct dgram_send {
	ip_addr_t to, source; /* source: wildcard for the socket's own choice */
	uint16_t  port;       /* of `to` */
	uint32_t  iface;      /* index; 0: by the socket and the route */
	int       ttl, tos;   /* -1: by the socket */
	int       dont_fragment; /* -1: by the socket */
	uint32_t  flow_label; /* network order */
	uint32_t  segment;    /* UDP_SEGMENT; 0: none */
	uint8_t   protocol;
};

/* The control data of a message into `send`, which is initialised. EINVAL, EPERM, ENODEV. */
__must_check int dgram_control_read(struct inet_sock *sock, const struct message *message,
                                    struct dgram_send *send);
/* What the socket's options want told beside this datagram. May sleep. */
void dgram_control_put(struct inet_sock *sock, const struct datagram *datagram,
                       struct message *message);
/* The addresses in a datagram's IP header; the port: of the sender, if UDP. */
void datagram_source(const struct datagram *datagram, ip_addr_t *from);
void datagram_target(const struct datagram *datagram, ip_addr_t *to);

/* ---- output.c ----------------------------------------------------------------------- */

/*
 * The way for what `send` says, with all that Linux checks before it makes a packet of `size` bytes
 * behind the IP header. Core held. Errors of inet_route(); a pending error; EPIPE; EMSGSIZE.
 */
__must_check int dgram_route_locked(struct inet_sock *sock, const struct dgram_send *send,
                                    size_t size, struct inet_route *route);
/*
 * The IP header in front of the packet, and out. Core held; the pbuf stays the caller's, who frees
 * it before he unlocks. 0, ENOBUFS.
 */
__must_check int dgram_output_locked(struct inet_sock *sock, const struct dgram_send *send,
                                     const struct inet_route *route, struct pbuf *packet);
/* A packet whose IP header is there already. */
__must_check int dgram_output_raw_locked(const struct inet_sock *sock,
                                         const struct inet_route *route, struct pbuf *packet);

/* ---- the types ---------------------------------------------------------------------- */

int udp_create(struct netns *netns, int family, int protocol, const struct cred *cred,
               struct socket **out);
int raw_create(struct netns *netns, int family, int protocol, const struct cred *cred,
               struct socket **out);
int ping_create(struct netns *netns, int family, int protocol, const struct cred *cred,
                struct socket **out);
