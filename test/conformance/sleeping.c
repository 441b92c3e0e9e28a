/*
 * Sleeping for a time: how long, how it is interrupted, restarted and told what remains.
 */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#define BAD_POINTER ((void *)8)
#define MS 1000000ll

static int64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static struct timespec in_ns(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
}

static long raw_sleep(clockid_t clock, int flags, const void *request, void *remain)
{
	return syscall(SYS_clock_nanosleep, clock, flags, request, remain);
}

static volatile sig_atomic_t nr_alarms;

static void on_alarm(int sig)
{
	(void)sig;
	nr_alarms++;
}

static void alarm_in(int64_t ns)
{
	struct itimerval timer = { .it_value = { .tv_usec = ns / 1000 } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void handle_alarm(int flags)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags };

	sigaction(SIGALRM, &action, NULL);
}

static void check_duration(void)
{
	struct timespec span = in_ns(20 * MS), zero = { 0 };
	int64_t before = now_ns(CLOCK_MONOTONIC);

	CHECK_EQ(sleep_returns_zero, syscall(SYS_nanosleep, &span, NULL), 0);
	CHECK(sleep_is_not_too_short, now_ns(CLOCK_MONOTONIC) - before >= 20 * MS);
	CHECK_EQ(sleep_of_nothing_returns_at_once, syscall(SYS_nanosleep, &zero, NULL), 0);
	span = in_ns(now_ns(CLOCK_MONOTONIC) + 20 * MS);
	CHECK_EQ(absolute_sleep_returns_zero,
		 raw_sleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &span, NULL), 0);
	CHECK(absolute_sleep_ends_at_its_time,
	      now_ns(CLOCK_MONOTONIC) >= span.tv_sec * 1000000000ll + span.tv_nsec);
	span = in_ns(now_ns(CLOCK_REALTIME) - 1000 * MS);
	CHECK_EQ(absolute_sleep_to_the_past_returns_at_once,
		 raw_sleep(CLOCK_REALTIME, TIMER_ABSTIME, &span, NULL), 0);
	span = in_ns(5 * MS);
	CHECK_EQ(sleep_on_the_realtime_clock, raw_sleep(CLOCK_REALTIME, 0, &span, NULL), 0);
	CHECK_EQ(sleep_on_the_boot_clock, raw_sleep(CLOCK_BOOTTIME, 0, &span, NULL), 0);
	CHECK_EQ(sleep_on_the_tai_clock, raw_sleep(CLOCK_TAI, 0, &span, NULL), 0);
}

static void check_errors(void)
{
	struct timespec bad = { .tv_nsec = 1000000000 }, span = in_ns(MS);

	CHECK_ERRNO(invalid_nanoseconds_are_EINVAL, syscall(SYS_nanosleep, &bad, NULL), EINVAL);
	bad = (struct timespec){ .tv_sec = -1 };
	CHECK_ERRNO(negative_time_is_EINVAL, syscall(SYS_nanosleep, &bad, NULL), EINVAL);
	bad = (struct timespec){ .tv_nsec = -1 };
	CHECK_ERRNO(negative_nanoseconds_are_EINVAL, syscall(SYS_nanosleep, &bad, NULL), EINVAL);
	CHECK_ERRNO(bad_pointer_is_EFAULT, syscall(SYS_nanosleep, BAD_POINTER, NULL), EFAULT);
	CHECK_ERRNO(unknown_clock_is_EINVAL, raw_sleep(99, 0, &span, NULL), EINVAL);
	CHECK_ERRNO(raw_clock_cannot_be_slept_on, raw_sleep(CLOCK_MONOTONIC_RAW, 0, &span, NULL),
		    EOPNOTSUPP);
	CHECK_ERRNO(coarse_clock_cannot_be_slept_on,
		    raw_sleep(CLOCK_REALTIME_COARSE, 0, &span, NULL),
		    EOPNOTSUPP);
	CHECK_EQ(bad_remain_pointer_does_not_matter_uninterrupted,
		 syscall(SYS_nanosleep, &span, BAD_POINTER), 0);
}

static void check_interruption(void)
{
	struct timespec span = in_ns(10000 * MS), remain = { .tv_sec = -1 };
	int64_t left;

	handle_alarm(0);
	alarm_in(20 * MS);
	CHECK_ERRNO(handler_interrupts_a_sleep, syscall(SYS_nanosleep, &span, &remain), EINTR);
	left = remain.tv_sec * 1000000000ll + remain.tv_nsec;
	CHECK(remaining_time_is_told, left > 5000 * MS && left <= 9981 * MS);
	handle_alarm(SA_RESTART);
	alarm_in(20 * MS);
	CHECK_ERRNO(sleep_is_not_restarted_by_SA_RESTART,
		    syscall(SYS_nanosleep, &span, &remain), EINTR);
	alarm_in(20 * MS);
	CHECK_ERRNO(bad_remain_pointer_is_EFAULT_when_interrupted,
		    syscall(SYS_nanosleep, &span, BAD_POINTER), EFAULT);
	alarm_in(20 * MS);
	CHECK_ERRNO(handler_interrupts_without_remain, syscall(SYS_nanosleep, &span, NULL), EINTR);
	span = in_ns(now_ns(CLOCK_MONOTONIC) + 10000 * MS);
	remain = (struct timespec){ .tv_sec = 77 };
	alarm_in(20 * MS);
	CHECK_ERRNO(handler_interrupts_an_absolute_sleep,
		    raw_sleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &span, &remain), EINTR);
	CHECK_EQ(absolute_sleep_tells_no_remaining_time, remain.tv_sec, 77);
	CHECK_EQ(each_alarm_was_handled_once, nr_alarms, 5);
}

/* Stopped and continued, without a handler: the sleep goes on to its end. */
static int sleep_while_stopped(void *data)
{
	struct timespec span = in_ns(60 * MS);
	int64_t before = now_ns(CLOCK_MONOTONIC);

	(void)data;
	if (syscall(SYS_nanosleep, &span, NULL))
		return 1;
	return now_ns(CLOCK_MONOTONIC) - before >= 60 * MS ? 0 : 2;
}

static void check_stop(void)
{
	struct timespec moment = in_ns(10 * MS);
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(sleep_while_stopped(NULL));
	nanosleep(&moment, NULL);
	kill(pid, SIGSTOP);
	CHECK_EQ(sleeper_stops, waitpid(pid, &status, WUNTRACED), pid);
	nanosleep(&moment, NULL);
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	CHECK_EQ(stopped_sleep_goes_on_to_its_end, status, 0);
}

/* A step of the wall clock ends an absolute sleep on it. */
static int sleep_until_stepped(void *data)
{
	struct timespec until = in_ns(now_ns(CLOCK_REALTIME) + 5000000 * MS);

	(void)data;
	return raw_sleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) ? 1 : 0;
}

static void check_step(void)
{
	struct timespec moment = in_ns(20 * MS), now;
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(sleep_until_stepped(NULL));
	nanosleep(&moment, NULL);
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += 6000;
	clock_settime(CLOCK_REALTIME, &now);
	waitpid(pid, &status, 0);
	CHECK_EQ(step_of_the_clock_ends_an_absolute_sleep, status, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec -= 6000;
	clock_settime(CLOCK_REALTIME, &now);
}

/* ---- CPU time ------------------------------------------------------------------------------ */

#define CLOCK_OF_PROCESS(pid) ((clockid_t)(~(unsigned)(pid) << 3 | 2))
#define CLOCK_OF_THREAD(tid)  ((clockid_t)(~(unsigned)(tid) << 3 | 6))

static void *burn(void *data)
{
	volatile bool *stop = data;

	while (!*stop)
		;
	return NULL;
}

/* Sleeps while another thread of the process, or a process of its own, computes. */
static void check_cpu_time_of_a_thread(void)
{
	struct timespec span = in_ns(30 * MS), remain = { .tv_sec = 77 };
	volatile bool stop = false;
	pthread_t thread;
	int64_t before;
	clockid_t its;

	pthread_create(&thread, NULL, burn, (void *)&stop);
	before = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	CHECK_EQ(sleep_on_the_process_clock, raw_sleep(CLOCK_PROCESS_CPUTIME_ID, 0, &span, NULL),
		 0);
	CHECK(process_has_used_that_time, now_ns(CLOCK_PROCESS_CPUTIME_ID) - before >= 30 * MS);
	span = in_ns(now_ns(CLOCK_PROCESS_CPUTIME_ID) + 20 * MS);
	CHECK_EQ(absolute_sleep_on_the_process_clock,
		 raw_sleep(CLOCK_OF_PROCESS(0), TIMER_ABSTIME, &span, NULL), 0);
	CHECK(absolute_sleep_ends_at_that_cpu_time,
	      now_ns(CLOCK_PROCESS_CPUTIME_ID) >= span.tv_sec * 1000000000ll + span.tv_nsec);
	pthread_getcpuclockid(thread, &its);
	before = now_ns(its);
	span = in_ns(20 * MS);
	CHECK_EQ(sleep_on_the_clock_of_another_thread, raw_sleep(its, 0, &span, NULL), 0);
	CHECK(that_thread_has_used_that_time, now_ns(its) - before >= 20 * MS);
	span = in_ns(now_ns(its) + 10000 * MS);
	handle_alarm(0);
	alarm_in(20 * MS);
	CHECK_ERRNO(handler_interrupts_an_absolute_sleep_on_cpu_time,
		    raw_sleep(its, TIMER_ABSTIME, &span, &remain), EINTR);
	CHECK_EQ(which_tells_no_remaining_cpu_time, remain.tv_sec, 77);
	stop = true;
	pthread_join(thread, NULL);
}

static void check_cpu_time_errors(void)
{
	struct timespec span = in_ns(10000 * MS), remain = { 0 }, zero = { 0 },
			bad = { .tv_nsec = 1000000000 };
	clockid_t virt = CLOCK_OF_PROCESS(0) - 1;

	CHECK_ERRNO(thread_clock_cannot_be_slept_on,
		    raw_sleep(CLOCK_THREAD_CPUTIME_ID, 0, &span, NULL), EOPNOTSUPP);
	CHECK_ERRNO(own_thread_clock_cannot_be_slept_on,
		    raw_sleep(CLOCK_OF_THREAD(0), 0, &span, NULL), EINVAL);
	CHECK_ERRNO(own_thread_clock_by_number_cannot_be_slept_on,
		    raw_sleep(CLOCK_OF_THREAD(getpid()), 0, &span, NULL), EINVAL);
	CHECK_ERRNO(cpu_clock_of_nobody, raw_sleep(CLOCK_OF_PROCESS(999999), 0, &span, NULL),
		    EINVAL);
	CHECK_ERRNO(thread_clock_of_another_process,
		    raw_sleep(CLOCK_OF_THREAD(1), 0, &span, NULL), EINVAL);
	CHECK_ERRNO(device_clock_cannot_be_slept_on,
		    raw_sleep(CLOCK_OF_PROCESS(0) | 1, 0, &span, NULL), EOPNOTSUPP);
	CHECK_ERRNO(invalid_span_of_cpu_time,
		    raw_sleep(CLOCK_PROCESS_CPUTIME_ID, 0, &bad, NULL), EINVAL);
	CHECK_EQ(no_cpu_time_is_over_at_once,
		 raw_sleep(CLOCK_PROCESS_CPUTIME_ID, 0, &zero, NULL), 0);
	CHECK_EQ(cpu_time_of_the_past_is_over_at_once,
		 raw_sleep(virt - 1, TIMER_ABSTIME, &zero, NULL), 0);
	handle_alarm(SA_RESTART);
	alarm_in(20 * MS);
	CHECK_ERRNO(sleeping_process_uses_no_time,
		    raw_sleep(CLOCK_PROCESS_CPUTIME_ID, 0, &span, &remain), EINTR);
	CHECK(remaining_cpu_time_is_told,
	      remain.tv_sec >= 9 && remain.tv_sec * 1000000000ll + remain.tv_nsec <= 10000 * MS);
	alarm_in(20 * MS);
	CHECK_ERRNO(bad_remain_pointer_on_cpu_time,
		    raw_sleep(CLOCK_PROCESS_CPUTIME_ID, 0, &span, BAD_POINTER), EFAULT);
}

/* The sleeper is stopped meanwhile, and goes on. */
static void check_cpu_time_of_a_process(void)
{
	struct timespec span = in_ns(60 * MS), moment = in_ns(10 * MS);
	pid_t worker = fork(), sleeper;
	int status;

	if (!worker)
		for (;;)
			;
	sleeper = fork();
	if (!sleeper) {
		clockid_t its = CLOCK_OF_PROCESS(worker);
		int64_t before = now_ns(its);

		if (raw_sleep(its, 0, &span, NULL))
			_exit(1);
		_exit(now_ns(its) - before >= 60 * MS ? 0 : 2);
	}
	nanosleep(&moment, NULL);
	kill(sleeper, SIGSTOP);
	waitpid(sleeper, &status, WUNTRACED);
	kill(sleeper, SIGCONT);
	waitpid(sleeper, &status, 0);
	CHECK_EQ(stopped_sleep_on_anothers_cpu_time_goes_on, status, 0);
	sleeper = fork();
	if (!sleeper) {
		span = in_ns(100000 * MS);
		_exit(raw_sleep(CLOCK_OF_PROCESS(worker), 0, &span, NULL) == 0);
	}
	nanosleep(&moment, NULL);
	kill(worker, SIGKILL);
	waitpid(worker, NULL, 0);
	nanosleep(&moment, NULL);
	CHECK_EQ(sleep_on_the_time_of_the_dead_lasts, waitpid(sleeper, &status, WNOHANG), 0);
	kill(sleeper, SIGKILL);
	waitpid(sleeper, &status, 0);
}

int main(void)
{
	check_duration();
	check_errors();
	check_interruption();
	check_stop();
	check_step();
	check_cpu_time_errors();
	check_cpu_time_of_a_thread();
	check_cpu_time_of_a_process();
	return 0;
}
