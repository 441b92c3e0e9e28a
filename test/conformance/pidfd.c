/*
 * pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), CLONE_PIDFD, waitid(2) with P_PIDFD.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define P_PIDFD_ID ((idtype_t)3)

struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

static int pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(434, pid, flags);
}

static int pidfd_send_signal(int fd, int sig)
{
	return (int)syscall(424, fd, sig, NULL, 0);
}

static int pidfd_getfd(int fd, int target)
{
	return (int)syscall(438, fd, target, 0);
}

static int is_readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1 && (p.revents & POLLIN);
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		for (;;)
			pause();
	}
	return pid;
}

static void open_and_poll(void)
{
	pid_t pid = sleeper();
	int fd = pidfd_open(pid, 0), status;

	CHECK("pidfd_open_gives_a_descriptor", fd >= 0);
	CHECK("pidfd_closes_on_exec", fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK("pidfd_of_a_living_process_is_not_readable", !is_readable(fd, 0));
	CHECK("read_of_a_pidfd_is_einval", read(fd, &status, 4) == -1 && errno == EINVAL);
	CHECK("signal_zero_through_a_pidfd_only_asks", pidfd_send_signal(fd, 0) == 0);
	CHECK("signal_through_a_pidfd_arrives", pidfd_send_signal(fd, SIGKILL) == 0);
	CHECK("pidfd_becomes_readable_at_the_end", is_readable(fd, 10000));
	CHECK("signal_to_a_zombie_succeeds", pidfd_send_signal(fd, SIGTERM) == 0);
	CHECK("the_zombie_was_killed",
	      waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
	CHECK("signal_after_reaping_is_esrch", pidfd_send_signal(fd, 0) == -1 && errno == ESRCH);
	CHECK("pidfd_stays_readable_after_reaping", is_readable(fd, 0));
	close(fd);
}

static void errors(void)
{
	CHECK("pidfd_open_of_zero_is_einval", pidfd_open(0, 0) == -1 && errno == EINVAL);
	CHECK("pidfd_open_of_a_negative_is_einval", pidfd_open(-1, 0) == -1 && errno == EINVAL);
	CHECK("pidfd_open_of_nobody_is_esrch", pidfd_open(4000000, 0) == -1 && errno == ESRCH);
	CHECK("pidfd_open_refuses_unknown_flags", pidfd_open(getpid(), 1) == -1 && errno == EINVAL);
	CHECK("send_signal_to_a_plain_file_is_ebadf",
	      pidfd_send_signal(0, 0) == -1 && errno == EBADF);
	CHECK("send_signal_to_no_descriptor_is_ebadf",
	      pidfd_send_signal(77, 0) == -1 && errno == EBADF);
}

/* A descriptor of /proc/PID does for pidfd_send_signal, and for nothing else. */
static void proc_directory(void)
{
	pid_t pid = sleeper();
	int fd, status;
	char name[32];

	snprintf(name, sizeof(name), "/proc/%d", pid);
	fd = open(name, O_RDONLY | O_DIRECTORY);
	CHECK("a_proc_directory_opens", fd >= 0);
	CHECK("pidfd_getfd_refuses_a_proc_directory", pidfd_getfd(fd, 0) == -1 && errno == EBADF);
	CHECK("signal_through_a_proc_directory_arrives", pidfd_send_signal(fd, SIGKILL) == 0);
	CHECK("the_process_of_the_directory_was_killed",
	      waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
	CHECK("signal_through_the_directory_of_the_dead_is_esrch",
	      pidfd_send_signal(fd, 0) == -1 && errno == ESRCH);
	close(fd);
	fd = open("/proc", O_RDONLY | O_DIRECTORY);
	CHECK("proc_itself_is_no_process", pidfd_send_signal(fd, 0) == -1 && errno == EBADF);
	close(fd);
	fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY);
	CHECK("a_task_directory_is_no_process", pidfd_send_signal(fd, 0) == -1 && errno == EBADF);
	close(fd);
	fd = open("/proc/self", O_PATH);
	CHECK("a_path_descriptor_is_no_process", pidfd_send_signal(fd, 0) == -1 && errno == EBADF);
	close(fd);
}

static void get_descriptor(void)
{
	int pipes[2], fd, copy;
	pid_t pid;
	char byte;

	if (pipe(pipes))
		return;
	pid = sleeper();
	fd = pidfd_open(pid, 0);
	copy = pidfd_getfd(fd, pipes[1]);
	CHECK("pidfd_getfd_copies_a_descriptor", copy >= 0);
	CHECK("the_copy_is_the_same_file",
	      write(copy, "x", 1) == 1 && read(pipes[0], &byte, 1) == 1 && byte == 'x');
	CHECK("the_copy_closes_on_exec", fcntl(copy, F_GETFD) == FD_CLOEXEC);
	CHECK("pidfd_getfd_of_a_closed_one_is_ebadf", pidfd_getfd(fd, 99) == -1 && errno == EBADF);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK("pidfd_getfd_of_the_dead_is_esrch", pidfd_getfd(fd, 0) == -1 && errno == ESRCH);
	close(fd);
	close(copy);
	close(pipes[0]);
	close(pipes[1]);
}

static void clone_and_wait(void)
{
	int fd = -1;
	struct clone3_args args = {
		.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD,
	};
	siginfo_t info = { 0 };
	pid_t pid = (pid_t)syscall(435, &args, sizeof(args));

	if (!pid)
		_exit(7);
	CHECK("clone3_gives_a_pidfd", pid > 0 && fd >= 0);
	CHECK("waitid_waits_for_a_pidfd", waitid(P_PIDFD_ID, (id_t)fd, &info, WEXITED) == 0);
	CHECK("waitid_tells_who_it_was", info.si_pid == pid && info.si_status == 7);
	close(fd);

	pid = sleeper();
	fd = pidfd_open(pid, O_NONBLOCK);
	CHECK("waitid_of_a_nonblocking_pidfd_is_eagain",
	      waitid(P_PIDFD_ID, (id_t)fd, &info, WEXITED) == -1 && errno == EAGAIN);
	CHECK("waitid_of_a_plain_file_is_ebadf",
	      waitid(P_PIDFD_ID, 0, &info, WEXITED) == -1 && errno == EBADF);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);

	args.flags = CLONE_PIDFD | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
	args.exit_signal = 0;
	CHECK("clone3_has_no_pidfd_for_a_thread",
	      syscall(435, &args, sizeof(args)) == -1 && errno == EINVAL);
}

int main(void)
{
	open_and_poll();
	errors();
	proc_directory();
	get_descriptor();
	clone_and_wait();
	return 0;
}
