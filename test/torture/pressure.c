/*
 * pressure.c - shared mappings of files that together are larger than memory: each process stores
 * to every page of its own, again and again, and finds what it stored, through the mapping and by
 * read(2), however often the pages were written out and given back meanwhile.
 *
 * The directory is that of contents.c; on memory's own file system the files are small.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>

#include "torture.h"

enum { TMPFS_MAGIC = 0x01021994, RAMFS_MAGIC = 0x858458f6, SMALL = 64 };

/* Pages of one process's file. */
static size_t pages_each(const char *directory)
{
	struct sysinfo info;
	struct statfs place;

	HOLDS(sysinfo(&info) == 0 && statfs(directory, &place) == 0);
	if (place.f_type == TMPFS_MAGIC || place.f_type == (__typeof__(place.f_type))RAMFS_MAGIC)
		return SMALL;
	/* A quarter more than memory in all, if the disk has it. */
	info.totalram = info.totalram * info.mem_unit / PAGE * 5 / 4;
	if (info.totalram > place.f_bavail * (size_t)place.f_bsize / PAGE / 2)
		info.totalram = place.f_bavail * (size_t)place.f_bsize / PAGE / 2;
	return info.totalram / WORKERS;
}

static uint64_t value(uint32_t worker, size_t page, long round)
{
	return ((uint64_t)page << 24 | (uint64_t)round << 8 | worker) + 1;
}

static void look(int fd, const char *map, uint32_t worker, size_t pages, long round)
{
	for (size_t page = 0; page < pages; page++) {
		uint64_t seen = 0;

		HOLDS(*(const uint64_t *)(map + page * PAGE) == value(worker, page, round));
		HOLDS(pread(fd, &seen, sizeof(seen), (off_t)(page * PAGE)) == sizeof(seen));
		HOLDS(seen == value(worker, page, round));
	}
}

static void run(struct torture torture, uint32_t worker, const char *directory)
{
	size_t pages = pages_each(directory);
	char name[256];
	char *map;
	int fd;

	snprintf(name, sizeof(name), "%s/pressure-%d", directory, getpid());
	fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	HOLDS(fd >= 0 && unlink(name) == 0);
	HOLDS(ftruncate(fd, (off_t)(pages * PAGE)) == 0);
	map = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	HOLDS(map != MAP_FAILED);
	for (long round = 0; round < (torture.rounds + 4) / 5; round++) {
		for (size_t page = 0; page < pages; page++)
			*(uint64_t *)(map + page * PAGE) = value(worker, page, round);
		look(fd, map, worker, pages, round);
	}
	HOLDS(msync(map, pages * PAGE, MS_SYNC) == 0);
	_exit(0);
}

int main(int argc, char **argv)
{
	struct torture torture = torture_begin(argc, argv);
	const char *directory = argc > 3 ? argv[3] : getenv("TORTURE_DIR");

	if (!directory)
		directory = "/tmp";
	for (uint32_t i = 0; i < WORKERS; i++) {
		pid_t pid = fork();

		HOLDS(pid >= 0);
		if (pid == 0)
			run(torture, i, directory);
	}
	children_join(WORKERS);
	return 0;
}
