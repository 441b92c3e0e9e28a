/*
 * ioctls about the settings of a terminal: termios, window size, flow, flushing, draining.
 * ioctl_tty(2).
 */
#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/errno.h>

#include "abi/errno.h"
#include "id/cred.h"
#include "lib/string.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "sched/clock.h"
#include "tty/jobctl.h"
#include "tty/termios.h"
#include "tty/tty_impl.h"

enum when { NOW, AFTER_OUTPUT, AFTER_OUTPUT_AND_FLUSH };
enum form { FORM_OLD, FORM_NEW, FORM_SHORT };

static void flush_input_locked(struct tty *tty)
{
	ldisc_flush_input(&tty->ldisc);
	tty->ops->flush_input(tty);
	if (tty->ops->input_flushed)
		tty->ops->input_flushed(tty);
}

static void get_termios(struct tty *tty, enum form form, void *out)
{
	mutex_lock(&tty->lock);
	if (form == FORM_NEW)
		memcpy(out, &tty->ldisc.termios, sizeof(struct termios2));
	else if (form == FORM_OLD)
		termios_to_old(&tty->ldisc.termios, out);
	else
		termios_to_short(&tty->ldisc.termios, out);
	mutex_unlock(&tty->lock);
}

static void apply_locked(struct tty *tty, enum form form, const void *in)
{
	struct termios2 old = tty->ldisc.termios, new = old;

	if (form == FORM_NEW)
		memcpy(&new, in, sizeof(new));
	else if (form == FORM_OLD)
		termios_from_old(&new, in);
	else
		termios_from_short(&new, in);
	termios_update_speeds(&new);
	termios_keep_locked(&new, &old, &tty->locked);
	new.c_line = old.c_line;
	ldisc_set_termios(&tty->ldisc, &new);
	if (tty->ops->set_termios)
		tty->ops->set_termios(tty, &old);
	tty_wake_all(tty);
}

static long set_termios(struct tty *tty, enum when when, enum form form, const void *in)
{
	long err = tty_check_job(tty, SIGTTOU);

	if (!err && when != NOW)
		err = tty_wait_sent(tty, WAIT_FOREVER);
	if (err)
		return err;
	mutex_lock(&tty->lock);
	if (when == AFTER_OUTPUT_AND_FLUSH)
		flush_input_locked(tty);
	apply_locked(tty, form, in);
	mutex_unlock(&tty->lock);
	return 0;
}

static void set_size(struct tty *tty, const struct winsize *size)
{
	bool changed;

	mutex_lock(&tty->lock);
	changed = memcmp(&tty->size, size, sizeof(*size)) != 0;
	tty->size = *size;
	mutex_unlock(&tty->lock);
	if (changed)
		tty_signal_foreground(tty, SIGWINCH);
}

static long flush(struct tty *tty, unsigned long what)
{
	long err = tty_check_job(tty, SIGTTOU);

	if (err)
		return err;
	if (what > TCIOFLUSH)
		return -EINVAL;
	mutex_lock(&tty->lock);
	if (what != TCOFLUSH)
		flush_input_locked(tty);
	if (what != TCIFLUSH) {
		tty->ops->flush_output(tty);
		tty_output_ready(tty);
	}
	mutex_unlock(&tty->lock);
	return 0;
}

static void send_urgent(struct tty *tty, uint8_t byte)
{
	if (byte && tty->ops->send_urgent)
		tty->ops->send_urgent(tty, byte);
	else if (byte)
		tty->ops->output(tty, &byte, 1);
}

static long control_flow(struct tty *tty, unsigned long action)
{
	long err = tty_check_job(tty, SIGTTOU);

	if (err)
		return err;
	if (action > TCION)
		return -EINVAL;
	mutex_lock(&tty->lock);
	if (action == TCOOFF)
		ldisc_stop(&tty->ldisc, true);
	else if (action == TCOON)
		ldisc_start(&tty->ldisc, true);
	else
		send_urgent(tty, tty->ldisc.termios.c_cc[action == TCIOFF ? VSTOP : VSTART]);
	mutex_unlock(&tty->lock);
	return 0;
}

static int set_break(struct tty *tty, bool on)
{
	int err = 0;

	mutex_lock(&tty->lock);
	if (tty->ops->set_break)
		err = tty->ops->set_break(tty, on);
	mutex_unlock(&tty->lock);
	return err;
}

/* After all output: a break of this length, or none. */
static long drain(struct tty *tty, ns_t break_ns)
{
	long err = tty_check_job(tty, SIGTTOU);

	if (!err)
		err = tty_wait_sent(tty, WAIT_FOREVER) ? -EINTR : 0;
	if (err || !break_ns || !tty->ops->set_break)
		return err;
	err = set_break(tty, true);
	if (!err)
		err = sleep_until(clock_monotonic() + break_ns) ? -EINTR : 0;
	(void)set_break(tty, false);
	return err;
}

static size_t readable_count(struct tty *tty)
{
	size_t count;

	mutex_lock(&tty->lock);
	tty_pump(tty);
	count = ldisc_readable_count(&tty->ldisc);
	mutex_unlock(&tty->lock);
	return count;
}

static void set_soft_carrier(struct tty *tty, int on)
{
	struct termios2 settings;

	mutex_lock(&tty->lock);
	settings = tty->ldisc.termios;
	settings.c_cflag = on ? settings.c_cflag | CLOCAL : settings.c_cflag & ~(tcflag_t)CLOCAL;
	apply_locked(tty, FORM_NEW, &settings);
	mutex_unlock(&tty->lock);
}

static void get_locked_settings(struct tty *tty, struct termios *out)
{
	mutex_lock(&tty->lock);
	*out = tty->locked;
	mutex_unlock(&tty->lock);
}

static long lock_settings(struct tty *tty, const struct termios *locked)
{
	if (!cred_capable(task_current()->cred, CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&tty->lock);
	tty->locked = *locked;
	mutex_unlock(&tty->lock);
	return 0;
}

/* The commands that ask for settings or set them: in which form, and when. */
static long get_or_set_termios(struct tty *tty, unsigned int command, void *arg)
{
	static const struct {
		unsigned int get, set[3];
	} commands[] = {
		[FORM_OLD] = { TCGETS, { TCSETS, TCSETSW, TCSETSF } },
		[FORM_NEW] = { TCGETS2, { TCSETS2, TCSETSW2, TCSETSF2 } },
		[FORM_SHORT] = { TCGETA, { TCSETA, TCSETAW, TCSETAF } },
	};

	for (unsigned int form = 0; form < array_size(commands); form++) {
		if (command == commands[form].get) {
			get_termios(tty, form, arg);
			return 0;
		}
		for (unsigned int when = NOW; when <= AFTER_OUTPUT_AND_FLUSH; when++) {
			if (command == commands[form].set[when])
				return set_termios(tty, when, form, arg);
		}
	}
	return -ENOIOCTLCMD;
}

long tty_settings_ioctl(struct tty *tty, unsigned int command, void *arg)
{
	unsigned long value = (unsigned long)arg;
	long err;

	switch (command) {
	case TIOCGWINSZ:
		mutex_lock(&tty->lock);
		*(struct winsize *)arg = tty->size;
		mutex_unlock(&tty->lock);
		return 0;
	case TIOCSWINSZ:
		set_size(tty, arg);
		return 0;
	case TCFLSH:
		return flush(tty, value);
	case TCXONC:
		return control_flow(tty, value);
	case TCSBRK:
		return drain(tty, value ? 0 : 250 * NS_PER_MSEC);
	case TCSBRKP:
		return drain(tty, value ? (ns_t)value * 100 * NS_PER_MSEC : 250 * NS_PER_MSEC);
	case TIOCSBRK:
		err = drain(tty, 0);
		return err ? err : set_break(tty, true);
	case TIOCCBRK:
		err = tty_check_job(tty, SIGTTOU);
		return err ? err : set_break(tty, false);
	case FIONREAD:
		*(int *)arg = (int)readable_count(tty);
		return 0;
	case TIOCOUTQ:
		*(int *)arg = tty->ops->pending_output ? (int)tty->ops->pending_output(tty) : 0;
		return 0;
	case TIOCGLCKTRMIOS:
		get_locked_settings(tty, arg);
		return 0;
	case TIOCSLCKTRMIOS:
		return lock_settings(tty, arg);
	case TIOCGSOFTCAR:
		*(int *)arg = !!(READ_ONCE(tty->ldisc.termios.c_cflag) & CLOCAL);
		return 0;
	case TIOCSSOFTCAR:
		set_soft_carrier(tty, *(int *)arg);
		return 0;
	default:
		return get_or_set_termios(tty, command, arg);
	}
}
