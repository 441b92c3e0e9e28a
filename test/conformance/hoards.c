/*
 * What bounds the number of things that one user, or the whole system, may have: tasks, open files,
 * pages in pipes, descriptors on their way, queued signals, watches of epoll.
 */
#define _GNU_SOURCE
#include "check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "proc_files.h"

#define KERNEL "/proc/sys/kernel/"
#define FS     "/proc/sys/fs/"

enum { USER = 1000, OTHER = 1001, PROCESSES = 6 };

static long number(const char *path)
{
	file_read(path);
	return atol(file_text);
}

static void set_number(const char *path, long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld\n", value);
	file_write(path, text);
}

static void become(uid_t uid)
{
	setresgid(uid, uid, uid);
	setresuid(uid, uid, uid);
}

static void set_limit(int resource, rlim_t value)
{
	struct rlimit limit = { value, value };

	setrlimit(resource, &limit);
}

static int fork_sleeper(void)
{
	int pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

/* How many sleepers can be made, up to `most`; *error is what stopped it. They are killed. */
static int count_sleepers(int most, int *error)
{
	int pids[64], n = 0;

	*error = 0;
	while (n < most && (pids[n] = fork_sleeper()) > 0)
		n++;
	if (n < most)
		*error = errno;
	for (int i = 0; i < n; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	return n;
}

static int limited_user(void *data)
{
	siginfo_t info;
	int error;
	pid_t pid;

	(void)data;
	set_limit(RLIMIT_NPROC, PROCESSES);
	CHECK_EQ(root_is_not_counted, count_sleepers(12, &error), 12);
	become(USER);
	CHECK_EQ(a_user_has_so_many_processes, count_sleepers(12, &error), PROCESSES - 1);
	CHECK_EQ(one_more_is_EAGAIN, error, EAGAIN);
	pid = fork();
	if (pid == 0)
		_exit(0);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	CHECK_EQ(a_zombie_counts, count_sleepers(12, &error), PROCESSES - 2);
	waitpid(pid, NULL, 0);
	CHECK_EQ(a_reaped_one_does_not, count_sleepers(12, &error), PROCESSES - 1);
	return 0;
}

static int execute(void)
{
	char *const arguments[] = { "/proc/self/exe", "-", NULL }, *const environment[] = { NULL };

	return execve(arguments[0], arguments, environment);
}

/* The user has more processes than the limit before this one becomes one of them. */
static int setuid_over_limit(void *data)
{
	(void)data;
	set_limit(RLIMIT_NPROC, 2);
	become(OTHER);
	CHECK_EQ(setuid_does_not_fail_for_it, getuid(), OTHER);
	CHECK_ERRNO(exec_does_with_EAGAIN, execute(), EAGAIN);
	set_limit(RLIMIT_NPROC, 2);
	return 0;
}

static int crowd(void *data)
{
	int pids[4];

	become(OTHER);
	for (int i = 0; i < 4; i++)
		pids[i] = fork_sleeper();
	write(((int *)data)[1], "x", 1);
	read(((int *)data)[2], pids, 1);
	return 0;
}

static void deferred_check(void)
{
	int ends[4];
	char byte;
	pid_t pid;

	pipe(ends);
	pipe(ends + 2);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		_exit(crowd(ends));
	}
	read(ends[0], &byte, 1);
	check_in_child(setuid_over_limit, NULL);
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void system_limits(void)
{
	long threads = number(KERNEL "threads-max"), pids = number(KERNEL "pid_max"), files;
	int error;

	CHECK(there_is_a_limit_of_threads, threads > 100);
	set_number(KERNEL "threads-max", 1);
	CHECK_EQ(even_for_root, count_sleepers(4, &error), 0);
	CHECK_EQ(with_EAGAIN, error, EAGAIN);
	set_number(KERNEL "threads-max", threads);
	CHECK_EQ(threads_max_is_back, number(KERNEL "threads-max"), threads);
	CHECK(zero_threads_are_EINVAL, file_write(KERNEL "threads-max", "0\n") != 0);

	CHECK(pid_max_has_a_least_value, file_write(KERNEL "pid_max", "300\n") != 0);
	CHECK_EQ(which_can_be_set, file_write(KERNEL "pid_max", "301\n"), 0);
	set_number(KERNEL "pid_max", pids);
	CHECK_EQ(pid_max_is_back, number(KERNEL "pid_max"), pids);

	files = number(FS "file-max");
	CHECK(there_is_a_limit_of_files, files >= 8192);
	set_number(FS "file-max", 0);
	CHECK(root_is_above_it, open("/proc/self/exe", O_RDONLY) >= 0);
	set_number(FS "file-max", files);
	CHECK_EQ(file_max_is_back, number(FS "file-max"), files);
}

/* Of a table that is full for all but root. */
static int no_more_files(void *data)
{
	(void)data;
	become(USER);
	/* Linux counts roughly at first. */
	for (int i = 0; i < 200 && open("/dev/null", O_RDONLY) >= 0; i++)
		;
	CHECK_ERRNO(above_file_max_a_file_is_ENFILE, open("/dev/null", O_RDONLY), ENFILE);
	CHECK_ERRNO(a_pipe_too, pipe((int[2]){ 0, 0 }), ENFILE);
	CHECK_ERRNO(and_a_socket, socket(AF_UNIX, SOCK_STREAM, 0), ENFILE);
	return 0;
}

static int pipe_size(int soft, int hard)
{
	int ends[2], size;

	set_number(FS "pipe-user-pages-soft", soft);
	set_number(FS "pipe-user-pages-hard", hard);
	if (pipe(ends))
		return -errno;
	size = fcntl(ends[1], F_GETPIPE_SZ);
	close(ends[0]);
	close(ends[1]);
	return size;
}

static int user_pipes(void *data)
{
	int before[2], after[2];

	(void)data;
	set_number(FS "pipe-user-pages-soft", 20);
	become(USER);
	pipe(before);
	pipe(after);
	CHECK_EQ(the_first_pipe_is_whole, fcntl(before[1], F_GETPIPE_SZ), 65536);
	CHECK_EQ(beyond_the_soft_limit_it_is_small, fcntl(after[1], F_GETPIPE_SZ), 8192);
	CHECK_ERRNO(and_cannot_grow, fcntl(after[1], F_SETPIPE_SZ, 65536), EPERM);
	return 0;
}

static int user_pipes_hard(void *data)
{
	(void)data;
	set_number(FS "pipe-user-pages-hard", 1);
	become(USER);
	CHECK_ERRNO(beyond_the_hard_limit_there_is_none, pipe((int[2]){ 0, 0 }), ENFILE);
	return 0;
}

static int send_descriptor(int socket)
{
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	union {
		struct cmsghdr header;
		char           space[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.header), &socket, sizeof(socket));
	return (int)sendmsg(socket, &message, MSG_DONTWAIT);
}

static int descriptors_in_flight(void *data)
{
	int pair[2], sent = 0;

	(void)data;
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	set_limit(RLIMIT_NOFILE, 10);
	become(USER);
	while (sent < 40 && send_descriptor(pair[0]) == 1)
		sent++;
	CHECK_EQ(so_many_descriptors_may_be_under_way, sent, 11);
	CHECK_ERRNO(more_are_ETOOMANYREFS, send_descriptor(pair[0]), ETOOMANYREFS);
	return 0;
}

static int queued_signals(void *data)
{
	sigset_t all;
	int queued = 0;

	(void)data;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	set_limit(RLIMIT_SIGPENDING, 5);
	become(USER);
	while (queued < 20 && sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0)
		queued++;
	CHECK_EQ(so_many_signals_may_be_queued, queued, 5);
	CHECK_ERRNO(more_are_EAGAIN, sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }), EAGAIN);
	CHECK_EQ(but_an_ordinary_one_always_arrives, kill(getpid(), SIGUSR1), 0);
	return 0;
}

static int watches(void *data)
{
	int epoll = epoll_create1(0), added = 0;
	struct epoll_event event = { .events = EPOLLIN };

	(void)data;
	become(USER);
	epoll = epoll_create1(0);
	while (added < 20 && epoll_ctl(epoll, EPOLL_CTL_ADD, eventfd(0, 0), &event) == 0)
		added++;
	CHECK_EQ(so_many_watches_may_be_had, added, 4);
	CHECK_ERRNO(more_are_ENOSPC, epoll_ctl(epoll, EPOLL_CTL_ADD, eventfd(0, 0), &event),
		    ENOSPC);
	return 0;
}

int main(int argc, char **argv)
{
	long files, most;

	if (argc > 1 && argv[1][0] == '-')
		return 0;
	check_in_child(limited_user, NULL);
	deferred_check();
	system_limits();
	files = number(FS "file-max");
	set_number(FS "file-max", 1);
	check_in_child(no_more_files, NULL);
	set_number(FS "file-max", files);
	CHECK_EQ(root_has_whole_pipes_over_every_limit, pipe_size(1, 1), 65536);
	set_number(FS "pipe-user-pages-hard", 0);
	check_in_child(user_pipes, NULL);
	check_in_child(user_pipes_hard, NULL);
	set_number(FS "pipe-user-pages-soft", 16384);
	set_number(FS "pipe-user-pages-hard", 0);
	check_in_child(descriptors_in_flight, NULL);
	check_in_child(queued_signals, NULL);
	most = number(FS "epoll/max_user_watches");
	CHECK(watches_are_limited_by_memory, most > 1000);
	set_number(FS "epoll/max_user_watches", 4);
	check_in_child(watches, NULL);
	set_number(FS "epoll/max_user_watches", most);
	return 0;
}
