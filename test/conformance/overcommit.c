/*
 * Promised memory: what counts as promised (Committed_AS), what the modes of vm.overcommit_memory
 * refuse, and what RLIMIT_AS and RLIMIT_DATA do.
 */
#define _GNU_SOURCE
#include "check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "proc_files.h"

#define VM "/proc/sys/vm/"

enum { MIB = 1 << 20, SIZE = 8 * MIB };

static long long meminfo(const char *name)
{
	file_read("/proc/meminfo");
	return line_number(name, 10);
}

static long long promised_kib(void)
{
	return meminfo("Committed_AS:");
}

static char *map(size_t size, int prot, int flags)
{
	return mmap(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);
}

/* By how many KiB the promises grow with such a mapping. */
static long long cost_of(int prot, int flags)
{
	long long before = promised_kib(), cost;
	char *at = map(SIZE, prot, flags);

	cost = promised_kib() - before;
	munmap(at, SIZE);
	return promised_kib() == before ? cost : -1;
}

static void what_counts(void)
{
	long long before = promised_kib();
	int fd;
	char *at;

	CHECK_EQ(private_writable_memory_is_promised,
		 cost_of(PROT_READ | PROT_WRITE, MAP_PRIVATE), SIZE / 1024);
	CHECK_EQ(what_cannot_be_written_is_not, cost_of(PROT_READ, MAP_PRIVATE), 0);
	CHECK_EQ(nor_what_asks_not_to_be,
		 cost_of(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE), 0);
	CHECK_EQ(shared_memory_is, cost_of(PROT_READ | PROT_WRITE, MAP_SHARED), SIZE / 1024);
	CHECK_EQ(shared_memory_is_even_if_only_read, cost_of(PROT_READ, MAP_SHARED), SIZE / 1024);
	CHECK_EQ(but_not_if_it_asks_not_to_be,
		 cost_of(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE), 0);

	at = map(SIZE, PROT_READ, MAP_PRIVATE);
	mprotect(at, SIZE / 2, PROT_READ | PROT_WRITE);
	CHECK_EQ(becoming_writable_is_a_promise, promised_kib() - before, SIZE / 2048);
	mprotect(at, SIZE / 2, PROT_READ);
	CHECK_EQ(which_is_kept_when_it_is_not_any_more, promised_kib() - before, SIZE / 2048);
	munmap(at, SIZE);
	CHECK_EQ(until_it_is_unmapped, promised_kib() - before, 0);

	fd = memfd_create("counted", 0);
	ftruncate(fd, SIZE);
	CHECK_EQ(the_size_of_a_memfd_promises_nothing, promised_kib() - before, 0);
	at = malloc(MIB);
	before = promised_kib();
	CHECK_EQ(its_pages_do, pwrite(fd, memset(at, 1, MIB), MIB, 0), MIB);
	CHECK_EQ(when_they_come, promised_kib() - before, 1024);
	close(fd);
	CHECK_EQ(and_until_they_go, promised_kib() - before, 0);
	free(at);
}

/* Modes 0 and 1; memory is far from a terabyte. */
static void loose_modes(void)
{
	size_t much = 1ul << 40;

	CHECK_ERRNO(more_than_there_is_at_once_is_ENOMEM,
		    (long)map(much, PROT_READ | PROT_WRITE, MAP_PRIVATE), ENOMEM);
	CHECK_ERRNO(shared_too, (long)map(much, PROT_READ | PROT_WRITE, MAP_SHARED), ENOMEM);
	CHECK(unless_nothing_is_promised,
	      map(much, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE) != MAP_FAILED);
	CHECK_EQ(mode_1_can_be_set, file_write(VM "overcommit_memory", "1\n"), 0);
	CHECK(and_grants_everything, map(much, PROT_READ | PROT_WRITE, MAP_PRIVATE) != MAP_FAILED);
	CHECK_EQ(mode_0_is_back, file_write(VM "overcommit_memory", "0\n"), 0);
	CHECK(other_modes_are_EINVAL, file_write(VM "overcommit_memory", "3\n") != 0);
}

static int fork_once(void)
{
	int pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

/* Mode 2. */
static void strict_mode(void)
{
	char text[32];
	long long now = promised_kib();
	char *at;

	snprintf(text, sizeof(text), "%lld\n", now + 64 * 1024);
	CHECK_EQ(a_limit_can_be_given_in_kilobytes, file_write(VM "overcommit_kbytes", text), 0);
	CHECK_EQ(and_is_what_meminfo_says, meminfo("CommitLimit:"), (now + 64 * 1024) & ~3ll);
	file_read(VM "overcommit_ratio");
	CHECK_EQ(the_ratio_is_gone_then, atoi(file_text), 0);
	CHECK_EQ(mode_2_can_be_set, file_write(VM "overcommit_memory", "2\n"), 0);
	CHECK_ERRNO(it_keeps_to_its_limit,
		    (long)map(80 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE), ENOMEM);
	CHECK_ERRNO(whatever_is_asked_for,
		    (long)map(80 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE),
		    ENOMEM);
	CHECK_ERRNO(also_of_shared_memory,
		    (long)map(80 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED), ENOMEM);
	CHECK(what_cannot_be_written_costs_nothing,
	      map(80 * MIB, PROT_READ, MAP_PRIVATE) != MAP_FAILED);
	at = map(40 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	CHECK(less_is_granted, at != MAP_FAILED);
	CHECK_ERRNO(a_fork_promises_all_of_it_again, fork_once(), ENOMEM);
	munmap(at, 40 * MIB);
}

static int limited_space(void *data)
{
	struct rlimit limit = { 256 * MIB, 256 * MIB };

	(void)data;
	setrlimit(RLIMIT_AS, &limit);
	CHECK_ERRNO(RLIMIT_AS_bounds_mappings,
		    (long)map(256 * MIB, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE), ENOMEM);
	CHECK(of_all_together, map(64 * MIB, PROT_NONE, MAP_PRIVATE) != MAP_FAILED);
	CHECK_ERRNO(and_the_break, (long)sbrk(256 * MIB), ENOMEM);
	return 0;
}

static int limited_data(void *data)
{
	struct rlimit limit = { 16 * MIB, 32 * MIB };

	(void)data;
	setrlimit(RLIMIT_DATA, &limit);
	CHECK_ERRNO(RLIMIT_DATA_bounds_private_memory,
		    (long)map(17 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE), ENOMEM);
	CHECK(but_not_shared_memory,
	      map(17 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED) != MAP_FAILED);
	CHECK(nor_what_cannot_be_written, map(17 * MIB, PROT_READ, MAP_PRIVATE) != MAP_FAILED);
	CHECK_ERRNO(the_break_is_bounded, (long)sbrk(17 * MIB), ENOMEM);
	limit.rlim_cur = 0;
	setrlimit(RLIMIT_DATA, &limit);
	CHECK(a_limit_of_nothing_is_the_hard_one,
	      map(17 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE) != MAP_FAILED);
	CHECK_ERRNO(which_holds, (long)map(17 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE), ENOMEM);
	return 0;
}

int main(void)
{
	what_counts();
	loose_modes();
	strict_mode();
	file_write(VM "overcommit_memory", "0\n");
	file_write(VM "overcommit_ratio", "50\n");
	file_read(VM "overcommit_kbytes");
	CHECK_EQ(a_ratio_puts_the_kilobytes_away, atoi(file_text), 0);
	check_in_child(limited_space, NULL);
	check_in_child(limited_data, NULL);
	return 0;
}
