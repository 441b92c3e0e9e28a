/*
 * timers.c - timers of all kinds are set, asked and deleted while they fire and while their signals
 * are read: each period is counted once, none fires after it is gone, and none before its time.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

#include "torture.h"

enum { TURNS = 40, PERIOD_US = 500, MS = 1000000 };

static struct torture torture;
static atomic_bool is_over;
static int timer_fd, signal_fd;

static long now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct itimerspec spec_of(long value_ns, long interval_ns)
{
	return (struct itimerspec){
		.it_value = { value_ns / 1000000000, value_ns % 1000000000 },
		.it_interval = { interval_ns / 1000000000, interval_ns % 1000000000 },
	};
}

/* ---- one timerfd: set by some, read by others ----------------------------------------------- */

static void *set_again(void *arg)
{
	uint64_t random = random_begin(torture, (uint64_t)(uintptr_t)arg);

	for (int i = 0; i < TURNS; i++) {
		struct itimerspec spec = spec_of(1 + (long)random_below(&random, MS),
						 (long)random_below(&random, 2) * MS), old;
		int flags = random_below(&random, 4) ? 0 : TFD_TIMER_ABSTIME;

		HOLDS(timerfd_settime(timer_fd, flags, &spec, &old) == 0);
		HOLDS(old.it_value.tv_sec == 0 && old.it_value.tv_nsec <= MS);
		HOLDS(timerfd_gettime(timer_fd, &old) == 0);
		HOLDS(old.it_value.tv_sec == 0 && old.it_value.tv_nsec <= MS);
		if (random_below(&random, 2))
			usleep((useconds_t)random_below(&random, 1500));
	}
	return NULL;
}

static void *read_on(void *arg)
{
	uint64_t count;

	while (!atomic_load(&is_over)) {
		HOLDS(read(timer_fd, &count, sizeof(count)) == sizeof(count));
		HOLDS(count >= 1);
	}
	return arg;
}

static void one_timerfd(void)
{
	struct itimerspec last = spec_of(MS, MS);
	pthread_t threads[WORKERS];

	atomic_store(&is_over, false);
	HOLDS((timer_fd = timerfd_create(CLOCK_MONOTONIC, 0)) >= 0);
	for (long i = 0; i < WORKERS; i++)
		HOLDS(pthread_create(&threads[i], NULL, i < 2 ? set_again : read_on,
				     (void *)i) == 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&is_over, true);
	HOLDS(timerfd_settime(timer_fd, 0, &last, NULL) == 0);
	for (int i = 2; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	close(timer_fd);
}

/* ---- a period: what is counted is what has passed ------------------------------------------- */

static void *count_periods(void *arg)
{
	const long begin = now_ns();
	struct itimerspec spec = spec_of(PERIOD_US * 1000, PERIOD_US * 1000);
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t count, sum = 0;

	HOLDS(fd >= 0 && timerfd_settime(fd, 0, &spec, NULL) == 0);
	for (int i = 0; i < TURNS; i++) {
		HOLDS(read(fd, &count, sizeof(count)) == sizeof(count));
		sum += count;
		HOLDS((long)sum <= (now_ns() - begin) / (PERIOD_US * 1000));
	}
	close(fd);
	return arg;
}

/* ---- POSIX timers: their signals are queued, read, and die with them ------------------------ */

static void *read_signals(void *arg)
{
	struct signalfd_siginfo info;

	for (;;) {
		HOLDS(read(signal_fd, &info, sizeof(info)) == sizeof(info));
		HOLDS(info.ssi_signo == (uint32_t)SIGRTMIN);
		if (info.ssi_code == SI_QUEUE)
			return arg;
		HOLDS(info.ssi_code == SI_TIMER && info.ssi_int >= 0 && info.ssi_int < WORKERS);
		HOLDS((int)info.ssi_overrun >= 0);
	}
}

static void *make_timers(void *arg)
{
	const long number = (long)arg;
	uint64_t random = random_begin(torture, 50 + (uint64_t)number);

	for (int i = 0; i < TURNS; i++) {
		struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN,
					  .sigev_value.sival_int = (int)number };
		struct itimerspec spec = spec_of(1 + (long)random_below(&random, MS), MS / 4);
		timer_t timer;

		HOLDS(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
		HOLDS(timer_settime(timer, 0, &spec, NULL) == 0);
		usleep((useconds_t)random_below(&random, 2000));
		HOLDS(timer_gettime(timer, &spec) == 0 && timer_getoverrun(timer) >= 0);
		HOLDS(spec.it_value.tv_sec == 0 && spec.it_value.tv_nsec <= MS);
		HOLDS(timer_delete(timer) == 0);
	}
	return NULL;
}

static void posix_timers(void)
{
	pthread_t makers[WORKERS], readers[2];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	HOLDS((signal_fd = signalfd(-1, &set, SFD_CLOEXEC)) >= 0);
	for (int i = 0; i < 2; i++)
		HOLDS(pthread_create(&readers[i], NULL, read_signals, NULL) == 0);
	for (long i = 0; i < WORKERS; i++)
		HOLDS(pthread_create(&makers[i], NULL, make_timers, (void *)i) == 0);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(makers[i], NULL);
	for (int i = 0; i < 2; i++)
		HOLDS(sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0);
	for (int i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
	/* A signal may have waited for a timer that is deleted since; nothing else is left. */
	close(signal_fd);
	while (sigtimedwait(&set, NULL, &(struct timespec){ 0 }) > 0)
		;
}

/* ---- the interval timer of the process, set by several threads ------------------------------ */

static atomic_long alarms;

static void hear(int sig)
{
	HOLDS(sig == SIGVTALRM);
	atomic_fetch_add(&alarms, 1);
}

static void *set_interval(void *arg)
{
	struct itimerval value = { { 0, 300 }, { 0, 300 } }, old;

	for (int i = 0; i < TURNS; i++) {
		HOLDS(setitimer(ITIMER_VIRTUAL, &value, &old) == 0);
		HOLDS(old.it_value.tv_sec == 0 && old.it_value.tv_usec <= 20000);
		HOLDS(getitimer(ITIMER_VIRTUAL, &old) == 0);
		for (volatile int spin = 0; spin < 20000; spin++)
			;
	}
	return arg;
}

static void interval_timer(void)
{
	pthread_t threads[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		HOLDS(pthread_create(&threads[i], NULL, set_interval, NULL) == 0);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	for (long before = atomic_load(&alarms); atomic_load(&alarms) == before;)
		;
	HOLDS(setitimer(ITIMER_VIRTUAL, &(struct itimerval){ 0 }, NULL) == 0);
}

int main(int argc, char **argv)
{
	pthread_t counters[WORKERS];
	sigset_t set;

	torture = torture_begin(argc, argv);
	signal(SIGVTALRM, hear);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (long round = 0; round < torture.rounds; round++) {
		for (int i = 0; i < WORKERS; i++)
			HOLDS(pthread_create(&counters[i], NULL, count_periods, NULL) == 0);
		one_timerfd();
		posix_timers();
		interval_timer();
		for (int i = 0; i < WORKERS; i++)
			pthread_join(counters[i], NULL);
		torture.seed += 1000003;
	}
	return 0;
}
