/*
 * Names and contents made, changed, moved and removed below the working directory, by a seeded plan
 * and against a model in memory.
 *
 *     churn plan SEED OPERATIONS     then reads everything back, and prints what is there:
 *                                    "= NAME SIZE SUM" a file
 *     churn cut SEED                 until the machine is switched off. What is promised is
 *                                    printed: "S NAME SIZE SUM" this file rests on the disk, "D
 *                                    NAME" it is about to change, "C N" the file "current" rests
 *                                    there in version N or will be replaced by a newer one
 *     churn fill                     until the disk is full, checks what was written, empties it
 *
 * Exit status 0: the file system did what the model says.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 200, DIRS = 8, SIZE_MAX_ = 300000 };

static uint64_t seed;

static uint64_t random_below(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % below;
}

static void fail(const char *what, const char *name)
{
	printf("churn: %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

/* ---- the model ------------------------------------------------------------------------------- */

static struct file {
	char     name[80]; /* "" if it does not exist */
	uint32_t size;
	uint8_t *bytes;
	int      is_promised;
} files[FILES];

static uint64_t sum_of(const uint8_t *bytes, size_t size)
{
	uint64_t sum = 0xcbf29ce484222325u;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3u;
	return sum;
}

static void name_make(char *name, int n)
{
	static const char *const pads[] = { "", "-a-longer-name",
	                                    "-a-much-longer-name-that-needs-room" };

	snprintf(name, 80, "d%d/f%d%s", (int)random_below(DIRS), n, pads[random_below(3)]);
}

static int is_taken(const char *name)
{
	for (int i = 0; i < FILES; i++) {
		if (strcmp(files[i].name, name) == 0)
			return 1;
	}
	return 0;
}

/* Before a file changes: nothing is promised of it any more. */
static void let_go(struct file *file, int tells)
{
	if (file->is_promised && tells) {
		printf("D %s\n", file->name);
		fflush(stdout);
	}
	file->is_promised = 0;
}

/* ---- operations ------------------------------------------------------------------------------ */

static void write_at(struct file *file, int fd, uint32_t at, uint32_t n)
{
	if (!file->bytes) {
		file->bytes = calloc(1, SIZE_MAX_);
		file->size = 0;
	}
	for (uint32_t i = 0; i < n; i++)
		file->bytes[at + i] = (uint8_t)(seed >> (i % 8 * 8)) + (uint8_t)i;
	for (uint32_t done = 0; done < n;) {
		ssize_t got = pwrite(fd, file->bytes + at + done, n - done, at + done);

		if (got <= 0)
			fail("write", file->name);
		done += (uint32_t)got;
	}
	if (at + n > file->size)
		file->size = at + n;
}

static void file_create(int n)
{
	struct file *file = &files[n];
	char name[80];
	int fd;

	do
		name_make(name, n);
	while (is_taken(name));
	strcpy(file->name, name);
	fd = open(file->name, O_CREAT | O_EXCL | O_WRONLY, 0644);
	if (fd < 0)
		fail("create", file->name);
	write_at(file, fd, 0, (uint32_t)random_below(random_below(4) ? 9000 : SIZE_MAX_));
	close(fd);
}

static void file_change(int n, int tells)
{
	struct file *file = &files[n];
	uint32_t at = (uint32_t)random_below(file->size + 5000ul) % (SIZE_MAX_ - 5000);
	int fd = open(file->name, O_RDWR);

	if (fd < 0)
		fail("open", file->name);
	let_go(file, tells);
	if (random_below(3) == 0) {
		uint32_t size = (uint32_t)random_below(file->size + 3000ul) % SIZE_MAX_;

		if (ftruncate(fd, size))
			fail("truncate", file->name);
		if (size < file->size)
			memset(file->bytes + size, 0, file->size - size);
		file->size = size;
	} else {
		write_at(file, fd, at, (uint32_t)random_below(5000));
	}
	close(fd);
}

static void file_remove(int n, int tells)
{
	let_go(&files[n], tells);
	if (unlink(files[n].name))
		fail("unlink", files[n].name);
	free(files[n].bytes);
	files[n] = (struct file){ .size = 0 };
}

/* To a new name, or over another file. */
static void file_move(int n, int tells)
{
	struct file *file = &files[n], *other = &files[random_below(FILES)];
	char name[80];

	let_go(file, tells);
	if (other != file && other->name[0]) {
		let_go(other, tells);
		strcpy(name, other->name);
		free(other->bytes);
		*other = (struct file){ .size = 0 };
	} else {
		do
			name_make(name, n);
		while (is_taken(name));
	}
	if (rename(file->name, name))
		fail("rename", file->name);
	strcpy(file->name, name);
}

/* A second name, checked, and gone again; a link; a directory. */
static void odds_and_ends(int n)
{
	struct file *file = &files[n];
	struct stat st;
	char text[300], target[250];
	ssize_t len;

	unlink("d0/other");
	if (link(file->name, "d0/other") || stat("d0/other", &st) || st.st_nlink != 2)
		fail("link", file->name);
	if (unlink("d0/other"))
		fail("unlink", "d0/other");
	memset(target, 'x', sizeof(target));
	target[random_below(sizeof(target) - 1) + 1] = '\0';
	if (symlink(target, "d1/link"))
		fail("symlink", target);
	len = readlink("d1/link", text, sizeof(text));
	if (len != (ssize_t)strlen(target) || memcmp(text, target, (size_t)len))
		fail("readlink", target);
	if (unlink("d1/link") || mkdir("d2/dir", 0700) || mkdir("d2/dir/in", 0755))
		fail("mkdir", "d2/dir");
	if (rmdir("d2/dir") == 0 || errno != ENOTEMPTY)
		fail("rmdir of what is not empty", "d2/dir");
	if (rename("d2/dir/in", "d3/in") || rmdir("d3/in") || rmdir("d2/dir"))
		fail("rmdir", "d2/dir");
}

static void file_promise(int n)
{
	struct file *file = &files[n];
	int fd = open(file->name, O_RDONLY);

	if (fd < 0 || fsync(fd))
		fail("fsync", file->name);
	close(fd);
	file->is_promised = 1;
	printf("S %s %u %016lx\n", file->name, file->size,
	       (unsigned long)sum_of(file->bytes, file->size));
	fflush(stdout);
}

static void step(int tells)
{
	int n = (int)random_below(FILES);

	if (!files[n].name[0]) {
		file_create(n);
		return;
	}
	switch (random_below(10)) {
	case 0:
	case 1:
		file_remove(n, tells);
		break;
	case 2:
	case 3:
		file_move(n, tells);
		break;
	case 4:
		odds_and_ends(n);
		break;
	case 5:
		if (tells)
			file_promise(n);
		break;
	default:
		file_change(n, tells);
	}
}

static void dirs_make(void)
{
	char name[8];

	for (int i = 0; i < DIRS; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		if (mkdir(name, 0755) && errno != EEXIST)
			fail("mkdir", name);
	}
}

/* ---- plan ------------------------------------------------------------------------------------ */

static void file_verify(const struct file *file)
{
	static uint8_t bytes[SIZE_MAX_ + 1];
	int fd = open(file->name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

	close(fd);
	if (n != (ssize_t)file->size || memcmp(bytes, file->bytes, (size_t)n))
		fail("other content", file->name);
	printf("= %s %u %016lx\n", file->name, file->size,
	       (unsigned long)sum_of(file->bytes, file->size));
}

static int plan(int operations)
{
	dirs_make();
	while (operations--)
		step(0);
	for (int i = 0; i < FILES; i++) {
		if (files[i].name[0])
			file_verify(&files[i]);
	}
	return 0;
}

/* ---- cut ------------------------------------------------------------------------------------- */

/* "current" is replaced by a new version that rests on the disk, as editors and databases do. */
static void version_replace(unsigned int version)
{
	static char text[20000];
	int fd = open("current.new", O_CREAT | O_TRUNC | O_WRONLY, 0644), dir;
	int n = snprintf(text, sizeof(text), "%u\n", version);

	memset(text + n, 'a' + (int)(version % 26), sizeof(text) - (size_t)n);
	if (fd < 0 || write(fd, text, sizeof(text)) != sizeof(text) || fsync(fd))
		fail("write", "current.new");
	close(fd);
	if (rename("current.new", "current"))
		fail("rename", "current");
	dir = open(".", O_RDONLY | O_DIRECTORY);
	if (dir < 0 || fsync(dir))
		fail("fsync", ".");
	close(dir);
	printf("C %u\n", version);
	fflush(stdout);
}

static void cut(void)
{
	dirs_make();
	printf("begin\n");
	for (unsigned int turn = 0;; turn++) {
		for (int i = 0; i < 20; i++)
			step(1);
		version_replace(turn);
	}
}

/* ---- fill ------------------------------------------------------------------------------------ */

static int fill(void)
{
	static uint8_t bytes[50000];
	char name[32];
	int n, full = 0;

	for (n = 0; !full; n++) {
		int fd;

		snprintf(name, sizeof(name), "fill%d", n);
		fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);
		if (fd < 0 && errno != ENOSPC)
			fail("create", name);
		full = fd < 0;
		memset(bytes, n, sizeof(bytes));
		while (!full && lseek(fd, 0, SEEK_CUR) < 1000000) {
			ssize_t got = write(fd, bytes, sizeof(bytes));

			if (got < 0 && errno != ENOSPC)
				fail("write", name);
			full = got < (ssize_t)sizeof(bytes);
		}
		if (fd >= 0 && (fsync(fd) || close(fd)))
			fail("fsync", name);
	}
	printf("full with %d files\n", n);
	while (n--) {
		int fd;
		ssize_t got;

		snprintf(name, sizeof(name), "fill%d", n);
		fd = open(name, O_RDONLY);
		while (fd >= 0 && (got = read(fd, bytes, sizeof(bytes))) > 0) {
			for (ssize_t i = 0; i < got; i++) {
				if (bytes[i] != (uint8_t)n)
					fail("other content", name);
			}
		}
		if (fd >= 0 && (close(fd) || unlink(name)))
			fail("unlink", name);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2)
		seed = strtoul(argv[2], NULL, 10) * 0x9e3779b97f4a7c15u + 1;
	if (argc == 4 && strcmp(argv[1], "plan") == 0)
		return plan(atoi(argv[3]));
	if (argc == 3 && strcmp(argv[1], "cut") == 0)
		cut();
	if (argc == 2 && strcmp(argv[1], "fill") == 0)
		return fill();
	return 2;
}
