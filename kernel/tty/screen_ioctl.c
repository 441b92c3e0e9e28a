/*
 * What programs ask of a virtual console. ioctl_console(2).
 *
 * There is one, in text mode, whose keys are UTF-8: what would change that is refused as Linux
 * refuses what it cannot do. The font, the key table, sounds and TIOCLINUX are ENOTTY.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/kd.h>
#include <linux/vt.h>

#include "abi/errno.h"
#include "id/cred.h"
#include "proc/task.h"
#include "tty/jobctl.h"
#include "tty/screen.h"

enum { ONLY_CONSOLE = 1, NONE_IS_FREE = -1, STATE_TTY0 = 1 << 0, STATE_TTY1 = 1 << 1 };

static bool may_change(struct tty *tty)
{
	return tty_is_current(tty) || cred_capable(task_current()->cred, CAP_SYS_TTY_CONFIG);
}

static unsigned char get_locks(struct screen *screen)
{
	uint64_t flags = spin_lock_irqsave(&screen->input_lock);
	unsigned char locks = (screen->keymap.has_num_lock ? K_NUMLOCK : 0) |
	                      (screen->keymap.has_caps_lock ? K_CAPSLOCK : 0);

	spin_unlock_irqrestore(&screen->input_lock, flags);
	return locks;
}

static long keyboard_ioctl(struct tty *tty, unsigned int command, void *arg)
{
	unsigned long value = (unsigned long)arg;

	switch (command) {
	case KDGKBTYPE:
		*(unsigned char *)arg = KB_101;
		return 0;
	case KDGKBMODE:
		*(int *)arg = K_UNICODE;
		return 0;
	case KDSKBMODE:
		if (!may_change(tty))
			return -EPERM;
		return value == K_UNICODE || value == K_XLATE ? 0 : -EINVAL;
	case KDGKBLED:
	case KDGETLED:
		*(unsigned char *)arg = get_locks(container_of(tty, struct screen, tty));
		return 0;
	default:
		return -ENOIOCTLCMD;
	}
}

static long activate(struct tty *tty, unsigned long console)
{
	if (!may_change(tty))
		return -EPERM;
	return console == ONLY_CONSOLE ? 0 : -ENXIO;
}

static long console_ioctl(struct tty *tty, unsigned int command, void *arg)
{
	unsigned long value = (unsigned long)arg;

	switch (command) {
	case KDGETMODE:
		*(int *)arg = KD_TEXT;
		return 0;
	case KDSETMODE:
		if (!may_change(tty))
			return -EPERM;
		return value == KD_TEXT ? 0 : -EINVAL;
	case VT_OPENQRY:
		*(int *)arg = NONE_IS_FREE;
		return 0;
	case VT_GETSTATE:
		*(struct vt_stat *)arg = (struct vt_stat){
			.v_active = ONLY_CONSOLE,
			.v_state = STATE_TTY0 | (tty->open_count ? STATE_TTY1 : 0),
		};
		return 0;
	case VT_GETMODE:
		*(struct vt_mode *)arg = (struct vt_mode){ .mode = VT_AUTO };
		return 0;
	case VT_SETMODE:
		if (!may_change(tty))
			return -EPERM;
		return ((struct vt_mode *)arg)->mode == VT_AUTO ? 0 : -EINVAL;
	case VT_ACTIVATE:
	case VT_WAITACTIVE:
		return activate(tty, value);
	default:
		return -ENOIOCTLCMD;
	}
}

long screen_ioctl(struct tty *tty, unsigned int command, void *arg)
{
	long result = console_ioctl(tty, command, arg);

	return result == -ENOIOCTLCMD ? keyboard_ioctl(tty, command, arg) : result;
}
