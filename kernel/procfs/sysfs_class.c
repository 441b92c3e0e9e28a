/*
 * /sys/class and /sys/dev/char: the character devices by class and by number, with what mdev and
 * udev read of each: `dev` and `uevent`. Block devices are in sysfs_block.c.
 *
 * Classes are told by the major number, as on Linux: mem, tty, misc. A device's directory stands in
 * its class itself. Keys are indices of registered devices (chardev_at()).
 */
#include <linux/errno.h>

#include "dev/chardev.h"
#include "lib/devnum.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "procfs/sysfs.h"
#include "tty/tty.h"

struct device_class {
	const char *name;
	bool      (*has)(unsigned int major);
};

static bool is_mem(unsigned int major)
{
	return major == 1;
}

static bool is_tty(unsigned int major)
{
	return major == 4 || major == 5;
}

static bool has_small_number(unsigned int major)
{
	return major == 10;
}

static const struct device_class classes[] = {
	{ "mem", is_mem }, { "misc", has_small_number }, { "tty", is_tty },
};

/* Devices that have one name of their own in /dev. */
static bool is_shown(const struct chardev *device)
{
	return device->name && !strchr(device->name, '/') && device->count <= 1;
}

static const struct device_class *class_of(const struct chardev *device)
{
	for (size_t i = 0; i < array_size(classes); i++) {
		if (classes[i].has(dev_major(device->first)))
			return &classes[i];
	}
	return NULL;
}

/* ---- a device ------------------------------------------------------------------------------ */

static int show_dev(const struct node *node, struct text *text)
{
	const struct chardev *device = chardev_at((unsigned int)node->key);

	if (!device)
		return -ENODEV;
	text_printf(text, "%u:%u\n", dev_major(device->first), dev_minor(device->first));
	return 0;
}

static int show_uevent(const struct node *node, struct text *text)
{
	const struct chardev *device = chardev_at((unsigned int)node->key);

	if (!device)
		return -ENODEV;
	text_printf(text, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\n", dev_major(device->first),
	            dev_minor(device->first), device->name);
	if (device->mode & 0066)
		text_printf(text, "DEVMODE=0%o\n", device->mode);
	return 0;
}

/* Of the class tty: which lines stand behind /dev/console, the preferred one last. */
static int show_active(const struct node *node, struct text *text)
{
	struct console_info info;

	for (unsigned int i = 0; console_describe(i, &info); i++)
		text_printf(text, "%s%s%u", i ? " " : "", info.name, info.number);
	text_puts(text, "\n");
	return 0;
}

static const struct entry console_entries[] = {
	{ "active", S_IFREG | 0444, .show = show_active },
	{ "dev", S_IFREG | 0444, .show = show_dev },
	{ "uevent", S_IFREG | 0444, .show = show_uevent },
};
static const struct directory console_directory = DIRECTORY(console_entries);
static const struct entry console_entry = { "console", S_IFDIR | 0755, .dir = &console_directory };

static const struct entry device_entries[] = {
	{ "dev", S_IFREG | 0444, .show = show_dev },
	{ "uevent", S_IFREG | 0444, .show = show_uevent },
};
static const struct directory device_directory = DIRECTORY(device_entries);
static const struct entry device_entry = { "device", S_IFDIR | 0755, .dir = &device_directory };

/* ---- a class ------------------------------------------------------------------------------- */

static const struct device_class *class_of_dir(const struct node *dir)
{
	return dir->entry->arg;
}

static const struct entry *entry_of(const struct chardev *device)
{
	return strcmp(device->name, "console") ? &device_entry : &console_entry;
}

static int device_lookup(const struct node *dir, const char *name, struct child *out)
{
	const struct chardev *device;

	for (unsigned int i = 0; (device = chardev_at(i)); i++) {
		if (!is_shown(device) || class_of(device) != class_of_dir(dir) ||
		    strcmp(device->name, name))
			continue;
		*out = (struct child){ .entry = entry_of(device), .key = i };
		return 0;
	}
	return -ENOENT;
}

static const struct entry *device_next(const struct node *dir, uint64_t *key, char *name)
{
	const struct chardev *device;

	for (; (device = chardev_at((unsigned int)*key)); ++*key) {
		if (!is_shown(device) || class_of(device) != class_of_dir(dir))
			continue;
		snprintf(name, NODE_NAME_MAX, "%s", device->name);
		return entry_of(device);
	}
	return NULL;
}

static const struct directory class_directory = { .lookup = device_lookup, .next = device_next };

#define CLASS(index, class_name) \
	{ class_name, S_IFDIR | 0755, .dir = &class_directory, .arg = &classes[index] }

static const struct entry class_entries[] = {
	SYSFS_BLOCK(sysfs_in_class),
	CLASS(0, "mem"), CLASS(1, "misc"),
	{ "net", S_IFDIR | 0755, .dir = &sysfs_class_net_directory },
	CLASS(2, "tty"),
};

const struct directory sysfs_class_directory = DIRECTORY(class_entries);

/* ---- by number ----------------------------------------------------------------------------- */

static int link_device(const struct node *node, struct link_target *out)
{
	const struct chardev *device = chardev_at((unsigned int)node->key);

	if (!device)
		return -ENOENT;
	return link_printf(out, "../../class/%s/%s", class_of(device)->name, device->name);
}

static const struct entry link_entry = { "link", S_IFLNK | 0777, .link = link_device };

static bool number_of(const struct chardev *device, char *name)
{
	if (!is_shown(device) || !class_of(device))
		return false;
	snprintf(name, NODE_NAME_MAX, "%u:%u", dev_major(device->first), dev_minor(device->first));
	return true;
}

static int number_lookup(const struct node *dir, const char *name, struct child *out)
{
	const struct chardev *device;
	char number[NODE_NAME_MAX];

	for (unsigned int i = 0; (device = chardev_at(i)); i++) {
		if (!number_of(device, number) || strcmp(number, name))
			continue;
		*out = (struct child){ .entry = &link_entry, .key = i };
		return 0;
	}
	return -ENOENT;
}

static const struct entry *number_next(const struct node *dir, uint64_t *key, char *name)
{
	const struct chardev *device;

	for (; (device = chardev_at((unsigned int)*key)); ++*key) {
		if (number_of(device, name))
			return &link_entry;
	}
	return NULL;
}

static const struct directory char_directory = { .lookup = number_lookup, .next = number_next };

static const struct entry dev_entries[] = {
	SYSFS_BLOCK(sysfs_in_dev),
	{ "char", S_IFDIR | 0755, .dir = &char_directory },
};

const struct directory sysfs_dev_directory = DIRECTORY(dev_entries);
