/*
 * syslog(2): reading the kernel's log, and what of it the console shows.
 */
#include <linux/capability.h>
#include <linux/errno.h>

#include "abi/syslog.h"
#include "core/printk.h"
#include "core/spinlock.h"
#include "fs/devfs/syslog.h"
#include "proc/task.h"
#include "syscall/prototypes.h"
#include "vm/uio.h"

/* SYSLOG_ACTION_CONSOLE_OFF remembers the level for SYSLOG_ACTION_CONSOLE_ON. */
enum { NO_LEVEL = -1 };

static struct {
	struct spinlock lock;
	int             saved_level __guarded_by(lock);
} console = { .lock = SPINLOCK(RANK_LEAF), .saved_level = NO_LEVEL };

static long read_log(int action, char __user *buf, int len)
{
	struct uio uio;
	long done;

	if (!buf || len < 0)
		return -EINVAL;
	if (!len)
		return 0;
	done = uio_init_user(&uio, buf, (size_t)len);
	if (done)
		return done;
	if (action == SYSLOG_ACTION_READ)
		return syslog_take(&uio, true);
	done = syslog_copy(&uio);
	if (action == SYSLOG_ACTION_READ_CLEAR)
		log_clear();
	return done;
}

static void console_off(void)
{
	spin_lock(&console.lock);
	if (console.saved_level == NO_LEVEL)
		console.saved_level = log_levels.console;
	log_levels.console = log_levels.console_minimum;
	spin_unlock(&console.lock);
}

static void console_on(void)
{
	spin_lock(&console.lock);
	if (console.saved_level != NO_LEVEL)
		log_levels.console = console.saved_level;
	console.saved_level = NO_LEVEL;
	spin_unlock(&console.lock);
}

static long console_set_level(int level)
{
	if (level < 1 || level > 8)
		return -EINVAL;
	spin_lock(&console.lock);
	log_levels.console =
		level < log_levels.console_minimum ? log_levels.console_minimum : level;
	console.saved_level = NO_LEVEL;
	spin_unlock(&console.lock);
	return 0;
}

long sys_syslog(int action, char __user *buf, int len)
{
	bool is_harmless = action == SYSLOG_ACTION_READ_ALL || action == SYSLOG_ACTION_SIZE_BUFFER;

	if ((READ_ONCE(log_is_restricted) || !is_harmless) &&
	    !cred_capable(task_current()->cred, CAP_SYSLOG))
		return -EPERM;
	switch (action) {
	case SYSLOG_ACTION_CLOSE:
	case SYSLOG_ACTION_OPEN:
		return 0;
	case SYSLOG_ACTION_READ:
	case SYSLOG_ACTION_READ_ALL:
	case SYSLOG_ACTION_READ_CLEAR:
		return read_log(action, buf, len);
	case SYSLOG_ACTION_CLEAR:
		log_clear();
		return 0;
	case SYSLOG_ACTION_CONSOLE_OFF:
		console_off();
		return 0;
	case SYSLOG_ACTION_CONSOLE_ON:
		console_on();
		return 0;
	case SYSLOG_ACTION_CONSOLE_LEVEL:
		return console_set_level(len);
	case SYSLOG_ACTION_SIZE_UNREAD:
		return syslog_unread();
	case SYSLOG_ACTION_SIZE_BUFFER:
		return LOG_RING_SIZE;
	default:
		return -EINVAL;
	}
}
