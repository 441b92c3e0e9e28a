/*
 * ioctl(2) on files of every kind: who knows which command, what those for any file do, and signals
 * of O_ASYNC.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <linux/fs.h>

#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t)
#endif

enum { KINDS = 16 };

static struct {
	const char *name;
	int         fd;
} kinds[KINDS];
static int nr_kinds;

static void add(const char *name, int fd)
{
	kinds[nr_kinds].name = name;
	kinds[nr_kinds++].fd = fd;
}

static void open_all(void)
{
	int ends[2], pair[2];
	sigset_t set;

	sigemptyset(&set);
	add("file", open("file", O_CREAT | O_RDWR, 0600));
	write(kinds[0].fd, "hello", 5);
	lseek(kinds[0].fd, 2, SEEK_SET);
	mkdir("dir", 0700);
	add("directory", open("dir", O_RDONLY | O_DIRECTORY));
	pipe(ends);
	add("pipe to read", ends[0]);
	add("pipe to write", ends[1]);
	mkfifo("fifo", 0600);
	add("fifo", open("fifo", O_RDWR));
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	add("stream socket", pair[0]);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	add("datagram socket", pair[0]);
	add("unconnected socket", socket(AF_UNIX, SOCK_STREAM, 0));
	add("eventfd", eventfd(0, 0));
	add("epoll", epoll_create1(0));
	add("timerfd", timerfd_create(CLOCK_MONOTONIC, 0));
	add("signalfd", signalfd(-1, &set, 0));
	add("pidfd", (int)syscall(SYS_pidfd_open, getpid(), 0));
	add("null", open("/dev/null", O_RDWR));
	add("zero", open("/dev/zero", O_RDWR));
	add("path", open("file", O_PATH));
}

/* ---- who knows what ------------------------------------------------------------------------- */

static void show(const char *what, unsigned long command, const void *in, size_t size)
{
	char line[400];
	int at = snprintf(line, sizeof(line), "%s:", what);

	for (int i = 0; i < nr_kinds; i++) {
		uint64_t memory[16] = { 0 };

		if (in)
			memcpy(memory, in, size);
		errno = 0;
		long result = syscall(SYS_ioctl, kinds[i].fd, command, memory);
		at += snprintf(line + at, sizeof(line) - (size_t)at, " %ld/%d/%d", result, errno,
			       in ? 0 : *(int *)memory);
	}
	OUT("%s", line);
}

static void show_numbers(const char *what, unsigned long command)
{
	char line[400];
	int at = snprintf(line, sizeof(line), "%s:", what);

	for (int i = 0; i < nr_kinds; i++) {
		errno = 0;
		long result = syscall(SYS_ioctl, kinds[i].fd, command, 0);
		at += snprintf(line + at, sizeof(line) - (size_t)at, " %ld/%d", result, errno);
	}
	OUT("%s", line);
}

static void check_who_knows_what(void)
{
	int on = 1, off = 0;
	uint64_t ticks = 3;

	show("FIONREAD", FIONREAD, NULL, 0);
	show("FIOQSIZE", 0x5460, NULL, 0);
	show("FIGETBSZ", FIGETBSZ, NULL, 0);
	show("FIONBIO on", FIONBIO, &on, sizeof(on));
	show("FIONBIO off", FIONBIO, &off, sizeof(off));
	show("FIOASYNC on", FIOASYNC, &on, sizeof(on));
	show("FIOASYNC again", FIOASYNC, &on, sizeof(on));
	show("FIOASYNC off", FIOASYNC, &off, sizeof(off));
	show_numbers("FIOCLEX", FIOCLEX);
	show_numbers("FIONCLEX", FIONCLEX);
	show("FIBMAP", FIBMAP, &off, sizeof(off));
	show("TIOCOUTQ", TIOCOUTQ, NULL, 0);
	show("TIOCGWINSZ", TIOCGWINSZ, NULL, 0);
	show("TCGETS", TCGETS, NULL, 0);
	show_numbers("TIOCNOTTY", TIOCNOTTY);
	show("FS_IOC_GETVERSION", FS_IOC_GETVERSION, NULL, 0);
	show("TFD_IOC_SET_TICKS", TFD_IOC_SET_TICKS, &ticks, sizeof(ticks));
	show_numbers("unknown", 0x12345678);
	CHECK_ERRNO(closed_descriptor, ioctl(999, FIONREAD, &on), EBADF);
	CHECK_ERRNO(bad_pointer, syscall(SYS_ioctl, kinds[0].fd, FIONREAD, 8), EFAULT);
	CHECK_ERRNO(bad_pointer_to_read, syscall(SYS_ioctl, kinds[0].fd, FIONBIO, 8), EFAULT);
}

static void check_any_file(void)
{
	int fd = kinds[2].fd, on = 1, off = 0;
	char byte;

	ioctl(fd, FIOCLEX);
	CHECK_EQ(FIOCLEX_sets_close_on_exec, fcntl(fd, F_GETFD), FD_CLOEXEC);
	ioctl(fd, FIONCLEX);
	CHECK_EQ(FIONCLEX_clears_it, fcntl(fd, F_GETFD), 0);
	ioctl(fd, FIONBIO, &on);
	CHECK(FIONBIO_sets_O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
	CHECK_ERRNO(and_reads_do_not_wait, read(fd, &byte, 1), EAGAIN);
	ioctl(fd, FIONBIO, &off);
	CHECK(FIONBIO_clears_O_NONBLOCK, !(fcntl(fd, F_GETFL) & O_NONBLOCK));
}

/* ---- timerfd --- */

static void check_ticks(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	uint64_t ticks = 5, got = 0;

	CHECK_EQ(ticks_can_be_set, ioctl(fd, TFD_IOC_SET_TICKS, &ticks), 0);
	CHECK_EQ(ticks_are_read, read(fd, &got, sizeof(got)), 8);
	CHECK_EQ(ticks_are_as_set, got, 5);
	CHECK_ERRNO(ticks_are_read_once, read(fd, &got, sizeof(got)), EAGAIN);
	ticks = 0;
	CHECK_ERRNO(no_ticks_are_EINVAL, ioctl(fd, TFD_IOC_SET_TICKS, &ticks), EINVAL);
	close(fd);
}

/* ---- O_ASYNC --- */

static volatile sig_atomic_t nr_signals, last_signal, last_code, last_fd;
static volatile long last_band;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	nr_signals++;
	last_signal = sig;
	last_code = info->si_code;
	last_fd = info->si_fd;
	last_band = info->si_band;
}

static void await(int count)
{
	for (int i = 0; i < 500 && nr_signals < count; i++)
		usleep(1000);
}

static void show_async(void)
{
	char line[400];
	int at = 0;

	for (int i = 0; i < nr_kinds; i++) {
		int fd = kinds[i].fd, result;

		errno = 0;
		result = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
		at += snprintf(line + at, sizeof(line) - (size_t)at, " %d/%d/%d", result, errno,
			       !!(fcntl(fd, F_GETFL) & O_ASYNC));
		fcntl(fd, F_SETFL, 0);
	}
	OUT("O_ASYNC:%s", line);
}

static void check_async(void)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	int pair[2], on = 1, off = 0;
	char byte;

	sigaction(SIGIO, &action, NULL);
	sigaction(SIGRTMIN, &action, NULL);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	write(pair[1], "x", 1);
	usleep(20000);
	CHECK_EQ(no_signal_without_O_ASYNC, nr_signals, 0);
	read(pair[0], &byte, 1);
	ioctl(pair[0], FIOASYNC, &on);
	write(pair[1], "x", 1);
	usleep(20000);
	CHECK_EQ(no_signal_without_an_owner, nr_signals, 0);
	read(pair[0], &byte, 1);
	fcntl(pair[0], F_SETOWN, getpid());
	write(pair[1], "x", 1);
	await(1);
	CHECK(data_raise_SIGIO, nr_signals >= 1 && last_signal == SIGIO);
	OUT("code %d", (int)last_code);
	read(pair[0], &byte, 1);
	CHECK_EQ(another_signal_can_be_chosen, fcntl(pair[0], F_SETSIG, SIGRTMIN), 0);
	CHECK_EQ(and_is_told, fcntl(pair[0], F_GETSIG), SIGRTMIN);
	nr_signals = 0;
	write(pair[1], "x", 1);
	await(1);
	CHECK(data_raise_that_signal, last_signal == SIGRTMIN);
	CHECK(with_the_descriptor, last_fd == pair[0]);
	OUT("code %d band 0x%lx", (int)last_code, last_band);
	read(pair[0], &byte, 1);
	usleep(20000);
	ioctl(pair[0], FIOASYNC, &off);
	nr_signals = 0;
	write(pair[1], "x", 1);
	usleep(20000);
	CHECK_EQ(no_signal_after_it_is_off, nr_signals, 0);
	ioctl(pair[0], FIOASYNC, &on);
	read(pair[0], &byte, 1);
	usleep(20000);
	nr_signals = 0;
	close(pair[1]);
	await(1);
	CHECK(hang_up_raises_it, nr_signals >= 1);
	close(pair[0]);
}

static void check_async_pipe(void)
{
	int ends[2], on = 1;
	char byte;

	pipe(ends);
	fcntl(ends[0], F_SETOWN, getpid());
	ioctl(ends[0], FIOASYNC, &on);
	nr_signals = 0;
	write(ends[1], "x", 1);
	await(1);
	CHECK(data_in_a_pipe_raise_SIGIO, nr_signals >= 1 && last_signal == SIGIO);
	read(ends[0], &byte, 1);
	int copy = dup(ends[0]);
	close(ends[0]);
	nr_signals = 0;
	write(ends[1], "x", 1);
	await(1);
	CHECK(as_long_as_the_file_is_open, nr_signals >= 1);
	close(copy);
	close(ends[1]);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	open_all();
	check_who_knows_what();
	check_any_file();
	check_ticks();
	show_async();
	check_async();
	check_async_pipe();
	return 0;
}
