/*
 * /sys/devices/pciSSSS:BB and /sys/bus/pci: the functions as a tree, by name, and by driver.
 *
 * A directory below /sys/devices has the key of its function; that of a root bus the key of a
 * function 0.0 on it. Functions behind a bridge are in the bridge's directory.
 */
#include <linux/errno.h>

#include "lib/printf.h"
#include "lib/string.h"
#include "procfs/pci.h"
#include "procfs/sysfs.h"

enum { PATH_SIZE = 320 };

/* ---- places -------------------------------------------------------------------------------- */

/* "pci0000:00/0000:00:01.0/0000:01:00.0", from the end. False: the tree is changing. */
static bool path_of(struct pci_device *dev, char *path)
{
	char *at = path + PATH_SIZE - 1;
	char name[PCI_NAME_SIZE + 16];

	*at = '\0';
	pci_device_get(dev);
	for (unsigned int depth = 0; dev && depth < PCI_DEPTH_MAX; depth++) {
		struct pci_device *parent = pci_device_parent(dev);
		size_t len;

		pci_name(dev, name);
		if (!parent)
			snprintf(name, sizeof(name), "pci%04x:%02x/%04x:%02x:%02x.%u",
			         dev->bus->segment, dev->bus->number, dev->bus->segment,
			         dev->bus->number, dev->devfn >> 3, dev->devfn & 7);
		pci_device_put(dev);
		dev = parent;
		len = strlen(name);
		if (at - path < (ssize_t)len + 1)
			break;
		if (*at)
			*--at = '/';
		at -= len;
		memcpy(at, name, len);
	}
	if (dev) {
		pci_device_put(dev);
		return false;
	}
	memmove(path, at, strlen(at) + 1);
	return true;
}

static int link_to(struct pci_device *dev, const char *up, struct link_target *out)
{
	char path[PATH_SIZE];

	if (!path_of(dev, path))
		return -ENOENT;
	return link_printf(out, "%sdevices/%s", up, path);
}

/* ---- a function's messages ----------------------------------------------------------------- */

static int show_message(const struct node *node, struct text *text)
{
	struct pci_device *dev = pci_of_key(node->key & 0xffffffff);

	if (!dev)
		return -ENODEV;
	text_puts(text, pci_messages_are_msix(dev) ? "msix\n" : "msi\n");
	pci_device_put(dev);
	return 0;
}

static const struct entry message_entry = { "irq", S_IFREG | 0444, .show = show_message };

/* The first message from *index on that has a handler: its interrupt's number, or 0. */
static uint32_t message_from(uint64_t key, uint64_t *index)
{
	struct pci_device *dev = pci_of_key(key);
	uint32_t number = 0;

	if (!dev)
		return 0;
	while (pci_message_number(dev, (unsigned int)*index, &number) && !number)
		++*index;
	pci_device_put(dev);
	return number;
}

static const struct entry *message_next(const struct node *dir, uint64_t *key, char *name)
{
	uint32_t number = message_from(dir->key, key);

	if (!number)
		return NULL;
	snprintf(name, NODE_NAME_MAX, "%u", number);
	return &message_entry;
}

static int message_lookup(const struct node *dir, const char *name, struct child *out)
{
	char own[NODE_NAME_MAX];

	for (uint64_t index = 0; message_next(dir, &index, own); index++) {
		if (strcmp(own, name))
			continue;
		*out = (struct child){ .entry = &message_entry, .key = dir->key | index << 32 };
		return 0;
	}
	return -ENOENT;
}

static const struct directory messages = { .lookup = message_lookup, .next = message_next };

/* ---- a function's directory ---------------------------------------------------------------- */

static const struct entry config_entry = {
	"config", S_IFREG | 0644, .ops = &pci_config_file_ops,
};
static const struct entry driver_entry = { "driver", S_IFLNK | 0777, .link = pci_link_driver };
static const struct entry messages_entry = { "msi_irqs", S_IFDIR | 0755, .dir = &messages };

static int function_lookup(const struct node *dir, const char *name, struct child *out);
static const struct entry *function_next(const struct node *dir, uint64_t *key, char *name);

static const struct directory function_directory = {
	.entries = pci_attributes,
	.count = PCI_ATTRIBUTES,
	.lookup = function_lookup,
	.next = function_next,
};
static const struct entry function_entry = {
	"function", S_IFDIR | 0755, .dir = &function_directory,
};

/* What comes and goes in a function's directory, before the functions behind it. */
static const struct entry *const parts[] = { &config_entry, &driver_entry, &messages_entry };

static bool has_part(struct pci_device *dev, const struct entry *part)
{
	uint32_t number;

	if (part == &driver_entry)
		return READ_ONCE(dev->driver);
	return part == &config_entry || pci_message_number(dev, 0, &number);
}

static bool is_above(uint64_t dir_key, struct pci_device *dev)
{
	struct pci_device *parent = pci_device_parent(dev);
	bool is_it = parent && pci_key(parent) == dir_key;

	if (parent)
		pci_device_put(parent);
	return is_it;
}

static bool is_root_of(uint64_t dir_key, struct pci_device *dev)
{
	struct pci_device *parent = pci_device_parent(dev);

	if (parent)
		pci_device_put(parent);
	return !parent && (pci_key(dev) & ~255ul) == dir_key;
}

/* The function of this name, if `belongs` says that it is the directory's. */
static int named_lookup(const struct node *dir, const char *name, struct child *out,
                        bool (*belongs)(uint64_t dir_key, struct pci_device *dev))
{
	char own[PCI_NAME_SIZE];

	for (struct pci_device *dev = pci_device_next(NULL); dev; dev = pci_device_next(dev)) {
		pci_name(dev, own);
		if (strcmp(own, name) || !belongs(dir->key, dev))
			continue;
		*out = (struct child){ .entry = &function_entry, .key = pci_key(dev) };
		pci_device_put(dev);
		return 0;
	}
	return -ENOENT;
}

static const struct entry *named_next(const struct node *dir, uint64_t *key, char *name,
                                      bool (*belongs)(uint64_t dir_key, struct pci_device *dev))
{
	struct pci_device *dev = pci_from_key(*key);

	while (dev && !belongs(dir->key, dev))
		dev = pci_device_next(dev);
	if (!dev)
		return NULL;
	*key = pci_key(dev);
	pci_name(dev, name);
	pci_device_put(dev);
	return &function_entry;
}

static int function_lookup(const struct node *dir, const char *name, struct child *out)
{
	struct pci_device *dev = pci_of_key(dir->key);
	int err = -ENOENT;

	if (!dev)
		return -ENOENT;
	for (size_t i = 0; i < array_size(parts) && err; i++) {
		if (strcmp(parts[i]->name, name) || !has_part(dev, parts[i]))
			continue;
		*out = (struct child){ .entry = parts[i], .key = dir->key };
		out->size = parts[i] == &config_entry ? dev->config_size : 0;
		err = 0;
	}
	if (err && dev->below)
		err = named_lookup(dir, name, out, is_above);
	pci_device_put(dev);
	return err;
}

/* Keys: the parts by their index, then the functions behind it by their own, above these. */
static const struct entry *function_next(const struct node *dir, uint64_t *key, char *name)
{
	struct pci_device *dev = pci_of_key(dir->key);
	const struct entry *entry = NULL;
	uint64_t function;

	if (!dev)
		return NULL;
	for (; *key < array_size(parts) && !entry; *key += !entry) {
		if (has_part(dev, parts[*key]))
			entry = parts[*key];
	}
	if (entry) {
		snprintf(name, NODE_NAME_MAX, "%s", entry->name);
	} else if (dev->below) {
		function = *key - array_size(parts);
		entry = named_next(dir, &function, name, is_above);
		*key = function + array_size(parts);
	}
	pci_device_put(dev);
	return entry;
}

/* ---- root buses ---------------------------------------------------------------------------- */

static int root_lookup(const struct node *dir, const char *name, struct child *out)
{
	return named_lookup(dir, name, out, is_root_of);
}

static const struct entry *root_next(const struct node *dir, uint64_t *key, char *name)
{
	return named_next(dir, key, name, is_root_of);
}

static const struct directory root_directory = { .lookup = root_lookup, .next = root_next };
static const struct entry root_bus_entry = { "root", S_IFDIR | 0755, .dir = &root_directory };

const struct entry *sysfs_pci_root_next(const struct node *dir, uint64_t *key, char *name)
{
	struct pci_device *dev = pci_from_key(*key << 8);

	while (dev && !is_root_of(pci_key(dev) & ~255ul, dev))
		dev = pci_device_next(dev);
	if (!dev)
		return NULL;
	*key = pci_key(dev) >> 8;
	snprintf(name, NODE_NAME_MAX, "pci%04x:%02x", dev->bus->segment, dev->bus->number);
	pci_device_put(dev);
	return &root_bus_entry;
}

int sysfs_pci_root_lookup(const struct node *dir, const char *name, struct child *out)
{
	char own[NODE_NAME_MAX];

	for (uint64_t key = 0; sysfs_pci_root_next(dir, &key, own); key++) {
		if (strcmp(own, name))
			continue;
		*out = (struct child){ .entry = &root_bus_entry, .key = key << 8 };
		return 0;
	}
	return -ENOENT;
}

/* ---- /sys/bus/pci -------------------------------------------------------------------------- */

static int link_device(const struct node *node, struct link_target *out)
{
	struct pci_device *dev = pci_of_key(node->key);
	int err;

	if (!dev)
		return -ENOENT;
	err = link_to(dev, node->entry->arg, out);
	pci_device_put(dev);
	return err;
}

static const struct entry link_entry = {
	"link", S_IFLNK | 0777, .link = link_device, .arg = "../../../",
};
static const struct entry driver_link_entry = {
	"link", S_IFLNK | 0777, .link = link_device, .arg = "../../../../",
};

static bool is_any(uint64_t unused, struct pci_device *dev)
{
	return true;
}

static bool is_of_driver(uint64_t nth, struct pci_device *dev)
{
	const struct pci_driver *driver = READ_ONCE(dev->driver);

	return driver && driver == pci_driver_at((unsigned int)nth);
}

static int device_lookup(const struct node *dir, const char *name, struct child *out)
{
	int err = named_lookup(dir, name, out, is_any);

	out->entry = &link_entry;
	return err;
}

static const struct entry *device_next(const struct node *dir, uint64_t *key, char *name)
{
	return named_next(dir, key, name, is_any) ? &link_entry : NULL;
}

static int bound_lookup(const struct node *dir, const char *name, struct child *out)
{
	int err = named_lookup(dir, name, out, is_of_driver);

	out->entry = &driver_link_entry;
	return err;
}

static const struct entry *bound_next(const struct node *dir, uint64_t *key, char *name)
{
	return named_next(dir, key, name, is_of_driver) ? &driver_link_entry : NULL;
}

static struct pci_device *device_of_line(char *line)
{
	char own[PCI_NAME_SIZE], *end = strchr(line, '\n');

	if (end)
		*end = '\0';
	for (struct pci_device *dev = pci_device_next(NULL); dev; dev = pci_device_next(dev)) {
		pci_name(dev, own);
		if (!strcmp(own, line))
			return dev;
	}
	return NULL;
}

static int write_binding(const struct node *node, char *line, size_t len)
{
	const struct pci_driver *driver = pci_driver_at((unsigned int)node->key);
	struct pci_device *dev = device_of_line(line);
	int err;

	if (!dev)
		return -ENODEV;
	err = node->entry->arg ? pci_device_bind(dev, driver) : pci_device_unbind(dev, driver);
	pci_device_put(dev);
	return err;
}

static const struct entry driver_entries[] = {
	{ "bind", S_IFREG | 0200, ENTRY_STRICT, .write = write_binding, .arg = "bind" },
	{ "unbind", S_IFREG | 0200, ENTRY_STRICT, .write = write_binding },
};
static const struct directory driver_directory = {
	.entries = driver_entries,
	.count = array_size(driver_entries),
	.lookup = bound_lookup,
	.next = bound_next,
};
static const struct entry one_driver_entry = { "driver", S_IFDIR | 0755, .dir = &driver_directory };

static const struct entry *driver_next(const struct node *dir, uint64_t *key, char *name)
{
	const struct pci_driver *driver = pci_driver_at((unsigned int)*key);

	if (!driver)
		return NULL;
	snprintf(name, NODE_NAME_MAX, "%s", driver->name);
	return &one_driver_entry;
}

static int driver_lookup(const struct node *dir, const char *name, struct child *out)
{
	const struct pci_driver *driver;

	for (unsigned int i = 0; (driver = pci_driver_at(i)); i++) {
		if (strcmp(driver->name, name))
			continue;
		*out = (struct child){ .entry = &one_driver_entry, .key = i };
		return 0;
	}
	return -ENOENT;
}

static const struct directory devices = { .lookup = device_lookup, .next = device_next };
static const struct directory drivers = { .lookup = driver_lookup, .next = driver_next };
static const struct directory slots = { 0 };

static const struct entry bus_entries[] = {
	{ "devices", S_IFDIR | 0755, .dir = &devices },
	{ "drivers", S_IFDIR | 0755, .dir = &drivers },
	{ "rescan", S_IFREG | 0200, ENTRY_STRICT, .write = pci_write_rescan },
	{ "slots", S_IFDIR | 0755, .dir = &slots },
};
const struct directory sysfs_bus_pci_directory = DIRECTORY(bus_entries);
