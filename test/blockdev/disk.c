/*
 * Disks and partitions as files: sizes, ioctls, who may open what, what the end of a device is.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "../conformance/check.h"

#define DISK  "/dev/vda"
#define PART1 "/dev/vda1"
#define PART2 "/dev/vda2"

static void print_facts(const char *path)
{
	int fd = open(path, O_RDONLY), number = -1;
	unsigned short small = 9999;
	struct hd_geometry geometry = { 0 };
	uint64_t bytes = 0;
	unsigned long sectors = 0;
	static const struct { const char *name; unsigned long command; } ints[] = {
		{ "ro", BLKROGET }, { "sector", BLKSSZGET }, { "block", BLKBSZGET },
		{ "physical", BLKPBSZGET }, { "min", BLKIOMIN }, { "optimal", BLKIOOPT },
		{ "alignment", BLKALIGNOFF }, { "discard zeroes", BLKDISCARDZEROES },
	};

	for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
		int err = ioctl(fd, ints[i].command, &number);

		OUT("%s %s: %d %d", path, ints[i].name, err, number);
	}
	ioctl(fd, BLKGETSIZE64, &bytes);
	ioctl(fd, BLKGETSIZE, &sectors);
	OUT("%s size %llu %lu", path, (unsigned long long)bytes, sectors);
	OUT("%s rotational %d %d", path, ioctl(fd, BLKROTATIONAL, &small), small);
	OUT("%s geometry %d %u %u %u %lu", path, ioctl(fd, HDIO_GETGEO, &geometry), geometry.heads,
	    geometry.sectors, geometry.cylinders, geometry.start);
	OUT("%s end %lld", path, (long long)lseek(fd, 0, SEEK_END));
	CHECK_ERRNO(seek_beyond_the_end_is_refused, lseek(fd, (off_t)bytes + 1, SEEK_SET), EINVAL);
	CHECK_ERRNO(unknown_ioctl_is_ENOTTY, ioctl(fd, 0x12ff, &number), ENOTTY);
	close(fd);
}

static void test_end(void)
{
	int fd = open(PART1, O_RDWR);
	off_t end = lseek(fd, 0, SEEK_END);
	char buf[8192];

	memset(buf, 'x', sizeof(buf));
	CHECK_EQ(read_at_the_end_is_0, read(fd, buf, 100), 0);
	CHECK_ERRNO(write_at_the_end_is_ENOSPC, write(fd, buf, 100), ENOSPC);
	CHECK_EQ(write_of_nothing_at_the_end_is_0, write(fd, buf, 0), 0);
	CHECK_EQ(write_across_the_end_is_cut, pwrite(fd, buf, 8192, end - 4096), 4096);
	CHECK_EQ(read_across_the_end_is_cut, pread(fd, buf, 8192, end - 4096), 4096);
	CHECK_EQ(odd_bytes_can_be_written, pwrite(fd, "hello", 5, 1001), 5);
	CHECK(odd_bytes_can_be_read, pread(fd, buf, 5, 1001) == 5 && !memcmp(buf, "hello", 5));
	CHECK_EQ(fsync_works, fsync(fd), 0);
	CHECK_ERRNO(truncating_a_device_is_EINVAL, ftruncate(fd, 0), EINVAL);
	close(fd);
}

static void test_direct(void)
{
	int fd = open(PART1, O_RDWR | O_DIRECT);
	char *buf = aligned_alloc(4096, 8192);

	memset(buf, 'd', 8192);
	CHECK_EQ(direct_write, pwrite(fd, buf, 4096, 8192), 4096);
	CHECK_EQ(direct_read, pread(fd, buf, 512, 8192), 512);
	CHECK_ERRNO(direct_write_of_odd_length, pwrite(fd, buf, 100, 8192), EINVAL);
	CHECK_ERRNO(direct_write_at_odd_place, pwrite(fd, buf, 512, 100), EINVAL);
	CHECK_ERRNO(direct_read_to_odd_address, pread(fd, buf + 1, 512, 0), EINVAL);
	close(fd);
	free(buf);
}

static void test_mmap(void)
{
	int fd = open(PART2, O_RDWR);
	char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096), back[6] = "";

	CHECK(a_device_can_be_mapped, map != MAP_FAILED);
	if (map == MAP_FAILED)
		return;
	memcpy(map + 10, "mapped", 6);
	CHECK_EQ(msync_works, msync(map, 8192, MS_SYNC), 0);
	CHECK(read_sees_what_was_stored,
	      pread(fd, back, 6, 4106) == 6 && !memcmp(back, "mapped", 6));
	munmap(map, 8192);
	close(fd);
}

static void test_exclusive(void)
{
	int whole, part = open(PART1, O_RDWR | O_EXCL), other;

	CHECK(a_partition_can_be_claimed, part >= 0);
	CHECK_ERRNO(a_claimed_partition_is_busy, open(PART1, O_RDONLY | O_EXCL), EBUSY);
	CHECK_ERRNO(the_disk_around_it_is_busy, open(DISK, O_RDONLY | O_EXCL), EBUSY);
	other = open(PART2, O_RDONLY | O_EXCL);
	CHECK(another_partition_can_be_claimed, other >= 0);
	whole = open(DISK, O_RDONLY);
	CHECK(all_may_open_it_without_a_claim, whole >= 0);
	CHECK_ERRNO(its_table_is_not_read_again, ioctl(whole, BLKRRPART), EBUSY);
	CHECK_EQ(O_EXCL_is_not_kept_in_the_flags, fcntl(part, F_GETFL) & O_EXCL, 0);
	close(part);
	close(other);
	CHECK_EQ(when_all_are_closed_it_is, ioctl(whole, BLKRRPART), 0);
	close(whole);
	whole = open(DISK, O_RDONLY | O_EXCL);
	CHECK(the_disk_can_be_claimed, whole >= 0);
	CHECK_ERRNO(then_its_partitions_are_busy, open(PART1, O_RDONLY | O_EXCL), EBUSY);
	close(whole);
}

static int partition(int fd, int op, int number, long long start, long long length)
{
	struct blkpg_partition data = { .start = start, .length = length, .pno = number };
	struct blkpg_ioctl_arg arg = { .op = op, .datalen = sizeof(data), .data = &data };

	return ioctl(fd, BLKPG, &arg);
}

static void test_partitions(void)
{
	int fd = open(DISK, O_RDONLY), part = open(PART1, O_RDONLY);
	struct stat st;

	CHECK_ERRNO(rescan_of_a_partition, ioctl(part, BLKRRPART), EINVAL);
	CHECK_ERRNO(add_on_a_partition, partition(part, BLKPG_ADD_PARTITION, 5, 1 << 20, 1 << 20),
		    EINVAL);
	CHECK_ERRNO(add_with_number_0, partition(fd, BLKPG_ADD_PARTITION, 0, 1 << 20, 1 << 20),
		    EINVAL);
	CHECK_ERRNO(add_of_nothing, partition(fd, BLKPG_ADD_PARTITION, 5, 13 << 20, 0), EINVAL);
	CHECK_ERRNO(add_of_odd_bytes, partition(fd, BLKPG_ADD_PARTITION, 5, 13 << 20, 1000),
		    EINVAL);
	CHECK_ERRNO(add_over_another, partition(fd, BLKPG_ADD_PARTITION, 5, 1 << 20, 1 << 20),
		    EBUSY);
	CHECK_ERRNO(add_of_a_taken_number, partition(fd, BLKPG_ADD_PARTITION, 1, 13 << 20, 1 << 20),
		    EBUSY);
	CHECK_EQ(add, partition(fd, BLKPG_ADD_PARTITION, 5, 13 << 20, 1 << 20), 0);
	CHECK(its_node_is_there, !stat("/dev/vda5", &st) && S_ISBLK(st.st_mode));
	CHECK_EQ(resize, partition(fd, BLKPG_RESIZE_PARTITION, 5, 13 << 20, 1 << 19), 0);
	CHECK_ERRNO(resize_of_another_start,
		    partition(fd, BLKPG_RESIZE_PARTITION, 5, 14 << 20, 1 << 19), EINVAL);
	CHECK_ERRNO(remove_while_open, partition(fd, BLKPG_DEL_PARTITION, 1, 0, 0), EBUSY);
	CHECK_ERRNO(remove_what_is_not_there, partition(fd, BLKPG_DEL_PARTITION, 9, 0, 0), ENXIO);
	CHECK_EQ(remove_it, partition(fd, BLKPG_DEL_PARTITION, 5, 0, 0), 0);
	CHECK_ERRNO(its_node_is_gone, stat("/dev/vda5", &st), ENOENT);
	CHECK_ERRNO(an_unknown_operation, partition(fd, 77, 5, 0, 0), EINVAL);
	close(part);
	close(fd);
}

static void test_clear(void)
{
	int fd = open(PART2, O_RDWR), readonly = open(PART2, O_RDONLY);
	uint64_t range[2] = { 8192, 4096 }, odd[2] = { 100, 512 }, far[2] = { 1ull << 40, 4096 };
	char buf[4096], zero[4096] = { 0 };

	memset(buf, 'z', sizeof(buf));
	pwrite(fd, buf, sizeof(buf), 8192);
	CHECK_ERRNO(zeroing_needs_write_access, ioctl(readonly, BLKZEROOUT, range), EBADF);
	CHECK_ERRNO(discarding_needs_write_access, ioctl(readonly, BLKDISCARD, range), EBADF);
	CHECK_ERRNO(zeroing_odd_bytes, ioctl(fd, BLKZEROOUT, odd), EINVAL);
	CHECK_ERRNO(zeroing_beyond_the_end, ioctl(fd, BLKZEROOUT, far), EINVAL);
	CHECK_EQ(zeroing, ioctl(fd, BLKZEROOUT, range), 0);
	CHECK(reads_zeroes, pread(fd, buf, 4096, 8192) == 4096 && !memcmp(buf, zero, 4096));
	OUT("discard: %d", ioctl(fd, BLKDISCARD, range));
	CHECK_ERRNO(discarding_beyond_the_end, ioctl(fd, BLKDISCARD, far), EINVAL);
	CHECK_ERRNO(secure_discard, ioctl(fd, BLKSECDISCARD, range), EOPNOTSUPP);
	memset(buf, 'y', sizeof(buf));
	pwrite(fd, buf, sizeof(buf), 8192);
	CHECK_EQ(zero_range, fallocate(fd, FALLOC_FL_ZERO_RANGE, 8192, 4096), 0);
	CHECK(reads_zeroes_again, pread(fd, buf, 4096, 8192) == 4096 && !memcmp(buf, zero, 4096));
	CHECK_ERRNO(plain_fallocate, fallocate(fd, 0, 8192, 4096), EOPNOTSUPP);
	CHECK_ERRNO(fallocate_of_odd_bytes, fallocate(fd, FALLOC_FL_ZERO_RANGE, 100, 4096), EINVAL);
	close(fd);
	close(readonly);
}

static void test_settings(void)
{
	int fd = open(PART1, O_RDWR), size = 100, on = 1, off = 0, value = -1;

	CHECK_ERRNO(odd_block_size, ioctl(fd, BLKBSZSET, &size), EINVAL);
	size = 1024;
	CHECK_EQ(block_size_1024, ioctl(fd, BLKBSZSET, &size), 0);
	CHECK(it_is, !ioctl(fd, BLKBSZGET, &value) && value == 1024);
	CHECK_EQ(set_read_only, ioctl(fd, BLKROSET, &on), 0);
	CHECK_ERRNO(write_to_read_only, pwrite(fd, "x", 1, 0), EPERM);
	value = open(PART1, O_RDWR);
	CHECK(open_for_writing_works_all_the_same, value >= 0);
	close(value);
	CHECK_EQ(set_writable, ioctl(fd, BLKROSET, &off), 0);
	CHECK_EQ(flush, ioctl(fd, BLKFLSBUF, 0), 0);
	CHECK_EQ(read_ahead, ioctl(fd, BLKRASET, 256), 0);
	close(fd);
}

static void test_nodes(void)
{
	CHECK_EQ(mknod_makes_any_node, mknod("/tmp/none", S_IFBLK | 0600, makedev(77, 7)), 0);
	CHECK_ERRNO(no_device_is_ENXIO, open("/tmp/none", O_RDONLY), ENXIO);
	CHECK_ERRNO(mount_of_no_device, mount("/tmp/none", "/mnt", "ext2", 0, ""), ENXIO);
	CHECK_ERRNO(mount_of_no_block_device, mount("/dev/null", "/mnt", "ext2", 0, ""), ENOTBLK);
	CHECK_ERRNO(mount_of_nothing, mount("/nowhere", "/mnt", "ext2", 0, ""), ENOENT);
	CHECK_ERRNO(mount_without_source, mount(NULL, "/mnt", "ext2", 0, ""), EINVAL);
	CHECK_ERRNO(mount_without_file_system, mount(PART1, "/mnt", "ext2", MS_SILENT, ""), EINVAL);
	mount("none", "/tmp", "tmpfs", MS_NODEV, "");
	mknod("/tmp/disk", S_IFBLK | 0600, makedev(254, 1));
	CHECK_ERRNO(a_node_on_a_nodev_mount, open("/tmp/disk", O_RDONLY), EACCES);
	CHECK_ERRNO(mount_from_there, mount("/tmp/disk", "/mnt", "ext2", 0, ""), EACCES);
	umount("/tmp");
	unlink("/tmp/none");
}

int main(void)
{
	print_facts(DISK);
	print_facts(PART2);
	test_end();
	test_direct();
	test_mmap();
	test_exclusive();
	test_partitions();
	test_clear();
	test_settings();
	test_nodes();
	return 0;
}
