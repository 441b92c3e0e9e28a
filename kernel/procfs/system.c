/*
 * The kernel itself: version, command line, file systems, devices, locks, symbols, gauges. proc(5)
 */
#include <linux/capability.h>
#include <linux/errno.h>

#include "core/cmdline.h"
#include "core/gauge.h"
#include "core/symbols.h"
#include "dev/chardev.h"
#include "lib/devnum.h"
#include "fs/lock.h"
#include "fs/super.h"
#include "id/nsproxy.h"
#include "lib/string.h"
#include "proc/task.h"
#include "procfs/disks.h"
#include "procfs/root.h"
#include "tty/tty.h"

enum { MISC_MAJOR = 10 };

int show_version(const struct node *node, struct text *text)
{
	text_printf(text, "%s version %s (moonshot) (cc " __VERSION__ ") %s\n", uts_sysname,
	            uts_release, uts_version);
	return 0;
}

int show_cmdline(const struct node *node, struct text *text)
{
	text_printf(text, "%s\n", cmdline_text());
	return 0;
}

int show_filesystems(const struct node *node, struct text *text)
{
	const struct fs_type *type;

	for (unsigned int i = 0; (type = fs_type_at(i)); i++) {
		if (!(type->flags & FS_HIDDEN))
			text_printf(text, "%s\t%s\n",
			            type->flags & FS_NEEDS_DEVICE ? "" : "nodev", type->name);
	}
	return 0;
}

/* ---- devices ------------------------------------------------------------------------------- */

static const char *class_of(const struct chardev *device)
{
	return device->class_name ? device->class_name : device->name;
}

/* Is this the first registered device of its major and class? */
static bool is_first_of_class(unsigned int index)
{
	const struct chardev *device = chardev_at(index), *other;

	for (unsigned int i = 0; i < index && (other = chardev_at(i)); i++) {
		if (dev_major(other->first) == dev_major(device->first) &&
		    !strcmp(class_of(other), class_of(device)))
			return false;
	}
	return true;
}

/* The least major above `after`; 0 if there is none. */
static unsigned int next_major(unsigned int after)
{
	const struct chardev *device;
	unsigned int next = 0;

	for (unsigned int i = 0; (device = chardev_at(i)); i++) {
		unsigned int major = dev_major(device->first);

		if (major > after && (!next || major < next))
			next = major;
	}
	return next;
}

int show_devices(const struct node *node, struct text *text)
{
	const struct chardev *device;
	unsigned int major = 0;

	text_puts(text, "Character devices:\n");
	while ((major = next_major(major))) {
		for (unsigned int i = 0; (device = chardev_at(i)); i++) {
			if (dev_major(device->first) == major && class_of(device) &&
			    is_first_of_class(i))
				text_printf(text, "%3u %s\n", major, class_of(device));
		}
	}
	text_puts(text, "\nBlock devices:\n");
	show_block_majors(text);
	return 0;
}

/* Who takes part of the log: enabled, /dev/console or not, shows what was logged early, always. */
int show_consoles(const struct node *node, struct text *text)
{
	struct console_info info;

	for (unsigned int i = 0; console_describe(i, &info); i++) {
		size_t start = text->len;

		text_printf(text, "%s%u", info.name, info.number);
		text_pad(text, start, 21);
		text_printf(text, "-W- (E%c p a) %4u:%u\n", info.is_preferred ? 'C' : ' ',
		            dev_major(info.dev), dev_minor(info.dev));
	}
	return 0;
}

int show_minor_devices(const struct node *node, struct text *text)
{
	const struct chardev *device;

	for (unsigned int i = 0; (device = chardev_at(i)); i++) {
		if (dev_major(device->first) == MISC_MAJOR && device->name)
			text_printf(text, "%3u %s\n", dev_minor(device->first), device->name);
	}
	return 0;
}

/* There are no modules. */
int show_nothing(const struct node *node, struct text *text)
{
	return 0;
}

/* ---- the kernel's own ---------------------------------------------------------------------- */

int show_locks(const struct node *node, struct text *text)
{
	char line[128];

	for (unsigned int i = 0; lock_show(i, line, sizeof(line)) >= 0; i++) {
		text_printf(text, "%u: %s\n", i + 1, line);
		cond_resched();
		if (thread_test_flag(thread_current(), TF_KILLED))
			return -EINTR;
	}
	return 0;
}

/*
 * `NAME VALUE`, one a line: what tests compare before and after. What waits for a grace period or
 * is kept for reuse is given back first, so that two readings of one state are equal.
 */
int show_gauges(const struct node *node, struct text *text)
{
	const struct gauge *gauge;

	gauge_drain_all();
	for (unsigned int i = 0; (gauge = gauge_at(i)); i++)
		text_printf(text, "%s %ld\n", gauge->name, gauge->read());
	return 0;
}

/* Addresses are for those who may see the log of the kernel. */
int show_kallsyms(const struct node *node, struct text *text)
{
	const bool may = READ_ONCE(symbols_restricted) < 2 &&
	                 cred_capable(task_current()->cred, CAP_SYSLOG);
	struct symbol symbol;
	uintptr_t address;

	for (unsigned int i = 0; symbol_at(i, &address, &symbol); i++)
		text_printf(text, "%016lx t %s\n", may ? address : 0, symbol.name);
	return 0;
}
