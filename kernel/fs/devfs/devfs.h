/*
 * devfs (Linux calls it devtmpfs): one tmpfs instance whose nodes follow the devices that are
 * registered.
 */
#pragma once

#include "lib/types.h"

/*
 * Register the type "devtmpfs" and make the one instance; then every device registered gets its
 * node.
 */
int devfs_init(void);

/*
 * Make or remove a node, with the directories in its name ("pts/0" has its own file system;
 * "input/event0" not). mode has type and permissions. EEXIST is fine for add. May sleep.
 */
int devfs_add(const char *name, mode_t mode, dev_t dev);
void devfs_remove(const char *name);
