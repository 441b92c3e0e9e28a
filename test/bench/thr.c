/*
 * thr.c - threads: making one and waiting for it, and futexes without and with somebody waiting.
 */
#include "bench.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stddef.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STOP 2

static _Atomic int turn;

static void futex_wait(int value)
{
	syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(void)
{
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static int64_t wake_none_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, futex_wake());
}

static void *end_at_once(void *argument)
{
	return argument;
}

static void create_and_join(void)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, end_at_once, NULL);
	if (errno || pthread_join(thread, NULL) != 0)
		fail("pthread_create");
}

static int64_t create_join_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, create_and_join());
}

static void turn_give(int to)
{
	atomic_store(&turn, to);
	futex_wake();
}

static void *partner(void *argument)
{
	for (int now;;) {
		while ((now = atomic_load(&turn)) == 0)
			futex_wait(0);
		if (now == STOP)
			return argument;
		turn_give(0);
	}
}

static void ping(void)
{
	turn_give(1);
	while (atomic_load(&turn) == 1)
		futex_wait(1);
}

static int64_t pingpong_run(uint64_t n, long arg)
{
	pthread_t thread;
	int64_t took_ns;

	(void)arg;
	atomic_store(&turn, 0);
	errno = pthread_create(&thread, NULL, partner, NULL);
	if (errno)
		fail("pthread_create");
	ping();
	took_ns = TIMED(n, ping());
	turn_give(STOP);
	pthread_join(thread, NULL);
	return took_ns;
}

const struct row thr_rows[] = {
	{ .name = "thr.futex_wake_none", .run = wake_none_run },
	{ .name = "thr.create_join", .run = create_join_run },
	{ .name = "thr.futex_pingpong", .run = pingpong_run },
	{ .name = NULL },
};
