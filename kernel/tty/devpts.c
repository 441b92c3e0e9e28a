/*
 * The file system of pty slaves. See tty/devpts.h.
 *
 * Names are not kept as dentries: a lookup asks the slots, and what is unused is forgotten at
 * once (SUPER_NOCACHE). A node that comes or goes takes a dentry of its name, if there is one, out
 * of the hash.
 */
#include "tty/devpts_impl.h"

#include <linux/errno.h>

#include "fs/attr.h"
#include "lib/devnum.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "id/cred.h"
#include "lib/parse.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "proc/task.h"
#include "tty/pty.h"

static const struct inode_ops root_ops, node_ops;
static const struct file_ops root_file_ops;

/* ---- nodes ----------------------------------------------------------------------------------- */

int devpts_node_create(struct superblock *super, ino_t ino, const struct new_inode *new,
                       struct inode **out)
{
	struct inode *inode = kzalloc(sizeof(*inode), ALLOC_KERNEL);

	if (!inode)
		return -ENOMEM;
	inode_init(inode, super, new);
	inode->ino = ino;
	inode->ops = S_ISDIR(new->mode) ? &root_ops : &node_ops;
	if (S_ISDIR(new->mode))
		inode->fops = &root_file_ops;
	else
		inode->fops = ino == INO_PTMX ? &ptmx_ops : &pts_ops;
	*out = inode;
	return 0;
}

/* The node that a name means, with a reference, or NULL. */
static struct inode *node_find(struct devpts *devpts, const char *name)
{
	struct inode *inode = NULL;
	char canonical[NAME_SIZE];
	uint32_t index;

	if (!strcmp(name, "ptmx"))
		return inode_get(devpts->ptmx);
	if (parse_u32(name, &index) || index >= DEVPTS_MAX)
		return NULL;
	snprintf(canonical, sizeof(canonical), "%u", index);
	if (strcmp(name, canonical))
		return NULL;
	spin_lock(&devpts->lock);
	if (devpts->nodes[index])
		inode = inode_get(devpts->nodes[index]);
	spin_unlock(&devpts->lock);
	return inode;
}

static int devpts_lookup(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = node_find(devpts_of(dir->super), dentry->name->text);

	if (inode)
		dentry_attach(dentry, inode);
	return 0;
}

/* The dentry of a node that came or went tells a lie: nobody shall find it. */
static void forget_name(struct devpts *devpts, uint32_t index)
{
	struct dentry *root = devpts->super->root, *dentry;
	struct component name;
	char text[NAME_SIZE];

	component_init(&name, text, (size_t)snprintf(text, sizeof(text), "%u", index));
	rwlock_write_lock(&root->inode->lock);
	dentry = dentry_lookup_locked(root, &name);
	if (dentry) {
		dentry_drop(dentry);
		dentry_put(dentry);
	}
	inode_touch(root->inode, ATTR_MTIME | ATTR_CTIME);
	rwlock_write_unlock(&root->inode->lock);
}

static int slot_take(struct devpts *devpts, uint32_t *index)
{
	size_t free;

	spin_lock(&devpts->lock);
	free = bitmap_find_first_zero(devpts->used, DEVPTS_MAX);
	if (free < devpts->max && free < DEVPTS_MAX)
		bitmap_set(devpts->used, free);
	else
		free = DEVPTS_MAX;
	spin_unlock(&devpts->lock);
	*index = (uint32_t)free;
	return free == DEVPTS_MAX ? -ENOSPC : 0;
}

static void slot_free(struct devpts *devpts, uint32_t index)
{
	spin_lock(&devpts->lock);
	bitmap_clear(devpts->used, index);
	spin_unlock(&devpts->lock);
}

static int node_add(struct devpts *devpts, uint32_t index, struct pty *pty, const struct cred *cred)
{
	const struct new_inode new = {
		.mode = S_IFCHR | devpts->mode,
		.uid = devpts->has_uid ? devpts->uid : cred->fsuid,
		.gid = devpts->has_gid ? devpts->gid : cred->fsgid,
		.rdev = dev_make(TTY_MAJOR_PTS, index),
	};
	struct inode *inode;
	int err = devpts_node_create(devpts->super, INO_FIRST + index, &new, &inode);

	if (err)
		return err;
	inode->private = pty;
	spin_lock(&devpts->lock);
	devpts->nodes[index] = inode;
	spin_unlock(&devpts->lock);
	forget_name(devpts, index);
	return 0;
}

int devpts_add(const struct path *root, struct pty *pty, const struct cred *cred,
               struct devpts **instance, uint32_t *index)
{
	struct devpts *devpts = devpts_of(root->dentry->super);
	int err = slot_take(devpts, index);

	if (err)
		return err;
	err = node_add(devpts, *index, pty, cred);
	if (err) {
		slot_free(devpts, *index);
		return err;
	}
	super_get(devpts->super);
	*instance = devpts;
	return 0;
}

void devpts_hide(struct devpts *devpts, uint32_t index)
{
	struct inode *inode;

	spin_lock(&devpts->lock);
	inode = devpts->nodes[index];
	devpts->nodes[index] = NULL;
	if (inode)
		inode->private = NULL;
	spin_unlock(&devpts->lock);
	if (!inode)
		return;
	inode_nlink_add(inode, -1);
	forget_name(devpts, index);
	inode_put(inode);
}

void devpts_free(struct devpts *devpts, uint32_t index)
{
	slot_free(devpts, index);
	super_put(devpts->super);
}

struct pty *devpts_pty_get(struct inode *inode)
{
	struct devpts *devpts = devpts_of(inode->super);
	struct pty *pty;

	if (inode->super->ops != &devpts_super_ops)
		return NULL;
	spin_lock(&devpts->lock);
	pty = inode->private;
	if (pty)
		tty_get(&pty->tty);
	spin_unlock(&devpts->lock);
	return pty;
}

/* ---- the directory --------------------------------------------------------------------------- */

static bool emit(struct dir_sink *sink, const char *name, ino_t ino, unsigned int type)
{
	return sink->entry(sink, name, strlen(name), ino, type);
}

static bool emit_node(struct dir_sink *sink, struct devpts *devpts, uint32_t index)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "%u", index);
	return !READ_ONCE(devpts->nodes[index]) ||
	       emit(sink, name, INO_FIRST + index, S_IFCHR >> 12);
}

/* Positions: ".", "..", ptmx, then the numbers. */
static int devpts_iterate(struct file *file, struct dir_sink *sink)
{
	static const struct {
		const char *name;
		ino_t       ino;
		mode_t      type;
	} fixed[] = { { ".", INO_ROOT, S_IFDIR }, { "..", INO_ROOT, S_IFDIR },
	              { "ptmx", INO_PTMX, S_IFCHR } };
	struct devpts *devpts = devpts_of(file->inode->super);
	pos_t end = (pos_t)array_size(fixed) + DEVPTS_MAX;
	bool more = true;

	while (more && sink->position < end) {
		pos_t at = sink->position;

		if (at < (pos_t)array_size(fixed))
			more = emit(sink, fixed[at].name, fixed[at].ino, fixed[at].type >> 12);
		else
			more = emit_node(sink, devpts, (uint32_t)(at - (pos_t)array_size(fixed)));
		sink->position = at + more;
	}
	return 0;
}

static bool is_devpts(const struct path *path)
{
	return path->dentry->super->ops == &devpts_super_ops;
}

int devpts_find(const struct path *ptmx, struct path *root)
{
	struct path dir = { .mount = ptmx->mount, .dentry = dentry_get_parent(ptmx->dentry) };
	struct walk_from from = { .fs = task_current()->fs, .cred = &cred_root, .base = &dir };
	const char *name = is_devpts(ptmx) ? "." : "pts";
	int err = path_lookup(&from, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, root);

	dentry_put(dir.dentry);
	if (err || (is_devpts(root) && dentry_is_root(root->dentry)))
		return err;
	path_put(root);
	return -ENODEV;
}

bool devpts_is_root(const struct devpts *devpts, const struct path *root)
{
	return root->dentry->super == devpts->super;
}

static const struct inode_ops root_ops = { .lookup = devpts_lookup };
static const struct inode_ops node_ops = { 0 };
static const struct file_ops root_file_ops = { .iterate = devpts_iterate };
