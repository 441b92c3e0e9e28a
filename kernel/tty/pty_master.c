/*
 * The master of a pty: an open file of ptmx. pty(7), ioctl_tty(2).
 *
 * It reads what the slave's programs (and its echo) wrote, never more than 4095 bytes at once, and
 * writes what is typed. In packet mode each read begins with a byte that says what it is: data, or
 * what happened to the slave.
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "abi/errno.h"
#include "lib/devnum.h"
#include "fs/file.h"
#include "fs/path.h"
#include "lib/math.h"
#include "proc/signal.h"
#include "sched/poll.h"
#include "tty/devpts.h"
#include "tty/pty.h"
#include "tty/tty_impl.h"
#include "vm/uio.h"

enum { CHUNK = 256 };

static const struct file_ops master_ops;

/* ---- opening and closing --------------------------------------------------------------------- */

static int master_open(struct inode *inode, struct file *file)
{
	struct pty *pty;
	struct path root;
	int err = devpts_find(&file->path, &root);

	if (err)
		return err;
	err = pty_create(&pty);
	if (err)
		goto out_root;
	err = devpts_add(&root, pty, file->cred, &pty->devpts, &pty->index);
	if (err) {
		tty_put(&pty->tty);
		goto out_root;
	}
	pty->tty.dev = dev_make(TTY_MAJOR_PTS, pty->index);
	file->private = pty;
	file->ops = &master_ops;
	file->mode &= ~(unsigned int)FILE_SEEK;
	file->mode |= FILE_STREAM | FILE_NOWAIT | FILE_ASYNC;
out_root:
	path_put(&root);
	return err;
}

static void master_release(struct file *file)
{
	struct pty *pty = file->private;

	mutex_lock(&pty->tty.lock);
	pty->is_master_gone = true;
	pty->is_packet = false;
	mutex_unlock(&pty->tty.lock);
	devpts_hide(pty->devpts, pty->index);
	tty_hangup(&pty->tty, false);
	tty_put(&pty->tty);
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool is_readable(const struct pty *pty)
{
	return !ring_is_empty(&pty->output) || (pty->is_packet && pty->packet_status);
}

/* Bytes taken out of the ring, for the writers to go on. */
static size_t take(struct pty *pty, uint8_t *bytes, size_t n)
{
	size_t count = ring_read(&pty->output, bytes, n);

	tty_output_ready(&pty->tty);
	return count;
}

/* The first bytes of a read: the packet's head, or plain data. */
static size_t take_first(struct pty *pty, uint8_t *bytes, size_t n, bool *is_data)
{
	*is_data = true;
	if (!pty->is_packet)
		return take(pty, bytes, n);
	bytes[0] = pty->packet_status;
	pty->packet_status = 0;
	*is_data = !bytes[0];
	return 1 + (*is_data ? take(pty, bytes + 1, n - 1) : 0);
}

static int master_wait(struct pty *pty, bool may_wait)
{
	if (is_readable(pty))
		return 0;
	if (pty->is_slave_gone)
		return -EIO;
	if (!may_wait)
		return -EAGAIN;
	return wait_event_interruptible_unlock(&pty->readers,
	                                       is_readable(pty) || pty->is_slave_gone,
	                                       &pty->tty.lock);
}

static ssize_t master_read(struct io *io)
{
	struct pty *pty = io->file->private;
	size_t left = min(io->uio->remaining, (size_t)PTY_READ_MAX), done = 0, n;
	uint8_t chunk[CHUNK];
	bool more = true;
	int err;

	if (!left)
		return 0;
	mutex_lock(&pty->tty.lock);
	do {
		err = master_wait(pty, file_may_wait(io));
	} while (!err && !is_readable(pty));
	if (err) {
		mutex_unlock(&pty->tty.lock);
		return err;
	}
	n = take_first(pty, chunk, min(left, sizeof(chunk)), &more);
	while (n) {
		mutex_unlock(&pty->tty.lock);
		size_t copied = uio_copy_out(io->uio, chunk, n);
		done += copied;
		left -= n;
		if (copied < n)
			return done ? (ssize_t)done : -EFAULT;
		mutex_lock(&pty->tty.lock);
		n = more && left ? take(pty, chunk, min(left, sizeof(chunk))) : 0;
	}
	mutex_unlock(&pty->tty.lock);
	return (ssize_t)done;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* All of the bytes, or -errno; *done tells how many were taken. */
static int type_chunk(struct pty *pty, const uint8_t *bytes, size_t n, bool may_wait, size_t *done)
{
	int err = 0;

	*done = 0;
	mutex_lock(&pty->tty.lock);
	for (;;) {
		*done += ring_write(&pty->input, bytes + *done, n - *done);
		tty_pump(&pty->tty);
		if (*done == n)
			break;
		if (!ring_is_full(&pty->input))
			continue;
		if (!may_wait)
			err = -EAGAIN;
		else
			err = wait_event_interruptible_unlock(&pty->writers,
			                                      !ring_is_full(&pty->input),
			                                      &pty->tty.lock);
		if (err)
			break;
	}
	mutex_unlock(&pty->tty.lock);
	return err;
}

static ssize_t master_write(struct io *io)
{
	struct pty *pty = io->file->private;
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
		err = type_chunk(pty, chunk, n, file_may_wait(io), &done);
		uio_revert(uio, n - done);
		total += done;
		if (!err && uio->remaining && signal_is_pending())
			err = -ERESTARTSYS;
	}
	return total ? (ssize_t)total : err;
}

static unsigned int master_poll(struct file *file, struct poller *poller)
{
	struct pty *pty = file->private;
	unsigned int ready = 0;

	poller_add(poller, &pty->readers);
	poller_add(poller, &pty->writers);
	mutex_lock(&pty->tty.lock);
	if (is_readable(pty))
		ready |= EPOLLIN | EPOLLRDNORM;
	if (pty->is_packet && pty->packet_status)
		ready |= EPOLLPRI;
	if (!ring_is_full(&pty->input))
		ready |= EPOLLOUT | EPOLLWRNORM;
	if (pty->is_slave_gone)
		ready |= EPOLLHUP;
	mutex_unlock(&pty->tty.lock);
	return ready;
}

const struct file_ops ptmx_ops = { .open = master_open };

static const struct file_ops master_ops = {
	.release = master_release,
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = pty_master_ioctl,
};
