/*
 * Pseudo-terminals: the slave's side, and what the master is to it as a driver. See tty/pty.h.
 */
#include "tty/pty.h"

#include <asm/ioctls.h>
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "dev/chardev.h"
#include "lib/devnum.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "tty/devpts.h"
#include "tty/termios.h"
#include "tty/tty_impl.h"

static const struct tty_ops pty_tty_ops;

static struct pty *to_pty(const struct tty *tty)
{
	return container_of(tty, struct pty, tty);
}

void pty_tell(struct pty *pty, unsigned int status)
{
	if (!pty->is_packet)
		return;
	pty->packet_status |= (uint8_t)status;
	wake_up_key(&pty->readers, EPOLLIN | EPOLLRDNORM | EPOLLPRI, 1);
}

/* ---- the driver of the slave ----------------------------------------------------------------- */

static int pty_open(struct tty *tty)
{
	to_pty(tty)->is_slave_gone = false;
	return 0;
}

static void pty_close(struct tty *tty)
{
	struct pty *pty = to_pty(tty);

	pty->is_slave_gone = true;
	wake_up_key_mode(&pty->readers, EPOLLHUP | EPOLLIN, INT32_MAX, 0);
	wake_up_key_mode(&pty->writers, EPOLLHUP | EPOLLOUT, INT32_MAX, 0);
}

static void pty_free(struct tty *tty)
{
	struct pty *pty = to_pty(tty);

	if (pty->devpts)
		devpts_free(pty->devpts, pty->index);
	kvfree(pty->input.buffer);
	kfree(pty);
}

static size_t pty_room(struct tty *tty)
{
	return ring_space(&to_pty(tty)->output);
}

static size_t pty_output(struct tty *tty, const uint8_t *bytes, size_t n)
{
	struct pty *pty = to_pty(tty);
	size_t count = ring_write(&pty->output, bytes, n);

	wake_up_key(&pty->readers, EPOLLIN | EPOLLRDNORM, 1);
	return count;
}

static size_t pty_fetch(struct tty *tty, uint8_t *bytes, uint8_t *errors, size_t n)
{
	struct pty *pty = to_pty(tty);
	size_t count = ring_read(&pty->input, bytes, n);

	memset(errors, LDISC_OK, count);
	if (count && ring_space(&pty->input) >= PTY_INPUT_SIZE / 2)
		wake_up_key(&pty->writers, EPOLLOUT | EPOLLWRNORM, 1);
	return count;
}

static void pty_flush_input(struct tty *tty)
{
	struct pty *pty = to_pty(tty);

	ring_clear(&pty->input);
	wake_up_key(&pty->writers, EPOLLOUT | EPOLLWRNORM, 1);
}

/* What the master could read at once has arrived there: only the rest is dropped, as on Linux. */
static void pty_flush_output(struct tty *tty)
{
	struct pty *pty = to_pty(tty);

	if (ring_used(&pty->output) > PTY_READ_MAX)
		ring_take_back(&pty->output, ring_used(&pty->output) - PTY_READ_MAX);
	pty_tell(pty, TIOCPKT_FLUSHWRITE);
}

static void pty_input_flushed(struct tty *tty)
{
	pty_tell(to_pty(tty), TIOCPKT_FLUSHREAD);
}

static void pty_set_stopped(struct tty *tty, bool stopped)
{
	struct pty *pty = to_pty(tty);

	pty->packet_status &= (uint8_t)~(TIOCPKT_STOP | TIOCPKT_START);
	pty_tell(pty, stopped ? TIOCPKT_STOP : TIOCPKT_START);
}

static bool has_usual_flow(const struct termios2 *settings)
{
	return (settings->c_iflag & IXON) && settings->c_cc[VSTOP] == ('S' - '@') &&
	       settings->c_cc[VSTART] == ('Q' - '@');
}

static void pty_set_termios(struct tty *tty, const struct termios2 *old)
{
	struct termios2 *settings = &tty->ldisc.termios;
	struct pty *pty = to_pty(tty);
	bool flow = has_usual_flow(settings);

	if (flow != has_usual_flow(old)) {
		pty->packet_status &= (uint8_t)~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
		pty_tell(pty, flow ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
	}
	if ((old->c_lflag | settings->c_lflag) & EXTPROC)
		pty_tell(pty, TIOCPKT_IOCTL);
	settings->c_cflag = (settings->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8 | CREAD;
}

static bool pty_is_dead(const struct tty *tty)
{
	return to_pty(tty)->is_master_gone;
}

/* ---- making and opening ---------------------------------------------------------------------- */

int pty_create(struct pty **out)
{
	struct termios2 settings = termios_default;
	struct pty *pty = kzalloc(sizeof(*pty), ALLOC_KERNEL);
	uint8_t *memory = kvmalloc(PTY_INPUT_SIZE + PTY_OUTPUT_SIZE, ALLOC_KERNEL);

	if (!pty || !memory) {
		kfree(pty);
		kvfree(memory);
		return -ENOMEM;
	}
	settings.c_cflag &= ~(tcflag_t)HUPCL;
	tty_init(&pty->tty, &pty_tty_ops, 0, &settings);
	ring_init(&pty->input, memory, PTY_INPUT_SIZE);
	ring_init(&pty->output, memory + PTY_INPUT_SIZE, PTY_OUTPUT_SIZE);
	wait_queue_init(&pty->readers);
	wait_queue_init(&pty->writers);
	pty->is_locked = true;
	*out = pty;
	return 0;
}

static int pts_open(struct inode *inode, struct file *file)
{
	struct pty *pty = devpts_pty_get(inode);
	int err;

	if (!pty)
		return -EIO;
	if (READ_ONCE(pty->is_locked) || READ_ONCE(pty->is_master_gone))
		err = -EIO;
	else
		err = tty_file_open(&pty->tty, file, 0);
	tty_put(&pty->tty);
	return err;
}

/* A node with the number of a slave, but not in devpts. */
static int stray_open(struct inode *inode, struct file *file)
{
	return -EIO;
}

static const struct file_ops stray_ops = { .open = stray_open };

static struct chardev ptmx_device = {
	.name = "ptmx", .mode = 0666, .ops = &ptmx_ops,
	.class_name = "/dev/ptmx",
};
static struct chardev slave_device = {
	.count = DEVPTS_MAX, .ops = &stray_ops,
	.class_name = "pts",
};

int pty_init(void)
{
	int err;

	ptmx_device.first = dev_make(TTY_MAJOR_AUX, 2);
	slave_device.first = dev_make(TTY_MAJOR_PTS, 0);
	err = chardev_register(&ptmx_device);
	if (!err)
		err = chardev_register(&slave_device);
	return err ? err : devpts_init();
}

const struct file_ops pts_ops = { .open = pts_open };

static const struct tty_ops pty_tty_ops = {
	.open = pty_open,
	.close = pty_close,
	.free = pty_free,
	.room = pty_room,
	.output = pty_output,
	.fetch = pty_fetch,
	.flush_input = pty_flush_input,
	.flush_output = pty_flush_output,
	.set_stopped = pty_set_stopped,
	.set_termios = pty_set_termios,
	.input_flushed = pty_input_flushed,
	.is_dead = pty_is_dead,
	.is_pty = true,
};
