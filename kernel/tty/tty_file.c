/*
 * Reading, writing and polling a terminal's file: termios(3), "Canonical and noncanonical mode".
 *
 * Bytes pass through a small buffer on the stack, so that the caller's memory is touched without
 * tty->lock. One read stays together by read_lock, one write by write_lock.
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "abi/errno.h"
#include "lib/devnum.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "lib/math.h"
#include "proc/signal.h"
#include "sched/clock.h"
#include "sched/poll.h"
#include "tty/jobctl.h"
#include "tty/tty_impl.h"
#include "vm/uio.h"

enum { CHUNK = 256 };

#define NS_PER_VTIME (100 * NS_PER_MSEC)

/* A read under way: VMIN and VTIME as they were when it began. */
struct tty_read {
	struct tty_file *tf;
	struct uio      *uio;
	bool             may_wait;
	size_t           least;       /* bytes before it may return */
	ns_t             interval;    /* longest pause between bytes; 0: any */
	ns_t             deadline_ns;
	size_t           done;
};

static int lock_interruptible(struct mutex *mutex, bool may_wait)
{
	if (may_wait)
		return mutex_lock_interruptible(mutex);
	return mutex_trylock(mutex) ? 0 : -EAGAIN;
}

static bool is_dead(const struct tty *tty)
{
	return tty->ops->is_dead && tty->ops->is_dead(tty);
}

/* ---- read ------------------------------------------------------------------------------------ */

static void read_begin(struct tty_read *read)
{
	const struct ldisc *ldisc = &read->tf->tty->ldisc;
	ns_t time = ldisc->termios.c_cc[VTIME] * NS_PER_VTIME;

	read->deadline_ns = WAIT_FOREVER;
	if (ldisc_is_canonical(ldisc))
		return;
	read->least = ldisc->termios.c_cc[VMIN];
	if (read->least) {
		read->interval = time;
		return;
	}
	read->least = 1;
	read->deadline_ns = time ? clock_monotonic() + time : 0;
}

static bool is_over(const struct tty_read *read)
{
	return is_dead(read->tf->tty) || tty_file_is_hung_up(read->tf);
}

/* Nothing to read: 0 when there is (or may be) something now; 1: no more will come; -errno. */
static int read_wait(struct tty_read *read)
{
	struct tty *tty = read->tf->tty;
	int err;

	if (is_dead(tty))
		return -EIO;
	if (tty_file_is_hung_up(read->tf) || !read->deadline_ns)
		return 1;
	if (!read->may_wait)
		return -EAGAIN;
	err = wait_event_interruptible_unlock_until(
		&tty->readers, ldisc_is_readable(&tty->ldisc, 0) || is_over(read), &tty->lock,
		read->deadline_ns);
	return err == -ETIMEDOUT ? 1 : err;
}

/* Hands out what there is. 1: enough; 0: go on; -EFAULT. */
static int read_available(struct tty_read *read)
{
	struct tty *tty = read->tf->tty;
	uint8_t chunk[CHUNK];
	size_t n, copied;
	bool ended;

	n = ldisc_read(&tty->ldisc, chunk, min(read->uio->remaining, sizeof(chunk)), &ended);
	tty_pump(tty);
	mutex_unlock(&tty->lock);
	copied = uio_copy_out(read->uio, chunk, n);
	mutex_lock(&tty->lock);
	read->done += copied;
	if (copied < n)
		return -EFAULT;
	if (ended || !read->uio->remaining)
		return 1;
	if (!ldisc_is_readable(&tty->ldisc, 0) && read->done >= read->least)
		return 1;
	if (read->interval)
		read->deadline_ns = clock_monotonic() + read->interval;
	return 0;
}

static ssize_t read_locked(struct tty_read *read)
{
	struct tty *tty = read->tf->tty;
	int result = 0;

	mutex_lock(&tty->lock);
	read_begin(read);
	while (!result) {
		tty_pump(tty);
		result = ldisc_is_readable(&tty->ldisc, 0) ? read_available(read) : read_wait(read);
	}
	mutex_unlock(&tty->lock);
	return read->done || result > 0 ? (ssize_t)read->done : result;
}

static ssize_t tty_read(struct io *io)
{
	struct tty_file *tf = io->file->private;
	struct tty_read read = { .tf = tf, .uio = io->uio, .may_wait = file_may_wait(io) };
	ssize_t result;

	if (tty_file_is_hung_up(tf) || !io->uio->remaining)
		return 0;
	result = tf->is_console ? 0 : tty_check_job(tf->tty, SIGTTIN);
	if (!result)
		result = lock_interruptible(&tf->tty->read_lock, read.may_wait);
	if (result)
		return result;
	result = read_locked(&read);
	mutex_unlock(&tf->tty->read_lock);
	if (result > 0)
		file_accessed(io->file);
	return result;
}

/* ---- write ----------------------------------------------------------------------------------- */

static bool has_write_room(struct tty *tty)
{
	return !tty->ldisc.is_stopped && tty->ops->room(tty) >= TTY_WRITE_ROOM;
}

/* All of the bytes, or -errno; *done tells how many went out. */
static int write_chunk(struct tty_file *tf, const uint8_t *bytes, size_t n, bool may_wait,
                       size_t *done)
{
	struct tty *tty = tf->tty;
	int err = 0;

	*done = 0;
	mutex_lock(&tty->lock);
	while (*done < n && !err) {
		size_t put;

		if (tty_file_is_hung_up(tf)) {
			err = -EIO;
			break;
		}
		put = ldisc_write(&tty->ldisc, bytes + *done, n - *done);
		*done += put;
		if (put)
			continue;
		if (!may_wait)
			err = -EAGAIN;
		else
			err = wait_event_interruptible_unlock(
				&tty->writers, has_write_room(tty) || tty_file_is_hung_up(tf),
				&tty->lock);
	}
	mutex_unlock(&tty->lock);
	return err;
}

static ssize_t write_locked(struct io *io)
{
	struct uio *uio = io->uio;
	size_t total = 0;
	uint8_t chunk[CHUNK];
	int err = 0;

	while (uio->remaining && !err) {
		size_t n = uio_copy_in(uio, chunk, min(uio->remaining, sizeof(chunk))), done;

		if (!n) {
			err = -EFAULT;
			break;
		}
		err = write_chunk(io->file->private, chunk, n, file_may_wait(io), &done);
		uio_revert(uio, n - done);
		total += done;
		if (!err && uio->remaining && signal_is_pending())
			err = -ERESTARTSYS;
	}
	return total ? (ssize_t)total : err;
}

static ssize_t tty_write(struct io *io)
{
	struct tty_file *tf = io->file->private;
	ssize_t result;

	if (tty_file_is_hung_up(tf))
		return -EIO;
	if (!tf->is_console && (READ_ONCE(tf->tty->ldisc.termios.c_lflag) & TOSTOP)) {
		result = tty_check_job(tf->tty, SIGTTOU);
		if (result)
			return result;
	}
	result = lock_interruptible(&tf->tty->write_lock, file_may_wait(io));
	if (result)
		return result;
	result = write_locked(io);
	mutex_unlock(&tf->tty->write_lock);
	return result;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static unsigned int tty_poll(struct file *file, struct poller *poller)
{
	struct tty_file *tf = file->private;
	struct tty *tty = tf->tty;
	const struct termios2 *termios = &tty->ldisc.termios;
	unsigned int ready = 0;

	poller_add(poller, &tty->readers);
	poller_add(poller, &tty->writers);
	if (tty_file_is_hung_up(tf))
		return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDNORM | EPOLLWRNORM;
	mutex_lock(&tty->lock);
	tty_pump(tty);
	if (ldisc_is_readable(&tty->ldisc, termios->c_cc[VTIME] ? 0 : termios->c_cc[VMIN]))
		ready |= EPOLLIN | EPOLLRDNORM;
	if (has_write_room(tty))
		ready |= EPOLLOUT | EPOLLWRNORM;
	if (is_dead(tty))
		ready |= EPOLLHUP;
	mutex_unlock(&tty->lock);
	return ready;
}

const struct file_ops tty_file_ops = {
	.open = serial_tty_file_open,
	.release = tty_file_release,
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_file_ioctl,
};
