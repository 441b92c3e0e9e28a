/*
 * The screen as a terminal: /dev/tty1, and /dev/tty0 which is the same, on the framebuffer and the
 * keyboard of the machine. One virtual console, so there is nothing to switch. vt(4),
 * ioctl_console(2).
 *
 * What programs write changes cells (tty/emulator.h) at once; drawing comes later, in a thread, at
 * most once in SCREEN_DRAW_INTERVAL_NS, and only of cells that differ from what is on the screen.
 * Lines of the log go the same way, but are drawn at once as long as no thread draws yet, and in a
 * panic, where no lock is honoured.
 *
 * Keys become bytes in the keyboard's interrupt and wait in `input` for the line discipline, and so
 * do the terminal's answers to programs.
 *
 * Locking: `lock` (RANK_SINK, irq-safe) over cells and what has been drawn, held for some dozens of
 * bytes or one line of the screen; `input_lock` (RANK_UART, irq-safe) over keys and input. tty.lock
 * is outside both.
 */
#pragma once

#include "core/spinlock.h"
#include "dev/chardev.h"
#include "dev/framebuffer.h"
#include "lib/ring.h"
#include "sched/timer.h"
#include "sched/work.h"
#include "tty/emulator.h"
#include "tty/keymap.h"
#include "tty/tty.h"

enum { SCREEN_INPUT_SIZE = 1024 };

#define SCREEN_DRAW_INTERVAL_NS (15 * NS_PER_MSEC)

struct screen {
	struct tty                tty;
	const struct framebuffer *fb __const_after_init;
	uint32_t                  scale __const_after_init;
	struct spinlock           lock; /* irq-safe */
	struct emulator           emulator __guarded_by(lock);
	struct cell              *drawn __guarded_by(lock);   /* what is on the screen */
	struct cell              *wanted __guarded_by(lock);  /* a line, while it is drawn */
	struct timer              timer;                      /* until it may be drawn again */
	struct work               draw_work;
	bool                      is_draw_due __atomic;
	bool                      has_log_news __atomic;      /* the log asks to be drawn */
	bool                      defers __atomic;            /* a thread draws the log */
	ns_t                      last_draw_ns __atomic;
	uint32_t                  panic_rows __owned_by_cpu;  /* that the panic has taken */
	struct spinlock           input_lock; /* irq-safe */
	struct keymap             keymap __guarded_by(input_lock);
	struct ring               input __guarded_by(input_lock);
	uint8_t                   input_bytes[SCREEN_INPUT_SIZE];
	struct work               input_work;
	struct chardev            devices[2]; /* tty0, tty1 */
};

/* Makes the screen if there is a framebuffer. While the machine starts; may sleep. */
void screen_init(void);
/* NULL: there is none. */
struct screen *screen_find(void);

/*
 * A line of the log. Any context, a panic too: of that the screen keeps the first lines, which say
 * why and where, and drops those that would push them out.
 */
void screen_write_log(struct screen *screen, const char *text, size_t n);
/* All that is not drawn yet is drawn now, and so is the log from now on: the machine stops. */
void screen_flush(struct screen *screen);

/* screen_draw.c: draws what has changed; with `locked` false, in a panic, without the lock. */
void screen_draw(struct screen *screen, bool takes_lock);
/* Soon. Any context, no spinlock held. */
void screen_request_draw(struct screen *screen);
void screen_draw_init(struct screen *screen);

/* screen_ioctl.c: tty_ops.ioctl, what virtual consoles know. */
long screen_ioctl(struct tty *tty, unsigned int command, void *arg);
