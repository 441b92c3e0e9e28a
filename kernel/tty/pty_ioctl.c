/*
 * ioctls of a pty's master: its own, and those of its slave, asked through it. ioctl_tty(2).
 */
#include <asm/ioctls.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "fs/fdtable.h"
#include "fs/file.h"
#include "fs/namei.h"
#include "fs/path.h"
#include "id/rlimit.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "tty/devpts.h"
#include "tty/jobctl.h"
#include "tty/pty.h"

/* Opens the slave for the caller, wherever his root is: the new descriptor. */
static int open_peer(struct pty *pty, struct file *master, unsigned int flags)
{
	struct walk_from from = { .fs = task_current()->fs, .cred = &cred_root };
	struct path root, node;
	struct file *file;
	char name[12];
	int err = devpts_find(&master->path, &root);

	if (err)
		return err;
	from.base = &root;
	snprintf(name, sizeof(name), "%u", pty->index);
	err = devpts_is_root(pty->devpts, &root) ? path_lookup(&from, name, 0, &node) : -ENODEV;
	path_put(&root);
	if (err)
		return err;
	err = file_open_path(&node, task_current()->cred, flags & ~(unsigned int)O_CLOEXEC, &file);
	path_put(&node);
	if (err)
		return err;
	err = fd_add(task_current()->files, file, (uint32_t)proc_limit(RLIMIT_NOFILE),
	             flags & O_CLOEXEC);
	if (err < 0)
		file_put(file);
	return err;
}

static void set_packet(struct pty *pty, bool on)
{
	mutex_lock(&pty->tty.lock);
	if (on && !pty->is_packet)
		pty->packet_status = 0;
	pty->is_packet = on;
	mutex_unlock(&pty->tty.lock);
}

static long send_signal(struct pty *pty, unsigned long sig)
{
	if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
		return -EINVAL;
	tty_signal_foreground(&pty->tty, (int)sig);
	return 0;
}

/* TCFLSH of the master: its own input is the slave's output. */
static long flush(struct pty *pty, unsigned long what)
{
	if (what > TCIOFLUSH)
		return -EINVAL;
	mutex_lock(&pty->tty.lock);
	if (what != TCOFLUSH) {
		ring_clear(&pty->output);
		tty_output_ready(&pty->tty);
	}
	if (what != TCIFLUSH)
		pty->tty.ops->flush_input(&pty->tty);
	mutex_unlock(&pty->tty.lock);
	return 0;
}

long pty_master_ioctl(struct file *file, unsigned int command, void *arg)
{
	struct pty *pty = file->private;

	switch (command) {
	case TIOCGPTN:
		*(unsigned int *)arg = pty->index;
		return 0;
	case TIOCSPTLCK:
		WRITE_ONCE(pty->is_locked, *(int *)arg != 0);
		return 0;
	case TIOCGPTLCK:
		*(int *)arg = READ_ONCE(pty->is_locked);
		return 0;
	case TIOCGPTPEER:
		return open_peer(pty, file, (unsigned int)(unsigned long)arg);
	case TIOCPKT:
		set_packet(pty, *(int *)arg);
		return 0;
	case TIOCGPKT:
		*(int *)arg = READ_ONCE(pty->is_packet);
		return 0;
	case TIOCSIG:
		return send_signal(pty, (unsigned long)arg);
	case FIONREAD:
		*(int *)arg = (int)min(ring_used(&pty->output), (size_t)PTY_READ_MAX);
		return 0;
	case TIOCOUTQ:
		*(int *)arg = 0;
		return 0;
	case TCFLSH:
		return flush(pty, (unsigned long)arg);
	case TIOCSTI:
	case TCXONC:
	case TIOCEXCL:
	case TIOCNXCL:
		return -ENOTTY;
	default:
		return tty_ioctl(&pty->tty, file, command, arg);
	}
}
