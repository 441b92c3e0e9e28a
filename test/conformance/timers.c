/*
 * Timers of processes: POSIX timers in all their ways of telling, interval timers, alarm, and the
 * clocks of CPU time.
 */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static volatile int fired, value_seen, code_seen, overrun_seen, id_seen;
static volatile pid_t fired_in;

static void on_timer(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	value_seen = info->si_value.sival_int;
	code_seen = info->si_code;
	overrun_seen = info->si_overrun;
	id_seen = info->si_timerid;
	fired_in = (pid_t)syscall(SYS_gettid);
	fired++; /* last: another thread may wait for it */
}

static void catch (int sig)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO };

	action.sa_sigaction = on_timer;
	sigaction(sig, &action, NULL);
	fired = 0;
}

static void pause_ms(long ms)
{
	struct timespec span = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&span, &span) == -1 && errno == EINTR)
		;
}

static void await(int count)
{
	for (int i = 0; i < 2000 && fired < count; i++)
		pause_ms(1);
}

/* The bare calls: libc has timers of its own making for threads. */
static long create(int clock, void *event, int *id)
{
	return syscall(SYS_timer_create, clock, event, id);
}

static long settime(int id, int flags, const struct itimerspec *value, struct itimerspec *old)
{
	return syscall(SYS_timer_settime, id, flags, value, old);
}

static struct itimerspec span_ms(long first, long period)
{
	return (struct itimerspec){ .it_value = { first / 1000, first % 1000 * 1000000 },
				    .it_interval = { period / 1000, period % 1000 * 1000000 } };
}

static void check_errors(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec value = span_ms(10000, 0), bad = { .it_value = { 0, 1000000000 } };
	struct itimerspec negative = { .it_value = { -1, 0 } };
	void *volatile bad_address = (void *)8;
	int id;

	CHECK_ERRNO(unknown_clock, create(99, &event, &id), EINVAL);
	CHECK_ERRNO(bad_event, create(CLOCK_MONOTONIC, bad_address, &id), EFAULT);
	CHECK_ERRNO(bad_place_for_the_number, create(CLOCK_MONOTONIC, &event, bad_address), EFAULT);
	event.sigev_signo = 0;
	CHECK_ERRNO(signal_zero, create(CLOCK_MONOTONIC, &event, &id), EINVAL);
	event.sigev_signo = 65;
	CHECK_ERRNO(signal_65, create(CLOCK_MONOTONIC, &event, &id), EINVAL);
	event.sigev_notify = 77;
	CHECK_ERRNO(unknown_way_to_tell, create(CLOCK_MONOTONIC, &event, &id), EINVAL);
	event = (struct sigevent){ .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	CHECK_ERRNO(thread_of_nobody, create(CLOCK_MONOTONIC, &event, &id), EINVAL);
	CHECK_ERRNO(settime_of_no_timer, settime(12345, 0, &value, NULL), EINVAL);
	CHECK_ERRNO(gettime_of_no_timer, syscall(SYS_timer_gettime, 12345, &value), EINVAL);
	CHECK_ERRNO(overrun_of_no_timer, syscall(SYS_timer_getoverrun, 12345), EINVAL);
	CHECK_ERRNO(delete_of_no_timer, syscall(SYS_timer_delete, 12345), EINVAL);
	CHECK_EQ(timer_without_an_event, create(CLOCK_MONOTONIC, NULL, &id), 0);
	CHECK_ERRNO(bad_nanoseconds, settime(id, 0, &bad, NULL), EINVAL);
	CHECK_ERRNO(negative_seconds, settime(id, 0, &negative, NULL), EINVAL);
	CHECK_ERRNO(bad_value, settime(id, 0, bad_address, NULL), EFAULT);
	CHECK_ERRNO(no_value, settime(id, 0, NULL, NULL), EINVAL);
	CHECK_ERRNO(bad_old_value, settime(id, 0, &value, bad_address), EFAULT);
	CHECK_EQ(delete_once, syscall(SYS_timer_delete, id), 0);
	CHECK_ERRNO(delete_twice, syscall(SYS_timer_delete, id), EINVAL);
}

static void check_firing(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGUSR1,
				  .sigev_value.sival_int = 99 };
	struct itimerspec value = span_ms(20, 0), old, none = { 0 };
	struct timespec now;
	int id;

	catch (SIGUSR1);
	create(CLOCK_MONOTONIC, &event, &id);
	syscall(SYS_timer_gettime, id, &old);
	CHECK(new_timer_is_disarmed, !old.it_value.tv_sec && !old.it_value.tv_nsec);
	CHECK_EQ(timer_is_set, settime(id, 0, &value, NULL), 0);
	syscall(SYS_timer_gettime, id, &old);
	CHECK(remaining_time_is_told,
	      !old.it_value.tv_sec && old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 20000000);
	await(1);
	CHECK_EQ(timer_fires_once, fired, 1);
	CHECK(its_signal_carries_the_value,
	      value_seen == 99 && code_seen == SI_TIMER && id_seen == id);
	syscall(SYS_timer_gettime, id, &old);
	CHECK(fired_timer_is_disarmed, !old.it_value.tv_sec && !old.it_value.tv_nsec);
	CHECK_EQ(no_overrun, syscall(SYS_timer_getoverrun, id), 0);

	value = span_ms(5, 5);
	fired = 0;
	settime(id, 0, &value, NULL);
	await(5);
	CHECK(periodic_timer_fires_again_and_again, fired >= 5);
	value = span_ms(100000, 7000);
	settime(id, 0, &value, &old);
	CHECK(old_setting_is_told,
	      old.it_interval.tv_nsec == 5000000 && old.it_value.tv_nsec <= 5000000);
	settime(id, 0, &none, &old);
	CHECK(disarming_tells_what_was_left,
	      old.it_value.tv_sec == 99 && old.it_interval.tv_sec == 7);
	fired = 0;
	pause_ms(20);
	CHECK_EQ(disarmed_timer_is_silent, fired, 0);

	clock_gettime(CLOCK_MONOTONIC, &now);
	value = (struct itimerspec){ .it_value = now };
	settime(id, TIMER_ABSTIME, &value, NULL);
	await(1);
	CHECK_EQ(time_that_is_over_fires_at_once, fired, 1);
	value.it_value.tv_sec += 1000;
	settime(id, TIMER_ABSTIME, &value, NULL);
	syscall(SYS_timer_gettime, id, &old);
	CHECK(absolute_time_is_told_as_what_is_left,
	      old.it_value.tv_sec >= 990 && old.it_value.tv_sec <= 1000);
	syscall(SYS_timer_delete, id);
}

static void check_overrun(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1 };
	struct itimerspec value = span_ms(2, 2), none = { 0 };
	sigset_t set;
	int id;

	catch (SIGRTMIN + 1);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	create(CLOCK_MONOTONIC, &event, &id);
	settime(id, 0, &value, NULL);
	pause_ms(60);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	CHECK(blocked_periods_are_one_signal, fired >= 1 && fired <= 3);
	CHECK(and_are_counted_as_overrun,
	      overrun_seen >= 10 || syscall(SYS_timer_getoverrun, id) >= 0);
	settime(id, 0, &none, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	value = span_ms(2, 0);
	settime(id, 0, &value, NULL);
	pause_ms(20);
	syscall(SYS_timer_delete, id);
	fired = 0;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGRTMIN + 1, SIG_IGN);
	create(CLOCK_MONOTONIC, &event, &id);
	value = span_ms(1, 1);
	settime(id, 0, &value, NULL);
	pause_ms(20);
	catch (SIGRTMIN + 1);
	await(1);
	CHECK(periodic_timer_outlives_being_ignored, fired > 0);
	syscall(SYS_timer_delete, id);
}

static volatile int thread_done;
static volatile pid_t thread_tid;

static void *spin(void *data)
{
	thread_tid = (pid_t)syscall(SYS_gettid);
	while (!thread_done)
		(*(volatile int *)data)++;
	return NULL;
}

static void check_thread(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2 };
	struct itimerspec value = span_ms(5, 0);
	static int count;
	pthread_t thread;
	int id;

	catch (SIGUSR2);
	pthread_create(&thread, NULL, spin, &count);
	while (!thread_tid)
		pause_ms(1);
	*(int *)((char *)&event + 16) = thread_tid; /* sigev_notify_thread_id */
	CHECK_EQ(timer_for_a_thread, create(CLOCK_MONOTONIC, &event, &id), 0);
	settime(id, 0, &value, NULL);
	await(1);
	CHECK(its_signal_runs_in_that_thread, fired == 1 && fired_in == thread_tid);
	thread_done = 1;
	pthread_join(thread, NULL);
	settime(id, 0, &value, NULL);
	pause_ms(20);
	CHECK_EQ(signal_to_a_dead_thread_is_nobodys, fired, 1);
	syscall(SYS_timer_delete, id);
	event.sigev_notify = SIGEV_NONE;
	create(CLOCK_REALTIME, &event, &id);
	value = span_ms(10, 10);
	settime(id, 0, &value, NULL);
	pause_ms(30);
	syscall(SYS_timer_gettime, id, &value);
	CHECK(silent_timer_runs, value.it_value.tv_nsec > 0 && value.it_value.tv_nsec <= 10000000);
	syscall(SYS_timer_delete, id);
}

static int inherited(void *data)
{
	struct itimerspec value;
	struct itimerval interval;

	if (syscall(SYS_timer_gettime, *(int *)data, &value) == 0)
		return 1;
	getitimer(ITIMER_REAL, &interval);
	return interval.it_value.tv_sec || alarm(0) ? 2 : 0;
}

static void burn_until(int count)
{
	for (volatile long i = 0; i < 2000000000 && fired < count; i++)
		;
}

static void check_intervals(void)
{
	struct itimerval value = { .it_value = { 0, 20000 } }, old,
			 bad = { .it_value = { 0, 1000000 } };
	static const int kinds[] = { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
	static const int signals[] = { SIGALRM, SIGVTALRM, SIGPROF };
	int id;

	CHECK_ERRNO(unknown_interval_timer, getitimer(3, &old), EINVAL);
	CHECK_ERRNO(unknown_interval_timer_to_set, setitimer(-1, &value, NULL), EINVAL);
	CHECK_ERRNO(bad_microseconds, setitimer(ITIMER_REAL, &bad, NULL), EINVAL);
	for (int i = 0; i < 3; i++) {
		catch (signals[i]);
		value = (struct itimerval){ .it_value = { 0, 20000 } };
		setitimer(kinds[i], &value, NULL);
		getitimer(kinds[i], &old);
		CHECK(interval_timer_tells_what_is_left, old.it_value.tv_usec > 0 || fired);
		burn_until(1);
		CHECK_EQ(interval_timer_fires, fired, 1);
		OUT("code %d", code_seen);
		value.it_interval = value.it_value;
		setitimer(kinds[i], &value, NULL);
		burn_until(4);
		CHECK(interval_timer_fires_again, fired >= 4);
		value = (struct itimerval){ 0 };
		setitimer(kinds[i], &value, &old);
		CHECK(interval_is_told, old.it_interval.tv_usec == 20000);
	}
	CHECK_EQ(no_alarm_was_set, alarm(100), 0);
	CHECK_EQ(alarm_tells_the_former, alarm(50), 100);
	getitimer(ITIMER_REAL, &old);
	CHECK(alarm_is_the_real_timer, old.it_value.tv_sec >= 48 && old.it_value.tv_sec <= 50);
	create(CLOCK_MONOTONIC, NULL, &id);
	CHECK_EQ(child_inherits_no_timer, check_in_child(inherited, &id), 0);
	CHECK(alarm_of_the_parent_goes_on, alarm(0) >= 48);
	CHECK_EQ(setitimer_without_a_value_disarms, syscall(SYS_setitimer, ITIMER_REAL, NULL, &old),
		 0);
	syscall(SYS_timer_delete, id);
}

static void check_cpu_clocks(void)
{
	static const int clocks[] = { CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };
	struct timespec before, after;
	clockid_t other;

	for (int i = 0; i < 2; i++) {
		clock_gettime(clocks[i], &before);
		pause_ms(50);
		clock_gettime(clocks[i], &after);
		long us = (after.tv_sec - before.tv_sec) * 1000000 +
			  (after.tv_nsec - before.tv_nsec) / 1000;
		CHECK(sleep_takes_no_cpu_time, us >= 0 && us < 45000);
		fired = 0;
		for (volatile int j = 0; j < 3000000; j++)
			;
		clock_gettime(clocks[i], &before);
		CHECK(work_takes_cpu_time,
		      before.tv_sec > after.tv_sec || before.tv_nsec > after.tv_nsec + 100000);
	}
	CHECK_EQ(clock_of_the_own_process, clock_getcpuclockid(0, &other), 0);
}

static void burn_for_ms(clockid_t clock, long ms)
{
	struct timespec from, now;

	clock_gettime(clock, &from);
	do
		clock_gettime(clock, &now);
	while ((now.tv_sec - from.tv_sec) * 1000 + (now.tv_nsec - from.tv_nsec) / 1000000 < ms);
}

static void check_timer_on(clockid_t clock)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec value = span_ms(200, 0), old, none = { 0 };
	struct timespec now;
	sigset_t set;
	int id;

	catch (SIGUSR1);
	CHECK_EQ(timer_on_cpu_time, create(clock, &event, &id), 0);
	syscall(SYS_timer_gettime, id, &old);
	CHECK(new_timer_on_cpu_time_is_disarmed, !old.it_value.tv_sec && !old.it_value.tv_nsec);
	settime(id, 0, &value, NULL);
	pause_ms(250);
	CHECK_EQ(it_does_not_come_while_the_process_sleeps, fired, 0);
	syscall(SYS_timer_gettime, id, &old);
	CHECK(remaining_cpu_time_is_told, !old.it_value.tv_sec && old.it_value.tv_nsec > 20000000 &&
						  old.it_value.tv_nsec <= 200000000);
	burn_for_ms(clock, 300);
	CHECK(it_comes_when_the_process_has_worked, fired == 1 && code_seen == SI_TIMER);
	syscall(SYS_timer_gettime, id, &old);
	CHECK(and_is_disarmed_then, !old.it_value.tv_sec && !old.it_value.tv_nsec);

	fired = 0;
	value = span_ms(10, 10);
	settime(id, 0, &value, NULL);
	for (int i = 0; i < 100 && fired < 4; i++)
		burn_for_ms(clock, 10);
	CHECK(periodic_timer_comes_again_and_again, fired >= 4);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	settime(id, 0, &value, NULL);
	for (int i = 0; i < 10; i++) { /* the last burst of time may be counted a tick later */
		sigprocmask(SIG_BLOCK, &set, NULL);
		burn_for_ms(clock, 100);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		if (syscall(SYS_timer_getoverrun, id) >= 4)
			break;
	}
	CHECK(what_was_missed_is_overrun, syscall(SYS_timer_getoverrun, id) >= 4);
	settime(id, 0, &none, &old);
	CHECK(old_period_is_told, old.it_interval.tv_nsec == 10000000 && old.it_value.tv_nsec > 0);
	fired = 0;
	burn_for_ms(clock, 30);
	CHECK_EQ(disarmed_timer_on_cpu_time_is_silent, fired, 0);
	clock_gettime(clock, &now);
	value = (struct itimerspec){ .it_value = now };
	settime(id, TIMER_ABSTIME, &value, NULL);
	await(1);
	CHECK_EQ(cpu_time_that_is_over_fires_at_once, fired, 1);
	value.it_value.tv_sec += 1000;
	settime(id, TIMER_ABSTIME, &value, NULL);
	syscall(SYS_timer_gettime, id, &old);
	CHECK(absolute_cpu_time_is_told_as_what_is_left,
	      old.it_value.tv_sec >= 990 && old.it_value.tv_sec <= 1000);
	CHECK_EQ(timer_on_cpu_time_is_deleted, syscall(SYS_timer_delete, id), 0);
}

static void check_timers_on_cpu_time(void)
{
	static const clockid_t no_timer[] = { CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
					      CLOCK_MONOTONIC_COARSE };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	clockid_t thread_virtual = ~0u << 3 | 4 | 1;
	pid_t child;
	int id, status;

	check_timer_on(CLOCK_PROCESS_CPUTIME_ID);
	check_timer_on(CLOCK_THREAD_CPUTIME_ID);
	for (int i = 0; i < 3; i++)
		CHECK_ERRNO(clock_without_timers, create(no_timer[i], &event, &id), EOPNOTSUPP);
	CHECK_EQ(timer_on_user_time, create(thread_virtual, &event, &id), 0);
	CHECK_ERRNO(timer_on_nobodys_time, create((clockid_t)(~999999u << 3 | 2), &event, &id),
		    EINVAL);
	/* Of another process, which ends before the timer comes. */
	child = fork();
	if (!child)
		for (;;)
			;
	struct itimerspec value = span_ms(20, 20);
	fired = 0;
	CHECK_EQ(timer_on_the_time_of_another,
		 create((clockid_t)(~(unsigned)child << 3 | 2), &event, &id), 0);
	settime(id, 0, &value, NULL);
	await(2);
	CHECK(it_comes_when_that_has_worked, fired >= 2);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

static int exceed_cpu(void *data)
{
	struct rlimit limit = { 1, 3 };

	catch (SIGXCPU);
	setrlimit(RLIMIT_CPU, &limit);
	for (;;)
		if (data && fired)
			return 5;
	return 0;
}

static void check_cpu_limit(void)
{
	CHECK_EQ(soft_limit_of_cpu_time_raises_SIGXCPU, check_in_child(exceed_cpu, (void *)1),
		 5 << 8);
}

/* The clocks that would wake a sleeping machine; this one does not sleep. */
static void check_alarm_clock(int clock)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec soon = { .it_value = { .tv_nsec = 5000000 } }, left;
	struct timespec moment = { .tv_nsec = 1000000 };
	int id;

	catch (SIGUSR1);
	CHECK_EQ(alarm_clock_has_timers, syscall(SYS_timer_create, clock, &event, &id), 0);
	CHECK_EQ(alarm_timer_is_set, syscall(SYS_timer_settime, id, 0, &soon, NULL), 0);
	syscall(SYS_timer_gettime, id, &left);
	CHECK(alarm_timer_says_what_is_left, !fired ? left.it_value.tv_nsec > 0 : 1);
	for (int i = 0; i < 1000 && !fired; i++)
		nanosleep(&moment, NULL);
	CHECK_EQ(alarm_timer_fires, fired, 1);
	CHECK_EQ(alarm_timer_can_be_deleted, syscall(SYS_timer_delete, id), 0);
	CHECK_EQ(alarm_clock_can_be_slept_by,
	         syscall(SYS_clock_nanosleep, clock, 0, &moment, NULL), 0);
	CHECK_ERRNO(alarm_clock_cannot_be_set, syscall(SYS_clock_settime, clock, &moment), EINVAL);
	pid_t pid = fork();

	if (pid == 0) {
		if (setuid(1000) == 0 && syscall(SYS_timer_create, clock, &event, &id) == -1)
			_exit(errno);
		_exit(0);
	}
	int status = 0;

	waitpid(pid, &status, 0);
	CHECK_EQ(alarm_timers_are_for_the_privileged, WEXITSTATUS(status), EPERM);
}

int main(void)
{
	check_alarm_clock(CLOCK_REALTIME_ALARM);
	check_alarm_clock(CLOCK_BOOTTIME_ALARM);
	check_errors();
	check_firing();
	check_overrun();
	check_thread();
	check_intervals();
	check_cpu_clocks();
	check_timers_on_cpu_time();
	check_cpu_limit();
	return 0;
}
