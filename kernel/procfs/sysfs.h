/*
 * The /sys that programs read: CPUs, device classes, and the directories that others mount upon or
 * look for. A file system of its own, made from tables as /proc is.
 */
#pragma once

#include "procfs/node.h"

/* Registers the type. */
__must_check int sysfs_init(void);

extern const struct directory sysfs_cpu_directory;   /* sysfs_cpu.c */
extern const struct directory sysfs_node_directory;  /* sysfs_node.c */
extern const struct directory sysfs_class_directory; /* sysfs_class.c */
extern const struct directory sysfs_dev_directory;
