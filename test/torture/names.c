/*
 * names.c - processes create, link, rename and remove the same names at the same time.
 *
 * Of all who create a name exclusively, one succeeds. A file that is only ever replaced by rename
 * is always there and always whole. In the end the directory can be emptied and removed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "torture.h"

enum { WORDS = 64 };

static void whole_write(const char *name, uint64_t stamp)
{
	uint64_t words[WORDS];
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	HOLDS(fd >= 0);
	for (int i = 0; i < WORDS; i++)
		words[i] = stamp;
	HOLDS(write(fd, words, sizeof(words)) == (ssize_t)sizeof(words));
	close(fd);
}

static void whole_check(const char *name)
{
	uint64_t words[WORDS];
	int fd = open(name, O_RDONLY);

	HOLDS(fd >= 0);
	HOLDS(read(fd, words, sizeof(words)) == (ssize_t)sizeof(words));
	for (int i = 1; i < WORDS; i++)
		HOLDS(words[i] == words[0]);
	close(fd);
}

static void replace(int worker, uint64_t stamp)
{
	char name[32], second[32];

	snprintf(name, sizeof(name), "new%d", worker);
	snprintf(second, sizeof(second), "link%d", worker);
	whole_write(name, stamp);
	/* link(2) may find a file that is replaced before the link is made. */
	if (link("target", second) == 0) {
		whole_check(second);
		HOLDS(unlink(second) == 0);
	} else {
		HOLDS(errno == ENOENT);
	}
	HOLDS(rename(name, "target") == 0);
	whole_check("target");
}

/* `once` counts, for each round, how many made the file. */
static void work(struct torture torture, int worker, atomic_int *once)
{
	uint64_t state = random_begin(torture, (uint64_t)worker);

	for (long round = 0; round < torture.rounds; round++) {
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "once%ld", round);
		fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
		HOLDS(fd >= 0 || errno == EEXIST);
		if (fd >= 0) {
			atomic_fetch_add(&once[round], 1);
			close(fd);
		}
		replace(worker, random_below(&state, UINT64_MAX));
		if (rename("moved", "back") != 0)
			HOLDS(errno == ENOENT);
		if (rename("back", "moved") != 0)
			HOLDS(errno == ENOENT);
	}
	_exit(0);
}

static void empty(const char *directory, long rounds)
{
	char name[32];
	struct stat status;

	HOLDS(stat("target", &status) == 0 && status.st_nlink == 1);
	HOLDS(unlink("target") == 0);
	HOLDS((unlink("moved") == 0) + (unlink("back") == 0) == 1);
	for (long round = 0; round < rounds; round++) {
		snprintf(name, sizeof(name), "once%ld", round);
		HOLDS(unlink(name) == 0);
	}
	HOLDS(chdir("/") == 0 && rmdir(directory) == 0);
}

int main(int argc, char **argv)
{
	struct torture torture = torture_begin(argc, argv);
	atomic_int *once = shared_alloc((size_t)torture.rounds * sizeof(*once));
	char directory[] = "/tmp/namesXXXXXX";

	HOLDS(mkdtemp(directory) && chdir(directory) == 0);
	whole_write("target", 0);
	whole_write("moved", 0);
	for (int i = 0; i < WORKERS; i++) {
		pid_t pid = fork();

		HOLDS(pid >= 0);
		if (pid == 0)
			work(torture, i, once);
	}
	children_join(WORKERS);
	for (long round = 0; round < torture.rounds; round++)
		HOLDS(once[round] == 1);
	empty(directory, torture.rounds);
	return 0;
}
