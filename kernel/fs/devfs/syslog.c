/*
 * The shared reader of the log. See fs/devfs/syslog.h.
 *
 * Locking: `reader.lock` (RANK_FILE_PRIVATE) over the place; it is let go while there is nothing to
 * read, so that who asks how much there is need not wait.
 */
#include "fs/devfs/syslog.h"

#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "core/printk.h"
#include "fs/devfs/memdev.h"
#include "mem/alloc.h"
#include "sched/mutex.h"
#include "sched/poll.h"
#include "sched/wait.h"
#include "vm/uio.h"

enum { LINE_SIZE = LOG_RECORD_MAX + 32 };

static struct {
	struct mutex lock;
	uint64_t     next __guarded_by(lock); /* the record to be read */
	size_t       done __guarded_by(lock); /* bytes of its line that were read already */
} reader = { .lock = MUTEX(reader.lock, RANK_FILE_PRIVATE) };

struct line {
	struct log_record record;
	char              text[LINE_SIZE];
};

/* The record as a line; false: there is none yet. */
static bool line_read(uint64_t sequence, struct line *line, size_t *len)
{
	if (sequence >= log_next() || !log_read(sequence, &line->record))
		return false;
	*len = log_format(&line->record, true, line->text, sizeof(line->text));
	return true;
}

/* The reader's line; one that is gone was perhaps read in part. */
static bool reader_line_locked(struct line *line, size_t *len)
{
	if (!line_read(reader.next, line, len))
		return false;
	if (line->record.sequence != reader.next)
		reader.done = 0;
	reader.next = line->record.sequence;
	return true;
}

static ssize_t take_locked(struct uio *uio, struct line *line)
{
	ssize_t taken = 0;
	size_t len;

	while (uio->remaining && reader_line_locked(line, &len)) {
		size_t n = len - reader.done;

		if (n > uio->remaining && taken)
			break;
		n = n < uio->remaining ? n : uio->remaining;
		if (uio_copy_out(uio, line->text + reader.done, n) < n)
			return taken ? taken : -EFAULT;
		taken += (ssize_t)n;
		reader.done += n;
		if (reader.done == len) {
			reader.next++;
			reader.done = 0;
		}
	}
	return taken;
}

/* Somebody else may have taken what was there a moment ago: 0 then. */
static ssize_t take(struct uio *uio, struct line *line)
{
	ssize_t n;

	mutex_lock(&reader.lock);
	n = take_locked(uio, line);
	mutex_unlock(&reader.lock);
	return n;
}

static bool has_unread(void)
{
	return READ_ONCE(reader.next) < log_next();
}

ssize_t syslog_take(struct uio *uio, bool may_wait)
{
	struct line *line;
	ssize_t n = 0;

	if (!uio->remaining)
		return 0;
	line = kmalloc(sizeof(*line), ALLOC_KERNEL);
	if (!line)
		return -ENOMEM;
	while (!n) {
		n = take(uio, line);
		if (!n && !may_wait)
			n = -EAGAIN;
		if (!n)
			n = wait_event_interruptible(&kmsg_readers, has_unread());
	}
	kfree(line);
	return n;
}

ssize_t syslog_unread(void)
{
	struct line *line = kmalloc(sizeof(*line), ALLOC_KERNEL);
	ssize_t sum = 0;
	uint64_t sequence;
	size_t len;

	if (!line)
		return -ENOMEM;
	mutex_lock(&reader.lock);
	if (reader_line_locked(line, &len))
		sum -= (ssize_t)reader.done;
	for (sequence = reader.next; line_read(sequence, line, &len);
	     sequence = line->record.sequence + 1)
		sum += (ssize_t)len;
	mutex_unlock(&reader.lock);
	kfree(line);
	return sum;
}

unsigned int syslog_poll(struct poller *poller)
{
	poller_add(poller, &kmsg_readers);
	return has_unread() ? EPOLLIN | EPOLLRDNORM : 0;
}

/* Where the last lines that fit into `size` begin. */
static uint64_t first_that_fits(struct line *line, size_t size)
{
	uint64_t from = log_cleared(), sequence;
	size_t total = 0, len;

	for (sequence = from; line_read(sequence, line, &len);
	     sequence = line->record.sequence + 1)
		total += len;
	for (; total > size && line_read(from, line, &len); from = line->record.sequence + 1)
		total -= len < total ? len : total;
	return from;
}

ssize_t syslog_copy(struct uio *uio)
{
	struct line *line = kmalloc(sizeof(*line), ALLOC_KERNEL);
	ssize_t copied = 0;
	uint64_t sequence;
	size_t len;

	if (!line)
		return -ENOMEM;
	sequence = first_that_fits(line, uio->remaining);
	for (; line_read(sequence, line, &len) && len <= uio->remaining;
	     sequence = line->record.sequence + 1) {
		if (uio_copy_out(uio, line->text, len) < len) {
			copied = -EFAULT;
			break;
		}
		copied += (ssize_t)len;
	}
	kfree(line);
	return copied;
}
