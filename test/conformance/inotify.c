/*
 * inotify: which events come for what, in which order, with which names; the ends of watches;
 * queue, limits, errors.
 */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000
#endif

static int instance;

static const char *name_of_event(uint32_t mask)
{
	static const struct {
		uint32_t    bit;
		const char *name;
	} names[] = {
		{ IN_ACCESS, "access" }, { IN_MODIFY, "modify" }, { IN_ATTRIB, "attrib" },
		{ IN_CLOSE_WRITE, "close_write" }, { IN_CLOSE_NOWRITE, "close_nowrite" },
		{ IN_OPEN, "open" }, { IN_MOVED_FROM, "moved_from" }, { IN_MOVED_TO, "moved_to" },
		{ IN_CREATE, "create" }, { IN_DELETE, "delete" }, { IN_DELETE_SELF, "delete_self" },
		{ IN_MOVE_SELF, "move_self" }, { IN_UNMOUNT, "unmount" },
		{ IN_Q_OVERFLOW, "overflow" }, { IN_IGNORED, "ignored" }, { IN_ISDIR, "isdir" },
	};
	static char text[256];

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (mask & names[i].bit) {
			strcat(text, text[0] ? "+" : "");
			strcat(text, names[i].name);
		}
	}
	return text;
}

/* All that is queued, in one line: number:event[name]. Cookies are numbered as they come. */
static void show(const char *what)
{
	static char buf[65536] __attribute__((aligned(8)));
	static uint32_t last_cookie;
	static int nr_cookies;
	char line[480];
	int at = snprintf(line, sizeof(line), "%s:", what);
	ssize_t n;

	nr_cookies = 0;
	last_cookie = 0;
	while ((n = read(instance, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + n;) {
			struct inotify_event *event = (void *)p;

			at += snprintf(line + at, sizeof(line) - (size_t)at, " %d:%s", event->wd,
				       name_of_event(event->mask));
			if (event->len)
				at += snprintf(line + at, sizeof(line) - (size_t)at, "[%s/%u]",
					       event->name, event->len);
			if (event->cookie) {
				nr_cookies += event->cookie != last_cookie;
				last_cookie = event->cookie;
				at += snprintf(line + at, sizeof(line) - (size_t)at, "#%d",
					       nr_cookies);
			}
			p += sizeof(*event) + event->len;
		}
	}
	OUT("%s", line);
}

static void make(const char *name)
{
	close(open(name, O_CREAT | O_WRONLY, 0600));
}

static void begin(void)
{
	instance = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	mkdir("dir", 0700);
	make("dir/file");
	make("other");
}

static void end(void)
{
	close(instance);
	unlink("dir/file");
	rmdir("dir");
	unlink("other");
}

/* ---- files ---------------------------------------------------------------------------------- */

static void check_file(void)
{
	struct iovec iov = { "text", 4 };
	struct timespec times[2] = { { 1, 0 }, { 2, 0 } }, one[2] = { { 1, 0 }, { 0, UTIME_OMIT } };
	char buf[64];
	int fd;

	begin();
	CHECK_EQ(first_watch_is_1, inotify_add_watch(instance, "dir", IN_ALL_EVENTS), 1);
	CHECK_EQ(second_watch_is_2, inotify_add_watch(instance, "dir/file", IN_ALL_EVENTS), 2);
	fd = open("dir/file", O_RDWR);
	show("open");
	write(fd, "hello", 5);
	write(fd, "hello", 5);
	writev(fd, &iov, 1);
	show("three writes");
	pwrite(fd, "x", 1, 0);
	show("pwrite");
	lseek(fd, 0, SEEK_SET);
	read(fd, buf, 5);
	pread(fd, buf, 5, 0);
	show("reads");
	read(fd, buf, 0);
	lseek(fd, 0, SEEK_END);
	read(fd, buf, 5);
	write(fd, buf, 0);
	show("nothing read or written");
	ftruncate(fd, 2);
	show("ftruncate");
	fallocate(fd, 0, 0, 100);
	show("fallocate");
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	map[0] = 'y';
	msync(map, 4096, MS_SYNC);
	munmap(map, 4096);
	show("mapped store");
	fchmod(fd, 0640);
	show("fchmod");
	fchown(fd, 0, 0);
	show("fchown");
	futimens(fd, times);
	show("utimes");
	futimens(fd, one);
	show("atime alone");
	fsetxattr(fd, "trusted.x", "1", 1, 0);
	show("setxattr");
	fremovexattr(fd, "trusted.x");
	show("removexattr");
	int copy = dup(fd);
	close(fd);
	show("close of one of two");
	close(copy);
	show("close of the last");
	close(open("dir/file", O_RDONLY));
	show("open and close to read");
	close(open("dir/file", O_WRONLY | O_TRUNC));
	show("truncating open");
	truncate("dir/file", 10);
	show("truncate");
	close(open("dir/file", O_PATH));
	show("O_PATH");
	end();
}

/* What happens to the content without read(2) and write(2), and the end of its names. */
static void check_copies_and_links(void)
{
	char buf[64], rest[4096];
	int fd, other, ends[2];

	begin();
	inotify_add_watch(instance, "dir", IN_ALL_EVENTS);
	inotify_add_watch(instance, "dir/file", IN_ALL_EVENTS);
	truncate("dir/file", 10);
	show("truncate");
	fd = open("dir/file", O_RDONLY);
	other = open("other", O_RDWR);
	show("opened again");
	copy_file_range(fd, NULL, other, NULL, 5, 0);
	show("copy_file_range");
	lseek(fd, 0, SEEK_SET);
	pipe(ends);
	splice(fd, NULL, ends[1], NULL, 5, 0);
	read(ends[0], buf, 5);
	close(ends[0]);
	close(ends[1]);
	close(other);
	close(fd);
	/* Whether splice(2) tells differs between versions of Linux. */
	while (read(instance, rest, sizeof(rest)) > 0)
		;
	link("dir/file", "dir/link");
	show("link");
	unlink("dir/link");
	show("unlink of one name");
	unlink("dir/file");
	show("unlink of the last name");
	CHECK_ERRNO(watch_of_what_is_gone_is_gone, inotify_rm_watch(instance, 2), EINVAL);
	end();
}

static void check_open_unlinked(void)
{
	char buf[8];
	int fd;

	begin();
	inotify_add_watch(instance, "dir", IN_ALL_EVENTS);
	inotify_add_watch(instance, "dir/file", IN_ALL_EVENTS);
	fd = open("dir/file", O_RDWR);
	unlink("dir/file");
	show("unlink of what is open");
	write(fd, "x", 1);
	pread(fd, buf, 1, 0);
	show("used unlinked");
	close(fd);
	show("closed unlinked");
	make("dir/file");
	show("made again");
	inotify_add_watch(instance, "dir", IN_ALL_EVENTS | IN_EXCL_UNLINK);
	fd = open("dir/file", O_RDWR);
	unlink("dir/file");
	write(fd, "x", 1);
	close(fd);
	show("IN_EXCL_UNLINK");
	end();
}

/* ---- directories ----------------------------------------------------------------------------- */

static void check_directory(void)
{
	begin();
	inotify_add_watch(instance, "dir", IN_ALL_EVENTS);
	mkdir("dir/sub", 0700);
	show("mkdir");
	mknod("dir/fifo", S_IFIFO | 0600, 0);
	show("mknod");
	symlink("file", "dir/symlink");
	show("symlink");
	make("dir/symlink");
	show("open through a link");
	make("dir/a-name-of-sixteen");
	show("long name");
	unlink("dir/a-name-of-sixteen");
	make("dir/fifteen-letters");
	unlink("dir/fifteen-letters");
	show("name that needs no filling");
	chmod("dir/sub", 0755);
	show("chmod of a directory");
	chmod("dir", 0755);
	show("chmod of the watched one");
	DIR *dir = opendir("dir");
	show("opendir");
	while (readdir(dir))
		;
	show("readdir");
	closedir(dir);
	show("closedir");
	make("dir/sub/deeper");
	show("below a sub-directory");
	unlink("dir/sub/deeper");
	rmdir("dir/sub");
	show("rmdir");
	unlink("dir/symlink");
	unlink("dir/fifo");
	show("unlinks");
	unlink("dir/file");
	show("last unlink");
	rmdir("dir");
	show("rmdir of the watched one");
	end();
}

static void check_moves(void)
{
	begin();
	mkdir("to", 0700);
	inotify_add_watch(instance, "dir", IN_ALL_EVENTS);
	inotify_add_watch(instance, "to", IN_ALL_EVENTS);
	inotify_add_watch(instance, "dir/file", IN_ALL_EVENTS);
	rename("dir/file", "dir/renamed");
	show("rename");
	rename("dir/renamed", "to/moved");
	show("move");
	make("dir/victim");
	inotify_add_watch(instance, "dir/victim", IN_ALL_EVENTS);
	show("victim");
	rename("to/moved", "dir/victim");
	show("move over another");
	mkdir("dir/sub", 0700);
	inotify_add_watch(instance, "dir/sub", IN_ALL_EVENTS);
	show("sub-directory");
	rename("dir/sub", "to/sub");
	show("move of a directory");
	rename("to/sub", "elsewhere");
	show("move to where nobody watches");
	rename("elsewhere", "to/back");
	show("move from there");
	syscall(SYS_renameat2, AT_FDCWD, "dir/victim", AT_FDCWD, "to/back", 2);
	show("exchange");
	link("to/back", "to/same");
	show("link");
	rename("to/back", "to/same");
	show("rename of two names of one file");
	unlink("to/back");
	unlink("to/same");
	rmdir("dir/victim");
	show("removal");
	rmdir("to");
	end();
}

/* ---- watches --------------------------------------------------------------------------------- */

static void check_masks(void)
{
	begin();
	inotify_add_watch(instance, "dir", IN_CREATE);
	make("dir/a");
	show("creation alone");
	CHECK_EQ(watch_of_the_same_is_the_same,
		 inotify_add_watch(instance, "dir", IN_DELETE | IN_MASK_ADD), 1);
	unlink("dir/a");
	make("dir/a");
	show("deletion too");
	CHECK_EQ(other_mask_replaces, inotify_add_watch(instance, "dir/.", IN_DELETE), 1);
	unlink("dir/a");
	make("dir/a");
	show("deletion alone");
	CHECK_ERRNO(watch_can_be_wanted_new,
		    inotify_add_watch(instance, "dir", IN_DELETE | IN_MASK_CREATE), EEXIST);
	CHECK_EQ(watch_is_removed, inotify_rm_watch(instance, 1), 0);
	show("removed");
	unlink("dir/a");
	show("after the removal");
	CHECK_EQ(numbers_are_not_used_again, inotify_add_watch(instance, "dir", IN_ALL_EVENTS), 2);
	inotify_rm_watch(instance, 2);
	CHECK_EQ(nor_those, inotify_add_watch(instance, "dir", IN_CREATE | IN_ONESHOT), 3);
	show("replaced");
	make("dir/a");
	make("dir/b");
	show("one shot");
	CHECK_ERRNO(watch_of_one_shot_is_gone, inotify_rm_watch(instance, 3), EINVAL);
	unlink("dir/a");
	unlink("dir/b");
	symlink("dir", "link");
	inotify_add_watch(instance, "link", IN_CREATE | IN_DONT_FOLLOW);
	make("dir/a");
	show("the link itself");
	inotify_add_watch(instance, "link", IN_CREATE);
	make("dir/b");
	show("where it leads");
	CHECK_ERRNO(only_directories, inotify_add_watch(instance, "other", IN_OPEN | IN_ONLYDIR),
		    ENOTDIR);
	unlink("dir/a");
	unlink("dir/b");
	unlink("link");
	end();
}

static int without_permission(void *data)
{
	(void)data;
	syscall(SYS_setresuid, 1000, 1000, 1000);
	CHECK_ERRNO(what_cannot_be_read_cannot_be_watched,
		    inotify_add_watch(instance, "dir", IN_OPEN), EACCES);
	return 0;
}

static void check_errors(void)
{
	int file;

	begin();
	file = open("other", O_RDONLY);
	CHECK_ERRNO(unknown_flags_of_init, inotify_init1(1), EINVAL);
	CHECK_ERRNO(empty_mask, inotify_add_watch(instance, "dir", 0), EINVAL);
	CHECK_ERRNO(unknown_mask, inotify_add_watch(instance, "dir", 0x10000), EINVAL);
	CHECK_ERRNO(contradicting_mask,
		    inotify_add_watch(instance, "dir", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE),
		    EINVAL);
	CHECK_ERRNO(no_descriptor, inotify_add_watch(99, "dir", IN_OPEN), EBADF);
	CHECK_ERRNO(no_instance, inotify_add_watch(file, "dir", IN_OPEN), EINVAL);
	CHECK_ERRNO(no_file, inotify_add_watch(instance, "nothing", IN_OPEN), ENOENT);
	CHECK_ERRNO(empty_name, inotify_add_watch(instance, "", IN_OPEN), ENOENT);
	CHECK_ERRNO(bad_name, syscall(SYS_inotify_add_watch, instance, 8, IN_OPEN), EFAULT);
	CHECK_ERRNO(no_watch, inotify_rm_watch(instance, 5), EINVAL);
	CHECK_ERRNO(removal_from_no_instance, inotify_rm_watch(file, 1), EINVAL);
	CHECK_ERRNO(removal_from_no_descriptor, inotify_rm_watch(99, 1), EBADF);
	CHECK_ERRNO(instance_cannot_be_written, write(instance, "x", 1), EBADF);
	CHECK_EQ(mask_of_flags_alone, inotify_add_watch(instance, "dir", IN_ONESHOT), 1);
	CHECK_EQ(instance_is_closed_on_exec, fcntl(instance, F_GETFD), FD_CLOEXEC);
	check_in_child(without_permission, NULL);
	close(file);
	end();
}

/* ---- the queue ------------------------------------------------------------------------------- */

static void on_signal(int sig)
{
	(void)sig;
}

static void check_queue(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct itimerval alarm = { .it_value.tv_usec = 20000 };
	struct pollfd entry;
	char buf[256], link[64] = "";
	int bytes = -1;

	begin();
	entry = (struct pollfd){ .fd = instance, .events = POLLIN | POLLOUT };
	inotify_add_watch(instance, "dir", IN_CREATE | IN_DELETE);
	CHECK_EQ(empty_queue_is_not_ready, poll(&entry, 1, 0), 0);
	CHECK_ERRNO(empty_queue_would_block, read(instance, buf, sizeof(buf)), EAGAIN);
	ioctl(instance, FIONREAD, &bytes);
	CHECK_EQ(empty_queue_has_no_bytes, bytes, 0);
	make("dir/a");
	unlink("dir/a");
	CHECK(queue_is_ready, poll(&entry, 1, 0) == 1 && entry.revents == POLLIN);
	ioctl(instance, FIONREAD, &bytes);
	CHECK_EQ(bytes_are_told, bytes, 64);
	CHECK_ERRNO(little_room_is_EINVAL, read(instance, buf, 16), EINVAL);
	CHECK_EQ(room_for_one_gives_one, read(instance, buf, 40), 32);
	CHECK_EQ(and_then_the_other, read(instance, buf, sizeof(buf)), 32);
	make("dir/a");
	CHECK_ERRNO(bad_pointer, read(instance, (void *)8, 4096), EFAULT);
	readlink(memcpy(link, "/proc/self/fd/", 15), buf, sizeof(buf));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", instance);
	memset(buf, 0, sizeof(buf));
	readlink(link, buf, sizeof(buf) - 1);
	OUT("instance is %s", buf);
	fcntl(instance, F_SETFL, 0);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &alarm, NULL);
	CHECK_ERRNO(handler_ends_a_read, read(instance, buf, sizeof(buf)), EINTR);
	pid_t pid = fork();
	if (pid == 0) {
		usleep(20000);
		unlink("dir/a");
		_exit(0);
	}
	CHECK_EQ(read_waits_for_an_event, read(instance, buf, sizeof(buf)), 32);
	waitpid(pid, NULL, 0);
	end();
}

static long limit(const char *name, long value)
{
	char path[96], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/fs/inotify/%s", name);
	fd = open(path, O_RDWR);
	read(fd, text, sizeof(text) - 1);
	if (value >= 0) {
		lseek(fd, 0, SEEK_SET);
		dprintf(fd, "%ld\n", value);
	}
	close(fd);
	return atol(text);
}

static void check_limits(void)
{
	long events = limit("max_queued_events", 3), instances = limit("max_user_instances", 2);
	long watches = limit("max_user_watches", 2);
	int other;

	OUT("events %ld, instances %ld", events, instances);
	CHECK(thousands_of_watches, watches >= 8192);
	begin();
	other = inotify_init1(0);
	CHECK_ERRNO(instances_are_limited, inotify_init1(0), EMFILE);
	close(other);
	inotify_add_watch(instance, "dir", IN_CREATE | IN_DELETE);
	inotify_add_watch(instance, "dir/file", IN_CREATE);
	CHECK_ERRNO(watches_are_limited, inotify_add_watch(instance, "other", IN_OPEN), ENOSPC);
	for (int i = 0; i < 3; i++) {
		make("dir/a");
		unlink("dir/a");
	}
	show("overflow");
	make("dir/a");
	show("after the overflow");
	unlink("dir/a");
	end();
	limit("max_queued_events", events);
	limit("max_user_instances", instances);
	limit("max_user_watches", watches);
}

static void check_unmount(void)
{
	begin();
	mount("none", "dir", "tmpfs", 0, NULL);
	make("dir/inner");
	inotify_add_watch(instance, "dir", IN_CREATE);
	inotify_add_watch(instance, "dir/inner", IN_OPEN);
	CHECK_EQ(watched_file_system_is_unmounted, umount("dir"), 0);
	char line[4096];
	ssize_t n = read(instance, line, sizeof(line));
	CHECK_EQ(two_watches_end_with_two_events_each, n, 4 * 16);
	end();
}

static void check_exec(void)
{
	begin();
	inotify_add_watch(instance, "/bin/busybox", IN_OPEN | IN_CLOSE);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/busybox", "true", NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	show("exec");
	end();
}

int main(void)
{
	umask(0);
	check_file();
	check_copies_and_links();
	check_open_unlinked();
	check_directory();
	check_moves();
	check_masks();
	check_errors();
	check_queue();
	check_limits();
	check_unmount();
	check_exec();
	return 0;
}
