/*
 * What the files in a function's directory say and take, as Linux's do.
 */
#include <linux/errno.h>

#include "lib/parse.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "procfs/cpu_list.h"
#include "procfs/pci.h"

/* Of 6.1: six registers, the ROM, six of virtual functions, four windows. */
enum { LINUX_WINDOWS = 13, LINUX_RESOURCES = 17 };

typedef void (*show_fn)(struct pci_device *dev, struct text *text);

static int show_attribute(const struct node *node, struct text *text)
{
	struct pci_device *dev = pci_of_key(node->key);

	if (!dev)
		return -ENODEV;
	(*(const show_fn *)node->entry->arg)(dev, text);
	pci_device_put(dev);
	return 0;
}

static void put_class(struct pci_device *dev, struct text *text)
{
	text_printf(text, "0x%06x\n", dev->class_code);
}

static void put_vendor(struct pci_device *dev, struct text *text)
{
	text_printf(text, "0x%04x\n", dev->vendor);
}

static void put_device(struct pci_device *dev, struct text *text)
{
	text_printf(text, "0x%04x\n", dev->device);
}

static void put_subsystem_vendor(struct pci_device *dev, struct text *text)
{
	text_printf(text, "0x%04x\n", dev->subsystem_vendor);
}

static void put_subsystem_device(struct pci_device *dev, struct text *text)
{
	text_printf(text, "0x%04x\n", dev->subsystem_device);
}

static void put_revision(struct pci_device *dev, struct text *text)
{
	text_printf(text, "0x%02x\n", dev->revision);
}

/* By MSI the number of its interrupt, otherwise that of its line. */
static void put_irq(struct pci_device *dev, struct text *text)
{
	uint32_t number;

	if (!pci_message_number(dev, 0, &number) || !number || pci_messages_are_msix(dev))
		number = dev->irq;
	text_printf(text, "%u\n", number);
}

static void put_enable(struct pci_device *dev, struct text *text)
{
	text_printf(text, "%u\n", READ_ONCE(dev->enables));
}

static void put_power_state(struct pci_device *dev, struct text *text)
{
	text_puts(text, READ_ONCE(dev->enables) && dev->power ? "D0\n" : "unknown\n");
}

static void put_local_cpus(struct pci_device *dev, struct text *text)
{
	text_put_cpu_mask(text, cpus_online());
	text_puts(text, "\n");
}

static void put_local_cpulist(struct pci_device *dev, struct text *text)
{
	text_put_cpu_list(text, cpus_online());
	text_puts(text, "\n");
}

static void put_alias(struct pci_device *dev, struct text *text)
{
	text_printf(text, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", dev->vendor, dev->device,
	            dev->subsystem_vendor, dev->subsystem_device, dev->class_code >> 16,
	            dev->class_code >> 8 & 255, dev->class_code & 255);
}

static void put_uevent(struct pci_device *dev, struct text *text)
{
	const struct pci_driver *driver = READ_ONCE(dev->driver);
	char name[PCI_NAME_SIZE];

	if (driver)
		text_printf(text, "DRIVER=%s\n", driver->name);
	pci_name(dev, name);
	text_printf(text, "PCI_CLASS=%04X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\n"
	            "PCI_SLOT_NAME=%s\nMODALIAS=", dev->class_code, dev->vendor, dev->device,
	            dev->subsystem_vendor, dev->subsystem_device, name);
	put_alias(dev, text);
}

/* Linux's IORESOURCE_* with the lowest bits of the register. */
static uint32_t resource_flags(const struct pci_resource *resource, unsigned int index)
{
	uint32_t flags = resource->flags & PCI_RESOURCE_IO ? 0x100 : 0x200;

	flags |= resource->flags & PCI_RESOURCE_PREFETCH ? 0x2000 : 0;
	flags |= resource->flags & PCI_RESOURCE_64 ? 0x100000 : 0;
	flags |= resource->flags & PCI_RESOURCE_UNSET ? 0x20000000 : 0;
	if (index > PCI_ROM)
		return flags | (index == PCI_WINDOW_PREFETCH && flags & 0x100000 ? 1 : 0);
	flags |= 0x40000; /* aligned to its size */
	if (index == PCI_ROM)
		return flags | 0x4000 | (resource->flags & PCI_RESOURCE_ENABLED ? 1 : 0);
	if (resource->flags & PCI_RESOURCE_IO)
		return flags | 1;
	return flags | (flags & 0x2000 ? 8 : 0) | (flags & 0x100000 ? 4 : 0);
}

static void put_resource(struct text *text, const struct pci_resource *resource, unsigned int index)
{
	uint64_t start = resource->flags & PCI_RESOURCE_UNSET ? 0 : resource->start;

	if (resource->size)
		text_printf(text, "0x%016lx 0x%016lx 0x%016x\n", start, start + resource->size - 1,
		            resource_flags(resource, index));
	else
		text_puts(text, "0x0000000000000000 0x0000000000000000 0x0000000000000000\n");
}

/* Registers, the ROM, six of virtual functions that nobody has here, windows of bridges. */
static void put_resources(struct pci_device *dev, struct text *text)
{
	static const struct pci_resource nothing;
	unsigned int end = dev->below ? LINUX_RESOURCES : LINUX_WINDOWS;

	pci_resources_find(dev);
	for (unsigned int i = 0; i < end; i++) {
		unsigned int own = i > PCI_ROM ? i - LINUX_WINDOWS + PCI_WINDOW_IO : i;
		bool is_ours = i <= PCI_ROM || (i >= LINUX_WINDOWS && own < PCI_RESOURCES);

		put_resource(text, is_ours ? &dev->resources[own] : &nothing, own);
	}
}

static int show_fixed(const struct node *node, struct text *text)
{
	text_printf(text, "%s\n", (const char *)node->entry->arg);
	return 0;
}

static bool is_yes(const char *line)
{
	uint64_t value;

	return parse_u64(line, &value) == 0 && value != 0;
}

static int write_remove(const struct node *node, char *line, size_t len)
{
	struct pci_device *dev;

	if (!is_yes(line))
		return -EINVAL;
	dev = pci_of_key(node->key);
	if (!dev)
		return -ENODEV;
	pci_device_remove(dev);
	pci_device_put(dev);
	return 0;
}

int pci_write_rescan(const struct node *node, char *line, size_t len)
{
	if (!is_yes(line))
		return -EINVAL;
	pci_rescan();
	return 0;
}

/* ---- links --------------------------------------------------------------------------------- */

/* The way up to /sys from the directory of the function. */
static int link_up(const struct node *node, const char *rest, struct link_target *out)
{
	char ups[3 * PCI_DEPTH_MAX + 8] = "../../";
	struct pci_device *dev = pci_of_key(node->key), *parent;

	if (!dev)
		return -ENOENT;
	for (unsigned int depth = 0; dev && depth < PCI_DEPTH_MAX; depth++) {
		memcpy(ups + 6 + 3 * depth, "../", 4);
		parent = pci_device_parent(dev);
		pci_device_put(dev);
		dev = parent;
	}
	if (dev)
		pci_device_put(dev);
	return link_printf(out, "%s%s", ups, rest);
}

static int link_subsystem(const struct node *node, struct link_target *out)
{
	return link_up(node, "bus/pci", out);
}

int pci_link_driver(const struct node *node, struct link_target *out)
{
	struct pci_device *dev = pci_of_key(node->key);
	const struct pci_driver *driver = dev ? READ_ONCE(dev->driver) : NULL;
	char rest[64];

	if (dev)
		pci_device_put(dev);
	if (!driver)
		return -ENOENT;
	snprintf(rest, sizeof(rest), "bus/pci/drivers/%s", driver->name);
	return link_up(node, rest, out);
}

#define ATTRIBUTE(file_name, put) \
	{ file_name, S_IFREG | 0444, ENTRY_STRICT, .show = show_attribute, \
	  .arg = &(const show_fn){ put } }
#define FIXED(file_name, text) \
	{ file_name, S_IFREG | 0444, ENTRY_STRICT, .show = show_fixed, .arg = (text) }

const struct entry pci_attributes[PCI_ATTRIBUTES] = {
	FIXED("broken_parity_status", "0"),
	ATTRIBUTE("class", put_class),
	FIXED("consistent_dma_mask_bits", "64"),
	ATTRIBUTE("device", put_device),
	FIXED("dma_mask_bits", "64"),
	ATTRIBUTE("enable", put_enable),
	ATTRIBUTE("irq", put_irq),
	ATTRIBUTE("local_cpulist", put_local_cpulist),
	ATTRIBUTE("local_cpus", put_local_cpus),
	ATTRIBUTE("modalias", put_alias),
	FIXED("msi_bus", "1"),
	FIXED("numa_node", "-1"),
	ATTRIBUTE("power_state", put_power_state),
	{ "remove", S_IFREG | 0220, ENTRY_STRICT, .write = write_remove },
	{ "rescan", S_IFREG | 0200, ENTRY_STRICT, .write = pci_write_rescan },
	ATTRIBUTE("resource", put_resources),
	ATTRIBUTE("revision", put_revision),
	{ "subsystem", S_IFLNK | 0777, .link = link_subsystem },
	ATTRIBUTE("subsystem_device", put_subsystem_device),
	ATTRIBUTE("subsystem_vendor", put_subsystem_vendor),
	ATTRIBUTE("uevent", put_uevent),
	ATTRIBUTE("vendor", put_vendor),
};
