/*
 * Partition tables as lists: what lib/gpt.h and lib/mbr.h read, and from where.
 *
 * The reader hands in how to read blocks, a scratch buffer and room for entries; nothing is
 * allocated. Every field of a table is hostile: what is out of range, overlaps or goes in circles
 * is refused, counted, and the rest is used.
 */
#pragma once

#include "lib/types.h"

enum { TABLE_SCRATCH_SIZE = 4096 };

struct table_source {
	/* size bytes at a byte position, both multiples of block_size. 0, or -errno. */
	int    (*read)(const struct table_source *source, uint64_t position, void *buf,
	               size_t size);
	void    *context;
	uint32_t block_size; /* 512 to TABLE_SCRATCH_SIZE, a power of two */
	uint64_t nr_blocks;
	uint8_t *scratch;    /* TABLE_SCRATCH_SIZE bytes */
};

struct table_entry {
	uint32_t number; /* of the partition, from 1 */
	uint64_t first;  /* block */
	uint64_t count;  /* of blocks, not 0; first + count <= nr_blocks */
	char     uuid[37];
	char     label[109]; /* UTF-8 */
};

enum table_flags {
	TABLE_GPT            = 1 << 0,
	TABLE_MBR            = 1 << 1,
	TABLE_PRIMARY_BAD    = 1 << 2, /* GPT: the backup was used */
	TABLE_BACKUP_BAD     = 1 << 3, /* GPT: only the primary is good */
	TABLE_BACKUP_MOVED   = 1 << 4, /* GPT: the backup is not at the end of the disk */
	TABLE_HYBRID         = 1 << 5, /* GPT: the MBR has entries of its own; they are not used */
	TABLE_BOTH_BAD       = 1 << 6, /* a protective MBR, and no good GPT */
	TABLE_TRUNCATED      = 1 << 7, /* MBR: an entry went beyond the end of the disk */
};

struct partition_table {
	unsigned int        flags; /* enum table_flags */
	uint32_t            count, max;
	uint32_t            nr_refused; /* entries */
	struct table_entry *entries;    /* room for max */
};

/* Whether a range of blocks meets an entry that is there already. */
static inline bool table_overlaps(const struct partition_table *table, uint64_t first,
                                  uint64_t count)
{
	for (uint32_t i = 0; i < table->count; i++) {
		const struct table_entry *entry = &table->entries[i];

		if (first < entry->first + entry->count && entry->first < first + count)
			return true;
	}
	return false;
}
