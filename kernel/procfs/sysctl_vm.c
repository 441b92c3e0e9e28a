/*
 * /proc/sys/vm: how memory is given out, and giving it back (Linux's
 * Documentation/admin-guide/sysctl/vm.rst).
 */
#include <linux/errno.h>

#include "arch/layout.h"
#include "core/gauge.h"
#include "mem/alloc.h"
#include "mem/buddy.h"
#include "proc/oom.h"
#include "procfs/sysctl.h"
#include "vm/commit.h"
#include "vm/reclaim.h"

static int64_t get_overcommit(void)
{
	return atomic_load_relaxed(&commit_settings.mode);
}

static int set_overcommit(int64_t mode)
{
	atomic_store_relaxed(&commit_settings.mode, (int)mode);
	return 0;
}

static const struct sysctl_int overcommit_memory = { get_overcommit, set_overcommit, 0, 2 };

/* Of the ratio and the number of kilobytes, what was written last counts: as Linux. */
static int64_t get_ratio(void)
{
	return atomic_load_relaxed(&commit_settings.ratio);
}

static int set_ratio(int64_t percent)
{
	atomic_store_relaxed(&commit_settings.ratio, (unsigned)percent);
	atomic_store_relaxed(&commit_settings.kbytes, 0);
	return 0;
}

static const struct sysctl_int overcommit_ratio = { get_ratio, set_ratio, 0, INT32_MAX };

static int64_t get_kbytes(void)
{
	return (int64_t)atomic_load_relaxed(&commit_settings.kbytes);
}

static int set_kbytes(int64_t kbytes)
{
	atomic_store_relaxed(&commit_settings.kbytes, (uint64_t)kbytes);
	atomic_store_relaxed(&commit_settings.ratio, 0);
	return 0;
}

static const struct sysctl_int overcommit_kbytes = { get_kbytes, set_kbytes, 0, INT64_MAX };

static int64_t get_admin_reserve(void)
{
	return (int64_t)atomic_load_relaxed(&commit_settings.admin_reserve_kbytes);
}

static int set_admin_reserve(int64_t kbytes)
{
	atomic_store_relaxed(&commit_settings.admin_reserve_kbytes, (uint64_t)kbytes);
	return 0;
}

static const struct sysctl_int admin_reserve = { get_admin_reserve, set_admin_reserve, 0,
	                                         INT64_MAX };

static int64_t get_user_reserve(void)
{
	return (int64_t)atomic_load_relaxed(&commit_settings.user_reserve_kbytes);
}

static int set_user_reserve(int64_t kbytes)
{
	atomic_store_relaxed(&commit_settings.user_reserve_kbytes, (uint64_t)kbytes);
	return 0;
}

static const struct sysctl_int user_reserve = { get_user_reserve, set_user_reserve, 0,
	                                        INT64_MAX };

static int64_t get_min_free(void)
{
	return (int64_t)watermarks_min_free_kib();
}

/* More than a quarter of memory would leave too little for programs to run at all. */
static int set_min_free(int64_t kib)
{
	if ((uint64_t)kib > pages_total() << (PAGE_SHIFT - 10) >> 2)
		return -EINVAL;
	watermarks_set((uint64_t)kib);
	return 0;
}

static const struct sysctl_int min_free_kbytes = { get_min_free, set_min_free, 0, INT32_MAX };

/* ---- out of memory ------------------------------------------------------------------------- */

static int64_t get_panic_on_oom(void)
{
	return atomic_load_relaxed(&oom_settings.panic_on_oom);
}

static int set_panic_on_oom(int64_t value)
{
	atomic_store_relaxed(&oom_settings.panic_on_oom, (int)value);
	return 0;
}

static int64_t get_kill_allocating(void)
{
	return atomic_load_relaxed(&oom_settings.kill_allocating_task);
}

static int set_kill_allocating(int64_t value)
{
	atomic_store_relaxed(&oom_settings.kill_allocating_task, (int)value);
	return 0;
}

static int64_t get_dump_tasks(void)
{
	return atomic_load_relaxed(&oom_settings.dump_tasks);
}

static int set_dump_tasks(int64_t value)
{
	atomic_store_relaxed(&oom_settings.dump_tasks, (int)value);
	return 0;
}

static const struct sysctl_int panic_on_oom = { get_panic_on_oom, set_panic_on_oom, 0, 2 };
static const struct sysctl_int kill_allocating = { get_kill_allocating, set_kill_allocating,
	                                           INT32_MIN, INT32_MAX };
static const struct sysctl_int dump_tasks = { get_dump_tasks, set_dump_tasks, INT32_MIN,
	                                      INT32_MAX };

/* ---- giving back --------------------------------------------------------------------------- */

/*
 * 1: clean pages, 2: unused names and inodes, 3: both, 4 and more: in silence. Pages, names and all
 * that is kept for reuse go together here.
 */
static int64_t dropped __atomic;

static int64_t get_dropped(void)
{
	return atomic_load_relaxed(&dropped);
}

static int set_dropped(int64_t which)
{
	atomic_store_relaxed(&dropped, which);
	if (which & 3) {
		reclaim_all();
		gauge_drain_all();
	}
	return 0;
}

static const struct sysctl_int drop_caches = { get_dropped, set_dropped, 1, 4 };

/* The allocation from now that fails (mem/alloc.h), or that is still to come; 0: none. */
static int64_t get_alloc_fail(void)
{
	return (int64_t)alloc_fail_remaining();
}

static int set_alloc_fail(int64_t n)
{
	alloc_fail_set((uint64_t)n, false);
	return 0;
}

static const struct sysctl_int alloc_fail = { get_alloc_fail, set_alloc_fail, 0, INT64_MAX };

static const struct entry entries[] = {
	SYSCTL_INT("admin_reserve_kbytes", 0644, &admin_reserve),
	SYSCTL_INT("drop_caches", 0200, &drop_caches),
	SYSCTL_CONST("max_map_count", "65530"),
	SYSCTL_INT("min_free_kbytes", 0644, &min_free_kbytes),
	SYSCTL_CONST("mmap_min_addr", "65536"),
	SYSCTL_INT("oom_dump_tasks", 0644, &dump_tasks),
	SYSCTL_INT("oom_kill_allocating_task", 0644, &kill_allocating),
	SYSCTL_INT("overcommit_kbytes", 0644, &overcommit_kbytes),
	SYSCTL_INT("overcommit_memory", 0644, &overcommit_memory),
	SYSCTL_INT("overcommit_ratio", 0644, &overcommit_ratio),
	SYSCTL_INT("panic_on_oom", 0644, &panic_on_oom),
	SYSCTL_INT("user_reserve_kbytes", 0644, &user_reserve),
	SYSCTL_INT("alloc_fail", 0600, &alloc_fail), /* the last: only the debug kernel shows it */
};

const struct directory sysctl_vm_directory = {
	.entries = entries,
	.count = array_size(entries) - (DEBUG ? 0 : 1),
};
