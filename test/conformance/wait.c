/*
 * wait4 and waitid: which child is waited for, what is told of it, what stays, and what becomes of
 * children whose parent does not want to know or is gone.
 */
#define _GNU_SOURCE
#include "check.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#ifndef __WALL
#define __WALL 0x40000000
#endif
#ifndef __WCLONE
#define __WCLONE 0x80000000
#endif

static void pause_ms(long ms)
{
	struct timespec span = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&span, &span) == -1 && errno == EINTR)
		;
}

static pid_t child_exits(int code)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(code);
	return pid;
}

static pid_t child_pauses(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

/* waitid by the bare call: libc's has no usage, and may look at info itself. */
static int wait_id(int type, pid_t id, siginfo_t *info, int options, struct rusage *usage)
{
	return (int)syscall(SYS_waitid, type, id, info, options, usage);
}

static void check_waitid(void)
{
	siginfo_t info;
	struct rusage usage;
	pid_t pid = child_exits(7);

	memset(&info, 0x55, sizeof(info));
	CHECK_EQ(waitid_of_a_dead_child_is_zero,
		 wait_id(P_PID, pid, &info, WEXITED | WNOWAIT, NULL), 0);
	CHECK_EQ(waitid_tells_the_pid, info.si_pid, pid);
	CHECK_EQ(waitid_tells_SIGCHLD, info.si_signo, SIGCHLD);
	CHECK_EQ(waitid_tells_the_code, info.si_status, 7);
	CHECK_EQ(waitid_tells_CLD_EXITED, info.si_code, CLD_EXITED);
	CHECK_EQ(waitid_tells_the_uid, info.si_uid, 0);
	CHECK_EQ(waitid_has_no_errno, info.si_errno, 0);
	CHECK_EQ(WNOWAIT_leaves_the_zombie, wait_id(P_PID, pid, &info, WEXITED | WNOWAIT, NULL), 0);
	CHECK_EQ(a_zombie_can_be_signalled, kill(pid, 0), 0);
	CHECK_EQ(a_zombie_takes_a_signal_without_effect, kill(pid, SIGKILL), 0);
	CHECK_EQ(a_zombie_has_its_group, getpgid(pid), getpgrp());
	memset(&usage, 0x55, sizeof(usage));
	CHECK_EQ(waitid_reaps_and_gives_usage, wait_id(P_ALL, 0, &info, WEXITED, &usage), 0);
	CHECK(usage_of_a_short_child_is_small,
	      usage.ru_utime.tv_sec < 5 && usage.ru_stime.tv_sec < 5);
	CHECK_EQ(status_outlives_a_signal_to_the_zombie, info.si_status, 7);
	CHECK_ERRNO(reaped_child_is_gone, wait_id(P_ALL, 0, &info, WEXITED, NULL), ECHILD);
	CHECK_ERRNO(reaped_pid_is_unknown, kill(pid, 0), ESRCH);

	CHECK_ERRNO(waitid_without_a_kind_of_event_fails, wait_id(P_ALL, 0, &info, 0, NULL),
		    EINVAL);
	CHECK_ERRNO(waitid_WNOHANG_alone_fails, wait_id(P_ALL, 0, &info, WNOHANG, NULL), EINVAL);
	CHECK_ERRNO(waitid_unknown_option_fails, wait_id(P_ALL, 0, &info, WEXITED | 0x100, NULL),
		    EINVAL);
	CHECK_ERRNO(waitid_unknown_kind_of_id_fails, wait_id(99, 0, &info, WEXITED, NULL), EINVAL);
	CHECK_ERRNO(waitid_of_pid_zero_fails, wait_id(P_PID, 0, &info, WEXITED, NULL), EINVAL);
	CHECK_ERRNO(waitid_of_a_negative_pid_fails, wait_id(P_PID, -3, &info, WEXITED, NULL),
		    EINVAL);
	CHECK_ERRNO(waitid_of_a_negative_group_fails, wait_id(P_PGID, -3, &info, WEXITED, NULL),
		    EINVAL);

	pid = child_pauses();
	memset(&info, 0x55, sizeof(info));
	CHECK_EQ(waitid_WNOHANG_of_a_living_child_is_zero,
		 wait_id(P_ALL, 0, &info, WEXITED | WNOHANG, NULL), 0);
	CHECK(waitid_WNOHANG_clears_the_answer, info.si_pid == 0 && info.si_signo == 0);
	kill(pid, SIGTERM);
	CHECK_EQ(waitid_without_an_answer_waits, wait_id(P_PGID, 0, NULL, WEXITED, NULL), 0);
	pid = child_pauses();
	kill(pid, SIGKILL);
	CHECK_EQ(waitid_of_the_own_group_finds_the_child,
		 wait_id(P_PGID, getpgrp(), &info, WEXITED, NULL), 0);
	CHECK(waitid_tells_the_killing_signal,
	      info.si_code == CLD_KILLED && info.si_status == SIGKILL && info.si_pid == pid);
}

static void check_answers(void)
{
	int status = 0x5555;
	pid_t pid = child_pauses();

	CHECK_EQ(WNOHANG_of_a_living_child_is_zero, waitpid(pid, &status, WNOHANG), 0);
	CHECK_EQ(WNOHANG_leaves_the_status_alone, status, 0x5555);
	kill(pid, SIGKILL);
	CHECK_EQ(status_may_be_left_out, waitpid(pid, NULL, 0), pid);

	pid = child_exits(3);
	CHECK_ERRNO(bad_status_address_fails, syscall(SYS_wait4, pid, (void *)8, 0, NULL), EFAULT);
	CHECK_ERRNO(child_is_reaped_in_spite_of_a_bad_address, waitpid(pid, &status, 0), ECHILD);
	pid = child_exits(3);
	CHECK_ERRNO(bad_usage_address_fails, syscall(SYS_wait4, pid, &status, 0, (void *)8),
		    EFAULT);
	CHECK_ERRNO(waiting_for_the_least_pid_finds_nothing, waitpid((pid_t)0x80000000, NULL, 0),
		    ESRCH);
	CHECK_ERRNO(wait4_does_not_know_WEXITED, waitpid(-1, NULL, WEXITED), EINVAL);
	CHECK_ERRNO(wait4_does_not_know_WNOWAIT, waitpid(-1, NULL, WNOWAIT), EINVAL);
	CHECK_ERRNO(group_without_children_is_ECHILD, waitpid(-0x3ffffff, NULL, 0), ECHILD);
	for (int code = 255; code <= 257; code++) {
		pid = child_exits(code);
		waitpid(pid, &status, 0);
		CHECK_EQ(only_the_low_byte_of_the_code_arrives, WEXITSTATUS(status), code & 255);
	}
}

static void check_order(void)
{
	pid_t first = child_exits(1), second = child_pauses();
	int status;

	CHECK_EQ(any_child_means_the_dead_one, waitpid(-1, &status, 0), first);
	CHECK_EQ(a_chosen_child_that_lives_is_not_yet, waitpid(second, &status, WNOHANG), 0);
	setpgid(second, second);
	CHECK_ERRNO(own_group_has_no_more_children, waitpid(0, &status, WNOHANG), ECHILD);
	CHECK_EQ(group_of_the_child_has_it, waitpid(-second, &status, WNOHANG), 0);
	kill(second, SIGTERM);
	CHECK_EQ(group_of_the_child_is_waited_for, waitpid(-second, &status, 0), second);
	CHECK(status_names_the_signal, WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);

	enum { MANY = 20 };
	pid_t pids[MANY];
	int seen = 0;

	for (int i = 0; i < MANY; i++)
		pids[i] = child_exits(i);
	for (int i = 0; i < MANY; i++) {
		pid_t pid = waitpid(-1, &status, 0);
		seen += pid == pids[WEXITSTATUS(status)];
	}
	CHECK_EQ(each_of_many_children_is_reaped_with_its_code, seen, MANY);
	CHECK_ERRNO(no_child_is_left, waitpid(-1, &status, 0), ECHILD);
}

static volatile sig_atomic_t nr_chld;
static volatile siginfo_t chld;

static void on_chld(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	chld = *info;
	nr_chld++;
}

static void catch_chld(int flags)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | flags };

	action.sa_sigaction = on_chld;
	sigaction(SIGCHLD, &action, NULL);
	nr_chld = 0;
}

static void await_chld(int count)
{
	for (int i = 0; i < 500 && nr_chld < count; i++)
		pause_ms(2);
}

static void check_stops(void)
{
	siginfo_t info;
	int status;
	pid_t pid;

	catch_chld(0);
	pid = child_pauses();
	kill(pid, SIGSTOP);
	CHECK_EQ(WUNTRACED_waits_for_a_stop, waitpid(pid, &status, WUNTRACED), pid);
	CHECK_EQ(status_of_a_stop, status, SIGSTOP << 8 | 0x7f);
	await_chld(1);
	CHECK(stop_sends_SIGCHLD, nr_chld == 1 && chld.si_code == CLD_STOPPED &&
					  chld.si_status == SIGSTOP && chld.si_pid == pid);
	CHECK_EQ(a_stop_is_told_once, waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	kill(pid, SIGSTOP);
	pause_ms(20);
	CHECK_EQ(a_second_stop_of_a_stopped_child_is_no_news,
		 waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	kill(pid, SIGTERM);
	pause_ms(20);
	CHECK_EQ(a_stopped_child_does_not_die_of_SIGTERM, waitpid(pid, &status, WNOHANG), 0);
	signal(SIGCHLD, SIG_DFL);
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	CHECK(pending_SIGTERM_kills_after_SIGCONT,
	      WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);

	catch_chld(0);
	pid = child_pauses();
	setpgid(pid, pid); /* with a parent in another group it is not orphaned */
	kill(pid, SIGTSTP);
	memset(&info, 0, sizeof(info));
	CHECK_EQ(WSTOPPED_of_waitid, wait_id(P_PID, pid, &info, WSTOPPED | WNOWAIT, NULL), 0);
	CHECK(waitid_tells_the_stop, info.si_code == CLD_STOPPED && info.si_status == SIGTSTP);
	CHECK_EQ(WNOWAIT_leaves_the_stop, wait_id(P_PID, pid, &info, WSTOPPED, NULL), 0);
	info.si_pid = 1;
	wait_id(P_PID, pid, &info, WSTOPPED | WNOHANG, NULL);
	CHECK_EQ(stop_is_taken, info.si_pid, 0);
	await_chld(1);
	nr_chld = 0;
	kill(pid, SIGCONT);
	CHECK_EQ(WCONTINUED_waits_for_going_on, waitpid(pid, &status, WCONTINUED), pid);
	CHECK_EQ(status_of_going_on, status, 0xffff);
	CHECK(macro_knows_going_on, WIFCONTINUED(status));
	await_chld(1);
	CHECK(going_on_sends_SIGCHLD,
	      nr_chld == 1 && chld.si_code == CLD_CONTINUED && chld.si_status == SIGCONT);
	CHECK_EQ(going_on_is_told_once, waitpid(pid, &status, WCONTINUED | WNOHANG), 0);
	kill(pid, SIGCONT);
	pause_ms(20);
	CHECK_EQ(SIGCONT_of_a_running_child_is_no_news, waitpid(pid, &status, WCONTINUED | WNOHANG),
		 0);

	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGKILL);
	CHECK_EQ(SIGKILL_ends_a_stopped_child, waitpid(pid, &status, 0), pid);
	CHECK(stopped_child_was_killed, WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

	catch_chld(SA_NOCLDSTOP);
	pid = child_pauses();
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGCONT);
	waitpid(pid, &status, WCONTINUED);
	pause_ms(10);
	CHECK_EQ(SA_NOCLDSTOP_keeps_stops_quiet, nr_chld, 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	await_chld(1);
	CHECK(SA_NOCLDSTOP_tells_of_death, nr_chld == 1 && chld.si_code == CLD_KILLED &&
						   chld.si_status == SIGKILL && chld.si_pid == pid);
	signal(SIGCHLD, SIG_DFL);
}

static void check_stop_races(void)
{
	int status, good = 0;
	pid_t pid = child_pauses();

	for (int i = 0; i < 200; i++) {
		kill(pid, SIGSTOP);
		kill(pid, SIGCONT);
	}
	for (int i = 0; i < 50; i++) {
		kill(pid, SIGSTOP);
		if (waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status))
			good++;
		kill(pid, SIGCONT);
		if (waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status))
			good++;
	}
	CHECK_EQ(every_stop_and_continue_is_told_in_turn, good, 100);
	for (int i = 0; i < 100; i++) {
		kill(pid, SIGSTOP);
		kill(pid, SIGCONT);
		kill(pid, SIGTERM);
		good += waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM;
		pid = child_pauses();
	}
	CHECK_EQ(STOP_then_CONT_never_leaves_it_stuck, good, 200);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void check_unwanted(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN };
	int status;
	pid_t pid;

	sigaction(SIGCHLD, &action, NULL);
	pid = child_exits(1);
	CHECK_ERRNO(ignored_SIGCHLD_leaves_no_zombie, waitpid(pid, &status, 0), ECHILD);
	child_exits(1);
	child_exits(2);
	CHECK_ERRNO(wait_for_unwanted_children_ends_when_all_are_gone, waitpid(-1, &status, 0),
		    ECHILD);
	pid = child_pauses();
	CHECK_EQ(unwanted_child_that_lives_is_not_yet, waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	CHECK_ERRNO(unwanted_child_is_gone_when_killed, waitpid(pid, &status, 0), ECHILD);

	catch_chld(SA_NOCLDWAIT);
	pid = child_exits(5);
	CHECK_ERRNO(SA_NOCLDWAIT_leaves_no_zombie, waitpid(pid, &status, 0), ECHILD);
	await_chld(1);
	CHECK(SA_NOCLDWAIT_still_sends_SIGCHLD, nr_chld == 1 && chld.si_code == CLD_EXITED &&
							chld.si_status == 5 && chld.si_pid == pid);
	signal(SIGCHLD, SIG_DFL);
	pid = child_exits(6);
	pause_ms(20);
	signal(SIGCHLD, SIG_IGN);
	CHECK_EQ(zombie_from_before_SIG_IGN_is_kept, waitpid(pid, &status, 0), pid);
	signal(SIGCHLD, SIG_DFL);
}

static void check_clone_children(void)
{
	int status;
	pid_t pid = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(4);
	CHECK_ERRNO(plain_wait_does_not_see_a_child_without_signal, waitpid(pid, &status, 0),
		    ECHILD);
	CHECK_EQ(WCLONE_sees_it, waitpid(pid, &status, __WCLONE), pid);
	CHECK_EQ(its_code_arrives, WEXITSTATUS(status), 4);
	signal(SIGUSR1, SIG_IGN);
	pid = (pid_t)syscall(SYS_clone, SIGUSR1, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(4);
	CHECK_EQ(WALL_sees_a_child_with_another_signal, waitpid(pid, &status, __WALL), pid);
	pid = child_exits(2);
	CHECK_ERRNO(WCLONE_does_not_see_a_plain_child, waitpid(pid, &status, __WCLONE), ECHILD);
	CHECK_EQ(WALL_sees_a_plain_child, waitpid(pid, &status, __WALL), pid);

	struct sigaction action = { .sa_flags = SA_SIGINFO };
	action.sa_sigaction = on_chld;
	sigaction(SIGUSR2, &action, NULL);
	nr_chld = 0;
	pid = (pid_t)syscall(SYS_clone, SIGUSR2, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(9);
	await_chld(1);
	CHECK(other_exit_signal_carries_the_status,
	      nr_chld == 1 && chld.si_signo == SIGUSR2 && chld.si_code == CLD_EXITED &&
		      chld.si_status == 9 && chld.si_pid == pid);
	waitpid(pid, &status, __WALL);
	signal(SIGUSR2, SIG_DFL);
}

static int *shared;

static int orphan(void *data)
{
	(void)data;
	pid_t self = getpid();

	if (fork() == 0) {
		for (int i = 0; i < 1000 && getppid() == self; i++)
			pause_ms(1);
		shared[0] = getppid();
		shared[1] = getpid();
		_exit(11);
	}
	_exit(0);
}

static int subreaper(void *data)
{
	int on = -1, status;
	pid_t pid;

	(void)data;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_GET_CHILD_SUBREAPER, &on);
	CHECK_EQ(subreaper_is_remembered, on, 1);
	pid = fork();
	if (pid == 0) {
		on = -1;
		prctl(PR_GET_CHILD_SUBREAPER, &on);
		CHECK_EQ(subreaper_is_not_inherited, on, 0);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	check_in_child(orphan, NULL);
	CHECK(subreaper_reaps_the_orphan,
	      waitpid(-1, &status, 0) == shared[1] && WEXITSTATUS(status) == 11);
	CHECK_EQ(orphan_has_the_subreaper_as_parent, shared[0], getpid());
	CHECK_ERRNO(subreaper_has_no_more_children, wait(NULL), ECHILD);
	return 0;
}

static void check_orphans(void)
{
	shared[0] = 0;
	check_in_child(orphan, NULL);
	for (int i = 0; i < 1000 && !shared[1]; i++)
		pause_ms(1);
	CHECK_EQ(orphan_goes_to_init, shared[0], 1);
	shared[1] = 0;
	CHECK_EQ(subreaper_ends_well, check_in_child(subreaper, NULL), 0);
}

static int burn(void *data)
{
	struct rusage self;
	volatile unsigned long count = 0;

	(void)data;
	for (volatile char *at = malloc(8 << 20), *end = at + (8 << 20); at < end; at += 4096)
		*at = 1;
	do {
		for (int i = 0; i < 100000; i++)
			count++;
		getrusage(RUSAGE_SELF, &self);
	} while (self.ru_utime.tv_sec * 1000000 + self.ru_utime.tv_usec < 30000);
	return 0;
}

static long micros(const struct timeval *value)
{
	return value->tv_sec * 1000000 + value->tv_usec;
}

static void check_usage(void)
{
	struct rusage before, after, one;
	pid_t pid;
	int status;

	getrusage(RUSAGE_CHILDREN, &before);
	pid = fork();
	if (pid == 0)
		_exit(burn(NULL));
	memset(&one, 0, sizeof(one));
	CHECK_EQ(wait4_gives_usage, wait4(pid, &status, 0, &one), pid);
	getrusage(RUSAGE_CHILDREN, &after);
	CHECK(wait4_counts_the_childs_time, micros(&one.ru_utime) >= 20000);
	CHECK(time_of_waited_children_is_summed,
	      micros(&after.ru_utime) - micros(&before.ru_utime) >= 20000);
	CHECK(faults_of_the_child_are_counted, one.ru_minflt > 0);
	CHECK(memory_of_the_child_is_counted_in_KiB, one.ru_maxrss > 6000 && one.ru_maxrss < 16000);
	CHECK_ERRNO(unknown_usage_fails, getrusage(5, &one), EINVAL);
	CHECK_EQ(usage_of_the_thread, getrusage(RUSAGE_THREAD, &one), 0);
	CHECK_ERRNO(usage_to_a_bad_address_fails, syscall(SYS_getrusage, 0, (void *)8), EFAULT);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void check_interruption(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct sigaction again = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	pid_t pid = child_pauses();
	pid_t parent = getpid();
	int status;

	sigaction(SIGUSR1, &action, NULL);
	pid_t killer = fork();
	if (killer == 0) {
		pause_ms(30);
		kill(parent, SIGUSR1);
		_exit(0);
	}
	CHECK_ERRNO(handler_interrupts_wait, waitpid(pid, &status, 0), EINTR);
	waitpid(killer, &status, 0);
	sigaction(SIGUSR1, &again, NULL);
	killer = fork();
	if (killer == 0) {
		pause_ms(30);
		kill(parent, SIGUSR1);
		pause_ms(30);
		kill(pid, SIGKILL);
		_exit(0);
	}
	CHECK_EQ(SA_RESTART_waits_on, waitpid(pid, &status, 0), pid);
	waitpid(killer, &status, 0);
	signal(SIGUSR1, SIG_DFL);
}

int main(void)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check_waitid();
	check_answers();
	check_order();
	check_stops();
	check_stop_races();
	check_unwanted();
	check_clone_children();
	check_orphans();
	check_usage();
	check_interruption();
	return 0;
}
