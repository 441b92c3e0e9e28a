/*
 * Interfaces as names in a directory: /sys/class/net, /proc/sys/net/ipv4/conf and their kin. A
 * node's key is the index of its interface.
 */
#pragma once

#include "procfs/node.h"

/* struct directory's lookup, with the entry that an interface has there. ENOENT. May sleep. */
int iface_name_find(const struct entry *entry, const char *name, struct child *out);
/* And its next: false if there is none with an index of *key or more. May sleep. */
bool iface_name_next(uint64_t *key, char *name);
