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

/*
 * sysfs_block.c: a directory of block devices, by .dir = &sysfs_block_directory and the place that
 * it is in as .arg.
 */
struct place;
extern const struct directory sysfs_block_directory;
extern const struct place sysfs_in_devices, sysfs_in_root, sysfs_in_class, sysfs_in_dev;
#define SYSFS_BLOCK(place) \
	{ "block", S_IFDIR | 0755, .dir = &sysfs_block_directory, .arg = &(place) }

/* sysfs_net.c: interfaces, and links to them */
extern const struct directory sysfs_net_directory, sysfs_class_net_directory;

/* sysfs_pci.c: the root buses in /sys/devices, and /sys/bus/pci */
int sysfs_pci_root_lookup(const struct node *dir, const char *name, struct child *out);
const struct entry *sysfs_pci_root_next(const struct node *dir, uint64_t *key, char *name);
extern const struct directory sysfs_bus_pci_directory;
