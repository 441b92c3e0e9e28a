/*
 * Advisory locks: record locks of a process, of an open file, flock, deadlocks; and signals of
 * files that became ready.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/time.h>

static int lock(int fd, int command, int type, off_t start, off_t length)
{
	struct flock lock = { .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start,
			      .l_len = length };

	return fcntl(fd, command, &lock);
}

/* Runs in a child: which lock of the parent is in the way of writing from `start` on? */
static void show_conflicts(int fd, const char *when)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		for (off_t at = 0; at < 200;) {
			struct flock lock = { .l_type = F_WRLCK, .l_start = at };

			fcntl(fd, F_GETLK, &lock);
			if (lock.l_type == F_UNLCK)
				break;
			OUT("%s: %s %ld %ld%s", when, lock.l_type == F_RDLCK ? "read" : "write",
			    (long)lock.l_start, (long)lock.l_len,
			    lock.l_pid == getppid() ? "" : " of a stranger");
			if (!lock.l_len)
				break;
			at = lock.l_start + lock.l_len;
		}
		_exit(0);
	}
	waitpid(pid, &status, 0);
}

static void check_ranges(int fd)
{
	CHECK_EQ(range_can_be_locked, lock(fd, F_SETLK, F_WRLCK, 10, 10), 0);
	show_conflicts(fd, "one");
	lock(fd, F_SETLK, F_WRLCK, 20, 10);
	show_conflicts(fd, "next to it");
	lock(fd, F_SETLK, F_RDLCK, 15, 5);
	show_conflicts(fd, "its middle for reading");
	lock(fd, F_SETLK, F_UNLCK, 12, 2);
	show_conflicts(fd, "a hole");
	lock(fd, F_SETLK, F_WRLCK, 5, 100);
	show_conflicts(fd, "over all");
	lock(fd, F_SETLK, F_UNLCK, 50, 0);
	show_conflicts(fd, "without the end");
	lock(fd, F_SETLK, F_RDLCK, 45, -5);
	show_conflicts(fd, "a negative length");
	lock(fd, F_SETLK, F_UNLCK, 0, 0);
	show_conflicts(fd, "none");
	struct flock one = { .l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -10, .l_len = 5 };
	ftruncate(fd, 100);
	fcntl(fd, F_SETLK, &one);
	show_conflicts(fd, "from the end");
	lock(fd, F_SETLK, F_UNLCK, 0, 0);
}

static void check_errors(int fd)
{
	struct flock bad = { .l_type = 9 };
	int reader = open("file", O_RDONLY), writer = open("file", O_WRONLY);

	CHECK_ERRNO(unknown_type_is_EINVAL, fcntl(fd, F_SETLK, &bad), EINVAL);
	bad = (struct flock){ .l_type = F_RDLCK, .l_whence = 9 };
	CHECK_ERRNO(unknown_whence_is_EINVAL, fcntl(fd, F_SETLK, &bad), EINVAL);
	CHECK_ERRNO(range_before_the_file_is_EINVAL, lock(fd, F_SETLK, F_RDLCK, -1, 1), EINVAL);
	CHECK_ERRNO(range_behind_all_is_EOVERFLOW,
		    lock(fd, F_SETLK, F_RDLCK, 0x7fffffffffffffff, 2), EOVERFLOW);
	CHECK_ERRNO(question_for_no_lock_is_EINVAL, lock(fd, F_GETLK, F_UNLCK, 0, 1), EINVAL);
	CHECK_ERRNO(lock_from_nowhere_is_EFAULT, fcntl(fd, F_SETLK, 8), EFAULT);
	CHECK_ERRNO(write_lock_needs_a_writer, lock(reader, F_SETLK, F_WRLCK, 0, 1), EBADF);
	CHECK_ERRNO(read_lock_needs_a_reader, lock(writer, F_SETLK, F_RDLCK, 0, 1), EBADF);
	CHECK_ERRNO(flock_without_kind_is_EINVAL, flock(fd, 0), EINVAL);
	CHECK_ERRNO(flock_of_two_kinds_is_EINVAL, flock(fd, LOCK_SH | LOCK_EX), EINVAL);
	CHECK_ERRNO(flock_of_nothing_is_EBADF, flock(99, LOCK_SH), EBADF);
	close(reader);
	close(writer);
}

static int try_write(void *data)
{
	return lock(*(int *)data, F_SETLK, F_WRLCK, 0, 10) ? errno : 0;
}

static int try_read(void *data)
{
	return lock(*(int *)data, F_SETLK, F_RDLCK, 0, 10) ? errno : 0;
}

static void check_sharing(int fd)
{
	lock(fd, F_SETLK, F_RDLCK, 0, 0);
	CHECK_EQ(readers_share, check_in_child(try_read, &fd), 0);
	CHECK_EQ(writer_is_kept_out, check_in_child(try_write, &fd), EAGAIN << 8);
	lock(fd, F_SETLK, F_WRLCK, 0, 0);
	CHECK_EQ(reader_is_kept_out, check_in_child(try_read, &fd), EAGAIN << 8);
	CHECK_EQ(own_locks_do_not_matter, lock(fd, F_SETLK, F_RDLCK, 0, 1), 0);
	lock(fd, F_SETLK, F_WRLCK, 0, 0);
	close(dup(fd));
	CHECK_EQ(closing_any_descriptor_unlocks, check_in_child(try_write, &fd), 0);
	lock(fd, F_SETLK, F_WRLCK, 0, 0);
	close(open("file", O_RDONLY));
	CHECK_EQ(closing_another_opening_unlocks, check_in_child(try_write, &fd), 0);
	CHECK_EQ(locks_of_the_dead_are_gone, lock(fd, F_SETLK, F_WRLCK, 0, 0), 0);
	lock(fd, F_SETLK, F_UNLCK, 0, 0);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void check_waiting(int fd)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct itimerval timer = { .it_value = { .tv_usec = 20000 } };
	int ends[2], status;
	char byte;

	pipe(ends);
	pid_t pid = fork();
	if (!pid) {
		lock(fd, F_SETLK, F_WRLCK, 0, 10);
		write(ends[1], "x", 1);
		usleep(50000);
		_exit(0);
	}
	read(ends[0], &byte, 1);
	CHECK_EQ(waiter_gets_the_lock, lock(fd, F_SETLKW, F_WRLCK, 5, 10), 0);
	waitpid(pid, &status, 0);
	lock(fd, F_SETLK, F_UNLCK, 0, 0);
	pid = fork();
	if (!pid) {
		lock(fd, F_SETLK, F_WRLCK, 0, 10);
		write(ends[1], "x", 1);
		pause();
		_exit(0);
	}
	read(ends[0], &byte, 1);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	CHECK_ERRNO(signal_ends_the_wait, lock(fd, F_SETLKW, F_WRLCK, 0, 1), EINTR);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	lock(fd, F_SETLK, F_WRLCK, 0, 1);
	pid = fork();
	if (!pid) {
		lock(fd, F_SETLK, F_WRLCK, 1, 1);
		write(ends[1], "x", 1);
		_exit(lock(fd, F_SETLKW, F_WRLCK, 0, 1) ? errno : 0);
	}
	read(ends[0], &byte, 1);
	usleep(30000);
	CHECK_ERRNO(circle_of_waiters_is_EDEADLK, lock(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
	lock(fd, F_SETLK, F_UNLCK, 0, 0);
	waitpid(pid, &status, 0);
	CHECK_EQ(other_waiter_gets_its_lock, status, 0);
	close(ends[0]);
	close(ends[1]);
}

static void check_open_file_locks(int fd)
{
	int other = open("file", O_RDWR), copy = dup(fd);
	struct flock question = { .l_type = F_WRLCK };

	CHECK_EQ(open_file_can_lock, lock(fd, F_OFD_SETLK, F_WRLCK, 0, 10), 0);
	CHECK_ERRNO(another_opening_is_kept_out, lock(other, F_OFD_SETLK, F_WRLCK, 5, 10), EAGAIN);
	CHECK_EQ(copy_of_the_descriptor_is_the_owner, lock(copy, F_OFD_SETLK, F_RDLCK, 0, 5), 0);
	CHECK_ERRNO(process_lock_is_kept_out, lock(other, F_SETLK, F_WRLCK, 0, 10), EAGAIN);
	fcntl(other, F_OFD_GETLK, &question);
	OUT("in the way: type %d from %ld for %ld of %d", question.l_type, (long)question.l_start,
	    (long)question.l_len, (int)question.l_pid);
	question = (struct flock){ .l_type = F_WRLCK, .l_pid = 1 };
	CHECK_ERRNO(open_file_lock_with_a_pid_is_EINVAL, fcntl(fd, F_OFD_SETLK, &question), EINVAL);
	close(copy);
	CHECK_ERRNO(closing_a_copy_keeps_the_lock, lock(other, F_OFD_SETLK, F_WRLCK, 0, 1), EAGAIN);
	copy = open("file", O_RDWR);
	lock(copy, F_OFD_SETLK, F_WRLCK, 50, 1);
	close(copy);
	CHECK_EQ(closing_the_last_releases, lock(other, F_OFD_SETLK, F_WRLCK, 50, 1), 0);
	close(other);
	lock(fd, F_OFD_SETLK, F_UNLCK, 0, 0);
}

static void check_flock(int fd)
{
	int other = open("file", O_RDWR), copy = dup(fd), status;

	CHECK_EQ(flock_is_taken, flock(fd, LOCK_EX), 0);
	CHECK_ERRNO(other_opening_would_block, flock(other, LOCK_SH | LOCK_NB), EAGAIN);
	CHECK_EQ(copy_is_the_same, flock(copy, LOCK_EX | LOCK_NB), 0);
	CHECK_EQ(flock_becomes_shared, flock(fd, LOCK_SH), 0);
	CHECK_EQ(shared_flock_is_shared, flock(other, LOCK_SH | LOCK_NB), 0);
	CHECK_ERRNO(shared_flock_cannot_grow, flock(other, LOCK_EX | LOCK_NB), EAGAIN);
	CHECK_EQ(failed_growth_loses_the_lock, flock(fd, LOCK_EX | LOCK_NB), 0);
	CHECK_EQ(record_locks_do_not_care, lock(other, F_SETLK, F_WRLCK, 0, 0), 0);
	close(fd);
	CHECK_ERRNO(copy_keeps_the_flock, flock(other, LOCK_SH | LOCK_NB), EAGAIN);
	pid_t pid = fork();
	if (!pid) {
		close(copy);
		_exit(flock(other, LOCK_EX | LOCK_NB) ? errno : 0);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(flock_is_inherited, status, EAGAIN << 8);
	CHECK_EQ(flock_can_be_given_back_by_a_copy, flock(copy, LOCK_UN), 0);
	CHECK_EQ(unlocking_twice_is_fine, flock(copy, LOCK_UN), 0);
	CHECK_EQ(given_back_flock_is_free, flock(other, LOCK_EX | LOCK_NB), 0);
	close(other);
	close(copy);
}

static volatile sig_atomic_t signals, last_code, last_fd;

static void on_ready(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	signals++;
	last_code = info->si_code;
	last_fd = info->si_fd;
}

static void check_owner(void)
{
	struct sigaction action = { .sa_sigaction = on_ready, .sa_flags = SA_SIGINFO };
	struct f_owner_ex owner = { .type = F_OWNER_TID, .pid = getpid() };
	int pair[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	sigaction(SIGIO, &action, NULL);
	sigaction(SIGRTMIN, &action, NULL);
	CHECK_EQ(file_has_no_owner, fcntl(pair[0], F_GETOWN), 0);
	CHECK_EQ(owner_can_be_set, fcntl(pair[0], F_SETOWN, getpid()), 0);
	CHECK_EQ(owner_can_be_asked, fcntl(pair[0], F_GETOWN), getpid());
	CHECK_ERRNO(owner_must_exist, fcntl(pair[0], F_SETOWN, 4000000), ESRCH);
	write(pair[1], "x", 1);
	CHECK_EQ(no_signal_without_O_ASYNC, signals, 0);
	fcntl(pair[0], F_SETFL, O_ASYNC);
	CHECK_EQ(O_ASYNC_can_be_seen, fcntl(pair[0], F_GETFL) & O_ASYNC, O_ASYNC);
	write(pair[1], "x", 1);
	CHECK_EQ(data_raise_SIGIO, signals, 1);
	CHECK_EQ(signal_can_be_chosen, fcntl(pair[0], F_SETSIG, SIGRTMIN), 0);
	CHECK_EQ(signal_can_be_asked, fcntl(pair[0], F_GETSIG), SIGRTMIN);
	CHECK_ERRNO(signal_must_exist, fcntl(pair[0], F_SETSIG, 65), EINVAL);
	write(pair[1], "x", 1);
	CHECK_EQ(data_raise_the_chosen_signal, signals, 2);
	CHECK_EQ(signal_tells_the_descriptor, last_fd, pair[0]);
	CHECK_EQ(signal_tells_what_for, last_code, POLL_IN);
	CHECK_EQ(thread_can_be_the_owner, fcntl(pair[0], F_SETOWN_EX, &owner), 0);
	owner.type = 9;
	fcntl(pair[0], F_GETOWN_EX, &owner);
	CHECK_EQ(kind_of_owner_is_told, (int)owner.type, F_OWNER_TID);
	owner.type = 9;
	CHECK_ERRNO(unknown_kind_of_owner_is_EINVAL, fcntl(pair[0], F_SETOWN_EX, &owner), EINVAL);
	fcntl(pair[0], F_SETOWN, -getpgrp());
	fcntl(pair[0], F_GETOWN_EX, &owner);
	CHECK(group_can_be_the_owner, owner.type == F_OWNER_PGRP && owner.pid == getpgrp());
	fcntl(pair[0], F_SETFL, 0);
	write(pair[1], "x", 1);
	CHECK_EQ(no_signal_without_O_ASYNC_again, signals, 2);
	close(pair[0]);
	close(pair[1]);
}

/* Executes itself again and again; the lock is there each time. `left` counts down. */
static int go_on_executing(int left, int fd)
{
	char number[16], descriptor[16];

	if (check_in_child(try_write, &fd) != EAGAIN << 8)
		return 1;
	if (left == 0)
		return 0;
	snprintf(number, sizeof(number), "%d", left - 1);
	snprintf(descriptor, sizeof(descriptor), "%d", fd);
	execl("/proc/self/exe", "locks", number, descriptor, NULL);
	return 2;
}

static void look_at(pid_t pid)
{
	char path[32], line[128];

	for (;;) {
		snprintf(path, sizeof(path), "/proc/%d/fd/0", (int)pid);
		readlink(path, line, sizeof(line));
		snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
		int fd = open(path, O_RDONLY);
		read(fd, line, sizeof(line));
		close(fd);
	}
}

/* Also while others look at the process in /proc. */
static void check_exec(void)
{
	int fd = open("file", O_RDWR), status = -1;
	pid_t pid = fork(), looker;

	if (!pid) {
		lock(fd, F_SETLKW, F_WRLCK, 0, 0);
		_exit(go_on_executing(30, fd));
	}
	looker = fork();
	if (!looker)
		look_at(pid);
	waitpid(pid, &status, 0);
	CHECK_EQ(record_locks_outlive_exec, status, 0);
	kill(looker, SIGKILL);
	waitpid(looker, NULL, 0);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc > 2)
		return go_on_executing(atoi(argv[1]), atoi(argv[2]));

	int fd = open("file", O_CREAT | O_RDWR, 0600);

	check_ranges(fd);
	check_errors(fd);
	check_sharing(fd);
	check_waiting(fd);
	check_open_file_locks(fd);
	check_flock(fd);
	check_owner();
	check_exec();
	unlink("file");
	return 0;
}
