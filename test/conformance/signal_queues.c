/*
 * Queued signals: order, payload and limits, and waiting for them without a handler.
 */
#define _GNU_SOURCE
#include "signal_log.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* libc's own goes on after EINTR. */
static int wait_signal(const sigset_t *set, siginfo_t *info, const struct timespec *span)
{
	return (int)syscall(SYS_rt_sigtimedwait, set, info, span, 8);
}

static int queue_value(int sig, int value)
{
	return sigqueue(getpid(), sig, (union sigval){ .sival_int = value });
}

static void check_queues(void)
{
	int high = SIGRTMIN + 5, low = SIGRTMIN + 1;

	catch (high, 0);
	catch (low, 0);
	catch (SIGUSR2, 0);
	sigset_t set, old;
	sigemptyset(&set);
	sigaddset(&set, high);
	sigaddset(&set, low);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, &old);
	for (int i = 0; i < 5; i++) {
		queue_value(high, 100 + i);
		queue_value(low, i);
	}
	queue_value(SIGUSR2, 55);
	queue_value(SIGUSR2, 56);
	log_count = 0;
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK_EQ(all_queued_signals_arrive, log_count, 11);
	/*
	 * Frames are pushed for all of them before user code runs: the last delivered, the highest,
	 * runs first, and the handler of a lower one follows.
	 */
	for (int i = 0; i < log_count && i < LOG_MAX; i++)
		OUT("delivered rt%+d value %d code %d", log_signal[i] - SIGRTMIN, log_value[i],
		    log_code[i]);
}

static void queue_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGRTMIN + 5);
	sigaddset(set, SIGRTMIN + 1);
	sigaddset(set, SIGUSR2);
}

static void check_waiting(void)
{
	int high = SIGRTMIN + 5, low = SIGRTMIN + 1;
	struct timespec zero = { 0, 0 };
	siginfo_t info;
	sigset_t set, old;

	queue_set(&set);
	sigprocmask(SIG_BLOCK, NULL, &old);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 3; i++) {
		queue_value(high, 100 + i);
		queue_value(low, i);
	}
	queue_value(SIGUSR2, 77);
	for (int i = 0; i < 7; i++) {
		int sig = wait_signal(&set, &info, &zero);
		OUT("waited for rt%+d value %d code %d", sig - SIGRTMIN, info.si_value.sival_int,
		    info.si_code);
	}
	CHECK_ERRNO(sigtimedwait_of_nothing_times_out, wait_signal(&set, &info, &zero), EAGAIN);
	raise(low);
	memset(&info, 0x55, sizeof(info));
	CHECK_EQ(raised_signal_is_waited_for, wait_signal(&set, &info, NULL), low);
	CHECK(tkill_tells_its_sender,
	      info.si_code == SI_TKILL && info.si_pid == getpid() && info.si_uid == getuid());
	kill(getpid(), low);
	wait_signal(&set, &info, NULL);
	CHECK(kill_tells_its_sender, info.si_code == SI_USER && info.si_pid == getpid());
	CHECK_EQ(info_may_be_left_out, (queue_value(low, 1), wait_signal(&set, NULL, &zero)), low);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void check_waiting_ends(void)
{
	struct timespec zero = { 0, 0 };
	siginfo_t info;
	sigset_t set;

	queue_set(&set);
	struct timespec bad = { 0, 1000000000 };
	CHECK_ERRNO(sigtimedwait_with_a_bad_time_fails, wait_signal(&set, NULL, &bad), EINVAL);
	struct timespec negative = { -1, 0 };
	CHECK_ERRNO(sigtimedwait_with_a_negative_time_fails, wait_signal(&set, NULL, &negative),
		    EINVAL);
	struct timespec span = { 0, 20000000 };
	CHECK_ERRNO(sigtimedwait_waits_and_gives_up, wait_signal(&set, NULL, &span), EAGAIN);
	CHECK_ERRNO(sigtimedwait_of_another_size_fails,
		    syscall(SYS_rt_sigtimedwait, &set, NULL, &zero, 4), EINVAL);

	/* A set with SIGKILL waits for the rest; another signal's handler ends the wait. */
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		pause_ms(30);
		kill(parent, SIGUSR2);
		_exit(0);
	}
	sigdelset(&set, SIGUSR2);
	log_count = 0;
	CHECK_ERRNO(other_signals_interrupt_sigwaitinfo, wait_signal(&set, NULL, NULL), EINTR);
	CHECK_EQ(and_their_handlers_run, log_count, 1);
	waitpid(pid, NULL, 0);
	signal(SIGUSR2, SIG_DFL);
	pid = fork();
	if (pid == 0) {
		pause_ms(30);
		kill(parent, SIGUSR2);
		_exit(0);
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	mask(SIG_BLOCK, SIGUSR2);
	CHECK_EQ(awaited_signal_is_taken, wait_signal(&set, &info, NULL), SIGUSR2);
	CHECK_EQ(awaited_signal_names_its_sender, info.si_pid, pid);
	waitpid(pid, NULL, 0);
	mask(SIG_UNBLOCK, SIGUSR2);
	int status;
	pid = fork();
	if (pid == 0) {
		wait_signal(&set, &info, NULL);
		_exit(0);
	}
	pause_ms(30);
	kill(pid, SIGUSR2);
	waitpid(pid, &status, 0);
	CHECK(awaited_signal_that_is_not_blocked_kills, WIFSIGNALED(status));
}

static void check_queue_info(void)
{
	siginfo_t info = { .si_code = SI_QUEUE };
	pid_t pid;

	info.si_value.sival_int = 42;
	info.si_pid = 12345;
	info.si_uid = 777;
	catch (SIGUSR1, 0);
	CHECK_EQ(sigqueueinfo_to_oneself, syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info),
		 0);
	CHECK(sigqueueinfo_arrives_as_it_was_given,
	      last.si_value.sival_int == 42 && last.si_pid == 12345 && last.si_uid == 777 &&
		      last.si_signo == SIGUSR1);
	info.si_code = SI_USER;
	CHECK_EQ(one_may_lie_to_oneself, syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info), 0);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	CHECK_ERRNO(one_may_not_pretend_kill_to_others,
		    syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info), EPERM);
	info.si_code = SI_TKILL;
	CHECK_ERRNO(one_may_not_pretend_tkill_to_others,
		    syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info), EPERM);
	info.si_code = SI_QUEUE;
	CHECK_EQ(sigqueueinfo_to_a_child, syscall(SYS_rt_sigqueueinfo, pid, SIGTERM, &info), 0);
	int status;
	waitpid(pid, &status, 0);
	CHECK(queued_signal_kills, WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	CHECK_ERRNO(sigqueueinfo_to_nobody,
		    syscall(SYS_rt_sigqueueinfo, 0x3fffffff, SIGUSR1, &info), ESRCH);
	CHECK_ERRNO(sigqueueinfo_of_a_wrong_signal,
		    syscall(SYS_rt_sigqueueinfo, getpid(), 65, &info), EINVAL);
	CHECK_EQ(signal_zero_only_looks, syscall(SYS_rt_sigqueueinfo, getpid(), 0, &info), 0);
	CHECK_EQ(tgsigqueueinfo_to_oneself,
		 syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, &info), 0);
	CHECK_ERRNO(tgsigqueueinfo_of_no_thread,
		    syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &info), EINVAL);
	CHECK_ERRNO(tgsigqueueinfo_of_another_group,
		    syscall(SYS_rt_tgsigqueueinfo, 1, getpid(), SIGUSR1, &info), ESRCH);
	signal(SIGUSR1, SIG_DFL);
}

static void check_queue_limit(void)
{
	struct rlimit limit, old;
	int sent = 0;

	getrlimit(RLIMIT_SIGPENDING, &old);
	pid_t pid = fork();
	if (pid == 0) {
		limit = (struct rlimit){ 8, old.rlim_max };
		setrlimit(RLIMIT_SIGPENDING, &limit);
		syscall(SYS_setuid, 4321); /* the count is the user's: take a fresh one */
		catch (SIGRTMIN, 0);
		mask(SIG_BLOCK, SIGRTMIN);
		while (sent < 100 && queue_value(SIGRTMIN, sent) == 0)
			sent++;
		CHECK_EQ(queue_holds_as_many_as_the_limit_says, sent, 8);
		CHECK_ERRNO(full_queue_says_EAGAIN, queue_value(SIGRTMIN, 0), EAGAIN);
		CHECK_EQ(kill_of_a_full_queue_succeeds, kill(getpid(), SIGRTMIN), 0);
		CHECK_EQ(plain_signal_of_a_full_queue_succeeds, kill(getpid(), SIGCHLD), 0);
		mask(SIG_UNBLOCK, SIGRTMIN);
		CHECK_EQ(all_that_were_queued_arrive, log_count, 8);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void check_thousand_signals(void)
{
	pid_t parent = getpid(), pid;
	int status;

	catch (SIGUSR1, SA_RESTART);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 1000; i++)
			sigqueue(parent, SIGUSR1 + 0, (union sigval){ .sival_int = i });
		_exit(3);
	}
	CHECK_EQ(a_storm_of_signals_disturbs_no_restarted_wait, waitpid(pid, &status, 0), pid);
	CHECK(some_of_the_storm_arrived, log_count > 0);
	catch (SIGRTMIN, SA_RESTART);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 1000; i++)
			while (sigqueue(parent, SIGRTMIN, (union sigval){ .sival_int = i }))
				pause_ms(1);
		_exit(3);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(no_real_time_signal_is_lost, log_count, 1000);
	CHECK_EQ(the_last_one_is_the_last, last.si_value.sival_int, 999);
	signal(SIGRTMIN, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
}

int main(void)
{
	check_queues();
	check_waiting();
	check_waiting_ends();
	check_queue_info();
	check_queue_limit();
	check_thousand_signals();
	return 0;
}
