/*
 * /proc/sys/kernel: what is kept from programs, or from those that attack them. Restrictions only
 * an administrator may set, whoever has opened the file.
 */
#include <linux/capability.h>
#include <linux/errno.h>

#include "core/printk.h"
#include "core/symbols.h"
#include "proc/task.h"
#include "procfs/sysctl.h"
#include "vm/space.h"

static int set_by_admin(int *value, int64_t number)
{
	if (!cred_capable(task_current()->cred, CAP_SYS_ADMIN))
		return -EPERM;
	WRITE_ONCE(*value, (int)number);
	return 0;
}

static int64_t get_log(void)
{
	return READ_ONCE(log_is_restricted);
}

static int set_log(int64_t number)
{
	return set_by_admin(&log_is_restricted, number);
}

static int64_t get_symbols(void)
{
	return READ_ONCE(symbols_restricted);
}

static int set_symbols(int64_t number)
{
	return set_by_admin(&symbols_restricted, number);
}

const struct sysctl_int sysctl_dmesg_restrict = { get_log, set_log, 0, 1 };
const struct sysctl_int sysctl_kptr_restrict = { get_symbols, set_symbols, 0, 2 };
const struct sysctl_var sysctl_randomize = { &space_randomize, INT32_MIN, INT32_MAX };
