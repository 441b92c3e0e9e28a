/*
 * mount(2), umount2(2), pivot_root(2).
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mount.h>

#include "abi/mount.h"
#include "fs/context.h"
#include "fs/mount.h"
#include "lib/string.h"
#include "mem/slab.h"
#include "proc/task.h"
#include "syscall/place.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

#define MS_PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

/* A string argument of mount(2): at most a page, NULL stays NULL. */
static int copy_string(const void __user *from, char **out)
{
	ssize_t len;
	char *text;

	*out = NULL;
	if (!from)
		return 0;
	text = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
	if (!text)
		return -ENOMEM;
	len = strncpy_from_user(text, from, PAGE_SIZE);
	if (len < 0) {
		kfree(text);
		return len == -ENAMETOOLONG ? -EINVAL : (int)len;
	}
	*out = text;
	return 0;
}

/* Access times are relative unless something else is asked for: mount(2), MS_RELATIME. */
static unsigned mount_flags(unsigned long flags)
{
	unsigned kept = (unsigned)flags &
	                ~(unsigned)(MS_REMOUNT | MS_BIND | MS_MOVE | MS_REC | MS_PROPAGATION);

	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		kept |= MS_RELATIME;
	return kept;
}

/* MS_BIND and MS_MOVE: what stands at `source` comes to `at`. */
static int from_source(struct mount_namespace *ns, const char *source, const struct path *at,
                       unsigned long flags)
{
	struct task *task = task_current();
	struct walk_from from = { .fs = task->fs, .cred = task->cred };
	struct path old;
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = path_lookup(&from, source, LOOKUP_FOLLOW, &old);
	if (err)
		return err;
	err = flags & MS_BIND ? mount_bind(ns, &old, at, flags & MS_REC)
			      : mount_move(ns, &old, at);
	path_put(&old);
	return err;
}

/* Which of the five operations of mount(2) the flags mean; the order of the tests is Linux's. */
static int act(const struct path *at, unsigned long flags, const struct mount_options *options)
{
	struct mount_namespace *ns = task_current()->ns->mounts;

	if (flags & MS_REMOUNT)
		return mount_remount(ns, at, options);
	if (flags & MS_BIND)
		return from_source(ns, options->source, at, flags);
	if (flags & MS_PROPAGATION)
		return mount_set_propagation(ns, at, (unsigned)flags & (MS_PROPAGATION | MS_REC));
	if (flags & MS_MOVE)
		return from_source(ns, options->source, at, flags);
	return mount_new(ns, at, options);
}

struct mount_strings {
	char *source, *type, *data;
};

static void strings_free(struct mount_strings *strings)
{
	kfree(strings->source);
	kfree(strings->type);
	kfree(strings->data);
}

static int mount_with(const struct mount_strings *strings, const char __user *target,
                      unsigned long flags)
{
	struct task *task = task_current();
	const struct walk_from from = { .fs = task->fs, .cred = task->cred };
	struct mount_options options = {
		.type = strings->type,
		.source = strings->source ? strings->source : "none",
		.options = strings->data ? strings->data : "",
		.flags = mount_flags(flags) | (flags & (MS_REMOUNT | MS_BIND)),
		.cred = task->cred,
		.from = strings->source ? &from : NULL,
	};
	struct path at;
	int err = place_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &at);

	if (err)
		return err;
	if (!cred_capable(task_current()->cred, CAP_SYS_ADMIN))
		err = -EPERM;
	else
		err = act(&at, flags, &options);
	path_put(&at);
	return err;
}

long sys_mount(const char __user *source, const char __user *target, const char __user *type,
	       unsigned long flags, const void __user *data)
{
	struct mount_strings strings = { 0 };
	int err = copy_string(type, &strings.type);

	/* The magic number that flags once had to carry. */
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(unsigned long)MS_MGC_MSK;
	if (!err)
		err = copy_string(source, &strings.source);
	if (!err)
		err = copy_string(data, &strings.data);
	if (!err)
		err = mount_with(&strings, target, flags);
	strings_free(&strings);
	return err;
}

long sys_umount2(const char __user *target, int flags)
{
	struct path at;
	int err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	err = place_lookup(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &at);
	if (err)
		return err;
	if (!cred_capable(task_current()->cred, CAP_SYS_ADMIN))
		err = -EPERM;
	else
		err = mount_umount(task_current()->ns->mounts, &at, (unsigned)flags);
	path_put(&at);
	return err;
}

/* Tasks that stand at the old root stand at the new one: pivot_root(2), "Notes". */
static void move_contexts(const struct path *from, const struct path *to)
{
	struct pid *pid;

	for (pid_t number = 1; (pid = pid_next(number)); number++) {
		struct fs_context *fs = NULL;
		struct task *task;

		number = pid_nr(pid);
		pid_put(pid);
		task = task_lookup(number);
		if (!task)
			continue;
		fs = task_fs_get(task);
		task_put(task);
		if (!fs)
			continue;
		fs_context_replace(fs, from, to);
		fs_context_leave(fs);
	}
}

long sys_pivot_root(const char __user *new_root, const char __user *put_old)
{
	struct task *task = task_current();
	struct path root, fresh, old;
	int err;

	if (!cred_capable(task->cred, CAP_SYS_ADMIN))
		return -EPERM;
	err = place_lookup(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &fresh);
	if (err)
		return err;
	err = place_lookup(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (!err) {
		fs_context_root(task->fs, &root);
		err = mount_pivot_root(task->ns->mounts, task->fs, &fresh, &old);
		if (!err)
			move_contexts(&root, &fresh);
		path_put(&root);
		path_put(&old);
	}
	path_put(&fresh);
	return err;
}
