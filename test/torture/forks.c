/*
 * forks.c - a process forks while its threads write to private pages; children exit or execute.
 *
 * A thread writes a number to a page's first word and then to its second, so a copy of the page
 * holds the same number twice or one more in the first. In a child nobody writes: nothing may
 * change there. Each child is waited for once, with the status that it was told to end with.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "torture.h"

static volatile uint64_t *pages[WORKERS];
static volatile bool ended;

static void *count_up(void *arg)
{
	volatile uint64_t *page = arg;

	for (uint64_t number = 1; !ended; number++) {
		page[0] = number;
		page[1] = number;
	}
	return NULL;
}

static void copy_check(void)
{
	uint64_t seen[WORKERS];

	for (int i = 0; i < WORKERS; i++) {
		seen[i] = pages[i][0];
		HOLDS(seen[i] - pages[i][1] <= 1);
	}
	sched_yield();
	for (int i = 0; i < WORKERS; i++) {
		HOLDS(pages[i][0] == seen[i]);
		pages[i][0] = UINT64_MAX;
	}
}

static void child(int status, bool by_exec)
{
	char text[16];

	copy_check();
	if (!by_exec)
		_exit(status);
	snprintf(text, sizeof(text), "%d", status);
	execl("/proc/self/exe", "forks", "exit", text, NULL);
	_exit(1);
}

static void one_round(uint64_t *state)
{
	pid_t pids[WORKERS];
	int wanted[WORKERS], status;

	for (int i = 0; i < WORKERS; i++) {
		bool by_exec = random_below(state, 4) == 0;

		wanted[i] = 2 + (int)random_below(state, 200);
		pids[i] = fork();
		HOLDS(pids[i] >= 0);
		if (pids[i] == 0)
			child(wanted[i], by_exec);
	}
	for (int i = WORKERS - 1; i >= 0; i--) {
		HOLDS(waitpid(pids[i], &status, 0) == pids[i]);
		HOLDS(WIFEXITED(status) && WEXITSTATUS(status) == wanted[i]);
	}
	HOLDS(wait(NULL) == -1 && errno == ECHILD);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "exit"))
		return atoi(argv[2]);

	struct torture torture = torture_begin(argc, argv);
	uint64_t state = random_begin(torture, 0);
	pthread_t threads[WORKERS];

	for (int i = 0; i < WORKERS; i++) {
		pages[i] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				-1, 0);
		HOLDS(pages[i] != MAP_FAILED);
		HOLDS(pthread_create(&threads[i], NULL, count_up, (void *)pages[i]) == 0);
	}
	for (long round = 0; round < torture.rounds; round++)
		one_round(&state);
	ended = true;
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
