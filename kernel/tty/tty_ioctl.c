/*
 * ioctls about who owns a terminal and what it is. ioctl_tty(2). Arguments are in kernel memory
 * (syscall/ioctl_table.h). The master of a pty asks with its slave for tty and its own file.
 */
#include <asm/ioctls.h>
#include <linux/errno.h>
#include <linux/tty.h>

#include "abi/errno.h"
#include "lib/devnum.h"
#include "fs/file.h"
#include "id/cred.h"
#include "proc/task.h"
#include "tty/jobctl.h"
#include "tty/tty_impl.h"

static bool is_admin(void)
{
	return cred_capable(task_current()->cred, CAP_SYS_ADMIN);
}

static void set_exclusive(struct tty *tty, bool on)
{
	mutex_lock(&tty->lock);
	tty->is_exclusive = on;
	mutex_unlock(&tty->lock);
}

/* TIOCSTI: as if it had come over the line. */
static long simulate_input(struct tty *tty, const uint8_t *byte)
{
	if (!is_admin() && !tty_is_current(tty))
		return -EPERM;
	mutex_lock(&tty->lock);
	(void)ldisc_receive(&tty->ldisc, byte, NULL, 1);
	mutex_unlock(&tty->lock);
	return 0;
}

static long change_modem(struct tty *tty, unsigned int command, unsigned int lines)
{
	const unsigned int ours = TIOCM_DTR | TIOCM_RTS | TIOCM_OUT1 | TIOCM_OUT2 | TIOCM_LOOP;

	if (!tty->ops->set_modem)
		return -ENOTTY;
	if (command == TIOCMBIS)
		return tty->ops->set_modem(tty, lines & ours, 0);
	if (command == TIOCMBIC)
		return tty->ops->set_modem(tty, 0, lines & ours);
	return tty->ops->set_modem(tty, lines & ours, ~lines & ours);
}

static long hang_up(struct tty *tty)
{
	if (!is_admin())
		return -EPERM;
	tty_hangup(tty, false);
	return 0;
}

/* Job control; -ENOIOCTLCMD: another command. */
static long control_ioctl(struct tty *tty, struct file *file, unsigned int command, void *arg)
{
	bool is_master = file->ops != &tty_file_ops;

	switch (command) {
	case TIOCSCTTY:
		return tty_set_controlling(tty, file, (unsigned long)arg == 1);
	case TIOCNOTTY:
		return is_master ? -ENOTTY : tty_give_up(tty);
	case TIOCGPGRP:
		return tty_get_foreground(tty, is_master, arg);
	case TIOCSPGRP:
		return tty_set_foreground(tty, *(pid_t *)arg);
	case TIOCGSID:
		return tty_get_session(tty, is_master, arg);
	case TIOCVHANGUP:
		return hang_up(tty);
	default:
		return tty_settings_ioctl(tty, command, arg);
	}
}

long tty_ioctl(struct tty *tty, struct file *file, unsigned int command, void *arg)
{
	long result;

	switch (command) {
	case TIOCSTI:
		return simulate_input(tty, arg);
	case TIOCEXCL:
	case TIOCNXCL:
		set_exclusive(tty, command == TIOCEXCL);
		return 0;
	case TIOCGEXCL:
		*(int *)arg = READ_ONCE(tty->is_exclusive);
		return 0;
	case TIOCGETD:
		*(int *)arg = N_TTY;
		return 0;
	case TIOCSETD:
		result = tty_check_job(tty, SIGTTOU);
		return result ? result : *(int *)arg == N_TTY ? 0 : -EINVAL;
	case TIOCGDEV:
		*(unsigned int *)arg = dev_encode(tty->dev);
		return 0;
	case TIOCMGET:
		return tty->ops->get_modem ? tty->ops->get_modem(tty, arg) : -ENOTTY;
	case TIOCMSET:
	case TIOCMBIS:
	case TIOCMBIC:
		return change_modem(tty, command, *(unsigned int *)arg);
	default:
		result = control_ioctl(tty, file, command, arg);
		if (result == -ENOIOCTLCMD && tty->ops->ioctl)
			result = tty->ops->ioctl(tty, command, arg);
		return result;
	}
}

long tty_file_ioctl(struct file *file, unsigned int command, void *arg)
{
	struct tty_file *tf = file->private;

	if (tty_file_is_hung_up(tf))
		return command == TIOCSPGRP ? -ENOTTY : -EIO;
	return tty_ioctl(tf->tty, file, command, arg);
}
