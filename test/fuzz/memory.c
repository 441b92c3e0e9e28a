/*
 * memory.c - the N-th allocation of the kernel fails, for many N, under conformance programs.
 *
 * /proc/sys/vm/alloc_fail (the debug kernel's) is set by the child just before it executes the
 * program. A program may then fail, be killed, or wait for what never comes until it is killed
 * here; the kernel must go on, say nothing and lose nothing. N grows, with random steps, until the
 * program ends before its N-th allocation.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define SWITCH "/proc/sys/vm/alloc_fail"

enum { KILLED_AFTER_S = 4, PROGRAMS_MAX = 64 };

static char *programs[PROGRAMS_MAX];
static size_t nr_programs;
static const char *program;

static void arm(long n)
{
	char text[24];
	int fd = open(SWITCH, O_WRONLY);

	(void)!write(fd, text, (size_t)snprintf(text, sizeof(text), "%ld\n", n));
	close(fd);
}

static long left(void)
{
	char text[24] = "";
	int fd = open(SWITCH, O_RDONLY);

	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return atol(text);
}

static void read_list(void)
{
	static char list[4096];
	int fd = open("/tests/list", O_RDONLY);

	(void)!read(fd, list, sizeof(list) - 1);
	close(fd);
	nr_programs = 0;
	for (char *name = strtok(list, " \n"); name && nr_programs < PROGRAMS_MAX;
	     name = strtok(NULL, " \n"))
		programs[nr_programs++] = name;
}

static void run_program(long n)
{
	char path[64];
	char *const arguments[] = { path, NULL }, *const environment[] = { "PATH=/bin", NULL };

	snprintf(path, sizeof(path), "/tests/%s", program);
	setsid();
	chdir("/tmp");
	dup2(open("/dev/null", O_RDWR), STDIN_FILENO);
	dup2(STDIN_FILENO, STDOUT_FILENO);
	dup2(STDIN_FILENO, STDERR_FILENO);
	if (n)
		arm(n);
	execve(path, arguments, environment);
	_exit(125);
}

/* Growing N for one program, or until `deadline`; returns how many. */
static long sweep(double deadline)
{
	long runs = 0, good = 0, killed = 0, n = 0;

	for (bool reached = true; reached && seconds_now() < deadline; runs++) {
		int status;

		n += 1 + (long)random_below(1 + (uint64_t)n / 6);
		mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777");
		status = child_run(run_program, n, KILLED_AFTER_S);
		reached = left() == 0;
		arm(0);
		umount2("/tmp", MNT_DETACH);
		good += status == 0;
		killed += WIFSIGNALED(status);
	}
	say("%s: %ld runs up to allocation %ld, %ld good, %ld killed", program, runs, n, good,
	    killed);
	return runs;
}

long fuzz_memory(const struct options *options)
{
	double deadline = seconds_now() + options->seconds;
	long runs = 0;

	if (access(SWITCH, W_OK) != 0) {
		say("no " SWITCH ": it is the debug kernel's");
		return 0;
	}
	read_list();
	random_seed(options->seed, 0);
	for (size_t at = random_below(nr_programs); seconds_now() < deadline; at++) {
		double share_end = seconds_now() + (double)options->seconds / 10 + 1;

		program = programs[at % nr_programs];
		runs += sweep(share_end < deadline ? share_end : deadline);
	}
	return runs;
}
