/*
 * Flags of inodes, as chattr(1) and lsattr(1) read and set them: ioctl_iflags(2),
 * FS_IOC_FSGETXATTR.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

static int flags_get(int fd)
{
	int flags = 0;

	return ioctl(fd, FS_IOC_GETFLAGS, &flags) ? -1 : flags;
}

static int flags_set(int fd, int flags)
{
	return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static unsigned int attributes_of(const char *name)
{
	struct statx stx;

	return syscall(SYS_statx, AT_FDCWD, name, 0, STATX_BASIC_STATS, &stx)
		       ? 0
		       : (unsigned int)stx.stx_attributes &
				 (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP);
}

static void check_reading(void)
{
	struct fsxattr extended = { 0 };
	int fd = open("f", O_CREAT | O_RDWR, 0644), dir = open(".", O_RDONLY);
	int proc = open("/proc/version", O_RDONLY), null = open("/dev/null", O_RDONLY);
	int version = -1, ends[2];

	CHECK_EQ(a_new_file_has_none, flags_get(fd), 0);
	CHECK_EQ(so_a_directory, flags_get(dir), 0);
	CHECK_ERRNO(proc_has_no_flags, flags_get(proc), ENOTTY);
	CHECK_ERRNO(a_device_has_no_flags, flags_get(null), ENOTTY);
	CHECK_EQ(pipe_works, pipe(ends), 0);
	CHECK_ERRNO(a_pipe_has_no_flags, flags_get(ends[0]), ENOTTY);
	CHECK_ERRNO(bad_pointer_is_EFAULT, ioctl(fd, FS_IOC_GETFLAGS, 8L), EFAULT);
	OUT("version %d", ioctl(fd, FS_IOC_GETVERSION, &version));
	OUT("extended %d flags %#x", ioctl(fd, FS_IOC_FSGETXATTR, &extended), extended.fsx_xflags);
	close(fd);
	close(dir);
	close(proc);
	close(null);
	close(ends[0]);
	close(ends[1]);
}

static void check_immutable(void)
{
	int fd = open("f", O_RDWR), again;

	CHECK_EQ(immutable_is_set, flags_set(fd, FS_IMMUTABLE_FL), 0);
	CHECK_EQ(immutable_is_read, flags_get(fd), FS_IMMUTABLE_FL);
	CHECK_EQ(statx_tells_immutable, attributes_of("f"), STATX_ATTR_IMMUTABLE);
	CHECK_ERRNO(it_is_not_opened_for_writing, open("f", O_WRONLY), EPERM);
	again = open("f", O_RDONLY);
	CHECK(it_is_read, again >= 0);
	close(again);
	CHECK_ERRNO(it_is_not_removed, unlink("f"), EPERM);
	CHECK_ERRNO(it_is_not_renamed, rename("f", "g"), EPERM);
	CHECK_ERRNO(it_is_not_linked, link("f", "g"), EPERM);
	CHECK_ERRNO(its_mode_stays, chmod("f", 0600), EPERM);
	CHECK_ERRNO(its_owner_stays, chown("f", 1, 1), EPERM);
	CHECK_ERRNO(it_is_not_truncated, truncate("f", 0), EPERM);
	CHECK_ERRNO(it_gets_no_attribute, setxattr("f", "trusted.a", "b", 1, 0), EPERM);
	CHECK_ERRNO(not_even_the_time_is_set, utimensat(AT_FDCWD, "f", NULL, 0), EPERM);
	OUT("write by an old descriptor %zd", write(fd, "x", 1));
	CHECK_EQ(immutable_is_cleared, flags_set(fd, 0), 0);
	CHECK_EQ(writing_works_again, write(fd, "y", 1), 1);
	close(fd);
}

static void check_append(void)
{
	int fd = open("f", O_RDWR), again;

	CHECK_EQ(append_is_set, flags_set(fd, FS_APPEND_FL | FS_NODUMP_FL), 0);
	CHECK_EQ(statx_tells_both, attributes_of("f"), STATX_ATTR_APPEND | STATX_ATTR_NODUMP);
	CHECK_ERRNO(writing_without_append_is_refused, open("f", O_WRONLY), EPERM);
	CHECK_ERRNO(truncating_is_refused, open("f", O_WRONLY | O_APPEND | O_TRUNC), EPERM);
	again = open("f", O_WRONLY | O_APPEND);
	CHECK_EQ(appending_works, write(again, "z", 1), 1);
	CHECK_ERRNO(append_cannot_be_dropped, fcntl(again, F_SETFL, 0), EPERM);
	close(again);
	CHECK_ERRNO(no_removal_either, unlink("f"), EPERM);
	CHECK_EQ(append_is_cleared, flags_set(fd, FS_NOATIME_FL), 0);
	CHECK_EQ(no_atime_is_read, flags_get(fd), FS_NOATIME_FL);
	flags_set(fd, 0);
	close(fd);
}

static void check_others(void)
{
	struct fsxattr extended = { 0 };
	int fd = open("f", O_RDONLY), dir, child;

	CHECK_EQ(set_by_a_descriptor_for_reading, flags_set(fd, FS_NODUMP_FL), 0);
	OUT("sync %d", flags_set(fd, FS_SYNC_FL | FS_NODUMP_FL));
	OUT("flags %#x", flags_get(fd));
	OUT("unknown %d", flags_set(fd, 0x40000000));
	OUT("flags %#x", flags_get(fd));
	CHECK_EQ(extended_are_read, ioctl(fd, FS_IOC_FSGETXATTR, &extended), 0);
	OUT("extended flags %#x", extended.fsx_xflags);
	extended.fsx_xflags = FS_XFLAG_NOATIME;
	OUT("set extended %d", ioctl(fd, FS_IOC_FSSETXATTR, &extended));
	OUT("flags %#x", flags_get(fd));
	flags_set(fd, 0);
	mkdir("d", 0755);
	dir = open("d", O_RDONLY);
	CHECK_EQ(a_directory_gets_flags, flags_set(dir, FS_NODUMP_FL | FS_NOATIME_FL), 0);
	child = open("d/child", O_CREAT | O_RDWR, 0600);
	OUT("inherited %#x", flags_get(child));
	CHECK_EQ(immutable_directory, flags_set(dir, FS_IMMUTABLE_FL), 0);
	CHECK_ERRNO(nothing_is_made_in_it, open("d/other", O_CREAT | O_RDWR, 0600), EPERM);
	CHECK_ERRNO(nothing_is_removed, unlink("d/child"), EPERM);
	CHECK_EQ(append_only_directory, flags_set(dir, FS_APPEND_FL), 0);
	close(child);
	child = open("d/other", O_CREAT | O_RDWR, 0600);
	CHECK(names_may_be_added, child >= 0);
	CHECK_ERRNO(but_not_removed, unlink("d/other"), EPERM);
	flags_set(dir, 0);
	close(child);
	close(dir);
	close(fd);
}

static int as_a_user(void *unused)
{
	int own, theirs = open("f", O_RDONLY);

	(void)unused;
	CHECK_EQ(drop_root, syscall(SYS_setresuid, 1000, 1000, 1000), 0);
	CHECK_ERRNO(the_owner_only, flags_set(theirs, FS_NODUMP_FL), EPERM);
	own = open("own", O_CREAT | O_RDWR, 0644);
	CHECK_EQ(own_files_get_harmless_flags, flags_set(own, FS_NODUMP_FL), 0);
	CHECK_ERRNO(immutable_needs_a_right, flags_set(own, FS_IMMUTABLE_FL), EPERM);
	CHECK_ERRNO(append_needs_it_too, flags_set(own, FS_APPEND_FL), EPERM);
	CHECK_EQ(nothing_has_changed, flags_get(own), FS_NODUMP_FL);
	close(own);
	close(theirs);
	return 0;
}

int main(void)
{
	umask(0);
	chmod(".", 0777);
	check_reading();
	check_immutable();
	check_append();
	check_others();
	check_in_child(as_a_user, NULL);
	return 0;
}
