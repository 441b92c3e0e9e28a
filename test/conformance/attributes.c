/*
 * Attributes and permissions: stat and statx, modes, owners, times, access, extended attributes.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <grp.h>

static int stat_extended(const char *name, int flags, unsigned mask, struct statx *out)
{
	return (int)syscall(SYS_statx, AT_FDCWD, name, flags, mask, out);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	return lstat(name, &st) ? 0xffff : st.st_mode & 07777;
}

static void touch(const char *name, mode_t mode)
{
	close(open(name, O_CREAT | O_RDWR, 0600));
	chmod(name, mode);
}

static void check_stat(void)
{
	struct statx stx;
	struct statfs fs;
	struct stat st;

	touch("f", 0644);
	truncate("f", 5000);
	CHECK_EQ(stat_works, stat("f", &st), 0);
	OUT("mode %o nlink %ld uid %u gid %u size %ld blksize %ld blocks %ld", st.st_mode,
	    (long)st.st_nlink,
	    st.st_uid, st.st_gid, (long)st.st_size, (long)st.st_blksize, (long)st.st_blocks);
	CHECK_EQ(stat_of_dev_null, stat("/dev/null", &st), 0);
	OUT("null %o %u:%u", st.st_mode, major(st.st_rdev), minor(st.st_rdev));
	CHECK_EQ(statx_works, stat_extended("f", 0, STATX_BASIC_STATS | STATX_BTIME, &stx), 0);
	OUT("statx mask %#x mode %o size %llu", stx.stx_mask & (STATX_BASIC_STATS | STATX_BTIME),
	    stx.stx_mode,
	    (unsigned long long)stx.stx_size);
	CHECK_ERRNO(statx_bad_flag_is_EINVAL, stat_extended("f", 0x80, 0, &stx), EINVAL);
	CHECK_ERRNO(statx_reserved_mask_is_EINVAL, stat_extended("f", 0, 0x80000000u, &stx),
	            EINVAL);
	CHECK_EQ(statfs_works, statfs(".", &fs), 0);
	OUT("statfs type %#lx bsize %ld namelen %ld", (long)fs.f_type, (long)fs.f_bsize,
	    (long)fs.f_namelen);
	CHECK_EQ(statfs_of_proc, statfs("/proc", &fs), 0);
	OUT("proc type %#lx", (long)fs.f_type);
	CHECK_ERRNO(statfs_of_nothing, statfs("none", &fs), ENOENT);
}

static void check_modes(void)
{
	mode_t old = umask(077);

	CHECK_EQ(umask_gives_the_old_one, umask(old), 077);
	CHECK_EQ(chmod_changes, chmod("f", 07751), 0);
	CHECK_EQ(all_bits_are_kept, mode_of("f"), 07751);
	CHECK_EQ(chown_changes, chown("f", 1, 2), 0);
	CHECK_EQ(set_id_bits_fall, mode_of("f"), 01751);
	chmod("f", 06644);
	chown("f", 1, 3);
	CHECK_EQ(setgid_without_group_execute_stays, mode_of("f"), 02644);
	CHECK_EQ(minus_one_changes_nothing, chown("f", -1, -1), 0);
	CHECK_ERRNO(chmod_of_nothing_is_ENOENT, chmod("none", 0644), ENOENT);
	symlink("f", "s");
	CHECK_EQ(chmod_follows, chmod("s", 0600) || mode_of("f") != 0600, 0);
	CHECK_EQ(lchown_changes_the_link, lchown("s", 5, 6), 0);
	struct stat st;
	lstat("s", &st);
	CHECK(it_did, st.st_uid == 5 && st.st_gid == 6);
	chmod("f", 06755);
	int fd = open("f", O_WRONLY);
	CHECK_EQ(root_keeps_set_id_by_writing, write(fd, "x", 1) != 1 || mode_of("f") != 06755, 0);
	close(fd);
	mkdir("sd", 02777);
	chmod("sd", 02777);
	CHECK_EQ(chown_keeps_setgid_of_directories, chown("sd", 1, 1) || mode_of("sd") != 02777, 0);
}

static int as_user(void *data)
{
	int fd;

	(void)data;
	setgroups(0, NULL);
	setgid(1000);
	setuid(1000);
	CHECK_ERRNO(others_may_not_read, open("private", O_RDONLY), EACCES);
	CHECK_ERRNO(others_may_not_search, open("closed/f", O_RDONLY), EACCES);
	CHECK_ERRNO(others_may_not_chmod, chmod("public", 0777), EPERM);
	CHECK_ERRNO(others_may_not_chown, chown("public", 1000, 1000), EPERM);
	CHECK_ERRNO(others_may_not_create, open("rodir/new", O_CREAT | O_RDWR, 0600), EACCES);
	CHECK_ERRNO(others_may_not_unlink, unlink("rodir/f"), EACCES);
	CHECK_ERRNO(sticky_keeps_others_files, unlink("sticky/f"), EPERM);
	CHECK_ERRNO(sticky_keeps_their_names, rename("sticky/f", "sticky/g"), EPERM);
	struct timespec times[2] = { { 1, 0 }, { 1, 0 } };
	CHECK_ERRNO(others_may_not_set_times, utimensat(AT_FDCWD, "public", times, 0), EPERM);
	CHECK_ERRNO(nor_touch_what_they_cannot_write, utimensat(AT_FDCWD, "public", NULL, 0),
	            EACCES);
	CHECK_EQ(but_what_they_can_write, utimensat(AT_FDCWD, "writable", NULL, 0), 0);
	CHECK_ERRNO(no_truncation_either, truncate("public", 0), EACCES);
	CHECK_ERRNO(existence_is_hidden, open("closed/none", O_RDONLY), EACCES);
	CHECK_ERRNO(no_device_nodes, mknod("sticky/dev", S_IFCHR | 0600, makedev(1, 3)), EPERM);
	CHECK_EQ(fifos_are_fine, mknod("sticky/fifo", S_IFIFO | 0600, 0), 0);
	CHECK_ERRNO(no_chroot, chroot("sticky"), EPERM);
	CHECK_ERRNO(no_noatime, open("public", O_RDONLY | O_NOATIME), EPERM);
	CHECK_EQ(access_of_the_readable, access("public", R_OK), 0);
	CHECK_ERRNO(access_of_the_unwritable, access("public", W_OK), EACCES);
	CHECK_ERRNO(access_of_the_unexecutable, access("public", X_OK), EACCES);
	CHECK_ERRNO(access_of_nothing, access("none", F_OK), ENOENT);
	fd = open("sticky/mine", O_CREAT | O_RDWR, 0666);
	CHECK(own_files_can_be_made, fd >= 0);
	CHECK_EQ(own_files_can_be_changed, fchmod(fd, 04755), 0);
	CHECK_EQ(set_id_falls_by_writing, write(fd, "x", 1) != 1 || mode_of("sticky/mine") != 0755,
	         0);
	CHECK_EQ(foreign_setgid_falls_by_chmod, fchmod(fd, 02755) ||
	         mode_of("sticky/mine") != 02755, 0);
	CHECK_ERRNO(own_files_cannot_be_given_away, fchown(fd, 0, -1), EPERM);
	CHECK_EQ(own_group_can_be_given, fchown(fd, -1, 1000), 0);
	CHECK_ERRNO(other_groups_cannot, fchown(fd, -1, 5), EPERM);
	close(fd);
	CHECK_EQ(own_names_can_be_removed, unlink("sticky/mine"), 0);
	fd = open("owned", O_RDONLY);
	CHECK(owner_class_counts_alone, fd == -1 && errno == EACCES);
	return 0;
}

static int as_user_with_links(void *data)
{
	(void)data;
	setgroups(0, NULL);
	setgid(1000);
	setuid(1000);
	CHECK_ERRNO(foreign_links_in_sticky_directories_are_not_followed,
		    open("sticky/theirs", O_RDONLY), EACCES);
	CHECK_EQ(links_of_the_directorys_owner_are, close(open("sticky/roots", O_RDONLY)), 0);
	CHECK_EQ(foreign_links_elsewhere_are, close(open("rodir/theirs", O_RDONLY)), 0);
	CHECK_EQ(foreign_links_within_a_path_are, close(open("sticky/dir/f", O_RDONLY)), 0);
	symlink("../public", "sticky/own");
	CHECK_EQ(own_links_are, close(open("sticky/own", O_RDONLY)), 0);
	CHECK_ERRNO(foreign_files_are_not_linked, link("public", "sticky/hard"), EPERM);
	CHECK_EQ(those_they_can_write_are, link("writable", "sticky/hard"), 0);
	return 0;
}

static void set_protection(const char *name, int level)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/fs/protected_%s", name);
	fd = open(path, O_WRONLY);
	CHECK_EQ(protection_can_be_set, dprintf(fd, "%d\n", level), 2);
	close(fd);
}

/* Which of the four can be opened with O_CREAT. */
static int as_user_with_finds(void *data)
{
	static const char *const names[] = { "sticky/file", "sticky/fifo", "group/file",
					     "group/fifo" };
	char line[64];
	int at = 0;

	(void)data;
	setgroups(0, NULL);
	setgid(1000);
	setuid(1000);
	for (int i = 0; i < 4; i++) {
		int fd = open(names[i], O_RDWR | O_CREAT | O_NONBLOCK, 0600);
		at += snprintf(line + at, sizeof(line) - (size_t)at, " %d", fd < 0 ? errno : 0);
		close(fd);
	}
	OUT("found:%s", line);
	CHECK(without_O_CREAT_they_can_be_opened, open(names[0], O_RDWR) >= 0);
	CHECK(own_file_can_be_opened, open("sticky/mine", O_RDWR | O_CREAT, 0600) >= 0);
	CHECK(file_of_the_directorys_owner_can_be_opened,
	      open("sticky/roots-file", O_RDWR | O_CREAT, 0600) >= 0);
	return 0;
}

static void make_for_all(const char *name, bool is_fifo)
{
	if (is_fifo)
		mkfifo(name, 0666);
	else
		close(open(name, O_CREAT | O_RDWR, 0666));
	chmod(name, 0666);
	chown(name, 7, 7);
}

static void check_protected_files(void)
{
	mkdir("group", 0);
	chmod("group", 01775);
	chown("group", 0, 1000);
	make_for_all("sticky/file", false);
	make_for_all("sticky/fifo", true);
	make_for_all("group/file", false);
	make_for_all("group/fifo", true);
	make_for_all("sticky/roots-file", false);
	chown("sticky/roots-file", 0, 0);
	make_for_all("sticky/mine", false);
	chown("sticky/mine", 1000, 1000);
	for (int level = 0; level <= 2; level++) {
		set_protection("fifos", level);
		set_protection("regular", level);
		check_in_child(as_user_with_finds, NULL);
	}
	set_protection("fifos", 0);
	set_protection("regular", 0);
}

static void check_protected_links(void)
{
	symlink("../public", "sticky/theirs");
	lchown("sticky/theirs", 7, 7);
	symlink("../public", "sticky/roots");
	symlink("../rodir", "sticky/dir");
	lchown("sticky/dir", 7, 7);
	symlink("../public", "rodir/theirs");
	lchown("rodir/theirs", 7, 7);
	CHECK_ERRNO(even_root_does_not_follow_them, open("sticky/theirs", O_RDONLY), EACCES);
	CHECK_EQ(protected_links, check_in_child(as_user_with_links, NULL), 0);
	check_protected_files();
}

static void check_permissions(void)
{
	umask(0);
	touch("private", 0600);
	touch("public", 0644);
	touch("writable", 0666);
	touch("owned", 0077);
	chown("owned", 1000, 0);
	chmod("owned", 0077);
	mkdir("closed", 0700);
	touch("closed/f", 0666);
	mkdir("rodir", 0755);
	touch("rodir/f", 0666);
	mkdir("sticky", 01777);
	touch("sticky/f", 0666);
	CHECK_EQ(as_an_ordinary_user, check_in_child(as_user, NULL), 0);
	touch("noexec", 0600);
	CHECK_ERRNO(root_executes_nothing_without_a_bit, access("noexec", X_OK), EACCES);
	CHECK_EQ(root_writes_the_read_only, chmod("noexec", 0) || access("noexec", R_OK | W_OK), 0);
	CHECK_ERRNO(access_mode_is_checked, access("noexec", 8), EINVAL);
	CHECK_EQ(faccessat2_effective, syscall(439, AT_FDCWD, "public", R_OK, AT_EACCESS), 0);
	CHECK_ERRNO(faccessat2_bad_flag, syscall(439, AT_FDCWD, "public", R_OK, 1), EINVAL);
}

static void check_times(void)
{
	struct timespec times[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat st;

	CHECK_EQ(times_are_set, utimensat(AT_FDCWD, "f", times, 0), 0);
	stat("f", &st);
	CHECK(to_the_nanosecond, st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 5 &&
				 st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 7);
	CHECK(change_time_is_now, st.st_ctim.tv_sec > 2000);
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_nsec = UTIME_NOW;
	CHECK_EQ(one_can_be_left_and_one_be_now, utimensat(AT_FDCWD, "f", times, 0), 0);
	stat("f", &st);
	CHECK(it_was, st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec > 2000);
	times[0].tv_nsec = 1000000000;
	CHECK_ERRNO(a_billion_nanoseconds_are_EINVAL, utimensat(AT_FDCWD, "f", times, 0), EINVAL);
	CHECK_ERRNO(times_of_nothing_are_ENOENT, utimensat(AT_FDCWD, "none", NULL, 0), ENOENT);
	times[0] = (struct timespec){ -5, 0 };
	times[1] = (struct timespec){ 4000000000, 0 };
	CHECK_EQ(before_1970_and_after_2038, utimensat(AT_FDCWD, "f", times, 0), 0);
	stat("f", &st);
	CHECK(are_kept, st.st_atim.tv_sec == -5 && st.st_mtim.tv_sec == 4000000000);
	times[0] = times[1] = (struct timespec){ 100, 0 };
	CHECK_EQ(times_of_a_link, utimensat(AT_FDCWD, "s", times, AT_SYMLINK_NOFOLLOW), 0);
	lstat("s", &st);
	CHECK_EQ(are_its_own, st.st_mtim.tv_sec, 100);
	mkdir("t", 0755);
	utimensat(AT_FDCWD, "t", times, 0);
	touch("t/x", 0600);
	stat("t", &st);
	CHECK(a_new_entry_changes_the_directory, st.st_mtim.tv_sec > 100);
	utimensat(AT_FDCWD, "t/x", times, 0);
	close(open("t/x", O_WRONLY | O_TRUNC));
	stat("t/x", &st);
	CHECK(truncation_on_open_changes_the_file, st.st_mtim.tv_sec > 100);
}

static void check_nodes(void)
{
	struct stat st;

	CHECK_EQ(node_is_made, mknod("null", S_IFCHR | 0666, makedev(1, 3)), 0);
	CHECK(it_works, write(open("null", O_WRONLY), "x", 1) == 1);
	CHECK_EQ(large_numbers, mknod("big", S_IFBLK | 0600, makedev(4095, 1048575)), 0);
	stat("big", &st);
	CHECK(are_kept_whole, major(st.st_rdev) == 4095 && minor(st.st_rdev) == 1048575);
	CHECK_ERRNO(no_such_device, open("big", O_RDONLY), ENXIO);
	CHECK_EQ(plain_file_by_mknod, mknod("plain", 0644, 0), 0);
	CHECK_EQ(socket_by_mknod, mknod("sock", S_IFSOCK | 0644, 0), 0);
	CHECK_ERRNO(a_socket_is_not_opened, open("sock", O_RDONLY), ENXIO);
	CHECK_ERRNO(no_directory_by_mknod, mknod("dir", S_IFDIR | 0755, 0), EPERM);
	CHECK_ERRNO(no_link_by_mknod, mknod("lnk", S_IFLNK | 0755, 0), EINVAL);
	CHECK_ERRNO(node_over_a_name, mknod("null", S_IFIFO | 0600, 0), EEXIST);
}

static void check_extended(void)
{
	char buf[64];

	CHECK_EQ(trusted_is_set, setxattr("f", "trusted.a", "value", 5, 0), 0);
	CHECK_EQ(it_is_read, getxattr("f", "trusted.a", buf, sizeof(buf)), 5);
	CHECK_EQ(its_size_is_told, getxattr("f", "trusted.a", NULL, 0), 5);
	CHECK_ERRNO(too_small_is_ERANGE, getxattr("f", "trusted.a", buf, 4), ERANGE);
	CHECK_ERRNO(missing_is_ENODATA, getxattr("f", "trusted.b", buf, 64), ENODATA);
	CHECK_ERRNO(create_over_it_is_EEXIST, setxattr("f", "trusted.a", "x", 1, XATTR_CREATE),
	            EEXIST);
	CHECK_ERRNO(replace_of_nothing_is_ENODATA, setxattr("f", "trusted.b", "x", 1,
	                                                    XATTR_REPLACE), ENODATA);
	CHECK_ERRNO(both_are_EINVAL_or_so, setxattr("f", "trusted.b", "x", 1, 4), EINVAL);
	CHECK_ERRNO(user_ones_are_not_on_tmpfs, setxattr("f", "user.a", "x", 1, 0), EOPNOTSUPP);
	CHECK_ERRNO(unknown_space, setxattr("f", "strange.a", "x", 1, 0), EOPNOTSUPP);
	CHECK_ERRNO(empty_name_is_ERANGE, setxattr("f", "", "x", 1, 0), ERANGE);
	CHECK_EQ(list_has_it, listxattr("f", buf, sizeof(buf)), 10);
	CHECK_EQ(an_empty_value, setxattr("f", "trusted.e", "", 0, 0), 0);
	CHECK_EQ(is_empty, getxattr("f", "trusted.e", buf, 64), 0);
	CHECK_EQ(removed, removexattr("f", "trusted.a"), 0);
	CHECK_ERRNO(removed_twice, removexattr("f", "trusted.a"), ENODATA);
	CHECK_EQ(link_has_its_own, lsetxattr("s", "trusted.l", "x", 1, 0), 0);
	CHECK_ERRNO(the_file_has_not, getxattr("f", "trusted.l", buf, 64), ENODATA);
}

int main(void)
{
	umask(022);
	check_stat();
	check_modes();
	check_permissions();
	check_protected_links();
	check_times();
	check_nodes();
	check_extended();
	return 0;
}
