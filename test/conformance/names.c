/*
 * Names: how paths are resolved, opened and created; links and renames.
 */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE  2
#define RENAME_WHITEOUT  4
#endif

static int touch(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	return fd < 0 ? -1 : close(fd);
}

static int exchange(const char *a, const char *b, unsigned flags)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

static ino_t ino(const char *name)
{
	struct stat st;

	return lstat(name, &st) ? 0 : st.st_ino;
}

static long links(const char *name)
{
	struct stat st;

	return lstat(name, &st) ? -1 : (long)st.st_nlink;
}

static void check_walk(void)
{
	char longest[300], deep[5000];
	struct stat st;

	mkdir("d", 0755);
	touch("d/f");
	CHECK_ERRNO(empty_name_does_not_exist, open("", O_RDONLY), ENOENT);
	CHECK_ERRNO(missing_name_is_ENOENT, stat("d/none", &st), ENOENT);
	CHECK_ERRNO(missing_directory_is_ENOENT, stat("none/f", &st), ENOENT);
	CHECK_ERRNO(file_as_directory_is_ENOTDIR, stat("d/f/g", &st), ENOTDIR);
	CHECK_ERRNO(file_with_slash_is_ENOTDIR, stat("d/f/", &st), ENOTDIR);
	CHECK_ERRNO(file_with_slash_dot_is_ENOTDIR, stat("d/f/.", &st), ENOTDIR);
	CHECK_EQ(directory_with_slashes_is_itself, stat("d///", &st), 0);
	CHECK_EQ(many_slashes_are_one, stat("d//.//f", &st), 0);
	CHECK_EQ(dotdot_leads_back, stat("d/../d/f", &st), 0);
	CHECK_EQ(dotdot_of_the_root_is_the_root, stat("/../../tmp/d/f", &st), 0);
	memset(longest, 'x', sizeof(longest));
	longest[255] = 0;
	CHECK_EQ(a_name_of_255_bytes_is_made, touch(longest), 0);
	CHECK_EQ(a_name_of_255_bytes_is_found, unlink(longest), 0);
	longest[255] = 'x';
	longest[256] = 0;
	CHECK_ERRNO(a_name_of_256_bytes_is_ENAMETOOLONG, touch(longest), ENAMETOOLONG);
	CHECK_ERRNO(looking_for_it_too, stat(longest, &st), ENAMETOOLONG);
	for (size_t i = 0; i < sizeof(deep); i++)
		deep[i] = "./"[i % 2];
	deep[4094] = '.';
	deep[4095] = 0;
	CHECK_EQ(a_path_of_4095_bytes_is_walked, stat(deep, &st), 0);
	deep[4095] = '/';
	deep[4096] = 0;
	CHECK_ERRNO(a_path_of_4096_bytes_is_ENAMETOOLONG, stat(deep, &st), ENAMETOOLONG);
	CHECK_ERRNO(a_bad_pointer_is_EFAULT, syscall(SYS_stat, 1, &st), EFAULT);
}

static void check_links(void)
{
	char text[64], name[16], target[16];
	struct stat st;

	CHECK_EQ(symlink_is_made, symlink("d", "s"), 0);
	CHECK_ERRNO(symlink_over_a_name_is_EEXIST, symlink("x", "s"), EEXIST);
	CHECK_ERRNO(symlink_to_nothing_is_ENOENT, symlink("", "e"), ENOENT);
	CHECK_EQ(readlink_gives_the_text, readlink("s", text, sizeof(text)), 1);
	CHECK_EQ(readlink_cuts_the_text, readlink("s", text, 1), 1);
	CHECK_ERRNO(readlink_of_size_zero_is_EINVAL, syscall(SYS_readlink, "s", text, 0), EINVAL);
	CHECK_ERRNO(readlink_of_a_file_is_EINVAL, readlink("d/f", text, sizeof(text)), EINVAL);
	CHECK_EQ(link_within_a_path_is_followed, stat("s/f", &st), 0);
	CHECK_EQ(lstat_sees_the_link, lstat("s", &st) || !S_ISLNK(st.st_mode), 0);
	CHECK_EQ(size_of_a_link_is_its_length, st.st_size, 1);
	CHECK_EQ(mode_of_a_link_is_0777, st.st_mode & 07777, 0777);
	CHECK_EQ(lstat_with_a_slash_follows, lstat("s/", &st) || !S_ISDIR(st.st_mode), 0);
	CHECK_ERRNO(nofollow_open_of_a_link_is_ELOOP, open("s", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_ERRNO(nofollow_directory_open_of_a_link_is_ENOTDIR,
		    open("s", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
	symlink("loop", "loop");
	CHECK_ERRNO(a_link_to_itself_is_ELOOP, open("loop", O_RDONLY), ELOOP);
	CHECK_ERRNO(creating_through_it_too, open("loop", O_CREAT | O_RDWR, 0600), ELOOP);
	symlink("d/new", "dangling");
	CHECK_ERRNO(a_dangling_link_is_ENOENT, open("dangling", O_RDONLY), ENOENT);
	CHECK_ERRNO(exclusive_creation_over_it_is_EEXIST,
		    open("dangling", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	CHECK(creation_through_it_makes_its_target,
	      close(open("dangling", O_CREAT | O_RDWR, 0600)) == 0 && stat("d/new", &st) == 0);
	CHECK_ERRNO(mkdir_over_a_link_is_EEXIST, mkdir("dangling", 0755), EEXIST);
	symlink("d", "l0");
	for (int i = 1; i <= 40; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		snprintf(target, sizeof(target), "l%d", i - 1);
		symlink(target, name);
	}
	CHECK_EQ(forty_links_are_followed, stat("l39/f", &st), 0);
	CHECK_ERRNO(forty_one_are_ELOOP, stat("l40/f", &st), ELOOP);
}

static void check_hard_links(void)
{
	CHECK_EQ(link_is_made, link("d/f", "h"), 0);
	CHECK(both_names_are_one_file, ino("h") == ino("d/f") && links("h") == 2);
	CHECK_ERRNO(link_over_a_name_is_EEXIST, link("d/f", "h"), EEXIST);
	CHECK_ERRNO(link_to_a_directory_is_EPERM, link("d", "dd"), EPERM);
	CHECK_ERRNO(link_to_nothing_is_ENOENT, link("none", "n"), ENOENT);
	CHECK_ERRNO(link_into_another_file_system_is_EXDEV, link("h", "/dev/shm/h"), EXDEV);
	CHECK_ERRNO(link_with_slash_is_ENOENT, link("h", "n/"), ENOENT);
	CHECK_EQ(link_of_a_link_is_to_the_link, link("s", "s2"), 0);
	CHECK(it_is_a_link, ino("s2") == ino("s") && links("s") == 2);
	CHECK_EQ(linkat_can_follow, linkat(AT_FDCWD, "dangling", AT_FDCWD, "f2",
	                                   AT_SYMLINK_FOLLOW), 0);
	CHECK_EQ(it_is_the_file, links("d/new"), 2);
	CHECK_ERRNO(linkat_unknown_flag_is_EINVAL, linkat(AT_FDCWD, "h", AT_FDCWD, "x", 1), EINVAL);
	CHECK_EQ(unlink_takes_a_name, unlink("h"), 0);
	CHECK_EQ(the_file_has_one_left, links("d/f"), 1);
	CHECK_ERRNO(unlink_of_a_directory_is_EISDIR, unlink("d"), EISDIR);
	CHECK_ERRNO(unlink_of_nothing_is_ENOENT, unlink("none"), ENOENT);
	CHECK_ERRNO(unlink_with_slash_is_ENOTDIR, unlink("d/f/"), ENOTDIR);
	CHECK_ERRNO(unlink_of_dot_is_EISDIR, unlink("d/."), EISDIR);
	CHECK_EQ(unlink_of_a_link_takes_the_link, unlink("s2"), 0);
}

static void check_open_flags(void)
{
	struct stat st;
	int fd;

	CHECK_ERRNO(exclusive_creation_of_a_file_is_EEXIST, open("d/f", O_CREAT | O_EXCL, 0600),
	            EEXIST);
	CHECK_ERRNO(writing_a_directory_is_EISDIR, open("d", O_WRONLY), EISDIR);
	CHECK_ERRNO(truncating_a_directory_is_EISDIR, open("d", O_RDONLY | O_TRUNC), EISDIR);
	CHECK_ERRNO(creating_a_directory_by_open_is_EISDIR, open("d", O_CREAT, 0600), EISDIR);
	CHECK_ERRNO(creating_with_slash_is_EISDIR, open("d/q/", O_CREAT | O_RDWR, 0600), EISDIR);
	CHECK_ERRNO(creating_dot_is_EISDIR, open(".", O_CREAT | O_RDWR, 0600), EISDIR);
	CHECK_ERRNO(directory_flag_on_a_file_is_ENOTDIR, open("d/f", O_DIRECTORY), ENOTDIR);
	CHECK_ERRNO(creating_in_a_missing_directory_is_ENOENT, open("no/f", O_CREAT | O_RDWR,
	                                                            0600), ENOENT);
	CHECK_ERRNO(creating_below_a_file_is_ENOTDIR, open("d/f/g", O_CREAT | O_RDWR, 0600),
	            ENOTDIR);
	fd = open("d/f", O_RDONLY);
	CHECK_ERRNO(write_to_a_read_only_file_is_EBADF, write(fd, "x", 1), EBADF);
	close(fd);
	fd = open("d/f", O_WRONLY);
	CHECK_ERRNO(read_of_a_write_only_file_is_EBADF, read(fd, &st, 1), EBADF);
	CHECK_EQ(written, write(fd, "hello", 5), 5);
	close(fd);
	fd = open("d/f", O_RDWR | O_TRUNC);
	CHECK(truncated_on_open, fstat(fd, &st) == 0 && st.st_size == 0);
	close(fd);
	fd = open("d", O_PATH);
	CHECK(path_only_can_be_had, fd >= 0);
	CHECK_ERRNO(path_only_cannot_be_read, read(fd, &st, 1), EBADF);
	CHECK_EQ(path_only_can_be_a_base, fstatat(fd, "f", &st, 0), 0);
	CHECK_EQ(path_only_can_be_stated, fstat(fd, &st), 0);
	CHECK_ERRNO(path_only_modes_do_not_change, syscall(SYS_fchmod, fd, 0700), EBADF);
	OUT("flags of O_PATH %#x", fcntl(fd, F_GETFL) & ~0100000);
	close(fd);
	fd = open("s", O_PATH | O_NOFOLLOW);
	CHECK(a_link_itself_can_be_held, fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode));
	CHECK_ERRNO(a_link_held_is_no_base, fstatat(fd, "f", &st, 0), ENOTDIR);
	close(fd);
	CHECK_ERRNO(a_closed_base_is_EBADF, fstatat(fd, "f", &st, 0), EBADF);
	CHECK_EQ(a_bad_base_does_not_matter_for_absolute_names, fstatat(fd, "/tmp", &st, 0), 0);
	fd = open("d/f", O_RDONLY);
	CHECK_ERRNO(a_file_as_base_is_ENOTDIR, fstatat(fd, "f", &st, 0), ENOTDIR);
	CHECK_ERRNO(the_empty_name_needs_its_flag, fstatat(fd, "", &st, 0), ENOENT);
	CHECK_EQ(the_empty_name_is_the_base, fstatat(fd, "", &st, AT_EMPTY_PATH), 0);
	CHECK_ERRNO(unknown_flag_is_EINVAL, fstatat(fd, "", &st, 0x4), EINVAL);
	close(fd);
	fd = open("d/f", O_RDWR | O_APPEND | O_NONBLOCK | O_CREAT | O_TRUNC, 0600);
	OUT("flags after open %#o", fcntl(fd, F_GETFL));
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	CHECK(unnamed_file_has_no_link, fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 0);
	CHECK_EQ(it_can_be_given_a_name, linkat(fd, "", AT_FDCWD, "born", AT_EMPTY_PATH), 0);
	CHECK_EQ(it_has_one_link_then, links("born"), 1);
	close(fd);
	CHECK_ERRNO(unnamed_file_needs_writing, open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	CHECK_ERRNO(unnamed_file_needs_a_directory, open("d/f", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	CHECK_ERRNO(exclusive_unnamed_file_stays_so, linkat(fd, "", AT_FDCWD, "b2", AT_EMPTY_PATH),
	            ENOENT);
	close(fd);
}

static void check_rename(void)
{
	ino_t f, g;

	mkdir("a", 0755);
	mkdir("a/b", 0755);
	mkdir("e", 0755);
	touch("a/f");
	touch("a/g");
	f = ino("a/f");
	g = ino("a/g");
	CHECK_EQ(rename_moves, rename("a/f", "e/f"), 0);
	CHECK(the_file_is_the_same, ino("e/f") == f && ino("a/f") == 0);
	CHECK_EQ(rename_replaces, rename("e/f", "a/g"), 0);
	CHECK(the_replaced_is_gone, ino("a/g") == f && g != f);
	CHECK_EQ(rename_to_itself_is_nothing, rename("a/g", "a/g"), 0);
	link("a/g", "a/h");
	CHECK_EQ(rename_onto_another_name_of_the_same_is_nothing, rename("a/g", "a/h"), 0);
	CHECK_EQ(both_stay, links("a/g"), 2);
	CHECK_ERRNO(rename_of_nothing_is_ENOENT, rename("none", "x"), ENOENT);
	CHECK_ERRNO(rename_below_itself_is_EINVAL, rename("a", "a/b/c"), EINVAL);
	CHECK_ERRNO(rename_onto_a_parent_is_ENOTEMPTY, rename("a/b", "a"), ENOTEMPTY);
	CHECK_ERRNO(rename_directory_onto_a_file_is_ENOTDIR, rename("e", "a/g"), ENOTDIR);
	CHECK_ERRNO(rename_file_onto_a_directory_is_EISDIR, rename("a/g", "e"), EISDIR);
	CHECK_ERRNO(rename_onto_a_full_directory_is_ENOTEMPTY, rename("e", "a"), ENOTEMPTY);
	CHECK_ERRNO(rename_file_with_slash_is_ENOTDIR, rename("a/g/", "x"), ENOTDIR);
	CHECK_ERRNO(rename_file_to_slash_is_ENOTDIR, rename("a/g", "x/"), ENOTDIR);
	CHECK_ERRNO(rename_of_dot_is_EBUSY, rename("a/.", "x"), EBUSY);
	CHECK_ERRNO(rename_to_dotdot_is_EBUSY, rename("a/g", "a/.."), EBUSY);
	CHECK_ERRNO(rename_to_another_file_system_is_EXDEV, rename("a/g", "/dev/shm/g"), EXDEV);
	CHECK_EQ(rename_directory_onto_an_empty_one, rename("a/b", "e"), 0);
	CHECK_EQ(links_of_the_old_parent, links("a"), 2);
	CHECK_EQ(rename_directory_with_slashes, rename("e/", "k/"), 0);
	CHECK_ERRNO(noreplace_over_a_name_is_EEXIST, exchange("a/g", "a/h", RENAME_NOREPLACE),
	            EEXIST);
	CHECK_EQ(noreplace_to_a_new_name, exchange("a/g", "a/n", RENAME_NOREPLACE), 0);
	CHECK_EQ(exchange_of_file_and_directory, exchange("a/n", "k", RENAME_EXCHANGE), 0);
	CHECK(both_are_exchanged, ino("k") == f && links("a") == 3);
	CHECK_ERRNO(exchange_with_nothing_is_ENOENT, exchange("k", "none", RENAME_EXCHANGE),
	            ENOENT);
	CHECK_ERRNO(exchange_and_noreplace_are_EINVAL, exchange("k", "a/h", 3), EINVAL);
	CHECK_ERRNO(exchange_with_a_parent_is_EINVAL, exchange("a", "a/n", RENAME_EXCHANGE),
	            EINVAL);
	CHECK_ERRNO(unknown_flag_of_rename_is_EINVAL, exchange("k", "kk", 8), EINVAL);
}

struct how {
	unsigned long long flags, mode, resolve;
};

static int open_how(const char *name, unsigned long long flags, unsigned long long resolve)
{
	struct how how = { .flags = flags, .resolve = resolve };
	int fd = (int)syscall(437, AT_FDCWD, name, &how, sizeof(how));

	return fd < 0 ? -1 : close(fd);
}

enum { NO_XDEV = 1, NO_MAGICLINKS = 2, NO_SYMLINKS = 4, BENEATH = 8, IN_ROOT = 16 };

static void check_resolve(void)
{
	struct how how = { 0 };

	mkdir("o", 0755);
	touch("o/f");
	symlink("f", "o/rel");
	symlink("/tmp/o/f", "o/abs");
	symlink("../o/f", "o/up");
	chdir("o");
	CHECK_EQ(plain_names_are_fine, open_how("f", O_RDONLY, BENEATH | NO_SYMLINKS | NO_XDEV), 0);
	CHECK_ERRNO(beneath_refuses_absolute_names, open_how("/tmp/o/f", O_RDONLY, BENEATH), EXDEV);
	CHECK_ERRNO(beneath_refuses_to_leave, open_how("../o/f", O_RDONLY, BENEATH), EXDEV);
	CHECK_ERRNO(beneath_refuses_links_out, open_how("up", O_RDONLY, BENEATH), EXDEV);
	CHECK_ERRNO(beneath_refuses_absolute_links, open_how("abs", O_RDONLY, BENEATH), EXDEV);
	CHECK_EQ(beneath_follows_links_within, open_how("rel", O_RDONLY, BENEATH), 0);
	CHECK_EQ(beneath_allows_dotdot_within, open_how("./../o/../o/f", O_RDONLY, 0), 0);
	CHECK_EQ(in_root_confines_absolute_names, open_how("/f", O_RDONLY, IN_ROOT), 0);
	CHECK_EQ(in_root_confines_dotdot, open_how("../../f", O_RDONLY, IN_ROOT), 0);
	CHECK_ERRNO(in_root_confines_links, open_how("abs", O_RDONLY, IN_ROOT), ENOENT);
	CHECK_ERRNO(no_symlinks_refuses_them, open_how("rel", O_RDONLY, NO_SYMLINKS), ELOOP);
	CHECK_EQ(but_holds_a_last_one,
		 open_how("rel", O_PATH | O_NOFOLLOW, NO_SYMLINKS), 0);
	CHECK_ERRNO(no_crossing_of_mounts, open_how("/dev/null", O_RDONLY, NO_XDEV), EXDEV);
	CHECK_ERRNO(no_crossing_upward, open_how("/dev/..", O_RDONLY, NO_XDEV), EXDEV);
	CHECK_ERRNO(no_magic_links, open_how("/proc/self/exe", O_RDONLY, NO_MAGICLINKS), ELOOP);
	CHECK_ERRNO(both_confinements_are_EINVAL, open_how("f", O_RDONLY, BENEATH | IN_ROOT),
		    EINVAL);
	CHECK_ERRNO(unknown_resolve_is_EINVAL, open_how("f", O_RDONLY, 1024), EINVAL);
	CHECK_ERRNO(unknown_open_flag_is_EINVAL, open_how("f", 1ull << 40, 0), EINVAL);
	CHECK_ERRNO(too_small_is_EINVAL, syscall(437, AT_FDCWD, "f", &how, 8), EINVAL);
	how.mode = 0600;
	CHECK_ERRNO(mode_without_creation_is_EINVAL, syscall(437, AT_FDCWD, "f", &how, 24), EINVAL);
	chdir("..");
}

int main(void)
{
	umask(022);
	check_walk();
	check_links();
	check_hard_links();
	check_open_flags();
	check_rename();
	check_resolve();
	return 0;
}
