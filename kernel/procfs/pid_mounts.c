/*
 * The mounts that a process sees: mounts, mountinfo, mountstats (proc(5)). What its root does not
 * reach is left out.
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "fs/context.h"
#include "lib/devnum.h"
#include "fs/mount.h"
#include "fs/super.h"
#include "mem/alloc.h"
#include "proc/task.h"
#include "procfs/pid.h"
#include "sched/poll.h"

enum { OPTIONS_MAX = 512 };

struct mount_list {
	struct text *text;
	struct path  root;
	char        *buf; /* PATH_LEN_MAX bytes for one name */
	void       (*put)(struct mount_list *list, struct mount *mount, const char *where);
};

struct flag_name {
	unsigned    flag;
	const char *name;
};

static void put_flags(struct text *text, unsigned flags, const struct flag_name *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (flags & names[i].flag)
			text_puts(text, names[i].name);
	}
}

static void put_mount_flags(struct text *text, const struct mount *mount)
{
	static const struct flag_name names[] = {
		{ MS_NOSUID, ",nosuid" }, { MS_NODEV, ",nodev" }, { MS_NOEXEC, ",noexec" },
		{ MS_NOATIME, ",noatime" }, { MS_NODIRATIME, ",nodiratime" },
		{ MS_RELATIME, ",relatime" }, { MS_NOSYMFOLLOW, ",nosymfollow" },
	};

	put_flags(text, mount->flags, names, array_size(names));
}

static void put_super_options(struct text *text, struct superblock *super)
{
	static const struct flag_name names[] = {
		{ MS_SYNCHRONOUS, ",sync" }, { MS_DIRSYNC, ",dirsync" }, { MS_MANDLOCK, ",mand" },
		{ MS_LAZYTIME, ",lazytime" },
	};

	put_flags(text, super->flags, names, array_size(names));
}

static void put_own_options(struct text *text, struct superblock *super)
{
	char options[OPTIONS_MAX] = "";

	if (super->ops->show_options && super->ops->show_options(super, options, OPTIONS_MAX) > 0)
		text_puts(text, options);
}

static void put_name(struct text *text, const char *name)
{
	text_put_escaped(text, name, " \t\n");
}

static void put_source(struct text *text, const struct mount *mount)
{
	text_put_escaped(text, mount->source && *mount->source ? mount->source : "none",
	                 " \t\n#");
}

static const char *ro_or_rw(unsigned flags)
{
	return flags & MS_RDONLY ? "ro" : "rw";
}

static void put_mounts_line(struct mount_list *list, struct mount *mount, const char *where)
{
	struct text *text = list->text;

	put_source(text, mount);
	text_puts(text, " ");
	put_name(text, where);
	text_printf(text, " %s %s", mount->super->type->name,
	            ro_or_rw(mount->flags | mount->super->flags));
	put_super_options(text, mount->super);
	put_mount_flags(text, mount);
	put_own_options(text, mount->super);
	text_puts(text, " 0 0\n");
}

static void put_propagation(struct text *text, const struct mount *mount)
{
	if (mount->group_id)
		text_printf(text, " shared:%d", mount->group_id);
	if (mount->master)
		text_printf(text, " master:%d", mount->master->group_id);
	if (mount->state & MOUNT_UNBINDABLE)
		text_puts(text, " unbindable");
}

static void put_mountinfo_line(struct mount_list *list, struct mount *mount, const char *where)
{
	struct text *text = list->text;
	char *root, *buf = kmalloc(PATH_LEN_MAX, ALLOC_KERNEL);

	if (!buf || dentry_render(mount->root, buf, PATH_LEN_MAX, &root)) {
		text->err = -ENOMEM;
		kfree(buf);
		return;
	}
	text_printf(text, "%d %d %u:%u ", mount->id, mount->parent->id,
	            dev_major(mount->super->dev), dev_minor(mount->super->dev));
	put_name(text, root);
	kfree(buf);
	text_puts(text, " ");
	put_name(text, where);
	text_printf(text, " %s", ro_or_rw(mount->flags));
	put_mount_flags(text, mount);
	put_propagation(text, mount);
	text_printf(text, " - %s ", mount->super->type->name);
	put_source(text, mount);
	text_printf(text, " %s", ro_or_rw(mount->super->flags));
	put_super_options(text, mount->super);
	put_own_options(text, mount->super);
	text_puts(text, "\n");
}

static void put_mountstats_line(struct mount_list *list, struct mount *mount, const char *where)
{
	struct text *text = list->text;

	if (mount->source && *mount->source) {
		text_puts(text, "device ");
		put_source(text, mount);
	} else {
		text_puts(text, "no device");
	}
	text_puts(text, " mounted on ");
	put_name(text, where);
	text_printf(text, " with fstype %s\n", mount->super->type->name);
}

static int visit(struct mount *mount, void *arg)
{
	struct mount_list *list = arg;
	const struct path path = { mount, mount->root };
	char *where;

	if (path_render(&path, &list->root, true, list->buf, PATH_LEN_MAX, &where))
		return -ENAMETOOLONG;
	if (where[0] == '/')
		list->put(list, mount, where);
	return 0;
}

static struct mount_namespace *mounts_of(struct task *task)
{
	struct mount_namespace *ns = NULL;

	spin_lock(&task->resources_lock);
	if (task->ns && task->ns->mounts)
		ns = mount_ns_get(task->ns->mounts);
	spin_unlock(&task->resources_lock);
	return ns;
}

static int show(struct task *task, struct mount_list *list)
{
	struct mount_namespace *ns = mounts_of(task);
	struct fs_context *fs = task_fs_get(task);
	int err = -EINVAL;

	list->buf = kmalloc(PATH_LEN_MAX, ALLOC_KERNEL);
	if (ns && fs) {
		fs_context_root(fs, &list->root);
		err = list->buf ? mount_ns_for_each(ns, visit, list) : -ENOMEM;
		path_put(&list->root);
	}
	kfree(list->buf);
	if (fs)
		fs_context_leave(fs);
	if (ns)
		mount_ns_put(ns);
	return err;
}

int show_pid_mounts(struct task *task, struct text *text)
{
	struct mount_list list = { .text = text, .put = put_mounts_line };

	return show(task, &list);
}

int show_pid_mountinfo(struct task *task, struct text *text)
{
	struct mount_list list = { .text = text, .put = put_mountinfo_line };

	return show(task, &list);
}

int show_pid_mountstats(struct task *task, struct text *text)
{
	struct mount_list list = { .text = text, .put = put_mountstats_line };

	return show(task, &list);
}

/* POLLERR and POLLPRI when anything was mounted or unmounted since the last time. */
unsigned int poll_pid_mounts(const struct node *node, uint64_t *seen, struct poller *poller)
{
	struct task *task = node_task(node);
	struct mount_namespace *ns = task ? mounts_of(task) : NULL;
	unsigned int ready = EPOLLIN | EPOLLRDNORM;
	uint64_t event;

	poller_add(poller, &mount_changes);
	if (task)
		task_put(task);
	if (!ns)
		return ready;
	event = atomic_load(&ns->event);
	if (atomic_xchg(seen, event) != event)
		ready |= EPOLLERR | EPOLLPRI;
	mount_ns_put(ns);
	return ready;
}
