/*
 * torture.h - what the torture programs share: their arguments, random numbers, a way to fail.
 *
 * A program is called with a seed and a number of rounds. It makes several threads or processes
 * meet, checks what must hold whatever the order is, and ends by itself: status 0, or 1 after a
 * line that says what did not hold. A wait that never ends is killed by the alarm.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 4, ALARM_S = 300, PAGE = 4096 };

struct torture {
	uint64_t seed;
	long     rounds;
};

#define HOLDS(condition)                                                                  \
	do {                                                                              \
		if (!(condition))                                                         \
			torture_failed(__FILE__, __LINE__, #condition);                   \
	} while (0)

static inline void torture_failed(const char *file, int line, const char *condition)
{
	dprintf(STDOUT_FILENO, "torture: FAILED: %s:%d: %s (errno %d)\n", file, line, condition,
		errno);
	_exit(1);
}

static inline struct torture torture_begin(int argc, char **argv)
{
	struct torture torture = {
		.seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1,
		.rounds = argc > 2 ? atol(argv[2]) : 100,
	};

	alarm(ALARM_S);
	printf("torture: seed %llu, %ld rounds\n", (unsigned long long)torture.seed,
	       torture.rounds);
	fflush(stdout);
	return torture;
}

/* The state of one thread's generator (splitmix64): its seed and its own number. */
static inline uint64_t random_begin(struct torture torture, uint64_t number)
{
	return torture.seed * 0x9e3779b97f4a7c15 + number * 0xd1b54a32d192ed03;
}

static inline uint64_t random_below(uint64_t *state, uint64_t limit)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return (x ^ (x >> 31)) % limit;
}

/* Zeroed memory that children share. */
static inline void *shared_alloc(size_t size)
{
	void *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	HOLDS(memory != MAP_FAILED);
	return memory;
}

/* Waits for so many children, each of which must end well; then there are no more. */
static inline void children_join(int count)
{
	for (int status; count > 0; count--) {
		HOLDS(wait(&status) > 0);
		HOLDS(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	HOLDS(wait(NULL) == -1 && errno == ECHILD);
}
