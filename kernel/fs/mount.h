/*
 * Mounts and mount namespaces.
 *
 * A mount shows (part of) a super block at a place of another mount. A namespace is a tree of
 * mounts; its root of roots is the hidden rootfs, which cannot be unmounted or pivoted away. Mounts
 * of a peer group (shared) pass what is mounted on or unmounted from them to each other and to
 * their slaves; what is private does not; unbindable ones are not cloned (mount_namespaces(7)).
 *
 * Locking: `mount_tree` mutex (RANK_MOUNT, in mount.c) over all topology of all namespaces;
 * `mount_hash` (spinlock and sequence count) over the hash of mount points, which walks read under
 * RCU. A mount is freed by RCU. References: one from the tree, one from each child mount, one from
 * each path.
 */
#pragma once

#include "abi/mount.h"
#include "fs/path.h"
#include "lib/hlist.h"
#include "lib/list.h"
#include "lib/refcount.h"
#include "lib/types.h"
#include "sched/rcu.h"
#include "sched/wait.h"

struct cred;
struct fs_type;
struct mount_namespace;
struct superblock;

/* Flags of a mount, as MS_* of mount(2): those that belong to the mount, not to the super block. */
#define MOUNT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | \
                     MS_RELATIME | MS_STRICTATIME | MS_NOSYMFOLLOW)

enum mount_state {
	MOUNT_LOCKED     = 1 << 0, /* came with a less privileged namespace: stays as it is */
	MOUNT_DETACHED   = 1 << 1,
	MOUNT_EXPIRING   = 1 << 2, /* marked by umount2(MNT_EXPIRE) */
	MOUNT_UNBINDABLE = 1 << 3,
	MOUNT_ROOTFS     = 1 << 4,
};

struct mount {
	struct hlist_node  in_hash __guarded_by(mount_hash);
	struct mount      *parent __guarded_by(mount_hash); /* itself if not attached */
	struct dentry     *mountpoint __guarded_by(mount_hash); /* in parent */
	struct dentry     *root __const_after_init;
	struct superblock *super __const_after_init;
	unsigned int       flags __atomic; /* MS_* of MOUNT_FLAGS */
	unsigned int       state __guarded_by(mount_tree);
	struct refcount    refs;
	/* files open for writing: remount read-only is EBUSY */
	int32_t            writers __atomic;
	int                id __const_after_init;
	int                group_id __guarded_by(mount_tree); /* of peers; 0: not shared */
	struct mount_namespace   *ns __guarded_by(mount_tree); /* NULL: detached */
	struct list        in_ns __guarded_by(mount_tree);
	struct list        children __guarded_by(mount_tree);
	struct list        sibling __guarded_by(mount_tree);
	struct list        peers __guarded_by(mount_tree); /* a ring without head */
	struct mount      *master __guarded_by(mount_tree);
	struct list        slaves __guarded_by(mount_tree);
	struct list        in_master __guarded_by(mount_tree);
	/* of the last propagation that came by */
	uint64_t           visit __guarded_by(mount_tree);
	struct mount      *copy __guarded_by(mount_tree); /* what that one made for this mount */
	char              *source __const_after_init; /* shown in /proc/mounts */
	struct rcu_head    rcu;
};

struct mount_namespace {
	struct refcount refs;
	struct mount   *root __guarded_by(mount_tree); /* the hidden rootfs, or its clone */
	struct list     mounts __guarded_by(mount_tree); /* in order of mounting */
	uint64_t        event __atomic; /* counts changes: poll of /proc/mounts */
	ino_t           id __const_after_init; /* of /proc/PID/ns/mnt */
};

struct mount *mount_get(struct mount *mount);
void mount_put(struct mount *mount); /* may sleep */

/* What is mounted on this place, with a reference; NULL: nothing. Does not sleep. */
struct mount *mount_lookup(const struct path *path);
/* Step onto what is mounted here, to the top. The path's references move along. */
void mount_follow_down(struct path *path);
/* Step from the root of a mount to its mount point. False if there is nothing above. */
bool mount_follow_up(struct path *path);

/* Once: tells id/ how namespaces are counted. */
void mount_ns_init(void);
/* The first namespace with the rootfs of this type mounted; *root is its root. Boot only. */
int mount_ns_create_first(const struct fs_type *type, const char *options,
                          struct mount_namespace **out);
/* CLONE_NEWNS: a copy; moves the context's root and cwd into it. */
int mount_ns_copy(struct mount_namespace *old, struct fs_context *context,
                  struct mount_namespace **out);
struct mount_namespace *mount_ns_get(struct mount_namespace *ns);
void mount_ns_put(struct mount_namespace *ns);

/*
 * What mount(2), umount2(2) and pivot_root(2) do, each of them checked by the caller for
 * CAP_SYS_ADMIN. `ns` is the caller's namespace: places outside it are EINVAL.
 */
struct mount_options {
	const char  *type;
	const char  *source;
	const char  *options;
	unsigned int flags; /* MS_* */
	const struct cred *cred;
	/* types on devices: where source is looked for, or the device itself */
	const struct walk_from *from;
	struct block_device    *device;
};
int mount_new(struct mount_namespace *ns, const struct path *at,
              const struct mount_options *options);
int mount_bind(struct mount_namespace *ns, const struct path *from, const struct path *at,
               bool recursive);
int mount_move(struct mount_namespace *ns, const struct path *from, const struct path *at);
int mount_remount(struct mount_namespace *ns, const struct path *at,
                  const struct mount_options *options);
int mount_set_propagation(struct mount_namespace *ns, const struct path *at, unsigned int flags);
int mount_umount(struct mount_namespace *ns, const struct path *at, unsigned int flags);
/* Afterwards the caller moves the contexts of all tasks by fs_context_replace(). */
int mount_pivot_root(struct mount_namespace *ns, struct fs_context *context,
                     const struct path *new_root,
                     const struct path *put_old);
/* A mount that is in no namespace, for kernel-internal file systems (pipes, memfd). */
int mount_create_internal(const struct fs_type *type, struct mount **out);

/* Writing through a mount: EROFS, or 0 and the matching put is due. */
int  __must_check mount_write_get(struct mount *mount);
void mount_write_put(struct mount *mount);

/*
 * Every mount of the namespace in order, while the tree is held still: for /proc/PID/mounts and
 * mountinfo. visit() must not sleep on locks of rank RANK_MOUNT or less; a non-zero result ends it
 * and is returned.
 */
int mount_ns_for_each(struct mount_namespace *ns, int (*visit)(struct mount *mount, void *arg),
                      void *arg);
/* Woken after any change of ns->event, of whichever namespace. */
extern struct wait_queue mount_changes;

/* Changes whenever any mount is hung or unhung: for readers that climb without references. */
unsigned int mount_change_begin(void);
bool mount_change_retry(unsigned int seq);
/* True if something is mounted on this dentry in any namespace. */
bool mount_is_busy_point(struct dentry *dentry);
