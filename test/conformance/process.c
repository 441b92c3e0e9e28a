/*
 * Who a process is, and what fork gives: pids, parents, copies of memory and descriptors, and how a
 * child's end is reported.
 */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>

static int child_value = 1;

static int change_value(void *data)
{
	(void)data;
	child_value = 2;
	return child_value == 2 ? 0 : 1;
}

static int compare_parent(void *data)
{
	return getppid() == *(pid_t *)data ? 0 : 1;
}

static int exit_with(void *data)
{
	return *(int *)data;
}

static int kill_self(void *data)
{
	signal(*(int *)data, SIG_DFL);
	raise(*(int *)data);
	return 0;
}

static void check_identity(void)
{
	pid_t self = getpid();

	CHECK(pid_is_positive, self > 0);
	CHECK_EQ(pid_does_not_change, getpid(), self);
	CHECK_EQ(thread_id_of_a_single_thread_is_the_pid, syscall(SYS_gettid), self);
	CHECK_EQ(child_sees_its_creator_as_parent, check_in_child(compare_parent, &self), 0);
	CHECK_EQ(session_leader_leads_its_group, getpgrp(), self);
	CHECK_EQ(session_id_is_the_leaders_pid, getsid(0), self);
}

static void check_fork(void)
{
	int ends[2];
	char byte = 0;

	CHECK_EQ(child_may_write_its_memory, check_in_child(change_value, NULL), 0);
	CHECK_EQ(memory_of_the_parent_is_untouched_by_the_child, child_value, 1);

	CHECK_EQ(pipe_can_be_made, pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		_exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
	}
	CHECK(fork_returns_the_childs_pid, pid > 0 && pid != getpid());
	CHECK_EQ(descriptors_are_inherited, read(ends[0], &byte, 1), 1);
	CHECK_EQ(data_of_the_child_arrive, byte, 'x');
	CHECK_EQ(wait_returns_the_childs_pid, waitpid(pid, NULL, 0), pid);
	CHECK_ERRNO(a_child_is_reaped_once, waitpid(pid, NULL, 0), ECHILD);
	close(ends[0]);
	close(ends[1]);
}

static void check_endings(void)
{
	for (int code = 0; code <= 256; code += 64) {
		int status = check_in_child(exit_with, &code);
		OUT("exit %d: status 0x%04x", code, status);
	}
	static const int fatal[] = { SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGUSR1, SIGALRM, SIGPIPE };
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
		int status = check_in_child(kill_self, (void *)&fatal[i]);
		CHECK(default_action_kills, WIFSIGNALED(status) && WTERMSIG(status) == fatal[i]);
	}
	static const int ignored[] = { SIGCHLD, SIGURG, SIGWINCH, SIGCONT };
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		CHECK_EQ(default_action_ignores, check_in_child(kill_self, (void *)&ignored[i]), 0);
}

static void check_errors(void)
{
	CHECK_ERRNO(waiting_without_children_fails, wait(NULL), ECHILD);
	CHECK_ERRNO(waiting_for_a_stranger_fails, waitpid(1, NULL, 0), ECHILD);
	CHECK_ERRNO(unknown_wait_option_fails, waitpid(-1, NULL, 0x100), EINVAL);
	CHECK_ERRNO(group_of_no_process_is_not_found, getpgid(0x3fffffff), ESRCH);
	CHECK_ERRNO(unknown_call_is_not_implemented, syscall(100000), ENOSYS);
}

int main(void)
{
	check_identity();
	check_fork();
	check_endings();
	check_errors();
	return 0;
}
