/*
 * Extended attributes: in the inode behind its fields while there is room, else in a block, which
 * inodes of equal attributes may share (others made it so: what we write is never shared, and a
 * shared one is left to the others when it changes).
 *
 * Access control lists (system.posix_acl_*) are kept and can be read as Linux gives them to
 * programs; they are not heeded, and so not set.
 */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/xattr.h>

#include "fs/ext2/ext2_impl.h"
#include "fs/ext2/xattrs.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"

/* ---- both places, as copies ------------------------------------------------------------------ */

struct places {
	uint8_t *raw;   /* inode_size bytes as they are to be stored; NULL: no room in inodes */
	uint8_t *block; /* a block; NULL: there is none */
	struct ext2_xattr_region in_inode, in_block;
	bool     has_inode, has_block;
};

static void places_free(struct places *p)
{
	kfree(p->raw);
	kfree(p->block);
}

static int inode_copy(struct inode *inode, struct places *p)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext2_inode *e = to_ext2(inode);
	const uint32_t size = es->geometry.inode_size;
	const uint32_t start = EXT2_OLD_INODE_SIZE + e->extra_isize;
	struct meta_view view;
	uint64_t block;
	uint32_t offset;
	int err;

	if (size == EXT2_OLD_INODE_SIZE || !e->extra_isize)
		return 0;
	p->raw = kzalloc(size, ALLOC_KERNEL);
	if (!p->raw)
		return -ENOMEM;
	((struct ext2_disk_inode *)(void *)p->raw)->i_extra_isize =
		cpu_to_le16((uint16_t)e->extra_isize);
	if (e->xattr_image) {
		memcpy(p->raw + start, e->xattr_image, size - start);
	} else if (!e->born_round || e->born_round != meta_round(&es->meta)) {
		ext2_inode_place(es, (uint32_t)inode->ino, &block, &offset);
		err = meta_read(&es->meta, block, &view);
		if (err)
			return err;
		memcpy(p->raw + start, view.data + offset + start, size - start);
		meta_view_put(&view);
	}
	p->has_inode = ext2_xattr_inode_region(p->raw, size, &p->in_inode);
	return 0;
}

static int block_copy(struct inode *inode, struct places *p)
{
	struct ext2_super *es = ext2_super(inode);
	const uint32_t size = es->geometry.block_size;
	struct meta_view view;
	int err;

	if (!to_ext2(inode)->xattr_block)
		return 0;
	err = meta_read(&es->meta, to_ext2(inode)->xattr_block, &view);
	if (err)
		return err;
	p->block = kmemdup(view.data, size, ALLOC_KERNEL);
	meta_view_put(&view);
	if (!p->block)
		return -ENOMEM;
	if (ext2_xattr_block_region(p->block, size, &p->in_block))
		return ext2_corrupt(es, "bad block of attributes of inode", inode->ino);
	p->has_block = true;
	return 0;
}

/* xattr_lock held. places_free() in any case. */
static int places_get(struct inode *inode, struct places *p)
{
	int err;

	*p = (struct places){ 0 };
	err = inode_copy(inode, p);
	return err ? err : block_copy(inode, p);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Where it is: 0, -ENODATA, -EUCLEAN. */
static int places_find(const struct places *p, uint8_t index, const char *name,
                       struct ext2_xattr_item *item)
{
	int err = -ENODATA;

	if (p->has_inode)
		err = ext2_xattr_find(&p->in_inode, index, name, item);
	if (err == -ENODATA && p->has_block)
		err = ext2_xattr_find(&p->in_block, index, name, item);
	return err;
}

/* On the disk entries of an ACL are of two sizes; programs see one (posix_acl_xattr.h). */
static ssize_t acl_expand(const uint8_t *from, size_t size, uint8_t *to)
{
	enum { SHORT_ENTRY = 4, LONG_ENTRY = 8 };
	size_t at = 4, n = 4;

	if (size < 4 || load_le32(from) != 1)
		return -EUCLEAN;
	store_le32(to, POSIX_ACL_XATTR_VERSION);
	while (at + SHORT_ENTRY <= size) {
		const uint16_t tag = load_le16(from + at);
		const bool is_named = tag == ACL_USER || tag == ACL_GROUP;

		if (is_named && at + LONG_ENTRY > size)
			return -EUCLEAN;
		memcpy(to + n, from + at, SHORT_ENTRY);
		store_le32(to + n + 4, is_named ? load_le32(from + at + 4) : ACL_UNDEFINED_ID);
		n += LONG_ENTRY;
		at += is_named ? LONG_ENTRY : SHORT_ENTRY;
	}
	return at == size ? (ssize_t)n : -EUCLEAN;
}

static ssize_t value_give(const struct ext2_xattr_item *item, void *value, size_t size)
{
	ssize_t n = item->size;
	uint8_t *expanded = NULL;
	const void *from = item->value;

	if (item->index == EXT2_XATTR_ACL_ACCESS || item->index == EXT2_XATTR_ACL_DEFAULT) {
		expanded = kmalloc(2ul * item->size + 8, ALLOC_KERNEL);
		if (!expanded)
			return -ENOMEM;
		n = acl_expand(item->value, item->size, expanded);
		from = expanded;
	}
	if (n > 0 && size && (size_t)n > size)
		n = -ERANGE;
	else if (n > 0 && size)
		memcpy(value, from, (size_t)n);
	kfree(expanded);
	return n;
}

ssize_t ext2_xattr_get(struct inode *inode, const char *name, void *value, size_t size)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext2_xattr_item item;
	struct places p;
	const char *rest;
	uint8_t index;
	ssize_t n;

	if (!ext2_xattr_split(name, &index, &rest) ||
	    (index == EXT2_XATTR_USER && es->options.no_user_xattr))
		return -EOPNOTSUPP;
	mutex_lock(&es->xattr_lock);
	n = places_get(inode, &p);
	mutex_unlock(&es->xattr_lock);
	if (!n)
		n = places_find(&p, index, rest, &item);
	if (!n)
		n = value_give(&item, value, size);
	if (n == -EUCLEAN)
		ext2_corrupt(es, "bad attributes of inode", inode->ino);
	places_free(&p);
	return n;
}

static ssize_t region_list(const struct ext2_xattr_region *region, char *names, size_t size,
                           size_t used)
{
	struct ext2_xattr_item item;
	int more;

	for (uint32_t at = region->first; (more = ext2_xattr_item(region, at, &item)) > 0;
	     at = item.next) {
		const char *prefix = ext2_xattr_prefix(item.index);
		size_t head, len;

		if (!prefix)
			continue;
		head = strlen(prefix);
		len = head + item.name_len + 1;
		if (size && used + len > size)
			return -ERANGE;
		if (size) {
			memcpy(names + used, prefix, head);
			memcpy(names + used + head, item.name, item.name_len);
			names[used + len - 1] = '\0';
		}
		used += len;
	}
	return more < 0 ? more : (ssize_t)used;
}

ssize_t ext2_xattr_list(struct inode *inode, char *names, size_t size)
{
	struct ext2_super *es = ext2_super(inode);
	struct places p;
	ssize_t n;

	mutex_lock(&es->xattr_lock);
	n = places_get(inode, &p);
	mutex_unlock(&es->xattr_lock);
	if (!n && p.has_inode)
		n = region_list(&p.in_inode, names, size, 0);
	if (n >= 0 && p.has_block)
		n = region_list(&p.in_block, names, size, (size_t)n);
	if (n == -EUCLEAN)
		ext2_corrupt(es, "bad attributes of inode", inode->ino);
	places_free(&p);
	return n;
}

/* ---- changing -------------------------------------------------------------------------------- */

/* The inode's share in its block goes: one user less, or the block is free. xattr_lock held. */
static int block_release(struct inode *inode)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext2_inode *e = to_ext2(inode);
	struct ext2_xattr_header *header;
	uint32_t users;
	uint8_t *data;
	int err;

	if (!e->xattr_block)
		return 0;
	err = meta_modify(&es->meta, e->xattr_block, META_NODE, &data);
	if (err)
		return err;
	header = (struct ext2_xattr_header *)(void *)data;
	users = le32_to_cpu(header->h_refcount);
	if (le32_to_cpu(header->h_magic) == EXT2_XATTR_MAGIC && users > 1)
		header->h_refcount = cpu_to_le32(users - 1);
	else
		ext2_blocks_free_later(es, e->xattr_block, 1);
	e->xattr_block = 0;
	inode_blocks_add(inode, -(int64_t)min((uint64_t)ext2_sectors_per_block(es),
	                                      inode->blocks));
	return 0;
}

/* A block with this content becomes the inode's; content is sealed. xattr_lock held. */
static int block_store(struct inode *inode, const struct ext2_xattr_region *content)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext2_inode *e = to_ext2(inode);
	uint64_t number;
	uint32_t count;
	uint8_t *data;
	int err = ext2_blocks_alloc(es, ext2_ino_goal(es, (uint32_t)inode->ino), 1,
	                            e->may_use_reserve, &number, &count);

	if (err)
		return err;
	err = meta_modify_new(&es->meta, number, META_NODE, &data);
	if (!err)
		err = block_release(inode);
	if (err) {
		ext2_blocks_free_later(es, number, 1);
		return err;
	}
	memcpy(data, content->data, content->size);
	e->xattr_block = number;
	inode_blocks_add(inode, ext2_sectors_per_block(es));
	return 0;
}

/* The new content of the inode's own region, or of none before. -ENOSPC: it does not fit. */
static int inode_rebuild(struct inode *inode, struct places *p,
                         const struct ext2_xattr_item *change, uint8_t **image)
{
	const uint32_t size = ext2_super(inode)->geometry.inode_size;
	const uint32_t start = EXT2_OLD_INODE_SIZE + to_ext2(inode)->extra_isize;
	struct ext2_xattr_region to;
	uint32_t left;
	uint8_t *raw;
	int err;

	if (!p->raw)
		return -ENOSPC;
	if (!p->has_inode && !ext2_xattr_inode_format(p->raw, size, &p->in_inode))
		return -ENOSPC;
	p->has_inode = true;
	raw = kmemdup(p->raw, size, ALLOC_KERNEL);
	if (!raw)
		return -ENOMEM;
	*image = NULL;
	err = ext2_xattr_inode_format(raw, size, &to) ? 0 : -ENOSPC;
	if (!err)
		err = ext2_xattr_rebuild(&p->in_inode, &to, change, &left);
	if (!err)
		*image = kmemdup(raw + start, size - start, ALLOC_KERNEL);
	kfree(raw);
	return err ? err : *image ? 0 : -ENOMEM;
}

static int block_rebuild(struct inode *inode, const struct places *p,
                         const struct ext2_xattr_item *change)
{
	const uint32_t size = ext2_super(inode)->geometry.block_size;
	struct ext2_xattr_region to = { NULL, size, sizeof(struct ext2_xattr_header) };
	struct ext2_xattr_region from = to;
	uint32_t left;
	int err;

	if (!p->has_block && !change->value)
		return 0;
	to.data = kzalloc(size, ALLOC_KERNEL);
	from.data = kzalloc(size, ALLOC_KERNEL);
	err = to.data && from.data ? 0 : -ENOMEM;
	if (!err)
		err = ext2_xattr_rebuild(p->has_block ? &p->in_block : &from, &to, change, &left);
	if (!err && !left) {
		err = block_release(inode);
	} else if (!err) {
		ext2_xattr_block_seal(&to, 1);
		err = block_store(inode, &to);
	}
	kfree(to.data);
	kfree(from.data);
	return err;
}

/* xattr_lock held, inside an operation. The value goes into the inode if it fits there. */
static int places_change(struct inode *inode, struct places *p, struct ext2_xattr_item *change)
{
	struct ext2_xattr_item none = *change, item;
	uint8_t *image = NULL;
	int err = inode_rebuild(inode, p, change, &image);

	none.value = NULL;
	if (!err) {
		bool in_block = p->has_block &&
		                ext2_xattr_find(&p->in_block, change->index, change->name,
		                                &item) == 0;

		err = in_block ? block_rebuild(inode, p, &none) : 0;
	} else if (err == -ENOSPC) {
		err = block_rebuild(inode, p, change);
		if (!err && p->has_inode)
			err = inode_rebuild(inode, p, &none, &image);
	}
	if (!err && image) {
		kfree(to_ext2(inode)->xattr_image);
		to_ext2(inode)->xattr_image = image;
		image = NULL;
	}
	kfree(image);
	return err;
}

static int flags_check(const struct places *p, const struct ext2_xattr_item *change, int flags)
{
	struct ext2_xattr_item item;
	int err = places_find(p, change->index, change->name, &item);

	if (err == -EUCLEAN)
		return err;
	if (!err)
		return flags & XATTR_CREATE ? -EEXIST : 0;
	return flags & XATTR_REPLACE || !change->value ? -ENODATA : 0;
}

int ext2_xattr_set(struct inode *inode, const char *name, const void *value, size_t size,
                   int flags)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext2_xattr_item change = { .value = value, .size = (uint32_t)size };
	struct places p;
	int err;

	if (!ext2_xattr_split(name, &change.index, &change.name) ||
	    change.index == EXT2_XATTR_ACL_ACCESS || change.index == EXT2_XATTR_ACL_DEFAULT ||
	    (change.index == EXT2_XATTR_USER && es->options.no_user_xattr))
		return -EOPNOTSUPP;
	if (strlen(change.name) > 255)
		return -ERANGE;
	change.name_len = (uint8_t)strlen(change.name);
	if (size > es->geometry.block_size)
		return -ENOSPC;
	meta_op_begin(&es->meta);
	mutex_lock(&es->xattr_lock);
	err = places_get(inode, &p);
	if (!err)
		err = flags_check(&p, &change, flags);
	if (!err)
		err = places_change(inode, &p, &change);
	if (!err)
		ext2_changed(inode);
	mutex_unlock(&es->xattr_lock);
	meta_op_end(&es->meta);
	places_free(&p);
	return err ? err : ext2_sync_after(inode, false);
}

void ext2_xattrs_delete(struct inode *inode)
{
	struct ext2_super *es = ext2_super(inode);

	mutex_lock(&es->xattr_lock);
	if (block_release(inode))
		ext2_corrupt(es, "attributes are lost of inode", inode->ino);
	mutex_unlock(&es->xattr_lock);
}
