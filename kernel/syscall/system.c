/*
 * The machine as a whole: sysinfo(2).
 */
#include <linux/sysinfo.h>

#include "fs/pagecache.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "sched/clock.h"
#include "sched/sched.h"
#include "sched/thread.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

long sys_sysinfo(struct sysinfo __user *to)
{
	struct page_stats pages;
	struct sysinfo info;
	uint64_t loads[3];

	page_stats_read(&pages);
	memset(&info, 0, sizeof(info)); /* it has holes */
	info.uptime = clock_boottime() / NS_PER_SEC;
	info.totalram = pages.total << PAGE_SHIFT;
	info.freeram = pages.free << PAGE_SHIFT;
	info.sharedram = pagecache_pages() << PAGE_SHIFT;
	info.procs = (uint16_t)thread_count();
	info.mem_unit = 1;
	sched_loadavg(loads);
	for (int i = 0; i < 3; i++)
		info.loads[i] = loads[i] << (SI_LOAD_SHIFT - 11);
	return copy_to_user(to, &info, sizeof(info));
}
