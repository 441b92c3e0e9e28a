/*
 * mem.c - mappings and faults: mmap and munmap alone and with every page written to, mprotect, and
 * the cost of a page for each kind of fault; `_4k` forbids large pages.
 */
#include "bench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096UL
#define AREA (32UL << 20)
#define COW_AREA (1UL << 20)

static char *memory;
static int fd;

static char *map(size_t size)
{
	int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
	char *address = mmap(NULL, size, PROT_READ | PROT_WRITE, anonymous, -1, 0);

	if (address == MAP_FAILED)
		fail("mmap");
	return address;
}

static void unmap(char *address, size_t size)
{
	if (munmap(address, size) != 0)
		fail("munmap");
}

static void touch(char *address, size_t size)
{
	for (size_t at = 0; at < size; at += PAGE)
		((volatile char *)address)[at] = 1;
}

static int64_t mmap_run(uint64_t n, long size)
{
	return TIMED(n, unmap(map((size_t)size), (size_t)size));
}

static int64_t mmap_touch_run(uint64_t n, long size)
{
	return TIMED(n, {
		char *address = map((size_t)size);

		touch(address, (size_t)size);
		unmap(address, (size_t)size);
	});
}

static void mprotect_init(long arg)
{
	(void)arg;
	memory = map(PAGE);
	*memory = 1;
}

static int64_t mprotect_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, {
		int protection = timed_i & 1 ? PROT_READ | PROT_WRITE : PROT_READ;

		if (mprotect(memory, PAGE, protection) != 0)
			fail("mprotect");
	});
}

static char *area_map(long advice)
{
	char *address = map(AREA);

	if (advice)
		madvise(address, AREA, (int)advice);
	return address;
}

static int64_t anon_run(uint64_t n, long advice)
{
	int64_t took_ns = 0;

	for (uint64_t i = 0; i < n; i++) {
		char *address = area_map(advice);

		took_ns += TIMED(1, touch(address, AREA));
		unmap(address, AREA);
	}
	return took_ns;
}

static int64_t unmap_run(uint64_t n, long advice)
{
	int64_t took_ns = 0;

	for (uint64_t i = 0; i < n; i++) {
		char *address = area_map(advice);

		touch(address, AREA);
		took_ns += TIMED(1, unmap(address, AREA));
	}
	return took_ns;
}

static void cow_init(long arg)
{
	(void)arg;
	memory = map(COW_AREA);
	madvise(memory, COW_AREA, MADV_NOHUGEPAGE);
	touch(memory, COW_AREA);
}

static void touch_and_tell(void *argument)
{
	int64_t took_ns = TIMED(1, touch(memory, COW_AREA));

	if (write(*(int *)argument, &took_ns, sizeof(took_ns)) != sizeof(took_ns))
		fail("write");
}

static int64_t cow_run(uint64_t n, long arg)
{
	int64_t sum_ns = 0, took_ns;
	int ends[2];

	(void)arg;
	if (pipe(ends) != 0)
		fail("pipe");
	for (uint64_t i = 0; i < n; i++) {
		child_wait(child_start(touch_and_tell, &ends[1]));
		if (read(ends[0], &took_ns, sizeof(took_ns)) != sizeof(took_ns))
			fail("read");
		sum_ns += took_ns;
	}
	close(ends[0]);
	close(ends[1]);
	return sum_ns;
}

static void file_init(long arg)
{
	static char block[65536];

	(void)arg;
	fd = open(FOLDER "/mapped", O_CREAT | O_RDWR, 0644);
	for (size_t done = 0; done < AREA; done += sizeof(block))
		if (write(fd, block, sizeof(block)) != sizeof(block))
			fail("write");
}

static void look(const char *address)
{
	for (size_t at = 0; at < AREA; at += PAGE)
		(void)((const volatile char *)address)[at];
}

static int64_t file_run(uint64_t n, long arg)
{
	int64_t took_ns = 0;

	(void)arg;
	for (uint64_t i = 0; i < n; i++) {
		char *address = mmap(NULL, AREA, PROT_READ, MAP_SHARED, fd, 0);

		if (address == MAP_FAILED)
			fail("mmap");
		took_ns += TIMED(1, look(address));
		unmap(address, AREA);
	}
	return took_ns;
}

#define PAGES ((double)AREA / PAGE)

const struct row mem_rows[] = {
	{ .name = "mem.mmap_4k", .run = mmap_run, .arg = PAGE },
	{ .name = "mem.mmap_1m", .run = mmap_run, .arg = 1 << 20 },
	{ .name = "mem.mmap_touch_4k", .run = mmap_touch_run, .arg = PAGE },
	{ .name = "mem.mmap_touch_1m", .run = mmap_touch_run, .arg = 1 << 20 },
	{ .name = "mem.mprotect_4k", .init = mprotect_init, .run = mprotect_run },
	{ .name = "fault.anon", .per = PAGES, .run = anon_run },
	{ .name = "fault.unmap", .per = PAGES, .run = unmap_run },
	{ .name = "fault.anon_4k", .per = PAGES, .run = anon_run, .arg = MADV_NOHUGEPAGE },
	{ .name = "fault.unmap_4k", .per = PAGES, .run = unmap_run, .arg = MADV_NOHUGEPAGE },
	{ .name = "fault.cow", .per = (double)COW_AREA / PAGE, .init = cow_init, .run = cow_run },
	{ .name = "fault.file_read", .per = PAGES, .init = file_init, .run = file_run },
	{ .name = NULL },
};
