/*
 * Loop devices: attaching, settings, letting go. loop(4)
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "../conformance/check.h"

enum { NUMBER = 20, SIZE = 1 << 20 };
static int control;

static int open_loop(int number, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/loop%d", number);
	return open(path, flags);
}

static uint64_t size_of(int fd)
{
	uint64_t bytes = 0;

	ioctl(fd, BLKGETSIZE64, &bytes);
	return bytes;
}

static int make_file(void)
{
	int fd = open("/tmp/image", O_RDWR | O_CREAT, 0600);
	char text[512];

	for (int i = 0; i < SIZE / 512; i++) {
		memset(text, 'a' + i % 26, sizeof(text));
		write(fd, text, sizeof(text));
	}
	return fd;
}

static void test_control(void)
{
	control = open("/dev/loop-control", O_RDWR);
	CHECK(the_control_device_opens, control >= 0);
	CHECK_EQ(add, ioctl(control, LOOP_CTL_ADD, NUMBER), NUMBER);
	CHECK_ERRNO(add_again, ioctl(control, LOOP_CTL_ADD, NUMBER), EEXIST);
	CHECK_ERRNO(remove_what_is_not_there, ioctl(control, LOOP_CTL_REMOVE, 77), ENODEV);
	CHECK(there_is_a_free_one, ioctl(control, LOOP_CTL_GET_FREE) >= 0);
	CHECK_ERRNO(an_unknown_command, ioctl(control, LOOP_SET_FD, 0), ENOSYS);
}

static void test_unbound(int loop, int file)
{
	struct loop_info64 info = { 0 };
	int directory = open("/tmp", O_RDONLY), null = open("/dev/null", O_RDWR);

	CHECK_EQ(an_unbound_device_is_empty, size_of(loop), 0);
	CHECK_ERRNO(status_of_nothing, ioctl(loop, LOOP_GET_STATUS64, &info), ENXIO);
	CHECK_ERRNO(settings_of_nothing, ioctl(loop, LOOP_SET_STATUS64, &info), ENXIO);
	CHECK_ERRNO(clear_of_nothing, ioctl(loop, LOOP_CLR_FD), ENXIO);
	CHECK_ERRNO(attach_a_bad_descriptor, ioctl(loop, LOOP_SET_FD, 99), EBADF);
	CHECK_ERRNO(attach_a_directory, ioctl(loop, LOOP_SET_FD, directory), EINVAL);
	CHECK_ERRNO(attach_null, ioctl(loop, LOOP_SET_FD, null), EINVAL);
	CHECK_ERRNO(attach_itself, ioctl(loop, LOOP_SET_FD, loop), EBADF);
	(void)file;
	close(directory);
	close(null);
}

static void test_bound(int loop, int file)
{
	struct loop_info64 info = { 0 };
	char buf[512] = "";

	CHECK_EQ(attach, ioctl(loop, LOOP_SET_FD, file), 0);
	CHECK_ERRNO(attach_twice, ioctl(loop, LOOP_SET_FD, file), EBUSY);
	CHECK_EQ(it_has_the_files_size, size_of(loop), SIZE);
	CHECK(and_its_content, pread(loop, buf, 512, 1024) == 512 && buf[0] == 'c');
	CHECK_EQ(status, ioctl(loop, LOOP_GET_STATUS64, &info), 0);
	OUT("number %u flags %u offset %llu", info.lo_number, info.lo_flags,
	    (unsigned long long)info.lo_offset);
	CHECK_ERRNO(remove_while_attached, ioctl(control, LOOP_CTL_REMOVE, NUMBER), EBUSY);
	info.lo_offset = 1024;
	info.lo_sizelimit = 4096;
	strcpy((char *)info.lo_file_name, "a name");
	CHECK_EQ(offset_and_limit, ioctl(loop, LOOP_SET_STATUS64, &info), 0);
	CHECK_EQ(they_bound_the_size, size_of(loop), 4096);
	CHECK(and_move_the_content, pread(loop, buf, 512, 0) == 512 && buf[0] == 'c');
	CHECK_EQ(write_through, pwrite(loop, "written", 7, 0), 7);
	CHECK_EQ(fsync_of_the_device, fsync(loop), 0);
	CHECK(is_in_the_file, pread(file, buf, 7, 1024) == 7 && !memcmp(buf, "written", 7));
	memset(&info, 0, sizeof(info));
	ioctl(loop, LOOP_GET_STATUS64, &info);
	OUT("name %s limit %llu", info.lo_file_name, (unsigned long long)info.lo_sizelimit);
	CHECK_ERRNO(odd_block_size, ioctl(loop, LOOP_SET_BLOCK_SIZE, 1000), EINVAL);
	CHECK_EQ(no_direct_io_is_what_it_has, ioctl(loop, LOOP_SET_DIRECT_IO, 0), 0);
	CHECK_EQ(clear, ioctl(loop, LOOP_CLR_FD), 0);
	CHECK_EQ(then_it_is_empty, size_of(loop), 0);
}

static void test_configure(int loop, int file)
{
	struct loop_config config = { .fd = (uint32_t)file };
	int readonly = open("/tmp/image", O_RDONLY), size = 0, ro = 0;
	uint64_t bytes;

	config.info.lo_flags = 1u << 20;
	CHECK_ERRNO(unknown_flags, ioctl(loop, LOOP_CONFIGURE, &config), EINVAL);
	config.info.lo_flags = 0;
	config.info.lo_encrypt_type = LO_CRYPT_XOR;
	CHECK_ERRNO(encryption, ioctl(loop, LOOP_CONFIGURE, &config), EINVAL);
	config.info.lo_encrypt_type = 0;
	config.block_size = 1000;
	CHECK_ERRNO(configured_odd_block_size, ioctl(loop, LOOP_CONFIGURE, &config), EINVAL);
	config.block_size = 4096;
	config.info.lo_flags = LO_FLAGS_READ_ONLY;
	CHECK_EQ(configure, ioctl(loop, LOOP_CONFIGURE, &config), 0);
	CHECK(block_size_4096, !ioctl(loop, BLKSSZGET, &size) && size == 4096);
	CHECK(it_is_read_only, !ioctl(loop, BLKROGET, &ro) && ro == 1);
	CHECK_ERRNO(write_is_refused, pwrite(loop, "x", 1, 0), EPERM);
	CHECK_EQ(clear_it, ioctl(loop, LOOP_CLR_FD), 0);
	CHECK_EQ(attach_a_read_only_file, ioctl(loop, LOOP_SET_FD, readonly), 0);
	CHECK(makes_it_read_only, !ioctl(loop, BLKROGET, &ro) && ro == 1);
	bytes = size_of(loop);
	ftruncate(file, SIZE / 2);
	CHECK_EQ(the_size_stays, size_of(loop), bytes);
	CHECK_EQ(until_it_is_asked_for, ioctl(loop, LOOP_SET_CAPACITY), 0);
	CHECK_EQ(then_it_is_new, size_of(loop), SIZE / 2);
	CHECK_EQ(clear_again, ioctl(loop, LOOP_CLR_FD), 0);
	close(readonly);
}

static void test_autoclear(int file)
{
	struct loop_info64 info = { .lo_flags = LO_FLAGS_AUTOCLEAR };
	int loop = open_loop(NUMBER, O_RDWR), other = open_loop(NUMBER, O_RDWR);

	ioctl(loop, LOOP_SET_FD, file);
	CHECK_EQ(set_autoclear, ioctl(loop, LOOP_SET_STATUS64, &info), 0);
	close(loop);
	CHECK_EQ(somebody_has_it_open, ioctl(other, LOOP_GET_STATUS64, &info), 0);
	close(other);
	usleep(100000);
	other = open_loop(NUMBER, O_RDWR);
	CHECK_ERRNO(the_last_close_let_go, ioctl(other, LOOP_GET_STATUS64, &info), ENXIO);
	ioctl(other, LOOP_SET_FD, file);
	loop = open_loop(NUMBER, O_RDWR);
	CHECK_EQ(clear_with_two_openers, ioctl(loop, LOOP_CLR_FD), 0);
	CHECK_EQ(it_stays_for_the_other, ioctl(other, LOOP_GET_STATUS64, &info), 0);
	CHECK_EQ(and_clears_itself_later, info.lo_flags & LO_FLAGS_AUTOCLEAR, LO_FLAGS_AUTOCLEAR);
	close(loop);
	close(other);
}

int main(void)
{
	int file = make_file(), loop;

	test_control();
	loop = open_loop(NUMBER, O_RDWR);
	CHECK(the_device_opens, loop >= 0);
	test_unbound(loop, file);
	test_bound(loop, file);
	test_configure(loop, file);
	close(loop);
	test_autoclear(file);
	usleep(100000);
	CHECK_EQ(remove_it, ioctl(control, LOOP_CTL_REMOVE, NUMBER), 0);
	CHECK_ERRNO(it_is_gone, open_loop(NUMBER, O_RDWR), ENOENT);
	close(file);
	return 0;
}
