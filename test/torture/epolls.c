/*
 * epolls.c - descriptors are added to, changed in and taken out of an epoll, closed and opened
 * again under it, while others wait at it: an event tells of a descriptor that was there, one shot
 * is told once, and an epoll that goes away with everything in it leaves nobody behind.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "torture.h"

enum { SLOTS = 8, TURNS = 60, BATCH = 4, STOP = SLOTS };

static struct torture torture;
static int epoll, stop;
static atomic_int fds[SLOTS];
static atomic_long armed[SLOTS], told[SLOTS];

static void slot_open(int slot)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = (uint64_t)slot };
	int fd = eventfd(1, EFD_NONBLOCK);

	HOLDS(fd >= 0);
	HOLDS(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	atomic_store(&fds[slot], fd);
}

/* Whoever takes the descriptor out of the slot closes it; sometimes the epoll is told before. */
static void *close_and_open(void *arg)
{
	uint64_t random = random_begin(torture, (uint64_t)(uintptr_t)arg);

	for (int i = 0; i < TURNS; i++) {
		int slot = (int)random_below(&random, SLOTS);
		int fd = atomic_exchange(&fds[slot], -1);

		if (fd < 0)
			continue;
		if (random_below(&random, 2))
			HOLDS(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) == 0);
		HOLDS(close(fd) == 0);
		slot_open(slot);
	}
	return NULL;
}

/* The number may be closed, or another's, at any time: only what cannot be is an error. */
static void *change(void *arg)
{
	uint64_t random = random_begin(torture, 100 + (uint64_t)(uintptr_t)arg);

	for (int i = 0; i < TURNS; i++) {
		int slot = (int)random_below(&random, SLOTS), fd = atomic_load(&fds[slot]);
		struct epoll_event event = { .events = EPOLLIN | EPOLLET,
					     .data.u64 = (uint64_t)slot };

		if (random_below(&random, 2))
			event.events |= EPOLLOUT;
		if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) != 0)
			HOLDS(errno == EBADF || errno == ENOENT);
		if (write(fd, &(uint64_t){ 1 }, 8) != 8)
			HOLDS(errno == EBADF);
	}
	return NULL;
}

static void *listen(void *arg)
{
	struct epoll_event events[BATCH];

	for (;;) {
		int count = epoll_wait(epoll, events, BATCH, -1);

		HOLDS(count >= 1 && count <= BATCH);
		for (int i = 0; i < count; i++) {
			HOLDS(events[i].data.u64 <= STOP);
			HOLDS(events[i].events != 0);
			if (events[i].data.u64 == STOP)
				return arg;
		}
	}
}

static void close_under(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = STOP };
	pthread_t listeners[2], others[4];

	HOLDS((epoll = epoll_create1(0)) >= 0 && (stop = eventfd(0, 0)) >= 0);
	HOLDS(epoll_ctl(epoll, EPOLL_CTL_ADD, stop, &event) == 0);
	for (int i = 0; i < SLOTS; i++)
		slot_open(i);
	for (int i = 0; i < 2; i++)
		HOLDS(pthread_create(&listeners[i], NULL, listen, NULL) == 0);
	for (long i = 0; i < 4; i++)
		HOLDS(pthread_create(&others[i], NULL, i < 2 ? close_and_open : change,
				     (void *)i) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(others[i], NULL);
	HOLDS(write(stop, &(uint64_t){ 1 }, 8) == 8);
	for (int i = 0; i < 2; i++)
		pthread_join(listeners[i], NULL);
	for (int i = 0; i < SLOTS; i++)
		HOLDS(close(fds[i]) == 0);
	close(stop);
	close(epoll);
}

/* One shot: it is told once for each time that it is armed, to one of all who wait. */
static void *take_shots(void *arg)
{
	struct epoll_event event;

	while (epoll_wait(epoll, &event, 1, -1) == 1) {
		uint64_t slot = event.data.u64;

		if (slot == STOP)
			return arg;
		HOLDS(atomic_fetch_add(&told[slot], 1) + 1 == atomic_load(&armed[slot]));
		if (atomic_load(&armed[slot]) == TURNS)
			continue;
		atomic_fetch_add(&armed[slot], 1);
		event.events = EPOLLIN | EPOLLONESHOT;
		HOLDS(epoll_ctl(epoll, EPOLL_CTL_MOD, fds[slot], &event) == 0);
	}
	HOLDS(!"epoll_wait ended");
	return NULL;
}

static void shoot(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = STOP };
	pthread_t threads[WORKERS];

	HOLDS((epoll = epoll_create1(0)) >= 0 && (stop = eventfd(0, 0)) >= 0);
	for (int i = 0; i < WORKERS; i++)
		HOLDS(pthread_create(&threads[i], NULL, take_shots, NULL) == 0);
	for (int i = 0; i < SLOTS; i++) {
		event = (struct epoll_event){ EPOLLIN | EPOLLONESHOT, { .u64 = (uint64_t)i } };
		armed[i] = 1;
		told[i] = 0;
		HOLDS((fds[i] = eventfd(1, 0)) >= 0);
		HOLDS(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event) == 0);
	}
	for (int i = 0; i < SLOTS; i++)
		while (atomic_load(&told[i]) < TURNS)
			sched_yield();
	event = (struct epoll_event){ EPOLLIN, { .u64 = STOP } };
	HOLDS(write(stop, &(uint64_t){ 1 }, 8) == 8);
	HOLDS(epoll_ctl(epoll, EPOLL_CTL_ADD, stop, &event) == 0);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < SLOTS; i++) {
		HOLDS(told[i] == TURNS);
		close(fds[i]);
	}
	close(stop);
	close(epoll);
}

/* Epolls in epolls in a ring of three: two may join, the third that closes the ring may not. */
static void *join_ring(void *arg)
{
	const int *ring = arg;
	struct epoll_event event = { .events = EPOLLIN };

	for (int i = 0; i < TURNS; i++) {
		int from = i % 3, to = (i + 1) % 3;

		if (epoll_ctl(ring[from], EPOLL_CTL_ADD, ring[to], &event) != 0)
			HOLDS(errno == ELOOP || errno == EEXIST);
		if (epoll_ctl(ring[from], EPOLL_CTL_DEL, ring[to], NULL) != 0)
			HOLDS(errno == ENOENT);
		HOLDS(epoll_wait(ring[from], &event, 1, 0) == 0);
	}
	return NULL;
}

static void nest(void)
{
	int ring[3];
	pthread_t threads[WORKERS];

	for (int i = 0; i < 3; i++)
		HOLDS((ring[i] = epoll_create1(0)) >= 0);
	for (int i = 0; i < WORKERS; i++)
		HOLDS(pthread_create(&threads[i], NULL, join_ring, ring) == 0);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 3; i++)
		close(ring[i]);
}

int main(int argc, char **argv)
{
	torture = torture_begin(argc, argv);
	for (long round = 0; round < torture.rounds; round++) {
		close_under();
		shoot();
		nest();
		torture.seed += 1000003;
	}
	return 0;
}
