/*
 * mprotect: rights come and go, also on parts, also with pages that are there already, and never
 * beyond what the file allows; brk, which is a mapping too.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf fault_return;
static volatile int fault_code;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	fault_code = info->si_code;
	siglongjmp(fault_return, 1);
}

static bool can_read(volatile char *at)
{
	if (sigsetjmp(fault_return, 1))
		return false;
	(void)*at;
	return true;
}

static bool can_write(volatile char *at)
{
	if (sigsetjmp(fault_return, 1))
		return false;
	*at = 1;
	return true;
}

static bool can_execute(void *at)
{
	if (sigsetjmp(fault_return, 1))
		return false;
	((void (*)(void))at)();
	return true;
}

static void check_rights(void)
{
	char *at = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);

	memset(at, 0xc3, 8 * PAGE); /* ret */
	CHECK(data_cannot_be_executed, !can_execute(at));
	CHECK_EQ(read_only, mprotect(at, 8 * PAGE, PROT_READ), 0);
	CHECK(read_only_can_be_read, can_read(at));
	CHECK(read_only_cannot_be_written, !can_write(at) && fault_code == SEGV_ACCERR);
	CHECK_EQ(nothing, mprotect(at, 8 * PAGE, PROT_NONE), 0);
	CHECK(nothing_cannot_be_read, !can_read(at) && fault_code == SEGV_ACCERR);
	CHECK_ERRNO(kernel_cannot_read_it_either, write(STDOUT_FILENO, at, 1), EFAULT);
	CHECK_EQ(executable, mprotect(at, 8 * PAGE, PROT_READ | PROT_EXEC), 0);
	CHECK(executable_runs, can_execute(at + 100));
	CHECK_EQ(writable_again, mprotect(at, 8 * PAGE, RW), 0);
	CHECK(content_is_kept, (unsigned char)at[5 * PAGE] == 0xc3 && can_write(at));
	CHECK_EQ(part, mprotect(at + 2 * PAGE, PAGE, PROT_READ), 0);
	CHECK(only_the_part_changed,
	      can_write(at + PAGE) && !can_write(at + 2 * PAGE) && can_write(at + 3 * PAGE));
	munmap(at, 8 * PAGE);
}

static void check_errors(void)
{
	char *at = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0), *file;
	int fd = open("file", O_RDWR | O_CREAT, 0600), read_only;

	munmap(at + 2 * PAGE, PAGE);
	CHECK_ERRNO(unaligned_is_einval, syscall(SYS_mprotect, at + 1, PAGE, PROT_READ), EINVAL);
	CHECK_ERRNO(unknown_right_is_einval, mprotect(at, PAGE, 0x100), EINVAL);
	CHECK_EQ(length_zero_is_fine, mprotect(at, 0, PROT_READ), 0);
	CHECK_ERRNO(hole_is_enomem, mprotect(at, 4 * PAGE, PROT_READ), ENOMEM);
	CHECK(what_is_before_the_hole_has_changed, !can_write(at) && can_write(at + 3 * PAGE));
	CHECK_ERRNO(unmapped_is_enomem, mprotect((void *)0x500000000000, PAGE, PROT_READ), ENOMEM);
	CHECK_ERRNO(wrapping_length_is_enomem, mprotect(at, ~0ul << 12, PROT_READ), ENOMEM);
	CHECK_ERRNO(grows_down_without_such_an_area_is_einval,
	            mprotect(at, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL);
	ftruncate(fd, PAGE);
	read_only = open("file", O_RDONLY);
	file = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, read_only, 0);
	CHECK_ERRNO(shared_read_only_file_stays_read_only, mprotect(file, PAGE, RW), EACCES);
	munmap(file, PAGE);
	file = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, read_only, 0);
	CHECK_EQ(private_read_only_file_may_become_writable, mprotect(file, PAGE, RW), 0);
	CHECK(private_write_works, can_write(file));
	munmap(file, PAGE);
	munmap(at, 4 * PAGE);
	close(read_only);
	close(fd);
	unlink("file");
}

static char *shared_page;

static int write_in_child(void *data)
{
	(void)data;
	shared_page[0] = 'c';
	return shared_page[0] != 'c';
}

static int try_to_write(void *data)
{
	(void)data;
	return can_write(shared_page);
}

/* Rights after a fork, where pages are shared behind the scenes. */
static void check_after_fork(void)
{
	char *at = mmap(NULL, 1024 * PAGE, RW, ANON, -1, 0);

	memset(at, 'p', 1024 * PAGE);
	shared_page = at + 600 * PAGE;
	CHECK_EQ(protect_a_touched_page, mprotect(shared_page, PAGE, PROT_READ), 0);
	CHECK_EQ(and_give_it_back, mprotect(shared_page, PAGE, RW), 0);
	CHECK_EQ(child_writes_its_copy, check_in_child(write_in_child, NULL), 0);
	CHECK_EQ(parent_keeps_its_own, shared_page[0], 'p');
	mprotect(shared_page, PAGE, PROT_READ);
	CHECK_EQ(rights_are_inherited, check_in_child(try_to_write, NULL), 0);
	munmap(at, 1024 * PAGE);
}

static void check_brk(void)
{
	char *start = sbrk(0);
	long now = syscall(SYS_brk, 0), grown;

	(void)start;
	grown = syscall(SYS_brk, now + 3 * (long)PAGE + 5);
	CHECK_EQ(break_moves_to_the_byte, grown, now + 3 * (long)PAGE + 5);
	((char *)now)[3 * PAGE] = 1;
	CHECK_EQ(break_moves_back, syscall(SYS_brk, now), now);
	CHECK(given_back_memory_is_gone, !can_read((char *)((now + 2 * (long)PAGE) & -(long)PAGE)));
	CHECK_EQ(impossible_break_gives_the_old_one, syscall(SYS_brk, -PAGE), now);
	CHECK_EQ(break_below_the_start_gives_the_old_one, syscall(SYS_brk, PAGE), now);
	CHECK_EQ(break_grows_again, syscall(SYS_brk, now + (long)PAGE * 2), now + (long)PAGE * 2);
	CHECK_EQ(new_memory_is_zero, ((char *)now)[PAGE + 100], 0);
	syscall(SYS_brk, now);
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	check_rights();
	check_errors();
	check_after_fork();
	check_brk();
	return 0;
}
