/*
 * Signals: actions and their flags, masks, who may send what to whom, and default actions. Queues,
 * sleeps and frames have programs of their own.
 */
#define _GNU_SOURCE
#include "signal_log.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>

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

	catch (SIGUSR1, SA_RESETHAND);
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
	CHECK(mask_is_restored_after_the_handler,
	      !sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2));
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
	CHECK_ERRNO(mask_of_another_size_fails, syscall(SYS_rt_sigprocmask, 0, &raw, NULL, 4),
		    EINVAL);
	CHECK_ERRNO(bad_mask_fails, syscall(SYS_rt_sigprocmask, 0, (void *)8, NULL, 8), EFAULT);
	CHECK_ERRNO(bad_old_mask_fails, syscall(SYS_rt_sigprocmask, 0, NULL, (void *)8, 8), EFAULT);
	CHECK_ERRNO(pending_set_of_a_greater_size_fails, syscall(SYS_rt_sigpending, &raw, 16),
		    EINVAL);
	CHECK_EQ(pending_set_of_a_lesser_size_is_allowed, syscall(SYS_rt_sigpending, &raw, 4), 0);
	sigprocmask(SIG_SETMASK, &old, NULL);

	catch (SIGUSR1, 0);
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
	catch (SIGUSR1, 0);
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
	CHECK_ERRNO(sigsuspend_with_a_bad_set_fails, syscall(SYS_rt_sigsuspend, (void *)8, 8),
		    EFAULT);
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
		catch (SIGHUP, 0);
		kill(0, SIGHUP);
		int first, second;
		waitpid(one, &first, 0);
		waitpid(two, &second, 0);
		_exit(log_count == 1 && WTERMSIG(first) == SIGHUP && WTERMSIG(second) == SIGHUP
			      ? 0
			      : 1);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(kill_of_zero_reaches_the_whole_group, status, 0);
}

static const struct {
	const char *name;
	int sig;
} defaults[] = {
	{ "HUP", SIGHUP },   { "INT", SIGINT },
	{ "QUIT", SIGQUIT }, { "ILL", SIGILL },
	{ "TRAP", SIGTRAP }, { "ABRT", SIGABRT },
	{ "BUS", SIGBUS },   { "FPE", SIGFPE },
	{ "KILL", SIGKILL }, { "USR1", SIGUSR1 },
	{ "SEGV", SIGSEGV }, { "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE }, { "ALRM", SIGALRM },
	{ "TERM", SIGTERM }, { "STKFLT", SIGSTKFLT },
	{ "CHLD", SIGCHLD }, { "CONT", SIGCONT },
	{ "URG", SIGURG },   { "XCPU", SIGXCPU },
	{ "XFSZ", SIGXFSZ }, { "VTALRM", SIGVTALRM },
	{ "PROF", SIGPROF }, { "WINCH", SIGWINCH },
	{ "IO", SIGIO },     { "PWR", SIGPWR },
	{ "SYS", SIGSYS },   { "33", 33 },
	{ "34", 34 },        { "64", 64 },
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

int main(void)
{
	check_actions();
	check_nesting();
	check_masks();
	check_kill();
	check_defaults();
	return 0;
}
