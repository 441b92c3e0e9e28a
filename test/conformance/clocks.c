/*
 * Clocks: which there are, how they relate, what may be set, and how calls about them fail.
 */
#include "check.h"

#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

#define BAD_POINTER ((void *)8)
#define CLOCK_OF_PROCESS(pid) ((clockid_t)(~(unsigned)(pid) << 3 | 2))
#define CLOCK_OF_THREAD(tid)  ((clockid_t)(~(unsigned)(tid) << 3 | 6))

static long clock_get(clockid_t clock, void *now)
{
	return syscall(SYS_clock_gettime, clock, now);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now = { 0 };

	clock_get(clock, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static bool is_between(int64_t value, int64_t low, int64_t high)
{
	return value >= low && value <= high;
}

static void check_which_clocks_there_are(void)
{
	struct timespec ts;

	for (int clock = 0; clock <= 12; clock++) {
		long result = clock_get(clock, &ts);

		OUT("clock %d: %ld errno %d", clock, result, result ? errno : 0);
	}
	CHECK_ERRNO(unknown_clock_is_EINVAL, clock_get(99, &ts), EINVAL);
	CHECK_ERRNO(bad_pointer_is_EFAULT, clock_get(CLOCK_MONOTONIC, BAD_POINTER), EFAULT);
	CHECK_ERRNO(unknown_clock_comes_before_bad_pointer, clock_get(99, BAD_POINTER), EINVAL);
}

/* Linux counts ticks until it has found a steady clock, about a second after its start. */
static void await_high_resolution(void)
{
	struct timespec ts, pause = { 0, 20000000 };

	for (int i = 0; i < 500; i++) {
		if (!syscall(SYS_clock_getres, CLOCK_REALTIME, &ts) && ts.tv_nsec == 1)
			return;
		nanosleep(&pause, NULL);
	}
}

static void check_resolutions(void)
{
	struct timespec ts;

	await_high_resolution();
	for (int clock = 0; clock <= 11; clock++) {
		long result = syscall(SYS_clock_getres, clock, &ts);

		if (!result)
			OUT("resolution of %d: %ld s %ld ns", clock, (long)ts.tv_sec, ts.tv_nsec);
	}
	CHECK_EQ(resolution_may_be_asked_for_without_a_result,
		 syscall(SYS_clock_getres, 0, NULL), 0);
	CHECK_ERRNO(resolution_of_an_unknown_clock_is_EINVAL,
		    syscall(SYS_clock_getres, 77, &ts), EINVAL);
	CHECK_ERRNO(resolution_to_a_bad_pointer_is_EFAULT,
		    syscall(SYS_clock_getres, 0, BAD_POINTER), EFAULT);
}

static void check_monotonic(void)
{
	bool steady = true, coarse_is_behind = true;
	int64_t before = clock_ns(CLOCK_MONOTONIC);

	for (int i = 0; i < 20000; i++) {
		int64_t coarse = clock_ns(CLOCK_MONOTONIC_COARSE);
		int64_t now = clock_ns(CLOCK_MONOTONIC);

		steady = steady && now >= before;
		coarse_is_behind = coarse_is_behind && coarse <= now;
		before = now;
	}
	CHECK(monotonic_clock_never_goes_back, steady);
	CHECK(coarse_clock_is_never_ahead, coarse_is_behind);
	CHECK(coarse_clock_is_close,
	      is_between(clock_ns(CLOCK_MONOTONIC) - clock_ns(CLOCK_MONOTONIC_COARSE), 0,
			 50000000));
	CHECK(boot_time_is_monotonic_time_without_suspend,
	      is_between(clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC), -50000000,
			 50000000));
}

static void check_ways_to_ask_agree(void)
{
	struct timeval tv;
	struct timespec vdso;

	clock_gettime(CLOCK_REALTIME, &vdso);
	syscall(SYS_gettimeofday, &tv, NULL);
	CHECK(gettimeofday_agrees_with_the_realtime_clock,
	      is_between((tv.tv_sec - vdso.tv_sec) * 1000000ll + tv.tv_usec - vdso.tv_nsec / 1000,
			 0, 1000000));
	CHECK(time_agrees_with_gettimeofday, is_between(syscall(SYS_time, NULL) - tv.tv_sec, 0, 1));
	clock_gettime(CLOCK_MONOTONIC, &vdso);
	CHECK(vdso_and_system_call_tell_the_same_time,
	      is_between(clock_ns(CLOCK_MONOTONIC) - (vdso.tv_sec * 1000000000ll + vdso.tv_nsec), 0,
			 1000000000));
	CHECK_ERRNO(gettimeofday_to_a_bad_pointer_is_EFAULT,
		    syscall(SYS_gettimeofday, BAD_POINTER, NULL), EFAULT);
	CHECK_ERRNO(time_to_a_bad_pointer_is_EFAULT, syscall(SYS_time, BAD_POINTER), EFAULT);
	CHECK_EQ(gettimeofday_of_nothing_succeeds, syscall(SYS_gettimeofday, NULL, NULL), 0);
}

/* A reading of `clock` lies between two of `known`, however slow the machine is. */
static int is_same_clock(int clock, int known)
{
	int64_t before = clock_ns(known), now = clock_ns(clock);

	return before <= now && now <= clock_ns(known);
}

static void check_cpu_clocks(void)
{
	struct timespec ts;
	int64_t process = clock_ns(CLOCK_PROCESS_CPUTIME_ID), thread;
	volatile unsigned sum = 0;

	while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) - process < 20000000)
		sum++;
	thread = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	CHECK(work_advances_the_cpu_clocks, thread >= 20000000);
	CHECK(process_has_used_what_its_thread_has,
	      clock_ns(CLOCK_PROCESS_CPUTIME_ID) >= thread);
	CHECK(clock_of_the_own_pid_is_the_process_clock,
	      is_same_clock(CLOCK_OF_PROCESS(getpid()), CLOCK_PROCESS_CPUTIME_ID));
	CHECK(clock_of_the_own_thread_id_is_the_thread_clock,
	      is_same_clock(CLOCK_OF_THREAD(getpid()), CLOCK_THREAD_CPUTIME_ID));
	CHECK(clock_of_pid_zero_is_the_process_clock,
	      is_same_clock(CLOCK_OF_PROCESS(0), CLOCK_PROCESS_CPUTIME_ID));
	CHECK_ERRNO(clock_of_nobody_is_EINVAL, clock_get(CLOCK_OF_PROCESS(999999), &ts), EINVAL);
	CHECK_ERRNO(thread_clock_of_another_process_is_EINVAL, clock_get(CLOCK_OF_THREAD(1), &ts),
		    EINVAL);
	CHECK_EQ(process_clock_of_another_may_be_read, clock_get(CLOCK_OF_PROCESS(1), &ts), 0);
	CHECK_ERRNO(cpu_clock_cannot_be_set,
		    syscall(SYS_clock_settime, CLOCK_OF_PROCESS(0), &ts), EPERM);
}

static void check_setting(void)
{
	struct timespec now, bad = { .tv_sec = 5, .tv_nsec = 1000000000 };
	struct timeval tv = { .tv_sec = -1 };
	int64_t mono = clock_ns(CLOCK_MONOTONIC);

	clock_get(CLOCK_REALTIME, &now);
	now.tv_sec += 100000;
	CHECK_EQ(realtime_can_be_set, syscall(SYS_clock_settime, CLOCK_REALTIME, &now), 0);
	CHECK(realtime_was_set,
	      is_between(clock_ns(CLOCK_REALTIME) / 1000000000 - now.tv_sec, 0, 2));
	struct timespec set = { .tv_sec = now.tv_sec + 10 };
	syscall(SYS_clock_settime, CLOCK_REALTIME, &set);
	CHECK(no_clock_shows_less_than_was_set, time(NULL) >= set.tv_sec &&
	      clock_ns(CLOCK_REALTIME_COARSE) >= set.tv_sec * 1000000000ll);
	CHECK(setting_does_not_touch_the_monotonic_clock,
	      is_between(clock_ns(CLOCK_MONOTONIC) - mono, 0, 2000000000));
	clock_get(CLOCK_REALTIME, &now);
	now.tv_sec -= 100010;
	CHECK_EQ(realtime_can_be_set_back, syscall(SYS_clock_settime, CLOCK_REALTIME, &now), 0);

	CHECK_ERRNO(monotonic_cannot_be_set,
		    syscall(SYS_clock_settime, CLOCK_MONOTONIC, &now), EINVAL);
	CHECK_ERRNO(invalid_nanoseconds_are_EINVAL,
		    syscall(SYS_clock_settime, CLOCK_REALTIME, &bad), EINVAL);
	bad = (struct timespec){ .tv_sec = -1 };
	CHECK_ERRNO(time_before_1970_is_EINVAL,
		    syscall(SYS_clock_settime, CLOCK_REALTIME, &bad), EINVAL);
	bad = (struct timespec){ .tv_sec = 1 };
	CHECK_ERRNO(time_before_the_start_of_the_machine_is_EINVAL,
		    clock_ns(CLOCK_MONOTONIC) > 1000000000 ? syscall(SYS_clock_settime, 0, &bad)
							   : syscall(SYS_clock_settime, 99, &bad),
		    EINVAL);
	CHECK_ERRNO(set_from_a_bad_pointer_is_EFAULT,
		    syscall(SYS_clock_settime, CLOCK_REALTIME, BAD_POINTER), EFAULT);
	CHECK_ERRNO(settimeofday_before_1970_is_EINVAL,
		    syscall(SYS_settimeofday, &tv, NULL), EINVAL);
	tv = (struct timeval){ .tv_sec = 1, .tv_usec = 1000001 };
	CHECK_ERRNO(settimeofday_with_invalid_microseconds_is_EINVAL,
		    syscall(SYS_settimeofday, &tv, NULL), EINVAL);
	CHECK_EQ(settimeofday_of_nothing_succeeds, syscall(SYS_settimeofday, NULL, NULL), 0);
}

static int without_privilege(void *data)
{
	struct timespec now;
	struct timex tx = { .modes = ADJ_FREQUENCY };

	(void)data;
	clock_get(CLOCK_REALTIME, &now);
	syscall(SYS_setresuid, 1000, 1000, 1000);
	CHECK_ERRNO(unprivileged_cannot_set_the_clock,
		    syscall(SYS_clock_settime, CLOCK_REALTIME, &now), EPERM);
	CHECK_ERRNO(unprivileged_cannot_adjust_the_clock, syscall(SYS_adjtimex, &tx), EPERM);
	tx.modes = 0;
	CHECK(unprivileged_may_look_at_the_adjustment, syscall(SYS_adjtimex, &tx) >= 0);
	return 0;
}

static void check_adjusting(void)
{
	struct timex tx = { .modes = 0 };

	long state = syscall(SYS_adjtimex, &tx);

	OUT("clock state %ld status 0x%x", state, (unsigned)tx.status);
	OUT("tick %ld constant %ld tolerance %ld frequency %ld offset %ld", tx.tick, tx.constant,
	    tx.tolerance, tx.freq, tx.offset);
	tx = (struct timex){ .modes = ADJ_FREQUENCY, .freq = 100 << 16 };
	CHECK(frequency_can_be_set, syscall(SYS_adjtimex, &tx) >= 0);
	OUT("frequency %ld", tx.freq);
	tx = (struct timex){ .modes = ADJ_FREQUENCY, .freq = 1000 << 16 };
	syscall(SYS_adjtimex, &tx);
	OUT("frequency clamped to %ld", tx.freq);
	tx = (struct timex){ .modes = ADJ_FREQUENCY, .freq = 0 };
	syscall(SYS_adjtimex, &tx);
	tx = (struct timex){ .modes = ADJ_TICK, .tick = 5000 };
	CHECK_ERRNO(tick_out_of_range_is_EINVAL, syscall(SYS_adjtimex, &tx), EINVAL);
	tx = (struct timex){ .modes = 0x8000 };
	CHECK_ERRNO(unknown_old_mode_is_EINVAL, syscall(SYS_adjtimex, &tx), EINVAL);
	tx = (struct timex){ .modes = ADJ_OFFSET_SINGLESHOT, .offset = 2000 };
	CHECK(single_shot_adjustment_can_be_ordered, syscall(SYS_adjtimex, &tx) >= 0);
	OUT("outstanding before: %ld", tx.offset);
	tx = (struct timex){ .modes = ADJ_OFFSET_SINGLESHOT, .offset = 0 };
	syscall(SYS_adjtimex, &tx);
	CHECK(outstanding_adjustment_is_told, tx.offset > 0 && tx.offset <= 2000);
	tx = (struct timex){ .modes = ADJ_TAI, .constant = 37 };
	syscall(SYS_adjtimex, &tx);
	OUT("tai %d", tx.tai);
	CHECK(tai_is_ahead_of_realtime,
	      is_between(clock_ns(CLOCK_TAI) - clock_ns(CLOCK_REALTIME) - 37000000000ll, -100000000,
			 100000000));
	tx = (struct timex){ .modes = ADJ_TAI, .constant = 0 };
	syscall(SYS_adjtimex, &tx);
	CHECK_ERRNO(adjusting_another_clock_is_not_supported,
		    syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &tx), EOPNOTSUPP);
	CHECK_ERRNO(adjusting_an_unknown_clock_is_EINVAL,
		    syscall(SYS_clock_adjtime, 88, &tx), EINVAL);
	CHECK_ERRNO(adjusting_from_a_bad_pointer_is_EFAULT,
		    syscall(SYS_adjtimex, BAD_POINTER), EFAULT);
}

int main(void)
{
	check_which_clocks_there_are();
	check_resolutions();
	check_monotonic();
	check_ways_to_ask_agree();
	check_cpu_clocks();
	check_setting();
	check_in_child(without_privilege, NULL);
	check_adjusting();
	return 0;
}
