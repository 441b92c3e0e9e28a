/*
 * Sockets between processes of one machine: unix(7). The family AF_UNIX of net/socket.h.
 */
#pragma once

/* Registers the family; once. */
void unix_init(void);
