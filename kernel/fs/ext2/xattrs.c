/*
 * Regions of extended attributes. See xattrs.h.
 */
#include "fs/ext2/xattrs.h"

#include <linux/errno.h>
#include <linux/xattr.h>

#include "lib/math.h"
#include "lib/string.h"

static const struct {
	uint8_t     index;
	const char *prefix;
	bool        is_whole; /* no rest behind it */
} spaces[] = {
	{ EXT2_XATTR_USER, XATTR_USER_PREFIX, false },
	{ EXT2_XATTR_ACL_ACCESS, "system.posix_acl_access", true },
	{ EXT2_XATTR_ACL_DEFAULT, "system.posix_acl_default", true },
	{ EXT2_XATTR_TRUSTED, XATTR_TRUSTED_PREFIX, false },
	{ EXT2_XATTR_SECURITY, XATTR_SECURITY_PREFIX, false },
};

bool ext2_xattr_split(const char *name, uint8_t *index, const char **rest)
{
	for (size_t i = 0; i < array_size(spaces); i++) {
		if (strncmp(name, spaces[i].prefix, strlen(spaces[i].prefix)) != 0)
			continue;
		*rest = name + strlen(spaces[i].prefix);
		*index = spaces[i].index;
		if (spaces[i].is_whole ? !**rest : **rest != '\0')
			return true;
	}
	return false;
}

const char *ext2_xattr_prefix(uint8_t index)
{
	for (size_t i = 0; i < array_size(spaces); i++) {
		if (spaces[i].index == index)
			return spaces[i].prefix;
	}
	return NULL;
}

int ext2_xattr_block_region(uint8_t *block, uint32_t size, struct ext2_xattr_region *out)
{
	const struct ext2_xattr_header *header = (const void *)block;

	if (le32_to_cpu(header->h_magic) != EXT2_XATTR_MAGIC || le32_to_cpu(header->h_blocks) != 1)
		return -EUCLEAN;
	*out = (struct ext2_xattr_region){ block, size, sizeof(*header) };
	return 0;
}

/* Where the space behind the fields begins; inode_size if there is none. */
static uint32_t inode_space(const uint8_t *raw, uint32_t inode_size)
{
	const struct ext2_disk_inode *inode = (const void *)raw;
	uint32_t start;

	if (inode_size <= EXT2_OLD_INODE_SIZE)
		return inode_size;
	start = EXT2_OLD_INODE_SIZE + (uint32_t)le16_to_cpu(inode->i_extra_isize);
	if (start <= EXT2_OLD_INODE_SIZE || start & 3 || start + 2 * sizeof(__le32) > inode_size)
		return inode_size;
	return start;
}

bool ext2_xattr_inode_region(uint8_t *raw, uint32_t inode_size, struct ext2_xattr_region *out)
{
	uint32_t start = inode_space(raw, inode_size);

	if (start == inode_size || load_le32(raw + start) != EXT2_XATTR_MAGIC)
		return false;
	start += sizeof(__le32);
	*out = (struct ext2_xattr_region){ raw + start, inode_size - start, 0 };
	return true;
}

bool ext2_xattr_inode_format(uint8_t *raw, uint32_t inode_size, struct ext2_xattr_region *out)
{
	uint32_t start = inode_space(raw, inode_size);

	if (start == inode_size)
		return false;
	memset(raw + start, 0, inode_size - start);
	store_le32(raw + start, EXT2_XATTR_MAGIC);
	return ext2_xattr_inode_region(raw, inode_size, out);
}

static uint32_t entry_size(uint32_t name_len)
{
	return (uint32_t)align_up(sizeof(struct ext2_xattr_entry) + name_len, EXT2_XATTR_PAD);
}

int ext2_xattr_item(const struct ext2_xattr_region *region, uint32_t offset,
                    struct ext2_xattr_item *out)
{
	const struct ext2_xattr_entry *entry = (const void *)(region->data + offset);
	uint32_t value;

	if (offset + sizeof(__le32) > region->size)
		return -EUCLEAN;
	if (load_le32(entry) == 0)
		return 0;
	if (offset + sizeof(*entry) > region->size ||
	    offset + entry_size(entry->e_name_len) + sizeof(__le32) > region->size)
		return -EUCLEAN;
	value = le16_to_cpu(entry->e_value_offs);
	out->index = entry->e_name_index;
	out->name_len = entry->e_name_len;
	out->name = entry->e_name;
	out->size = le32_to_cpu(entry->e_value_size);
	out->next = offset + entry_size(entry->e_name_len);
	if (le32_to_cpu(entry->e_value_inum) || value > region->size ||
	    out->size > region->size - value)
		return -EUCLEAN;
	out->value = region->data + value;
	return 1;
}

int ext2_xattr_find(const struct ext2_xattr_region *region, uint8_t index, const char *name,
                    struct ext2_xattr_item *out)
{
	const size_t len = strlen(name);
	int more;

	for (uint32_t at = region->first; (more = ext2_xattr_item(region, at, out)) > 0;
	     at = out->next) {
		if (out->index == index && out->name_len == len &&
		    memcmp(out->name, name, len) == 0)
			return 0;
	}
	return more < 0 ? more : -ENODATA;
}

/* ---- rebuilding ------------------------------------------------------------------------------ */

static uint32_t rotate(uint32_t hash, unsigned int by)
{
	return hash << by ^ hash >> (32 - by);
}

static uint32_t item_hash(const struct ext2_xattr_item *item)
{
	const uint8_t *value = item->value;
	uint32_t hash = 0;

	for (uint32_t i = 0; i < item->name_len; i++)
		hash = rotate(hash, 5) ^ (uint8_t)item->name[i];
	for (uint32_t at = 0; at < item->size; at += 4) {
		uint8_t word[4] = { 0 };

		memcpy(word, value + at, min(4u, item->size - at));
		hash = rotate(hash, 16) ^ load_le32(word);
	}
	return hash;
}

/* Blocks are kept in order of name space, length and name. */
static int item_compare(const struct ext2_xattr_item *a, const struct ext2_xattr_item *b)
{
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	if (a->name_len != b->name_len)
		return a->name_len < b->name_len ? -1 : 1;
	return memcmp(a->name, b->name, a->name_len);
}

struct writer {
	struct ext2_xattr_region *region;
	uint32_t front, back; /* free between them */
	uint32_t count;
};

static int item_write(struct writer *w, const struct ext2_xattr_item *item)
{
	const uint32_t padded = align_up(item->size, (uint32_t)EXT2_XATTR_PAD);
	struct ext2_xattr_entry *entry = (void *)(w->region->data + w->front);

	if (w->front + entry_size(item->name_len) + sizeof(__le32) + padded > w->back)
		return -ENOSPC;
	w->back -= padded;
	w->front += entry_size(item->name_len);
	w->count++;
	entry->e_name_len = item->name_len;
	entry->e_name_index = item->index;
	entry->e_value_offs = cpu_to_le16(item->size ? (uint16_t)w->back : 0);
	entry->e_value_inum = cpu_to_le32(0);
	entry->e_value_size = cpu_to_le32(item->size);
	entry->e_hash = cpu_to_le32(item_hash(item));
	memcpy(entry->e_name, item->name, item->name_len);
	memcpy(w->region->data + w->back, item->value, item->size);
	return 0;
}

int ext2_xattr_rebuild(const struct ext2_xattr_region *from, struct ext2_xattr_region *to,
                       const struct ext2_xattr_item *change, uint32_t *left)
{
	struct writer w = { to, to->first, to->size, 0 };
	bool is_due = change->value != NULL;
	struct ext2_xattr_item item;
	int more, err = 0;

	for (uint32_t at = from->first; !err && (more = ext2_xattr_item(from, at, &item)) > 0;
	     at = item.next) {
		int order = item_compare(change, &item);

		if (is_due && order <= 0) {
			is_due = false;
			err = item_write(&w, change);
		}
		if (!err && order != 0)
			err = item_write(&w, &item);
	}
	if (err || more < 0)
		return err ? err : more;
	if (is_due)
		err = item_write(&w, change);
	*left = w.count;
	return err;
}

void ext2_xattr_block_seal(const struct ext2_xattr_region *region, uint32_t refcount)
{
	struct ext2_xattr_header *header = (void *)region->data;
	struct ext2_xattr_item item;
	uint32_t hash = 0;

	for (uint32_t at = region->first; ext2_xattr_item(region, at, &item) > 0; at = item.next)
		hash = rotate(hash, 16) ^ item_hash(&item);
	header->h_magic = cpu_to_le32(EXT2_XATTR_MAGIC);
	header->h_refcount = cpu_to_le32(refcount);
	header->h_blocks = cpu_to_le32(1);
	header->h_hash = cpu_to_le32(hash);
}
