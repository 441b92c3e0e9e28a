/*
 * terminal.h - a pty to test with: tty.c, pty.c and jobcontrol.c.
 *
 * Linux hands input to the line discipline from a worker, so what is expected is waited for, and
 * what is not expected is given a moment to show up.
 */
#pragma once

#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

enum { WAIT_MS = 1000, MOMENT_MS = 20 };

struct terminal {
	int  master, slave;
	char name[32];
};

static inline void terminal_open(struct terminal *terminal)
{
	int number = -1, unlock = 0;

	terminal->master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	ioctl(terminal->master, TIOCGPTN, &number);
	ioctl(terminal->master, TIOCSPTLCK, &unlock);
	snprintf(terminal->name, sizeof(terminal->name), "/dev/pts/%d", number);
	terminal->slave = open(terminal->name, O_RDWR | O_NOCTTY);
	if (terminal->slave < 0) {
		check_line("not ok terminal_can_be_opened: errno %d", errno);
		exit(1);
	}
}

static inline void terminal_close(struct terminal *terminal)
{
	close(terminal->slave);
	close(terminal->master);
}

static inline bool is_ready(int fd, short events, int timeout_ms)
{
	struct pollfd poller = { .fd = fd, .events = events };

	return poll(&poller, 1, timeout_ms) > 0 && (poller.revents & events);
}

/* Reads until `expected` bytes are there or time is up, then whatever comes in a moment. */
static inline ssize_t collect(int fd, char *buffer, size_t size, size_t expected)
{
	size_t got = 0;

	while (got < size && is_ready(fd, POLLIN, got < expected ? WAIT_MS : MOMENT_MS)) {
		ssize_t n = read(fd, buffer + got, size - got);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static inline bool type(const struct terminal *terminal, const void *bytes, size_t n)
{
	return write(terminal->master, bytes, n) == (ssize_t)n;
}

/* The bytes that come are these. */
static inline bool comes(int fd, const char *text, size_t n)
{
	char buffer[8192];
	ssize_t got = collect(fd, buffer, sizeof(buffer), n);

	return got == (ssize_t)n && !memcmp(buffer, text, n);
}

#define COMES(name, fd, text) CHECK(name, comes(fd, text, sizeof(text) - 1))
#define TYPE(terminal, text) type(terminal, text, sizeof(text) - 1)

static inline void settings_change(const struct terminal *terminal, tcflag_t iflag_off,
                                   tcflag_t iflag_on, tcflag_t lflag_off, tcflag_t lflag_on)
{
	struct termios settings;

	tcgetattr(terminal->slave, &settings);
	settings.c_iflag = (settings.c_iflag & ~iflag_off) | iflag_on;
	settings.c_lflag = (settings.c_lflag & ~lflag_off) | lflag_on;
	tcsetattr(terminal->slave, TCSANOW, &settings);
}

static inline void settings_raw(const struct terminal *terminal, int vmin, int vtime)
{
	struct termios settings;

	tcgetattr(terminal->slave, &settings);
	cfmakeraw(&settings);
	settings.c_cc[VMIN] = (cc_t)vmin;
	settings.c_cc[VTIME] = (cc_t)vtime;
	tcsetattr(terminal->slave, TCSANOW, &settings);
}
