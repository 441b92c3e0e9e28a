/*
 * GPT, the partition table of UEFI (UEFI Specification 2.10, chapter 5).
 *
 * A disk has one if its MBR is protective (an entry of type 0xEE that begins at block 1), as on
 * Linux. The header in block 1 is the primary, the one in the last block the backup; each is
 * believed only if its own CRC, that of its array of entries, and its ranges are right. A bad
 * primary gives way to the backup.
 */
#pragma once

#include "lib/partition_table.h"

/* Whether a first block, of at least 512 bytes, is a protective MBR; *hybrid if it has more. */
bool gpt_is_protected(const uint8_t *mbr, bool *hybrid);

/*
 * Fills the table, from the better of both copies. 0; -ENOENT: there is no GPT; -EINVAL: there
 * ought to be one, and both copies are bad (TABLE_BOTH_BAD); -EIO and the like: block 0 cannot be
 * read.
 */
int gpt_read(const struct table_source *source, struct partition_table *table) __must_check;
