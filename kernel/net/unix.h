/*
 * Sockets between processes of one machine: unix(7). The family AF_UNIX of net/socket.h.
 */
#pragma once

#include "net/socket.h"

struct netns;

/* Registers the family; once. */
void unix_init(void);

/*
 * A descriptor of a socket was closed: sockets that now only lie in each other's queues are soon
 * freed. Any context.
 */
void unix_collect_later(void);

/* A socket as /proc/net/unix shows it. */
struct unix_info {
	uint32_t           refs;
	uint16_t           type;
	bool               is_dead, is_listening, is_connected;
	ino_t              ino; /* of its open file; 0: none, or none yet */
	ino_t              peer_ino; /* the same of its peer; 0: none */
	uint64_t           cookie;
	/* bytes that can be read at once; of a listener: connections that wait */
	uint32_t           queued;
	struct socket_name name;
};

/* Calls fn for every socket of the namespace, without locks; new ones may be missed. */
void unix_for_each(const struct netns *netns, void (*fn)(const struct unix_info *info, void *data),
		   void *data);
