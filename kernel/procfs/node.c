/*
 * Inodes, directories and links made from tables. See node.h.
 *
 * Positions in a directory: 0 and 1 are "." and "..", then the table's entries, and from
 * POSITION_KEYS on the keys of the names that come and go. Inode numbers are hashes of what the
 * node is, so that they stay the same while nodes come and go.
 */
#include "procfs/node.h"

#include <linux/errno.h>
#include <linux/magic.h>

#include "abi/dirent.h"
#include "fs/attr.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/namei.h"
#include "fs/super.h"
#include "lib/hash.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/slab.h"
#include "proc/proc.h"

enum { POSITION_TABLE = 2, POSITION_KEYS = 1 << 12, ROOT_INO = 1 };

static struct cache node_slab = CACHE("procfs_node", struct node);

static const struct inode_ops dir_ops, private_dir_ops, file_inode_ops, strict_file_ops, link_ops;
static const struct file_ops dir_file_ops, link_file_ops;

/* ---- the task behind a node ---------------------------------------------------------------- */

struct task *node_task(const struct node *node)
{
	return node->pid ? task_of_pid(node->pid) : NULL;
}

int node_may_access(const struct node *node)
{
	struct task *task = node_task(node);
	int err;

	if (!task)
		return -ESRCH;
	err = task_may_access(task);
	task_put(task);
	return err ? -EACCES : 0;
}

/* Not of a process, or of one that is there still. */
static bool is_alive(const struct node *node)
{
	bool alive = true;

	rcu_read_lock();
	if (node->pid)
		alive = pid_has(node->pid, PID_TID);
	rcu_read_unlock();
	return alive;
}

void node_update_owner(struct node *node)
{
	const mode_t open_dir = S_IFDIR | 0555;
	const struct cred *cred;
	struct task *task = node_task(node);
	bool as_task;

	if (!task)
		return;
	as_task = node->inode.mode == open_dir || atomic_load_relaxed(&task->proc->is_dumpable);
	cred = task_cred_get(task);
	WRITE_ONCE(node->inode.uid, as_task ? cred->euid : 0);
	WRITE_ONCE(node->inode.gid, as_task ? cred->egid : 0);
	cred_put(cred);
	task_put(task);
}

/* ---- inodes -------------------------------------------------------------------------------- */

static ino_t ino_of(const struct entry *entry, const struct pid *pid, uint64_t key)
{
	uint64_t mixed = hash_u64(hash_pointer(entry) + (uint64_t)pid_nr(pid)) + key;

	return (hash_u64(mixed) >> 24) + ROOT_INO + 1;
}

static uint32_t links_of_dir(const struct directory *dir)
{
	uint32_t links = 2;

	for (size_t i = 0; i < dir->count; i++)
		links += S_ISDIR(dir->entries[i].mode);
	return links;
}

static void set_type(struct node *node)
{
	const struct entry *entry = node->entry;
	struct inode *inode = &node->inode;

	if (S_ISDIR(entry->mode)) {
		inode->ops = entry->flags & ENTRY_PRIVATE ? &private_dir_ops : &dir_ops;
		inode->fops = &dir_file_ops;
		inode->nlink = links_of_dir(entry->dir);
	} else if (S_ISLNK(entry->mode)) {
		inode->ops = &link_ops;
		inode->fops = &link_file_ops;
	} else {
		inode->ops = entry->flags & ENTRY_STRICT ? &strict_file_ops : &file_inode_ops;
		inode->fops = entry->ops ? entry->ops : &node_file_ops;
	}
}

/* Consumes the child's pid. */
static int node_create(struct superblock *super, const struct child *child, struct inode **out)
{
	const struct entry *entry = child->entry;
	const struct new_inode new = {
		.mode = child->mode ? child->mode : entry->mode,
	};
	struct node *node = cache_alloc(&node_slab, ALLOC_KERNEL);

	if (!node) {
		pid_put(child->pid);
		return -ENOMEM;
	}
	inode_init(&node->inode, super, &new);
	node->inode.ino = ino_of(entry, child->pid, child->key);
	node->entry = entry;
	node->pid = child->pid;
	node->key = child->key;
	node->inode.size = child->size;
	if (S_ISLNK(entry->mode) && child->mode)
		node->inode.size = 64; /* of a descriptor: Linux's figure */
	set_type(node);
	node_update_owner(node);
	*out = &node->inode;
	return 0;
}

static void node_evict(struct inode *inode)
{
	pid_put(to_node(inode)->pid);
}

static void node_free(struct inode *inode)
{
	cache_free(&node_slab, to_node(inode));
}

static int node_getattr(struct inode *inode, struct kstat *stat)
{
	node_update_owner(to_node(inode));
	kstat_fill(inode, stat);
	return 0;
}

/* Opening with O_TRUNC changes nothing; owner and mode are the kernel's. */
static int node_setattr(struct inode *inode, const struct attr_change *change)
{
	return change->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

/* What a process has open it may always see itself; others must be allowed to look into it. */
static int private_dir_permission(struct inode *inode, const struct cred *cred, unsigned int mask)
{
	int err = inode_check_mode(inode, cred, mask);

	if (mask & MAY_WRITE)
		return err;
	return node_may_access(to_node(inode)) ? -EACCES : 0;
}

/* As if the reader were root, in root's group, or nobody: by effective ids. */
static int strict_permission(struct inode *inode, const struct cred *cred, unsigned int mask)
{
	const unsigned int wanted = mask & (MAY_READ | MAY_WRITE | MAY_EXEC);
	unsigned int shift = 0;

	if (cred->euid == 0)
		shift = 6;
	else if (cred_in_egroup(cred, 0))
		shift = 3;
	return wanted & ~(inode->mode >> shift) ? -EACCES : 0;
}

/* ---- directories --------------------------------------------------------------------------- */

static bool entry_exists(const struct entry *entry)
{
	return !entry->exists || entry->exists();
}

/* Names with a process behind them are stale when it is gone, its links always. */
static bool node_revalidate(struct dentry *dentry)
{
	struct node *node;

	if (!dentry->inode)
		return false;
	node = to_node(dentry->inode);
	if ((node->pid && S_ISLNK(node->inode.mode)) || !is_alive(node))
		return false;
	node_update_owner(node);
	return true;
}

static const struct dentry_ops node_dentry_ops = { .revalidate = node_revalidate };

static int child_find(const struct node *dir, const char *name, struct child *child)
{
	const struct directory *table = dir->entry->dir;

	for (size_t i = 0; i < table->count; i++) {
		const struct entry *entry = &table->entries[i];

		if (strcmp(entry->name, name) || !entry_exists(entry))
			continue;
		*child = (struct child){ .entry = entry, .key = dir->key };
		if (dir->pid)
			child->pid = pid_get(dir->pid);
		return 0;
	}
	*child = (struct child){ 0 };
	return table->lookup ? table->lookup(dir, name, child) : -ENOENT;
}

/* On Linux, a name that is not in /proc cannot be made; in /sys it is only not there. */
static int node_lookup(struct inode *inode, struct dentry *dentry)
{
	struct inode *found;
	struct child child;
	int err = -ESRCH;

	if (is_alive(to_node(inode)))
		err = child_find(to_node(inode), dentry->name->text, &child);
	if (err)
		return err == -ENOENT && inode->super->magic == SYSFS_MAGIC ? 0 : err;
	err = node_create(inode->super, &child, &found);
	if (err)
		return err;
	dentry->ops = &node_dentry_ops;
	dentry_attach(dentry, found);
	return 0;
}

static unsigned int entry_type(const struct entry *entry)
{
	return S_ISDIR(entry->mode) ? DT_DIR : S_ISLNK(entry->mode) ? DT_LNK : DT_REG;
}

static bool emit(struct dir_sink *sink, pos_t position, const char *name, ino_t ino,
                 unsigned int type)
{
	sink->position = position;
	return sink->entry(sink, name, strlen(name), ino, type);
}

static bool emit_dots(const struct file *file, struct dir_sink *sink)
{
	const struct inode *inode = file->inode;
	struct dentry *parent;
	ino_t above;

	if (sink->position == 0 && !emit(sink, 0, ".", inode->ino, DT_DIR))
		return false;
	if (sink->position > 1)
		return true;
	parent = dentry_get_parent(file->path.dentry);
	above = parent->inode->ino;
	dentry_put(parent);
	if (!emit(sink, 1, "..", above, DT_DIR))
		return false;
	sink->position = POSITION_TABLE;
	return true;
}

static bool emit_table(const struct node *dir, struct dir_sink *sink)
{
	const struct directory *table = dir->entry->dir;

	for (pos_t at = sink->position; at < POSITION_TABLE + (pos_t)table->count; at++) {
		const struct entry *entry = &table->entries[at - POSITION_TABLE];

		if (!entry_exists(entry))
			continue;
		if (!emit(sink, at, entry->name, ino_of(entry, dir->pid, dir->key),
		          entry_type(entry)))
			return false;
	}
	sink->position = max(sink->position, (pos_t)POSITION_KEYS);
	return true;
}

static void emit_keys(const struct node *dir, struct dir_sink *sink)
{
	const struct directory *table = dir->entry->dir;
	uint64_t key = (uint64_t)(sink->position - POSITION_KEYS);
	const struct entry *entry;
	char name[NODE_NAME_MAX];

	for (; (entry = table->next(dir, &key, name)); key++) {
		pos_t position = POSITION_KEYS + (pos_t)key;
		struct child child = { 0 };
		ino_t ino;

		if (table->lookup(dir, name, &child))
			continue;
		ino = ino_of(child.entry, child.pid, child.key);
		pid_put(child.pid);
		if (!emit(sink, position, name, ino, entry_type(entry)))
			return;
		sink->position = position + 1;
	}
}

static int node_iterate(struct file *file, struct dir_sink *sink)
{
	const struct node *dir = to_node(file->inode);

	if (!is_alive(dir))
		return -ENOENT;
	if (emit_dots(file, sink) && emit_table(dir, sink) && dir->entry->dir->next)
		emit_keys(dir, sink);
	return 0;
}

/* ---- links --------------------------------------------------------------------------------- */

static void target_drop(struct link_target *target)
{
	if (target->jump.dentry)
		path_put(&target->jump);
	kfree(target->buffer);
	*target = (struct link_target){ 0 };
}

/* Where a link of a task leads, for those who may know; not of a program that came meanwhile. */
static int private_link(const struct node *node, struct link_target *out)
{
	struct task *task = node_task(node);
	unsigned int programs;
	int err = -ENOENT;

	if (!task)
		return err;
	for (;;) {
		err = task_access_begin(task, &programs) ? -EACCES : node->entry->link(node, out);
		if (!task_access_retry(task, programs))
			break;
		if (!err)
			target_drop(out);
	}
	task_put(task);
	return err;
}

static int node_get_link(struct inode *inode, const struct walk_from *from,
                         struct link_target *out)
{
	const struct node *node = to_node(inode);

	return node->entry->flags & ENTRY_PRIVATE ? private_link(node, out)
	                                          : node->entry->link(node, out);
}

int link_printf(struct link_target *out, const char *fmt, ...)
{
	char *text = kmalloc(NODE_NAME_MAX * 2, ALLOC_KERNEL);
	va_list args;

	if (!text)
		return -ENOMEM;
	va_start(args, fmt);
	vsnprintf(text, NODE_NAME_MAX * 2, fmt, args);
	va_end(args);
	out->text = out->buffer = text;
	return 0;
}

bool node_name_number(const char *name, uint64_t *number)
{
	uint64_t value = 0;

	if (!*name || (name[0] == '0' && name[1]))
		return false;
	for (; *name; name++) {
		if (*name < '0' || *name > '9')
			return false;
		value = value * 10 + (uint64_t)(*name - '0');
		if (value > INT32_MAX)
			return false;
	}
	*number = value;
	return true;
}

/* ---- super blocks -------------------------------------------------------------------------- */

const struct node *node_of_directory(const struct file *file)
{
	return file->inode && file->inode->fops == &dir_file_ops ? to_node(file->inode) : NULL;
}

static const struct super_ops node_super_ops = { .evict = node_evict, .free_inode = node_free };

int node_super_create(const struct fs_type *type, uint32_t magic, const struct entry *root,
                      struct superblock **out)
{
	const struct child child = { .entry = root };
	struct superblock *super;
	struct inode *inode;
	int err = super_create(type, &node_super_ops, 0, &super);

	if (err)
		return err;
	super->magic = magic;
	super->kind = SUPER_NOCACHE | SUPER_NOEXEC_NODES;
	err = node_create(super, &child, &inode);
	if (!err) {
		inode->ino = ROOT_INO;
		err = dentry_create_root(super, inode, &super->root);
	}
	if (err)
		super_put(super);
	else
		*out = super;
	return err;
}

int node_super_mount(struct superblock *super, const char *options, struct superblock **out)
{
	if (*options)
		return -EINVAL;
	*out = super_get(super);
	return 0;
}

static const struct inode_ops dir_ops = {
	.lookup = node_lookup, .getattr = node_getattr, .setattr = node_setattr,
};

static const struct inode_ops private_dir_ops = {
	.lookup = node_lookup, .getattr = node_getattr, .setattr = node_setattr,
	.permission = private_dir_permission,
};

static const struct inode_ops file_inode_ops = {
	.getattr = node_getattr, .setattr = node_setattr,
};

static const struct inode_ops strict_file_ops = {
	.getattr = node_getattr, .setattr = node_setattr, .permission = strict_permission,
};

static const struct inode_ops link_ops = {
	.get_link = node_get_link, .getattr = node_getattr, .setattr = node_setattr,
};

static const struct file_ops dir_file_ops = { .iterate = node_iterate };
static const struct file_ops link_file_ops = { 0 };
