/*
 * Instances of tmpfs and ramfs: options, limits, inodes; and files without a name, for shared
 * anonymous memory and memfd. See README.md.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>

#include "core/panic.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/mount.h"
#include "fs/super.h"
#include "fs/tmpfs/tmpfs_impl.h"
#include "id/cred.h"
#include "lib/math.h"
#include "lib/parse.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/buddy.h"
#include "mem/slab.h"

static struct cache inode_slab = CACHE("tmpfs_inode", struct tmpfs_inode);

/* Shared anonymous memory and memfd live in an instance of their own, without limits. */
static struct mount *memory_mount __ro_after_init;

/* ---- inodes -------------------------------------------------------------------------------- */

static int inode_charge(struct tmpfs_super *info)
{
	int err = 0;

	spin_lock(&info->lock);
	if (info->max_inodes && info->used_inodes >= info->max_inodes)
		err = -ENOSPC;
	else
		info->used_inodes++;
	spin_unlock(&info->lock);
	return err;
}

static void inode_uncharge(struct tmpfs_super *info)
{
	spin_lock(&info->lock);
	info->used_inodes--;
	spin_unlock(&info->lock);
}

/* Operations and content by type; ENOMEM only. */
static int inode_set_type(struct tmpfs_inode *tmpfs, const struct new_inode *new)
{
	struct inode *inode = &tmpfs->inode;

	switch (new->mode & S_IFMT) {
	case S_IFREG:
		inode->ops = &tmpfs_file_inode_ops;
		inode->fops = &tmpfs_file_ops;
		mapping_init(&tmpfs->mapping, inode, &tmpfs_mapping_ops);
		tmpfs->mapping.seals = F_SEAL_SEAL;
		inode->mapping = &tmpfs->mapping;
		return 0;
	case S_IFDIR:
		inode->ops = &tmpfs_dir_ops;
		inode->fops = &tmpfs_dir_file_ops;
		inode->size = tmpfs_super(inode->super)->limited ? 40 : 0;
		tmpfs_dir_init(tmpfs, NULL);
		return 0;
	case S_IFLNK:
		inode->ops = &tmpfs_link_ops;
		inode_set_special(inode);
		tmpfs->target = kstrdup(new->target, ALLOC_KERNEL);
		inode->size = (pos_t)strlen(new->target);
		return tmpfs->target ? 0 : -ENOMEM;
	default:
		inode->ops = &tmpfs_node_ops;
		inode_set_special(inode);
		return 0;
	}
}

int tmpfs_inode_create(struct superblock *super, const struct new_inode *new, struct inode **out)
{
	struct tmpfs_super *info = tmpfs_super(super);
	struct tmpfs_inode *tmpfs;
	int err = inode_charge(info);

	if (err)
		return err;
	tmpfs = cache_alloc(&inode_slab, ALLOC_KERNEL);
	if (!tmpfs) {
		inode_uncharge(info);
		return -ENOMEM;
	}
	inode_init(&tmpfs->inode, super, new);
	list_init(&tmpfs->xattrs);
	tmpfs->reserved = 0;
	err = inode_set_type(tmpfs, new);
	if (err)
		inode_put(&tmpfs->inode);
	else
		*out = &tmpfs->inode;
	return err;
}

static void tmpfs_evict(struct inode *inode)
{
	struct tmpfs_inode *tmpfs = to_tmpfs(inode);

	if (S_ISREG(inode->mode)) {
		inode->size = 0;
		mapping_truncate(&tmpfs->mapping, 0);
		mapping_fini(&tmpfs->mapping);
		tmpfs_unreserve(tmpfs);
	} else if (S_ISDIR(inode->mode)) {
		tmpfs_dir_clear(tmpfs);
	}
	tmpfs_xattrs_free(tmpfs);
	inode_uncharge(tmpfs_super(inode->super));
}

static void tmpfs_free_inode(struct inode *inode)
{
	/* A walk under RCU may have read the text until now. */
	if (S_ISLNK(inode->mode))
		kfree(to_tmpfs(inode)->target);
	cache_free(&inode_slab, to_tmpfs(inode));
}

static int tmpfs_get_link(struct inode *inode, const struct walk_from *from,
                          struct link_target *out)
{
	out->text = to_tmpfs(inode)->target;
	return 0;
}

/* ---- options ------------------------------------------------------------------------------- */

static uint64_t half_of_memory(void)
{
	return max(pages_total() / 2, 1ul);
}

/* A size with a suffix, or a share of memory in percent. In bytes. */
static int option_size(const char *text, uint64_t *bytes)
{
	const char *end;

	if (!parse_u64_prefix(text, 10, bytes, &end) && strcmp(end, "%") == 0) {
		*bytes = *bytes * pages_total() / 100 * PAGE_SIZE;
		return 0;
	}
	return parse_size(text, bytes);
}

static int option_number(const char *text, unsigned int base, uint32_t *out)
{
	uint64_t n;

	if (parse_u64_base(text, base, &n) || n > UINT32_MAX)
		return -EINVAL;
	*out = (uint32_t)n;
	return 0;
}

static int option_blocks(const char *value, bool in_bytes, uint64_t *blocks)
{
	uint64_t n;
	int err = option_size(value, &n);

	if (!err)
		*blocks = in_bytes ? div_round_up(n, PAGE_SIZE) : n;
	return err;
}

/* One word "name=value". Unknown ones are EINVAL. */
static int option_apply(struct tmpfs_super *info, const char *name, const char *value)
{
	if (strcmp(name, "size") == 0)
		return value ? option_blocks(value, true, &info->max_blocks) : -EINVAL;
	if (strcmp(name, "nr_blocks") == 0)
		return value ? option_blocks(value, false, &info->max_blocks) : -EINVAL;
	if (strcmp(name, "nr_inodes") == 0)
		return value ? option_blocks(value, false, &info->max_inodes) : -EINVAL;
	if (strcmp(name, "mode") == 0) {
		if (!value || option_number(value, 8, &info->mode))
			return -EINVAL;
		info->mode &= 07777;
		return 0;
	}
	if (strcmp(name, "uid") == 0)
		return value ? option_number(value, 10, &info->uid) : -EINVAL;
	if (strcmp(name, "gid") == 0)
		return value ? option_number(value, 10, &info->gid) : -EINVAL;
	/* Where pages come from, and how inode numbers are handed out, is the same for all here. */
	if (strcmp(name, "huge") == 0)
		return value && strcmp(value, "never") == 0 ? 0 : -EINVAL;
	return strcmp(name, "inode64") == 0 ? 0 : -EINVAL;
}

/* ramfs takes any word and heeds "mode" alone. */
static int options_parse(struct tmpfs_super *info, const char *options)
{
	char *copy, *cursor;
	struct option option;
	int err = 0;

	if (!*options)
		return 0;
	cursor = copy = kstrdup(options, ALLOC_KERNEL);
	if (!copy)
		return -ENOMEM;
	while (!err && option_next(&cursor, &option)) {
		if (info->limited || strcmp(option.name, "mode") == 0)
			err = option_apply(info, option.name, option.value);
	}
	kfree(copy);
	return err;
}

static int tmpfs_remount(struct superblock *super, unsigned int *flags, const char *options)
{
	struct tmpfs_super *info = tmpfs_super(super), wanted = *info;
	int err = info->limited ? options_parse(&wanted, options) : 0;

	if (err)
		return err;
	spin_lock(&info->lock);
	if ((wanted.max_blocks && info->used_blocks > wanted.max_blocks) ||
	    (wanted.max_inodes && info->used_inodes > wanted.max_inodes)) {
		err = -EINVAL;
	} else {
		info->max_blocks = wanted.max_blocks;
		info->max_inodes = wanted.max_inodes;
	}
	spin_unlock(&info->lock);
	return err;
}

static int tmpfs_show_options(struct superblock *super, char *buf, size_t size)
{
	const struct tmpfs_super *info = tmpfs_super(super);
	int n = 0;

	if (!info->limited)
		return snprintf(buf, size, "%s", "");
	if (info->max_blocks != half_of_memory())
		n += snprintf(buf, size, ",size=%luk", info->max_blocks * (PAGE_SIZE / 1024));
	if (info->max_inodes != half_of_memory())
		n += snprintf(buf + n, size - (size_t)n, ",nr_inodes=%lu", info->max_inodes);
	if (info->mode != (S_ISVTX | 0777))
		n += snprintf(buf + n, size - (size_t)n, ",mode=%03o", info->mode);
	if (info->uid)
		n += snprintf(buf + n, size - (size_t)n, ",uid=%u", info->uid);
	if (info->gid)
		n += snprintf(buf + n, size - (size_t)n, ",gid=%u", info->gid);
	return n;
}

/* ---- super blocks -------------------------------------------------------------------------- */

static int tmpfs_statfs(struct superblock *super, struct fs_stat *stat)
{
	struct tmpfs_super *info = tmpfs_super(super);

	spin_lock(&info->lock);
	if (info->limited && info->max_blocks) {
		stat->blocks = info->max_blocks;
		stat->blocks_free = stat->blocks_available = info->max_blocks - info->used_blocks;
	}
	if (info->limited && info->max_inodes) {
		stat->files = info->max_inodes;
		stat->files_free = info->max_inodes - info->used_inodes;
	}
	spin_unlock(&info->lock);
	return 0;
}

static void tmpfs_release(struct superblock *super)
{
	kfree(super->private);
}

static const struct super_ops tmpfs_super_ops = {
	.evict = tmpfs_evict,
	.free_inode = tmpfs_free_inode,
	.statfs = tmpfs_statfs,
	.remount = tmpfs_remount,
	.show_options = tmpfs_show_options,
	.release = tmpfs_release,
};

static int root_create(struct superblock *super)
{
	const struct tmpfs_super *info = tmpfs_super(super);
	const struct new_inode new = { .mode = S_IFDIR | info->mode, .uid = info->uid,
	                              .gid = info->gid };
	struct inode *inode;
	int err = tmpfs_inode_create(super, &new, &inode);

	return err ? err : dentry_create_root(super, inode, &super->root);
}

static int info_create(const char *options, const struct cred *cred, bool limited,
                       struct tmpfs_super **out)
{
	struct tmpfs_super *info = kzalloc(sizeof(*info), ALLOC_KERNEL);
	int err;

	if (!info)
		return -ENOMEM;
	spin_lock_init(&info->lock, RANK_INODE);
	info->limited = limited;
	info->mode = limited ? S_ISVTX | 0777 : 0755;
	if (limited)
		info->max_blocks = info->max_inodes = half_of_memory();
	if (limited && cred) {
		info->uid = cred->fsuid;
		info->gid = cred->fsgid;
	}
	err = options_parse(info, options);
	if (err)
		kfree(info);
	else
		*out = info;
	return err;
}

static int instance_create(const struct fs_type *type, const struct mount_request *request,
                           bool limited,
                           struct superblock **out)
{
	struct tmpfs_super *info;
	struct superblock *super;
	int err = info_create(request->options, request->cred, limited, &info);

	if (err)
		return err;
	err = super_create(type, &tmpfs_super_ops, request->flags, &super);
	if (err) {
		kfree(info);
		return err;
	}
	super->private = info;
	super->magic = limited ? TMPFS_MAGIC : RAMFS_MAGIC;
	err = root_create(super);
	if (err)
		super_put(super);
	else
		*out = super;
	return err;
}

int tmpfs_super_create(const struct fs_type *type, const char *options, unsigned int flags,
                       struct superblock **out)
{
	const struct mount_request request = { .source = type->name, .options = options,
	                                      .flags = flags };

	return instance_create(type, &request, true, out);
}

static int tmpfs_mount(const struct fs_type *type, const struct mount_request *request,
                       struct superblock **out)
{
	return instance_create(type, request, true, out);
}

static int ramfs_mount(const struct fs_type *type, const struct mount_request *request,
                       struct superblock **out)
{
	return instance_create(type, request, false, out);
}

/* ---- files without a name ------------------------------------------------------------------ */

static int memory_describe(const struct dentry *dentry, char *buf, size_t size)
{
	return snprintf(buf, size, "/%s (deleted)", dentry->name->text);
}

static const struct dentry_ops memory_dentry_ops = { .describe = memory_describe };

/* As on Linux, the maker is not counted: a memfd can be executed while it is open. */
static void writer_forget(struct file *file)
{
	file->mode &= ~(unsigned)FILE_WRITER;
	inode_write_put(file->inode);
	mount_write_put(file->path.mount);
}

int tmpfs_file_create_anonymous(const char *name, pos_t size, unsigned int flags,
                                const struct cred *cred, struct file **out)
{
	const struct new_inode new = { .mode = S_IFREG | (flags & TMPFS_NOEXEC ? 0666 : 0777),
	                               .uid = cred->fsuid, .gid = cred->fsgid };
	struct path path = { .mount = memory_mount };
	struct inode *inode;
	int err = tmpfs_inode_create(memory_mount->super, &new, &inode);

	if (!err && flags & TMPFS_RESERVED) {
		err = tmpfs_reserve(to_tmpfs(inode), size);
		if (err)
			inode_put(inode);
	}
	if (err)
		return err;
	inode->nlink = 0;
	inode->size = size;
	inode->mapping->seals = flags & TMPFS_SEALABLE ? 0 : F_SEAL_SEAL;
	err = dentry_create_detached(memory_mount->super, name, inode, &path.dentry);
	if (err) {
		inode_put(inode);
		return err;
	}
	path.dentry->ops = &memory_dentry_ops;
	err = file_create(&path, cred, O_RDWR | O_LARGEFILE, out);
	dentry_put(path.dentry);
	if (!err && file_start(*out))
		panic("the internal tmpfs is not writable");
	if (!err)
		writer_forget(*out);
	return err;
}

int tmpfs_init(void)
{
	int err = fs_type_register(&tmpfs_type);

	if (!err)
		err = fs_type_register(&ramfs_type);
	return err ? err : mount_create_internal(&ramfs_type, &memory_mount);
}

const struct inode_ops tmpfs_link_ops = {
	.get_link = tmpfs_get_link,
	.xattr_get = tmpfs_xattr_get,
	.xattr_set = tmpfs_xattr_set,
	.xattr_list = tmpfs_xattr_list,
};

const struct inode_ops tmpfs_node_ops = {
	.xattr_get = tmpfs_xattr_get,
	.xattr_set = tmpfs_xattr_set,
	.xattr_list = tmpfs_xattr_list,
};

const struct fs_type tmpfs_type = { .name = "tmpfs", .mount = tmpfs_mount };
const struct fs_type ramfs_type = { .name = "ramfs", .mount = ramfs_mount };
const struct fs_type rootfs_type = { .name = "rootfs", .flags = FS_HIDDEN, .mount = tmpfs_mount };
