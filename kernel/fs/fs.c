/*
 * Start-up of the file floor. See fs.h.
 */
#include "fs/fs.h"

#include "core/panic.h"
#include "fs/anon.h"
#include "fs/dentry.h"
#include "fs/emergency.h"
#include "fs/devfs/devfs.h"
#include "fs/devfs/memdev.h"
#include "fs/mount.h"
#include "fs/pagecache.h"
#include "fs/pipe.h"
#include "fs/timerfd.h"
#include "fs/tmpfs/tmpfs.h"
#include "sched/rcu.h"
#include "vm/reclaim.h"

static size_t shrink_dentries(struct shrinker *shrinker, size_t nr_pages)
{
	/* About 16 dentries make a page; what they held goes with them. */
	size_t freed = dentry_shrink(nr_pages * 16);

	/* Their memory is only there after a grace period, and the caller wants it now. */
	if (freed)
		rcu_barrier();
	return (freed + 15) / 16;
}

static size_t count_dentries(struct shrinker *shrinker)
{
	return dentry_unused_count() / 16;
}

static struct shrinker dentry_shrinker = {
	.name = "dentry",
	.shrink = shrink_dentries,
	.count = count_dentries,
};

void fs_init(void)
{
	dentry_cache_init();
	pagecache_init();
	mount_ns_init();
	anon_init();
	pipe_init();
	timerfd_init();
	if (tmpfs_init() || devfs_init() || memdev_init() || kmsg_init())
		panic("no memory for the first file systems");
	shrinker_register(&dentry_shrinker);
	fs_emergency_init();
}
