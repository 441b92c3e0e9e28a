/*
 * Threads: by the bare call and by libc's; thread-local storage, ends in every order, signals to
 * one and to all, robust and plain locks, cancellation.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

static void pause_ms(long ms)
{
	struct timespec span = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&span, &span) == -1 && errno == EINTR)
		;
}

/*
 * ---- libc's threads ----------------------------------------------------------------------------
 */

static __thread int local = 5;
static __thread char big[5000];

static void *use_local(void *data)
{
	int before = local;

	local = (int)(intptr_t)data;
	big[4999] = 1;
	sched_yield();
	return (void *)(intptr_t)(before == 5 && local == (int)(intptr_t)data);
}

static void check_locals(void)
{
	pthread_t threads[16];
	int good = 0;
	void *result;

	for (intptr_t i = 0; i < 16; i++)
		pthread_create(&threads[i], NULL, use_local, (void *)(i + 100));
	for (int i = 0; i < 16; i++) {
		pthread_join(threads[i], &result);
		good += (int)(intptr_t)result;
	}
	CHECK_EQ(each_thread_has_its_own_locals, good, 16);
	CHECK_EQ(locals_of_the_first_are_untouched, local, 5);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int items, taken;
static long counter;

static void *count_up(void *data)
{
	(void)data;
	for (int i = 0; i < 5000; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
		if (i % 500 == 0)
			sched_yield();
	}
	return NULL;
}

static void *consume(void *data)
{
	(void)data;
	pthread_mutex_lock(&lock);
	while (taken < 300) {
		while (!items && taken < 300)
			pthread_cond_wait(&changed, &lock);
		if (items) {
			items--;
			taken++;
		}
	}
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static pthread_barrier_t barrier;
static int serial;

static void *meet(void *data)
{
	(void)data;
	for (int i = 0; i < 50; i++)
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			__sync_fetch_and_add(&serial, 1);
	return NULL;
}

static void check_locks(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, count_up, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(mutex_excludes, counter, 20000);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, consume, NULL);
	for (int i = 0; i < 300; i++) {
		pthread_mutex_lock(&lock);
		items++;
		pthread_cond_signal(&changed);
		pthread_mutex_unlock(&lock);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(condition_variable_loses_nothing, taken, 300);
	pthread_barrier_init(&barrier, NULL, 4);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, meet, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(one_of_each_meeting_is_told, serial, 50);

	struct timespec until;
	pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&held);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 20000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	CHECK_EQ(timed_lock_gives_up, pthread_mutex_timedlock(&held, &until), ETIMEDOUT);
	CHECK_EQ(timed_wait_gives_up, pthread_cond_timedwait(&changed, &held, &until), ETIMEDOUT);
}

static void *die_with_lock(void *data)
{
	pthread_mutex_lock(data);
	return NULL;
}

static void check_robust(void)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t *mutex =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_t thread;
	pid_t pid;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(mutex, &attr);
	pthread_create(&thread, NULL, die_with_lock, mutex);
	pthread_join(thread, NULL);
	CHECK_EQ(lock_of_a_dead_thread_is_passed_on, pthread_mutex_lock(mutex), EOWNERDEAD);
	pthread_mutex_consistent(mutex);
	pthread_mutex_unlock(mutex);
	pid = fork();
	if (pid == 0) {
		pthread_mutex_lock(mutex);
		pause_ms(40);
		syscall(SYS_kill, getpid(), SIGKILL);
	}
	pause_ms(15);
	CHECK_EQ(waiter_gets_the_lock_of_a_killed_process, pthread_mutex_lock(mutex), EOWNERDEAD);
	pthread_mutex_unlock(mutex);
	waitpid(pid, NULL, 0);
	CHECK_EQ(inconsistent_lock_is_lost, pthread_mutex_lock(mutex), ENOTRECOVERABLE);
	pthread_mutex_destroy(mutex);
	pthread_mutex_init(mutex, &attr);
	pid = fork();
	if (pid == 0) {
		pthread_mutex_lock(mutex);
		char *argv[] = { "true", NULL };
		execve("/bin/busybox", argv, argv + 1);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	CHECK_EQ(exec_gives_up_locks_too, pthread_mutex_lock(mutex), EOWNERDEAD);

	void *head;
	size_t size;
	CHECK_EQ(robust_list_can_be_asked_for, syscall(SYS_get_robust_list, 0, &head, &size), 0);
	CHECK_EQ(robust_list_has_its_size, size, 24);
	CHECK_ERRNO(robust_list_of_another_size, syscall(SYS_set_robust_list, head, 23), EINVAL);
	CHECK_ERRNO(robust_list_of_nobody, syscall(SYS_get_robust_list, 0x3fffffff, &head, &size),
		    ESRCH);
}

/* Lists that a hostile program may leave: the kernel must live, the word may change. */
static void *bad_list(void *data)
{
	static struct {
		struct robust_list_head head;
		struct robust_list loop;
	} lists[4];

	for (int i = 0; i < 4; i++)
		lists[i].head.list.next = &lists[i].loop;
	lists[0].loop.next = &lists[0].loop;
	lists[1].loop.next = (void *)8;
	lists[2].head.list.next = (void *)0xffffffff80000000;
	lists[3].head.futex_offset = 1l << 62;
	lists[3].loop.next = &lists[3].head.list;
	syscall(SYS_set_robust_list, &lists[(intptr_t)data].head, sizeof(struct robust_list_head));
	syscall(SYS_exit, 0);
	return NULL;
}

static int run_bad_list(void *data)
{
	bad_list(data);
	return 0;
}

static void check_bad_lists(void)
{
	int good = 0;

	for (intptr_t i = 0; i < 4; i++)
		good += check_in_child(run_bad_list, (void *)i) == 0;
	CHECK_EQ(bad_robust_lists_harm_nobody, good, 4);
}

static int cleaned;

static void clean(void *data)
{
	cleaned = *(int *)data;
}

static void *sleep_until_cancelled(void *data)
{
	pthread_cleanup_push(clean, data);
	pause_ms(20000);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *spin_until_cancelled(void *data)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	for (;;)
		(*(volatile int *)data)++;
	return NULL;
}

static void check_cancellation(void)
{
	pthread_t thread;
	void *result;
	int value = 7;

	pthread_create(&thread, NULL, sleep_until_cancelled, &value);
	pause_ms(10);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	CHECK(sleeping_thread_is_cancelled, result == PTHREAD_CANCELED);
	CHECK_EQ(cleanup_ran, cleaned, 7);
	pthread_create(&thread, NULL, spin_until_cancelled, &value);
	pause_ms(10);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	CHECK(running_thread_is_cancelled, result == PTHREAD_CANCELED);
}

/*
 * ---- ends ---------------------------------------------------------------------------------------
 */

static void *leave_late(void *data)
{
	pause_ms(30);
	syscall(SYS_exit, (int)(intptr_t)data);
	return NULL;
}

static void *leave_group(void *data)
{
	pause_ms(20);
	_exit((int)(intptr_t)data);
}

static void *sleep_long(void *data)
{
	pause_ms(20000);
	return data;
}

static void *spin(void *data)
{
	static volatile int count;

	for (;;)
		count++;
	return data;
}

static int leader_first(void *data)
{
	pthread_t thread;

	pthread_create(&thread, NULL, leave_late, (void *)9);
	syscall(SYS_exit, (int)(intptr_t)data);
	return 0;
}

static int group_ends(void *data)
{
	pthread_t thread;

	for (int i = 0; i < 20; i++)
		pthread_create(&thread, NULL, i % 3 ? sleep_long : spin, NULL);
	if (data) {
		pthread_create(&thread, NULL, leave_group, data);
		for (;;)
			pause();
	}
	return 21;
}

static void *fault(void *data)
{
	*(volatile int *)data = 1;
	return NULL;
}

static int thread_faults(void *data)
{
	pthread_t thread;

	(void)data;
	pthread_create(&thread, NULL, sleep_long, NULL);
	pthread_create(&thread, NULL, fault, (void *)8);
	pause_ms(20000);
	return 0;
}

static void check_ends(void)
{
	int status;

	status = check_in_child(leader_first, (void *)3);
	OUT("leader exits 3, the last thread 9: 0x%x", status);
	CHECK_EQ(exit_group_of_a_thread_ends_all, check_in_child(group_ends, (void *)17), 17 << 8);
	CHECK_EQ(exit_of_main_ends_all, check_in_child(group_ends, NULL), 21 << 8);
	status = check_in_child(thread_faults, NULL);
	CHECK_EQ(fault_of_a_thread_kills_the_process, status & 0x7f, SIGSEGV);

	pid_t pid = fork();
	if (pid == 0)
		_exit(leader_first((void *)5));
	pause_ms(10);
	CHECK_EQ(dead_leader_with_a_living_thread_is_no_zombie_yet, waitpid(pid, &status, WNOHANG),
		 0);
	CHECK_EQ(process_of_a_dead_leader_can_be_signalled, kill(pid, 0), 0);
	waitpid(pid, &status, 0);
	pid = fork();
	if (pid == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, spin, NULL);
		syscall(SYS_exit, 0);
	}
	pause_ms(20);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	CHECK_EQ(signal_to_a_dead_leader_kills_the_others, status & 0x7f, SIGTERM);
}

/*
 * ---- signals
 * --------------------------------------------------------------------------------------
 */

static volatile pid_t ran_in;
static volatile int runs;

static void note_thread(int sig)
{
	(void)sig;
	ran_in = (pid_t)syscall(SYS_gettid);
	runs++;
}

static volatile pid_t tid_of_other;
static volatile int stop_other;

static void *be_signalled(void *data)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	if (data)
		pthread_sigmask(SIG_BLOCK, &set, NULL);
	tid_of_other = (pid_t)syscall(SYS_gettid);
	while (!stop_other)
		pause_ms(1);
	return NULL;
}

static void await_runs(int count)
{
	for (int i = 0; i < 1000 && runs < count; i++)
		pause_ms(1);
}

static void check_signals(void)
{
	struct sigaction action = { .sa_handler = note_thread };
	pthread_t thread;
	sigset_t set;

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	pthread_create(&thread, NULL, be_signalled, (void *)1);
	while (!tid_of_other)
		pause_ms(1);
	runs = 0;
	syscall(SYS_tgkill, getpid(), tid_of_other, SIGUSR1);
	await_runs(1);
	CHECK(directed_signal_runs_in_its_thread, ran_in == tid_of_other && runs == 1);
	syscall(SYS_tgkill, getpid(), tid_of_other, SIGUSR2);
	pause_ms(20);
	CHECK_EQ(directed_signal_waits_for_its_thread, runs, 1);
	kill(getpid(), SIGUSR2);
	await_runs(2);
	CHECK(process_signal_goes_to_whom_does_not_block_it, runs == 2 && ran_in == getpid());
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	await_runs(3);
	CHECK(process_signal_goes_to_the_other_thread, runs == 3 && ran_in == tid_of_other);
	CHECK_EQ(kill_of_a_thread_number_reaches_the_process, kill(tid_of_other, 0), 0);
	stop_other = 1;
	pthread_join(thread, NULL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	for (int i = 0; i < 1000 && syscall(SYS_tgkill, getpid(), tid_of_other, 0) == 0; i++)
		pause_ms(1);
	CHECK_ERRNO(ended_thread_is_gone, syscall(SYS_tgkill, getpid(), tid_of_other, 0), ESRCH);
}

static void *unblock(void *data)
{
	sigset_t set;

	(void)data;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return (void *)(intptr_t)(ran_in == (pid_t)syscall(SYS_gettid));
}

static void check_shared_pending(void)
{
	pthread_t thread;
	sigset_t set;
	void *result;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	pthread_create(&thread, NULL, unblock, NULL);
	pthread_join(thread, &result);
	CHECK(pending_signal_is_taken_by_the_thread_that_unblocks, result != NULL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static int stop_all(void *data)
{
	pthread_t thread;

	(void)data;
	for (int i = 0; i < 6; i++)
		pthread_create(&thread, NULL, i % 2 ? spin : sleep_long, NULL);
	pause_ms(20000);
	return 0;
}

static void check_stop(void)
{
	int status, good = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(stop_all(NULL));
	pause_ms(20);
	for (int i = 0; i < 20; i++) {
		kill(pid, SIGSTOP);
		good += waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status);
		kill(pid, SIGCONT);
		good += waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status);
	}
	CHECK_EQ(process_of_many_threads_stops_as_one, good, 40);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK_EQ(and_dies_as_one, status, SIGKILL);
}

/*
 * ---- many
 * -------------------------------------------------------------------------------------------
 */

static void *nothing(void *data)
{
	return data;
}

static void check_many(void)
{
	pthread_t thread;
	int good = 0;
	void *result;

	for (intptr_t i = 1; i <= 500; i++) {
		if (pthread_create(&thread, NULL, nothing, (void *)i))
			break;
		pthread_join(thread, &result);
		good += result == (void *)i;
	}
	CHECK_EQ(many_threads_come_and_go, good, 500);
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	good = 0;
	for (int i = 0; i < 200; i++)
		good += pthread_create(&thread, &attr, nothing, NULL) == 0;
	CHECK_EQ(detached_threads_need_nobody, good, 200);
}

static void *fork_inside(void *data)
{
	int status;
	pid_t pid = fork();

	(void)data;
	if (pid == 0)
		_exit(syscall(SYS_gettid) == getpid() ? 4 : 5);
	waitpid(pid, &status, 0);
	return (void *)(intptr_t)(WEXITSTATUS(status));
}

static void *wait_for_childs_of_others(void *data)
{
	int status;

	return (void *)(intptr_t)(waitpid(*(pid_t *)data, &status, 0) == *(pid_t *)data);
}

static void check_forks(void)
{
	pthread_t thread;
	void *result;
	pid_t pid;

	pthread_create(&thread, NULL, fork_inside, NULL);
	pthread_join(thread, &result);
	CHECK_EQ(fork_of_a_thread_has_one_thread, (intptr_t)result, 4);
	pid = fork();
	if (pid == 0)
		_exit(0);
	pthread_create(&thread, NULL, wait_for_childs_of_others, &pid);
	pthread_join(thread, &result);
	CHECK(any_thread_may_wait_for_a_child, result != NULL);
}

int main(void)
{
	check_locals();
	check_locks();
	check_robust();
	check_bad_lists();
	check_cancellation();
	check_ends();
	check_signals();
	check_shared_pending();
	check_stop();
	check_many();
	check_forks();
	return 0;
}
