/*
 * execs.c - one of several threads executes a program while the others run, sleep, map memory,
 * start threads or execute one themselves: one program comes out of it, alone, under the process's
 * number, and a kill meets either the old one or the new.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "torture.h"

enum { CHILDREN = 6 };

static char self[] = "/proc/self/exe";
static atomic_bool go;
static char parent_text[16];

/* How many threads /proc says this process has. */
static int thread_count(void)
{
	char buf[2048], *line;
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t size = read(fd, buf, sizeof(buf) - 1);

	HOLDS(size > 0);
	buf[size] = '\0';
	close(fd);
	line = strstr(buf, "\nThreads:");
	HOLDS(line);
	return atoi(line + strlen("\nThreads:"));
}

/* What is executed: alone, the same child of the same parent, nothing pending or caught. */
static int executed(char **argv)
{
	struct sigaction action;

	HOLDS(getpid() == atoi(argv[2]) && gettid() == getpid());
	HOLDS(getppid() == atoi(argv[3]));
	HOLDS(thread_count() == 1);
	HOLDS(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
	HOLDS(fcntl(100, F_GETFD) == -1 && errno == EBADF);
	return 42;
}

static void *execute(void *arg)
{
	char pid[16];
	char *argv[] = { self, "executed", pid, parent_text, NULL };

	while (arg && !atomic_load(&go))
		sched_yield();
	snprintf(pid, sizeof(pid), "%d", getpid());
	execv(self, argv);
	HOLDS(!"execv came back");
	return NULL;
}

static void *run(void *arg)
{
	for (;;)
		sched_yield();
	return arg;
}

static void *sleep_long(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *map(void *arg)
{
	for (;;) {
		char *memory = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			continue;
		memset(memory, 1, 16 * PAGE);
		munmap(memory, 16 * PAGE);
	}
	return arg;
}

static void *nothing(void *arg)
{
	return arg;
}

static void *start_threads(void *arg)
{
	pthread_t thread;

	for (;;)
		if (pthread_create(&thread, NULL, nothing, NULL) == 0)
			pthread_join(thread, NULL);
	return arg;
}

static void hear(int sig)
{
	(void)sig;
}

/* With threads of all kinds; who executes may be any of them, or two at once. */
static void become(uint64_t *random)
{
	void *(*const works[])(void *) = { run, sleep_long, map, start_threads };
	const uint64_t who = random_below(random, 3);
	pthread_t thread;

	signal(SIGUSR1, hear);
	HOLDS(dup3(1, 100, O_CLOEXEC) == 100);
	for (int i = 0; i < 4; i++)
		HOLDS(pthread_create(&thread, NULL, works[i], NULL) == 0);
	for (uint64_t i = 0; i < who; i++)
		HOLDS(pthread_create(&thread, NULL, execute, "wait") == 0);
	atomic_store(&go, true);
	if (who == 0)
		execute(NULL);
	sleep_long(NULL);
}

/* In the end the program's status, or the signal that met it. */
static void child_join(pid_t pid, bool is_killed)
{
	int status;

	HOLDS(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status))
		HOLDS(WEXITSTATUS(status) == 42);
	else
		HOLDS(is_killed && WTERMSIG(status) == SIGKILL);
}

int main(int argc, char **argv)
{
	struct torture torture;
	uint64_t random;
	pid_t pids[CHILDREN];

	if (argc > 3 && strcmp(argv[1], "executed") == 0)
		return executed(argv);
	torture = torture_begin(argc, argv);
	random = random_begin(torture, 3);
	snprintf(parent_text, sizeof(parent_text), "%d", getpid());
	for (long round = 0; round < torture.rounds; round++) {
		bool is_killed = random_below(&random, 3) == 0;

		for (int i = 0; i < CHILDREN; i++) {
			uint64_t own = random_begin(torture, (uint64_t)(round * CHILDREN + i));

			pids[i] = fork();
			HOLDS(pids[i] >= 0);
			if (pids[i] == 0)
				become(&own);
		}
		for (int i = 0; is_killed && i < CHILDREN; i++) {
			usleep((useconds_t)random_below(&random, 3000));
			HOLDS(kill(pids[i], SIGKILL) == 0);
		}
		for (int i = 0; i < CHILDREN; i++)
			child_join(pids[i], is_killed);
	}
	return 0;
}
