/*
 * proc_files.h - reading files of /proc for the programs that test it.
 */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char file_text[1 << 18];
static ssize_t file_size;

/* The whole file in file_text, terminated; what open or read said, or the size. */
static inline ssize_t file_read(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = 0;

	file_size = 0;
	file_text[0] = '\0';
	if (fd < 0)
		return -1;
	while (file_size < (ssize_t)sizeof(file_text) - 1 &&
	       (n = read(fd, file_text + file_size, sizeof(file_text) - 1 - (size_t)file_size)) > 0)
		file_size += n;
	file_text[file_size] = '\0';
	close(fd);
	return n < 0 ? -1 : file_size;
}

/* /proc/PID/name. */
static inline const char *proc_path(int pid, const char *name)
{
	static char path[4][64];
	static int next;
	char *made = path[next++ % 4];

	snprintf(made, sizeof(path[0]), "/proc/%d/%s", pid, name);
	return made;
}

static inline ssize_t proc_read(int pid, const char *name)
{
	return file_read(proc_path(pid, name));
}

/* The line of file_text that begins with `start`, behind it; NULL: there is none. */
static inline const char *line_after(const char *start)
{
	for (const char *line = file_text; line && *line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, start, strlen(start)) == 0)
			return line + strlen(start);
		if (!*line)
			break;
	}
	return NULL;
}

static inline bool line_is(const char *start, const char *rest)
{
	const char *line = line_after(start);

	return line && strncmp(line, rest, strlen(rest)) == 0 && line[strlen(rest)] == '\n';
}

/* The number in the line that begins so; -1: no such line. */
static inline long long line_number(const char *start, int base)
{
	const char *line = line_after(start);

	return line ? strtoll(line, NULL, base) : -1;
}

/* Do lines with these starts come in this order? NULL ends the list. */
static inline bool lines_in_order(const char *const *starts)
{
	const char *last = file_text;

	for (; *starts; starts++) {
		const char *line = line_after(*starts);

		if (!line || line < last)
			return false;
		last = line;
	}
	return true;
}

static inline bool link_is(const char *path, const char *text)
{
	char target[512];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	return strcmp(target, text) == 0;
}

static inline int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

/* Field n of /proc/PID/stat as proc(5) numbers them, from 3 on. */
static inline long long stat_field(int pid, int n)
{
	char *at;

	if (proc_read(pid, "stat") < 0)
		return -1;
	at = strrchr(file_text, ')') + 1;
	for (int field = 3; field < n; field++)
		at = strchr(at + 1, ' ');
	return n == 3 ? at[1] : strtoll(at, NULL, 10);
}

static inline int count_words(const char *text)
{
	int words = 0;

	for (char before = ' '; *text; before = *text++)
		words += before == ' ' && *text != ' ';
	return words;
}

static inline int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}
