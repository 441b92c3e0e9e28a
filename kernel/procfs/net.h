/*
 * /proc/net: the files of pid_net.c's table by room. Formats are Linux 6.1's, field for field.
 *
 * Each function writes the whole file for one namespace; the caller keeps it. May sleep.
 */
#pragma once

struct netns;
struct text;

struct net_file {
	void (*show)(struct netns *netns, struct text *text);
};

/* net_devices.c */
void show_net_dev(struct netns *netns, struct text *text);
void show_net_if_inet6(struct netns *netns, struct text *text);

/* net_routes.c */
void show_net_route(struct netns *netns, struct text *text);
void show_net_ipv6_route(struct netns *netns, struct text *text);
void show_net_arp(struct netns *netns, struct text *text);

/* net_autoconf.c */
void show_net_pnp(struct netns *netns, struct text *text);

/* net_sockets.c */
void show_net_netlink(struct netns *netns, struct text *text);
void show_net_packet(struct netns *netns, struct text *text);

/* net_inet.c */
void show_net_tcp(struct netns *netns, struct text *text);
void show_net_tcp6(struct netns *netns, struct text *text);
void show_net_udp(struct netns *netns, struct text *text);
void show_net_udp6(struct netns *netns, struct text *text);
void show_net_icmp(struct netns *netns, struct text *text);
void show_net_icmp6(struct netns *netns, struct text *text);
void show_net_raw(struct netns *netns, struct text *text);
void show_net_raw6(struct netns *netns, struct text *text);

/* net_counters.c */
void show_net_snmp(struct netns *netns, struct text *text);
void show_net_snmp6(struct netns *netns, struct text *text);
void show_net_sockstat(struct netns *netns, struct text *text);
void show_net_sockstat6(struct netns *netns, struct text *text);
