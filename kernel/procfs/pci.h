/*
 * Functions on PCI as nodes are about them: by a key that says segment, bus, device and function.
 */
#pragma once

#include "dev/pci.h"
#include "procfs/node.h"

static inline uint64_t pci_key(const struct pci_device *dev)
{
	return (uint64_t)dev->bus->segment << 16 | (uint64_t)dev->bus->number << 8 | dev->devfn;
}

/* With a reference; NULL: it is gone. */
static inline struct pci_device *pci_of_key(uint64_t key)
{
	return pci_device_lookup((uint16_t)(key >> 16), (uint8_t)(key >> 8), (uint8_t)key);
}

/* The first function whose key is at least this, with a reference; NULL: no more. */
struct pci_device *pci_from_key(uint64_t key);

/* Files that are configuration space: nodes whose key is a function's. */
extern const struct file_ops pci_config_file_ops;

/* sysfs_pci_attributes.c: the files of a function's directory that are always there */
enum { PCI_ATTRIBUTES = 22, PCI_DEPTH_MAX = 18 };
extern const struct entry pci_attributes[PCI_ATTRIBUTES];
int pci_link_driver(const struct node *node, struct link_target *out);
int pci_write_rescan(const struct node *node, char *line, size_t len);
