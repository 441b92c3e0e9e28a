/*
 * The internet families AF_INET and AF_INET6, as the rest of the kernel sees them: their start, the
 * list of all sockets, and what may be set for the whole namespace. ip(7), ipv6(7), udp(7), raw(7)
 *
 * Nothing here knows the TCP/IP stack below: addresses are bytes in network order.
 *
 * What lies in between: inet_impl.h (for this folder alone) has the socket itself.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct netns;

/* Once, from net_init(): registers AF_INET and AF_INET6. */
void inet_init(void);

/* One socket in /proc/net/{tcp,udp,icmp,raw}{,6} and in answers of NETLINK_SOCK_DIAG. */
struct inet_entry {
	uint16_t family;      /* AF_INET, AF_INET6 */
	uint16_t type;        /* SOCK_* */
	uint16_t protocol;    /* IPPROTO_* */
	uint8_t  state;       /* as of enum in <netinet/tcp.h>: 1 established ... 7 closed */
	uint8_t  timer;       /* 0 none, 1 retransmission, 2 keep-alive, 3 TIME_WAIT, 4 probe */
	uint8_t  local[16], remote[16]; /* network order; AF_INET: the first four bytes */
	uint16_t local_port, remote_port;
	bool     v6_only;
	uint32_t send_queue, receive_queue; /* bytes; of a listener: its backlog, and who waits */
	ns_t     timer_left;
	uint32_t retransmits, probes;
	uint32_t uid;
	uint64_t ino, cookie; /* ino 0: no file any more */
	uint32_t refs;
	uint64_t drops;
	uint32_t bound_iface; /* index; 0: none */
	uint32_t shut;        /* 1: receiving, 2: sending has ended */
};

/*
 * Calls fn for each socket of the protocol (IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP for ping
 * sockets, IPPROTO_RAW for all raw ones) until it returns something else than 0, which is
 * the result. fn may sleep; a socket that comes or goes meanwhile is seen or not.
 */
int inet_for_each(struct netns *netns, int protocol,
                  int (*fn)(const struct inet_entry *entry, void *data), void *data);

/* Counters of /proc/net/snmp and netstat that lie above the stack. Read without a lock. */
struct inet_statistics {
	uint64_t udp_in, udp_no_ports, udp_in_errors, udp_out, udp_receive_errors, udp_send_errors;
	uint64_t udp_checksum_errors;
	uint64_t udp6_in, udp6_no_ports, udp6_in_errors, udp6_out, udp6_receive_errors;
	uint64_t udp6_send_errors, udp6_checksum_errors;
};
const struct inet_statistics *inet_statistics(const struct netns *netns);

/* What /proc/sys/net shows of this room; words that anybody reads and writes with WRITE_ONCE(). */
struct inet_settings {
	int32_t  ping_group_first, ping_group_last; /* net.ipv4.ping_group_range */
	uint32_t multicast_max;        /* net.ipv4.igmp_max_memberships */
	uint32_t default_ttl;          /* net.ipv4.ip_default_ttl */
	uint32_t default_hop_limit;    /* net.ipv6.conf.all.hop_limit */
	uint32_t v6_only;              /* net.ipv6.bindv6only */
	uint32_t nonlocal_bind;        /* net.ipv4.ip_nonlocal_bind */
};
struct inet_settings *inet_settings(struct netns *netns);

/* The same of ports (port.c). */
struct port_settings {
	uint32_t first, last;       /* ip_local_port_range */
	uint32_t unprivileged_first; /* ip_unprivileged_port_start */
};
struct port_settings *port_settings(struct netns *netns);
