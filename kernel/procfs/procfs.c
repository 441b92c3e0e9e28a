/*
 * The type "proc": one instance for all mounts, as there is one pid namespace.
 */
#include "procfs/procfs.h"

#include <linux/magic.h>

#include "core/panic.h"
#include "fs/super.h"
#include "procfs/node.h"
#include "procfs/pid.h"
#include "procfs/root.h"
#include "procfs/sysfs.h"

static struct superblock *proc_super __ro_after_init;

static int proc_mount(const struct fs_type *type, const struct mount_request *request,
                      struct superblock **out)
{
	return node_super_mount(proc_super, request->options, out);
}

static const struct fs_type proc_type = { .name = "proc", .mount = proc_mount };

void procfs_init(void)
{
	int err = node_super_create(&proc_type, PROC_SUPER_MAGIC, &root_entry, &proc_super);

	if (!err)
		err = fs_type_register(&proc_type);
	if (!err)
		err = sysfs_init();
	if (err)
		panic("proc: error %d", -err);
}

struct pid *procfs_pid(const struct file *file)
{
	const struct node *node = node_of_directory(file);

	return node && node->entry == &pid_entry ? node->pid : NULL;
}
