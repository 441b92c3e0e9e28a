/*
 * main.c - the first program of the machine that is measured, and the order of its rows.
 *
 * Reads /bench.conf (words: run_us=N, runs=N, rows=PATTERN,..., endless), runs each row that is
 * wanted in a process of its own with a time limit, and powers the machine off. On a running system
 * `bench PATTERN,...` measures there and `bench --list PATTERN,...` only names the rows.
 */
#include "bench.h"

#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_S 120

static const struct row *const families[] = {
	ctl_rows, sys_rows, path_rows, sig_rows, pipe_rows, net_rows, thr_rows, proc_rows,
	ctx_rows, mem_rows, seq_rows, poll_rows, disk_rows, par_rows,
};

static volatile pid_t running;
static volatile sig_atomic_t was_late;

static void stop_late(int signal)
{
	(void)signal;
	was_late = 1;
	kill(running, SIGKILL);
}

static bool is_wanted(const char *name, const char *patterns)
{
	char copy[4096], *rest = copy, *pattern;

	snprintf(copy, sizeof(copy), "%s", patterns);
	while ((pattern = strsep(&rest, ",")) != NULL)
		if (fnmatch(pattern, name, 0) == 0)
			return true;
	return false;
}

static void read_settings(struct settings *settings)
{
	FILE *file = fopen("/bench.conf", "r");
	char word[4200];

	while (file && fscanf(file, "%4199s", word) == 1) {
		long number = 0;

		if (sscanf(word, "run_us=%ld", &number) == 1)
			settings->run_ns = number * 1000;
		else if (sscanf(word, "runs=%ld", &number) == 1)
			settings->nr_runs = (int)number;
		else if (strcmp(word, "endless") == 0)
			settings->endless = true;
		else if (sscanf(word, "rows=%4095s", settings->rows) != 1)
			printf("bench: /bench.conf: '%s' is not understood\n", word);
	}
	if (file)
		fclose(file);
}

static void run_row(const struct row *row, const struct settings *settings)
{
	int status;

	fflush(stdout);
	was_late = 0;
	running = fork();
	if (running == 0) {
		row_measure(row, settings);
		_exit(0);
	}
	if (running < 0) {
		printf("skip %s fork: %s\n", row->name, strerror(errno));
		return;
	}
	if (!settings->endless)
		alarm(LIMIT_S);
	while (waitpid(running, &status, 0) < 0 && errno == EINTR)
		;
	alarm(0);
	if (was_late)
		printf("skip %s not done in %d s\n", row->name, LIMIT_S);
	else if (WIFSIGNALED(status))
		printf("skip %s ended by signal %d\n", row->name, WTERMSIG(status));
	if (getpid() != 1)
		return;
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void name_row(const struct row *row, const struct settings *settings)
{
	(void)settings;
	printf("%s\n", row->name);
}

static void mount_system(void)
{
	mkdir(FOLDER, 01777);
	mkdir("/dev/pts", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("tmpfs", FOLDER, "tmpfs", 0, "mode=1777");
}

int main(int argc, char **argv)
{
	void (*use)(const struct row *, const struct settings *) = run_row;
	struct settings settings = { .run_ns = 2000000, .nr_runs = 7, .rows = "*" };

	if (getpid() == 1)
		mount_system();
	read_settings(&settings);
	if (argc > 1)
		snprintf(settings.rows, sizeof(settings.rows), "%s", argv[argc - 1]);
	if (argc > 1 && strcmp(argv[1], "--list") == 0)
		use = name_row;
	signal(SIGALRM, stop_late);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		for (const struct row *row = families[i]; row->name; row++)
			if (is_wanted(row->name, settings.rows))
				use(row, &settings);
	if (use == run_row)
		printf("done\n");
	fflush(stdout);
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	return 0;
}
