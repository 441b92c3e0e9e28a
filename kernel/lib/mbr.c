/*
 * Reading MBR tables. See mbr.h.
 */
#include "lib/mbr.h"

#include <linux/errno.h>

#include "lib/byteorder.h"
#include "lib/math.h"
#include "lib/printf.h"

enum {
	DISK_SIGNATURE = 440, ENTRIES = 446, ENTRY_SIZE = 16, NR_ENTRIES = 4, SIGNATURE = 510,
	TYPE_EXTENDED = 0x05, TYPE_EXTENDED_LBA = 0x0f, TYPE_EXTENDED_LINUX = 0x85, TYPE_GPT = 0xee,
	FIRST_LOGICAL = 5,
	CHAIN_MAX = 256, /* tables: what does not end there goes in circles */
};

struct mbr_entry {
	uint8_t  boot, type;
	uint64_t first, count;
};

static bool is_extended(const struct mbr_entry *entry)
{
	return entry->count && (entry->type == TYPE_EXTENDED || entry->type == TYPE_EXTENDED_LBA ||
	                        entry->type == TYPE_EXTENDED_LINUX);
}

/* False: no table. */
static bool entries_decode(const uint8_t *block, struct mbr_entry out[NR_ENTRIES])
{
	if (block[SIGNATURE] != 0x55 || block[SIGNATURE + 1] != 0xaa)
		return false;
	for (int i = 0; i < NR_ENTRIES; i++) {
		const uint8_t *at = block + ENTRIES + i * ENTRY_SIZE;

		out[i] = (struct mbr_entry){ at[0], at[4], load_le32(at + 8), load_le32(at + 12) };
	}
	return true;
}

static void add(const struct table_source *source, struct partition_table *table, uint32_t id,
                uint32_t number, uint64_t first, uint64_t count)
{
	struct table_entry *out = &table->entries[table->count];

	if (first >= source->nr_blocks || table->count == table->max) {
		table->nr_refused++;
		return;
	}
	if (count > source->nr_blocks - first) {
		count = source->nr_blocks - first;
		table->flags |= TABLE_TRUNCATED;
	}
	if (table_overlaps(table, first, count)) {
		table->nr_refused++;
		return;
	}
	*out = (struct table_entry){ .number = number, .first = first, .count = count };
	if (id)
		snprintf(out->uuid, sizeof(out->uuid), "%08x-%02x", id, number);
	table->count++;
}

/* The chain of tables in an extended partition; each link is relative to its beginning. */
static void chain_read(const struct table_source *source, struct partition_table *table,
                       uint32_t id, const struct mbr_entry *extended)
{
	uint64_t at = extended->first;
	uint32_t number = FIRST_LOGICAL;

	for (int tables = 0; tables < CHAIN_MAX; tables++) {
		struct mbr_entry entries[NR_ENTRIES];
		uint64_t next = 0;

		if (at >= source->nr_blocks ||
		    source->read(source, at * source->block_size, source->scratch,
		                 source->block_size) ||
		    !entries_decode(source->scratch, entries))
			return;
		for (int i = 0; i < NR_ENTRIES; i++) {
			if (is_extended(&entries[i])) {
				if (!next)
					next = extended->first + entries[i].first;
			} else if (entries[i].count && entries[i].type) {
				add(source, table, id, number++, at + entries[i].first,
				    entries[i].count);
			}
		}
		if (!next)
			return;
		at = next;
	}
	table->nr_refused++;
}

int mbr_read(const struct table_source *source, struct partition_table *table)
{
	const uint64_t shown = max(1024u / source->block_size, 1u);
	struct mbr_entry entries[NR_ENTRIES];
	uint32_t id;
	int err = source->read(source, 0, source->scratch, source->block_size);

	if (err)
		return err;
	if (!entries_decode(source->scratch, entries))
		return -ENOENT;
	id = load_le32(source->scratch + DISK_SIGNATURE);
	for (int i = 0; i < NR_ENTRIES; i++) {
		if (entries[i].boot & 0x7f || entries[i].type == TYPE_GPT)
			return -ENOENT;
	}
	table->flags = TABLE_MBR;
	table->count = table->nr_refused = 0;
	for (uint32_t i = 0; i < NR_ENTRIES; i++) {
		const struct mbr_entry *entry = &entries[i];

		if (entry->count && entry->type)
			add(source, table, id, i + 1, entry->first,
			    is_extended(entry) ? min(entry->count, shown) : entry->count);
	}
	for (uint32_t i = 0; i < NR_ENTRIES; i++) {
		if (is_extended(&entries[i]))
			chain_read(source, table, id, &entries[i]);
	}
	return 0;
}
