/*
 * contents.c - one file each, and everything that can be done to its bytes in random order: write,
 * read, shared mappings, truncation, holes, preallocation, O_DIRECT, copies, syncs, dropped caches,
 * a second descriptor. After each step what is seen is what a copy in memory says.
 *
 * Where: in the directory of the third argument, else of TORTURE_DIR, else /tmp. What a file system
 * cannot do (EOPNOTSUPP, EINVAL of O_DIRECT) is left out.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "torture.h"

enum { SIZE_MAX_BYTES = 256 * 1024, DIRECT_ALIGN = 4096, STEPS = 100, LOG = 16 };

struct subject {
	char     name[256];
	int      fd, direct; /* direct: -1 if there is no such thing here */
	char    *copy, *buf;
	size_t   size;
	uint64_t state;
	struct { const char *what; size_t at, n; } log[LOG];
	unsigned logged;
};

/* What was done last, the newest last, and the first byte that is wrong. */
static void subject_failed(struct subject *s, const char *why, size_t at)
{
	for (unsigned i = s->logged > LOG ? s->logged - LOG : 0; i < s->logged; i++)
		dprintf(1, "contents: %s at %zu, %zu bytes\n", s->log[i % LOG].what,
			s->log[i % LOG].at, s->log[i % LOG].n);
	dprintf(1, "contents: %s: %s at %zu, size %zu\n", s->name, why, at, s->size);
	torture_failed(__FILE__, __LINE__, why);
}

static void note(struct subject *s, const char *what, size_t at, size_t n)
{
	s->log[s->logged % LOG].what = what;
	s->log[s->logged % LOG].at = at;
	s->log[s->logged++ % LOG].n = n;
}

static void compare(struct subject *s, const char *seen, size_t at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (seen[i] != s->copy[at + i])
			subject_failed(s, "a byte is not what was written", at + i);
	}
}

static size_t place(struct subject *s, size_t limit)
{
	size_t at = random_below(&s->state, limit);

	return random_below(&s->state, 3) ? at : at & ~(size_t)(PAGE - 1);
}

static size_t length(struct subject *s, size_t limit)
{
	size_t n = 1 + random_below(&s->state, random_below(&s->state, 3) ? 5000 : 80000);

	return n < limit ? n : limit;
}

static void fill(struct subject *s, size_t n)
{
	int value = (int)random_below(&s->state, 256);

	memset(s->buf, value, n);
	for (size_t i = 0; i < n; i += 61)
		s->buf[i] = (char)random_below(&s->state, 256);
}

static void grow(struct subject *s, size_t end)
{
	if (end > s->size)
		s->size = end;
}

/* ---- steps --------------------------------------------------------------------------------- */

static void step_write(struct subject *s)
{
	size_t at = place(s, SIZE_MAX_BYTES - 1), n = length(s, SIZE_MAX_BYTES - at);

	note(s, "write", at, n);
	fill(s, n);
	HOLDS(pwrite(s->fd, s->buf, n, (off_t)at) == (ssize_t)n);
	memcpy(s->copy + at, s->buf, n);
	grow(s, at + n);
}

static void step_append(struct subject *s)
{
	size_t n = length(s, SIZE_MAX_BYTES - s->size);

	note(s, "append", s->size, n);
	fill(s, n);
	HOLDS(pwrite(s->fd, s->buf, n, (off_t)s->size) == (ssize_t)n);
	memcpy(s->copy + s->size, s->buf, n);
	grow(s, s->size + n);
}

static void step_read(struct subject *s)
{
	size_t at = place(s, SIZE_MAX_BYTES), n = length(s, SIZE_MAX_BYTES);
	size_t expected = at >= s->size ? 0 : s->size - at < n ? s->size - at : n;

	note(s, "read", at, n);
	HOLDS(pread(s->fd, s->buf, n, (off_t)at) == (ssize_t)expected);
	compare(s, s->buf, at, expected);
}

static void step_direct_write(struct subject *s)
{
	size_t at = random_below(&s->state, SIZE_MAX_BYTES / DIRECT_ALIGN) * DIRECT_ALIGN;
	size_t n = (1 + random_below(&s->state, 16)) * DIRECT_ALIGN;

	if (s->direct < 0)
		return;
	if (n > SIZE_MAX_BYTES - at)
		n = SIZE_MAX_BYTES - at;
	note(s, "direct write", at, n);
	fill(s, n);
	HOLDS(pwrite(s->direct, s->buf, n, (off_t)at) == (ssize_t)n);
	memcpy(s->copy + at, s->buf, n);
	grow(s, at + n);
}

static void step_direct_read(struct subject *s)
{
	size_t at = random_below(&s->state, SIZE_MAX_BYTES / DIRECT_ALIGN) * DIRECT_ALIGN;
	size_t n = (1 + random_below(&s->state, 16)) * DIRECT_ALIGN;
	size_t expected = at >= s->size ? 0 : s->size - at < n ? s->size - at : n;

	if (s->direct < 0)
		return;
	note(s, "direct read", at, n);
	HOLDS(pread(s->direct, s->buf, n, (off_t)at) == (ssize_t)expected);
	compare(s, s->buf, at, expected);
}

/* A shared mapping of a part within the size: looked at, stored to, sometimes msynced. */
static void step_map(struct subject *s)
{
	size_t at = s->size ? random_below(&s->state, s->size) & ~(size_t)(PAGE - 1) : 0, n, from;
	char *map;

	if (!s->size)
		return;
	n = length(s, s->size - at);
	note(s, "map", at, n);
	map = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, (off_t)at);
	HOLDS(map != MAP_FAILED);
	if (random_below(&s->state, 2))
		compare(s, map, at, n);
	from = random_below(&s->state, n);
	fill(s, n - from);
	note(s, "store", at + from, n - from);
	memcpy(map + from, s->buf, n - from);
	memcpy(s->copy + at + from, s->buf, n - from);
	if (random_below(&s->state, 4) == 0)
		HOLDS(msync(map, n, MS_SYNC) == 0);
	if (random_below(&s->state, 2)) {
		fill(s, n);
		memcpy(map, s->buf, n);
		memcpy(s->copy + at, s->buf, n);
	}
	HOLDS(munmap(map, n) == 0);
}

/* What lies behind the end in the last page of a mapping is nothing that growth may show. */
static void step_map_behind_end(struct subject *s)
{
	size_t tail = s->size & (PAGE - 1), at = s->size - tail;
	char *map;

	if (!tail)
		return;
	note(s, "store behind the end", s->size, PAGE - tail);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, (off_t)at);
	HOLDS(map != MAP_FAILED);
	memset(map + tail, 0x5c, PAGE - tail);
	HOLDS(munmap(map, PAGE) == 0);
	/* Growing over it at once gives zeroes, whether it was written out or not. */
	if (random_below(&s->state, 2))
		HOLDS(fsync(s->fd) == 0);
	HOLDS(ftruncate(s->fd, (off_t)s->size) == 0);
}

static void step_truncate(struct subject *s)
{
	size_t size = place(s, SIZE_MAX_BYTES);

	note(s, "truncate", size, 0);
	HOLDS(ftruncate(s->fd, (off_t)size) == 0);
	if (size < s->size)
		memset(s->copy + size, 0, s->size - size);
	s->size = size;
}

static void step_punch(struct subject *s)
{
	size_t at = place(s, SIZE_MAX_BYTES), n = length(s, SIZE_MAX_BYTES - at), end = at + n;

	note(s, "punch", at, n);
	if (fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)n)) {
		HOLDS(errno == EOPNOTSUPP);
		return;
	}
	if (end > s->size)
		end = s->size;
	if (at < end)
		memset(s->copy + at, 0, end - at);
}

static void step_allocate(struct subject *s)
{
	size_t at = place(s, SIZE_MAX_BYTES), n = length(s, SIZE_MAX_BYTES - at);

	note(s, "allocate", at, n);
	if (fallocate(s->fd, 0, (off_t)at, (off_t)n))
		HOLDS(errno == EOPNOTSUPP);
	else
		grow(s, at + n);
}

static void step_sync(struct subject *s)
{
	note(s, "sync", 0, 0);
	switch (random_below(&s->state, 5)) {
	case 0:
		HOLDS(fsync(s->fd) == 0);
		break;
	case 1:
		HOLDS(fdatasync(s->fd) == 0);
		break;
	case 2:
		HOLDS(sync_file_range(s->fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0);
		break;
	case 3:
		HOLDS(sync_file_range(s->fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE |
				      SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0);
		break;
	default:
		HOLDS(posix_fadvise(s->fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
		break;
	}
}

static void step_send(struct subject *s)
{
	off_t at = (off_t)place(s, SIZE_MAX_BYTES);
	size_t start = (size_t)at, n = length(s, 60000), got = 0;
	int pipes[2];
	ssize_t sent;

	note(s, "send", start, n);
	HOLDS(pipe(pipes) == 0);
	sent = sendfile(pipes[1], s->fd, &at, n);
	HOLDS(sent >= 0 && (sent > 0) == (start < s->size));
	close(pipes[1]);
	while (got < (size_t)sent) {
		ssize_t part = read(pipes[0], s->buf + got, (size_t)sent - got);

		HOLDS(part > 0);
		got += (size_t)part;
	}
	close(pipes[0]);
	compare(s, s->buf, start, got);
}

static void subject_open(struct subject *s, int flags)
{
	s->fd = open(s->name, O_RDWR | flags, 0600);
	HOLDS(s->fd >= 0);
	s->direct = open(s->name, O_RDWR | O_DIRECT);
	HOLDS(s->direct >= 0 || errno == EINVAL);
}

static void step_reopen(struct subject *s)
{
	struct stat stat;

	note(s, "reopen", 0, 0);
	close(s->fd);
	if (s->direct >= 0)
		close(s->direct);
	subject_open(s, 0);
	HOLDS(fstat(s->fd, &stat) == 0 && stat.st_size == (off_t)s->size);
}

static void (*const steps[])(struct subject *s) = {
	step_write, step_write, step_append, step_read, step_read, step_direct_write,
	step_direct_read, step_map, step_map, step_map_behind_end, step_truncate, step_punch,
	step_allocate, step_sync, step_send, step_reopen,
};

static void compare_all(struct subject *s)
{
	HOLDS(pread(s->fd, s->buf, SIZE_MAX_BYTES, 0) == (ssize_t)s->size);
	compare(s, s->buf, 0, s->size);
}

static void run(struct torture torture, uint32_t number, const char *directory)
{
	struct subject s = { .state = random_begin(torture, number) };

	s.copy = aligned_alloc(PAGE, SIZE_MAX_BYTES);
	s.buf = aligned_alloc(PAGE, SIZE_MAX_BYTES);
	HOLDS(s.copy && s.buf);
	memset(s.copy, 0, SIZE_MAX_BYTES);
	snprintf(s.name, sizeof(s.name), "%s/contents-%d-%u", directory, getpid(), number);
	subject_open(&s, O_CREAT | O_EXCL);
	for (long round = 0; round < torture.rounds; round++) {
		for (int i = 0; i < STEPS; i++) {
			steps[random_below(&s.state, sizeof(steps) / sizeof(steps[0]))](&s);
			if (i % 10 == 9)
				compare_all(&s);
		}
	}
	HOLDS(unlink(s.name) == 0);
	_exit(0);
}

int main(int argc, char **argv)
{
	struct torture torture = torture_begin(argc, argv);
	const char *directory = argc > 3 ? argv[3] : getenv("TORTURE_DIR");

	if (!directory)
		directory = "/tmp";
	mkdir(directory, 0777);
	for (uint32_t i = 0; i < WORKERS; i++) {
		pid_t pid = fork();

		HOLDS(pid >= 0);
		if (pid == 0)
			run(torture, i, directory);
	}
	children_join(WORKERS);
	return 0;
}
