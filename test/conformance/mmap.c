/*
 * mmap and munmap: where mappings go, what they contain, which mistakes give which error, and what
 * lies behind the end of a file.
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
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 3
#endif

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf fault_return;
static volatile siginfo_t fault;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	fault = *info;
	siglongjmp(fault_return, 1);
}

/* The signal that reading (or writing) a byte raises, and its code; 0: none. */
static int touch(volatile char *at, bool write, int *code)
{
	*code = 0;
	if (sigsetjmp(fault_return, 1)) {
		*code = fault.si_code;
		return fault.si_addr == (void *)at ? fault.si_signo : -1;
	}
	if (write)
		*at = 1;
	else
		(void)*at;
	return 0;
}

static void *map(size_t pages, int flags)
{
	return mmap(NULL, pages * PAGE, RW, flags, -1, 0);
}

static bool failed(void *result, int error)
{
	return result == MAP_FAILED && errno == error;
}

static void check_anonymous(void)
{
	char *at = map(4, ANON);
	bool is_zero = at != MAP_FAILED;
	int code;

	for (size_t i = 0; is_zero && i < 4 * PAGE; i++)
		is_zero = at[i] == 0;
	CHECK(anonymous_memory_is_zero, is_zero);
	memset(at, 7, 4 * PAGE);
	CHECK_EQ(middle_can_be_unmapped, munmap(at + PAGE, PAGE), 0);
	CHECK_EQ(unmapped_middle_faults, touch(at + PAGE, false, &code), SIGSEGV);
	CHECK_EQ(unmapped_middle_is_maperr, code, SEGV_MAPERR);
	CHECK(both_sides_of_a_hole_are_kept, at[0] == 7 && at[2 * PAGE] == 7);
	CHECK_EQ(hole_can_be_unmapped_again, munmap(at, 4 * PAGE), 0);
	at = mmap(NULL, PAGE, PROT_READ, ANON, -1, 0);
	CHECK_EQ(write_to_a_read_only_mapping_faults, touch(at, true, &code), SIGSEGV);
	CHECK_EQ(write_to_a_read_only_mapping_is_accerr, code, SEGV_ACCERR);
	munmap(at, PAGE);
	at = mmap(NULL, PAGE, PROT_NONE, ANON, -1, 0);
	CHECK_EQ(read_of_an_inaccessible_mapping_faults, touch(at, false, &code), SIGSEGV);
	CHECK_EQ(read_of_an_inaccessible_mapping_is_accerr, code, SEGV_ACCERR);
	munmap(at, PAGE);
}

static void check_places(void)
{
	char *at = map(8, ANON), *other;

	munmap(at, 8 * PAGE);
	other = mmap(at + 2 * PAGE, PAGE, RW, ANON, -1, 0);
	CHECK(free_hint_is_honoured, other == at + 2 * PAGE);
	CHECK(taken_hint_goes_elsewhere, mmap(other, PAGE, RW, ANON, -1, 0) != other);
	CHECK(unaligned_hint_is_rounded_down,
	      mmap(at + 4 * PAGE + 1, PAGE, RW, ANON, -1, 0) == at + 4 * PAGE);
	CHECK(noreplace_refuses_what_is_taken,
	      failed(mmap(other, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST));
	other[0] = 9;
	CHECK(fixed_replaces,
	      mmap(other, PAGE, RW, ANON | MAP_FIXED, -1, 0) == other && other[0] == 0);
	CHECK(fixed_must_be_aligned,
	      failed(mmap(other + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL));
	other = mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0);
	CHECK(low_2g_on_request, other != MAP_FAILED && (uintptr_t)other + PAGE <= 0x80000000ul);
	CHECK(root_may_map_low_pages,
	      mmap((void *)PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == (void *)PAGE);
	munmap((void *)PAGE, PAGE);
}

static void check_errors(void)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600), read_only = open("file", O_RDONLY);
	int write_only = open("file", O_WRONLY), directory = open(".", O_RDONLY);
	char *at = map(1, ANON);

	CHECK(descriptor_is_judged_before_the_length,
	      failed(mmap(NULL, 0, RW, MAP_PRIVATE, 99, 0), EBADF));
	CHECK(length_zero_is_einval, failed(mmap(NULL, 0, RW, ANON, -1, 0), EINVAL));
	CHECK(length_too_large_is_enomem, failed(mmap(NULL, ~0ul << 12, RW, ANON, -1, 0), ENOMEM));
	CHECK(length_that_wraps_is_enomem, failed(mmap(NULL, ~0ul, RW, ANON, -1, 0), ENOMEM));
	CHECK(no_type_is_einval, failed(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL));
	CHECK(fixed_beyond_user_space_is_enomem,
	      failed(mmap((void *)0xffff800000000000, PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM));
	CHECK(bad_descriptor_is_ebadf, failed(mmap(NULL, PAGE, RW, MAP_PRIVATE, 99, 0), EBADF));
	CHECK_ERRNO(unaligned_offset_is_einval,
	            syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE, fd, 1l), EINVAL);
	CHECK(shared_write_of_a_read_only_file_is_eacces,
	      failed(mmap(NULL, PAGE, RW, MAP_SHARED, read_only, 0), EACCES));
	CHECK(private_write_of_a_read_only_file_is_fine,
	      mmap(NULL, PAGE, RW, MAP_PRIVATE, read_only, 0) != MAP_FAILED);
	CHECK(write_only_file_is_eacces,
	      failed(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, write_only, 0), EACCES));
	CHECK(directory_is_enodev,
	      failed(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, directory, 0), ENODEV));
	CHECK(flag_without_support_with_validate_is_eopnotsupp,
	      failed(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x80000, fd, 0),
	             EOPNOTSUPP));
	CHECK_ERRNO(unmap_unaligned_is_einval, munmap(at + 1, PAGE), EINVAL);
	CHECK_ERRNO(unmap_of_nothing_is_einval, munmap(at, 0), EINVAL);
	CHECK_ERRNO(unmap_beyond_user_space_is_einval,
	            munmap((void *)0xffff800000000000, PAGE), EINVAL);
	CHECK_EQ(unmap_of_a_hole_is_fine, munmap((void *)0x500000000000, 16 * PAGE), 0);
	close(fd);
	close(read_only);
	close(write_only);
	close(directory);
	unlink("file");
}

static int share_fd;

static int write_through(void *at)
{
	strcpy(at, "from the child");
	return pwrite(share_fd, "B", 1, 100) == 1 ? 0 : 1;
}

static void check_files(void)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600), code;
	char text[32] = "", *shared, *private;

	share_fd = fd;
	CHECK_EQ(file_gets_a_size, ftruncate(fd, PAGE + 100), 0);
	shared = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	private = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
	CHECK(file_can_be_mapped, shared != MAP_FAILED && private != MAP_FAILED);
	strcpy(shared, "through memory");
	CHECK(write_to_memory_is_read_from_the_file,
	      pread(fd, text, 14, 0) == 14 && !strcmp(text, "through memory"));
	CHECK(private_mapping_shows_the_file, !strcmp(private, "through memory"));
	strcpy(private, "private");
	CHECK(private_write_stays_private, !strcmp(shared, "through memory"));
	CHECK_EQ(file_is_written, pwrite(fd, "file", 4, PAGE), 4);
	CHECK(write_to_the_file_is_seen_in_memory, !memcmp(shared + PAGE, "file", 4));
	CHECK_EQ(child_runs, check_in_child(write_through, shared), 0);
	CHECK(child_shares_the_mapping, !strcmp(shared, "from the child") && shared[100] == 'B');
	CHECK(rest_of_the_last_page_is_zero, shared[PAGE + 200] == 0);
	CHECK_EQ(page_behind_the_end_is_sigbus, touch(shared + 2 * PAGE, false, &code), SIGBUS);
	CHECK_EQ(page_behind_the_end_is_adrerr, code, BUS_ADRERR);
	CHECK_EQ(file_is_truncated, ftruncate(fd, 10), 0);
	CHECK_EQ(truncated_page_is_sigbus, touch(shared + PAGE, false, &code), SIGBUS);
	CHECK_EQ(truncated_page_of_a_private_mapping_is_sigbus,
	         touch(private + PAGE, false, &code), SIGBUS);
	CHECK(tail_of_the_kept_page_is_zero, shared[9] == 'c' && shared[11] == 0);
	CHECK(private_copy_survives, !strcmp(private, "private"));
	CHECK_EQ(file_grows_again, ftruncate(fd, 2 * PAGE), 0);
	CHECK(grown_page_is_zero, shared[PAGE] == 0 && touch(shared + PAGE, true, &code) == 0);
	close(fd);
	unlink("file");
	CHECK(mapping_outlives_the_name, shared[0] == 'f' && (shared[1] = 'x') == 'x');
	CHECK_EQ(sync_is_fine, msync(shared, PAGE, MS_SYNC), 0);
	munmap(shared, 3 * PAGE);
	munmap(private, 2 * PAGE);
}

static int add_one(void *at)
{
	++*(int *)at;
	return 0;
}

static void check_shared_anonymous(void)
{
	int *at = map(2, MAP_SHARED | MAP_ANONYMOUS);

	*at = 41;
	CHECK_EQ(child_of_shared_memory_runs, check_in_child(add_one, at), 0);
	CHECK_EQ(shared_anonymous_memory_is_shared, *at, 42);
	munmap(at, 2 * PAGE);
}

static void check_dev_zero(void)
{
	int fd = open("/dev/zero", O_RDWR), *at = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);

	CHECK(private_dev_zero_is_memory, at != MAP_FAILED && (*at = 5) == 5);
	munmap(at, PAGE);
	at = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	if (!CHECK(shared_dev_zero_is_memory, at != MAP_FAILED && *at == 0))
		return;
	*at = 1;
	check_in_child(add_one, at);
	CHECK_EQ(shared_dev_zero_is_shared, *at, 2);
	munmap(at, PAGE);
	close(fd);
}

static void check_limits(void)
{
	struct rlimit old, limit;
	void *at;

	getrlimit(RLIMIT_AS, &old);
	limit = old;
	limit.rlim_cur = 64ul << 20;
	setrlimit(RLIMIT_AS, &limit);
	CHECK(address_space_limit_is_enomem,
	      failed(mmap(NULL, 65ul << 20, RW, ANON, -1, 0), ENOMEM));
	at = mmap(NULL, 1ul << 20, RW, ANON, -1, 0);
	CHECK(below_the_limit_is_fine, at != MAP_FAILED);
	munmap(at, 1ul << 20);
	setrlimit(RLIMIT_AS, &old);
	CHECK(far_more_than_memory_is_enomem,
	      failed(mmap(NULL, 1ul << 45, RW, ANON, -1, 0), ENOMEM));
	at = mmap(NULL, 1ul << 45, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	CHECK(far_more_than_memory_unreserved_is_fine, at != MAP_FAILED);
	munmap(at, 1ul << 45);
}

static int overflow_stack(void *depth)
{
	volatile char frame[PAGE];

	frame[0] = (char)++*(long *)depth;
	if (*(long *)depth < 1l << 40)
		return overflow_stack(depth) + frame[0];
	return 0;
}

static int overflow_stack_by_default(void *data)
{
	long depth = 0;

	(void)data;
	signal(SIGSEGV, SIG_DFL);
	return overflow_stack(&depth);
}

static int use_a_megabyte_of_stack(void *data)
{
	volatile char room[1 << 20];

	(void)data;
	for (size_t i = sizeof(room); i > 0; i -= PAGE)
		room[i - 1] = 1;
	return room[0] != 0;
}

static void check_stack(void)
{
	char *grows = mmap(NULL, 300 * PAGE, RW, ANON, -1, 0);
	int status, code;

	CHECK_EQ(stack_grows_by_use, check_in_child(use_a_megabyte_of_stack, NULL), 0);
	status = check_in_child(overflow_stack_by_default, NULL);
	CHECK(stack_ends_at_its_limit, WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	munmap(grows, 300 * PAGE);
	grows = mmap(grows + 298 * PAGE, PAGE, RW, ANON | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
	CHECK_EQ(growing_mapping_grows_down, touch(grows - 3 * PAGE, true, &code), 0);
	munmap(grows - 10 * PAGE, 11 * PAGE);
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	check_anonymous();
	check_places();
	check_errors();
	check_files();
	check_shared_anonymous();
	check_dev_zero();
	check_limits();
	check_stack();
	return 0;
}
