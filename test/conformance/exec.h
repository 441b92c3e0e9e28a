/*
 * exec.h - for programs that execute copies of themselves.
 *
 * check_begin() goes to /tmp and leaves a copy of the program there as `it`; it sets EXECUTED in
 * the environment, by which main() knows that it is such a copy and calls what the first word
 * names.
 */
#pragma once

#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static char self[256];

static inline void write_file(const char *path, const void *bytes, size_t size, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	write(fd, bytes, size);
	fchmod(fd, mode);
	close(fd);
}

static inline void copy_self(const char *path, mode_t mode)
{
	static char buffer[65536];
	int from = open(self, O_RDONLY), to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	ssize_t got;

	while ((got = read(from, buffer, sizeof(buffer))) > 0)
		write(to, buffer, (size_t)got);
	fchmod(to, mode);
	close(from);
	close(to);
}

/* Runs execve(path, argv) in a child: wait's status, or 100 + errno as exit code if it failed. */
static inline int exec_in_child(const char *path, char *const argv[])
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execve(path, argv, environ);
		_exit(100 + errno % 100);
	}
	waitpid(pid, &status, 0);
	return status;
}

static inline int print_arguments(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		OUT("argument %d: %.60s (%d)", i, argv[i], (int)strlen(argv[i]));
	return argc;
}

static inline int show_ids(void)
{
	OUT("ids %d %d %d %d secure %d dumpable %d", getuid(), geteuid(), getgid(), getegid(),
	    (int)getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE));
	return 0;
}

/* What a copy does that is told so by its first word; without one it shows its arguments. */
static inline int executed(int argc, char **argv)
{
	const char *what = argv[argc > 1];

	if (!strcmp(what, "count"))
		return argc == atoi(argv[2]) ? 0 : 1;
	if (!strcmp(what, "exit"))
		return atoi(argv[2]);
	if (!strcmp(what, "ids"))
		return show_ids();
	if (!strcmp(what, "execfn")) {
		OUT("executed as %s", (char *)getauxval(AT_EXECFN));
		return 0;
	}
	return print_arguments(argc, argv);
}

static inline void check_begin(char **argv)
{
	strcpy(self, argv[0]);
	chdir("/tmp");
	copy_self("it", 0755);
	setenv("EXECUTED", "1", 1);
}
