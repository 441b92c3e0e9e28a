/*
 * Mounts: life, the hash of mount points, counts of writers. See mount.h.
 */
#include "fs/mount.h"

#include <linux/errno.h>

#include "core/panic.h"
#include "core/seqcount.h"
#include "fs/dentry.h"
#include "fs/mount_impl.h"
#include "fs/super.h"
#include "lib/hash.h"
#include "mem/alloc.h"
#include "mem/slab.h"

enum { MOUNT_BUCKETS = 256 };

struct mutex mount_tree = MUTEX(mount_tree, RANK_MOUNT);
struct wait_queue mount_changes = WAIT_QUEUE(mount_changes);

struct seqcount mount_hash_seq;

static struct {
	struct spinlock lock; /* writers, of mount_hash_seq too */
	struct hlist    buckets[MOUNT_BUCKETS] __guarded_by(lock);
} mount_hash = { .lock = SPINLOCK(RANK_MOUNT_HASH) };

static struct cache mount_slab = CACHE("mount", struct mount);
static int next_mount_id __atomic;

static struct hlist *bucket_of(const struct mount *parent, const struct dentry *mountpoint)
{
	uint64_t hash = hash_u64((uintptr_t)parent ^ (uintptr_t)mountpoint >> 4);

	return &mount_hash.buckets[hash % MOUNT_BUCKETS];
}

/*
 * ---- life --------------------------------------------------------------------------------------
 */

int mount_alloc(struct superblock *super, struct dentry *root, const char *source,
                unsigned int flags, struct mount **out)
{
	struct mount *mount = cache_zalloc(&mount_slab, ALLOC_KERNEL);

	if (!mount)
		return -ENOMEM;
	mount->source = kstrdup(source && *source ? source : "none", ALLOC_KERNEL);
	if (!mount->source) {
		cache_free(&mount_slab, mount);
		return -ENOMEM;
	}
	mount->parent = mount;
	mount->root = dentry_get(root);
	mount->super = super_get(super);
	mount->flags = flags & MOUNT_FLAGS;
	refcount_init(&mount->refs, 1);
	mount->id = atomic_fetch_add(&next_mount_id, 1) + 20;
	list_init(&mount->in_ns);
	list_init(&mount->children);
	list_init(&mount->sibling);
	list_init(&mount->peers);
	list_init(&mount->slaves);
	list_init(&mount->in_master);
	*out = mount;
	return 0;
}

struct mount *mount_get(struct mount *mount)
{
	refcount_get(&mount->refs);
	return mount;
}

static void mount_free_rcu(struct rcu_head *head)
{
	cache_free(&mount_slab, container_of(head, struct mount, rcu));
}

void mount_put(struct mount *mount)
{
	if (!refcount_put(&mount->refs))
		return;
	debug_assert(!mount_is_attached(mount) && list_is_empty(&mount->children));
	debug_assert(list_is_empty(&mount->slaves) && !mount->master);
	dentry_put(mount->root);
	super_put(mount->super);
	kfree(mount->source);
	rcu_call(&mount->rcu, mount_free_rcu);
}

int mount_create_internal(const struct fs_type *type, struct mount **out)
{
	const struct mount_request request = { .source = type->name, .options = "" };
	struct superblock *super;
	int err = type->mount(type, &request, &super);

	if (err)
		return err;
	err = mount_alloc(super, super->root, type->name, 0, out);
	super_put(super);
	return err;
}

/* ---- the hash ------------------------------------------------------------------------------ */

void mount_hash_add(struct mount *mount, struct mount *parent, struct dentry *mountpoint)
{
	spin_lock(&mount_hash.lock);
	seqcount_write_begin(&mount_hash_seq);
	mount->parent = parent;
	mount->mountpoint = mountpoint;
	hlist_add_rcu(bucket_of(parent, mountpoint), &mount->in_hash);
	atomic_or(&mountpoint->flags, DENTRY_MOUNTED);
	seqcount_write_end(&mount_hash_seq);
	spin_unlock(&mount_hash.lock);
}

static bool is_point_of_any(const struct dentry *dentry)
{
	struct mount *mount;

	for (size_t i = 0; i < MOUNT_BUCKETS; i++) {
		hlist_for_each_entry(mount, &mount_hash.buckets[i], in_hash) {
			if (mount->mountpoint == dentry)
				return true;
		}
	}
	return false;
}

void mount_hash_remove(struct mount *mount)
{
	spin_lock(&mount_hash.lock);
	seqcount_write_begin(&mount_hash_seq);
	hlist_remove_rcu(&mount->in_hash);
	if (!is_point_of_any(mount->mountpoint))
		atomic_and(&mount->mountpoint->flags, ~DENTRY_MOUNTED);
	mount->parent = mount;
	mount->mountpoint = NULL;
	seqcount_write_end(&mount_hash_seq);
	spin_unlock(&mount_hash.lock);
}

struct mount *mount_find(const struct mount *parent, const struct dentry *mountpoint)
{
	struct mount *mount;

	hlist_for_each_entry_rcu(mount, bucket_of(parent, mountpoint), in_hash) {
		if (mount->parent == parent && mount->mountpoint == mountpoint)
			return mount;
	}
	return NULL;
}

struct mount *mount_lookup(const struct path *path)
{
	struct mount *mount;
	unsigned int seq;

	rcu_read_lock();
	do {
		seq = seqcount_begin(&mount_hash_seq);
		mount = mount_find(path->mount, path->dentry);
	} while (seqcount_retry(&mount_hash_seq, seq));
	if (mount && !refcount_try_get(&mount->refs))
		mount = NULL;
	rcu_read_unlock();
	return mount;
}

unsigned int mount_change_begin(void)
{
	return seqcount_begin(&mount_hash_seq);
}

bool mount_change_retry(unsigned int seq)
{
	return seqcount_retry(&mount_hash_seq, seq);
}

void mount_follow_down(struct path *path)
{
	while (path->dentry->flags & DENTRY_MOUNTED) {
		struct mount *mount = mount_lookup(path);

		if (!mount)
			return;
		path_put(path);
		path->mount = mount;
		path->dentry = dentry_get(mount->root);
	}
}

bool mount_follow_up(struct path *path)
{
	struct path up;
	unsigned int seq;
	bool found;

	rcu_read_lock();
	do {
		seq = seqcount_begin(&mount_hash_seq);
		up.mount = READ_ONCE(path->mount->parent);
		up.dentry = READ_ONCE(path->mount->mountpoint);
		found = up.mount != path->mount && up.dentry && refcount_try_get(&up.mount->refs);
		if (found && !dentry_try_get(up.dentry)) {
			rcu_read_unlock();
			mount_put(up.mount);
			return false;
		}
		if (!seqcount_retry(&mount_hash_seq, seq))
			break;
		if (found)
			path_put(&up);
	} while (true);
	rcu_read_unlock();
	if (!found)
		return false;
	path_put(path);
	*path = up;
	return true;
}

bool mount_is_busy_point(struct dentry *dentry)
{
	bool busy;

	if (!(dentry->flags & DENTRY_MOUNTED))
		return false;
	spin_lock(&mount_hash.lock);
	busy = is_point_of_any(dentry);
	spin_unlock(&mount_hash.lock);
	return busy;
}

/* ---- writers ------------------------------------------------------------------------------- */

int mount_write_get(struct mount *mount)
{
	/*
	 * Fully ordered; pair with the stores of MS_RDONLY in super_remount() and mount_remount().
	 */
	atomic_inc_return(&mount->writers);
	atomic_inc_return(&mount->super->writers);
	if (likely(!((mount->flags | mount->super->flags) & MS_RDONLY)))
		return 0;
	mount_write_put(mount);
	return -EROFS;
}

void mount_write_put(struct mount *mount)
{
	atomic_dec(&mount->super->writers);
	atomic_dec(&mount->writers);
}
