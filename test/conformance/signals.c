/*
 * Signals: actions and their flags, masks and queues, who gets what and in which order, and how
 * sleeping calls end or go on. Frames and registers are in sigframe.c, faults in sigfault.c.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

enum { LOG_MAX = 64 };

static volatile int log_signal[LOG_MAX], log_value[LOG_MAX], log_code[LOG_MAX];
static volatile sig_atomic_t log_count;
static volatile siginfo_t last;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	last = *info;
	log_signal[log_count % LOG_MAX] = sig;
	log_value[log_count % LOG_MAX] = info->si_value.sival_int;
	log_code[log_count % LOG_MAX] = info->si_code;
	log_count++;
}

static void catch(int sig, int flags)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | flags };

	action.sa_sigaction = on_signal;
	sigaction(sig, &action, NULL);
	log_count = 0;
}

static void mask(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(how, &set, NULL);
}

static bool pends(int sig)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, sig);
}

static void pause_ms(long ms)
{
	struct timespec span = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&span, &span) == -1 && errno == EINTR)
		;
}

/* rt_sigaction as the kernel has it, for what libc hides. */
struct raw_action {
	void (*handler)(int sig);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static long raw_sigaction(int sig, const void *act, void *old, size_t size)
{
	return syscall(SYS_rt_sigaction, sig, act, old, size);
}

/* libc's own goes on after EINTR. */
static int wait_signal(const sigset_t *set, siginfo_t *info, const struct timespec *span)
{
	return (int)syscall(SYS_rt_sigtimedwait, set, info, span, 8);
}

static void check_actions(void)
{
	struct raw_action action = { .handler = SIG_IGN, .mask = ~0ull, .flags = 0x40 }, old;

	CHECK_ERRNO(signal_zero_has_no_action, raw_sigaction(0, NULL, &old, 8), EINVAL);
	CHECK_ERRNO(signal_65_has_no_action, raw_sigaction(65, NULL, &old, 8), EINVAL);
	CHECK_ERRNO(set_of_another_size_fails, raw_sigaction(SIGUSR1, NULL, &old, 16), EINVAL);
	CHECK_ERRNO(SIGKILL_cannot_be_ignored, raw_sigaction(SIGKILL, &action, NULL, 8), EINVAL);
	CHECK_ERRNO(SIGSTOP_cannot_be_ignored, raw_sigaction(SIGSTOP, &action, NULL, 8), EINVAL);
	CHECK_EQ(action_of_SIGKILL_can_be_read, raw_sigaction(SIGKILL, NULL, &old, 8), 0);
	CHECK(action_of_SIGKILL_is_the_default, old.handler == SIG_DFL && old.flags == 0);
	CHECK_ERRNO(bad_new_action_fails, raw_sigaction(SIGUSR1, (void *)8, NULL, 8), EFAULT);
	CHECK_ERRNO(bad_old_action_fails, raw_sigaction(SIGUSR1, &action, (void *)8, 8), EFAULT);
	CHECK_EQ(action_can_be_read_back, raw_sigaction(SIGUSR1, NULL, &old, 8), 0);
	CHECK(action_was_set_though_the_old_one_could_not_be_told, old.handler == SIG_IGN);
	OUT("mask read back 0x%llx", (unsigned long long)old.mask);
	action.flags = 0xfffffffful & ~0x04000000ul;
	raw_sigaction(SIGUSR1, &action, NULL, 8);
	raw_sigaction(SIGUSR1, NULL, &old, 8);
	OUT("flags read back 0x%lx", old.flags);
	CHECK_EQ(signal_returns_the_old_handler, (long)signal(SIGUSR1, SIG_DFL), (long)SIG_IGN);

	catch(SIGUSR1, SA_RESETHAND);
	raise(SIGUSR1);
	raw_sigaction(SIGUSR1, NULL, &old, 8);
	CHECK(SA_RESETHAND_resets_the_handler, log_count == 1 && old.handler == SIG_DFL);
	CHECK(SA_RESETHAND_keeps_the_flags, (old.flags & SA_RESETHAND) && (old.flags & SA_SIGINFO));
}

static volatile int depth, max_depth, blocked_inside;

static void on_nested(int sig)
{
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	blocked_inside = sigismember(&now, sig) + 2 * sigismember(&now, SIGUSR2);
	if (++depth > max_depth)
		max_depth = depth;
	if (log_count++ < 3)
		raise(sig);
	depth--;
}

static void check_nesting(void)
{
	struct sigaction action = { .sa_handler = on_nested };
	sigset_t now;

	sigaddset(&action.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &action, NULL);
	log_count = 0;
	raise(SIGUSR1);
	CHECK_EQ(own_signal_waits_for_the_handlers_end, max_depth, 1);
	CHECK_EQ(handler_runs_for_each, log_count, 4);
	CHECK_EQ(handler_blocks_itself_and_sa_mask, blocked_inside, 3);
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK(mask_is_restored_after_the_handler, !sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2));
	action.sa_flags = SA_NODEFER;
	sigemptyset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	log_count = 0;
	max_depth = 0;
	raise(SIGUSR1);
	CHECK_EQ(SA_NODEFER_lets_it_nest, max_depth, 4);
	CHECK_EQ(SA_NODEFER_does_not_block, blocked_inside, 0);
	signal(SIGUSR1, SIG_DFL);
}

static void check_masks(void)
{
	sigset_t set, old;
	uint64_t raw = ~0ull;

	sigprocmask(SIG_SETMASK, NULL, &old);
	CHECK_EQ(all_signals_can_be_asked_to_be_blocked,
		 syscall(SYS_rt_sigprocmask, SIG_SETMASK, &raw, NULL, 8), 0);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &raw, 8);
	OUT("all blocked: 0x%llx", (unsigned long long)raw);
	CHECK_ERRNO(unknown_how_fails, syscall(SYS_rt_sigprocmask, 9, &raw, NULL, 8), EINVAL);
	CHECK_EQ(unknown_how_without_a_set_is_not_looked_at,
		 syscall(SYS_rt_sigprocmask, 9, NULL, &raw, 8), 0);
	CHECK_ERRNO(mask_of_another_size_fails, syscall(SYS_rt_sigprocmask, 0, &raw, NULL, 4), EINVAL);
	CHECK_ERRNO(bad_mask_fails, syscall(SYS_rt_sigprocmask, 0, (void *)8, NULL, 8), EFAULT);
	CHECK_ERRNO(bad_old_mask_fails, syscall(SYS_rt_sigprocmask, 0, NULL, (void *)8, 8), EFAULT);
	CHECK_ERRNO(pending_set_of_a_greater_size_fails, syscall(SYS_rt_sigpending, &raw, 16), EINVAL);
	CHECK_EQ(pending_set_of_a_lesser_size_is_allowed, syscall(SYS_rt_sigpending, &raw, 4), 0);
	sigprocmask(SIG_SETMASK, &old, NULL);

	catch(SIGUSR1, 0);
	mask(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	raise(SIGUSR1);
	CHECK(blocked_signal_pends, pends(SIGUSR1) && log_count == 0);
	mask(SIG_UNBLOCK, SIGUSR1);
	CHECK_EQ(plain_signals_do_not_queue, log_count, 1);
	CHECK(nothing_pends_any_more, !pends(SIGUSR1));

	mask(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	CHECK(becoming_ignored_forgets_a_pending_signal, !pends(SIGUSR1));
	raise(SIGUSR1);
	CHECK(ignored_signal_that_is_blocked_pends, pends(SIGUSR1));
	catch(SIGUSR1, 0);
	mask(SIG_UNBLOCK, SIGUSR1);
	CHECK_EQ(it_is_delivered_when_no_longer_ignored, log_count, 1);
	mask(SIG_BLOCK, SIGCHLD);
	raise(SIGCHLD);
	CHECK(default_ignored_signal_that_is_blocked_pends, pends(SIGCHLD));
	signal(SIGCHLD, SIG_DFL);
	CHECK(setting_the_ignoring_default_forgets_it, !pends(SIGCHLD));
	mask(SIG_UNBLOCK, SIGCHLD);

	mask(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	pid_t pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_BLOCK, NULL, &set);
		_exit(pends(SIGUSR1) ? 1 : !sigismember(&set, SIGUSR1) ? 2 : 0);
	}
	int status;
	waitpid(pid, &status, 0);
	CHECK_EQ(child_inherits_the_mask_but_nothing_pending, status, 0);
	sigemptyset(&set);
	log_count = 0;
	CHECK_ERRNO(sigsuspend_ends_with_EINTR, sigsuspend(&set), EINTR);
	CHECK_EQ(sigsuspend_ran_the_handler, log_count, 1);
	sigprocmask(SIG_BLOCK, NULL, &set);
	CHECK(sigsuspend_restores_the_mask, sigismember(&set, SIGUSR1));
	mask(SIG_UNBLOCK, SIGUSR1);
	CHECK_ERRNO(sigsuspend_of_another_size_fails, syscall(SYS_rt_sigsuspend, &raw, 4), EINVAL);
	CHECK_ERRNO(sigsuspend_with_a_bad_set_fails, syscall(SYS_rt_sigsuspend, (void *)8, 8), EFAULT);
}

static int queue_value(int sig, int value)
{
	return sigqueue(getpid(), sig, (union sigval){ .sival_int = value });
}

static void check_queues(void)
{
	int high = SIGRTMIN + 5, low = SIGRTMIN + 1;

	catch(high, 0);
	catch(low, 0);
	catch(SIGUSR2, 0);
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
	 * Frames are pushed for all of them before user code runs: the last delivered, the highest, runs
	 * first, and the handler of a lower one follows.
	 */
	for (int i = 0; i < log_count && i < LOG_MAX; i++)
		OUT("delivered rt%+d value %d code %d", log_signal[i] - SIGRTMIN, log_value[i], log_code[i]);

	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 3; i++) {
		queue_value(high, 100 + i);
		queue_value(low, i);
	}
	queue_value(SIGUSR2, 77);
	siginfo_t info;
	struct timespec zero = { 0, 0 };
	for (int i = 0; i < 7; i++) {
		int sig = wait_signal(&set, &info, &zero);
		OUT("waited for rt%+d value %d code %d", sig - SIGRTMIN, info.si_value.sival_int, info.si_code);
	}
	CHECK_ERRNO(sigtimedwait_of_nothing_times_out, wait_signal(&set, &info, &zero), EAGAIN);
	raise(low);
	memset(&info, 0x55, sizeof(info));
	CHECK_EQ(raised_signal_is_waited_for, wait_signal(&set, &info, NULL), low);
	CHECK(tkill_tells_its_sender, info.si_code == SI_TKILL && info.si_pid == getpid() && info.si_uid == getuid());
	kill(getpid(), low);
	wait_signal(&set, &info, NULL);
	CHECK(kill_tells_its_sender, info.si_code == SI_USER && info.si_pid == getpid());
	CHECK_EQ(info_may_be_left_out, (queue_value(low, 1), wait_signal(&set, NULL, &zero)), low);
	sigprocmask(SIG_SETMASK, &old, NULL);

	struct timespec bad = { 0, 1000000000 };
	CHECK_ERRNO(sigtimedwait_with_a_bad_time_fails, wait_signal(&set, NULL, &bad), EINVAL);
	struct timespec negative = { -1, 0 };
	CHECK_ERRNO(sigtimedwait_with_a_negative_time_fails, wait_signal(&set, NULL, &negative), EINVAL);
	struct timespec span = { 0, 20000000 };
	CHECK_ERRNO(sigtimedwait_waits_and_gives_up, wait_signal(&set, NULL, &span), EAGAIN);
	raw_sigaction(SIGUSR1, NULL, NULL, 8);
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
	catch(SIGUSR1, 0);
	CHECK_EQ(sigqueueinfo_to_oneself, syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info), 0);
	CHECK(sigqueueinfo_arrives_as_it_was_given, last.si_value.sival_int == 42 &&
	      last.si_pid == 12345 && last.si_uid == 777 && last.si_signo == SIGUSR1);
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
	CHECK_ERRNO(sigqueueinfo_to_nobody, syscall(SYS_rt_sigqueueinfo, 0x3fffffff, SIGUSR1, &info), ESRCH);
	CHECK_ERRNO(sigqueueinfo_of_a_wrong_signal, syscall(SYS_rt_sigqueueinfo, getpid(), 65, &info), EINVAL);
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
		catch(SIGRTMIN, 0);
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

static void check_kill(void)
{
	int status;

	CHECK_ERRNO(kill_of_nobody, kill(0x3fffffff, 0), ESRCH);
	CHECK_ERRNO(kill_of_no_group, kill(-0x3fffffff, 0), ESRCH);
	CHECK_ERRNO(kill_with_a_wrong_signal, kill(getpid(), 65), EINVAL);
	CHECK_ERRNO(kill_with_a_negative_signal, kill(getpid(), -1), EINVAL);
	CHECK_EQ(kill_with_zero_looks, kill(getpid(), 0), 0);
	CHECK_ERRNO(tgkill_of_no_thread, syscall(SYS_tgkill, getpid(), 0, 0), EINVAL);
	CHECK_ERRNO(tgkill_of_no_group, syscall(SYS_tgkill, 0, getpid(), 0), EINVAL);
	CHECK_ERRNO(tgkill_of_another_groups_thread, syscall(SYS_tgkill, getpid(), 1, 0), ESRCH);
	CHECK_ERRNO(tkill_of_nobody, syscall(SYS_tkill, 0x3fffffff, 0), ESRCH);
	CHECK_ERRNO(tkill_of_minus_one, syscall(SYS_tkill, -1, 0), EINVAL);
	CHECK_EQ(group_can_be_looked_at, kill(0, 0), 0);

	pid_t pid = fork();
	if (pid == 0) {
		setuid(1001);
		CHECK_ERRNO(others_may_not_be_signalled, kill(getppid(), 0), EPERM);
		CHECK_ERRNO(others_may_not_be_killed, kill(1, SIGKILL), EPERM);
		CHECK_EQ(a_session_may_be_continued, kill(getppid(), SIGCONT), 0);
		CHECK_ERRNO(another_session_may_not_be_continued, kill(1, SIGCONT), EPERM);
		CHECK_EQ(the_group_has_a_member_that_may_be_signalled, kill(0, 0), 0);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		pid_t one = fork();
		if (one == 0)
			for (;;)
				pause();
		pid_t two = fork();
		if (two == 0)
			for (;;)
				pause();
		catch(SIGHUP, 0);
		kill(0, SIGHUP);
		int first, second;
		waitpid(one, &first, 0);
		waitpid(two, &second, 0);
		_exit(log_count == 1 && WTERMSIG(first) == SIGHUP && WTERMSIG(second) == SIGHUP ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(kill_of_zero_reaches_the_whole_group, status, 0);
}

static const struct {
	const char *name;
	int sig;
} defaults[] = {
	{ "HUP", SIGHUP }, { "INT", SIGINT }, { "QUIT", SIGQUIT }, { "ILL", SIGILL },
	{ "TRAP", SIGTRAP }, { "ABRT", SIGABRT }, { "BUS", SIGBUS }, { "FPE", SIGFPE },
	{ "KILL", SIGKILL }, { "USR1", SIGUSR1 }, { "SEGV", SIGSEGV }, { "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE }, { "ALRM", SIGALRM }, { "TERM", SIGTERM }, { "STKFLT", SIGSTKFLT },
	{ "CHLD", SIGCHLD }, { "CONT", SIGCONT }, { "URG", SIGURG }, { "XCPU", SIGXCPU },
	{ "XFSZ", SIGXFSZ }, { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF }, { "WINCH", SIGWINCH },
	{ "IO", SIGIO }, { "PWR", SIGPWR }, { "SYS", SIGSYS }, { "33", 33 }, { "34", 34 }, { "64", 64 },
};

static void check_defaults(void)
{
	struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		int status = 0;
		pid_t pid = fork();
		if (pid == 0) {
			syscall(SYS_kill, getpid(), defaults[i].sig);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		OUT("default of SIG%s: 0x%x", defaults[i].name, status);
	}
}

/* ---- how calls end when a handler runs ---------------------------------------------------- */

static int ends[2];

static long sleeping_read(void)
{
	char byte;

	return read(ends[0], &byte, 1);
}

static long sleeping_poll(void)
{
	struct pollfd fd = { .fd = ends[0], .events = POLLIN };

	return poll(&fd, 1, 120);
}

static long sleeping_nanosleep(void)
{
	struct timespec span = { 0, 120000000 };

	return nanosleep(&span, NULL);
}

static long sleeping_pause(void)
{
	return pause();
}

static long sleeping_select(void)
{
	fd_set set;
	struct timeval span = { 0, 120000 };

	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	return select(ends[0] + 1, &set, NULL, NULL, &span);
}

static int futex_word;

static long sleeping_futex(void)
{
	struct timespec span = { 0, 120000000 };

	return syscall(SYS_futex, &futex_word, 0 /* wait */, 0, &span, NULL, 0);
}

static const struct {
	const char *name;
	long (*body)(void);
} sleeps[] = {
	{ "read", sleeping_read }, { "poll", sleeping_poll }, { "nanosleep", sleeping_nanosleep },
	{ "pause", sleeping_pause }, { "select", sleeping_select }, { "futex", sleeping_futex },
};

/* Interrupts a sleep with SIGUSR1 (or stops and continues the process) and tells how it ended. */
static void check_sleep(size_t i, int flags, int kind)
{
	pid_t parent = getpid(), helper;

	pipe(ends);
	catch(SIGUSR1, flags);
	if (kind == 2)
		signal(SIGUSR1, SIG_IGN);
	helper = fork();
	if (helper == 0) {
		pause_ms(40);
		if (kind == 1) {
			kill(parent, SIGSTOP);
			pause_ms(20);
			kill(parent, SIGCONT);
		} else {
			kill(parent, SIGUSR1);
		}
		pause_ms(40);
		write(ends[1], "x", 1);
		if (sleeps[i].body == sleeping_pause) {
			signal(SIGUSR1, SIG_DFL);
			pause_ms(80);
			kill(parent, SIGUSR2);
		}
		_exit(0);
	}
	catch(SIGUSR2, flags);
	errno = 0;
	long result = sleeps[i].body();
	int error = result < 0 ? errno : 0;
	OUT("%s, %s: %ld errno %d", sleeps[i].name,
	    kind == 1 ? "stopped" : kind == 2 ? "ignored" : flags ? "SA_RESTART" : "handled",
	    result, error);
	waitpid(helper, NULL, 0);
	close(ends[0]);
	close(ends[1]);
}

static void check_sleeps(void)
{
	for (size_t i = 0; i < sizeof(sleeps) / sizeof(sleeps[0]); i++) {
		check_sleep(i, 0, 0);
		check_sleep(i, SA_RESTART, 0);
		check_sleep(i, 0, 1);
		check_sleep(i, 0, 2);
	}
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
}

static int restart_nothing(void *data)
{
	(void)data;
	return syscall(SYS_restart_syscall) == -1 && errno == EINTR ? 0 : 1;
}

static void check_remaining(void)
{
	struct timespec span = { 1, 0 }, left = { 9, 9 }, span2 = { 0, 300000000 };
	struct itimerval soon = { .it_value = { 0, 30000 } };
	struct timespec before, after;

	catch(SIGALRM, 0);
	setitimer(ITIMER_REAL, &soon, NULL);
	CHECK_ERRNO(nanosleep_is_interrupted_by_an_alarm, nanosleep(&span, &left), EINTR);
	CHECK(nanosleep_tells_the_remaining_time, left.tv_sec == 0 && left.tv_nsec > 500000000 &&
	      left.tv_nsec < 999000000);
	CHECK(alarm_comes_from_the_kernel, last.si_signo == SIGALRM && last.si_code == SI_KERNEL);
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		pause_ms(50);
		kill(parent, SIGSTOP);
		pause_ms(20);
		kill(parent, SIGCONT);
		_exit(0);
	}
	clock_gettime(CLOCK_MONOTONIC, &before);
	CHECK_EQ(stopped_sleep_goes_on, nanosleep(&span2, NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	long ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
	CHECK(stopped_sleep_ends_when_it_would_have, ms >= 299 && ms < 2000);
	waitpid(pid, NULL, 0);
	signal(SIGALRM, SIG_DFL);
	CHECK_EQ(restart_syscall_without_cause_is_EINTR, check_in_child(restart_nothing, NULL), 0);
}

static void check_broken_pipes(void)
{
	struct rlimit small = { 10, RLIM_INFINITY };
	int fd, pair[2];

	pipe(pair);
	close(pair[0]);
	catch(SIGPIPE, 0);
	CHECK_ERRNO(write_to_a_pipe_without_reader_is_EPIPE, write(pair[1], "x", 1), EPIPE);
	CHECK(and_raises_SIGPIPE, log_count == 1 && last.si_signo == SIGPIPE);
	OUT("SIGPIPE has code %d", last.si_code);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(ignored_SIGPIPE_leaves_EPIPE, write(pair[1], "x", 1), EPIPE);
	signal(SIGPIPE, SIG_DFL);
	close(pair[1]);

	fd = open("/tmp/size", O_RDWR | O_CREAT, 0600);
	catch(SIGXFSZ, 0);
	setrlimit(RLIMIT_FSIZE, &small);
	CHECK_EQ(write_up_to_the_file_size_limit, write(fd, "0123456789abc", 13), 10);
	CHECK_EQ(short_write_raises_nothing, log_count, 0);
	CHECK_ERRNO(write_beyond_the_limit_is_EFBIG, write(fd, "x", 1), EFBIG);
	CHECK_EQ(and_raises_SIGXFSZ, log_count, 1);
	CHECK_ERRNO(ftruncate_beyond_the_limit_is_EFBIG, ftruncate(fd, 11), EFBIG);
	CHECK_EQ(ftruncate_raises_SIGXFSZ, log_count, 2);
	small.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &small);
	close(fd);
	signal(SIGXFSZ, SIG_DFL);
}

static void check_thousand_signals(void)
{
	pid_t parent = getpid(), pid;
	int status;

	catch(SIGUSR1, SA_RESTART);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 1000; i++)
			sigqueue(parent, SIGUSR1 + 0, (union sigval){ .sival_int = i });
		_exit(3);
	}
	CHECK_EQ(a_storm_of_signals_disturbs_no_restarted_wait, waitpid(pid, &status, 0), pid);
	CHECK(some_of_the_storm_arrived, log_count > 0);
	catch(SIGRTMIN, SA_RESTART);
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
	check_actions();
	check_nesting();
	check_masks();
	check_queues();
	check_queue_info();
	check_queue_limit();
	check_kill();
	check_defaults();
	check_sleeps();
	check_remaining();
	check_broken_pipes();
	check_thousand_signals();
	return 0;
}
