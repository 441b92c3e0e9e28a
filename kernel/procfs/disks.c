/*
 * /proc/partitions, /proc/diskstats and the block devices of /proc/devices. proc(5),
 * Documentation/admin-guide/iostats.rst
 */
#include "procfs/disks.h"

#include "lib/devnum.h"
#include "procfs/text.h"
#include "sched/clock.h"

int show_partitions(const struct node *node, struct text *text)
{
	struct block_device *device;

	for (unsigned int i = 0; (device = block_device_at(i)); i++) {
		if (i == 0)
			text_puts(text, "major minor  #blocks  name\n\n");
		if (block_device_sectors(device))
			text_printf(text, "%4u  %7u %10lu %s\n", dev_major(device->number),
			            dev_minor(device->number), block_device_sectors(device) / 2,
			            device->name);
		block_device_put(device);
	}
	return 0;
}

static unsigned long milliseconds(uint64_t ns)
{
	return ns / NS_PER_MSEC;
}

/* With the stretch that has not ended yet. */
static unsigned long busy(const struct block_statistics *stats)
{
	const uint64_t ns = atomic_load_relaxed(&stats->busy_ns);
	const ns_t since = atomic_load_relaxed(&stats->busy_since);
	const ns_t now = clock_monotonic();

	if (atomic_load_relaxed(&stats->in_flight_all) && now > since)
		return milliseconds(ns + (uint64_t)(now - since));
	return milliseconds(ns);
}

static void print_kind(const struct block_statistics *stats, unsigned int kind, struct text *text,
                       bool wide)
{
	text_printf(text, wide ? " %8lu %8lu %8lu %8lu" : " %lu %lu %lu %lu", stats->ios[kind],
	            stats->merges[kind], stats->sectors[kind], milliseconds(stats->time_ns[kind]));
}

void block_stat_print(const struct block_device *device, struct text *text, bool wide)
{
	const struct block_statistics *stats = &device->stats;
	uint64_t all_ns = 0;

	for (int kind = 0; kind < BLOCK_STAT_KINDS; kind++)
		all_ns += stats->time_ns[kind];
	print_kind(stats, BLOCK_STAT_READ, text, wide);
	print_kind(stats, BLOCK_STAT_WRITE, text, wide);
	text_printf(text, wide ? " %8u %8lu %8lu" : " %u %lu %lu",
	            stats->in_flight[0] + stats->in_flight[1], busy(stats), milliseconds(all_ns));
	print_kind(stats, BLOCK_STAT_DISCARD, text, wide);
	text_printf(text, wide ? " %8lu %8lu\n" : " %lu %lu\n", stats->ios[BLOCK_STAT_FLUSH],
	            milliseconds(stats->time_ns[BLOCK_STAT_FLUSH]));
}

int show_diskstats(const struct node *node, struct text *text)
{
	struct block_device *device;

	for (unsigned int i = 0; (device = block_device_at(i)); i++) {
		text_printf(text, "%4u %7u %s", dev_major(device->number),
		            dev_minor(device->number), device->name);
		block_stat_print(device, text, false);
		block_device_put(device);
	}
	return 0;
}

void show_block_majors(struct text *text)
{
	unsigned int major;
	const char *name;

	for (unsigned int i = 0; (name = block_major_at(i, &major)); i++)
		text_printf(text, "%3u %s\n", major, name);
}

struct block_device *block_device_from(dev_t from, const struct disk *disk)
{
	struct block_device *device, *found = NULL;

	for (unsigned int i = 0; (device = block_device_at(i)); i++) {
		if (device->number >= from && (!found || device->number < found->number) &&
		    (!disk || (device->disk == disk && device->partition))) {
			block_device_put(found);
			found = device;
		} else {
			block_device_put(device);
		}
	}
	return found;
}
