/*
 * Terminals: life, opening and closing, hang-up, the way between driver and line discipline. See
 * tty/tty.h.
 */
#include "tty/tty.h"

#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

#include "core/panic.h"
#include "fs/file.h"
#include "id/cred.h"
#include "id/pid.h"
#include "lib/math.h"
#include "mem/alloc.h"
#include "sched/clock.h"
#include "tty/jobctl.h"
#include "tty/tty_impl.h"

enum { PUMP_CHUNK = 128, CLOSE_WAIT_S = 30 };

static struct tty *to_tty(struct ldisc *ldisc)
{
	return container_of(ldisc, struct tty, ldisc);
}

/* ---- what the line discipline asks ----------------------------------------------------------- */

static size_t ldisc_room(struct ldisc *ldisc)
{
	struct tty *tty = to_tty(ldisc);

	return ldisc->is_stopped ? 0 : tty->ops->room(tty);
}

static size_t ldisc_output(struct ldisc *ldisc, const uint8_t *bytes, size_t n)
{
	struct tty *tty = to_tty(ldisc);

	return tty->ops->output(tty, bytes, n);
}

static void ldisc_flush_output(struct ldisc *ldisc)
{
	struct tty *tty = to_tty(ldisc);

	tty->ops->flush_output(tty);
	tty_output_ready(tty);
}

static void ldisc_set_stopped(struct ldisc *ldisc, bool stopped)
{
	struct tty *tty = to_tty(ldisc);

	tty->ops->set_stopped(tty, stopped);
	if (!stopped)
		wake_up_key(&tty->writers, EPOLLOUT | EPOLLWRNORM, 1);
}

static void ldisc_signal(struct ldisc *ldisc, int sig)
{
	tty_signal_foreground(to_tty(ldisc), sig);
}

static void ldisc_readable(struct ldisc *ldisc)
{
	wake_up_key(&to_tty(ldisc)->readers, EPOLLIN | EPOLLRDNORM, 1);
}

static void ldisc_input_flushed(struct ldisc *ldisc)
{
	struct tty *tty = to_tty(ldisc);

	if (tty->ops->input_flushed)
		tty->ops->input_flushed(tty);
}

static const struct ldisc_ops ldisc_ops = {
	.room = ldisc_room,
	.output = ldisc_output,
	.flush_output = ldisc_flush_output,
	.set_stopped = ldisc_set_stopped,
	.signal = ldisc_signal,
	.readable = ldisc_readable,
	.input_flushed = ldisc_input_flushed,
};

/* ---- life ------------------------------------------------------------------------------------ */

void tty_init(struct tty *tty, const struct tty_ops *ops, dev_t dev, const struct termios2 *termios)
{
	refcount_init(&tty->refs, 1);
	tty->ops = ops;
	tty->dev = dev;
	tty->defaults = *termios;
	mutex_init(&tty->lock, RANK_TTY);
	mutex_init(&tty->read_lock, RANK_FILE_PRIVATE);
	mutex_init(&tty->write_lock, RANK_FILE_PRIVATE);
	wait_queue_init(&tty->readers);
	wait_queue_init(&tty->writers);
	ldisc_init(&tty->ldisc, &ldisc_ops, termios);
}

void tty_get(struct tty *tty)
{
	refcount_get(&tty->refs);
}

void tty_put(struct tty *tty)
{
	if (!refcount_put(&tty->refs))
		return;
	assert(!tty->open_count && !tty->session);
	if (tty->ops->free)
		tty->ops->free(tty);
}

void tty_pump(struct tty *tty)
{
	uint8_t bytes[PUMP_CHUNK], errors[PUMP_CHUNK];
	size_t room, n;

	debug_assert(mutex_is_owned(&tty->lock));
	do {
		room = ldisc_receive_room(&tty->ldisc);
		n = room ? tty->ops->fetch(tty, bytes, errors, min(room, sizeof(bytes))) : 0;
		if (n)
			ldisc_receive(&tty->ldisc, bytes, errors, n);
	} while (n);
}

void tty_output_ready(struct tty *tty)
{
	ldisc_push_echo(&tty->ldisc);
	if (ldisc_room(&tty->ldisc) >= TTY_WRITE_ROOM)
		wake_up_key(&tty->writers, EPOLLOUT | EPOLLWRNORM, 1);
}

void tty_wake_all(struct tty *tty)
{
	wake_up_all(&tty->readers);
	wake_up_all(&tty->writers);
}

/* ---- opening and closing --------------------------------------------------------------------- */

static int open_locked(struct tty *tty, const struct file *file)
{
	int err = 0;

	if (tty->is_exclusive && !cred_capable(file->cred, CAP_SYS_ADMIN))
		return -EBUSY;
	if (!tty->open_count && tty->ops->open)
		err = tty->ops->open(tty);
	if (!err)
		tty->open_count++;
	return err;
}

/* Under the lock; the last to go leaves no input and no settings of his behind. */
static void close_locked(struct tty *tty)
{
	if (--tty->open_count)
		return;
	tty->is_exclusive = false;
	if (tty->ops->is_pty) {
		ldisc_start(&tty->ldisc, true);
	} else {
		ldisc_flush_input(&tty->ldisc);
		tty->locked = (struct termios){ 0 };
	}
	if (tty->ops->close)
		tty->ops->close(tty);
}

static void tty_close(struct tty *tty)
{
	/* nobody waits for the rest of the output more than half a minute */
	if (READ_ONCE(tty->open_count) == 1)
		(void)!tty_wait_sent(tty, clock_monotonic() + CLOSE_WAIT_S * NS_PER_SEC);
	mutex_lock(&tty->lock);
	close_locked(tty);
	mutex_unlock(&tty->lock);
	tty_put(tty);
}

int tty_file_open(struct tty *tty, struct file *file, unsigned int how)
{
	struct tty_file *tf = kzalloc(sizeof(*tf), ALLOC_KERNEL);
	int err;

	if (!tf)
		return -ENOMEM;
	tf->tty = tty;
	tf->is_console = how & TTY_OPEN_CONSOLE;
	tty_get(tty);
	mutex_lock(&tty->lock);
	err = open_locked(tty, file);
	tf->generation = tty->generation;
	mutex_unlock(&tty->lock);
	if (err) {
		tty_put(tty);
		kfree(tf);
		return err;
	}
	if (tty->ops->wait_ready)
		err = tty->ops->wait_ready(tty, file);
	if (err) {
		tty_close(tty);
		kfree(tf);
		return err;
	}
	file->private = tf;
	file->ops = &tty_file_ops;
	file->mode &= ~(unsigned int)FILE_SEEK;
	file->mode |= FILE_STREAM | FILE_NOWAIT | FILE_ASYNC;
	if (!(how & (TTY_OPEN_NOCTTY | TTY_OPEN_CONSOLE)))
		tty_claim_at_open(tty, file);
	return 0;
}

void tty_file_release(struct file *file)
{
	struct tty_file *tf = file->private;

	tty_close(tf->tty);
	kfree(tf);
}

bool tty_file_is_hung_up(const struct tty_file *tf)
{
	return !tf->is_console && tf->generation != READ_ONCE(tf->tty->generation);
}

/* ---- hang-up and drain ----------------------------------------------------------------------- */

void tty_hangup(struct tty *tty, bool exiting)
{
	mutex_lock(&tty->lock);
	tty->generation++;
	tty->is_exclusive = false;
	ldisc_flush_input(&tty->ldisc);
	tty->ops->flush_input(tty);
	ldisc_start(&tty->ldisc, true);
	if (tty->ops->hangup)
		tty->ops->hangup(tty);
	mutex_unlock(&tty->lock);
	tty_leave_session(tty, exiting);
	wake_up_key_mode(&tty->readers, EPOLLHUP | EPOLLIN, INT32_MAX, 0);
	wake_up_key_mode(&tty->writers, EPOLLHUP | EPOLLOUT, INT32_MAX, 0);
}

int tty_wait_sent(struct tty *tty, ns_t deadline_ns)
{
	int err;

	if (!tty->ops->pending_output)
		return 0;
	err = wait_event_interruptible_until(&tty->writers, !tty->ops->pending_output(tty),
	                                     deadline_ns);
	if (!err && tty->ops->wait_sent)
		tty->ops->wait_sent(tty, deadline_ns);
	return err == -ETIMEDOUT ? 0 : err;
}
