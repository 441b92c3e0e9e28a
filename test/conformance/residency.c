/*
 * Memory that is there or not: mincore, madvise, mlock and its limits, msync, populate.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *map(size_t pages, int flags)
{
	return mmap(NULL, pages * PAGE, RW, flags, -1, 0);
}

static int resident(char *at, size_t pages)
{
	unsigned char vec[64] = { 0 };
	int n = 0;

	if (mincore(at, pages * PAGE, vec))
		return -errno;
	for (size_t i = 0; i < pages; i++)
		n += vec[i] & 1;
	return n;
}

static void check_mincore(void)
{
	char *at = map(8, ANON);
	unsigned char vec[8];

	CHECK_EQ(untouched_memory_is_absent, resident(at, 8), 0);
	at[0] = at[3 * PAGE] = 1;
	CHECK_EQ(touched_memory_is_there, resident(at, 8), 2);
	CHECK_ERRNO(mincore_unaligned_is_einval, mincore(at + 1, PAGE, vec), EINVAL);
	CHECK_ERRNO(mincore_bad_vector_is_efault, mincore(at, PAGE, (unsigned char *)1), EFAULT);
	CHECK_ERRNO(mincore_beyond_user_space_is_enomem, mincore(at, ~0ul >> 1, vec), ENOMEM);
	CHECK_EQ(mincore_of_nothing_is_fine, mincore(at, 0, vec), 0);
	munmap(at + 4 * PAGE, PAGE);
	CHECK_ERRNO(mincore_of_a_hole_is_enomem, mincore(at, 8 * PAGE, vec), ENOMEM);
	munmap(at, 8 * PAGE);
	at = map(8, ANON | MAP_POPULATE);
	CHECK_EQ(populated_memory_is_there, resident(at, 8), 8);
	munmap(at, 8 * PAGE);
}

/* Where no program has memory: past the user's half, nowhere, and in the kernel's. */
static void check_madvise_beyond(void)
{
	static const uintptr_t beyond[] = {
		0x00007ffffffff000, 0x0000800000000000, 0x040000003007e000, 0xffff800000000000,
		0xffff888000000000, 0xffffc90000000000, 0xffffffff81000000,
	};

	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		void *at = (void *)beyond[i];
		size_t most = -beyond[i] - PAGE;

		CHECK_ERRNO(dontneed_beyond_is_enomem, madvise(at, PAGE, MADV_DONTNEED), ENOMEM);
		CHECK_ERRNO(free_beyond_is_enomem, madvise(at, PAGE, MADV_FREE), ENOMEM);
		CHECK_ERRNO(cold_beyond_is_enomem, madvise(at, PAGE, MADV_COLD), ENOMEM);
		CHECK_ERRNO(all_that_is_beyond_is_enomem, madvise(at, most, MADV_DONTNEED), ENOMEM);
		CHECK_ERRNO(msync_beyond_is_enomem, msync(at, PAGE, MS_SYNC), ENOMEM);
	}
}

static void check_madvise(void)
{
	char *at = map(8, ANON), *shared;

	memset(at, 1, 8 * PAGE);
	CHECK_EQ(dontneed_is_taken, madvise(at + PAGE, 2 * PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(dontneed_drops_pages, resident(at, 8), 6);
	CHECK(dontneed_gives_zeroes, at[PAGE] == 0 && at[0] == 1 && at[3 * PAGE] == 1);
	CHECK_EQ(normal_is_taken, madvise(at, 8 * PAGE, MADV_NORMAL), 0);
	CHECK_EQ(sequential_is_taken, madvise(at, 4 * PAGE, MADV_SEQUENTIAL), 0);
	CHECK_EQ(random_is_taken, madvise(at, 4 * PAGE, MADV_RANDOM), 0);
	CHECK_EQ(willneed_is_taken, madvise(at, 8 * PAGE, MADV_WILLNEED), 0);
	CHECK_EQ(free_is_taken, madvise(at, PAGE, MADV_FREE), 0);
	CHECK_EQ(dontdump_is_taken, madvise(at, PAGE, MADV_DONTDUMP), 0);
	CHECK_EQ(nohugepage_is_taken, madvise(at, PAGE, MADV_NOHUGEPAGE), 0);
	CHECK_EQ(hugepage_is_taken, madvise(at, PAGE, MADV_HUGEPAGE), 0);
	CHECK_ERRNO(unknown_advice_is_einval, madvise(at, PAGE, 77), EINVAL);
	CHECK_ERRNO(advice_unaligned_is_einval, madvise(at + 1, PAGE, MADV_NORMAL), EINVAL);
	CHECK_EQ(advice_on_nothing_is_fine, madvise(at, 0, MADV_NORMAL), 0);
	munmap(at + 4 * PAGE, PAGE);
	CHECK_ERRNO(advice_over_a_hole_is_enomem, madvise(at, 8 * PAGE, MADV_DONTNEED), ENOMEM);
	CHECK(advice_over_a_hole_does_the_rest, at[0] == 0 && at[7 * PAGE] == 0);
	CHECK_EQ(populate_write_is_taken, madvise(at, 4 * PAGE, MADV_POPULATE_WRITE), 0);
	CHECK_EQ(populate_write_makes_pages, resident(at, 4), 4);
	CHECK_ERRNO(populate_over_a_hole_is_enomem,
	            madvise(at, 8 * PAGE, MADV_POPULATE_READ), ENOMEM);
	mprotect(at, PAGE, PROT_READ);
	CHECK_ERRNO(populate_write_of_read_only_is_einval,
	            madvise(at, PAGE, MADV_POPULATE_WRITE), EINVAL);
	munmap(at, 8 * PAGE);
	shared = map(2, MAP_SHARED | MAP_ANONYMOUS);
	shared[0] = 5;
	CHECK_EQ(dontneed_of_shared_memory_is_taken, madvise(shared, PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(shared_memory_is_kept, shared[0], 5);
	CHECK_ERRNO(free_of_shared_memory_is_einval, madvise(shared, PAGE, MADV_FREE), EINVAL);
	CHECK_EQ(remove_of_shared_memory_is_taken, madvise(shared, PAGE, MADV_REMOVE), 0);
	CHECK_EQ(removed_memory_is_zero, shared[0], 0);
	munmap(shared, 2 * PAGE);
}

static int lock_without_right(void *data)
{
	struct rlimit limit = { 4 * PAGE, 4 * PAGE };
	char *at = map(8, ANON);
	int err = 0;

	(void)data;
	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setuid(65534))
		return 100;
	err |= mlock(at, 5 * PAGE) == -1 && errno == ENOMEM ? 0 : 1;
	err |= mlock(at, 4 * PAGE) == 0 ? 0 : 2;
	err |= mlock(at + PAGE, 3 * PAGE) == 0 ? 0 : 4;
	err |= map(1, ANON | MAP_LOCKED) == MAP_FAILED && errno == EAGAIN ? 0 : 8;
	err |= mlockall(MCL_CURRENT) == -1 && errno == ENOMEM ? 0 : 16;
	err |= munlockall() == 0 ? 0 : 32;
	return err;
}

static void check_mlock(void)
{
	char *at = map(8, ANON);

	CHECK_EQ(mlock_is_taken, mlock(at + 100, PAGE), 0);
	CHECK_EQ(mlock_makes_pages, resident(at, 8), 2);
	CHECK_ERRNO(dontneed_of_locked_memory_is_einval, madvise(at, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_EQ(munlock_is_taken, munlock(at, 8 * PAGE), 0);
	CHECK_EQ(mlock2_on_fault_is_taken, syscall(SYS_mlock2, at, 8 * PAGE, 1), 0);
	CHECK_EQ(on_fault_makes_no_pages, resident(at, 8), 2);
	CHECK_ERRNO(mlock2_unknown_flag_is_einval, syscall(SYS_mlock2, at, PAGE, 2), EINVAL);
	munmap(at + 4 * PAGE, PAGE);
	CHECK_ERRNO(mlock_over_a_hole_is_enomem, mlock(at, 8 * PAGE), ENOMEM);
	CHECK_ERRNO(mlock_of_unmapped_is_enomem, mlock((void *)0x500000000000, PAGE), ENOMEM);
	CHECK_ERRNO(mlockall_without_flags_is_einval, mlockall(0), EINVAL);
	CHECK_ERRNO(mlockall_on_fault_alone_is_einval, mlockall(4), EINVAL);
	CHECK_EQ(mlockall_future_is_taken, mlockall(MCL_FUTURE), 0);
	char *later = map(2, ANON);
	CHECK_EQ(future_memory_is_there, resident(later, 2), 2);
	CHECK_EQ(munlockall_is_taken, munlockall(), 0);
	munmap(later, 2 * PAGE);
	munmap(at, 8 * PAGE);
	CHECK_EQ(limits_hold_without_the_right, check_in_child(lock_without_right, NULL), 0);
}

static void check_msync(void)
{
	char *at = map(4, ANON);

	CHECK_EQ(msync_of_anonymous_memory_is_fine, msync(at, 4 * PAGE, MS_SYNC), 0);
	CHECK_ERRNO(msync_unaligned_is_einval, msync(at + 1, PAGE, MS_SYNC), EINVAL);
	CHECK_ERRNO(msync_unknown_flag_is_einval, msync(at, PAGE, 8), EINVAL);
	CHECK_ERRNO(msync_sync_and_async_is_einval, msync(at, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	munmap(at + PAGE, PAGE);
	CHECK_ERRNO(msync_over_a_hole_is_enomem, msync(at, 4 * PAGE, MS_ASYNC), ENOMEM);
	mlock(at, PAGE);
	CHECK_ERRNO(msync_invalidate_of_locked_memory_is_ebusy,
	            msync(at, PAGE, MS_INVALIDATE), EBUSY);
	munmap(at, 4 * PAGE);
}

int main(void)
{
	check_mincore();
	check_madvise();
	check_madvise_beyond();
	check_mlock();
	check_msync();
	return 0;
}
