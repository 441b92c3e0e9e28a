/*
 * Sockets between processes of one machine: unix(7). The family AF_UNIX of net/socket.h.
 */
#pragma once

/* Registers the family; once. */
void unix_init(void);

/*
 * A descriptor of a socket was closed: sockets that now only lie in each other's queues are soon
 * freed. Any context.
 */
void unix_collect_later(void);
