/*
 * pids.c - few numbers for many short-lived processes: with so small a pid_max each number is used
 * again and again. No two that live have the same, and fork, getpid and wait agree.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "torture.h"

enum { LIMIT = 340, CHILDREN = 5 };

static const char pid_max[] = "/proc/sys/kernel/pid_max";

static void pid_max_write(const char *text)
{
	int fd = open(pid_max, O_WRONLY);

	HOLDS(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void live(atomic_int *alive)
{
	pid_t pid = getpid();

	HOLDS(pid > 0 && pid < LIMIT);
	HOLDS(atomic_fetch_add(&alive[pid], 1) == 0);
	sched_yield();
	HOLDS(atomic_fetch_sub(&alive[pid], 1) == 1);
	_exit(pid % 251);
}

static void one_round(atomic_int *alive)
{
	pid_t pids[CHILDREN];
	int status;

	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		HOLDS(pids[i] >= 0);
		if (pids[i] == 0)
			live(alive);
	}
	for (int i = 0; i < CHILDREN; i++) {
		HOLDS(waitpid(pids[i], &status, 0) == pids[i]);
		HOLDS(WIFEXITED(status) && WEXITSTATUS(status) == pids[i] % 251);
	}
}

int main(int argc, char **argv)
{
	struct torture torture = torture_begin(argc, argv);
	atomic_int *alive = shared_alloc(LIMIT * sizeof(*alive));
	char before[16] = "";
	int fd = open(pid_max, O_RDONLY);

	HOLDS(fd >= 0 && read(fd, before, sizeof(before) - 1) > 0);
	close(fd);
	pid_max_write("340");
	for (int i = 0; i < WORKERS; i++) {
		pid_t pid = fork();

		HOLDS(pid >= 0);
		if (pid == 0) {
			for (long round = 0; round < torture.rounds; round++)
				one_round(alive);
			_exit(0);
		}
	}
	children_join(WORKERS);
	pid_max_write(before);
	return 0;
}
