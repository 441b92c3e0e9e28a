/*
 * /proc/sys/kernel: names, numbers and the behaviour of the kernel (Linux's
 * Documentation/admin-guide/sysctl/kernel.rst).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/utsname.h>

#include "core/nmi.h"
#include "core/panic.h"
#include "core/sysrq.h"
#include "fs/devfs/memdev.h"
#include "id/pid.h"
#include "id/rlimit.h"
#include "lib/math.h"
#include "lib/string.h"
#include "proc/ctrl_alt_del.h"
#include "proc/hung.h"
#include "proc/proc.h"
#include "procfs/ipc.h"
#include "sched/watchdog.h"

/* ---- names --------------------------------------------------------------------------------- */

static int show_hostname(const struct node *node, struct text *text)
{
	struct new_utsname name;

	uts_read(task_current()->ns->uts, &name);
	text_printf(text, "%s\n", name.nodename);
	return 0;
}

static int show_domainname(const struct node *node, struct text *text)
{
	struct new_utsname name;

	uts_read(task_current()->ns->uts, &name);
	text_printf(text, "%s\n", name.domainname);
	return 0;
}

/* Up to the end of the line, as much as fits. */
static size_t name_len(const char *line, size_t len)
{
	const char *end = memchr(line, '\n', len);
	size_t n = end ? (size_t)(end - line) : len;

	return min(n, (size_t)__NEW_UTS_LEN);
}

static int write_hostname(const struct node *node, char *line, size_t len)
{
	return uts_set_hostname(task_current()->ns->uts, line, name_len(line, len));
}

static int write_domainname(const struct node *node, char *line, size_t len)
{
	return uts_set_domainname(task_current()->ns->uts, line, name_len(line, len));
}

static int show_uts(const struct node *node, struct text *text)
{
	text_printf(text, "%s\n", (const char *)node->entry->arg);
	return 0;
}

/* ---- numbers ------------------------------------------------------------------------------- */

static int64_t get_pid_max(void)
{
	return pid_max_get();
}

static int set_pid_max(int64_t max)
{
	return pid_max_set((int)max);
}

static const struct sysctl_int pid_max = { get_pid_max, set_pid_max, PID_RESERVED + 1,
                                           PID_MAX_LIMIT };

static int64_t get_threads_max(void)
{
	return (int64_t)READ_ONCE(rlimit_threads_max);
}

static int set_threads_max(int64_t max)
{
	WRITE_ONCE(rlimit_threads_max, (uint64_t)max);
	return 0;
}

static const struct sysctl_int threads_max = { get_threads_max, set_threads_max, 1, 0x3fffffff };

static const struct sysctl_int hung_timeout = { hung_timeout_get, hung_timeout_set, 0,
                                                INT64_MAX / (int64_t)NS_PER_SEC };

static int64_t get_tainted(void)
{
	return 0;
}

static const struct sysctl_int tainted = { .get = get_tainted };

static int show_printk(const struct node *node, struct text *text)
{
	text_printf(text, "%d\t%d\t%d\t%d\n", log_levels.console, log_levels.message_default,
	            log_levels.console_minimum, log_levels.console_default);
	return 0;
}

/* Up to four numbers; what is not written stays. */
static int write_printk(const struct node *node, char *line, size_t len)
{
	int *const levels[] = { &log_levels.console, &log_levels.message_default,
		                &log_levels.console_minimum, &log_levels.console_default };
	unsigned int n = 0;

	if (!cred_capable(task_current()->cred, CAP_SYS_ADMIN))
		return -EPERM;
	for (char *c = line; *c && n < array_size(levels); c++) {
		if (*c >= '0' && *c <= '9')
			*levels[n++] = *c - '0';
		else if (*c != ' ' && *c != '\t' && *c != '\n')
			return -EINVAL;
	}
	return 0;
}

static int show_devkmsg(const struct node *node, struct text *text)
{
	text_printf(text, "%s\n", kmsg_mode_name());
	return 0;
}

static int write_devkmsg(const struct node *node, char *line, size_t len)
{
	char *end = memchr(line, '\n', len);

	if (end)
		*end = '\0';
	return kmsg_mode_set(line);
}

/* ---- the table ----------------------------------------------------------------------------- */

static const struct entry entries[] = {
	SYSCTL_CONST("cap_last_cap", "40"),
	SYSCTL_CONST("core_pattern", "core"),
	SYSCTL_VAR("ctrl-alt-del", &ctrl_alt_del_restarts, INT32_MIN, INT32_MAX),
	SYSCTL_INT("dmesg_restrict", 0644, &sysctl_dmesg_restrict),
	{ "domainname", S_IFREG | 0644, ENTRY_STRICT, .show = show_domainname,
	  .write = write_domainname },
	SYSCTL_VAR("hardlockup_all_cpu_backtrace", &watchdog_settings.hard_shows_all, 0, 1),
	SYSCTL_VAR("hardlockup_panic", &watchdog_settings.hard_panics, 0, 1),
	{ "hostname", S_IFREG | 0644, ENTRY_STRICT, .show = show_hostname,
	  .write = write_hostname },
	SYSCTL_VAR("hung_task_all_cpu_backtrace", &hung_settings.shows_all, 0, 1),
	SYSCTL_VAR("hung_task_panic", &hung_settings.panics, 0, 1),
	SYSCTL_INT("hung_task_timeout_secs", 0644, &hung_timeout),
	SYSCTL_VAR("hung_task_warnings", &hung_settings.warnings, -1, INT32_MAX),
	SYSCTL_INT("kptr_restrict", 0644, &sysctl_kptr_restrict),
	SYSCTL_VAR("msgmax", &msg_limits.max_size, 0, INT32_MAX),
	SYSCTL_VAR("msgmnb", &msg_limits.max_queue, 0, INT32_MAX),
	SYSCTL_INT("msgmni", 0644, &sysctl_msgmni),
	SYSCTL_CONST("ngroups_max", "65536"),
	SYSCTL_VAR("nmi_watchdog", &watchdog_settings.hard, 0, 1),
	{ "osrelease", S_IFREG | 0444, ENTRY_STRICT, .show = show_uts, .arg = uts_release },
	{ "ostype", S_IFREG | 0444, ENTRY_STRICT, .show = show_uts, .arg = uts_sysname },
	SYSCTL_CONST("overflowgid", "65534"),
	SYSCTL_CONST("overflowuid", "65534"),
	SYSCTL_VAR("panic", &panic_settings.timeout, INT32_MIN, INT32_MAX),
	SYSCTL_VAR("panic_on_oops", &panic_settings.on_oops, 1, 1),
	SYSCTL_VAR("panic_on_warn", &panic_settings.on_warn, 0, 1),
	SYSCTL_INT("pid_max", 0644, &pid_max),
	{ "printk", S_IFREG | 0644, ENTRY_STRICT, .show = show_printk, .write = write_printk },
	{ "printk_devkmsg", S_IFREG | 0644, ENTRY_STRICT, .show = show_devkmsg,
	  .write = write_devkmsg },
	{ "random", S_IFDIR | 0555, .dir = &sysctl_random_directory },
	{ "randomize_va_space", S_IFREG | 0644, ENTRY_STRICT, .arg = &sysctl_randomize,
	  .show = sysctl_show_var, .write = sysctl_write_var },
	SYSCTL_CONST("sched_rr_timeslice_ms", "100"),
	SYSCTL_INT("sched_rt_period_us", 0644, &sysctl_rt_period),
	SYSCTL_INT("sched_rt_runtime_us", 0644, &sysctl_rt_runtime),
	{ "sem", S_IFREG | 0644, ENTRY_STRICT, .show = show_sem_limits,
	  .write = write_sem_limits },
	{ "shmall", S_IFREG | 0644, ENTRY_STRICT, .arg = &shm_limits.max_pages,
	  .show = show_ipc_limit, .write = write_ipc_limit },
	{ "shmmax", S_IFREG | 0644, ENTRY_STRICT, .arg = &shm_limits.max_size,
	  .show = show_ipc_limit, .write = write_ipc_limit },
	SYSCTL_INT("shmmni", 0644, &sysctl_shmmni),
	SYSCTL_VAR("soft_watchdog", &watchdog_settings.soft, 0, 1),
	SYSCTL_VAR("softlockup_all_cpu_backtrace", &watchdog_settings.soft_shows_all, 0, 1),
	SYSCTL_VAR("softlockup_panic", &watchdog_settings.soft_panics, 0, 1),
	SYSCTL_VAR("sysrq", &sysrq_mask_value, INT32_MIN, INT32_MAX),
	SYSCTL_INT("tainted", 0444, &tainted),
	SYSCTL_INT("threads-max", 0644, &threads_max),
	SYSCTL_VAR("unknown_nmi_panic", &nmi_panic_on_unknown, INT32_MIN, INT32_MAX),
	{ "version", S_IFREG | 0444, ENTRY_STRICT, .show = show_uts, .arg = uts_version },
	SYSCTL_VAR("watchdog", &watchdog_settings.enabled, 0, 1),
	SYSCTL_VAR("watchdog_thresh", &watchdog_settings.threshold_s, 0, 60),
};

const struct directory sysctl_kernel_directory = DIRECTORY(entries);
