/*
 * /proc/PID/fd and fdinfo: a link and a file for each open descriptor.
 *
 * Whoever looks keeps the table's memory only, so that its files are closed when its tasks say so,
 * and in their context.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "fs/fdtable.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "proc/task.h"
#include "procfs/pid.h"

static struct fdtable *table_of(const struct node *node)
{
	struct task *task = node_task(node);
	struct fdtable *table = task ? task_files_look(task) : NULL;

	if (task)
		task_put(task);
	return table;
}

/* The FILE_* mode of the descriptor that the name says, or -ENOENT. */
static int mode_of_name(const struct node *dir, const char *name, uint64_t *fd)
{
	struct fdtable *table;
	int mode;

	if (!node_name_number(name, fd))
		return -ENOENT;
	table = table_of(dir);
	if (!table)
		return -ENOENT;
	mode = fd_mode(table, (int)*fd);
	fdtable_memory_put(table);
	return mode < 0 ? -ENOENT : mode;
}

static bool next_fd(const struct node *dir, uint64_t *key, char *name)
{
	struct fdtable *table = table_of(dir);
	int fd;

	if (!table)
		return false;
	fd = fd_next(table, (int)*key);
	fdtable_memory_put(table);
	*key = (uint64_t)fd;
	if (fd >= 0)
		snprintf(name, NODE_NAME_MAX, "%d", fd);
	return fd >= 0;
}

static int file_of(const struct node *node, struct file **file)
{
	struct fdtable *table = table_of(node);

	if (!table)
		return -ENOENT;
	*file = fdtable_get_file(table, (int)node->key);
	fdtable_memory_put(table);
	return *file ? 0 : -ENOENT;
}

/* ---- fd ------------------------------------------------------------------------------------ */

static int link_fd(const struct node *node, struct link_target *out)
{
	struct file *file;
	int err = file_of(node, &file);

	if (err)
		return err;
	out->jump = *path_get(&file->path);
	file_put(file);
	return 0;
}

static const struct entry fd_entry = { "fd", S_IFLNK, ENTRY_PRIVATE, .link = link_fd };

/* A link's permissions say how the descriptor was opened. */
static int fd_lookup(const struct node *dir, const char *name, struct child *out)
{
	uint64_t fd;
	int mode = mode_of_name(dir, name, &fd);

	if (mode < 0)
		return mode;
	*out = (struct child){ .entry = &fd_entry, .pid = pid_get(dir->pid), .key = fd };
	out->mode = S_IFLNK | (mode & FILE_READ ? 0500u : 0) | (mode & FILE_WRITE ? 0300u : 0);
	return 0;
}

static const struct entry *fd_key_next(const struct node *dir, uint64_t *key, char *name)
{
	return next_fd(dir, key, name) ? &fd_entry : NULL;
}

/* ---- fdinfo -------------------------------------------------------------------------------- */

static int show_fdinfo(const struct node *node, struct text *text)
{
	struct fdtable *table = table_of(node);
	struct file *file = NULL;
	char extra[512];
	int cloexec = 0, n;

	if (table) {
		file = fdtable_get_file(table, (int)node->key);
		cloexec = fd_get_cloexec(table, (int)node->key);
		fdtable_memory_put(table);
	}
	if (!file)
		return -ENOENT;
	text_printf(text, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%lu\n",
	            READ_ONCE(file->position),
	            (file->flags & ~(unsigned)O_CLOEXEC) | (cloexec > 0 ? O_CLOEXEC : 0),
	            file->path.mount->id, file->inode->ino);
	if (file->ops->show_fdinfo) {
		n = file->ops->show_fdinfo(file, extra, sizeof(extra));
		if (n > 0)
			text_put(text, extra, min((size_t)n, sizeof(extra) - 1));
	}
	file_put(file);
	return 0;
}

static const struct entry fdinfo_entry = { "fdinfo", S_IFREG | 0444, .show = show_fdinfo };

static int fdinfo_lookup(const struct node *dir, const char *name, struct child *out)
{
	uint64_t fd;
	int mode = mode_of_name(dir, name, &fd);

	if (mode < 0)
		return mode;
	*out = (struct child){ .entry = &fdinfo_entry, .pid = pid_get(dir->pid), .key = fd };
	return 0;
}

static const struct entry *fdinfo_key_next(const struct node *dir, uint64_t *key, char *name)
{
	return next_fd(dir, key, name) ? &fdinfo_entry : NULL;
}

const struct directory pid_fd_directory = { .lookup = fd_lookup, .next = fd_key_next };
const struct directory pid_fdinfo_directory = { .lookup = fdinfo_lookup, .next = fdinfo_key_next };
