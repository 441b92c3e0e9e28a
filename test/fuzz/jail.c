/*
 * jail.c - the place a fuzzed child lives in.
 */
#define _GNU_SOURCE
#include "jail.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "values.h"

#define JAIL "/jail"

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	(void)!write(fd, text, strlen(text));
	close(fd);
}

static void make_devices(void)
{
	static const struct {
		const char *path;
		int major, minor;
	} devices[] = {
		{ JAIL "/dev/null", 1, 3 }, { JAIL "/dev/zero", 1, 5 },
		{ JAIL "/dev/full", 1, 7 }, { JAIL "/dev/random", 1, 8 },
		{ JAIL "/dev/tty", 5, 0 },
	};

	mkdir(JAIL "/dev", 0755);
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
		mknod(devices[i].path, S_IFCHR, makedev(devices[i].major, devices[i].minor));
		chmod(devices[i].path, 0666);
	}
	mkdir(JAIL "/dev/pts", 0755);
	mount("devpts", JAIL "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666");
	symlink("pts/ptmx", JAIL "/dev/ptmx");
}

void jail_build(void)
{
	mkdir(JAIL, 0755);
	mount("tmpfs", JAIL, "tmpfs", 0, "mode=1777,size=4m,nr_inodes=400");
	mkdir(JAIL "/dir", 0777);
	chmod(JAIL "/dir", 0777);
	write_file(JAIL "/file", "some text\nand some more\n");
	write_file(JAIL "/dir/inner", "inner");
	write_file(JAIL "/script", "#!/proc/self/exe one\n");
	chmod(JAIL "/file", 0666);
	symlink("file", JAIL "/link");
	symlink("loop", JAIL "/loop");
	symlink("nowhere", JAIL "/dangling");
	mkfifo(JAIL "/fifo", 0666);
	make_devices();
	mkdir(JAIL "/proc", 0755);
	mount("proc", JAIL "/proc", "proc", 0, NULL);
}

void jail_destroy(void)
{
	while (umount2(JAIL, MNT_DETACH) == 0) /* a child may have mounted over its root */
		;
}

static void limit(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit limits = { soft, hard };

	setrlimit(resource, &limits);
}

static void open_sockets(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int pair[2], listener;

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(listener, (struct sockaddr *)&name, sizeof(name));
	listen(listener, 4);
	connect(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *)&name,
		sizeof(name));
	socket(AF_UNIX, SOCK_DGRAM, 0);
	/* packet sockets and raw ones are for root's children only */
	socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(3 /* ETH_P_ALL */));
	socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP);
	socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 0);
}

static void open_events(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0), events = eventfd(1, 0);
	sigset_t set;

	epoll_ctl(epoll, EPOLL_CTL_ADD, events, &event);
	eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
	timerfd_create(CLOCK_MONOTONIC, 0);
	sigfillset(&set);
	signalfd(-1, &set, SFD_NONBLOCK);
	syscall(SYS_pidfd_open, getpid(), 0);
	ftruncate((int)syscall(SYS_memfd_create, "mem", 2), 10000);
	epoll_create1(0);
}

static void open_files(void)
{
	static const struct {
		const char *path;
		int flags;
	} files[] = {
		{ "/file", O_RDWR },
		{ "/file", O_RDONLY },
		{ "/file", O_WRONLY | O_APPEND },
		{ "/", O_RDONLY },
		{ "/dir", O_RDONLY },
		{ "/dir", O_PATH },
		{ "/file", O_PATH },
		{ "/fifo", O_RDWR },
		{ "/dev/zero", O_RDWR },
		{ "/dev/full", O_RDWR },
		{ "/dev/random", O_RDONLY },
		{ "/dev/ptmx", O_RDWR | O_NOCTTY },
		{ "/proc/self/maps", O_RDONLY },
		{ "/proc/self/mem", O_RDWR },
		{ "/proc/self/task", O_RDONLY },
		{ "/proc/mounts", O_RDONLY },
		{ "/proc/self/ns/mnt", O_RDONLY },
		{ "/link", O_PATH | O_NOFOLLOW },
	};
	int pair[2], zero = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		int fd = open(files[i].path, files[i].flags);

		if (strcmp(files[i].path, "/dev/ptmx") == 0) {
			syscall(SYS_ioctl, fd, 0x40045431, &zero); /* TIOCSPTLCK */
			open("/dev/pts/0", O_RDWR);
		}
	}
	pipe(pair);
	pipe2(pair, O_NONBLOCK);
}

void jail_enter(bool ordinary)
{
	setsid();
	umask(0);
	chroot(JAIL);
	chdir("/");
	limit(RLIMIT_CPU, 2, 3);
	limit(RLIMIT_FSIZE, 1 << 20, 1 << 20);
	limit(RLIMIT_AS, 64 << 20, 64 << 20);
	limit(RLIMIT_NPROC, 40, 40);
	limit(RLIMIT_NOFILE, FDS_MAX, FDS_MAX);
	limit(RLIMIT_CORE, 0, 0);
	dup2(open("/dev/null", O_RDWR), 0);
	dup2(0, 1);
	dup2(0, 2);
	if (ordinary) {
		setgroups(0, NULL);
		setgid(1000);
		setuid(1000);
	}
	open_files();
	open_sockets();
	open_events();
}
