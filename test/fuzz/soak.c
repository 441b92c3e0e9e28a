/*
 * soak.c - much of everything for a long time: conformance programs, storms of processes, more
 * memory than there is, pipes and signals. Each turn is a child, chosen at random, and what it
 * leaves is killed after it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

enum { KILLED_AFTER_S = 30, LIST_SIZE = 4096, HOG_BYTES = 256 << 20, RING = 12, LAPS = 200 };

static char list[LIST_SIZE];

static void be_silent(void)
{
	setsid();
	chdir("/tmp");
	dup2(open("/dev/null", O_RDWR), STDIN_FILENO);
	dup2(STDIN_FILENO, STDOUT_FILENO);
	dup2(STDIN_FILENO, STDERR_FILENO);
}

static void run_program(long number)
{
	char path[64] = "/tests/";
	char *const arguments[] = { path, NULL }, *const environment[] = { "PATH=/bin", NULL };
	const char *name = list;

	while (number-- > 0 && strchr(name, '\n'))
		name = strchr(name, '\n') + 1;
	strncat(path, name, strcspn(name, "\n"));
	be_silent();
	execve(path, arguments, environment);
}

/* Each process has two children, some levels deep; half of them do not wait for theirs. */
static void storm(long depth)
{
	be_silent();
	for (; depth > 0; depth--) {
		pid_t first = fork(), second = first > 0 ? fork() : -1;

		if (first > 0 && second > 0) {
			if (depth % 2)
				while (wait(NULL) > 0)
					;
			return;
		}
	}
}

/* Touches more memory than the machine has, in several processes. */
static void hog(long processes)
{
	char *memory =
		mmap(NULL, HOG_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	be_silent();
	while (processes-- > 0 && fork() != 0)
		;
	for (size_t at = 0; memory != MAP_FAILED && at < HOG_BYTES; at += 4096)
		memory[at] = 1;
}

static void fill_disk(long part)
{
	static char block[65536];
	int fd = open("/tmp/full", O_WRONLY | O_CREAT, 0600);

	be_silent();
	while (write(fd, block, (size_t)part) > 0)
		;
}

static void hear(int sig)
{
	(void)sig;
}

/* A token goes round a ring of processes through pipes, while each signals its neighbour. */
static void ring(long laps)
{
	struct sigaction action = { .sa_handler = hear, .sa_flags = SA_RESTART };
	int first[2], in, pair[2];
	pid_t next = 0;
	char token = 't';

	be_silent();
	sigaction(SIGUSR1, &action, NULL);
	pipe(first);
	in = first[0];
	for (int i = 0; i < RING; i++) {
		pipe(pair);
		next = fork();
		if (next == 0) {
			pid_t father = getppid();

			close(pair[0]);
			while (read(in, &token, 1) == 1) {
				kill(father, SIGUSR1);
				write(pair[1], &token, 1);
			}
			_exit(0);
		}
		in = pair[0];
		close(pair[1]);
	}
	while (laps-- > 0 && write(first[1], &token, 1) == 1 && read(in, &token, 1) == 1)
		kill(next, SIGUSR1);
}

static void one_turn(long programs)
{
	mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777");
	switch (random_below(8)) {
	case 0:
		child_run(storm, 3 + (long)random_below(4), KILLED_AFTER_S);
		break;
	case 1:
		child_run(hog, (long)random_below(3), KILLED_AFTER_S);
		break;
	case 2:
		child_run(ring, LAPS, KILLED_AFTER_S);
		break;
	case 3:
		child_run(fill_disk, 1 + (long)random_below(65536), KILLED_AFTER_S);
		break;
	default:
		child_run(run_program, (long)random_below((uint64_t)programs), KILLED_AFTER_S);
	}
	umount2("/tmp", MNT_DETACH);
}

long fuzz_soak(const struct options *options)
{
	double start = seconds_now(), told = start;
	int fd = open("/tests/list", O_RDONLY);
	ssize_t size = read(fd, list, sizeof(list) - 1);
	long turns = 0, programs = 0;

	close(fd);
	for (ssize_t i = 0; i < size; i++)
		programs += list[i] == '\n';
	random_seed(options->seed, 0);
	for (; seconds_now() - start < options->seconds; turns++) {
		one_turn(programs);
		if (seconds_now() - told > 10) {
			say("%ld turns in %.0f s", turns, seconds_now() - start);
			told = seconds_now();
		}
	}
	return turns;
}
