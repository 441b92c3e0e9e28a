/*
 * Configuration space as a file, and /proc/bus/pci (proc(5)): what lspci(8) reads.
 *
 * Only who may do anything reads more than the first 64 bytes, as on Linux: some registers change
 * when they are read.
 */
#include "procfs/pci.h"

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/pci_regs.h>

#include "fs/file.h"
#include "id/cred.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "procfs/root.h"
#include "vm/uio.h"

enum { OPEN_BYTES = 64, CHUNK = 64, BUS_NAME_SIZE = 8 };

struct pci_device *pci_from_key(uint64_t key)
{
	struct pci_device *dev = pci_device_next(NULL);

	while (dev && pci_key(dev) < key)
		dev = pci_device_next(dev);
	return dev;
}

bool pci_is_there(void)
{
	struct pci_device *dev = pci_device_next(NULL);

	if (dev)
		pci_device_put(dev);
	return dev;
}

/* ---- configuration space ------------------------------------------------------------------- */

/* The widest access that is aligned and fits. */
static uint32_t width_at(uint32_t at, size_t n)
{
	return at % 4 == 0 && n >= 4 ? 4 : at % 2 == 0 && n >= 2 ? 2 : 1;
}

static void read_bytes(struct pci_device *dev, uint32_t at, uint8_t *bytes, size_t n)
{
	for (uint32_t width; n > 0; at += width, bytes += width, n -= width) {
		uint32_t value;

		width = width_at(at, n);
		value = width == 4 ? pci_read32(dev, at) : width == 2 ? pci_read16(dev, at)
		                                                      : pci_read8(dev, at);
		memcpy(bytes, &value, width);
	}
}

static void write_bytes(struct pci_device *dev, uint32_t at, const uint8_t *bytes, size_t n)
{
	for (uint32_t width; n > 0; at += width, bytes += width, n -= width) {
		uint32_t value = 0;

		width = width_at(at, n);
		memcpy(&value, bytes, width);
		if (width == 4)
			pci_write32(dev, at, value);
		else if (width == 2)
			pci_write16(dev, at, (uint16_t)value);
		else
			pci_write8(dev, at, (uint8_t)value);
	}
}

/* How much of the I/O lies within the first `end` bytes. */
static size_t bytes_within(const struct io *io, uint32_t end)
{
	if (io->position < 0 || io->position >= (pos_t)end)
		return 0;
	return min(io->uio->remaining, (size_t)(end - io->position));
}

static ssize_t config_read(struct io *io)
{
	struct pci_device *dev = pci_of_key(to_node(io->file->inode)->key);
	uint8_t bytes[CHUNK];
	ssize_t done = 0;
	size_t left;

	if (!dev)
		return -ENODEV;
	left = bytes_within(io, cred_capable(io->file->cred, CAP_SYS_ADMIN) ? dev->config_size
	                                                                    : OPEN_BYTES);
	while (left > 0) {
		size_t n = min(left, sizeof(bytes)), copied;

		read_bytes(dev, (uint32_t)io->position, bytes, n);
		copied = uio_copy_out(io->uio, bytes, n);
		io->position += (pos_t)copied;
		done += (ssize_t)copied;
		left -= copied;
		if (copied < n)
			break;
	}
	pci_device_put(dev);
	return done || !left ? done : -EFAULT;
}

static ssize_t config_write(struct io *io)
{
	struct pci_device *dev = pci_of_key(to_node(io->file->inode)->key);
	uint8_t bytes[CHUNK];
	ssize_t done = 0;
	size_t left;

	if (!dev)
		return -ENODEV;
	left = bytes_within(io, dev->config_size);
	while (left > 0) {
		size_t n = min(left, sizeof(bytes)), copied = uio_copy_in(io->uio, bytes, n);

		write_bytes(dev, (uint32_t)io->position, bytes, copied);
		io->position += (pos_t)copied;
		done += (ssize_t)copied;
		left -= copied;
		if (copied < n)
			break;
	}
	pci_device_put(dev);
	return done || !left ? done : -EFAULT;
}

static pos_t config_seek(struct file *file, pos_t offset, int whence)
{
	return file_seek_size(file, offset, whence, (pos_t)file->inode->size);
}

const struct file_ops pci_config_file_ops = {
	.read = config_read,
	.write = config_write,
	.seek = config_seek,
};

/* ---- /proc/bus/pci ------------------------------------------------------------------------- */

/* As the register shows it: the address with the kind in the lowest bits. */
static uint64_t register_of(const struct pci_resource *resource, bool is_rom)
{
	uint32_t flags = resource->flags;
	uint64_t value = resource->start;

	if (!resource->size)
		return 0;
	if (is_rom)
		return value | (flags & PCI_RESOURCE_ENABLED ? PCI_ROM_ADDRESS_ENABLE : 0);
	if (flags & PCI_RESOURCE_IO)
		return value | PCI_BASE_ADDRESS_SPACE_IO;
	value |= flags & PCI_RESOURCE_64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0;
	return value | (flags & PCI_RESOURCE_PREFETCH ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
}

static int show_devices_of_bus(const struct node *node, struct text *text)
{
	for (struct pci_device *dev = pci_device_next(NULL); dev; dev = pci_device_next(dev)) {
		const struct pci_driver *driver = READ_ONCE(dev->driver);

		pci_resources_find(dev);
		text_printf(text, "%02x%02x\t%04x%04x\t%x", dev->bus->number, dev->devfn,
		            dev->vendor, dev->device, dev->irq);
		for (unsigned int i = 0; i <= PCI_ROM; i++)
			text_printf(text, "\t%16lx", register_of(&dev->resources[i], i == PCI_ROM));
		for (unsigned int i = 0; i <= PCI_ROM; i++)
			text_printf(text, "\t%16lx", dev->resources[i].size);
		text_printf(text, "\t%s\n", driver ? driver->name : "");
	}
	return 0;
}

static const struct entry config_entry = {
	"config", S_IFREG | 0644, .ops = &pci_config_file_ops,
};

static int function_lookup(const struct node *dir, const char *name, struct child *out)
{
	char own[NODE_NAME_MAX];
	struct pci_device *dev;

	for (uint64_t devfn = 0; devfn < 256; devfn++) {
		snprintf(own, sizeof(own), "%02lx.%lu", devfn >> 3, devfn & 7);
		if (strcmp(own, name))
			continue;
		dev = pci_of_key(dir->key | devfn);
		if (!dev)
			return -ENOENT;
		*out = (struct child){
			.entry = &config_entry, .key = dir->key | devfn, .size = dev->config_size,
		};
		pci_device_put(dev);
		return 0;
	}
	return -ENOENT;
}

static const struct entry *function_next(const struct node *dir, uint64_t *key, char *name)
{
	struct pci_device *dev = *key < 256 ? pci_from_key(dir->key | *key) : NULL;

	if (!dev)
		return NULL;
	*key = pci_key(dev) & 255;
	bool is_here = (pci_key(dev) & ~255ul) == dir->key;

	pci_device_put(dev);
	if (!is_here)
		return NULL;
	snprintf(name, NODE_NAME_MAX, "%02lx.%lu", *key >> 3, *key & 7);
	return &config_entry;
}

static const struct directory functions = { .lookup = function_lookup, .next = function_next };
static const struct entry bus_entry = { "bus", S_IFDIR | 0555, .dir = &functions };

/* The key of a bus is that of a function 0.0 on it. */
static void put_bus_name(char *name, uint64_t key)
{
	if (key >> 16)
		snprintf(name, NODE_NAME_MAX, "%04lx:%02lx", key >> 16, key >> 8 & 255);
	else
		snprintf(name, NODE_NAME_MAX, "%02lx", key >> 8);
}

static const struct entry *bus_next(const struct node *dir, uint64_t *key, char *name)
{
	/* keys count buses: those of two functions on one bus are one */
	struct pci_device *dev = pci_from_key(*key << 8);

	if (!dev)
		return NULL;
	*key = pci_key(dev) >> 8;
	pci_device_put(dev);
	put_bus_name(name, *key << 8);
	return &bus_entry;
}

static int bus_lookup(const struct node *dir, const char *name, struct child *out)
{
	char own[NODE_NAME_MAX];

	for (uint64_t key = 0; bus_next(dir, &key, own); key++) {
		if (strcmp(own, name))
			continue;
		*out = (struct child){ .entry = &bus_entry, .key = key << 8 };
		return 0;
	}
	return -ENOENT;
}

static const struct entry pci_entries[] = {
	{ "devices", S_IFREG | 0444, .show = show_devices_of_bus },
};
static const struct directory pci_directory = {
	.entries = pci_entries,
	.count = array_size(pci_entries),
	.lookup = bus_lookup,
	.next = bus_next,
};

static const struct entry bus_entries[] = {
	{ "pci", S_IFDIR | 0555, .dir = &pci_directory },
};
const struct directory proc_bus_directory = DIRECTORY(bus_entries);
