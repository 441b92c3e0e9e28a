/*
 * Files of text: open, read, write and seek of nodes whose entries show or take text. See node.h.
 *
 * The text is made without the file's lock, for what it tells about has locks of lower rank; two
 * readers at once may both make it, and one of the texts is dropped.
 */
#include <linux/errno.h>
#include <linux/fs.h>

#include "fs/file.h"
#include "lib/math.h"
#include "mem/slab.h"
#include "proc/task.h"
#include "procfs/node.h"
#include "vm/space.h"
#include "vm/uio.h"

struct text_file {
	struct mutex  lock; /* RANK_FILE_PRIVATE */
	struct text   text __guarded_by(lock);
	bool          is_made __guarded_by(lock);
	struct space *space __const_after_init; /* a reference, not a user; NULL: not wanted */
	uint64_t      seen __atomic;            /* of what is polled for */
};

static struct cache text_file_slab = CACHE("text_file", struct text_file);

enum { LINE_SIZE_MAX = 4096 };

/* ---- open and release ---------------------------------------------------------------------- */

/* Only for those who may look into the task. */
static bool is_guarded(const struct entry *entry)
{
	return entry->flags & (ENTRY_PRIVATE | ENTRY_PTRACE);
}

static int denial(const struct entry *entry)
{
	return entry->flags & ENTRY_PTRACE ? -EPERM : -EACCES;
}

static int access_check(const struct entry *entry, struct task *task)
{
	return is_guarded(entry) && task_may_access(task) ? denial(entry) : 0;
}

/* The space that the task has now: a later program's is not shown to who opened before. */
static int space_keep(const struct node *node, struct text_file *text_file)
{
	struct task *task = node_task(node);
	struct space *space;
	int err = 0;

	if (!task)
		return -ESRCH;
	if (is_guarded(node->entry))
		err = task_space_get_access(task, &space);
	else
		space = task_space_get(task);
	task_put(task);
	if (err)
		return denial(node->entry);
	if (space) {
		space_ref(space);
		text_file->space = space;
		space_put(space);
	}
	return 0;
}

static int node_open(struct inode *inode, struct file *file)
{
	const struct node *node = to_node(inode);
	struct text_file *text_file = cache_alloc(&text_file_slab, ALLOC_KERNEL | ALLOC_ZERO);
	int err = 0;

	if (!text_file)
		return -ENOMEM;
	mutex_init(&text_file->lock, RANK_FILE_PRIVATE);
	if (node->entry->show_space)
		err = space_keep(node, text_file);
	if (err) {
		cache_free(&text_file_slab, text_file);
		return err;
	}
	if (node->entry->poll)
		(void)node->entry->poll(node, &text_file->seen, NULL);
	file->private = text_file;
	return 0;
}

static void node_release(struct file *file)
{
	struct text_file *text_file = file->private;

	text_fini(&text_file->text);
	if (text_file->space)
		space_unref(text_file->space);
	cache_free(&text_file_slab, text_file);
}

/* ---- reading ------------------------------------------------------------------------------- */

static int show_task(const struct node *node, struct text *text)
{
	struct task *task = node_task(node);
	int err;

	if (!task)
		return -ESRCH;
	err = access_check(node->entry, task);
	if (!err)
		err = node->entry->show_task(task, text);
	task_put(task);
	return err;
}

static int show_space(const struct text_file *text_file, const struct entry *entry,
                      struct text *text)
{
	struct space *space = text_file->space;
	int err;

	if (!space || !space_try_get(space))
		return 0;
	err = entry->show_space(space, text);
	space_put(space);
	return err;
}

static int text_make(const struct file *file, struct text *text)
{
	const struct node *node = to_node(file->inode);
	const struct entry *entry = node->entry;
	int err;

	if (entry->show_space)
		err = show_space(file->private, entry, text);
	else if (entry->show_task)
		err = show_task(node, text);
	else
		err = entry->show(node, text);
	return err ? err : text->err;
}

/* Holds the lock when it succeeds. */
static int text_file_fill(struct file *file, pos_t position)
{
	struct text_file *text_file = file->private;
	struct text text = TEXT;
	int err;

	mutex_lock(&text_file->lock);
	if (text_file->is_made && position)
		return 0;
	mutex_unlock(&text_file->lock);
	err = text_make(file, &text);
	if (err) {
		text_fini(&text);
		return err;
	}
	mutex_lock(&text_file->lock);
	text_fini(&text_file->text);
	text_file->text = text;
	text_file->is_made = true;
	return 0;
}

static ssize_t node_read(struct io *io)
{
	struct text_file *text_file = io->file->private;
	const struct entry *entry = to_node(io->file->inode)->entry;
	size_t n, copied;
	int err;

	if (!entry->show && !entry->show_task && !entry->show_space)
		return -EINVAL;
	if (io->position < 0)
		return -EINVAL;
	err = text_file_fill(io->file, io->position);
	if (err)
		return err;
	if ((size_t)io->position >= text_file->text.len) {
		text_fini(&text_file->text);
		text_file->is_made = false;
		mutex_unlock(&text_file->lock);
		return 0;
	}
	n = min(text_file->text.len - (size_t)io->position, io->uio->remaining);
	copied = uio_copy_out(io->uio, text_file->text.bytes + io->position, n);
	mutex_unlock(&text_file->lock);
	io->position += (pos_t)copied;
	return copied || !n ? (ssize_t)copied : -EFAULT;
}

/* ---- writing ------------------------------------------------------------------------------- */

static int line_take(const struct node *node, char *line, size_t len)
{
	const struct entry *entry = node->entry;
	struct task *task;
	int err;

	if (entry->write)
		return entry->write(node, line, len);
	task = node_task(node);
	if (!task)
		return -ESRCH;
	err = entry->write_task(task, line, len);
	task_put(task);
	return err;
}

static ssize_t node_write(struct io *io)
{
	const struct node *node = to_node(io->file->inode);
	size_t len = io->uio->remaining;
	char *line;
	int err = 0;

	if (!node->entry->write && !node->entry->write_task)
		return -EIO;
	if (len >= LINE_SIZE_MAX)
		return -EINVAL;
	line = kmalloc(len + 1, ALLOC_KERNEL);
	if (!line)
		return -ENOMEM;
	if (uio_copy_in(io->uio, line, len) < len)
		err = -EFAULT;
	line[len] = '\0';
	if (!err)
		err = line_take(node, line, len);
	kfree(line);
	if (err)
		return err;
	io->position += (pos_t)len;
	return (ssize_t)len;
}

/* The end is not known: only from the start and from here. */
static pos_t node_seek(struct file *file, pos_t offset, int whence)
{
	if (whence != SEEK_SET && whence != SEEK_CUR)
		return -EINVAL;
	return file_seek_size(file, offset, whence, 0);
}

static unsigned int node_poll(struct file *file, struct poller *poller)
{
	const struct node *node = to_node(file->inode);
	struct text_file *text_file = file->private;

	return node->entry->poll(node, &text_file->seen, poller);
}

const struct file_ops node_polled_file_ops = {
	.open = node_open,
	.release = node_release,
	.read = node_read,
	.write = node_write,
	.seek = node_seek,
	.poll = node_poll,
};

const struct file_ops node_file_ops = {
	.open = node_open,
	.release = node_release,
	.read = node_read,
	.write = node_write,
	.seek = node_seek,
};
