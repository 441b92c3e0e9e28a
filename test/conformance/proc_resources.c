/*
 * /proc/PID/fd, fdinfo, limits, oom_score_adj, mounts, mountinfo: what a process has and may have.
 */
#define _GNU_SOURCE
#include "check.h"
#include "proc_files.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ---- descriptors --------------------------------------------------------------------------- */

static const char *fd_path(const char *kind, int fd)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/self/%s/%d", kind, fd);
	return path;
}

static mode_t mode_of_fd(int fd)
{
	struct stat stat;

	return lstat(fd_path("fd", fd), &stat) == 0 ? stat.st_mode : 0;
}

static void check_descriptors(void)
{
	int file = open("/tmp/opened", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600), ends[2];
	char text[64];
	struct stat stat, by_link;

	pipe(ends);
	write(file, "content", 7);
	CHECK(fd_links_to_the_file, link_is(fd_path("fd", file), "/tmp/opened"));
	CHECK_EQ(an_fd_for_both_has_both_permissions, mode_of_fd(file), S_IFLNK | 0700);
	CHECK_EQ(an_fd_for_reading_may_be_read, mode_of_fd(ends[0]), S_IFLNK | 0500);
	CHECK_EQ(an_fd_for_writing_may_be_written, mode_of_fd(ends[1]), S_IFLNK | 0300);
	fstat(ends[0], &stat);
	snprintf(text, sizeof(text), "pipe:[%lu]", stat.st_ino);
	CHECK(fd_names_a_pipe_by_number, link_is(fd_path("fd", ends[0]), text));
	lstat(fd_path("fd", file), &stat);
	CHECK_EQ(a_link_of_an_fd_has_size_64, stat.st_size, 64);
	unlink("/tmp/opened");
	CHECK(fd_says_deleted, link_is(fd_path("fd", file), "/tmp/opened (deleted)"));
	fstat(file, &stat);
	CHECK(a_deleted_file_is_reached_by_its_link, lstat("/tmp/opened", &by_link) == -1 &&
	      fstatat(AT_FDCWD, fd_path("fd", file), &by_link, 0) == 0 &&
	      by_link.st_ino == stat.st_ino);
	int again = open(fd_path("fd", file), O_RDONLY);
	CHECK(a_deleted_file_can_be_opened_again, read(again, text, 7) == 7 &&
	      !memcmp(text, "content", 7));
	file_read(fd_path("fdinfo", file));
	CHECK_EQ(fdinfo_shows_the_position, line_number("pos:\t", 10), 7);
	CHECK_EQ(fdinfo_shows_the_flags, line_number("flags:\t", 8),
		 O_RDWR | O_APPEND | O_CLOEXEC | 0100000);
	CHECK(fdinfo_shows_the_mount, line_number("mnt_id:\t", 10) > 0);
	CHECK_EQ(fdinfo_shows_the_inode, line_number("ino:\t", 10), stat.st_ino);
	close(again);
	close(file);
	CHECK_ERRNO(a_closed_fd_is_gone, readlink(fd_path("fd", file), text, 9), ENOENT);
	CHECK_ERRNO(fdinfo_of_a_closed_fd_is_gone, access(fd_path("fdinfo", file), F_OK), ENOENT);
	CHECK_ERRNO(fd_names_are_numbers, access("/proc/self/fd/x", F_OK), ENOENT);
	CHECK_ERRNO(fd_numbers_have_no_leading_zero, access("/proc/self/fd/00", F_OK), ENOENT);
	close(ends[0]);
	close(ends[1]);
}

/* ---- settings ------------------------------------------------------------------------------ */

static void check_limits(void)
{
	struct rlimit limit = { 100, 200 };
	struct rlimit old;

	getrlimit(RLIMIT_CORE, &old);
	setrlimit(RLIMIT_CORE, &limit);
	proc_read(getpid(), "limits");
	CHECK(limits_has_a_header, line_is("Limit                     ",
		"Soft Limit           Hard Limit           Units     "));
	CHECK(limits_shows_both_limits, line_is("Max core file size        ",
						"100                  200                  "
						"bytes     "));
	CHECK(limits_says_unlimited, line_is("Max cpu time              ",
					     "unlimited            unlimited            "
					     "seconds   "));
	CHECK(limits_has_no_unit_for_priorities, line_is("Max nice priority         ",
		"0                    0                    "));
	setrlimit(RLIMIT_CORE, &old);
}

static int lower_without_capability(void *data)
{
	(void)data;
	proc_read(getpid(), "oom_score_adj");
	CHECK(oom_score_adj_is_inherited, strcmp(file_text, "300\n") == 0);
	prctl(PR_SET_DUMPABLE, 1);
	if (setresuid(1000, 1000, 1000))
		return 1;
	prctl(PR_SET_DUMPABLE, 1);
	CHECK_EQ(oom_score_adj_may_be_raised_by_anybody,
		 file_write("/proc/self/oom_score_adj", "400"), 0);
	CHECK_ERRNO(oom_score_adj_may_not_be_lowered_by_all,
		    file_write("/proc/self/oom_score_adj", "200"), EACCES);
	return 0;
}

static void check_oom(void)
{
	CHECK_EQ(oom_score_adj_can_be_written, file_write("/proc/self/oom_score_adj", "300\n"), 0);
	proc_read(getpid(), "oom_score_adj");
	CHECK(oom_score_adj_is_as_written, strcmp(file_text, "300\n") == 0);
	proc_read(getpid(), "oom_adj");
	CHECK(oom_adj_is_the_same_on_the_old_scale, strcmp(file_text, "5\n") == 0);
	CHECK_ERRNO(oom_score_adj_ends_at_1000, file_write("/proc/self/oom_score_adj", "1001"),
		    EINVAL);
	CHECK_ERRNO(oom_score_adj_begins_at_minus_1000,
		    file_write("/proc/self/oom_score_adj", "-1001"), EINVAL);
	CHECK_ERRNO(oom_score_adj_is_a_number, file_write("/proc/self/oom_score_adj", "x"), EINVAL);
	CHECK_EQ(the_child_ended_well, check_in_child(lower_without_capability, NULL), 0);
	file_write("/proc/self/oom_score_adj", "0");
}

/* ---- mounts -------------------------------------------------------------------------------- */

static void check_polling(void)
{
	struct pollfd mounts = { .fd = open("/proc/self/mounts", O_RDONLY), .events = POLLPRI };

	CHECK_EQ(nothing_has_changed_when_mounts_is_opened, poll(&mounts, 1, 0), 0);
	mkdir("/tmp/polled", 0755);
	mount("x", "/tmp/polled", "tmpfs", 0, NULL);
	CHECK(a_mount_is_told_to_who_polls, poll(&mounts, 1, 1000) == 1 &&
	      mounts.revents == (POLLERR | POLLPRI));
	CHECK_EQ(a_mount_is_told_once, poll(&mounts, 1, 0), 0);
	umount("/tmp/polled");
	CHECK_EQ(an_unmount_is_told_too, poll(&mounts, 1, 1000), 1);
	close(mounts.fd);
}

static void check_mounts(void)
{
	mkdir("/tmp/a b", 0755);
	mount("the source", "/tmp/a b", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=700");
	mkdir("/tmp/a b/sub", 0755);
	mkdir("/tmp/bound", 0755);
	mount("/tmp/a b/sub", "/tmp/bound", NULL, MS_BIND, NULL);
	proc_read(getpid(), "mounts");
	const char *line = line_after("the\\040source /tmp/a\\040b tmpfs ");
	CHECK(mounts_escapes_blanks, line != NULL);
	const char *const options = "rw,nosuid,nodev,relatime,size=64k,mode=700";
	CHECK(mounts_shows_options, line && !strncmp(line, options, strlen(options)));
	CHECK(a_line_of_mounts_ends_with_two_zeroes,
	      line && !strncmp(strchr(line, '\n') - 4, " 0 0", 4));
	proc_read(getpid(), "mountinfo");
	CHECK(mountinfo_shows_the_root_of_a_bind_mount,
	      strstr(file_text, " /sub /tmp/bound rw,nosuid,nodev,relatime - tmpfs the\\040source "
			        "rw,size=64k,mode=700") != NULL);
	mount(NULL, "/tmp/bound", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
	proc_read(getpid(), "mountinfo");
	CHECK(mountinfo_tells_a_read_only_mount_of_a_writable_file_system,
	      strstr(file_text, " /sub /tmp/bound ro,") != NULL &&
	      strstr(file_text, " - tmpfs the\\040source rw,") != NULL);
	CHECK(mounts_is_a_link, link_is("/proc/mounts", "self/mounts"));
	umount("/tmp/bound");
	umount("/tmp/a b");
	proc_read(getpid(), "mounts");
	CHECK(what_is_unmounted_is_gone, !strstr(file_text, "/tmp/bound"));
}

int main(void)
{
	check_descriptors();
	check_limits();
	check_oom();
	check_mounts();
	check_polling();
	return 0;
}
