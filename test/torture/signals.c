/*
 * signals.c - queued signals arrive all and in order while others interrupt; processes with threads
 * are stopped, continued and killed, and those who wait for them see that and nothing else.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "torture.h"

enum { QUEUED = 100 };

static void hear(int sig)
{
	(void)sig;
}

static void listen(const sigset_t *set)
{
	siginfo_t info;

	for (int i = 0; i < QUEUED; i++) {
		while (sigwaitinfo(set, &info) < 0)
			HOLDS(errno == EINTR);
		HOLDS(info.si_value.sival_int == i && info.si_pid == getppid());
	}
	_exit(0);
}

static void queue_all(const sigset_t *set)
{
	pid_t noise, pid = fork();

	HOLDS(pid >= 0);
	if (pid == 0)
		listen(set);
	noise = fork();
	HOLDS(noise >= 0);
	if (noise == 0) {
		for (int i = 0; i < QUEUED; i++)
			kill(pid, SIGUSR1);
		_exit(0);
	}
	for (int i = 0; i < QUEUED; i++)
		while (sigqueue(pid, SIGRTMIN, (union sigval){ .sival_int = i }) != 0) {
			HOLDS(errno == EAGAIN);
			sched_yield();
		}
	children_join(2);
}

static void *spin(void *arg)
{
	for (;;)
		sched_yield();
	return arg;
}

static void be_killed(void)
{
	pthread_t thread;

	for (int i = 0; i < WORKERS; i++)
		pthread_create(&thread, NULL, spin, NULL);
	spin(NULL);
}

static void stop_and_kill(uint64_t *state)
{
	int status;
	pid_t pid = fork();

	HOLDS(pid >= 0);
	if (pid == 0)
		be_killed();
	for (uint64_t turns = random_below(state, 4); turns > 0; turns--) {
		HOLDS(kill(pid, SIGSTOP) == 0);
		HOLDS(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
		HOLDS(kill(pid, SIGCONT) == 0);
		HOLDS(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	}
	HOLDS(kill(pid, SIGKILL) == 0);
	HOLDS(waitpid(pid, &status, 0) == pid);
	HOLDS(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	HOLDS(kill(pid, 0) == -1 && errno == ESRCH);
}

int main(int argc, char **argv)
{
	struct torture torture = torture_begin(argc, argv);
	struct sigaction action = { .sa_handler = hear };
	uint64_t state = random_begin(torture, 0);
	sigset_t set;

	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (long round = 0; round < torture.rounds; round++) {
		queue_all(&set);
		stop_and_kill(&state);
	}
	return 0;
}
