/*
 * path.c - names: opening, asking about, making and deleting files on a tmpfs, and reading a
 * directory of 200.
 */
#include "bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NR_ENTRIES 200
#define NR_FILES 64
#define DEEP FOLDER "/a/b/c/file"

static int fd;

static void file_make(const char *path)
{
	int made = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);

	if (made < 0 || close(made) != 0)
		fail(path);
}

static void path_init(long arg)
{
	(void)arg;
	mkdir(FOLDER "/a", 0755);
	mkdir(FOLDER "/a/b", 0755);
	mkdir(FOLDER "/a/b/c", 0755);
	file_make(DEEP);
	file_make(FOLDER "/file");
	fd = open(FOLDER "/file", O_RDONLY);
	if (fd < 0)
		fail("open");
}

static int64_t open_close_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, if (close(open(FOLDER "/file", O_RDONLY)) != 0) fail("open"));
}

static int64_t fstat_run(uint64_t n, long arg)
{
	struct stat status;

	(void)arg;
	return TIMED(n, if (fstat(fd, &status) != 0) fail("fstat"));
}

static int64_t stat_run(uint64_t n, long arg)
{
	struct stat status;

	(void)arg;
	return TIMED(n, if (stat(DEEP, &status) != 0) fail("stat"));
}

static void numbered(char *name, const char *kind, unsigned int number)
{
	sprintf(name, FOLDER "/%s%03u", kind, number);
}

static void many_unlink(void)
{
	char name[64];

	for (unsigned int i = 0; i < NR_FILES; i++) {
		numbered(name, "new", i);
		unlink(name);
	}
}

static void many_create(void)
{
	char name[64];

	for (unsigned int i = 0; i < NR_FILES; i++) {
		numbered(name, "new", i);
		file_make(name);
	}
}

static int64_t create_run(uint64_t n, long arg)
{
	int64_t took_ns = 0;

	(void)arg;
	for (uint64_t i = 0; i < n; i++) {
		took_ns += TIMED(1, many_create());
		many_unlink();
	}
	return took_ns;
}

static int64_t delete_run(uint64_t n, long arg)
{
	int64_t took_ns = 0;

	(void)arg;
	for (uint64_t i = 0; i < n; i++) {
		many_create();
		took_ns += TIMED(1, many_unlink());
	}
	return took_ns;
}

static void readdir_init(long arg)
{
	char name[64];

	(void)arg;
	mkdir(FOLDER "/dir", 0755);
	for (unsigned int i = 0; i < NR_ENTRIES; i++) {
		numbered(name, "dir/entry", i);
		file_make(name);
	}
}

static void directory_read(void)
{
	DIR *dir = opendir(FOLDER "/dir");
	int nr = 0;

	if (!dir)
		fail("opendir");
	while (readdir(dir))
		nr++;
	closedir(dir);
	if (nr != NR_ENTRIES + 2)
		fail("readdir");
}

static int64_t readdir_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, directory_read());
}

const struct row path_rows[] = {
	{ .name = "path.open_close", .init = path_init, .run = open_close_run },
	{ .name = "path.fstat", .init = path_init, .run = fstat_run },
	{ .name = "path.stat_4deep", .init = path_init, .run = stat_run },
	{ .name = "file.create", .per = NR_FILES, .run = create_run },
	{ .name = "file.delete", .per = NR_FILES, .run = delete_run },
	{ .name = "file.readdir_200", .init = readdir_init, .run = readdir_run },
	{ .name = NULL },
};
