/*
 * /dev/kmsg: one record a read, `priority,sequence,microseconds,-;text`, and one record a write,
 * with an optional `<priority>` in front (Linux's Documentation/ABI/testing/dev-kmsg). The position
 * of a reader is a sequence number, kept in its file; who falls behind the ring gets EPIPE once.
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "core/printk.h"
#include "dev/chardev.h"
#include "fs/devfs/memdev.h"
#include "lib/devnum.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "lib/parse.h"
#include "lib/printf.h"
#include "mem/alloc.h"
#include "sched/mutex.h"
#include "sched/poll.h"
#include "sched/wait.h"
#include "sched/work.h"
#include "vm/uio.h"

struct wait_queue kmsg_readers = WAIT_QUEUE(kmsg_readers);

struct kmsg_reader {
	struct mutex      lock; /* RANK_FILE_PRIVATE */
	uint64_t          next __guarded_by(lock);
	struct log_record record __guarded_by(lock);
	char              text[LOG_RECORD_MAX * 4 + 64] __guarded_by(lock);
	struct ratelimit  writes;
	uint32_t          suppressed __atomic; /* writes beyond the limit */
};

/* A message may come under any lock: the wake-up waits for the next safe point. */
static void wake_readers(struct work *work)
{
	wake_up_all(&kmsg_readers);
}

static struct work wake_work = WORK(wake_readers);

static void kmsg_wake(void)
{
	if (!wait_queue_is_empty(&kmsg_readers))
		work_queue(&wake_work);
}

static int kmsg_open(struct inode *inode, struct file *file)
{
	struct kmsg_reader *reader;

	if (kmsg_mode() == KMSG_OFF || !kmsg_may_read(file))
		return -EPERM;
	reader = kmalloc(sizeof(*reader), ALLOC_KERNEL);
	if (!reader)
		return -ENOMEM;
	mutex_init(&reader->lock, RANK_FILE_PRIVATE);
	reader->next = log_first();
	reader->writes = (struct ratelimit){ 0 };
	reader->suppressed = 0;
	file->private = reader;
	return 0;
}

static void kmsg_release(struct file *file)
{
	struct kmsg_reader *reader = file->private;

	if (reader->suppressed)
		pr_warn("%s: %u output lines suppressed due to ratelimiting\n",
		        thread_current()->name, reader->suppressed);
	kfree(reader);
}

/* Bytes that are not printable, and the backslash, are shown as \xNN. */
static size_t text_escape(char *to, const char *from, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)from[i];

		if (c < ' ' || c >= 127 || c == '\\')
			n += (size_t)snprintf(to + n, 5, "\\x%02x", c);
		else
			to[n++] = (char)c;
	}
	return n;
}

static size_t record_format(struct kmsg_reader *reader)
{
	const struct log_record *record = &reader->record;
	size_t n = (size_t)snprintf(reader->text, 64, "%u,%lu,%lld,-;",
	                            record->facility * 8u + record->level, record->sequence,
	                            record->time_ns / NS_PER_USEC);

	n += text_escape(reader->text + n, record->text, record->len);
	reader->text[n++] = '\n';
	return n;
}

static ssize_t kmsg_read_locked(struct kmsg_reader *reader, struct io *io)
{
	size_t n;

	while (!log_read(reader->next, &reader->record) || reader->next >= log_next()) {
		int err;

		if (!file_may_wait(io))
			return -EAGAIN;
		err = wait_event_interruptible_unlock(&kmsg_readers, reader->next < log_next(),
		                                      &reader->lock);
		if (err)
			return err;
	}
	if (reader->record.sequence != reader->next) {
		reader->next = reader->record.sequence;
		return -EPIPE;
	}
	n = record_format(reader);
	if (n > io->uio->remaining)
		return -EINVAL;
	if (uio_copy_out(io->uio, reader->text, n) < n)
		return -EFAULT;
	reader->next++;
	return (ssize_t)n;
}

static ssize_t kmsg_read(struct io *io)
{
	struct kmsg_reader *reader = io->file->private;
	ssize_t n;

	mutex_lock(&reader->lock);
	n = kmsg_read_locked(reader, io);
	mutex_unlock(&reader->lock);
	return n;
}

enum { FACILITY_USER = 1, KMSG_LINE_MAX = 992 };

/* As one who writes is to be treated: true, its words go into the log. */
static bool may_write(struct kmsg_reader *reader)
{
	enum kmsg_mode mode = kmsg_mode();

	if (mode == KMSG_ON)
		return true;
	if (mode == KMSG_RATELIMIT && ratelimit_allow_silently(&reader->writes))
		return true;
	if (mode == KMSG_RATELIMIT)
		atomic_inc(&reader->suppressed);
	return false;
}

static ssize_t kmsg_write(struct io *io)
{
	size_t len = io->uio->remaining;
	unsigned int facility = FACILITY_USER, level = (unsigned int)log_levels.message_default;
	char *line, *text;
	const char *end;
	uint64_t priority;

	if (len > KMSG_LINE_MAX)
		return -EINVAL;
	if (!may_write(io->file->private)) {
		uio_advance(io->uio, len);
		return (ssize_t)len;
	}
	text = line = kmalloc(len + 1, ALLOC_KERNEL);
	if (!line)
		return -ENOMEM;
	if (uio_copy_in(io->uio, line, len) < len) {
		kfree(line);
		return -EFAULT;
	}
	line[len] = '\0';
	if (line[0] == '<' && !parse_u64_prefix(line + 1, 10, &priority, &end) && *end == '>') {
		level = priority & 7;
		if (priority >> 3)
			facility = (priority >> 3) & 0xff;
		text += end + 1 - line;
	}
	log_write_user(facility, (enum log_level)level, text, len - (size_t)(text - line));
	kfree(line);
	return (ssize_t)len;
}

/* SEEK_SET: the oldest; SEEK_DATA: the first after the last clear; SEEK_END: behind the newest. */
static pos_t kmsg_seek(struct file *file, pos_t offset, int whence)
{
	struct kmsg_reader *reader = file->private;
	int err = 0;

	if (offset)
		return -ESPIPE;
	mutex_lock(&reader->lock);
	if (whence == SEEK_SET)
		reader->next = log_first();
	else if (whence == SEEK_DATA)
		reader->next = log_cleared();
	else if (whence == SEEK_END)
		reader->next = log_next();
	else
		err = -EINVAL;
	mutex_unlock(&reader->lock);
	return err;
}

static unsigned int kmsg_poll(struct file *file, struct poller *poller)
{
	struct kmsg_reader *reader = file->private;
	uint64_t next = READ_ONCE(reader->next);

	poller_add(poller, &kmsg_readers);
	if (next < log_first())
		return EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLPRI;
	return next < log_next() ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_ops kmsg_ops = {
	.open = kmsg_open,
	.release = kmsg_release,
	.read = kmsg_read,
	.write = kmsg_write,
	.seek = kmsg_seek,
	.poll = kmsg_poll,
};

static struct chardev kmsg_device = {
	.first = dev_make(1, 11),
	.name = "kmsg",
	.class_name = "mem",
	.mode = 0644,
	.ops = &kmsg_ops,
};

int kmsg_init(void)
{
	log_add_wake(kmsg_wake);
	return chardev_register(&kmsg_device);
}
