/*
 * runner.c - the init that runs the conformance programs in a guest.
 *
 * /tests/list names the programs, one a line with its time limit in seconds. Each is run as the
 * leader of a session of its own, in an empty /tmp, its output between `@@begin NAME` and
 * `@@end NAME STATUS`; what it leaves running is killed. Then the machine is powered off. It asks
 * little of a young kernel: fork, execve, wait4, kill, write and reboot; that a mount, a session or
 * a timer is refused it ignores. Where the kernel counts its things, a program after which there
 * are more of them runs again in silence, seven times at most, and what has grown each time is
 * said in a line `leak: ...`.
 */
#include "gauges.h"

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char list[16384];
static volatile pid_t running;

static void say(const char *format, const char *name, int number)
{
	char line[256];
	int length = snprintf(line, sizeof(line), format, name, number);

	if (write(STDOUT_FILENO, line, (size_t)length) != length)
		_exit(1);
}

static void kill_running(int signal)
{
	(void)signal;
	kill(running, SIGKILL);
}

static void mount_system(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mkdir("/dev/pts", 0755);
	mkdir("/dev/shm", 01777);
	mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=0666");
	mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777");
}

static void run_child(const char *name)
{
	static char *const environment[] = { "PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/tmp",
					     "TERM=dumb", NULL };
	char path[256];
	char *const arguments[] = { path, NULL };

	setsid();
	if (chdir("/tmp") != 0)
		chdir("/");
	snprintf(path, sizeof(path), "/tests/%s", name);
	execve(path, arguments, environment);
	say("not ok program_can_be_executed: %s%.0d\n", name, 0);
	_exit(127);
}

/* Runs it to its end or its limit, kills what it left; returns its status, -1 if it never ran. */
static int run_once(const char *name, unsigned int limit_s, bool silent)
{
	int status = 0;

	mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777");
	running = fork();
	if (running == 0) {
		if (silent)
			dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		run_child(name);
	}
	alarm(limit_s);
	while (running > 0 && wait4(-1, &status, 0, NULL) != running)
		;
	alarm(0);
	if (running < 0)
		status = -1;
	kill(-1, SIGKILL);
	while (wait4(-1, NULL, 0, NULL) > 0)
		;
	umount2("/tmp", MNT_DETACH);
	return status;
}

static void run(const char *name, unsigned int limit_s)
{
	static struct gauges at[LEAK_RUNS + 1];
	bool rising[GAUGES_MAX];
	int runs = 0, status;

	memset(rising, true, sizeof(rising));
	gauges_read(&at[0]);
	say("@@begin %s%.0d\n", name, 0);
	do {
		int result = run_once(name, limit_s, runs > 0);

		status = runs ? status : result;
		gauges_read(&at[++runs]);
	} while (gauges_still_rise(&at[runs - 1], &at[runs], rising) && runs < LEAK_RUNS);
	leaks_say(name, &at[0], &at[runs], rising);
	say("@@end %s %d\n", name, status);
}

static int is_module(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Drivers that Linux has as modules; a kernel without modules says so, and has them. */
static void load_modules(void)
{
	struct dirent **entries;
	int count = scandir("/modules", &entries, is_module, alphasort);

	for (int i = 0; i < count; i++) {
		char path[300];
		int fd;

		snprintf(path, sizeof(path), "/modules/%s", entries[i]->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		syscall(SYS_finit_module, fd, "", 0);
		close(fd);
	}
}

int main(void)
{
	int fd = open("/tests/list", O_RDONLY);

	if (fd < 0 || read(fd, list, sizeof(list) - 1) < 0)
		say("@@error no list in %s%.0d\n", "/tests", 0);
	close(fd);
	mount_system();
	load_modules();
	struct sigaction action = { .sa_handler = kill_running };
	sigaction(SIGALRM, &action, NULL);
	for (char *name = strtok(list, " \n"); name; name = strtok(NULL, " \n")) {
		const char *limit = strtok(NULL, " \n");

		run(name, limit ? (unsigned int)atoi(limit) : 0);
	}
	say("@@done %s%d\n", "", 0);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
