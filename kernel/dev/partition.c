/*
 * Partitions of disks. See partition.h.
 *
 * Tables are read by a worker, one after the other in order of registration; opening a disk waits
 * for its own. The set changes under block_registry.
 */
#include "dev/partition.h"

#include <linux/errno.h>

#include "core/panic.h"
#include "core/printk.h"
#include "dev/disk_impl.h"
#include "lib/gpt.h"
#include "lib/mbr.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "sched/wait.h"
#include "sched/work.h"

struct probe {
	struct work  work;
	struct disk *disk; /* a reference */
};

static struct {
	uint32_t          pending __atomic; /* disks that were added and are not read yet */
	struct wait_queue wait;
} probes = { .wait = WAIT_QUEUE(probes.wait) };

/* ---- reading a table ------------------------------------------------------------------------ */

static int source_read(const struct table_source *source, uint64_t position, void *buf, size_t size)
{
	const struct disk *disk = source->context;

	return block_read(disk->whole, position, buf, size);
}

static void table_report(const struct disk *disk, const struct partition_table *table)
{
	const char *name = disk->whole->name;

	if (table->flags & TABLE_BOTH_BAD)
		pr_warn("%s: both copies of the GPT are bad: no partitions\n", name);
	else if (table->flags & TABLE_PRIMARY_BAD)
		pr_warn("%s: Primary GPT is invalid, using alternate GPT.\n", name);
	if (table->flags & TABLE_BACKUP_BAD)
		pr_warn("%s: Alternate GPT is invalid, using primary GPT.\n", name);
	if (table->flags & TABLE_BACKUP_MOVED)
		pr_warn("%s: Alternate GPT header not at the end of the disk.\n", name);
	if (table->flags & TABLE_TRUNCATED)
		pr_warn("%s: a partition extends beyond the end of the disk, truncated\n", name);
	if (table->nr_refused)
		pr_warn("%s: %u entries of the partition table are invalid\n", name,
		        table->nr_refused);
}

/* *table->entries is the caller's to kvfree(). A disk without a table: count 0. */
static int table_read(const struct disk *disk, struct partition_table *table)
{
	const uint32_t block = disk->limits.logical_block;
	struct table_source source = {
		.read = source_read,
		.context = (void *)(uintptr_t)disk,
		.block_size = block,
		.nr_blocks = block_device_sectors(disk->whole) / (block >> SECTOR_SHIFT),
	};
	int err = -ENOMEM;

	*table = (struct partition_table){ .max = PARTITIONS_MAX - 1 };
	if (!source.nr_blocks)
		return 0;
	source.scratch = kmalloc(TABLE_SCRATCH_SIZE, ALLOC_KERNEL);
	table->entries = kvmalloc(table->max * sizeof(*table->entries), ALLOC_KERNEL);
	if (source.scratch && table->entries) {
		err = gpt_read(&source, table);
		if (err == -ENOENT)
			err = mbr_read(&source, table);
	}
	if (err)
		table->count = 0;
	kfree(source.scratch);
	return err == -ENOENT || err == -EINVAL ? 0 : err;
}

/* ---- the set -------------------------------------------------------------------------------- */

static struct block_device *partition_find(struct disk *disk, uint32_t number)
{
	struct block_device *device;

	list_for_each_entry(device, &disk->partitions, disk_link) {
		if (device->partition == number)
			return device;
	}
	return NULL;
}

struct block_device *partition_get(struct disk *disk, int64_t number)
{
	struct block_device *device = number ? NULL : disk->whole;

	mutex_lock(&block_registry);
	if (number > 0 && number < PARTITIONS_MAX)
		device = partition_find(disk, (uint32_t)number);
	if (device)
		block_device_get(device);
	mutex_unlock(&block_registry);
	return device;
}

static void list_by_number(struct disk *disk, struct block_device *device)
{
	struct block_device *before;

	list_for_each_entry_reverse(before, &disk->partitions, disk_link) {
		if (before->partition < device->partition)
			break;
	}
	list_add_head(&before->disk_link, &device->disk_link);
}

/* Sectors of 512 bytes. */
static int add_locked(struct disk *disk, uint32_t number, uint64_t first, uint64_t count,
                      const struct table_entry *entry)
{
	struct block_device *device;
	int err = block_device_create(disk, number, &device);

	if (err)
		return err;
	device->first_sector = first;
	device->nr_sectors = count;
	if (entry) {
		str_copy(device->uuid, entry->uuid, sizeof(device->uuid));
		str_copy(device->label, entry->label, sizeof(device->label));
	}
	err = block_device_register(device);
	if (err)
		block_device_put(device);
	else
		list_by_number(disk, device);
	return err;
}

static void remove_locked(struct block_device *device)
{
	list_remove_init(&device->disk_link);
	block_device_unregister(device);
	block_device_put(device);
}

void partition_remove_all(struct disk *disk)
{
	debug_assert(mutex_is_owned(&block_registry));
	while (!list_is_empty(&disk->partitions))
		remove_locked(list_first_entry(&disk->partitions, struct block_device, disk_link));
}

static bool any_is_open(const struct disk *disk)
{
	return disk->openers > disk->whole->openers;
}

/* " vda: vda1 vda2", as Linux says it. */
static void set_report(const struct disk *disk)
{
	const struct block_device *device;
	char text[200];
	int n = 0;

	text[0] = '\0';
	list_for_each_entry(device, &disk->partitions, disk_link) {
		if (n < (int)sizeof(text) - DISK_NAME_MAX - 1)
			n += snprintf(text + n, sizeof(text) - (size_t)n, " %s", device->name);
	}
	if (n)
		pr_info(" %s:%s\n", disk->whole->name, text);
}

static int scan_locked(struct disk *disk)
{
	const uint32_t sectors = disk->limits.logical_block >> SECTOR_SHIFT;
	struct partition_table table;
	int err;

	if (any_is_open(disk))
		return -EBUSY;
	err = table_read(disk, &table);
	if (!err) {
		table_report(disk, &table);
		partition_remove_all(disk);
	}
	for (uint32_t i = 0; i < table.count; i++) {
		const struct table_entry *entry = &table.entries[i];

		if (add_locked(disk, entry->number, entry->first * sectors, entry->count * sectors,
		               entry))
			pr_err("%s: no partition %u\n", disk->whole->name, entry->number);
	}
	kvfree(table.entries);
	set_report(disk);
	return err;
}

/* ---- probing -------------------------------------------------------------------------------- */

static void probe_end(struct disk *disk)
{
	atomic_or(&disk->state, DISK_PROBED);
	wake_up_all(&disk->idle);
	if (!atomic_dec_return(&probes.pending))
		wake_up_all(&probes.wait);
}

static void probe_run(struct work *work)
{
	struct probe *probe = container_of(work, struct probe, work);
	struct disk *disk = probe->disk;
	int err = 0;

	mutex_lock(&block_registry);
	if (!disk_has_failed(disk) && list_is_empty(&disk->partitions))
		err = scan_locked(disk);
	mutex_unlock(&block_registry);
	if (err)
		pr_warn("%s: unable to read partition table: error %d\n", disk->whole->name, -err);
	probe_end(disk);
	disk_put(disk);
	kfree(probe);
}

void partition_probe_start(struct disk *disk)
{
	struct probe *probe = NULL;

	atomic_inc(&probes.pending);
	if (!(atomic_load_relaxed(&disk->flags) & DISK_NO_PARTITIONS)) {
		probe = kmalloc(sizeof(*probe), ALLOC_KERNEL);
		if (!probe)
			pr_err("%s: no memory to read its partitions\n", disk->whole->name);
	}
	if (!probe) {
		probe_end(disk);
		return;
	}
	work_init(&probe->work, probe_run);
	probe->disk = disk_get(disk);
	work_queue_sleeping(&probe->work);
}

void block_wait_for_probe(void)
{
	wait_event(&probes.wait, !atomic_load(&probes.pending));
}

/* ---- changes by users ----------------------------------------------------------------------- */

int partition_rescan(struct block_device *whole)
{
	int err;

	if (whole->partition)
		return -EINVAL;
	mutex_lock(&block_registry);
	err = atomic_load_relaxed(&whole->is_gone) ? -ENXIO : 0;
	if (!err)
		err = scan_locked(whole->disk);
	mutex_unlock(&block_registry);
	return err;
}

static bool overlaps(struct disk *disk, uint64_t first, uint64_t count, uint32_t except)
{
	const struct block_device *device;

	list_for_each_entry(device, &disk->partitions, disk_link) {
		if (device->partition != except &&
		    first < device->first_sector + device->nr_sectors &&
		    device->first_sector < first + count)
			return true;
	}
	return false;
}

static bool fits(const struct block_device *whole, uint64_t first, uint64_t count)
{
	const uint64_t size = block_device_sectors(whole);

	return count && first < size && count <= size - first;
}

int partition_add(struct block_device *whole, uint32_t number, uint64_t first_sector,
                  uint64_t nr_sectors)
{
	int err = 0;

	if (whole->partition || !number || number >= PARTITIONS_MAX ||
	    !fits(whole, first_sector, nr_sectors))
		return -EINVAL;
	mutex_lock(&block_registry);
	if (atomic_load_relaxed(&whole->is_gone))
		err = -ENXIO;
	else if (partition_find(whole->disk, number) ||
	         overlaps(whole->disk, first_sector, nr_sectors, 0))
		err = -EBUSY;
	if (!err)
		err = add_locked(whole->disk, number, first_sector, nr_sectors, NULL);
	mutex_unlock(&block_registry);
	return err;
}

int partition_remove(struct block_device *whole, uint32_t number)
{
	struct block_device *device;
	int err = 0;

	if (whole->partition)
		return -EINVAL;
	mutex_lock(&block_registry);
	device = partition_find(whole->disk, number);
	if (!device)
		err = -ENXIO;
	else if (device->openers)
		err = -EBUSY;
	else
		remove_locked(device);
	mutex_unlock(&block_registry);
	return err;
}

int partition_resize(struct block_device *whole, uint32_t number, uint64_t first_sector,
                     uint64_t nr_sectors)
{
	struct block_device *device;
	int err = 0;

	if (whole->partition)
		return -EINVAL;
	mutex_lock(&block_registry);
	device = partition_find(whole->disk, number);
	if (!device)
		err = -ENXIO;
	else if (device->first_sector != first_sector || !fits(whole, first_sector, nr_sectors))
		err = -EINVAL;
	else if (overlaps(whole->disk, first_sector, nr_sectors, number))
		err = -EBUSY;
	else
		atomic_store_relaxed(&device->nr_sectors, nr_sectors);
	mutex_unlock(&block_registry);
	return err;
}
