/*
 * Files: reading, writing, positions, sizes, holes, sparse copies, descriptors.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

static int close_fds(unsigned first, unsigned last, unsigned flags)
{
	return (int)syscall(436, first, last, flags);
}

static long size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -1 : st.st_size;
}

static long blocks_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -1 : st.st_blocks;
}

static void check_reading_and_writing(int fd)
{
	char buf[64];
	struct iovec two[2] = { { "hel", 3 }, { "lo", 2 } }, bad[2] = { { buf, 2 }, { (void *)8,
	                                                                             2 } };

	CHECK_EQ(vectors_are_written, writev(fd, two, 2), 5);
	CHECK_EQ(position_has_moved, lseek(fd, 0, SEEK_CUR), 5);
	CHECK_EQ(at_the_end_nothing_is_read, read(fd, buf, 10), 0);
	CHECK_EQ(pread_reads_at_its_place, pread(fd, buf, 3, 2), 3);
	CHECK(what_was_written, memcmp(buf, "llo", 3) == 0);
	CHECK_EQ(position_stays_by_pread, lseek(fd, 0, SEEK_CUR), 5);
	CHECK_EQ(pwrite_writes_at_its_place, pwrite(fd, "J", 1, 0), 1);
	CHECK_EQ(size_is_the_same, size_of(fd), 5);
	lseek(fd, 0, SEEK_SET);
	CHECK_EQ(a_short_read_at_the_end, read(fd, buf, sizeof(buf)), 5);
	CHECK(all_of_it, memcmp(buf, "Jello", 5) == 0);
	CHECK_EQ(reading_nothing_is_nothing, read(fd, buf, 0), 0);
	CHECK_EQ(writing_nothing_is_nothing, write(fd, buf, 0), 0);
	CHECK_ERRNO(a_bad_buffer_for_read_is_EFAULT, pread(fd, (void *)8, 4, 0), EFAULT);
	CHECK_ERRNO(a_bad_buffer_for_write_is_EFAULT, pwrite(fd, (void *)8, 4, 0), EFAULT);
	CHECK_EQ(a_bad_second_vector_shortens, preadv(fd, bad, 2, 0), 2);
	CHECK_ERRNO(negative_offset_is_EINVAL, pread(fd, buf, 1, -1), EINVAL);
	CHECK_ERRNO(too_many_vectors_are_EINVAL, syscall(SYS_readv, fd, two, 1025), EINVAL);
	CHECK_EQ(no_vectors_are_nothing, writev(fd, two, 0), 0);
	CHECK_ERRNO(closed_is_EBADF, write(1000, buf, 1), EBADF);
	CHECK_ERRNO(kernel_address_is_EFAULT, pread(fd, (void *)0xffffffff80000000ul, 4, 0),
	            EFAULT);
}

static void check_positions(int fd)
{
	ftruncate(fd, 10);
	CHECK_EQ(seek_from_the_end, lseek(fd, -3, SEEK_END), 7);
	CHECK_EQ(seek_from_here, lseek(fd, 5, SEEK_CUR), 12);
	CHECK_ERRNO(seek_before_the_start_is_EINVAL, lseek(fd, -13, SEEK_CUR), EINVAL);
	CHECK_EQ(it_stays_then, lseek(fd, 0, SEEK_CUR), 12);
	CHECK_ERRNO(unknown_whence_is_EINVAL, lseek(fd, 0, 9), EINVAL);
	CHECK_EQ(far_is_fine, lseek(fd, LONG_MAX, SEEK_SET), LONG_MAX);
	CHECK_ERRNO(farther_is_EINVAL, lseek(fd, 1, SEEK_CUR), EINVAL);
	CHECK_ERRNO(writing_there_is_EINVAL, pwrite(fd, "x", 1, LONG_MAX), EINVAL);
	lseek(fd, 0, SEEK_SET);
}

static void check_sizes(int fd)
{
	char buf[16];

	CHECK_EQ(truncate_shortens, ftruncate(fd, 3), 0);
	CHECK_EQ(truncate_lengthens, ftruncate(fd, 8), 0);
	CHECK(with_zeroes, pread(fd, buf, 8, 0) == 8 && memcmp(buf + 3, "\0\0\0\0\0", 5) == 0);
	CHECK_ERRNO(negative_size_is_EINVAL, ftruncate(fd, -1), EINVAL);
	CHECK_EQ(by_name_too, truncate("f", 0), 0);
	CHECK_ERRNO(truncating_a_directory_is_EISDIR, truncate(".", 0), EISDIR);
	CHECK_ERRNO(truncating_nothing_is_ENOENT, truncate("none", 0), ENOENT);
	int ro = open("f", O_RDONLY);
	CHECK_ERRNO(truncating_a_read_only_file_is_EINVAL, ftruncate(ro, 0), EINVAL);
	close(ro);
	CHECK_EQ(a_hole_before_data, pwrite(fd, "x", 1, 1 << 20), 1);
	CHECK_EQ(takes_one_block_only, blocks_of(fd), 8);
	CHECK_EQ(data_is_found, lseek(fd, 0, SEEK_DATA), 1 << 20);
	CHECK_EQ(hole_is_found, lseek(fd, 1 << 20, SEEK_HOLE), (1 << 20) + 1);
	CHECK_EQ(the_start_is_a_hole, lseek(fd, 5, SEEK_HOLE), 5);
	CHECK_ERRNO(behind_the_end_is_ENXIO, lseek(fd, (1 << 20) + 1, SEEK_DATA), ENXIO);
	CHECK_EQ(reserving_grows, fallocate(fd, 0, 0, (1 << 20) + 100), 0);
	CHECK_EQ(to_the_size, size_of(fd), (1 << 20) + 100);
	CHECK_EQ(all_blocks_are_there, blocks_of(fd), 257 * 8);
	CHECK_EQ(punching_a_hole,
		 fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096 * 10), 0);
	CHECK_EQ(gives_blocks_back, blocks_of(fd), 247 * 8);
	CHECK_ERRNO(punching_alone_is_EOPNOTSUPP, fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1),
	            EOPNOTSUPP);
	CHECK_ERRNO(reserving_nothing_is_EINVAL, fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERRNO(collapsing_is_EOPNOTSUPP, fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096),
	            EOPNOTSUPP);
	CHECK_EQ(keeping_the_size, fallocate(fd, FALLOC_FL_KEEP_SIZE, 2 << 20, 4096), 0);
	CHECK_EQ(it_is_kept, size_of(fd), (1 << 20) + 100);
	ftruncate(fd, 0);
	CHECK_EQ(empty_takes_no_block, blocks_of(fd), 0);
}

static int over_the_limit(void *data)
{
	struct rlimit limit = { 10, 10 };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	int fd = open("lim", O_CREAT | O_RDWR, 0600);
	if (write(fd, "0123456789abc", 13) != 10)
		return 1;
	if (write(fd, "x", 1) != -1 || errno != EFBIG)
		return 2;
	if (ftruncate(fd, 11) != -1 || errno != EFBIG)
		return 3;
	signal(SIGXFSZ, SIG_DFL);
	if (data)
		return (int)write(fd, "x", 1);
	return 0;
}

static void check_append_and_limits(void)
{
	int fd = open("app", O_CREAT | O_RDWR | O_APPEND, 0600), two = open("app",
	                                                                    O_WRONLY | O_APPEND);
	char buf[16];

	write(fd, "ab", 2);
	write(two, "cd", 2);
	CHECK_EQ(appending_goes_to_the_end, pread(fd, buf, 16, 0), 4);
	CHECK_EQ(positioned_writes_append_too, pwrite(fd, "e", 1, 0), 1);
	CHECK(they_do, pread(fd, buf, 16, 0) == 5 && memcmp(buf, "abcde", 5) == 0);
	CHECK_EQ(position_is_the_end, lseek(two, 0, SEEK_CUR), 4);
	CHECK_EQ(append_can_be_cleared, fcntl(fd, F_SETFL, 0), 0);
	CHECK(then_it_does_not_append, pwrite(fd, "X", 1, 0) == 1 && size_of(fd) == 5);
	close(fd);
	close(two);
	CHECK_EQ(file_size_limit_shortens_and_then_EFBIG, check_in_child(over_the_limit, NULL), 0);
	CHECK_EQ(over_the_limit_kills, check_in_child(over_the_limit, "") & 0x7f, SIGXFSZ);
}

static void check_descriptors(void)
{
	int fd = open("f", O_RDWR), dup1, dup7;

	dup1 = dup(fd);
	CHECK_EQ(dup_is_the_next, dup1, fd + 1);
	lseek(fd, 3, SEEK_SET);
	CHECK_EQ(duplicates_share_the_position, lseek(dup1, 0, SEEK_CUR), 3);
	CHECK_EQ(dup2_to_a_number, dup2(fd, 70), 70);
	CHECK_EQ(dup2_to_itself_is_nothing, dup2(fd, fd), fd);
	CHECK_ERRNO(dup2_of_nothing_is_EBADF, dup2(99, 98), EBADF);
	CHECK_ERRNO(dup2_of_nothing_to_itself_is_EBADF, dup2(99, 99), EBADF);
	CHECK_ERRNO(dup2_too_high_is_EBADF, dup2(fd, 1 << 30), EBADF);
	CHECK_ERRNO(dup3_to_itself_is_EINVAL, dup3(fd, fd, 0), EINVAL);
	CHECK_ERRNO(dup3_unknown_flag_is_EINVAL, syscall(SYS_dup3, fd, 71, 1), EINVAL);
	CHECK_EQ(dup3_closes_on_exec, dup3(fd, 71, O_CLOEXEC), 71);
	CHECK_EQ(flag_is_seen, fcntl(71, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(the_other_has_not, fcntl(70, F_GETFD), 0);
	dup7 = fcntl(fd, F_DUPFD, 70);
	CHECK_EQ(dup_at_or_above, dup7, 72);
	CHECK_EQ(dup_above_with_flag, fcntl(fd, F_DUPFD_CLOEXEC, 80), 80);
	CHECK_EQ(has_it, fcntl(80, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(dup_above_the_limit_is_EINVAL, fcntl(fd, F_DUPFD, 1 << 30), EINVAL);
	CHECK_EQ(range_is_closed, close_fds(70, 75, 0), 0);
	CHECK_ERRNO(they_are, fcntl(71, F_GETFD), EBADF);
	CHECK_EQ(range_is_marked, close_fds(dup1, 79, CLOSE_RANGE_CLOEXEC), 0);
	CHECK_EQ(it_is, fcntl(dup1, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(range_upside_down_is_EINVAL, close_fds(9, 8, 0), EINVAL);
	CHECK_ERRNO(range_unknown_flag_is_EINVAL, close_fds(80, 80, 8), EINVAL);
	close(80);
	close(dup1);
	CHECK_EQ(the_lowest_is_taken, dup(fd), dup1);
	close(dup1);
	CHECK_ERRNO(close_twice_is_EBADF, close(dup1), EBADF);
	CHECK_ERRNO(unknown_command_is_EINVAL, fcntl(fd, 9999), EINVAL);
	CHECK_ERRNO(direct_io_is_EINVAL_on_tmpfs, open("f", O_RDWR | O_DIRECT), EINVAL);
	CHECK_EQ(pread_of_dev_null, pread(open("/dev/null", O_RDWR), &fd, 4, 5), 0);
	close(dup1);
	close(fd);
}

static void check_memfd(void)
{
	int fd = memfd_create("m", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	char buf[64] = "", name[64];
	void *at;

	CHECK(memfd_is_made, fd >= 0);
	CHECK_EQ(it_grows, ftruncate(fd, 8192), 0);
	CHECK_EQ(no_seals_at_first, fcntl(fd, F_GET_SEALS), 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	CHECK(it_is_shown_by_name,
	      readlink(name, buf, sizeof(buf)) == 18 && memcmp(buf, "/memfd:m (deleted)", 18) == 0);
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK_ERRNO(sealing_writes_while_mapped_is_EBUSY, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE),
	            EBUSY);
	munmap(at, 4096);
	CHECK_EQ(sealing_size, fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	CHECK_ERRNO(shrinking_is_EPERM, ftruncate(fd, 1), EPERM);
	CHECK_ERRNO(growing_is_EPERM, ftruncate(fd, 10000), EPERM);
	CHECK_ERRNO(growing_by_write_is_EPERM, pwrite(fd, "x", 1, 8192), EPERM);
	CHECK_EQ(writing_within_is_fine, pwrite(fd, "x", 1, 0), 1);
	CHECK_EQ(sealing_writes, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	CHECK_ERRNO(writing_is_EPERM, pwrite(fd, "x", 1, 0), EPERM);
	CHECK_ERRNO(punching_is_EPERM,
		    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), EPERM);
	CHECK(mapping_for_writing_is_EPERM,
	      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	           0) == MAP_FAILED && errno == EPERM);
	CHECK_EQ(sealing_seals, fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
	CHECK_ERRNO(no_more_seals, fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	OUT("seals %#x", fcntl(fd, F_GET_SEALS));
	close(fd);
	fd = memfd_create("n", 0);
	CHECK_EQ(unsealable_is_sealed_against_seals, fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	close(fd);
	CHECK_ERRNO(unknown_memfd_flag_is_EINVAL, memfd_create("x", 0x80), EINVAL);
}

static void check_copies(void)
{
	int in = open("in", O_CREAT | O_RDWR, 0600), out = open("out", O_CREAT | O_RDWR, 0600);
	loff_t from = 1, to = 3;
	char buf[16];

	write(in, "abcdef", 6);
	CHECK_EQ(copy_range_copies, copy_file_range(in, &from, out, &to, 3, 0), 3);
	CHECK(offsets_are_advanced, from == 4 && to == 6);
	CHECK(bytes_are_there, pread(out, buf, 16, 0) == 6 && memcmp(buf, "\0\0\0bcd", 6) == 0);
	from = 6;
	CHECK_EQ(at_the_end_nothing_is_copied, copy_file_range(in, &from, out, NULL, 3, 0), 0);
	CHECK_ERRNO(copy_flags_are_EINVAL, copy_file_range(in, NULL, out, NULL, 1, 1), EINVAL);
	from = 0;
	to = 1;
	CHECK_ERRNO(overlap_is_EINVAL, copy_file_range(in, &from, in, &to, 3, 0), EINVAL);
	CHECK_ERRNO(copy_to_a_read_only_file_is_EBADF,
		    copy_file_range(in, &from, open("out", O_RDONLY), NULL, 1, 0), EBADF);
	CHECK_ERRNO(copy_to_a_pipe_is_EINVAL, copy_file_range(in, &from, open("/dev/null", O_RDWR),
	                                                      NULL, 1, 0), EINVAL);
	CHECK_ERRNO(copy_of_a_directory_is_EISDIR, copy_file_range(open(".", O_RDONLY), NULL, out,
	                                                           NULL, 1, 0), EISDIR);
	CHECK_EQ(fsync_is_fine, fsync(in), 0);
	CHECK_EQ(fdatasync_is_fine, fdatasync(in), 0);
	CHECK_EQ(syncfs_is_fine, syncfs(in), 0);
	CHECK_ERRNO(fsync_of_nothing_is_EBADF, fsync(999), EBADF);
	CHECK_ERRNO(fsync_of_a_device_is_EINVAL, fsync(open("/dev/null", O_RDWR)), EINVAL);
	CHECK_EQ(advice_is_taken, posix_fadvise(in, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
	CHECK_EQ(unknown_advice_is_EINVAL, posix_fadvise(in, 0, 0, 77), EINVAL);
	CHECK_EQ(readahead_is_fine, readahead(in, 0, 4096), 0);
	CHECK_EQ(sync_range_is_fine, sync_file_range(in, 0, 0, 7), 0);
}

static void check_devices(void)
{
	char buf[16] = "xxxxxxxx";
	int zero = open("/dev/zero", O_RDWR), full = open("/dev/full",
	                                                  O_RDWR), null = open("/dev/null", O_RDWR);

	CHECK(zero_gives_zeroes, read(zero, buf, 4) == 4 && memcmp(buf, "\0\0\0\0x", 5) == 0);
	CHECK_EQ(zero_takes_all, write(zero, buf, 16), 16);
	CHECK_ERRNO(full_is_full, write(full, buf, 1), ENOSPC);
	CHECK_EQ(full_gives_zeroes, read(full, buf, 4), 4);
	CHECK_EQ(null_gives_nothing, read(null, buf, 4), 0);
	CHECK_EQ(null_takes_all, write(null, buf, 16), 16);
	CHECK_EQ(null_seeks_nowhere, lseek(null, 100, SEEK_SET), 0);
	CHECK_ERRNO(null_is_not_truncated, ftruncate(null, 0), EINVAL);
	CHECK_EQ(random_gives_bytes, read(open("/dev/urandom", O_RDONLY), buf, 16), 16);
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
	CHECK(zero_maps_as_memory, at != MAP_FAILED && *(char *)at == 0 && (*(char *)at = 1) == 1);
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
	CHECK(shared_too, at != MAP_FAILED && *(char *)at == 0);
	CHECK(null_does_not_map, mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, null,
	                              0) == MAP_FAILED && errno == ENODEV);
}

int main(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	check_reading_and_writing(fd);
	check_positions(fd);
	check_sizes(fd);
	close(fd);
	check_append_and_limits();
	check_descriptors();
	check_memfd();
	check_copies();
	check_devices();
	return 0;
}
