/*
 * What the kernel hands out has no byte that it did not mean to: holes between members and the
 * unused rest of unions are zero, whatever lay on the kernel's stack before.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>
#include <ucontext.h>

static unsigned char memory[1024];

/* Calls that copy much of ours onto the kernel's stack, so that what is left there is no zero. */
static void dirty(void)
{
	static struct pollfd many[24];
	struct timeval now = { 0 };
	fd_set sets[3];
	struct msghdr message = { 0 };
	struct iovec iov[8];
	char control[128];
	int fd = open("/dev/null", O_WRONLY);

	memset(sets, 0xff, sizeof(sets));
	memset(iov, 0xff, sizeof(iov));
	memset(control, 0xff, sizeof(control));
	select(1024, &sets[0], &sets[1], &sets[2], &now);
	for (int i = 0; i < 24; i++)
		many[i] = (struct pollfd){ .fd = -1, .events = -1, .revents = -1 };
	poll(many, 24, 0);
	message.msg_iov = iov;
	message.msg_iovlen = 8;
	message.msg_control = control;
	message.msg_controllen = sizeof(control);
	sendmsg(fd, &message, 0);
	writev(fd, iov, 8);
	ioctl(0, TIOCSWINSZ, control);
	syscall(SYS_rt_sigqueueinfo, 0, 0, control);
	syscall(SYS_timer_create, 0, control, control);
	syscall(SYS_clone3, control, 88);
	close(fd);
	memset(memory, 0, sizeof(memory));
}

/* Bytes from..to of what came. */
static void is_clear(const char *what, size_t from, size_t to)
{
	int count = 0;

	for (size_t i = from; i < to; i++)
		count += memory[i] != 0;
	check_report(what, count == 0, __LINE__, "bytes that nobody meant");
}

#define GAP(what, type, before, after)                                                    \
	is_clear(what, offsetof(type, before) + sizeof(((type *)0)->before), offsetof(type, after))
#define REST(what, type, last, size) \
	is_clear(what, offsetof(type, last) + sizeof(((type *)0)->last), size)

static void check_asked(void)
{
	struct flock *flock = (void *)memory;
	int fd = open("locked", O_CREAT | O_RDWR, 0600);
	struct sockaddr_un *name = (void *)memory;
	socklen_t size = sizeof(*name);
	int pair[2];

	dirty();
	syscall(SYS_sysinfo, memory);
	GAP("sysinfo_behind_procs", struct sysinfo, procs, totalhigh);
	is_clear("sysinfo_behind_mem_unit", 108, 112);
	dirty();
	syscall(SYS_sigaltstack, NULL, memory);
	GAP("sigaltstack_behind_flags", stack_t, ss_flags, ss_size);
	dirty();
	syscall(SYS_adjtimex, memory);
	is_clear("timex_behind_modes", 4, 8);
	REST("timex_behind_tai", struct timex, tai, 208);
	dirty();
	flock->l_type = F_WRLCK;
	fcntl(fd, F_OFD_SETLK, flock);
	close(open("locked", O_RDONLY));
	int other = open("locked", O_RDWR);
	flock->l_type = F_WRLCK;
	fcntl(other, F_OFD_GETLK, flock);
	CHECK_EQ(lock_is_told, flock->l_type, F_WRLCK);
	GAP("flock_behind_whence", struct flock, l_whence, l_start);
	is_clear("flock_behind_pid", offsetof(struct flock, l_pid) + 4, sizeof(struct flock));
	dirty();
	syscall(SYS_uname, memory);
	is_clear("uname_behind_sysname", 6, 65);
	dirty();
	syscall(SYS_fstat, fd, memory);
	is_clear("stat_at_its_end", 120, 144);
	is_clear("stat_behind_gid", 36, 40);
	dirty();
	syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0xfff, memory);
	is_clear("statx_at_its_end", 160, 256);
	dirty();
	syscall(SYS_fstatfs, fd, memory);
	is_clear("statfs_at_its_end", 88, 120);
	dirty();
	syscall(SYS_getrusage, RUSAGE_CHILDREN, memory);
	is_clear("rusage_of_nobody", 0, 32);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	dirty();
	getsockname(pair[0], (struct sockaddr *)name, &size);
	CHECK_EQ(name_of_nobody_is_short, size, 2);
	is_clear("sockaddr_behind_the_family", 2, sizeof(*name));
	close(pair[0]);
	close(pair[1]);
	close(fd);
	close(other);
	unlink("locked");
}

/* ---- signals --------------------------------------------------------------------------------- */

static int is_pending(int sig)
{
	struct timespec none = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	return (int)syscall(SYS_rt_sigtimedwait, &set, memory, &none, 8) == sig;
}

static void await_pending(int sig)
{
	for (int i = 0; i < 200 && !is_pending(sig); i++)
		usleep(1000);
}

static void check_siginfo(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec soon = { .it_value.tv_nsec = 1 };
	struct itimerval alarm = { .it_value.tv_usec = 1 };
	sigset_t all;
	int timer;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	dirty();
	kill(getpid(), SIGUSR1);
	dirty();
	CHECK(killed, is_pending(SIGUSR1));
	is_clear("siginfo_of_kill_behind_code", 12, 16);
	is_clear("siginfo_of_kill_behind_uid", 24, 128);
	dirty();
	syscall(SYS_tgkill, getpid(), getpid(), SIGUSR2);
	dirty();
	CHECK(killed_as_a_thread, is_pending(SIGUSR2));
	is_clear("siginfo_of_tgkill_behind_code", 12, 16);
	is_clear("siginfo_of_tgkill_behind_uid", 24, 128);
	dirty();
	setitimer(ITIMER_REAL, &alarm, NULL);
	await_pending(SIGALRM);
	is_clear("siginfo_of_an_alarm_behind_code", 12, 128);
	dirty();
	syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer);
	syscall(SYS_timer_settime, timer, 0, &soon, NULL);
	dirty();
	await_pending(SIGUSR1);
	is_clear("siginfo_of_a_timer_behind_code", 12, 16);
	is_clear("siginfo_of_a_timer_behind_value", 32, 128);
	syscall(SYS_timer_delete, timer);
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	dirty();
	await_pending(SIGCHLD);
	is_clear("siginfo_of_a_child_behind_code", 12, 16);
	is_clear("siginfo_of_a_child_behind_status", 28, 32);
	is_clear("siginfo_of_a_child_behind_stime", 48, 128);
	dirty();
	syscall(SYS_waitid, P_PID, child, memory, WEXITED, NULL);
	is_clear("siginfo_of_waitid_behind_code", 12, 16);
	is_clear("siginfo_of_waitid_behind_status", 28, 128);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
}

static void check_signalfd(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, 0);
	kill(getpid(), SIGUSR1);
	dirty();
	CHECK_EQ(signal_is_read, read(fd, memory, sizeof(memory)), 128);
	is_clear("signalfd_record_behind_uid", 20, 128);
	close(fd);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void keep(int sig, siginfo_t *info, void *context)
{
	ucontext_t *user = context;

	(void)sig;
	memcpy(memory, info, 128);
	memcpy(memory + 128, &user->uc_stack, sizeof(user->uc_stack));
	memcpy(memory + 256, user->uc_mcontext.__reserved1, 64);
}

static void check_frame(void)
{
	struct sigaction action = { .sa_sigaction = keep, .sa_flags = SA_SIGINFO };
	stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536, .ss_flags = 0 };

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaltstack(&stack, NULL);
	stack.ss_flags = SS_DISABLE;
	dirty();
	sigaltstack(&stack, NULL);
	dirty();
	kill(getpid(), SIGUSR1);
	is_clear("frame_siginfo_behind_code", 12, 16);
	is_clear("frame_siginfo_behind_uid", 24, 128);
	is_clear("frame_stack_behind_flags", 128 + 12, 128 + 16);
	is_clear("frame_reserved", 256, 320);
	free(stack.ss_sp);
}

int main(void)
{
	check_asked();
	check_siginfo();
	check_signalfd();
	check_frame();
	return 0;
}
