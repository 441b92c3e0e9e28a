/*
 * The start of this room, for net/netns.c, which knows nothing of lwIP.
 */
#pragma once

struct iface_table;

/* Of the first namespace. */
extern struct iface_table iface_table_initial;

/* Once, by net_init(), with lwIP ready: lo exists, and devices become interfaces. May sleep. */
void iface_init(void);
