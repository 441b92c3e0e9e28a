/*
 * The links of a process: its program, its directories, its namespaces (namespaces(7)).
 *
 * exe, cwd and root are magic: a walk goes on at the very place, whatever its name says.
 */
#include <linux/errno.h>

#include "fs/context.h"
#include "fs/file.h"
#include "fs/mount.h"
#include "lib/hash.h"
#include "proc/proc.h"
#include "procfs/pid.h"

int link_pid_exe(const struct node *node, struct link_target *out)
{
	struct task *task = node_task(node);
	struct file *exe;
	unsigned long flags;

	if (!task)
		return -ENOENT;
	flags = spin_lock_irqsave(&task->proc->lock);
	exe = task->proc->exe;
	if (exe)
		file_get(exe);
	spin_unlock_irqrestore(&task->proc->lock, flags);
	task_put(task);
	if (!exe)
		return -ENOENT;
	out->jump = *path_get(&exe->path);
	file_put(exe);
	return 0;
}

static int link_context(const struct node *node, struct link_target *out,
                        void (*which)(struct fs_context *context, struct path *path))
{
	struct task *task = node_task(node);
	struct fs_context *context = task ? task_fs_get(task) : NULL;

	if (task)
		task_put(task);
	if (!context)
		return -ENOENT;
	which(context, &out->jump);
	fs_context_leave(context);
	return 0;
}

int link_pid_cwd(const struct node *node, struct link_target *out)
{
	return link_context(node, out, fs_context_cwd);
}

int link_pid_root(const struct node *node, struct link_target *out)
{
	return link_context(node, out, fs_context_root);
}

/* ---- namespaces ---------------------------------------------------------------------------- */

/* Linux's numbers of the first namespace of a kind (include/linux/proc_ns.h). */
enum { UTS_INO = 0xeffffffe, PID_INO = 0xeffffffc };

static ino_t ns_ino(const struct nsproxy *ns, const char *kind)
{
	switch (kind[0]) {
	case 'm':
		return ns->mounts->id;
	case 'u':
		return ns->uts == &uts_initial ? UTS_INO : UTS_INO - (hash_pointer(ns->uts) >> 40);
	default:
		return PID_INO;
	}
}

static int link_ns(const struct node *node, struct link_target *out)
{
	const char *kind = node->entry->arg;
	struct task *task = node_task(node);
	ino_t ino = 0;

	if (!task)
		return -ENOENT;
	spin_lock(&task->resources_lock);
	if (task->ns)
		ino = ns_ino(task->ns, kind);
	spin_unlock(&task->resources_lock);
	task_put(task);
	return ino ? link_printf(out, "%s:[%lu]", kind, ino) : -ENOENT;
}

#define NS_LINK(link_name, kind) \
	{ link_name, S_IFLNK | 0777, ENTRY_PRIVATE, .link = link_ns, .arg = (kind) }

static const struct entry ns_entries[] = {
	NS_LINK("mnt", "mnt"),
	NS_LINK("pid", "pid"),
	NS_LINK("pid_for_children", "pid"),
	NS_LINK("uts", "uts"),
};

const struct directory pid_ns_directory = DIRECTORY(ns_entries);
