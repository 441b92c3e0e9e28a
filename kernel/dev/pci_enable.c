/*
 * A function is turned on and off, its registers are mapped, it is reset.
 */
#define pr_fmt(fmt) "pci: " fmt

#include <linux/errno.h>
#include <linux/pci_regs.h>

#include <arch/io.h>

#include "core/panic.h"
#include "core/printk.h"
#include "dev/pci_impl.h"
#include "lib/math.h"
#include "mem/memmap.h"
#include "sched/clock.h"
#include "sched/wait.h"

#define SETTLE_POWER_NS (10 * NS_PER_MSEC)  /* between power states */
#define SETTLE_RESET_NS (100 * NS_PER_MSEC) /* after a reset of the function */

enum { HEADER_WORDS = 16, QUIET_TRIES = 4 };

static void sleep_ns(ns_t ns)
{
	sleep_until_uninterruptible(clock_monotonic() + ns);
}

static void command_change(const struct pci_device *dev, uint16_t clear, uint16_t set)
{
	uint16_t command = pci_read16(dev, PCI_COMMAND);
	uint16_t wanted = (command & ~clear) | set;

	if (wanted != command)
		pci_write16(dev, PCI_COMMAND, wanted);
}

/* ---- on and off ---------------------------------------------------------------------------- */

/* A function that slept may have forgotten where its registers are. */
static void power_up(struct pci_device *dev)
{
	uint16_t state;

	if (!dev->power)
		return;
	state = pci_read16(dev, dev->power + PCI_PM_CTRL);
	if (!(state & PCI_PM_CTRL_STATE_MASK))
		return;
	pci_write16(dev, dev->power + PCI_PM_CTRL, state & ~PCI_PM_CTRL_STATE_MASK);
	sleep_ns(SETTLE_POWER_NS);
	for (unsigned int i = 0; i < PCI_RESOURCES; i++)
		pci_resource_write(dev, i);
}

static int check_places(const struct pci_device *dev, uint16_t *decodes)
{
	for (unsigned int i = 0; i < PCI_BARS; i++) {
		const struct pci_resource *resource = &dev->resources[i];
		bool is_unset = resource->flags & PCI_RESOURCE_UNSET;

		if (resource->size == 0)
			continue;
		if (resource->flags & PCI_RESOURCE_MEMORY && is_unset)
			return -ENOSPC;
		if (resource->flags & PCI_RESOURCE_MEMORY)
			*decodes |= PCI_COMMAND_MEMORY;
		else if (!is_unset)
			*decodes |= PCI_COMMAND_IO;
	}
	return 0;
}

/* The bridges above pass memory, ports, and what the function sends. */
static void open_way(const struct pci_device *dev)
{
	for (const struct pci_device *bridge = dev->bus->bridge; bridge;
	     bridge = bridge->bus->bridge)
		command_change(bridge, 0, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

int pci_enable(struct pci_device *dev)
{
	uint16_t decodes = 0;
	int err;

	pci_resources_get(dev);
	pci_bus_assign(dev->bus->host->root);
	err = check_places(dev, &decodes);
	if (err)
		return err;
	if (!pci_is_present(dev))
		return -ENODEV;
	if (dev->enables++)
		return 0;
	open_way(dev);
	power_up(dev);
	command_change(dev, 0, decodes);
	return 0;
}

void pci_disable(struct pci_device *dev)
{
	assert(dev->enables > 0);
	if (--dev->enables == 0)
		pci_set_bus_master(dev, false);
}

void pci_set_bus_master(struct pci_device *dev, bool on)
{
	command_change(dev, PCI_COMMAND_MASTER, on ? PCI_COMMAND_MASTER : 0);
}

/* ---- registers ----------------------------------------------------------------------------- */

/* A BAR that says that it is where memory is would be a way to all of it. */
static bool covers_memory(uint64_t start, uint64_t size)
{
	const struct memmap_region *region;

	for (unsigned int i = 0; (region = memmap_region(i)); i++) {
		if (region->kind != MEMMAP_RESERVED && region->start < start + size &&
		    start < region->end)
			return true;
	}
	return false;
}

int pci_bar_map(struct pci_device *dev, unsigned int bar, uint64_t offset, uint64_t size,
                volatile void **base)
{
	const struct pci_resource *resource;
	int err;

	if (bar >= PCI_BARS)
		return -EINVAL;
	resource = &dev->resources[bar];
	if (!(resource->flags & PCI_RESOURCE_MEMORY) || resource->flags & PCI_RESOURCE_UNSET)
		return -ENODEV;
	if (size == 0 || offset >= resource->size || size > resource->size - offset)
		return -EINVAL;
	if (covers_memory(resource->start + offset, size))
		return -ENODEV;
	err = mmio_map(resource->start + offset, size, MMIO_UNCACHED, base);
	return err == -ERANGE ? -ENODEV : err;
}

uint16_t pci_bar_port(const struct pci_device *dev, unsigned int bar)
{
	const struct pci_resource *resource;

	if (bar >= PCI_BARS)
		return 0;
	resource = &dev->resources[bar];
	if (!(resource->flags & PCI_RESOURCE_IO) || resource->flags & PCI_RESOURCE_UNSET)
		return 0;
	return (uint16_t)resource->start;
}

/* ---- reset --------------------------------------------------------------------------------- */

struct saved {
	uint32_t header[HEADER_WORDS];
	uint16_t express_control;
};

static void save(const struct pci_device *dev, struct saved *saved)
{
	for (uint32_t i = 0; i < HEADER_WORDS; i++)
		saved->header[i] = pci_read32(dev, 4 * i);
	if (dev->express)
		saved->express_control = pci_read16(dev, dev->express + PCI_EXP_DEVCTL);
}

/* From the end: registers before the command that makes them decode. */
static void restore(const struct pci_device *dev, const struct saved *saved)
{
	if (dev->express)
		pci_write16(dev, dev->express + PCI_EXP_DEVCTL, saved->express_control);
	for (uint32_t i = HEADER_WORDS; i-- > PCI_COMMAND / 4;) {
		/* of this word the upper half is the status: ones clear bits */
		uint32_t value = saved->header[i] & (i == PCI_COMMAND / 4 ? 0xffff : ~0u);

		pci_write32(dev, 4 * i, value);
	}
}

/* Nothing of the function's is on its way any more. False: it does not end. */
static bool wait_until_quiet(const struct pci_device *dev, uint32_t offset, uint16_t pending)
{
	for (unsigned int i = 0; i < QUIET_TRIES; i++) {
		if (!(pci_read16(dev, offset) & pending))
			return true;
		sleep_ns(SETTLE_RESET_NS);
	}
	return false;
}

static bool has_express_reset(const struct pci_device *dev)
{
	return dev->express &&
	       pci_read32(dev, dev->express + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR;
}

/* By the capability; -ENOTTY: there is no such way. */
static int start_reset(const struct pci_device *dev)
{
	uint16_t features = pci_capability_next(dev, PCI_CAP_ID_AF, 0), control;

	if (has_express_reset(dev)) {
		if (!wait_until_quiet(dev, dev->express + PCI_EXP_DEVSTA, PCI_EXP_DEVSTA_TRPND))
			return -ETIMEDOUT;
		control = pci_read16(dev, dev->express + PCI_EXP_DEVCTL);
		pci_write16(dev, dev->express + PCI_EXP_DEVCTL,
		            control | PCI_EXP_DEVCTL_BCR_FLR);
		return 0;
	}
	if (features && pci_read8(dev, features + PCI_AF_CAP) & PCI_AF_CAP_FLR) {
		pci_write8(dev, features + PCI_AF_CTRL, PCI_AF_CTRL_FLR);
		return 0;
	}
	if (!dev->power ||
	    pci_read16(dev, dev->power + PCI_PM_CTRL) & PCI_PM_CTRL_NO_SOFT_RESET)
		return -ENOTTY;
	/* to sleep and back, which is a reset for those that do not say otherwise */
	control = pci_read16(dev, dev->power + PCI_PM_CTRL) & ~PCI_PM_CTRL_STATE_MASK;
	pci_write16(dev, dev->power + PCI_PM_CTRL, control | PCI_PM_CTRL_STATE_MASK);
	sleep_ns(SETTLE_POWER_NS);
	pci_write16(dev, dev->power + PCI_PM_CTRL, control);
	return 0;
}

int pci_reset(struct pci_device *dev)
{
	struct saved saved = { 0 };
	int err;

	if (dev->messages)
		return -EBUSY;
	save(dev, &saved);
	pci_write16(dev, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE);
	err = start_reset(dev);
	if (!err)
		sleep_ns(SETTLE_RESET_NS);
	if (!err && !pci_is_present(dev))
		err = -ETIMEDOUT;
	restore(dev, &saved);
	return err;
}
