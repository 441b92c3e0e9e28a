/*
 * A terminal: settings, window size, line discipline, who controls it; and below, a driver: a
 * serial line (serial_tty.c) or a pty master (pty.c). ioctl_tty(2), pty(7), termios(3).
 *
 * Open files of a terminal have a struct tty_file. A hang-up (vhangup(2), carrier lost, master
 * closed, session leader gone) does not take files away: it moves the terminal's generation on, and
 * files of an older one read end of file and write EIO for ever. Files that were opened as
 * /dev/console are spared.
 *
 * Input: the driver keeps what has come until tty_pump() feeds it to the line discipline, as much
 * as that has room for: after arrival, and after each read. Output: the line discipline writes to
 * the driver, and whoever finds no room sleeps on `writers`, which the driver wakes.
 *
 * Locking: `lock` (RANK_TTY) over settings, line discipline and driver state. `read_lock` and
 * `write_lock` (RANK_FILE_PRIVATE, outside it) keep one read or write together; the memory of the
 * caller is touched with only these held. Session and foreground group belong to proc_tree_lock,
 * for they change with processes.
 */
#pragma once

#include <asm/termios.h>

#include "lib/refcount.h"
#include "lib/types.h"
#include "sched/mutex.h"
#include "sched/wait.h"
#include "tty/ldisc.h"

struct file;
struct pid;
struct session;
struct tty;

/*
 * The driver's side. Called with tty->lock held unless said otherwise; NULL: as the comment says.
 */
struct tty_ops {
	int    (*open)(struct tty *tty);  /* the first file; NULL: nothing. May sleep */
	void   (*close)(struct tty *tty); /* the last file has gone; NULL: nothing. May sleep */
	/* The last reference has gone; without the lock. NULL: it stays for ever. */
	void   (*free)(struct tty *tty);
	size_t (*room)(struct tty *tty);  /* bytes that output() would take */
	size_t (*output)(struct tty *tty, const uint8_t *bytes, size_t n);
	/* Input that waits: up to n bytes, with what was wrong with each (LDISC_OK ...). */
	size_t (*fetch)(struct tty *tty, uint8_t *bytes, uint8_t *errors, size_t n);
	void   (*flush_input)(struct tty *tty);
	void   (*flush_output)(struct tty *tty);
	size_t (*pending_output)(struct tty *tty); /* NULL: what is written is gone at once */
	/* Waits for what the hardware still holds; no lock. NULL: nothing. */
	void   (*wait_sent)(struct tty *tty, ns_t deadline_ns);
	void   (*set_stopped)(struct tty *tty, bool stopped);
	/* tty->ldisc.termios is new; may correct what the hardware cannot do. NULL: nothing. */
	void   (*set_termios)(struct tty *tty, const struct termios2 *old);
	void   (*send_urgent)(struct tty *tty, uint8_t byte); /* XON, XOFF; NULL: as output */
	int    (*set_break)(struct tty *tty, bool on);        /* NULL: 0, nothing */
	int    (*get_modem)(struct tty *tty, unsigned int *lines); /* NULL: ENOTTY; so set */
	int    (*set_modem)(struct tty *tty, unsigned int set, unsigned int clear);
	void   (*input_flushed)(struct tty *tty); /* NULL: nothing */
	void   (*hangup)(struct tty *tty);        /* NULL: nothing */
	/* The other end has gone for good: reads fail with EIO. NULL: never. */
	bool   (*is_dead)(const struct tty *tty);
	/* Commands of its own; no lock. NULL: ENOTTY. */
	long   (*ioctl)(struct tty *tty, unsigned int command, void *arg);
	/* Before an open returns; no lock. Carrier. NULL: nothing. */
	int    (*wait_ready)(struct tty *tty, struct file *file);
	bool   is_pty;
};

struct tty {
	struct refcount       refs;
	const struct tty_ops *ops __const_after_init;
	dev_t                 dev __const_after_init; /* a pty gets it when it has its number */
	struct mutex          lock;       /* RANK_TTY */
	struct mutex          read_lock;  /* RANK_FILE_PRIVATE: one reader */
	struct mutex          write_lock; /* RANK_FILE_PRIVATE: one writer */
	struct ldisc          ldisc __guarded_by(lock);
	struct termios2       defaults __const_after_init; /* for a terminal that begins anew */
	struct termios        locked __guarded_by(lock); /* bits set: those settings stay */
	struct winsize        size __guarded_by(lock);
	struct wait_queue     readers, writers; /* own locks */
	uint32_t              open_count __guarded_by(lock);
	uint32_t              generation __guarded_by(lock); /* hang-ups so far */
	bool                  is_exclusive __guarded_by(lock); /* TIOCEXCL */
	struct session       *session __guarded_by(proc_tree_lock);    /* that it controls */
	struct pid           *foreground __guarded_by(proc_tree_lock); /* a reference */
};

/* An open file's view: file->private. */
struct tty_file {
	struct tty *tty; /* a reference */
	uint32_t    generation;
	bool        is_console; /* opened as /dev/console */
};

enum { TTY_MAJOR_SERIAL = 4, TTY_MAJOR_AUX = 5, TTY_MAJOR_PTS = 136,
       TTY_MAJOR_HVC = 229, TTY_SERIAL_MINOR = 64 };

/* Room for output that a writer waits for: the longest expansion of a byte. */
enum { TTY_WRITE_ROOM = 8 };

/* One reference, line discipline and locks set up, nothing open. */
void tty_init(struct tty *tty, const struct tty_ops *ops, dev_t dev,
              const struct termios2 *termios);
void tty_get(struct tty *tty);
void tty_put(struct tty *tty); /* may sleep */

enum { TTY_OPEN_CONSOLE = 1 << 0, TTY_OPEN_NOCTTY = 1 << 1 };

/*
 * What the open() of a terminal's node does; how: TTY_OPEN_*. Makes it the controlling terminal by
 * the rules of credentials. EBUSY, EIO, ENOMEM. May sleep for carrier.
 */
__must_check int tty_file_open(struct tty *tty, struct file *file, unsigned int how);
/* The operations of such files from then on; their open() is that of ttyS. */
extern const struct file_ops tty_file_ops;

/* Feeds the line discipline with what the driver has. tty->lock held. */
void tty_pump(struct tty *tty);
/* The driver has room again: pending echo goes, writers wake. tty->lock held. */
void tty_output_ready(struct tty *tty);
void tty_wake_all(struct tty *tty);

/*
 * Every file but consoles is hung up; its session is told. exiting: by its leader's end. May sleep.
 */
void tty_hangup(struct tty *tty, bool exiting);
/* This file has been. tty->lock held. */
bool tty_file_is_hung_up(const struct tty_file *tf);

/* Sleeps until all output is sent, or the deadline. -ERESTARTSYS. */
__must_check int tty_wait_sent(struct tty *tty, ns_t deadline_ns);
/* The same for /dev/console, as far as signals let it: before the machine goes off. */
void console_wait_sent(ns_t deadline_ns);

/* The index-th line that the log is shown on, in order; false past the last. For /proc/consoles. */
struct console_info {
	const char  *name; /* "ttyS" */
	unsigned int number;
	dev_t        dev;
	bool         is_preferred; /* /dev/console */
};
bool console_describe(unsigned int index, struct console_info *info);

/* ioctl(2) on a terminal; the master of a pty asks the same of its slave. */
long tty_ioctl(struct tty *tty, struct file *file, unsigned int command, void *arg);

/*
 * The drivers of buses have come, too: what console= names and is still not there is said so, and
 * if nothing of it is, another takes its place.
 */
void console_settle(void);

/* Registers /dev/tty, /dev/console, /dev/ptmx, devpts; binds the serial lines; sinks of the log. */
void tty_start(void);
