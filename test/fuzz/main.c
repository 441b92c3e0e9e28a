/*
 * main.c - the init of a guest that is fuzzed: mounts, does one work twice, compares the gauges.
 *
 * The work is done for a short while first, so that what is allocated once and kept for ever is not
 * taken for a leak. What rises in the long run is measured again after a second short one: a leak
 * goes on rising. Lines for the harness begin with `fuzz:`; the last is `fuzz: end N` with the
 * count of things done.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/reboot.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../conformance/gauges.h"

enum { HANG_S = 20, CALIBRATION_S = 4, SETTLE_MS = 200, PAGES_SLACK = 32 };

static uint64_t random_state;

void say(const char *format, ...)
{
	char line[512] = "fuzz: ";
	va_list args;

	va_start(args, format);
	vsnprintf(line + 6, sizeof(line) - 8, format, args);
	va_end(args);
	strcat(line, "\n");
	(void)!write(STDOUT_FILENO, line, strlen(line));
}

double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1d >> 3;
}

void random_seed(uint64_t seed, uint64_t stream)
{
	random_state = (seed + 1) * 0x9e3779b97f4a7c15 ^ (stream + 1) * 0xbf58476d1ce4e5b9;
	random_state |= !random_state;
	for (int i = 0; i < 8; i++)
		random_word();
}

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* Until no other process is left. */
static void reap_all(int *status, pid_t pid)
{
	double deadline = seconds_now() + HANG_S;

	for (;;) {
		int one;
		pid_t ended;

		kill(-1, SIGCONT);
		kill(-1, SIGKILL);
		ended = waitpid(-1, &one, WNOHANG | __WALL);
		if (ended < 0 && errno == ECHILD)
			return;
		if (ended == pid)
			*status = one;
		if (ended > 0)
			continue;
		if (seconds_now() > deadline) {
			say("HANG: processes do not end");
			power_off();
		}
		usleep(1000);
	}
}

/* What a child leaves behind on purpose: objects of System V IPC outlive their makers. */
static void ipc_clear(void)
{
	struct shmid_ds segment;
	struct msqid_ds queue;
	struct semid_ds set;
	struct seminfo info;
	int last = semctl(0, 0, SEM_INFO, &info);

	for (int i = 0; i <= last; i++)
		semctl(semctl(i, 0, SEM_STAT, &set), 0, IPC_RMID);
	last = shmctl(0, SHM_INFO, &segment);
	for (int i = 0; i <= last; i++)
		shmctl(shmctl(i, SHM_STAT, &segment), IPC_RMID, NULL);
	last = msgctl(0, MSG_INFO, &queue);
	for (int i = 0; i <= last; i++)
		msgctl(msgctl(i, MSG_STAT, &queue), IPC_RMID, NULL);
}

int child_run(void (*body)(long argument), long argument, double limit_s)
{
	double deadline = seconds_now() + limit_s;
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		body(argument);
		_exit(0);
	}
	while (pid > 0 && seconds_now() < deadline) {
		int one;
		pid_t ended = waitpid(-1, &one, WNOHANG | __WALL);

		if (ended == pid) {
			status = one;
			pid = -1;
		}
		if (ended <= 0)
			usleep(1000);
	}
	reap_all(&status, pid);
	ipc_clear();
	return status;
}

static void mount_system(void)
{
	static const char *const folders[] = { "/proc", "/sys", "/dev", "/tmp" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		mkdir(folders[i], 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mkdir("/dev/pts", 0755);
	mkdir("/dev/shm", 01777);
	mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=0666");
	mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777");
	mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777");
}

/* Before everybody else, so that a child of a real-time class cannot keep it from ending it. */
static void take_precedence(void)
{
	struct sched_param param = { .sched_priority = 99 };

	syscall(SYS_sched_setscheduler, 0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param);
}

static void settled_gauges(struct gauges *gauges)
{
	for (int i = 0; i < 3; i++) {
		usleep(SETTLE_MS * 1000);
		caches_drop();
	}
	gauges_read(gauges);
}

static bool judge_leaks(const struct gauges *at)
{
	bool rose = false;

	for (int i = 0; i < at[0].count; i++) {
		long long first = at[1].of[i].value - at[0].of[i].value;
		long long again = at[2].of[i].value - at[1].of[i].value;

		/* Slabs that are partly in use hold pages. */
		long long slack = strcmp(at[0].of[i].name, "pages") == 0 ? PAGES_SLACK : 0;

		if (first || again)
			say("gauge %s: %+lld, then %+lld", at[0].of[i].name, first, again);
		if (first > slack && again > slack) {
			say("LEAK: %s rose twice, by %lld and %lld", at[0].of[i].name, first,
			    again);
			rose = true;
		}
	}
	return rose;
}

static long number_of(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text ? strtol(text, NULL, 0) : otherwise;
}

static long run_once(long (*work)(const struct options *), const struct options *options)
{
	say("seed %llu, %d s", (unsigned long long)options->seed, options->seconds);
	return work(options);
}

static long run_measured(long (*work)(const struct options *), struct options options)
{
	static struct gauges at[3];
	struct options brief = options;
	long done;

	brief.seconds = CALIBRATION_S;
	brief.seed = options.seed ^ 0x5eed;
	if (!options.count)
		run_once(work, &brief);
	settled_gauges(&at[0]);
	done = run_once(work, &options);
	settled_gauges(&at[1]);
	if (!options.count) {
		brief.seed++;
		brief.seconds = options.seconds / 8 + CALIBRATION_S;
		done += run_once(work, &brief);
		settled_gauges(&at[2]);
		judge_leaks(at);
	}
	return done;
}

int main(void)
{
	static const struct {
		const char *name;
		long (*run)(const struct options *);
	} works[] = {
		{ "syscalls", fuzz_syscalls },
		{ "elf", fuzz_elf },
		{ "memory", fuzz_memory },
		{ "soak", fuzz_soak },
	};
	struct options options = {
		.seed = (uint64_t)number_of("fuzz_seed", 1),
		.seconds = (int)number_of("fuzz_seconds", 60),
		.first = number_of("fuzz_first", 0),
		.count = number_of("fuzz_count", 0),
		.trace = number_of("fuzz_trace", 0),
		.leaks = number_of("fuzz_leaks", 0),
	};
	const char *name = getenv("fuzz");

	if (getpid() != 1)
		return 0;
	mount_system();
	take_precedence();
	for (size_t i = 0; i < sizeof(works) / sizeof(*works); i++) {
		if (!name || strcmp(name, works[i].name) != 0)
			continue;
		say("begin %s seed %llu", name, (unsigned long long)options.seed);
		say("end %ld", run_measured(works[i].run, options));
	}
	power_off();
}
