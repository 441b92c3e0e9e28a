/*
 * signalfd: signals that are read instead of delivered.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

static int is_ready(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };

	return poll(&entry, 1, 0);
}

static void check_arguments(void)
{
	sigset_t set;
	int ends[2];

	pipe(ends);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_ERRNO(unknown_flags_are_EINVAL, signalfd(-1, &set, 1), EINVAL);
	CHECK_ERRNO(set_of_another_size_is_EINVAL, syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
	CHECK_ERRNO(set_from_nowhere_is_EFAULT, syscall(SYS_signalfd4, -1, 8, 8, 0), EFAULT);
	CHECK_ERRNO(pipe_is_no_signalfd, signalfd(ends[0], &set, 0), EINVAL);
	CHECK_ERRNO(closed_descriptor_is_no_signalfd, signalfd(99, &set, 0), EBADF);
	close(ends[0]);
	close(ends[1]);
}

static void check_reading(void)
{
	struct signalfd_siginfo infos[4];
	sigset_t set;
	char line[64] = "";

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK_EQ(signalfd_can_close_on_exec, fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(nothing_is_ready, is_ready(fd), 0);
	CHECK_ERRNO(nothing_would_block, read(fd, infos, sizeof(infos)), EAGAIN);
	CHECK_ERRNO(short_read_is_EINVAL, read(fd, infos, 127), EINVAL);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(pending_signal_is_ready, is_ready(fd), 1);
	CHECK_EQ(record_has_128_bytes, read(fd, infos, sizeof(infos)), 128);
	CHECK(record_tells_the_signal, infos[0].ssi_signo == SIGUSR1 &&
	      infos[0].ssi_code == SI_USER);
	CHECK(record_tells_the_sender, (pid_t)infos[0].ssi_pid == getpid() &&
	      infos[0].ssi_uid == getuid());
	CHECK_EQ(read_signal_does_not_pend, is_ready(fd), 0);
	sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 11 });
	sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 22 });
	raise(SIGUSR1);
	CHECK_EQ(several_are_read_at_once, read(fd, infos, sizeof(infos)), 3 * 128);
	OUT("order: %d %d %d", infos[0].ssi_signo == SIGUSR1, infos[1].ssi_int, infos[2].ssi_int);
	OUT("codes: %d %d", infos[0].ssi_code, infos[1].ssi_code);
	kill(getpid(), SIGUSR1);
	sigdelset(&set, SIGUSR1);
	CHECK_EQ(mask_can_be_changed, signalfd(fd, &set, 0), fd);
	CHECK_EQ(what_is_not_in_the_mask_is_not_ready, is_ready(fd), 0);
	sigaddset(&set, SIGUSR1);
	signalfd(fd, &set, 0);
	CHECK_EQ(what_is_in_the_mask_again_is_ready, is_ready(fd), 1);
	CHECK_ERRNO(read_to_nowhere_is_EFAULT, read(fd, (void *)8, 128), EFAULT);
	OUT("ready after a failed read: %d", is_ready(fd));
	readlink("/proc/self/fd/3", line, sizeof(line) - 1);
	OUT("name: %s", line);
	close(fd);
}

static void check_waiting(void)
{
	struct signalfd_siginfo info;
	struct epoll_event event = { .events = EPOLLIN };
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, 0), ep = epoll_create1(0);
	pid_t pid = fork();
	if (!pid) {
		usleep(20000);
		kill(getppid(), SIGUSR1);
		usleep(20000);
		_exit(3);
	}
	CHECK_EQ(read_waits, read(fd, &info, sizeof(info)), 128);
	CHECK(waited_for_signal_is_told, info.ssi_signo == SIGUSR1 && (pid_t)info.ssi_pid == pid);
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
	CHECK_EQ(epoll_waits_for_signals, epoll_wait(ep, &event, 1, 5000), 1);
	read(fd, &info, sizeof(info));
	CHECK(child_is_told, info.ssi_signo == SIGCHLD && info.ssi_code == CLD_EXITED &&
	      (pid_t)info.ssi_pid == pid && info.ssi_status == 3);
	waitpid(pid, &status, 0);
	pid = fork();
	if (!pid) {
		/* In the child it is the child's signals that are read. */
		fcntl(fd, F_SETFL, O_NONBLOCK);
		raise(SIGUSR1);
		_exit(read(fd, &info, sizeof(info)) != 128);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(reader_reads_its_own_signals, status, 0);
	close(ep);
	close(fd);
}

int main(void)
{
	check_arguments();
	check_reading();
	check_waiting();
	return 0;
}
