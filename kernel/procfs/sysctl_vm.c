/*
 * /proc/sys/vm: how memory is given out, and giving it back (Linux's
 * Documentation/admin-guide/sysctl/vm.rst).
 */
#include <linux/errno.h>

#include "arch/layout.h"
#include "core/gauge.h"
#include "fs/writeback.h"
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

/* Of a ratio and a number of bytes, what was written last counts. */
static int64_t get_dirty_bytes(void)
{
	return (int64_t)atomic_load_relaxed(&writeback_settings.bytes);
}

static int dirty_limit_set(int ratio, int64_t bytes)
{
	atomic_store_relaxed(&writeback_settings.ratio, ratio);
	atomic_store_relaxed(&writeback_settings.bytes, (uint64_t)bytes);
	writeback_settings_changed();
	return 0;
}

static int set_dirty_bytes(int64_t bytes)
{
	return dirty_limit_set(0, bytes);
}

static int64_t get_dirty_ratio(void)
{
	return atomic_load_relaxed(&writeback_settings.ratio);
}

static int set_dirty_ratio(int64_t percent)
{
	return dirty_limit_set((int)percent, 0);
}

static int64_t get_background_bytes(void)
{
	return (int64_t)atomic_load_relaxed(&writeback_settings.background_bytes);
}

static int background_limit_set(int ratio, int64_t bytes)
{
	atomic_store_relaxed(&writeback_settings.background_ratio, ratio);
	atomic_store_relaxed(&writeback_settings.background_bytes, (uint64_t)bytes);
	writeback_settings_changed();
	return 0;
}

static int set_background_bytes(int64_t bytes)
{
	return background_limit_set(0, bytes);
}

static int64_t get_background_ratio(void)
{
	return atomic_load_relaxed(&writeback_settings.background_ratio);
}

static int set_background_ratio(int64_t percent)
{
	return background_limit_set((int)percent, 0);
}

static int64_t get_period(void)
{
	return atomic_load_relaxed(&writeback_settings.period_cs);
}

static int set_period(int64_t centiseconds)
{
	atomic_store_relaxed(&writeback_settings.period_cs, (int)centiseconds);
	writeback_settings_changed();
	return 0;
}

static const struct sysctl_int dirty_bytes = { get_dirty_bytes, set_dirty_bytes, 2 * PAGE_SIZE,
	                                       INT64_MAX };
static const struct sysctl_int dirty_ratio = { get_dirty_ratio, set_dirty_ratio, 0, 100 };
static const struct sysctl_int background_bytes = { get_background_bytes, set_background_bytes, 1,
	                                            INT64_MAX };
static const struct sysctl_int background_ratio = { get_background_ratio, set_background_ratio, 0,
	                                            100 };
static const struct sysctl_int dirty_period = { get_period, set_period, 0, INT32_MAX };

static const struct entry entries[] = {
	SYSCTL_INT("admin_reserve_kbytes", 0644, &admin_reserve),
	SYSCTL_INT("dirty_background_bytes", 0644, &background_bytes),
	SYSCTL_INT("dirty_background_ratio", 0644, &background_ratio),
	SYSCTL_INT("dirty_bytes", 0644, &dirty_bytes),
	SYSCTL_VAR("dirty_expire_centisecs", &writeback_settings.expire_cs, 0, INT32_MAX),
	SYSCTL_INT("dirty_ratio", 0644, &dirty_ratio),
	SYSCTL_INT("dirty_writeback_centisecs", 0644, &dirty_period),
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
