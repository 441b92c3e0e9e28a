/*
 * Filters of sockets: SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_LOCK_FILTER, SO_GET_FILTER of
 * socket(7). A filter sees each packet before it is queued, and says how much of it is.
 *
 * A family asks where a packet comes in, in any context:
 *
 *     if (socket_has_filter(socket)) {
 *             struct bpf_packet packet = { ... };
 *             keep = socket_filter_run(socket, &packet);
 *             if (!keep) drop; else cut what is behind `keep` bytes
 *     }
 *
 * Locking: the filter is read under RCU and freed after a grace period; whoever attaches or
 * detaches exchanges the pointer.
 */
#pragma once

#include "net/filter/bpf.h"
#include "net/socket.h"

static inline bool socket_has_filter(const struct socket *socket)
{
	return READ_ONCE(socket->filter);
}

/*
 * Bytes of the packet that are wanted, from packet->data on, at most those there are; 0: it is to
 * be dropped. All, without a filter. Any context.
 */
uint32_t socket_filter_run(const struct socket *socket, const struct bpf_packet *packet);
/* The same for a message whose bytes all lie at `bytes`, with no network around it. */
uint32_t socket_filter_bytes(const struct socket *socket, const void *bytes, uint32_t size);

/* The socket goes: socket_fini() calls it. */
void socket_filter_free(struct socket *socket);

/*
 * The options. The option's bytes are instructions. EINVAL, EPERM (locked), ENOMEM, ENOENT;
 * ENOPROTOOPT for TCP, whose segments nobody can look at.
 */
int __must_check socket_filter_attach(struct socket *socket, const struct socket_option *option);
int __must_check socket_filter_detach(struct socket *socket);
int socket_filter_get(struct socket *socket, struct socket_option *option);
