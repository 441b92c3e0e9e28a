/*
 * Block devices in /sys, with what lsblk, mdev, udev and blkid read of them.
 *
 * The directories stand in /sys/devices/virtual/block, whatever bus a disk is on, partitions inside
 * their disks; /sys/block, /sys/class/block and /sys/dev/block are links to them. Keys are device
 * numbers. There are no uevents: nobody is told when a device comes; what is in `uevent` is for
 * those who look. Nothing here can be written.
 */
#include <linux/errno.h>

#include "lib/devnum.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "procfs/disks.h"
#include "procfs/sysfs.h"

/* ---- attributes --------------------------------------------------------------------------- */

struct attribute {
	void (*show)(const struct block_device *device, struct text *text);
};

static int show_attribute(const struct node *node, struct text *text)
{
	const struct attribute *attribute = node->entry->arg;
	struct block_device *device = block_device_find((dev_t)node->key);

	if (!device)
		return -ENODEV;
	attribute->show(device, text);
	block_device_put(device);
	return 0;
}

#define FILE(entry_name, function) \
	{ entry_name, S_IFREG | 0444, .show = show_attribute, \
	  .arg = &(const struct attribute){ function } }

/* One that is a number which an expression gives. */
#define NUMBER(function, expression)                                                   \
	static void function(const struct block_device *device, struct text *text)     \
	{                                                                              \
		const struct disk *disk = device->disk;                                \
		const struct disk_limits *limits = &disk->limits;                      \
		(void)limits;                                                          \
		text_printf(text, "%lu\n", (unsigned long)(expression));               \
	}

NUMBER(show_size, block_device_sectors(device))
NUMBER(show_start, device->first_sector)
NUMBER(show_partition, device->partition)
NUMBER(show_ro, block_device_is_readonly(device))
NUMBER(show_removable, !!(disk->flags & DISK_REMOVABLE))
NUMBER(show_hidden, 0)
NUMBER(show_range, disk->minors)
NUMBER(show_ext_range, PARTITIONS_MAX)
NUMBER(show_diskseq, disk->sequence)
NUMBER(show_alignment, limits->alignment_offset)
NUMBER(show_zero, 0)
NUMBER(show_one, 1)
NUMBER(show_logical, limits->logical_block)
NUMBER(show_physical, limits->physical_block)
NUMBER(show_io_min, limits->io_min)
NUMBER(show_io_opt, limits->io_opt)
NUMBER(show_max_kb, limits->max_sectors / 2)
NUMBER(show_segments, limits->max_segments)
NUMBER(show_segment_size, limits->max_segment_bytes)
NUMBER(show_requests, disk->queue_depth)
NUMBER(show_rotational, !!(disk->flags & DISK_ROTATIONAL))
NUMBER(show_discard_granularity, limits->max_discard_sectors ? limits->discard_granularity : 0)
NUMBER(show_discard_max, (uint64_t)limits->max_discard_sectors << SECTOR_SHIFT)
NUMBER(show_zeroes_max, (uint64_t)limits->max_write_zeroes_sectors << SECTOR_SHIFT)
NUMBER(show_fua, !!(disk->flags & DISK_FUA))

static void show_dev(const struct block_device *device, struct text *text)
{
	text_printf(text, "%u:%u\n", dev_major(device->number), dev_minor(device->number));
}

static void show_stat(const struct block_device *device, struct text *text)
{
	block_stat_print(device, text, true);
}

static void show_inflight(const struct block_device *device, struct text *text)
{
	text_printf(text, "%8u %8u\n", device->stats.in_flight[0], device->stats.in_flight[1]);
}

static void show_write_cache(const struct block_device *device, struct text *text)
{
	text_puts(text, device->disk->flags & DISK_WRITE_CACHE ? "write back\n"
	                                                       : "write through\n");
}

static void show_serial(const struct block_device *device, struct text *text)
{
	text_printf(text, "%s\n", device->disk->serial);
}

static void show_scheduler(const struct block_device *device, struct text *text)
{
	text_puts(text, "[none]\n");
}

static void show_uevent(const struct block_device *device, struct text *text)
{
	text_printf(text, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=%s\nDISKSEQ=%lu\n",
	            dev_major(device->number), dev_minor(device->number), device->name,
	            device->partition ? "partition" : "disk", device->disk->sequence);
	if (device->partition)
		text_printf(text, "PARTN=%u\n", device->partition);
	if (device->label[0])
		text_printf(text, "PARTNAME=%s\n", device->label);
}

/* ---- directories --------------------------------------------------------------------------- */

static const struct entry queue_entries[] = {
	FILE("add_random", show_zero),
	FILE("discard_granularity", show_discard_granularity),
	FILE("discard_max_bytes", show_discard_max),
	FILE("discard_max_hw_bytes", show_discard_max),
	FILE("discard_zeroes_data", show_zero),
	FILE("fua", show_fua),
	FILE("hw_sector_size", show_logical),
	FILE("iostats", show_one),
	FILE("logical_block_size", show_logical),
	FILE("max_hw_sectors_kb", show_max_kb),
	FILE("max_sectors_kb", show_max_kb),
	FILE("max_segment_size", show_segment_size),
	FILE("max_segments", show_segments),
	FILE("minimum_io_size", show_io_min),
	FILE("nr_requests", show_requests),
	FILE("optimal_io_size", show_io_opt),
	FILE("physical_block_size", show_physical),
	FILE("rotational", show_rotational),
	FILE("scheduler", show_scheduler),
	FILE("write_cache", show_write_cache),
	FILE("write_zeroes_max_bytes", show_zeroes_max),
};
static const struct directory queue_directory = DIRECTORY(queue_entries);
static const struct directory empty_directory = { 0 };

static int link_class(const struct node *node, struct link_target *out)
{
	struct block_device *device = block_device_find((dev_t)node->key);
	const bool inside = device && device->partition;

	block_device_put(device);
	return link_printf(out, "%s../../../../class/block", inside ? "../" : "");
}

#define BOTH                                                                          \
	FILE("alignment_offset", show_alignment),                                     \
	FILE("dev", show_dev),                                                        \
	FILE("discard_alignment", show_zero),                                         \
	{ "holders", S_IFDIR | 0755, .dir = &empty_directory },                       \
	FILE("inflight", show_inflight),                                              \
	FILE("ro", show_ro),                                                          \
	FILE("size", show_size),                                                      \
	FILE("stat", show_stat),                                                      \
	{ "subsystem", S_IFLNK | 0777, .link = link_class },                          \
	FILE("uevent", show_uevent)

static const struct entry partition_entries[] = {
	BOTH,
	FILE("partition", show_partition),
	FILE("start", show_start),
};
static const struct directory partition_directory = DIRECTORY(partition_entries);
static const struct entry partition_entry = { "partition", S_IFDIR | 0755,
                                              .dir = &partition_directory };

static int partition_lookup(const struct node *dir, const char *name, struct child *out)
{
	struct block_device *device = block_device_find_name(name), *whole = NULL;
	int err = -ENOENT;

	if (device && device->partition) {
		whole = block_device_find((dev_t)dir->key);
		if (whole && whole->disk == device->disk) {
			*out = (struct child){ .entry = &partition_entry, .key = device->number };
			err = 0;
		}
	}
	block_device_put(whole);
	block_device_put(device);
	return err;
}

static const struct entry *partition_next(const struct node *dir, uint64_t *key, char *name)
{
	struct block_device *whole = block_device_find((dev_t)dir->key), *device;

	if (!whole)
		return NULL;
	device = block_device_from((dev_t)*key, whole->disk);
	block_device_put(whole);
	if (!device)
		return NULL;
	*key = device->number;
	snprintf(name, NODE_NAME_MAX, "%s", device->name);
	block_device_put(device);
	return &partition_entry;
}

static const struct entry disk_entries[] = {
	BOTH,
	FILE("diskseq", show_diskseq),
	FILE("ext_range", show_ext_range),
	FILE("hidden", show_hidden),
	{ "queue", S_IFDIR | 0755, .dir = &queue_directory },
	FILE("range", show_range),
	FILE("removable", show_removable),
	FILE("serial", show_serial),
	{ "slaves", S_IFDIR | 0755, .dir = &empty_directory },
};
static const struct directory disk_directory = {
	.entries = disk_entries, .count = array_size(disk_entries),
	.lookup = partition_lookup, .next = partition_next,
};
static const struct entry disk_entry = { "disk", S_IFDIR | 0755, .dir = &disk_directory };

/* ---- places -------------------------------------------------------------------------------- */

/* What a directory of all devices shows: names or numbers, partitions or not, links or not. */
struct place {
	bool                whole_only;
	bool                by_number;
	const struct entry *entry;
};

static const struct place *place_of(const struct node *dir)
{
	return dir->entry->arg;
}

static void name_in(const struct place *place, const struct block_device *device, char *name)
{
	if (place->by_number)
		snprintf(name, NODE_NAME_MAX, "%u:%u", dev_major(device->number),
		         dev_minor(device->number));
	else
		snprintf(name, NODE_NAME_MAX, "%s", device->name);
}

static const struct entry *place_next(const struct node *dir, uint64_t *key, char *name)
{
	const struct place *place = place_of(dir);
	struct block_device *device;

	while (*key <= UINT32_MAX && (device = block_device_from((dev_t)*key, NULL))) {
		const bool is_shown = !(place->whole_only && device->partition);

		*key = device->number + (is_shown ? 0ul : 1ul);
		name_in(place, device, name);
		block_device_put(device);
		if (is_shown)
			return place->entry;
	}
	return NULL;
}

static int place_lookup(const struct node *dir, const char *name, struct child *out)
{
	char other[NODE_NAME_MAX];

	for (uint64_t key = 0; place_next(dir, &key, other); key++) {
		if (strcmp(other, name))
			continue;
		*out = (struct child){ .entry = place_of(dir)->entry, .key = key };
		return 0;
	}
	return -ENOENT;
}

static int link_to(const struct node *node, struct link_target *out)
{
	struct block_device *device = block_device_find((dev_t)node->key);
	int err = -ENOENT;

	if (!device)
		return err;
	if (device->partition)
		err = link_printf(out, "%s/devices/virtual/block/%s/%s",
		                  (const char *)node->entry->arg, device->disk->whole->name,
		                  device->name);
	else
		err = link_printf(out, "%s/devices/virtual/block/%s",
		                  (const char *)node->entry->arg, device->name);
	block_device_put(device);
	return err;
}

static const struct entry link_from_root = { "link", S_IFLNK | 0777, .link = link_to, .arg = ".." };
static const struct entry link_from_class = { "link", S_IFLNK | 0777, .link = link_to,
                                              .arg = "../.." };

const struct place sysfs_in_devices = { .whole_only = true, .entry = &disk_entry };
const struct place sysfs_in_root = { .whole_only = true, .entry = &link_from_root };
const struct place sysfs_in_class = { .entry = &link_from_class };
const struct place sysfs_in_dev = { .by_number = true, .entry = &link_from_class };

const struct directory sysfs_block_directory = { .lookup = place_lookup, .next = place_next };
