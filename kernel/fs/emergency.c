/*
 * SysRq `s` and `u`, done in a thread: the key may have come in an interrupt. See fs/emergency.h.
 */
#include "fs/emergency.h"

#include "core/printk.h"
#include "core/sysrq.h"
#include "fs/super.h"
#include "sched/work.h"

static void sync_all(struct work *work)
{
	super_sync_all(true);
	pr_info("Emergency Sync complete\n");
}

static void remount_all(struct work *work)
{
	super_remount_all_readonly();
	pr_info("Emergency Remount complete\n");
}

static struct work sync_work = WORK(sync_all);
static struct work remount_work = WORK(remount_all);

static void press_sync(char key)
{
	work_queue_sleeping(&sync_work);
}

static void press_remount(char key)
{
	work_queue_sleeping(&remount_work);
}

static const struct sysrq_key keys[] = {
	{ 's', 's', SYSRQ_SYNC, "sync(s)", "Emergency Sync", press_sync },
	{ 'u', 'u', SYSRQ_REMOUNT, "unmount(u)", "Emergency Remount R/O", press_remount },
};

void fs_emergency_init(void)
{
	sysrq_register(keys, array_size(keys));
}
