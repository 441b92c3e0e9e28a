/*
 * Who may open /dev/kmsg, and what programs may write there: `printk.devkmsg=` on the command line,
 * for good, or
 * /proc/sys/kernel/printk_devkmsg.
 */
#include <linux/capability.h>
#include <linux/errno.h>

#include "core/cmdline.h"
#include "core/printk.h"
#include "fs/devfs/memdev.h"
#include "fs/file.h"
#include "id/cred.h"
#include "lib/atomic.h"
#include "lib/string.h"

static struct {
	uint32_t mode __atomic; /* enum kmsg_mode */
	bool     is_fixed __const_after_init;
} writing = { .mode = KMSG_RATELIMIT };

static const char *const names[] = {
	[KMSG_RATELIMIT] = "ratelimit", [KMSG_ON] = "on", [KMSG_OFF] = "off",
};

bool kmsg_may_read(const struct file *file)
{
	return !(file->mode & FILE_READ) || !READ_ONCE(log_is_restricted) ||
	       cred_capable(file->cred, CAP_SYSLOG);
}

enum kmsg_mode kmsg_mode(void)
{
	return atomic_load_relaxed(&writing.mode);
}

const char *kmsg_mode_name(void)
{
	return names[kmsg_mode()];
}

static int mode_parse(const char *name)
{
	for (uint32_t mode = 0; mode < array_size(names); mode++) {
		if (!strcmp(name, names[mode])) {
			atomic_store(&writing.mode, mode);
			return 0;
		}
	}
	return -EINVAL;
}

int kmsg_mode_set(const char *name)
{
	return writing.is_fixed ? -EINVAL : mode_parse(name);
}

static int parse_devkmsg(const char *value)
{
	int err = value ? mode_parse(value) : -EINVAL;

	writing.is_fixed = !err;
	return err;
}

CMDLINE_PARAM("printk.devkmsg", parse_devkmsg);
