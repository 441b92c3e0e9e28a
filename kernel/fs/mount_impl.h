/*
 * What the files of the mount tree share: mount.c (life, lookup, counts), mount_tree.c (topology
 * and propagation), mount_ops.c (what mount(2), umount2(2) and pivot_root(2) do) and mount_ns.c
 * (namespaces).
 */
#pragma once

#include "core/seqcount.h"
#include "fs/mount.h"
#include "sched/mutex.h"

/* Counts changes of the hash of mount points; its writers hold a spinlock of mount.c. */
extern struct seqcount mount_hash_seq;

extern struct mutex mount_tree; /* RANK_MOUNT: all topology of all namespaces */

/* The namespace looks different now; mount_tree held. */
static inline void mount_ns_changed(struct mount_namespace *ns)
{
	atomic_inc(&ns->event);
	wake_up_all(&mount_changes);
}

/*
 * A mount of this root with one reference, attached nowhere. Takes its own references on super and
 * root.
 */
int mount_alloc(struct superblock *super, struct dentry *root, const char *source,
                unsigned int flags, struct mount **out);

/* Into and out of the hash (mount_tree held); references are the caller's business. */
void mount_hash_add(struct mount *mount, struct mount *parent, struct dentry *mountpoint);
void mount_hash_remove(struct mount *mount);
/* What is mounted there, without a reference; mount_tree held. */
struct mount *mount_find(const struct mount *parent, const struct dentry *mountpoint);

/* How a copied mount stands to its original. */
enum mount_copy {
	COPY_PRIVATE, /* on its own */
	COPY_LIKE,    /* as the original: its peer if it is shared, slave of the same master */
	COPY_SLAVE,   /* receives from the original's group */
};

/*
 * mount_tree.c; mount_tree is held in all of them. A tree is a mount with all below it.
 */
static inline bool mount_is_attached(const struct mount *mount)
{
	return mount->parent != mount;
}

static inline bool mount_is_shared(const struct mount *mount)
{
	return mount->group_id != 0;
}

/* The mount after `at` in the tree of `top`, parents before children; NULL at the end. */
struct mount *mount_tree_next(struct mount *at, struct mount *top);

/* A detached copy of one mount, of this part of it; and of all that is mounted below that part. */
int  mount_copy_root(struct mount *from, struct dentry *root, enum mount_copy how,
                     struct mount **out);
int  mount_copy_tree(struct mount *from, struct dentry *root, enum mount_copy how,
                     bool skip_unbindable,
                     struct mount **out);
/*
 * Hangs a detached tree (whose reference is consumed) there, and copies wherever `at` propagates
 * to.
 */
int  mount_attach_tree(struct mount *tree, struct mount *parent, struct dentry *mountpoint,
                       struct mount_namespace *ns);
/*
 * Takes a tree off its place without propagation; the tree keeps the reference it had from its
 * parent.
 */
void mount_unhang(struct mount *tree);
/* Hangs it elsewhere, without propagation. */
void mount_hang(struct mount *tree, struct mount *parent, struct dentry *mountpoint);
/*
 * Unmounts the tree and its copies elsewhere: all leave their namespaces and go to `dead`, to be
 * given to mount_bury() without the lock.
 */
void mount_detach_tree(struct mount *tree, struct list *dead);
void mount_bury(struct list *dead);
/* Would unmounting it, or its copies, pull the floor from under somebody? */
bool mount_is_busy(struct mount *mount, int32_t expected_refs);
void mount_change_propagation(struct mount *mount, unsigned int type);
/* Drops an unattached tree. */
void mount_tree_put(struct mount *tree);
