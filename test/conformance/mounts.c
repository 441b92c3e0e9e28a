/*
 * Mounts: tmpfs and its options, binds, moves, propagation, read-only and other flags, unmounting,
 * namespaces and pivot_root.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

static int exists(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

static int touch(const char *name)
{
	int fd = open(name, O_CREAT | O_RDWR, 0644);

	return fd < 0 ? -1 : close(fd);
}

static void check_tmpfs(void)
{
	struct statfs fs;
	struct stat st;

	CHECK_EQ(tmpfs_is_mounted, mount("x", "m", "tmpfs", 0,
	                                 "size=16k,nr_inodes=5,mode=0751,uid=3,gid=4"), 0);
	stat("m", &st);
	OUT("mode %o uid %u gid %u", st.st_mode, st.st_uid, st.st_gid);
	statfs("m", &fs);
	OUT("blocks %ld free %ld files %ld free %ld", (long)fs.f_blocks, (long)fs.f_bfree,
	    (long)fs.f_files,
	    (long)fs.f_ffree);
	int fd = open("m/f", O_CREAT | O_RDWR, 0600);
	CHECK_EQ(it_holds_its_size, fallocate(fd, 0, 0, 16384), 0);
	CHECK_ERRNO(and_no_more, pwrite(fd, "x", 1, 16384), ENOSPC);
	CHECK_ERRNO(busy_is_EBUSY, umount("m"), EBUSY);
	close(fd);
	touch("m/1");
	touch("m/2");
	touch("m/3");
	CHECK_ERRNO(inodes_are_counted, touch("m/4"), ENOSPC);
	CHECK_EQ(remount_changes_the_size, mount(NULL, "m", NULL, MS_REMOUNT, "size=32k"), 0);
	statfs("m", &fs);
	CHECK_EQ(it_did, fs.f_blocks, 8);
	CHECK_ERRNO(remount_below_the_use_is_EINVAL, mount(NULL, "m", NULL, MS_REMOUNT, "size=4k"),
	            EINVAL);
	CHECK_EQ(unmounted, umount("m"), 0);
	CHECK(empty_then, !exists("m/f"));
	CHECK_ERRNO(no_type_is_EINVAL, mount("x", "m", NULL, 0, NULL), EINVAL);
	CHECK_ERRNO(unmounted_twice_is_EINVAL, umount("m"), EINVAL);
	CHECK_ERRNO(unknown_option_is_EINVAL, mount("x", "m", "tmpfs", 0, "nonsense=1"), EINVAL);
	CHECK_ERRNO(unknown_type_is_ENODEV, mount("x", "m", "nonsense", 0, NULL), ENODEV);
	CHECK_ERRNO(missing_place_is_ENOENT, mount("x", "none", "tmpfs", 0, NULL), ENOENT);
	CHECK_ERRNO(file_as_place_is_ENOTDIR, mount("x", "file", "tmpfs", 0, NULL), ENOTDIR);
	CHECK_EQ(ramfs_takes_any_option, mount("x", "m", "ramfs", 0, "nonsense=1"), 0);
	umount("m");
}

static void check_flags(void)
{
	CHECK_EQ(mounted_with_flags, mount("x", "m", "tmpfs", MS_NODEV | MS_NOEXEC | MS_NOSUID,
	                                   NULL), 0);
	mknod("m/null", S_IFCHR | 0666, makedev(1, 3));
	CHECK_ERRNO(nodev_devices_are_EACCES, open("m/null", O_RDWR), EACCES);
	touch("m/prog");
	chmod("m/prog", 0755);
	CHECK_ERRNO(noexec_access_is_EACCES, access("m/prog", X_OK), EACCES);
	CHECK_ERRNO(noexec_programs_are_EACCES, execl("m/prog", "prog", NULL), EACCES);
	int fd = open("m/w", O_CREAT | O_RDWR, 0600);
	CHECK_ERRNO(read_only_while_written_is_EBUSY, mount(NULL, "m", NULL,
	                                                    MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	close(fd);
	CHECK_EQ(read_only_then, mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	CHECK_ERRNO(creating_is_EROFS, touch("m/new"), EROFS);
	CHECK_ERRNO(opening_for_writing_is_EROFS, open("m/w", O_RDWR), EROFS);
	CHECK_ERRNO(removing_is_EROFS, unlink("m/w"), EROFS);
	CHECK_ERRNO(making_is_EROFS, mkdir("m/d", 0700), EROFS);
	CHECK_ERRNO(making_what_exists_is_EEXIST, mkdir("m/w", 0700), EEXIST);
	CHECK_ERRNO(renaming_is_EROFS, rename("m/w", "m/v"), EROFS);
	CHECK_ERRNO(chmod_is_EROFS, chmod("m/w", 0600), EROFS);
	CHECK_ERRNO(truncating_is_EROFS, truncate("m/w", 0), EROFS);
	CHECK_ERRNO(access_is_EROFS, access("m/w", W_OK), EROFS);
	CHECK(existing_files_open_by_O_CREAT, close(open("m/w", O_CREAT | O_RDONLY, 0600)) == 0);
	CHECK_EQ(writable_again, mount(NULL, "m", NULL, MS_REMOUNT, NULL), 0);
	CHECK_EQ(it_is, touch("m/new"), 0);
	CHECK_EQ(one_mount_alone_read_only, mount("m", "n", NULL, MS_BIND, NULL) ||
		 mount(NULL, "n", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
	CHECK_ERRNO(through_it_is_EROFS, touch("n/y"), EROFS);
	CHECK_EQ(not_through_the_other, touch("m/y"), 0);
	CHECK_EQ(one_file_system, exists("n/y"), 1);
	umount("n");
	umount("m");
}

static void check_binds(void)
{
	mkdir("src", 0755);
	mkdir("src/sub", 0755);
	touch("src/f");
	CHECK_EQ(bound, mount("src", "m", NULL, MS_BIND, NULL), 0);
	CHECK(the_same_is_there, exists("m/f"));
	CHECK_EQ(over_the_bound, mount("x", "src/sub", "tmpfs", 0, NULL), 0);
	touch("src/sub/g");
	CHECK(not_seen_in_the_bind, !exists("m/sub/g"));
	CHECK_EQ(bound_with_all_below, mount("src", "n", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK(it_is_seen_here, exists("n/sub/g"));
	CHECK_ERRNO(rename_between_mounts_is_EXDEV, rename("m/f", "src/h"), EXDEV);
	CHECK_ERRNO(link_between_mounts_is_EXDEV, link("m/f", "src/h"), EXDEV);
	CHECK_ERRNO(a_mount_point_is_not_removed, rmdir("m"), EBUSY);
	CHECK_ERRNO(nor_renamed, rename("m", "mm"), EBUSY);
	CHECK_ERRNO(mounts_below_are_EBUSY, umount("n"), EBUSY);
	CHECK_EQ(detached_with_all_below, umount2("n", MNT_DETACH), 0);
	CHECK(gone, !exists("n/f"));
	touch("target");
	CHECK_EQ(a_file_on_a_file, mount("src/f", "target", NULL, MS_BIND, NULL), 0);
	CHECK_ERRNO(a_file_on_a_directory_is_ENOTDIR, mount("src/f", "n", NULL, MS_BIND, NULL),
	            ENOTDIR);
	CHECK_ERRNO(unlinking_a_mounted_file_is_EBUSY, unlink("target"), EBUSY);
	umount("target");
	CHECK_EQ(moved, mount("m", "n", NULL, MS_MOVE, NULL), 0);
	CHECK(it_is_there_now, exists("n/f") && !exists("m/f"));
	CHECK_ERRNO(what_is_no_mount_is_not_moved, mount("src", "m", NULL, MS_MOVE, NULL), EINVAL);
	mkdir("n/sub/in", 0755);
	CHECK_ERRNO(not_below_itself, mount("n", "n/sub", NULL, MS_MOVE, NULL), ELOOP);
	umount("n");
	CHECK_ERRNO(expire_marks_first, umount2("src/sub", MNT_EXPIRE), EAGAIN);
	CHECK_EQ(expire_unmounts_then, umount2("src/sub", MNT_EXPIRE), 0);
	CHECK_ERRNO(unknown_umount_flag_is_EINVAL, umount2("m", 64), EINVAL);
	symlink("m", "ln");
	mount("x", "m", "tmpfs", 0, NULL);
	CHECK_ERRNO(nofollow_does_not_follow, umount2("ln", UMOUNT_NOFOLLOW), EINVAL);
	CHECK_EQ(umount_follows, umount("ln"), 0);
	CHECK_EQ(stacked, mount("a", "m", "tmpfs", 0, NULL) || mount("b", "m", "tmpfs", 0, NULL),
	         0);
	touch("m/top");
	CHECK_EQ(top_goes_first, umount("m") || exists("m/top"), 0);
	umount("m");
}

static int in_namespace(void *data)
{
	char buf[64];

	(void)data;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 1;
	if (mount("x", "m", "tmpfs", 0, NULL) || touch("m/inside") || mkdir("m/new", 0755))
		return 2;
	/* The first root cannot be pivoted away, so another goes on top of it. */
	if (syscall(SYS_pivot_root, "m", "m/new") != -1 || errno != EINVAL)
		return 3;
	if (chdir("m") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot("."))
		return 4;
	if (mount("y", "/new", "tmpfs", 0, NULL) || mkdir("/new/old", 0755) || touch("/new/newer"))
		return 5;
	if (syscall(SYS_pivot_root, "/", "/new") != -1 || errno != EBUSY)
		return 6;
	if (chdir("/new") || syscall(SYS_pivot_root, ".", "old") || chdir("/"))
		return 7;
	if (!exists("/newer") || !exists("/old/inside"))
		return 8;
	if (umount2("/old", MNT_DETACH) || exists("/old/inside"))
		return 9;
	return syscall(SYS_getcwd, buf, sizeof(buf)) == 2 ? 0 : 10;
}

static void check_propagation(void)
{
	CHECK_EQ(a_mount_to_share, mount("x", "m", "tmpfs", 0, NULL) ||
		 mount(NULL, "m", NULL, MS_SHARED, NULL), 0);
	mkdir("m/a", 0755);
	mkdir("m/b", 0755);
	mkdir("s", 0755);
	mount("m", "n", NULL, MS_BIND, NULL);
	mount("m", "s", NULL, MS_BIND, NULL);
	mount(NULL, "s", NULL, MS_SLAVE, NULL);
	mount("y", "m/a", "tmpfs", 0, NULL);
	touch("m/a/f");
	CHECK(peers_get_it, exists("n/a/f"));
	CHECK(slaves_get_it, exists("s/a/f"));
	mount("z", "s/b", "tmpfs", 0, NULL);
	touch("s/b/g");
	CHECK(masters_do_not, !exists("m/b/g"));
	CHECK_ERRNO(moving_from_a_shared_parent_is_EINVAL, mount("m/a", "m/b", NULL, MS_MOVE,
	                                                         NULL), EINVAL);
	CHECK_EQ(unmounting_goes_the_same_way, umount("n/a"), 0);
	CHECK(everywhere, !exists("m/a/f") && !exists("s/a/f") && !exists("n/a/f"));
	mount(NULL, "n", NULL, MS_PRIVATE, NULL);
	mount("y", "m/a", "tmpfs", 0, NULL);
	touch("m/a/f");
	CHECK(private_ones_are_alone, !exists("n/a/f"));
	CHECK_EQ(unbindable, mount(NULL, "n", NULL, MS_UNBINDABLE, NULL), 0);
	CHECK_ERRNO(is_not_bound, mount("n", "src", NULL, MS_BIND, NULL), EINVAL);
	CHECK_ERRNO(two_types_at_once_are_EINVAL, mount(NULL, "m", NULL, MS_SHARED | MS_SLAVE,
	                                                NULL), EINVAL);
	CHECK_ERRNO(what_is_no_mount_has_no_type, mount(NULL, "src", NULL, MS_SHARED, NULL),
	            EINVAL);
	umount2("s", MNT_DETACH);
	umount2("n", MNT_DETACH);
	umount2("m", MNT_DETACH);
}

static int without_rights(void *data)
{
	(void)data;
	setuid(1000);
	CHECK_ERRNO(mounting_needs_rights, mount("x", "m", "tmpfs", 0, NULL), EPERM);
	CHECK_ERRNO(unmounting_needs_rights, umount("/proc"), EPERM);
	CHECK_ERRNO(a_namespace_needs_rights, unshare(CLONE_NEWNS), EPERM);
	return 0;
}

int main(void)
{
	mkdir("m", 0755);
	mkdir("n", 0755);
	touch("file");
	check_tmpfs();
	check_flags();
	check_binds();
	check_propagation();
	CHECK_EQ(a_namespace_of_its_own, check_in_child(in_namespace, NULL), 0);
	CHECK(is_not_seen_outside, !exists("m/inside"));
	CHECK_EQ(an_ordinary_user, check_in_child(without_rights, NULL), 0);
	return 0;
}
