/*
 * Races between threads and processes that end, change or look at the same thing. Each is run for
 * some milliseconds, or a few dozen times: on one CPU hardly any of them meets, on several they do.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "check.h"

enum { ROUNDS = 20, ROUND_MS = 200, PAGE = 4096, FILE_SIZE = 4 * PAGE };

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- threads that are made while all are to die -------------------------------------------- */

static void *idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *make_threads(void *arg)
{
	pthread_t thread;

	for (int i = 0; i < 8; i++)
		pthread_create(&thread, NULL, idle, NULL);
	return idle(arg);
}

/* A process whose threads make threads while it ends: by exec, or by exit_group. */
static int end_among_threads(bool by_exec)
{
	int status, pid = fork();
	pthread_t thread;

	if (pid == 0) {
		for (int i = 0; i < 3; i++)
			pthread_create(&thread, NULL, make_threads, NULL);
		sched_yield();
		if (by_exec)
			execl("/proc/self/exe", "races", "end", NULL);
		_exit(7);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool ends_always(bool by_exec)
{
	for (int i = 0; i < ROUNDS; i++)
		if (end_among_threads(by_exec) != 7)
			return false;
	return true;
}

/* ---- faults beyond the end of a file that is cut and grows --------------------------------- */

static struct {
	int            fd;
	volatile char *map;
	volatile bool  stop;
} cut;

static void ignore_bus_error(int sig, siginfo_t *info, void *context)
{
	long page = (long)info->si_addr & ~(PAGE - 1l);

	(void)sig;
	(void)context;
	/* Something to read there, so that the load ends; the file is mapped again later. */
	mmap((void *)page, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void *touch(void *arg)
{
	while (!cut.stop) {
		for (int i = 0; i < FILE_SIZE; i += PAGE)
			(void)cut.map[i];
		mmap((void *)cut.map, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		     cut.fd, 0);
	}
	return arg;
}

/* The file is empty, then has its pages, all the time; what is written in between stays. */
static bool writes_stay(void)
{
	long end = now_ms() + ROUND_MS;
	char wrote[FILE_SIZE], got[FILE_SIZE];
	bool same = true;

	for (char value = 1; same && now_ms() < end; value++) {
		memset(wrote, value, sizeof(wrote));
		ftruncate(cut.fd, 0);
		pwrite(cut.fd, wrote, sizeof(wrote), 0);
		same = pread(cut.fd, got, sizeof(got), 0) == FILE_SIZE &&
		       memcmp(got, wrote, sizeof(got)) == 0;
	}
	return same;
}

static void truncation_and_faults(void)
{
	struct sigaction action = { .sa_sigaction = ignore_bus_error, .sa_flags = SA_SIGINFO };
	pthread_t threads[2];

	sigaction(SIGBUS, &action, NULL);
	cut.fd = open("cut", O_RDWR | O_CREAT, 0600);
	ftruncate(cut.fd, FILE_SIZE);
	cut.map = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, cut.fd, 0);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, touch, NULL);
	CHECK(what_is_written_after_a_truncation_stays, writes_stay());
	cut.stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

/* ---- signals to processes that are gone or about to be ------------------------------------- */

static long pidfd_signal(int fd, int sig)
{
	return syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
}

static bool signals_meet_exits(void)
{
	bool all = true;

	for (int i = 0; i < ROUNDS; i++) {
		int pid = fork(), fd;

		if (pid == 0)
			_exit(0);
		fd = (int)syscall(SYS_pidfd_open, pid, 0);
		all = all && (pidfd_signal(fd, 0) == 0);
		waitpid(pid, NULL, 0);
		all = all && pidfd_signal(fd, 0) == -1 && errno == ESRCH;
		close(fd);
	}
	return all;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "end") == 0)
		return 7;
	CHECK(exec_ends_threads_that_make_threads, ends_always(true));
	CHECK(exit_ends_threads_that_make_threads, ends_always(false));
	truncation_and_faults();
	CHECK(pidfds_know_who_is_gone, signals_meet_exits());
	return 0;
}
