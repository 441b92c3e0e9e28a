/*
 * The functions that are known, and which driver has which. See pci.h.
 */
#define pr_fmt(fmt) "pci: " fmt

#include "dev/pci.h"

#include <linux/errno.h>
#include <linux/pci_regs.h>

#include "core/cmdline.h"
#include "core/printk.h"
#include "dev/pci_impl.h"
#include "lib/bitmap.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"

struct pci_registry pci = {
	.lock = MUTEX(pci.lock, RANK_BUS),
	.list_lock = SPINLOCK(RANK_LEAF),
	.hosts = LIST_INIT(pci.hosts),
	.drivers = LIST_INIT(pci.drivers),
	.devices = LIST_INIT(pci.devices),
};

struct registration {
	struct list              link; /* of all, under pci.lock */
	const struct pci_driver *driver;
};

/* ---- command line -------------------------------------------------------------------------- */

static bool is_word(const char *at, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(at, word, len) && (at[len] == ',' || at[len] == '\0');
}

static int parse_pci(const char *value)
{
	static const struct { const char *word; enum pci_option option; } words[] = {
		{ "off", PCI_OFF }, { "nomsi", PCI_NO_MESSAGES }, { "nommconf", PCI_NO_MEMORY },
	};
	bool is_known = false;

	for (const char *at = value; at; at = strchr(at, ','), at += at != NULL) {
		for (size_t i = 0; i < array_size(words); i++) {
			if (!is_word(at, words[i].word))
				continue;
			pci.options |= words[i].option;
			is_known = true;
		}
	}
	return is_known ? 0 : -EINVAL;
}
CMDLINE_PARAM("pci", parse_pci);

/* ---- functions ----------------------------------------------------------------------------- */

void pci_device_get(struct pci_device *dev)
{
	refcount_get(&dev->refs);
}

void pci_device_put(struct pci_device *dev)
{
	if (!refcount_put(&dev->refs))
		return;
	if (dev->below)
		pci_bus_put(dev->below);
	pci_bus_put(dev->bus);
	kfree(dev);
}

struct pci_device *pci_device_next(struct pci_device *previous)
{
	struct pci_device *dev = NULL;

	spin_lock(&pci.list_lock);
	/* one that was removed has no place any more: the walk ends */
	if (!previous || !previous->is_removed) {
		struct list *next = previous ? previous->link.next : pci.devices.next;

		if (next != &pci.devices)
			dev = container_of(next, struct pci_device, link);
	}
	if (dev)
		pci_device_get(dev);
	spin_unlock(&pci.list_lock);
	if (previous)
		pci_device_put(previous);
	return dev;
}

struct pci_device *pci_device_lookup(uint16_t segment, uint8_t bus, uint8_t devfn)
{
	struct pci_device *dev, *found = NULL;

	spin_lock(&pci.list_lock);
	list_for_each_entry(dev, &pci.devices, link) {
		if (dev->devfn != devfn || dev->bus->number != bus || dev->bus->segment != segment)
			continue;
		pci_device_get(dev);
		found = dev;
		break;
	}
	spin_unlock(&pci.list_lock);
	return found;
}

struct pci_device *pci_device_parent(struct pci_device *dev)
{
	struct pci_device *bridge;

	spin_lock(&pci.list_lock);
	bridge = dev->bus->bridge;
	if (bridge)
		pci_device_get(bridge);
	spin_unlock(&pci.list_lock);
	return bridge;
}

void pci_name(const struct pci_device *dev, char name[PCI_NAME_SIZE])
{
	snprintf(name, PCI_NAME_SIZE, "%04x:%02x:%02x.%u", dev->bus->segment, dev->bus->number,
	         dev->devfn >> 3, dev->devfn & 7);
}

static uint64_t order_of(const struct pci_device *dev)
{
	return (uint64_t)dev->bus->segment << 16 | (uint64_t)dev->bus->number << 8 | dev->devfn;
}

void pci_device_add(struct pci_device *dev)
{
	struct list *before = &pci.devices;
	struct pci_device *other;

	spin_lock(&pci.list_lock);
	list_for_each_entry(other, &pci.devices, link) {
		if (order_of(other) > order_of(dev))
			break;
		before = &other->link;
	}
	list_add_head(before, &dev->link);
	spin_unlock(&pci.list_lock);
}

/* ---- binding ------------------------------------------------------------------------------- */

static bool is_one(uint32_t wanted, uint32_t value)
{
	return wanted == (uint32_t)PCI_ANY || wanted == value;
}

static const struct pci_id *match(const struct pci_driver *driver, const struct pci_device *dev)
{
	const struct pci_id *id = driver->ids;

	for (; id->vendor || id->class_mask; id++) {
		if (is_one(id->vendor, dev->vendor) && is_one(id->device, dev->device) &&
		    is_one(id->subsystem_vendor, dev->subsystem_vendor) &&
		    is_one(id->subsystem_device, dev->subsystem_device) &&
		    !((dev->class_code ^ id->class_code) & id->class_mask))
			return id;
	}
	return NULL;
}

/* What a driver left on, or did not get to turn off. */
static void quiet(struct pci_device *dev)
{
	pci_messages_free(dev);
	while (dev->enables)
		pci_disable(dev);
}

static void bind_to(struct pci_device *dev, const struct pci_driver *driver)
{
	const struct pci_id *id = match(driver, dev);
	char name[PCI_NAME_SIZE];
	int err;

	if (dev->driver || !id)
		return;
	err = driver->probe(dev, id);
	if (!err) {
		WRITE_ONCE(dev->driver, driver);
		return;
	}
	dev->driver_data = NULL;
	quiet(dev);
	pci_name(dev, name);
	if (err != -ENODEV)
		pr_err("%s: %s does not get it to work: error %d\n", name, driver->name, -err);
}

static void bind_to_any(struct pci_device *dev)
{
	struct registration *registration;

	list_for_each_entry(registration, &pci.drivers, link)
		bind_to(dev, registration->driver);
}

static void unbind(struct pci_device *dev)
{
	if (dev->driver && dev->driver->remove)
		dev->driver->remove(dev);
	WRITE_ONCE(dev->driver, NULL);
	dev->driver_data = NULL;
	quiet(dev);
}

/* To each function, as far as it is known at its turn. */
static void for_each_device(void (*fn)(struct pci_device *dev, const void *arg), const void *arg)
{
	for (struct pci_device *dev = pci_device_next(NULL); dev; dev = pci_device_next(dev))
		fn(dev, arg);
}

static void offer_to(struct pci_device *dev, const void *driver)
{
	bind_to(dev, driver);
}

static void offer_to_all(struct pci_device *dev, const void *unused)
{
	if (!dev->driver)
		bind_to_any(dev);
}

void pci_driver_register(const struct pci_driver *driver)
{
	struct registration *registration = kzalloc(sizeof(*registration), ALLOC_KERNEL);

	if (!registration) {
		pr_err("no memory for the driver %s\n", driver->name);
		return;
	}
	registration->driver = driver;
	mutex_lock(&pci.lock);
	spin_lock(&pci.list_lock);
	list_add_tail(&pci.drivers, &registration->link);
	spin_unlock(&pci.list_lock);
	for_each_device(offer_to, driver);
	mutex_unlock(&pci.lock);
}

const struct pci_driver *pci_driver_at(unsigned int n)
{
	const struct pci_driver *driver = NULL;
	struct registration *registration;

	spin_lock(&pci.list_lock);
	list_for_each_entry(registration, &pci.drivers, link) {
		if (n-- == 0) {
			driver = registration->driver;
			break;
		}
	}
	spin_unlock(&pci.list_lock);
	return driver;
}

int pci_device_unbind(struct pci_device *dev, const struct pci_driver *driver)
{
	int err = -ENODEV;

	mutex_lock(&pci.lock);
	if (dev->driver == driver && driver) {
		unbind(dev);
		err = 0;
	}
	mutex_unlock(&pci.lock);
	return err;
}

int pci_device_bind(struct pci_device *dev, const struct pci_driver *driver)
{
	int err = -ENODEV;

	mutex_lock(&pci.lock);
	if (!dev->driver && !dev->is_removed) {
		bind_to(dev, driver);
		err = dev->driver == driver ? 0 : -ENODEV;
	}
	mutex_unlock(&pci.lock);
	return err;
}

/* ---- coming and going ---------------------------------------------------------------------- */

static struct pci_device *first_on(const struct pci_bus *bus)
{
	struct pci_device *dev;

	list_for_each_entry(dev, &pci.devices, link) {
		if (dev->bus == bus)
			return dev;
	}
	return NULL;
}

static void remove_one(struct pci_device *dev)
{
	unbind(dev);
	spin_lock(&pci.list_lock);
	atomic_store(&dev->is_removed, true);
	list_remove(&dev->link);
	if (dev->below) {
		bitmap_clear(dev->bus->host->buses, dev->below->number);
		dev->below->bridge = NULL;
	}
	spin_unlock(&pci.list_lock);
	pci_device_put(dev);
}

/* The last leaf first: no function is above another one when it goes. */
static struct pci_device *leaf_behind(struct pci_device *dev)
{
	struct pci_device *next;

	while (dev->below && (next = first_on(dev->below)))
		dev = next;
	return dev;
}

void pci_device_remove_locked(struct pci_device *dev)
{
	struct pci_device *leaf;

	do {
		leaf = leaf_behind(dev);
		remove_one(leaf);
	} while (leaf != dev);
}

void pci_device_remove(struct pci_device *dev)
{
	mutex_lock(&pci.lock);
	if (!dev->is_removed)
		pci_device_remove_locked(dev);
	mutex_unlock(&pci.lock);
}

int pci_host_add(struct pci_host *host)
{
	uint32_t nr_found;
	int err = pci_bus_create(host, NULL, host->bus_first, host->bus_last, &host->root);

	if (err)
		return err;
	nr_found = pci_bus_scan(host->root);
	if (nr_found == 0) {
		pci_bus_put(host->root);
		return -ENODEV;
	}
	list_add_tail(&pci.hosts, &host->link);
	pci_bus_assign(host->root);
	pr_info("%u functions, configured by %s\n", nr_found, host->ecam ? "memory" : "ports");
	return 0;
}

void pci_host_remove(struct pci_host *host)
{
	struct pci_device *dev;

	while ((dev = first_on(host->root)))
		pci_device_remove_locked(dev);
	list_remove(&host->link);
	pci_bus_put(host->root);
}

void pci_rescan(void)
{
	struct pci_host *host;

	mutex_lock(&pci.lock);
	list_for_each_entry(host, &pci.hosts, link) {
		pci_bus_scan(host->root);
		pci_bus_assign(host->root);
	}
	for_each_device(offer_to_all, NULL);
	mutex_unlock(&pci.lock);
}

void pci_init(void)
{
	if (pci.options & PCI_OFF)
		return;
	mutex_lock(&pci.lock);
	if (pci_hosts_find())
		pr_err("no memory for what is on the bus\n");
	for_each_device(offer_to_all, NULL);
	mutex_unlock(&pci.lock);
}
