/*
 * Copies of memory by fork: neither side sees what the other writes, over generations, for large
 * areas, after parts of them have changed, and with the advice that makes exceptions.
 */
#define _GNU_SOURCE
#include "check.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE 4096ul
#define PAGES 2500ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static uint32_t *word(char *at, size_t page)
{
	return (uint32_t *)(at + page * PAGE);
}

static void fill(char *at, uint32_t first)
{
	for (size_t i = 0; i < PAGES; i++)
		*word(at, i) = first + (uint32_t)i;
}

static bool is_filled(char *at, uint32_t first)
{
	for (size_t i = 0; i < PAGES; i++) {
		if (*word(at, i) != first + (uint32_t)i)
			return false;
	}
	return true;
}

static int child_reads_and_writes(void *at)
{
	if (!is_filled(at, 1000))
		return 1;
	fill(at, 5000);
	return is_filled(at, 5000) ? 0 : 2;
}

static int grandchild(void *at)
{
	*word(at, 1) = 77;
	return check_in_child(child_reads_and_writes, at) == 0 ? 1 : 0;
}

static int child_of_child(void *at)
{
	int status = check_in_child(child_reads_and_writes, at);

	*word(at, 3) = 9;
	if (status || *word(at, 4) != 1004)
		return 1;
	return check_in_child(grandchild, at) ? 2 : 0;
}

static int child_changes_areas(void *data)
{
	char *at = data;

	munmap(at + 100 * PAGE, 50 * PAGE);
	mprotect(at + 600 * PAGE, 600 * PAGE, PROT_READ);
	madvise(at + 1300 * PAGE, 700 * PAGE, MADV_DONTNEED);
	if (*word(at, 1300) || *word(at, 1999) || *word(at, 2000) != 3000)
		return 1;
	if (*word(at, 99) != 1099 || *word(at, 150) != 1150 || *word(at, 700) != 1700)
		return 2;
	char *moved = mremap(at + 2100 * PAGE, 300 * PAGE, 900 * PAGE, MREMAP_MAYMOVE);
	if (moved == MAP_FAILED || *word(moved, 0) != 3100 || *word(moved, 299) != 3399)
		return 3;
	*word(moved, 1) = 1;
	return *word(moved, 500) ? 4 : 0;
}

static void check_generations(char *at)
{
	fill(at, 1000);
	CHECK_EQ(child_has_its_own_memory, check_in_child(child_reads_and_writes, at), 0);
	CHECK(parent_keeps_its_memory, is_filled(at, 1000));
	CHECK_EQ(grandchildren_have_their_own, check_in_child(child_of_child, at), 0);
	CHECK(parent_keeps_its_memory_from_grandchildren, is_filled(at, 1000));
	CHECK_EQ(child_may_change_its_areas, check_in_child(child_changes_areas, at), 0);
	CHECK(parent_does_not_notice, is_filled(at, 1000));
}

/* The parent writes while a child that has not looked yet exists. */
static void check_parent_first(char *at)
{
	int ends[2], status = 0;
	char byte;

	if (pipe(ends))
		return;
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[1]);
		(void)!read(ends[0], &byte, 1);
		_exit(is_filled(at, 1000) ? 0 : 1);
	}
	fill(at, 2000);
	munmap(at + 500 * PAGE, PAGE);
	close(ends[1]);
	waitpid(pid, &status, 0);
	CHECK_EQ(child_sees_memory_as_at_fork, status, 0);
	CHECK_EQ(parent_sees_what_it_wrote, *word(at, 7), 2007);
	close(ends[0]);
}

static char *advised;

static int dont_fork_is_absent(void *data)
{
	unsigned char vec;

	(void)data;
	return mincore(advised, PAGE, &vec) == -1 && errno == ENOMEM ? 0 : 1;
}

static int wiped_is_zero(void *data)
{
	(void)data;
	return *word(advised, 0) == 0 ? 0 : 1;
}

static void check_advice(void)
{
	advised = mmap(NULL, PAGE, RW, ANON, -1, 0);
	*word(advised, 0) = 5;
	CHECK_EQ(dontfork_is_taken, madvise(advised, PAGE, MADV_DONTFORK), 0);
	CHECK_EQ(dontfork_keeps_it_from_the_child, check_in_child(dont_fork_is_absent, NULL), 0);
	CHECK_EQ(dofork_is_taken, madvise(advised, PAGE, MADV_DOFORK), 0);
	CHECK_EQ(wipeonfork_is_taken, madvise(advised, PAGE, MADV_WIPEONFORK), 0);
	CHECK_EQ(wipeonfork_gives_zeroes, check_in_child(wiped_is_zero, NULL), 0);
	CHECK_EQ(wipeonfork_leaves_the_parent_alone, *word(advised, 0), 5);
	munmap(advised, PAGE);
	advised = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK_ERRNO(wipeonfork_of_shared_memory_is_einval, madvise(advised, PAGE, MADV_WIPEONFORK),
	            EINVAL);
	munmap(advised, PAGE);
}

int main(void)
{
	char *at = mmap(NULL, PAGES * PAGE, RW, ANON, -1, 0);

	check_generations(at);
	check_parent_first(at);
	munmap(at, PAGES * PAGE);
	check_advice();
	return 0;
}
