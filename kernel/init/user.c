/*
 * The first task. See init/user.h; the order of programs tried is Linux's
 * (Documentation/admin-guide, "init=").
 */
#include "init/user.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "arch/io.h"
#include "arch/layout.h"
#include "boot/bootinfo.h"
#include "core/cmdline.h"
#include "core/panic.h"
#include "core/printk.h"
#include "dev/block.h"
#include "fs/context.h"
#include "lib/devnum.h"
#include "fs/fdtable.h"
#include "fs/file.h"
#include "fs/initramfs.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/tmpfs/tmpfs.h"
#include "init/root.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/buddy.h"
#include "mem/memmap.h"
#include "net/autoconf/autoconf.h"
#include "net/netns.h"
#include "proc/clone.h"
#include "proc/exec.h"
#include "proc/proc.h"
#include "syscall/trace.h"

#define CONSOLE_DEVICE dev_make(5, 1)

static const char *init_program;
static const char *ramdisk_program = "/init";
static void (*when_unpacked)(void) __const_after_init;

static int parse_init(const char *value)
{
	if (!value || !*value)
		return -EINVAL;
	init_program = value;
	return 0;
}
CMDLINE_PARAM("init", parse_init);

static int parse_rdinit(const char *value)
{
	if (!value || !*value)
		return -EINVAL;
	ramdisk_program = value;
	return 0;
}
CMDLINE_PARAM("rdinit", parse_rdinit);

static struct walk_from walk_of(struct task *task)
{
	return (struct walk_from){ .fs = task->fs, .cred = task->cred };
}

/* Every root file system has these, as Linux's built-in one does; an archive may bring its own. */
static void make_defaults(const struct walk_from *from)
{
	int err = path_mkdir(from, "/dev", 0755);

	if (!err || err == -EEXIST)
		err = path_mknod(from, "/dev/console", S_IFCHR | 0600, CONSOLE_DEVICE, NULL);
	if (err && err != -EEXIST)
		pr_warn("cannot make /dev/console: error %d\n", -err);
	err = path_mkdir(from, "/root", 0700);
	if (err && err != -EEXIST)
		pr_warn("cannot make /root: error %d\n", -err);
}

/* How much of [start, end) is the initramfs's and RAM; `each` is called with every such range. */
static uint64_t archive_ram(paddr_t start, paddr_t end, void (*each)(paddr_t start, paddr_t end))
{
	const struct memmap_region *region;
	uint64_t size = 0;

	for (unsigned int i = 0; (region = memmap_region(i)) != NULL; i++) {
		paddr_t from = max(start, region->start), to = min(end, region->end);

		if (region->kind != MEMMAP_INITRAMFS || from >= to)
			continue;
		size += to - from;
		if (each)
			each(from, to);
	}
	return size;
}

static void give_back(const void *from, size_t size)
{
	paddr_t start = virt_to_phys((void *)(uintptr_t)from);

	pages_free_range(start, start + size);
}

/* QEMU puts the archive where SeaBIOS, when there are many disks, keeps memory for itself. */
static void unpack_reserved(paddr_t start, size_t size, const struct path *root)
{
	volatile void *data;

	if (mmio_map(start, size, MMIO_CACHED, &data)) {
		pr_err("initramfs: not in memory, and not used\n");
		return;
	}
	(void)initramfs_unpack((const void *)(uintptr_t)data, size, root, NULL);
	archive_ram(start, start + size, pages_free_range);
}

static void unpack_initramfs(struct task *task)
{
	paddr_t start = bootinfo.initramfs_start, end = bootinfo.initramfs_end;
	struct path root;

	if (start == end)
		return;
	fs_context_root(task->fs, &root);
	/* What failed it has said itself; what was unpacked may still be enough to run. */
	if (archive_ram(start, end, NULL) == end - start)
		(void)initramfs_unpack(phys_to_virt(start), end - start, &root, give_back);
	else
		unpack_reserved(start, end - start, &root);
	path_put(&root);
}

static void open_console(struct task *task)
{
	const struct open_request request = { .flags = O_RDWR };
	struct walk_from from = walk_of(task);
	struct file *console;
	int err = file_open(&from, "/dev/console", &request, &console);

	if (err) {
		pr_err("Warning: unable to open an initial console.\n");
		return;
	}
	for (int fd = 0; fd < 3; fd++)
		(void)fd_add(task->files, file_get(console), 3, false);
	file_put(console);
}

static bool exists(const struct walk_from *from, const char *name)
{
	struct path path;

	if (path_lookup(from, name, LOOKUP_FOLLOW, &path))
		return false;
	path_put(&path);
	return true;
}

/* Returns only when the program cannot be run. */
static int run(const char *program)
{
	static const char *argv[64] = { "init" };
	static const char *envp[64] = { "HOME=/", "TERM=linux" };
	const char *const *words = cmdline_init_args(), *const *variables = cmdline_init_env();
	int argc = 1, envc = 2, err;

	argv[0] = program;
	while (*words && argc < 63)
		argv[argc++] = *words++;
	while (*variables && envc < 63)
		envp[envc++] = *variables++;
	argv[argc] = NULL;
	envp[envc] = NULL;
	err = (int)exec_kernel(program, argv, envp);
	if (!err) {
		pr_info("Run %s as init process\n", program);
		arch_enter_user();
	}
	if (err != -ENOENT)
		pr_err("Starting init: %s exists but couldn't execute it (error %d)\n", program,
		       err);
	return err;
}

static void run_first_program(const struct walk_from *from)
{
	static const char *const usual[] = { "/sbin/init", "/etc/init", "/bin/init", "/bin/sh" };
	int err;

	alloc_fail_start();
	if (exists(from, ramdisk_program)) {
		err = run(ramdisk_program);
		pr_err("Failed to execute %s (error %d)\n", ramdisk_program, err);
	}
	if (init_program) {
		err = run(init_program);
		panic("Requested init %s failed (error %d).", init_program, err);
	}
	for (size_t i = 0; i < array_size(usual); i++)
		(void)run(usual[i]);
	panic("No working init found.  Try passing init= option to kernel. "
	      "See Linux Documentation/admin-guide/init.rst for guidance.");
}

static void init_main(void *arg)
{
	struct task *task = arg;
	struct walk_from from = walk_of(task);

	make_defaults(&from);
	unpack_initramfs(task);
	block_wait_for_probe();
	autoconf_run(&netns_initial, task->cred);
	if (root_is_wanted() && !exists(&from, ramdisk_program))
		root_mount(nsproxy_initial.mounts, task);
	when_unpacked();
	open_console(task);
	run_first_program(&from);
}

void user_start(void (*unpacked)(void))
{
	struct mount_namespace *mounts;
	struct path root;
	struct task *task;
	int err = mount_ns_create_first(&rootfs_type, NULL, &mounts);

	if (!err) {
		nsproxy_initial.mounts = mounts;
		err = task_create_init(init_main, &task);
	}
	if (!err) {
		root = (struct path){ .mount = mounts->root, .dentry = mounts->root->root };
		err = fs_context_create(&root, &task->fs);
	}
	if (err)
		panic("cannot start the first task: error %d", -err);
	when_unpacked = unpacked;
	trace_task_begin(task);
	thread_start(&task->thread);
}
