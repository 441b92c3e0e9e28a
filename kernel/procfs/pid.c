/*
 * The tables of /proc/PID and of /proc/PID/task/TID, and the directory of a process's threads.
 */
#include "procfs/pid.h"

#include <linux/errno.h>

#include "lib/printf.h"
#include "proc/proc.h"

/* Of processes and of each of their threads alike. */
#define ENTRIES_OF_BOTH \
	{ "auxv", S_IFREG | 0400, ENTRY_PRIVATE, .show_space = show_pid_auxv }, \
	{ "cgroup", S_IFREG | 0444, .show_task = show_pid_cgroup }, \
	{ "cmdline", S_IFREG | 0444, .ops = &pid_cmdline_ops }, \
	{ "comm", S_IFREG | 0644, .show_task = show_pid_comm, .write_task = write_pid_comm }, \
	{ "cwd", S_IFLNK | 0777, ENTRY_PRIVATE, .link = link_pid_cwd }, \
	{ "environ", S_IFREG | 0400, .ops = &pid_environ_ops }, \
	{ "exe", S_IFLNK | 0777, ENTRY_PRIVATE, .link = link_pid_exe }, \
	{ "fd", S_IFDIR | 0500, ENTRY_PRIVATE, .dir = &pid_fd_directory }, \
	{ "fdinfo", S_IFDIR | 0555, ENTRY_PRIVATE, .dir = &pid_fdinfo_directory }, \
	{ "limits", S_IFREG | 0444, .show_task = show_pid_limits }, \
	{ "maps", S_IFREG | 0444, ENTRY_PRIVATE, .show_space = show_pid_maps }, \
	{ "mem", S_IFREG | 0600, .ops = &pid_mem_ops }, \
	{ "mountinfo", S_IFREG | 0444, .show_task = show_pid_mountinfo, \
	  .poll = poll_pid_mounts, .ops = &node_polled_file_ops }, \
	{ "mounts", S_IFREG | 0444, .show_task = show_pid_mounts, \
	  .poll = poll_pid_mounts, .ops = &node_polled_file_ops }, \
	{ "net", S_IFDIR | 0555, .dir = &pid_net_directory }, \
	{ "ns", S_IFDIR | 0511, .dir = &pid_ns_directory }, \
	{ "oom_adj", S_IFREG | 0644, .show_task = show_pid_oom_adj, \
	  .write_task = write_pid_oom_adj }, \
	{ "oom_score", S_IFREG | 0444, .show_task = show_pid_oom_score }, \
	{ "oom_score_adj", S_IFREG | 0644, .show_task = show_pid_oom_score_adj, \
	  .write_task = write_pid_oom_score_adj }, \
	{ "personality", S_IFREG | 0400, ENTRY_PTRACE, .show_task = show_pid_personality }, \
	{ "root", S_IFLNK | 0777, ENTRY_PRIVATE, .link = link_pid_root }, \
	{ "schedstat", S_IFREG | 0444, .show_task = show_pid_schedstat }, \
	{ "smaps", S_IFREG | 0444, ENTRY_PRIVATE, .show_space = show_pid_smaps }, \
	{ "smaps_rollup", S_IFREG | 0444, ENTRY_PRIVATE, .show_space = show_pid_smaps_rollup }, \
	{ "statm", S_IFREG | 0444, .show_task = show_pid_statm }, \
	{ "status", S_IFREG | 0444, .show_task = show_pid_status }, \
	{ "syscall", S_IFREG | 0400, ENTRY_PTRACE, .show_task = show_pid_syscall }, \
	{ "wchan", S_IFREG | 0444, .show_task = show_pid_wchan }

static const struct directory tasks_directory;

static const struct entry entries[] = {
	{ "task", S_IFDIR | 0555, .dir = &tasks_directory },
	ENTRIES_OF_BOTH,
	{ "mountstats", S_IFREG | 0400, .show_task = show_pid_mountstats },
	{ "stat", S_IFREG | 0444, .show_task = show_pid_stat },
	{ "timerslack_ns", S_IFREG | 0666, ENTRY_PTRACE, .show_task = show_pid_timerslack,
	  .write_task = write_pid_timerslack },
};

static const struct entry task_entries[] = {
	ENTRIES_OF_BOTH,
	{ "stat", S_IFREG | 0444, .show_task = show_task_stat },
};

static const struct directory pid_directory = DIRECTORY(entries);
static const struct directory task_directory = DIRECTORY(task_entries);

const struct entry pid_entry = { "pid", S_IFDIR | 0555, .dir = &pid_directory };
static const struct entry task_entry = { "task", S_IFDIR | 0555, .dir = &task_directory };

/* ---- /proc/PID/task ------------------------------------------------------------------------ */

static bool is_task_of(struct pid *pid, const struct proc *proc)
{
	struct task *task = task_of_pid(pid);
	bool is = task && task->proc == proc;

	if (task)
		task_put(task);
	return is;
}

static int tasks_lookup(const struct node *dir, const char *name, struct child *out)
{
	struct task *leader = node_task(dir);
	struct pid *pid = NULL;
	uint64_t number;

	if (!leader)
		return -ENOENT;
	if (node_name_number(name, &number))
		pid = pid_lookup((pid_t)number);
	if (pid && !is_task_of(pid, leader->proc)) {
		pid_put(pid);
		pid = NULL;
	}
	task_put(leader);
	*out = (struct child){ .entry = &task_entry, .pid = pid };
	return pid ? 0 : -ENOENT;
}

static const struct entry *tasks_next(const struct node *dir, uint64_t *key, char *name)
{
	struct task *leader = node_task(dir);
	bool found = false;
	struct pid *pid;

	while (leader && !found && (pid = pid_next((pid_t)*key))) {
		*key = (uint64_t)pid_nr(pid);
		found = is_task_of(pid, leader->proc);
		if (!found)
			++*key;
		pid_put(pid);
	}
	if (leader)
		task_put(leader);
	if (!found)
		return NULL;
	snprintf(name, NODE_NAME_MAX, "%d", (int)*key);
	return &task_entry;
}

static const struct directory tasks_directory = { .lookup = tasks_lookup, .next = tasks_next };
