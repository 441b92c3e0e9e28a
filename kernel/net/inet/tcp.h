/*
 * TCP sockets, as the rest of this folder sees them. tcp(7)
 *
 * The body: tcp_impl.h says which file has what.
 */
#pragma once

#include "lib/types.h"

struct cred;
struct inet_entry;
struct inet_error;
struct inet_sock;
struct netns;
struct socket;

/* For the table of protocols of inet.c. */
int  tcp_create(struct netns *netns, int family, int protocol, const struct cred *cred,
                struct socket **out);
void tcp_describe(struct inet_sock *sock, struct inet_entry *out);

/*
 * ICMP, or the own host, says that a packet of ours did not arrive: a connect(2) in progress ends
 * with that error. Core held.
 */
void tcp_unreachable(struct netns *netns, const struct inet_error *error);

/*
 * What no socket has any more, but still a port: connections in TIME_WAIT, and half-open ones.
 * Calls fn as inet_for_each() does; takes core, but not around fn.
 */
int tcp_for_each_remnant(struct netns *netns,
                         int (*fn)(const struct inet_entry *entry, void *data), void *data);
