/*
 * futexes.c - a lock and a counter by wait and wake, waiters moved from one word to another, and
 * the robust locks of processes that die. Counts are exact, and a wake-up that is lost ends in the
 * alarm.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "torture.h"

enum { TURNS = 50 };

static atomic_uint lock, from, to;
static unsigned long counter;

static long futex(atomic_uint *word, int op, unsigned int value, unsigned long value2,
		  atomic_uint *word2, unsigned int value3)
{
	return syscall(SYS_futex, word, op, value, value2, word2, value3);
}

/* 0 free, 1 held, 2 held and waited for. */
static void word_lock(atomic_uint *word)
{
	unsigned int seen = 0;

	if (atomic_compare_exchange_strong(word, &seen, 1))
		return;
	while (atomic_exchange(word, 2) != 0)
		futex(word, FUTEX_WAIT, 2, 0, NULL, 0);
}

static void word_unlock(atomic_uint *word)
{
	if (atomic_exchange(word, 0) == 2)
		futex(word, FUTEX_WAKE, 1, 0, NULL, 0);
}

static void *add(void *arg)
{
	for (int i = 0; i < TURNS; i++) {
		word_lock(&lock);
		counter++;
		if (i % 8 == 0)
			sched_yield();
		word_unlock(&lock);
	}
	return arg;
}

static void *wait_moved(void *arg)
{
	while (futex(&from, FUTEX_WAIT, 0, 0, NULL, 0) != 0)
		HOLDS(errno == EINTR);
	return arg;
}

/* Whoever waits at `from` is woken there or moved; each is woken once. */
static void wake_all(void)
{
	long awake = 0;

	while (awake < WORKERS) {
		long moved = futex(&from, FUTEX_CMP_REQUEUE, 1, INT_MAX, &to, 0);

		HOLDS(moved >= 0 && moved <= WORKERS);
		awake += moved > 0;
		for (long left = moved - 1; left > 0; left--) {
			HOLDS(futex(&to, FUTEX_WAKE, 1, 0, NULL, 0) == 1);
			awake++;
		}
	}
	HOLDS(awake == WORKERS);
	HOLDS(futex(&from, FUTEX_WAKE, INT_MAX, 0, NULL, 0) == 0);
	HOLDS(futex(&to, FUTEX_WAKE, INT_MAX, 0, NULL, 0) == 0);
}

static void together(void *(*work)(void *), void (*meanwhile)(void))
{
	pthread_t threads[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		HOLDS(pthread_create(&threads[i], NULL, work, NULL) == 0);
	if (meanwhile)
		meanwhile();
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
}

/* Each child takes the lock and dies with it; the next one is told and goes on. */
static void robust(pthread_mutex_t *mutex)
{
	pid_t pids[WORKERS];
	int status;

	for (int i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		HOLDS(pids[i] >= 0);
		if (pids[i] == 0) {
			int err = pthread_mutex_lock(mutex);

			if (err == EOWNERDEAD)
				err = pthread_mutex_consistent(mutex);
			HOLDS(err == 0);
			kill(getpid(), SIGKILL);
		}
	}
	for (int i = 0; i < WORKERS; i++) {
		HOLDS(waitpid(pids[i], &status, 0) == pids[i]);
		HOLDS(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	HOLDS(pthread_mutex_lock(mutex) == EOWNERDEAD);
	HOLDS(pthread_mutex_consistent(mutex) == 0);
	HOLDS(pthread_mutex_unlock(mutex) == 0);
}

int main(int argc, char **argv)
{
	struct torture torture = torture_begin(argc, argv);
	pthread_mutex_t *mutex = shared_alloc(sizeof(*mutex));
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	HOLDS(pthread_mutex_init(mutex, &attributes) == 0);
	for (long round = 1; round <= torture.rounds; round++) {
		together(add, NULL);
		HOLDS(counter == (unsigned long)round * WORKERS * TURNS);
		together(wait_moved, wake_all);
		robust(mutex);
	}
	return 0;
}
