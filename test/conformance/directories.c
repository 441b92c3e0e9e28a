/*
 * Directories: making, removing, reading, the working directory and the root.
 */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static long links(const char *name)
{
	struct stat st;

	return stat(name, &st) ? -1 : (long)st.st_nlink;
}

static void check_making(void)
{
	struct stat st;

	umask(027);
	CHECK_EQ(mkdir_makes, mkdir("d", 01777), 0);
	CHECK(umask_is_applied, stat("d", &st) == 0 && (st.st_mode & 07777) == 01750);
	umask(022);
	CHECK_EQ(an_empty_one_has_two_links, links("d"), 2);
	CHECK_ERRNO(mkdir_over_a_name_is_EEXIST, mkdir("d", 0755), EEXIST);
	CHECK_ERRNO(mkdir_of_dot_is_EEXIST, mkdir("d/.", 0755), EEXIST);
	CHECK_ERRNO(mkdir_of_root_is_EEXIST, mkdir("/", 0755), EEXIST);
	CHECK_ERRNO(mkdir_in_nothing_is_ENOENT, mkdir("n/d", 0755), ENOENT);
	CHECK_EQ(mkdir_takes_a_slash, mkdir("d/e/", 0755), 0);
	CHECK_EQ(a_child_adds_a_link, links("d"), 3);
	CHECK_ERRNO(rmdir_of_a_full_one_is_ENOTEMPTY, rmdir("d"), ENOTEMPTY);
	CHECK_ERRNO(rmdir_of_dot_is_EINVAL, rmdir("d/e/."), EINVAL);
	CHECK_ERRNO(rmdir_of_dotdot_is_ENOTEMPTY, rmdir("d/e/.."), ENOTEMPTY);
	CHECK_ERRNO(rmdir_of_the_root_is_EBUSY, rmdir("/"), EBUSY);
	CHECK_ERRNO(rmdir_of_a_mount_point_is_EBUSY, rmdir("/dev"), EBUSY);
	close(open("d/f", O_CREAT | O_RDWR, 0600));
	CHECK_ERRNO(rmdir_of_a_file_is_ENOTDIR, rmdir("d/f"), ENOTDIR);
	CHECK_EQ(rmdir_takes_a_slash, rmdir("d/e/"), 0);
	CHECK_ERRNO(rmdir_twice_is_ENOENT, rmdir("d/e"), ENOENT);
	CHECK_EQ(unlinkat_removes_directories, mkdir("u", 0755) || unlinkat(AT_FDCWD, "u",
	                                                                    AT_REMOVEDIR), 0);
	CHECK_ERRNO(unlinkat_unknown_flag_is_EINVAL, unlinkat(AT_FDCWD, "d/f", 1), EINVAL);
	mkdir("sg", 0755);
	CHECK_EQ(directory_can_have_setgid, chown("sg", 0, 77) || chmod("sg", 02755), 0);
	mkdir("sg/in", 0700);
	CHECK(setgid_is_inherited_by_directories,
	      stat("sg/in", &st) == 0 && st.st_gid == 77 && (st.st_mode & 07777) == 02700);
	close(open("sg/f", O_CREAT | O_RDWR, 0644));
	CHECK(its_group_is_inherited_by_files, stat("sg/f", &st) == 0 && st.st_gid == 77);
}

struct entry {
	uint64_t ino;
	int64_t  off;
	uint16_t reclen;
	uint8_t  type;
	char     name[];
};

/* Reads all of a directory in pieces, removing what it reads as it goes. */
static int remove_while_reading(const char *name, size_t piece)
{
	char buf[1024], path[300];
	int fd = open(name, O_RDONLY | O_DIRECTORY), removed = 0;
	long n;

	while ((n = syscall(SYS_getdents64, fd, buf, piece)) > 0) {
		for (long at = 0; at < n; at += ((struct entry *)(void *)(buf + at))->reclen) {
			struct entry *entry = (void *)(buf + at);

			if (entry->name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", name, entry->name);
			removed += unlink(path) == 0;
		}
	}
	close(fd);
	return removed;
}

static void check_reading(void)
{
	char buf[512], path[300];
	int fd, count = 0, types = 0, aligned = 1;
	struct dirent *e;
	long place;
	DIR *dir;

	mkdir("r", 0755);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "r/entry-with-a-longer-name-%d", i);
		close(open(path, O_CREAT | O_RDWR, 0600));
	}
	mkdir("r/dir", 0755);
	symlink("x", "r/link");
	mkfifo("r/fifo", 0600);
	dir = opendir("r");
	while ((e = readdir(dir))) {
		count++;
		types += e->d_type == DT_DIR ? 1000000 : e->d_type == DT_LNK ? 10000 :
			 e->d_type == DT_FIFO ? 1000 : e->d_type == DT_REG;
		aligned &= e->d_reclen % 8 == 0 && e->d_off > 0;
	}
	CHECK_EQ(all_entries_are_read, count, 105);
	CHECK_EQ(types_are_told, types, 3011100);
	CHECK(records_are_aligned_and_offsets_positive, aligned);
	rewinddir(dir);
	for (int i = 0; i < 40; i++)
		e = readdir(dir);
	place = telldir(dir);
	e = readdir(dir);
	snprintf(path, sizeof(path), "%s", e->d_name);
	while (readdir(dir))
		;
	seekdir(dir, place);
	e = readdir(dir);
	CHECK(a_place_is_found_again, e && strcmp(e->d_name, path) == 0);
	closedir(dir);
	fd = open("r", O_RDONLY);
	CHECK_ERRNO(too_small_a_buffer_is_EINVAL, syscall(SYS_getdents64, fd, buf, 20), EINVAL);
	CHECK_ERRNO(a_bad_buffer_is_EFAULT, syscall(SYS_getdents64, fd, 8, 512), EFAULT);
	CHECK(it_can_be_read_afterwards, syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0);
	CHECK_ERRNO(a_directory_is_not_read_as_a_file, read(fd, buf, 10), EISDIR);
	CHECK_EQ(it_can_be_rewound, lseek(fd, 0, SEEK_SET), 0);
	close(fd);
	fd = open("r/dir", O_RDONLY);
	rmdir("r/dir");
	CHECK_ERRNO(a_removed_one_is_ENOENT, syscall(SYS_getdents64, fd, buf, sizeof(buf)), ENOENT);
	CHECK_ERRNO(nothing_is_made_in_it, mkdirat(fd, "x", 0700), ENOENT);
	CHECK_ERRNO(nothing_is_opened_in_it, openat(fd, "x", O_CREAT | O_RDWR, 0600), ENOENT);
	close(fd);
	fd = open("r/link", O_PATH | O_NOFOLLOW);
	close(fd);
	fd = open("r/entry-with-a-longer-name-1", O_RDONLY);
	CHECK_ERRNO(a_file_is_ENOTDIR, syscall(SYS_getdents64, fd, buf, sizeof(buf)), ENOTDIR);
	close(fd);
	CHECK_EQ(every_entry_can_be_removed_while_reading, remove_while_reading("r", 300), 102);
	CHECK_EQ(it_is_empty_then, rmdir("r"), 0);
}

static int in_chroot(void *data)
{
	char buf[PATH_MAX];
	struct stat st;

	(void)data;
	if (mkdir("root", 0755) || mkdir("root/in", 0755) || chroot("root") || stat("/in", &st))
		return 1;
	/* The working directory is outside now. */
	if (syscall(SYS_getcwd, buf, sizeof(buf)) <= 0 || strcmp(buf, "(unreachable)/tmp"))
		return 2;
	if (chdir("/") || stat("../../in", &st) || stat("/../in", &st))
		return 3;
	return syscall(SYS_getcwd, buf, sizeof(buf)) == 2 && strcmp(buf, "/") == 0 ? 0 : 4;
}

static void check_working_directory(void)
{
	char buf[PATH_MAX];
	int fd;

	mkdir("w", 0755);
	mkdir("w/x", 0755);
	CHECK_EQ(chdir_goes, chdir("w/x"), 0);
	CHECK_EQ(getcwd_counts_its_terminator, syscall(SYS_getcwd, buf, sizeof(buf)), 9);
	CHECK(getcwd_tells, strcmp(buf, "/tmp/w/x") == 0);
	CHECK_ERRNO(getcwd_without_room_is_ERANGE, syscall(SYS_getcwd, buf, 8), ERANGE);
	CHECK_EQ(renamed_below_us, rename("/tmp/w", "/tmp/v"), 0);
	CHECK(getcwd_follows, getcwd(buf, sizeof(buf)) && strcmp(buf, "/tmp/v/x") == 0);
	CHECK_EQ(removed_below_us, rmdir("/tmp/v/x"), 0);
	CHECK_ERRNO(getcwd_is_ENOENT_then, syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT);
	CHECK_ERRNO(nothing_can_be_made_then, mkdir("y", 0755), ENOENT);
	CHECK_EQ(dotdot_still_leads_out, chdir(".."), 0);
	CHECK(out_is_the_parent, getcwd(buf, sizeof(buf)) && strcmp(buf, "/tmp/v") == 0);
	CHECK_EQ(back, chdir("/tmp"), 0);
	CHECK_ERRNO(chdir_to_nothing_is_ENOENT, chdir("none"), ENOENT);
	CHECK_ERRNO(chdir_to_a_file_is_ENOTDIR, chdir("d/f"), ENOTDIR);
	fd = open("d", O_RDONLY);
	CHECK_EQ(fchdir_goes, fchdir(fd), 0);
	CHECK(fchdir_went, getcwd(buf, sizeof(buf)) && strcmp(buf, "/tmp/d") == 0);
	close(fd);
	CHECK_ERRNO(fchdir_of_nothing_is_EBADF, fchdir(fd), EBADF);
	fd = open("f", O_RDONLY);
	CHECK_ERRNO(fchdir_of_a_file_is_ENOTDIR, fchdir(fd), ENOTDIR);
	close(fd);
	chdir("/tmp");
	CHECK_EQ(chroot_hides_what_is_outside, check_in_child(in_chroot, NULL), 0);
}

int main(void)
{
	check_making();
	check_reading();
	check_working_directory();
	return 0;
}
