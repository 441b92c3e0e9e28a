/*
 * Topology: copying, hanging and unhanging trees of mounts, and propagation between them
 * (mount_namespaces(7)). All under mount_tree.
 *
 * Who receives from a mount: its peers (one ring), the slaves of each of them, the slaves of those
 * and so on. The members of a slave group are all in the list of their master, so a walk down the
 * lists of slaves meets everybody once. An attach first gathers the receivers, then copies the new
 * tree for each, then hangs all: what may fail comes before what may not.
 */
#include <linux/errno.h>
#include <linux/mount.h>

#include "core/panic.h"
#include "fs/dentry.h"
#include "fs/mount_impl.h"
#include "fs/super.h"
#include "mem/alloc.h"

static struct {
	int      next_group __guarded_by(mount_tree);
	uint64_t visit __guarded_by(mount_tree); /* number of the latest propagation */
} tree_state = { .next_group = 1 };

struct mount *mount_tree_next(struct mount *at, struct mount *top)
{
	if (!list_is_empty(&at->children))
		return list_first_entry(&at->children, struct mount, sibling);
	while (at != top) {
		if (at->sibling.next != &at->parent->children)
			return list_next_entry(at, sibling);
		at = at->parent;
	}
	return NULL;
}

/* ---- groups -------------------------------------------------------------------------------- */

static void peer_join(struct mount *mount, struct mount *peer)
{
	mount->group_id = peer->group_id;
	list_add_head(&peer->peers, &mount->peers);
}

static void slave_join(struct mount *mount, struct mount *master)
{
	mount->master = master;
	list_add_head(&master->slaves, &mount->in_master);
}

static void slave_leave(struct mount *mount)
{
	if (mount->master)
		list_remove_init(&mount->in_master);
	mount->master = NULL;
}

static void mount_make_shared(struct mount *mount)
{
	if (!mount_is_shared(mount))
		mount->group_id = tree_state.next_group++;
	mount->state &= ~(unsigned int)MOUNT_UNBINDABLE;
}

/* Out of its peer group; its slaves pass to a peer, or to its master, or become private. */
static void mount_make_slave(struct mount *mount)
{
	struct mount *heir = mount->master, *slave, *ahead;
	bool has_peer = !list_is_empty(&mount->peers);

	if (has_peer)
		heir = list_next_entry(mount, peers);
	list_for_each_entry_safe(slave, ahead, &mount->slaves, in_master) {
		slave_leave(slave);
		if (heir)
			slave_join(slave, heir);
	}
	list_remove_init(&mount->peers);
	mount->group_id = 0;
	if (has_peer) {
		slave_leave(mount);
		slave_join(mount, heir);
	}
}

void mount_change_propagation(struct mount *mount, unsigned int type)
{
	if (type == MS_SHARED) {
		mount_make_shared(mount);
		return;
	}
	if (mount_is_shared(mount) || !list_is_empty(&mount->slaves))
		mount_make_slave(mount);
	if (type != MS_SLAVE)
		slave_leave(mount);
	mount->state &= ~(unsigned int)MOUNT_UNBINDABLE;
	if (type == MS_UNBINDABLE)
		mount->state |= MOUNT_UNBINDABLE;
}

/* The receiver after `at`, NULL when the walk has come round to origin. */
static struct mount *receiver_next(struct mount *at, struct mount *origin)
{
	if (!list_is_empty(&at->slaves))
		return list_first_entry(&at->slaves, struct mount, in_master);
	while (at->master != origin->master) {
		if (at->in_master.next != &at->master->slaves)
			return list_next_entry(at, in_master);
		at = at->master;
	}
	at = list_next_entry(at, peers);
	return at == origin ? NULL : at;
}

/* ---- copies -------------------------------------------------------------------------------- */

int mount_copy_root(struct mount *from, struct dentry *root, enum mount_copy how,
                    struct mount **out)
{
	struct mount *copy;
	int err = mount_alloc(from->super, root, from->source, from->flags, &copy);

	if (err)
		return err;
	copy->state = from->state & MOUNT_UNBINDABLE;
	if (how == COPY_SLAVE && mount_is_shared(from)) {
		slave_join(copy, from);
	} else if (how != COPY_PRIVATE) {
		if (mount_is_shared(from))
			peer_join(copy, from);
		if (from->master)
			slave_join(copy, from->master);
	}
	*out = copy;
	return 0;
}

void mount_hang(struct mount *tree, struct mount *parent, struct dentry *mountpoint)
{
	list_add_tail(&parent->children, &tree->sibling);
	mount_hash_add(tree, mount_get(parent), dentry_get(mountpoint));
}

void mount_unhang(struct mount *tree)
{
	struct mount *parent = tree->parent;
	struct dentry *mountpoint = tree->mountpoint;

	list_remove_init(&tree->sibling);
	mount_hash_remove(tree);
	dentry_put(mountpoint);
	mount_put(parent);
}

static void mount_leave_groups(struct mount *mount)
{
	mount_change_propagation(mount, MS_PRIVATE);
}

void mount_tree_put(struct mount *tree)
{
	struct list dead = LIST_INIT(dead);

	mount_detach_tree(tree, &dead);
	mount_bury(&dead);
}

static bool is_copied(const struct mount *mount, const struct dentry *root, bool skip_unbindable)
{
	if (skip_unbindable && mount->state & MOUNT_UNBINDABLE)
		return false;
	/* Mounts outside the part that is bound stay behind. */
	return dentry_is_below(mount->mountpoint, (struct dentry *)(uintptr_t)root);
}

/* The mount after `at` that is not below it. */
static struct mount *tree_skip(struct mount *at, struct mount *top)
{
	while (at != top) {
		if (at->sibling.next != &at->parent->children)
			return list_next_entry(at, sibling);
		at = at->parent;
	}
	return NULL;
}

int mount_copy_tree(struct mount *from, struct dentry *root, enum mount_copy how,
                    bool skip_unbindable,
                    struct mount **out)
{
	struct mount *top, *at, *copy, *parent;
	int err = mount_copy_root(from, root, how, &top);

	if (err)
		return err;
	from->copy = top;
	at = mount_tree_next(from, from);
	while (at) {
		if ((at->parent == from && !is_copied(at, root, skip_unbindable)) ||
		    (skip_unbindable && at->state & MOUNT_UNBINDABLE)) {
			at = tree_skip(at, from);
			continue;
		}
		parent = at->parent->copy;
		err = mount_copy_root(at, at->root, how, &copy);
		if (err) {
			mount_tree_put(top);
			return err;
		}
		at->copy = copy;
		mount_hang(copy, parent, at->mountpoint);
		at = mount_tree_next(at, from);
	}
	*out = top;
	return 0;
}

/* ---- attaching ----------------------------------------------------------------------------- */

/* One place that a new tree goes to besides the one that was named. */
struct receiver {
	struct mount *mount;
	struct mount *tree;
};

static bool receives(const struct mount *mount, struct dentry *mountpoint)
{
	return mount->ns && dentry_is_below(mountpoint, mount->root);
}

static int receivers_gather(struct mount *origin, struct dentry *mountpoint,
                            struct receiver **out, size_t *count)
{
	struct mount *at;
	size_t nr = 0;

	tree_state.visit++;
	*out = NULL;
	*count = 0;
	if (!mount_is_shared(origin))
		return 0;
	for (at = receiver_next(origin, origin); at; at = receiver_next(at, origin))
		nr++;
	*out = kzalloc_array(nr + 1, sizeof(**out), ALLOC_KERNEL);
	if (!*out)
		return -ENOMEM;
	for (at = receiver_next(origin, origin); at; at = receiver_next(at, origin)) {
		if (receives(at, mountpoint))
			(*out)[(*count)++].mount = at;
	}
	return 0;
}

/* The tree that was made for this mount or a peer of it in the present propagation. */
static struct mount *tree_of_group(const struct receiver *receivers, size_t nr,
                                   const struct mount *mount)
{
	for (size_t i = 0; i < nr; i++) {
		const struct mount *other = receivers[i].mount;

		if (other == mount ||
		    (mount_is_shared(mount) && other->group_id == mount->group_id))
			return receivers[i].tree;
	}
	return NULL;
}

/* Which tree a receiver's is copied from: of its own group, else of its nearest master's. */
static struct mount *receiver_original(const struct receiver *receivers, size_t nr,
                                       struct mount *origin, struct mount *tree,
                                       enum mount_copy *how)
{
	struct mount *mount = receivers[nr].mount, *original;

	*how = COPY_LIKE;
	if (mount_is_shared(mount) && mount->group_id == origin->group_id)
		return tree;
	original = tree_of_group(receivers, nr, mount);
	if (original)
		return original;
	*how = COPY_SLAVE;
	for (mount = mount->master; mount; mount = mount->master) {
		original = tree_of_group(receivers, nr, mount);
		if (original)
			return original;
	}
	return tree;
}

static void tree_make_shared(struct mount *tree)
{
	for (struct mount *at = tree; at; at = mount_tree_next(at, tree))
		mount_make_shared(at);
}

static int receivers_copy(struct receiver *receivers, size_t count, struct mount *origin,
                          struct mount *tree)
{
	for (size_t i = 0; i < count; i++) {
		enum mount_copy how;
		struct mount *original = receiver_original(receivers, i, origin, tree, &how);
		int err = mount_copy_tree(original, original->root, how, false,
		                          &receivers[i].tree);

		if (err) {
			while (i--)
				mount_tree_put(receivers[i].tree);
			return err;
		}
		if (how == COPY_SLAVE && mount_is_shared(receivers[i].mount))
			tree_make_shared(receivers[i].tree);
	}
	return 0;
}

static void tree_enter_ns(struct mount *tree, struct mount_namespace *ns)
{
	for (struct mount *at = tree; at; at = mount_tree_next(at, tree)) {
		at->ns = ns;
		list_add_tail(&ns->mounts, &at->in_ns);
	}
	mount_ns_changed(ns);
}

/* What is mounted there already comes to lie on top of the propagated tree. */
static void receiver_hang(struct receiver *receiver, struct dentry *mountpoint)
{
	struct mount *covering = mount_find(receiver->mount, mountpoint);

	if (covering)
		mount_unhang(covering);
	mount_hang(receiver->tree, receiver->mount, mountpoint);
	tree_enter_ns(receiver->tree, receiver->mount->ns);
	if (covering)
		mount_hang(covering, receiver->tree, receiver->tree->root);
}

int mount_attach_tree(struct mount *tree, struct mount *parent, struct dentry *mountpoint,
                      struct mount_namespace *ns)
{
	struct receiver *receivers;
	size_t count;
	int err;

	if (mount_is_shared(parent))
		tree_make_shared(tree);
	err = receivers_gather(parent, mountpoint, &receivers, &count);
	if (!err)
		err = receivers_copy(receivers, count, parent, tree);
	if (!err) {
		mount_hang(tree, parent, mountpoint);
		if (!tree->ns)
			tree_enter_ns(tree, ns);
		for (size_t i = 0; i < count; i++)
			receiver_hang(&receivers[i], mountpoint);
	}
	kfree(receivers);
	return err;
}

/* ---- detaching ----------------------------------------------------------------------------- */

/* The copy of a mount that hangs at the same place of a receiver; NULL: none. */
static struct mount *copy_at(struct mount *receiver, const struct mount *mount)
{
	struct mount *copy = mount_find(receiver, mount->mountpoint);

	return copy && copy != mount && copy->root == mount->root ? copy : NULL;
}

bool mount_is_busy(struct mount *mount, int32_t expected_refs)
{
	struct mount *parent = mount->parent, *at, *copy;

	if (!list_is_empty(&mount->children) || refcount_read(&mount->refs) > expected_refs)
		return true;
	if (!mount_is_attached(mount) || !mount_is_shared(parent))
		return false;
	for (at = receiver_next(parent, parent); at; at = receiver_next(at, parent)) {
		copy = copy_at(at, mount);
		if (copy && list_is_empty(&copy->children) && refcount_read(&copy->refs) > 1)
			return true;
	}
	return false;
}

static bool children_all_marked(const struct mount *mount)
{
	struct mount *child;

	list_for_each_entry(child, &mount->children, sibling) {
		if (child->visit != tree_state.visit)
			return false;
	}
	return true;
}

static void mark_dead(struct mount *mount, struct list *dead)
{
	if (mount->visit == tree_state.visit)
		return;
	mount->visit = tree_state.visit;
	if (mount->ns)
		mount_ns_changed(mount->ns);
	mount->ns = NULL;
	list_remove_init(&mount->in_ns);
	list_add_tail(dead, &mount->in_ns);
}

static void mark_copies_dead(struct mount *mount, struct list *dead)
{
	struct mount *parent = mount->parent, *at, *copy;

	if (!mount_is_attached(mount) || !mount_is_shared(parent))
		return;
	for (at = receiver_next(parent, parent); at; at = receiver_next(at, parent)) {
		copy = copy_at(at, mount);
		if (copy && children_all_marked(copy))
			mark_dead(copy, dead);
	}
}

/* The deepest first mount below top that is not marked yet, so that children go before parents. */
static struct mount *unmarked_leaf(struct mount *top)
{
	struct mount *child, *at = top;
	bool deeper = true;

	while (deeper) {
		deeper = false;
		list_for_each_entry(child, &at->children, sibling) {
			if (child->visit == tree_state.visit)
				continue;
			at = child;
			deeper = true;
			break;
		}
	}
	return at;
}

void mount_detach_tree(struct mount *tree, struct list *dead)
{
	struct mount *at;

	tree_state.visit++;
	do {
		bool in_use;

		at = unmarked_leaf(tree);
		in_use = at->ns;
		mark_dead(at, dead);
		if (in_use)
			mark_copies_dead(at, dead);
	} while (at != tree);
	list_for_each_entry(at, dead, in_ns) {
		if (mount_is_attached(at))
			mount_unhang(at);
		at->state |= MOUNT_DETACHED;
		mount_leave_groups(at);
	}
}

void mount_bury(struct list *dead)
{
	while (!list_is_empty(dead)) {
		struct mount *mount = list_first_entry(dead, struct mount, in_ns);

		list_remove_init(&mount->in_ns);
		mount_put(mount);
	}
}
