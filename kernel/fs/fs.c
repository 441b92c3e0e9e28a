/*
 * Start-up of the file floor. See fs.h.
 * check-style: includes: it starts every part of the floor.
 */
#include "fs/fs.h"

#include "core/panic.h"
#include "fs/anon.h"
#include "fs/dentry.h"
#include "fs/emergency.h"
#include "fs/devfs/devfs.h"
#include "fs/devfs/hwrng.h"
#include "fs/devfs/memdev.h"
#include "fs/disk_impl.h"
#include "fs/epoll.h"
#include "fs/ext2/ext2.h"
#include "fs/file.h"
#include "fs/loop.h"
#include "fs/mount.h"
#include "fs/pagecache.h"
#include "fs/pipe.h"
#include "fs/inotify.h"
#include "fs/timerfd.h"
#include "fs/tmpfs/tmpfs.h"
#include "lib/math.h"
#include "mem/buddy.h"
#include "sched/rcu.h"
#include "vm/reclaim.h"

enum { FILE_MAX_LEAST = 8192, EPOLL_WATCH_COST = 200 };

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

/* As Linux: files may take a tenth of memory at 1 KiB each, epoll's watches of a user a 25th. */
static void limits_init(void)
{
	uint64_t bytes = pages_total() << PAGE_SHIFT;

	file_max_set((int64_t)max((bytes >> 10) / 10, (uint64_t)FILE_MAX_LEAST));
	epoll_max_user_watches = (int64_t)(bytes / 25 / EPOLL_WATCH_COST);
}

void fs_init(void)
{
	limits_init();
	dentry_cache_init();
	pagecache_init();
	mount_ns_init();
	anon_init();
	pipe_init();
	timerfd_init();
	inotify_init();
	if (tmpfs_init() || devfs_init() || memdev_init() || kmsg_init() || loop_init() ||
	    ext2_init())
		panic("no memory for the first file systems");
	hwrng_file_init();
	disk_reclaim_init();
	shrinker_register(&dentry_shrinker);
	fs_emergency_init();
}
