/*
 * The table of /proc: what is about the whole machine, and behind it the processes.
 */
#include "procfs/root.h"

#include <linux/errno.h>

#include "lib/printf.h"
#include "proc/proc.h"
#include "procfs/disks.h"
#include "procfs/ipc.h"
#include "procfs/pid.h"
#include "procfs/sysctl.h"

static int link_self(const struct node *node, struct link_target *out)
{
	return link_printf(out, "%d", proc_tgid(proc_current()));
}

static int link_thread_self(const struct node *node, struct link_target *out)
{
	return link_printf(out, "%d/task/%d", proc_tgid(proc_current()), task_tid(task_current()));
}

static int link_fixed(const struct node *node, struct link_target *out)
{
	out->text = node->entry->arg;
	return 0;
}

static const struct entry entries[] = {
	{ "self", S_IFLNK | 0777, .link = link_self },
	{ "thread-self", S_IFLNK | 0777, .link = link_thread_self },
	{ "mounts", S_IFLNK | 0777, .link = link_fixed, .arg = "self/mounts" },
	{ "net", S_IFLNK | 0777, .link = link_fixed, .arg = "self/net" },
	{ "buddyinfo", S_IFREG | 0444, .show = show_buddyinfo },
	{ "bus", S_IFDIR | 0555, .dir = &proc_bus_directory, .exists = pci_is_there },
	{ "cmdline", S_IFREG | 0444, .show = show_cmdline },
	{ "consoles", S_IFREG | 0444, .show = show_consoles },
	{ "cpuinfo", S_IFREG | 0444, .show = show_cpuinfo },
	{ "devices", S_IFREG | 0444, .show = show_devices },
	{ "diskstats", S_IFREG | 0444, .show = show_diskstats },
	{ "filesystems", S_IFREG | 0444, .show = show_filesystems },
	{ "gauges", S_IFREG | 0400, .show = show_gauges },
	{ "interrupts", S_IFREG | 0444, .show = show_interrupts },
	{ "irq", S_IFDIR | 0555, .dir = &proc_irq_directory },
	{ "kallsyms", S_IFREG | 0444, .show = show_kallsyms },
	{ "kmsg", S_IFREG | 0400, .ops = &proc_kmsg_ops },
	{ "loadavg", S_IFREG | 0444, .show = show_loadavg },
	{ "lock_stat", S_IFREG | 0600, .show = show_lock_stat, .write = write_lock_stat },
	{ "locks", S_IFREG | 0444, .show = show_locks },
	{ "meminfo", S_IFREG | 0444, .show = show_meminfo },
	{ "misc", S_IFREG | 0444, .show = show_minor_devices },
	{ "modules", S_IFREG | 0444, .show = show_nothing },
	{ "partitions", S_IFREG | 0444, .show = show_partitions },
	{ "provoke-crash", S_IFREG | 0200, .exists = provoke_exists, .write = write_provoke },
	{ "slabinfo", S_IFREG | 0400, .show = show_slabinfo },
	{ "stat", S_IFREG | 0444, .show = show_stat },
	{ "swaps", S_IFREG | 0444, .show = show_swaps },
	{ "sys", S_IFDIR | 0555, .dir = &sysctl_directory },
	{ "sysrq-trigger", S_IFREG | 0200, .write = write_sysrq_trigger },
	{ "sysvipc", S_IFDIR | 0555, .dir = &sysvipc_directory },
	{ "uptime", S_IFREG | 0444, .show = show_uptime },
	{ "version", S_IFREG | 0444, .show = show_version },
	{ "vmstat", S_IFREG | 0444, .show = show_vmstat },
};

/* Any thread is found by its number; only processes are listed. */
static int root_lookup(const struct node *dir, const char *name, struct child *out)
{
	uint64_t number;
	struct pid *pid;

	if (!node_name_number(name, &number))
		return -ENOENT;
	pid = pid_lookup((pid_t)number);
	if (!pid)
		return -ENOENT;
	if (!pid_has(pid, PID_TID)) {
		pid_put(pid);
		return -ENOENT;
	}
	*out = (struct child){ .entry = &pid_entry, .pid = pid };
	return 0;
}

static const struct entry *root_next(const struct node *dir, uint64_t *key, char *name)
{
	struct proc *proc = proc_next((pid_t)*key);

	if (!proc)
		return NULL;
	*key = (uint64_t)proc_tgid(proc);
	snprintf(name, NODE_NAME_MAX, "%d", proc_tgid(proc));
	proc_put(proc);
	return &pid_entry;
}

static const struct directory root_directory = {
	.entries = entries,
	.count = array_size(entries),
	.lookup = root_lookup,
	.next = root_next,
};

const struct entry root_entry = { "/", S_IFDIR | 0555, .dir = &root_directory };
