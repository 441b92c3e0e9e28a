/*
 * What the files of this folder share: struct inet_sock, which every socket of AF_INET and AF_INET6
 * begins with, and what TCP, UDP, raw and ping sockets have in common.
 *
 *     inet.c       families and their protocols, life of a socket, the list of all
 *     name.c       struct sockaddr_in and sockaddr_in6 <-> addresses of the stack
 *     route.c      where a packet goes, and from which address
 *     options*.c   SOL_IP and SOL_IPV6
 *     errors.c     SO_ERROR, the error queue, ICMP errors to the socket that they are about
 *     port.c       who has which port (TCP and UDP)
 *
 * An IPv4 address on a socket of AF_INET6 is kept as what it is, IPv4; the mapped form exists only
 * in names. The wildcard of an AF_INET6 socket that takes both is of IPADDR_TYPE_ANY.
 *
 * Locking: "core" is the stack's lock (stack_lock(), a spinlock). Addresses, ports, memberships and
 * the tables in which sockets are found change under it; whoever sends or receives a packet
 * holds it anyway. `lock` (RANK_SOCKET_QUEUE, inside core) is over queues between the stack and
 * readers. User memory is copied with neither. Options are single words, read without a lock.
 */
#pragma once

#include <lwip/ip_addr.h>

#include "core/spinlock.h"
#include "lib/atomic.h"
#include "lib/list.h"
#include "net/inet/inet.h"
#include "net/socket.h"
#include "sched/wait.h"

struct cred;
struct inet_memberships;
struct inet_sock;
struct ip_address;
struct message;
struct netif;
struct pbuf;

/* Bits of inet_sock->flags: options that are on or off. */
enum inet_flags {
	INET_V6_ONLY         = 1 << 0,
	INET_RECV_ERR        = 1 << 1,  /* IP_RECVERR */
	INET_RECV_ERR6       = 1 << 2,  /* IPV6_RECVERR */
	INET_PKTINFO         = 1 << 3,  /* IP_PKTINFO: messages tell where they came to */
	INET_PKTINFO6        = 1 << 4,  /* IPV6_RECVPKTINFO */
	INET_RECV_TTL        = 1 << 5,
	INET_RECV_HOPLIMIT   = 1 << 6,
	INET_RECV_TOS        = 1 << 7,
	INET_RECV_TCLASS     = 1 << 8,
	INET_RECV_ORIGDST    = 1 << 9,
	INET_RECV_ORIGDST6   = 1 << 10,
	INET_RECV_OPTS       = 1 << 11,
	INET_RET_OPTS        = 1 << 12,
	INET_HDRINCL         = 1 << 13,
	INET_FREEBIND        = 1 << 14,
	INET_TRANSPARENT     = 1 << 15,
	INET_MULTICAST_LOOP  = 1 << 16, /* what is sent comes back to this host */
	INET_MULTICAST_LOOP6 = 1 << 17,
	INET_MULTICAST_ALL   = 1 << 18, /* groups that others joined, too */
	INET_MULTICAST_ALL6  = 1 << 19,
	INET_BIND_NO_PORT    = 1 << 20, /* IP_BIND_ADDRESS_NO_PORT */
	INET_RECV_FLOWINFO   = 1 << 21,
	INET_FLOWINFO_SEND   = 1 << 22,
	INET_DONTFRAG6       = 1 << 23,
	INET_RECV_FRAGSIZE   = 1 << 24,
	INET_CHECKSUM_OFF    = 1 << 25, /* SO_NO_CHECK */
	INET_PATHMTU         = 1 << 26, /* IPV6_RECVPATHMTU */
	INET_RECV_HDRS       = 1 << 27, /* kept and read back: IPV6_RECVHOPOPTS ... */
	INET_NODEFRAG        = 1 << 28,
	INET_ROUTER_ALERT    = 1 << 29,
	INET_RECV_ERR_RFC    = 1 << 30,
	INET_RECV_HOPLIMIT_OLD = 1u << 31, /* IPV6_2292HOPLIMIT */
	INET_LOCAL_IS_BROADCAST = 1u << 31, /* bound to one: not a source */
};

enum { INET_NO_RECEIVE = 1 << 0, INET_NO_SEND = 1 << 1 };

enum { INET_IP_OPTIONS_MAX = 40 };

struct inet_protocol {
	uint16_t type;     /* SOCK_* */
	uint16_t protocol; /* IPPROTO_*; IPPROTO_IP: any */
	/* A socket with one reference. EPROTONOSUPPORT, EPERM, EACCES, ENOMEM. */
	int  (*create)(struct netns *netns, int family, int protocol, const struct cred *cred,
	               struct socket **out);
	/* Fills in what inet.c does not know: state, queues, timers. May take locks. */
	void (*describe)(struct inet_sock *sock, struct inet_entry *out);
};

/* An error that ICMP told us, or that the own host found while sending. */
struct inet_error {
	uint32_t  err;           /* an errno, positive */
	uint8_t   origin;        /* SO_EE_ORIGIN_* */
	uint8_t   type, code;    /* of ICMP */
	bool      is_hard;       /* it ends a connect; TCP: only while connecting */
	uint32_t  info;          /* the path's MTU for EMSGSIZE */
	ip_addr_t offender;      /* who says so */
	uint8_t   protocol;      /* of the packet it is about */
	ip_addr_t local, remote; /* of that packet: our address, and where it was going */
	uint16_t  local_port, remote_port; /* 0 for protocols without */
	uint32_t  iface;         /* index of where it came in */
};

struct inet_sock {
	struct socket     socket; /* first */
	struct spinlock   lock;   /* RANK_SOCKET_QUEUE */
	struct wait_queue readable, writable; /* keys EPOLL*; errors and ends wake both */
	const struct inet_protocol *inet_protocol __const_after_init;
	struct list       in_all __guarded_by(inet.lock);

	/* Where it is. An interface it is bound to (a scope, too): socket.bound_iface. */
	ip_addr_t         local, remote __guarded_by(core); /* wildcard: not bound, not connected */
	uint16_t          local_port, remote_port __guarded_by(core); /* host order; 0: none */
	uint32_t          shut __atomic;        /* INET_NO_* */
	int               error __atomic;       /* pending for SO_ERROR, positive */

	/* Options; -1: the default of the namespace or the route. */
	uint32_t          flags __atomic;       /* enum inet_flags */
	int16_t           ttl, hop_limit __atomic;
	int16_t           multicast_ttl, multicast_hops __atomic; /* -1 of IPv6: 1 */
	uint8_t           tos, traffic_class __atomic;
	uint8_t           pmtu_discover, pmtu_discover6 __atomic; /* IP_PMTUDISC_* */
	uint8_t           min_ttl __atomic;
	uint32_t          multicast_iface, multicast_iface6 __atomic; /* index; 0: by the route */
	uint32_t          unicast_iface __atomic;
	/* of IP_MULTICAST_IF; network order */
	uint32_t          multicast_source __guarded_by(core);
	uint32_t          flow_label __guarded_by(core);       /* of sin6_flowinfo; network order */
	uint8_t           ip_options[INET_IP_OPTIONS_MAX] __guarded_by(core);
	uint8_t           ip_options_size __guarded_by(core);
	struct inet_memberships *memberships __guarded_by(core); /* NULL: none */

	/* MSG_ERRQUEUE; NULL until IP_RECVERR is set. */
	struct list       errors __guarded_by(lock); /* struct queued_error */
	uint32_t          nr_errors __guarded_by(lock);
};

static inline struct inet_sock *to_inet(struct socket *socket)
{
	return container_of(socket, struct inet_sock, socket);
}

static inline bool inet_has(const struct inet_sock *sock, uint32_t flag)
{
	return READ_ONCE(sock->flags) & flag;
}

/* ---- inet.c ------------------------------------------------------------------------- */

/*
 * For create(): the common part of zeroed memory, with one reference; from here on it is in the
 * list of all. For free(): out of the list, and what lies in the common part is freed. No lock.
 */
void inet_sock_init(struct inet_sock *sock, const struct socket_ops *ops, struct netns *netns,
                    int family, int type, int protocol);
void inet_sock_fini(struct inet_sock *sock);

/* Wakes who waits for it, either way: an error, an end. Any context without these locks. */
void inet_wake_all(struct inet_sock *sock);

/* Operations of struct socket_ops that do the same for all. */
int  inet_name(struct socket *socket, bool of_peer, struct socket_name *out);
int  inet_take_error(struct socket *socket);
bool inet_is_not_listening(const struct socket *socket);
long inet_ioctl(struct socket *socket, unsigned int cmd, void *arg);

/* ---- name.c ------------------------------------------------------------------------- */

struct inet_address {
	ip_addr_t ip;      /* a link-local one of IPv6 with its zone, if the scope is known */
	uint16_t  port;    /* host order */
	uint32_t  iface;   /* index of sin6_scope_id; 0: none given */
	uint32_t  flow_label; /* network order */
};

/*
 * What connect(2) and sendto(2) are given, for this socket. A wildcard is told as the loopback
 * address, as Linux takes it. EINVAL: too short; EAFNOSUPPORT; ENETUNREACH: IPv4 on an AF_INET6
 * socket that is only IPv6.
 */
__must_check int inet_address_of_peer(const struct inet_sock *sock, const struct socket_name *name,
                                      struct inet_address *out);
/*
 * What bind(2) is given; the wildcard of an AF_INET6 socket is IPADDR_TYPE_ANY unless V6_ONLY.
 * EINVAL, EAFNOSUPPORT, EADDRNOTAVAIL: not an address of this host.
 */
__must_check int inet_address_of_bind(const struct inet_sock *sock, const struct socket_name *name,
                                      struct inet_address *out);
/* A name as a socket of this family tells it; port in host order. */
void inet_address_tell(const struct inet_sock *sock, const ip_addr_t *ip, uint16_t port,
                       struct socket_name *out);
/* As a socket of this family shows it: four bytes, or sixteen, IPv4 mapped. How many. */
size_t inet_address_bytes(const struct inet_sock *sock, const ip_addr_t *ip, uint8_t bytes[16]);
/* From four bytes, or sixteen; a mapped address becomes IPv4. */
void inet_address_from_bytes(const void *bytes, size_t size, ip_addr_t *out);
/* Is it the same, or `own` a wildcard for it? Zones aside. */
bool inet_address_matches(const ip_addr_t *own, const ip_addr_t *ip);
/* The scope of a link-local address in a name that was told. */
void inet_name_set_scope(struct socket_name *name, uint32_t index);
/* The zone of a link-local address that is valid on the interface, if there is such a one. */
void inet_address_set_scope(struct netns *netns, ip_addr_t *ip, uint32_t index);
/* The interface that has the address: its index, 0: none. Sleeps; no lock held. */
uint32_t inet_iface_of_address(struct netns *netns, const ip_addr_t *ip);
/* To and from what net/iface speaks. */
struct ip_address inet_to_ip_address(const ip_addr_t *ip);
void inet_from_ip_address(const struct ip_address *address, ip_addr_t *out);
/* The wildcard of a socket that is not bound, or not connected. */
void inet_address_any(const struct inet_sock *sock, ip_addr_t *out);

/* ---- route.c ------------------------------------------------------------------------ */

struct inet_route {
	struct netif *netif;  /* valid as long as core is held */
	uint32_t      iface;  /* its index */
	ip_addr_t     source; /* the socket's own, or what the route prefers */
	uint32_t      mtu;    /* of the path as far as known */
	bool          is_local, is_broadcast, is_multicast;
};

/*
 * The way to `to` for packets of the socket; source may be NULL or a wildcard. iface: index, or 0;
 * the socket's own bound interface comes before. Core held. ENETUNREACH, EHOSTUNREACH, EACCES
 * (prohibited, or broadcast without SO_BROADCAST), EINVAL (blackhole), EADDRNOTAVAIL.
 */
__must_check int inet_route(const struct inet_sock *sock, const ip_addr_t *to,
                            const ip_addr_t *source, uint32_t iface, struct inet_route *out);

/* ---- errors.c ----------------------------------------------------------------------- */

/* Takes what is pending: 0 or an errno, positive. */
static inline int inet_error_take(struct inet_sock *sock)
{
	return READ_ONCE(sock->error) ? atomic_xchg(&sock->error, 0) : 0;
}
/* Makes err (positive) pending and wakes. Any context without the socket's locks. */
void inet_error_post(struct inet_sock *sock, int err);
