/*
 * SysRq: keys that work when little else does (Linux's Documentation/admin-guide/sysrq.rst). They
 * come from /proc/sysrq-trigger, and from a console: after a break on a serial line.
 *
 * A room registers the keys whose work is its own. A handler that is called from a console runs in
 * an interrupt handler: it must not take locks that are not irq-safe, so most print at once or
 * queue work.
 *
 * What may be done from a console is a mask (`/proc/sys/kernel/sysrq`): 0 nothing, 1 everything,
 * else bits of enum sysrq_mask. /proc/sysrq-trigger is for root and asks no mask.
 */
#pragma once

#include "lib/types.h"

enum sysrq_mask {
	SYSRQ_ALL      = 1 << 0, /* as the whole value */
	SYSRQ_LOG      = 1 << 1, /* the console log level */
	SYSRQ_KEYBOARD = 1 << 2, /* the terminal: SAK */
	SYSRQ_DUMP     = 1 << 3, /* telling about the kernel and its threads; crash */
	SYSRQ_SYNC     = 1 << 4,
	SYSRQ_REMOUNT  = 1 << 5,
	SYSRQ_SIGNAL   = 1 << 6, /* terminate, kill, OOM kill */
	SYSRQ_BOOT     = 1 << 7, /* reboot, power off */
	SYSRQ_NICE     = 1 << 8, /* real-time threads become ordinary ones */
	SYSRQ_DEFAULT  = 0x1b6,  /* as on Debian: all but SIGNAL and DUMP */
};

struct sysrq_key {
	char        first, last; /* '0' .. '9', 'a' .. 'z' */
	uint16_t    mask;        /* one of SYSRQ_* */
	const char *help;        /* "reboot(b)" */
	const char *action;      /* "Resetting" */
	void      (*press)(char key);
};

/* The keys of this floor. */
void sysrq_init(void);

/* The keys stay the caller's, constant. A key that is taken is a bug. */
void sysrq_register(const struct sysrq_key *keys, size_t nr);

/* Does what the key says; an unknown one prints what there is. Any context but an NMI. */
void sysrq_press(char key);
/* The same for a console: if the mask allows it. */
void sysrq_press_masked(char key);

/* /proc/sys/kernel/sysrq. */
extern int sysrq_mask_value;
