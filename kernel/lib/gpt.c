/*
 * Reading GPT. See gpt.h.
 *
 * Entries are read in pieces of the scratch buffer; the CRC over all of them is compared at the
 * end, and if it is wrong what was gathered is forgotten.
 */
#include "lib/gpt.h"

#include <linux/errno.h>

#include "lib/byteorder.h"
#include "lib/crc32.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "lib/utf8.h"

#define GPT_SIGNATURE 0x5452415020494645ull /* "EFI PART" */

enum {
	MBR_ENTRIES = 446, MBR_ENTRY_SIZE = 16, MBR_SIGNATURE = 510, MBR_TYPE_GPT = 0xee,
	HEADER_SIZE_MIN = 92,
	ENTRY_SIZE_MIN = 128, ENTRY_SIZE_MAX = 4096,
	ENTRIES_MAX = 4096, /* bounds what is read for the CRC: the format has no limit */
	NAME_UNITS = 36,
};

struct gpt_header {
	__le64 signature;
	__le32 revision, header_size, header_crc, reserved;
	__le64 self, alternate, first_usable, last_usable;
	uint8_t disk_guid[16];
	__le64 entries;
	__le32 nr_entries, entry_size, entries_crc;
} __packed;
static_assert(sizeof(struct gpt_header) == HEADER_SIZE_MIN, "UEFI 5.3.2");

struct gpt_entry {
	uint8_t type[16], guid[16];
	__le64  first, last, attributes;
	__le16  name[NAME_UNITS];
} __packed;
static_assert(sizeof(struct gpt_entry) == ENTRY_SIZE_MIN, "UEFI 5.3.3");

bool gpt_is_protected(const uint8_t *mbr, bool *hybrid)
{
	bool found = false;

	*hybrid = false;
	if (mbr[MBR_SIGNATURE] != 0x55 || mbr[MBR_SIGNATURE + 1] != 0xaa)
		return false;
	for (int i = 0; i < 4; i++) {
		const uint8_t *entry = mbr + MBR_ENTRIES + i * MBR_ENTRY_SIZE;

		if (entry[4] == MBR_TYPE_GPT && load_le32(entry + 8) == 1)
			found = true;
		else if (entry[4])
			*hybrid = true;
	}
	return found;
}

/* ---- header -------------------------------------------------------------------------------- */

static bool ranges_are_sound(const struct gpt_header *header, const struct table_source *source)
{
	const uint64_t first = le64_to_cpu(header->first_usable);
	const uint64_t last = le64_to_cpu(header->last_usable);
	const uint64_t entries = le64_to_cpu(header->entries);
	const uint32_t size = le32_to_cpu(header->entry_size);
	const uint32_t nr = le32_to_cpu(header->nr_entries);
	uint64_t blocks;

	if (size < ENTRY_SIZE_MIN || size > ENTRY_SIZE_MAX || size & (size - 1) ||
	    !nr || nr > ENTRIES_MAX)
		return false;
	blocks = div_round_up((uint64_t)nr * size, source->block_size);
	return first <= last && last < source->nr_blocks && entries > 1 &&
	       entries < source->nr_blocks && blocks <= source->nr_blocks - entries &&
	       (entries + blocks <= first || entries > last);
}

static bool header_read(const struct table_source *source, uint64_t at, struct gpt_header *header)
{
	uint8_t *block = source->scratch;
	uint32_t size, crc;

	if (at >= source->nr_blocks ||
	    source->read(source, at * source->block_size, block, source->block_size))
		return false;
	memcpy(header, block, sizeof(*header));
	size = le32_to_cpu(header->header_size);
	if (le64_to_cpu(header->signature) != GPT_SIGNATURE || size < HEADER_SIZE_MIN ||
	    size > source->block_size)
		return false;
	crc = le32_to_cpu(header->header_crc);
	memset(block + offsetof(struct gpt_header, header_crc), 0, sizeof(header->header_crc));
	return crc32(0, block, size) == crc && le64_to_cpu(header->self) == at &&
	       ranges_are_sound(header, source);
}

/* ---- entries ------------------------------------------------------------------------------- */

static void guid_print(char *to, const uint8_t *guid)
{
	snprintf(to, 37, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", load_le32(guid),
	         load_le16(guid + 4), load_le16(guid + 6), guid[8], guid[9], guid[10], guid[11],
	         guid[12], guid[13], guid[14], guid[15]);
}

/* One code point of a name in UTF-16; half pairs become U+FFFD. */
static uint32_t name_next(const struct gpt_entry *entry, int *at)
{
	uint32_t unit = le16_to_cpu(entry->name[(*at)++]), low;

	if (unit < 0xd800 || unit > 0xdfff)
		return unit;
	if (unit > 0xdbff || *at == NAME_UNITS)
		return 0xfffd;
	low = le16_to_cpu(entry->name[*at]);
	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	(*at)++;
	return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

static void name_convert(char *to, const struct gpt_entry *entry)
{
	int at = 0;

	while (at < NAME_UNITS) {
		uint32_t code = name_next(entry, &at);

		if (!code)
			break;
		to += utf8_encode(code, to);
	}
	*to = '\0';
}

static void entry_take(const struct gpt_header *header, const struct gpt_entry *entry,
                       uint32_t number, struct partition_table *table)
{
	const uint64_t first = le64_to_cpu(entry->first), last = le64_to_cpu(entry->last);
	struct table_entry *out = &table->entries[table->count];

	if (mem_is_zero(entry->type, sizeof(entry->type)))
		return;
	if (first > last || first < le64_to_cpu(header->first_usable) ||
	    last > le64_to_cpu(header->last_usable) || table->count == table->max ||
	    table_overlaps(table, first, last - first + 1)) {
		table->nr_refused++;
		return;
	}
	out->number = number;
	out->first = first;
	out->count = last - first + 1;
	guid_print(out->uuid, entry->guid);
	name_convert(out->label, entry);
	table->count++;
}

static bool entries_read(const struct table_source *source, const struct gpt_header *header,
                         struct partition_table *table)
{
	const uint32_t size = le32_to_cpu(header->entry_size);
	const uint64_t total = (uint64_t)le32_to_cpu(header->nr_entries) * size;
	uint64_t position = le64_to_cpu(header->entries) * source->block_size;
	uint32_t crc = 0, number = 1;

	table->count = table->nr_refused = 0;
	for (uint64_t done = 0; done < total;) {
		size_t n = min(total - done, (uint64_t)TABLE_SCRATCH_SIZE);
		size_t whole = align_up(n, (size_t)source->block_size);

		if (source->read(source, position + done, source->scratch, whole))
			return false;
		crc = crc32(crc, source->scratch, n);
		for (size_t at = 0; at < n; at += size)
			entry_take(header, (const void *)(source->scratch + at), number++, table);
		done += n;
	}
	return crc == le32_to_cpu(header->entries_crc);
}

static bool copy_read(const struct table_source *source, uint64_t at, struct gpt_header *header,
                      struct partition_table *table)
{
	if (header_read(source, at, header) && entries_read(source, header, table))
		return true;
	table->count = table->nr_refused = 0;
	return false;
}

/* The other copy of a good primary: only its health is of interest. */
static bool backup_is_good(const struct table_source *source, uint64_t at)
{
	struct partition_table nothing = { 0 };
	struct gpt_header header;

	return copy_read(source, at, &header, &nothing);
}

int gpt_read(const struct table_source *source, struct partition_table *table)
{
	const uint64_t last = source->nr_blocks - 1;
	struct gpt_header header;
	bool hybrid;
	int err;

	if (source->nr_blocks < 2)
		return -ENOENT;
	err = source->read(source, 0, source->scratch, source->block_size);
	if (err)
		return err;
	if (!gpt_is_protected(source->scratch, &hybrid))
		return -ENOENT;
	table->flags = hybrid ? TABLE_GPT | TABLE_HYBRID : TABLE_GPT;
	if (copy_read(source, 1, &header, table)) {
		const uint64_t alternate = le64_to_cpu(header.alternate);

		if (!backup_is_good(source, alternate))
			table->flags |= TABLE_BACKUP_BAD;
		else if (alternate != last)
			table->flags |= TABLE_BACKUP_MOVED;
		return 0;
	}
	table->flags |= TABLE_PRIMARY_BAD;
	if (copy_read(source, last, &header, table))
		return 0;
	table->flags |= TABLE_BOTH_BAD;
	return -EINVAL;
}
