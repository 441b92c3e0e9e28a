/*
 * Packet sockets: frames of interfaces as they are. packet(7)
 *
 * SOCK_RAW with the header of the link, SOCK_DGRAM without, SOCK_PACKET as long ago. They need
 * CAP_NET_RAW.
 */
#pragma once

#include "lib/types.h"

struct netns;

/* Once, with interfaces ready: registers AF_PACKET. */
void packet_init(void);

/* A socket as /proc/net/packet shows it. */
struct packet_entry {
	uint32_t refs;
	uint16_t type;
	uint16_t protocol; /* ETH_P_*, host order */
	uint32_t iface;    /* index; 0: all */
	bool     is_running;
	uint64_t queued;   /* bytes of memory in its queue */
	uid_t    uid;
	ino_t    ino;
};

/* Calls fn for each until it returns something else than 0, which is the result. fn may sleep. */
int packet_for_each(struct netns *netns, int (*fn)(const struct packet_entry *entry, void *data),
                    void *data);
