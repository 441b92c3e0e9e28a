/*
 * mounts.c - a file system is mounted over a directory, bound to another, moved and taken away,
 * while others walk through it: a walk ends below the mount or on it, never in between, a mount
 * with an open file is busy, and in the end all of them can be unmounted.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "torture.h"

enum { TURNS = 3 };

static struct torture torture;
static atomic_bool is_over;

static char first_byte(int fd)
{
	char byte = 0;

	HOLDS(read(fd, &byte, 1) == 1);
	close(fd);
	return byte;
}

static void write_file(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	HOLDS(fd >= 0 && write(fd, text, 1) == 1);
	close(fd);
}

/* "b" below the mount, "m" on it; there the name may not be there yet. */
static void *walk(void *arg)
{
	uint64_t random = random_begin(torture, (uint64_t)(uintptr_t)arg);
	const char *const paths[] = { "place/file", "place/../place/./file", "place/in/../file",
				      "bound/file", "place/in/../../bound/file" };

	while (!atomic_load(&is_over)) {
		int fd = open(paths[random_below(&random, 5)], O_RDONLY);

		if (fd >= 0) {
			char byte = first_byte(fd);

			HOLDS(byte == 'b' || byte == 'm');
		} else {
			HOLDS(errno == ENOENT);
		}
	}
	return NULL;
}

/* A directory that was opened stays what it is, whatever is mounted on it. */
static void *hold(void *arg)
{
	while (!atomic_load(&is_over)) {
		struct stat outside, inside;
		int directory = open("place", O_RDONLY | O_DIRECTORY), fd;

		HOLDS(directory >= 0 && fstat(directory, &outside) == 0);
		fd = openat(directory, "file", O_RDONLY);
		if (fd >= 0) {
			HOLDS(fstat(fd, &inside) == 0 && inside.st_dev == outside.st_dev);
			close(fd);
		} else {
			HOLDS(errno == ENOENT);
		}
		sched_yield();
		HOLDS(fstat(directory, &inside) == 0 && inside.st_ino == outside.st_ino);
		close(directory);
	}
	return arg;
}

static void *list(void *arg)
{
	char line[256];

	while (!atomic_load(&is_over)) {
		FILE *mounts = fopen("/proc/self/mountinfo", "r");
		int count = 0;

		HOLDS(mounts);
		while (fgets(line, sizeof(line), mounts))
			count += strchr(line, '\n') != NULL;
		HOLDS(count >= 1);
		fclose(mounts);
	}
	return arg;
}

static void take_away(const char *name, uint64_t *random)
{
	if (random_below(random, 2)) {
		HOLDS(umount2(name, MNT_DETACH) == 0);
		return;
	}
	while (umount2(name, 0) != 0) {
		HOLDS(errno == EBUSY);
		sched_yield();
	}
}

static void put_and_take(uint64_t *random)
{
	bool is_bound, is_moved;

	HOLDS(mount("none", "place", "tmpfs", 0, "size=1m") == 0);
	HOLDS(mkdir("place/in", 0700) == 0);
	write_file("place/new", "m");
	HOLDS(rename("place/new", "place/file") == 0);
	is_bound = random_below(random, 2);
	if (is_bound)
		HOLDS(mount("place", "bound", NULL, MS_BIND, NULL) == 0);
	is_moved = random_below(random, 3) == 0;
	if (is_moved)
		HOLDS(mount("place", "other", NULL, MS_MOVE, NULL) == 0);
	sched_yield();
	if (is_bound)
		take_away("bound", random);
	take_away(is_moved ? "other" : "place", random);
}

int main(int argc, char **argv)
{
	void *(*const works[])(void *) = { walk, walk, hold, list };
	char directory[] = "/tmp/mountsXXXXXX";
	pthread_t threads[WORKERS];
	uint64_t random;

	torture = torture_begin(argc, argv);
	random = random_begin(torture, 9);
	HOLDS(mkdtemp(directory) && mount("none", directory, "tmpfs", 0, NULL) == 0);
	HOLDS(mount(NULL, directory, NULL, MS_PRIVATE, NULL) == 0 && chdir(directory) == 0);
	HOLDS(mkdir("place", 0700) == 0 && mkdir("bound", 0700) == 0 && mkdir("other", 0700) == 0);
	HOLDS(mkdir("place/in", 0700) == 0);
	write_file("place/file", "b");
	for (long round = 0; round < torture.rounds; round++) {
		atomic_store(&is_over, false);
		for (long i = 0; i < WORKERS; i++)
			HOLDS(pthread_create(&threads[i], NULL, works[i], (void *)i) == 0);
		for (int i = 0; i < TURNS; i++)
			put_and_take(&random);
		atomic_store(&is_over, true);
		for (int i = 0; i < WORKERS; i++)
			pthread_join(threads[i], NULL);
		torture.seed += 1000003;
	}
	HOLDS(chdir("/") == 0 && umount(directory) == 0 && rmdir(directory) == 0);
	return 0;
}
