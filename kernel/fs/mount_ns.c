/*
 * Mount namespaces: the first one, copies of it, and their end. See mount.h.
 */
#include <linux/errno.h>
#include <linux/mount.h>

#include "core/panic.h"
#include "fs/context.h"
#include "fs/mount_impl.h"
#include "fs/super.h"
#include "id/nsproxy.h"
#include "mem/alloc.h"

/* Inode numbers of namespaces begin where Linux's do (PROC_DYNAMIC_FIRST is below). */
static ino_t next_ns_id __atomic = 0xf0000000u;

static int ns_alloc(struct mount_namespace **out)
{
	struct mount_namespace *ns = kzalloc(sizeof(*ns), ALLOC_KERNEL);

	if (!ns)
		return -ENOMEM;
	refcount_init(&ns->refs, 1);
	list_init(&ns->mounts);
	ns->id = atomic_fetch_add(&next_ns_id, 1);
	*out = ns;
	return 0;
}

static void ns_enter(struct mount_namespace *ns, struct mount *tree)
{
	ns->root = tree;
	for (struct mount *at = tree; at; at = mount_tree_next(at, tree)) {
		at->ns = ns;
		list_add_tail(&ns->mounts, &at->in_ns);
	}
}

int mount_ns_create_first(const struct fs_type *type, const char *options,
                          struct mount_namespace **out)
{
	const struct mount_request request = {
		.source = type->name,
		.options = options ? options : "",
	};
	struct superblock *super;
	struct mount *mount;
	int err = type->mount(type, &request, &super);

	if (err)
		return err;
	err = mount_alloc(super, super->root, type->name, 0, &mount);
	super_put(super);
	if (err)
		return err;
	err = ns_alloc(out);
	if (err) {
		mount_put(mount);
		return err;
	}
	mount->state |= MOUNT_ROOTFS;
	mutex_lock(&mount_tree);
	ns_enter(*out, mount);
	mutex_unlock(&mount_tree);
	return 0;
}

/* The place in the copied namespace that is this place in the old one. */
static void context_follow(struct fs_context *context,
                           void (*get)(struct fs_context *, struct path *),
                           void (*set)(struct fs_context *, const struct path *))
{
	struct path path, moved;

	get(context, &path);
	if (path.mount->copy) {
		moved = (struct path){ path.mount->copy, path.dentry };
		set(context, &moved);
	}
	path_put(&path);
}

int mount_ns_copy(struct mount_namespace *old, struct fs_context *context,
                  struct mount_namespace **out)
{
	struct mount_namespace *ns;
	struct mount *at, *tree;
	int err = ns_alloc(&ns);

	if (err)
		return err;
	mutex_lock(&mount_tree);
	list_for_each_entry(at, &old->mounts, in_ns)
		at->copy = NULL;
	err = mount_copy_tree(old->root, old->root->root, COPY_LIKE, false, &tree);
	if (err) {
		mutex_unlock(&mount_tree);
		kfree(ns);
		return err;
	}
	tree->state |= old->root->state & MOUNT_ROOTFS;
	ns_enter(ns, tree);
	context_follow(context, fs_context_root, fs_context_set_root);
	context_follow(context, fs_context_cwd, fs_context_set_cwd);
	mutex_unlock(&mount_tree);
	*out = ns;
	return 0;
}

struct mount_namespace *mount_ns_get(struct mount_namespace *ns)
{
	refcount_get(&ns->refs);
	return ns;
}

void mount_ns_put(struct mount_namespace *ns)
{
	struct list dead = LIST_INIT(dead);

	if (!refcount_put(&ns->refs))
		return;
	mutex_lock(&mount_tree);
	mount_detach_tree(ns->root, &dead);
	mutex_unlock(&mount_tree);
	mount_bury(&dead);
	kfree(ns);
}

int mount_ns_for_each(struct mount_namespace *ns, int (*visit)(struct mount *mount, void *arg),
                      void *arg)
{
	struct mount *mount;
	int result = 0;

	mutex_lock(&mount_tree);
	list_for_each_entry(mount, &ns->mounts, in_ns) {
		result = visit(mount, arg);
		if (result)
			break;
	}
	mutex_unlock(&mount_tree);
	return result;
}

static void ns_get_any(void *ns)
{
	mount_ns_get(ns);
}

static void ns_put_any(void *ns)
{
	mount_ns_put(ns);
}

static const struct ns_ops mount_ns_ops = { .get = ns_get_any, .put = ns_put_any };

void mount_ns_init(void)
{
	nsproxy_register_mounts(&mount_ns_ops);
}
