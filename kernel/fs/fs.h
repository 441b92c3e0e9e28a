/*
 * Start-up of the file floor, in one call: caches, mounts, tmpfs, anonymous files, devfs and its
 * memory devices. From there on files can be opened, once a namespace has been made by
 * mount_ns_create_first().
 */
#pragma once

/* After the scheduler and memory; panics without memory. */
void fs_init(void);
