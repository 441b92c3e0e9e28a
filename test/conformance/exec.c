/*
 * execve: the initial stack, what a new program inherits, how much it can be given, and what
 * becomes of threads. The program executes itself with a word that says what to look at.
 */
#define _GNU_SOURCE
#include "exec.h"

#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

/* Runs body in a child; returns wait's status. */
static int run_in_child(void (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		body();
		_exit(99);
	}
	waitpid(pid, &status, 0);
	return status;
}

/* ---- what the program does when it was executed by itself ---------------------------------- */

static const char *where_stack(const uint64_t *base)
{
	return (uintptr_t)base % 16 ? "unaligned" : "aligned";
}

static int show_stack(char **argv)
{
	uint64_t *at = (uint64_t *)argv - 1;
	unsigned long tags = 0;
	int argc = 0, envc = 0;

	OUT("stack at entry is %s, argc %d", where_stack(at), (int)at[0]);
	while (argv[argc])
		argc++;
	char **env = argv + argc + 1;
	while (env[envc])
		envc++;
	CHECK_EQ(argument_count_stands_before_the_arguments, at[0], argc);
	CHECK(environment_follows_the_arguments, env == environ);
	Elf64_auxv_t *aux = (Elf64_auxv_t *)(env + envc + 1);
	for (; aux->a_type != AT_NULL; aux++)
		if (aux->a_type < 64)
			tags |= 1ul << aux->a_type;
	static const int wanted[] = { AT_PAGESZ, AT_PHDR,     AT_PHENT,  AT_PHNUM,        AT_BASE,
				      AT_ENTRY,  AT_FLAGS,    AT_UID,    AT_EUID,         AT_GID,
				      AT_EGID,   AT_SECURE,   AT_RANDOM, AT_HWCAP,        AT_HWCAP2,
				      AT_CLKTCK, AT_PLATFORM, AT_EXECFN, AT_SYSINFO_EHDR, 51 };
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!(tags >> wanted[i] & 1))
			check_line("not ok auxiliary_vector_is_complete: tag %d is missing",
				   wanted[i]);
	CHECK_EQ(page_size_is_told, getauxval(AT_PAGESZ), 4096);
	CHECK_EQ(clock_tick_is_100, getauxval(AT_CLKTCK), 100);
	CHECK_EQ(program_header_size_is_told, getauxval(AT_PHENT), sizeof(Elf64_Phdr));
	CHECK_EQ(static_program_has_no_base, getauxval(AT_BASE), 0);
	CHECK_EQ(not_secure_for_the_same_user, getauxval(AT_SECURE), 0);
	CHECK(ids_are_told, getauxval(AT_UID) == 0 && getauxval(AT_EUID) == 0 &&
				    getauxval(AT_GID) == 0 && getauxval(AT_EGID) == 0);
	CHECK_EQ(platform_is_named, strcmp((char *)getauxval(AT_PLATFORM), "x86_64"), 0);
	CHECK(sixteen_random_bytes_are_given, getauxval(AT_RANDOM) > (uintptr_t)aux);
	CHECK_EQ(executed_name_is_told, strcmp((char *)getauxval(AT_EXECFN), "./it"), 0);
	const Elf64_Phdr *phdr = (void *)getauxval(AT_PHDR);
	CHECK(program_headers_can_be_read,
	      phdr[0].p_type <= 0x70000000 && getauxval(AT_PHNUM) < 32);
	CHECK_EQ(vdso_is_an_elf_file, memcmp((void *)getauxval(AT_SYSINFO_EHDR), "\177ELF", 4), 0);
	CHECK(strings_lie_above_the_vectors,
	      (uintptr_t)argv[0] > (uintptr_t)aux && (uintptr_t)env[0] > (uintptr_t)argv[argc - 1]);
	CHECK(name_of_the_program_lies_above_the_strings,
	      getauxval(AT_EXECFN) > (uintptr_t)env[envc - 1]);
	uintptr_t top = getauxval(AT_EXECFN) + strlen("./it") + 1;
	CHECK_EQ(eight_zero_bytes_end_the_stack, (top + 8) % 4096, 0);

	unsigned long buffer[128];
	int fd = open("/proc/self/auxv", O_RDONLY);
	ssize_t got = read(fd, buffer, sizeof(buffer));
	Elf64_auxv_t *first = (Elf64_auxv_t *)(env + envc + 1);
	CHECK(proc_auxv_is_the_same,
	      got > 0 && memcmp(buffer, first, (size_t)((char *)(aux + 1) - (char *)first)) == 0);
	close(fd);
	return 0;
}

static int show_state(void)
{
	struct sigaction action;
	sigset_t set;
	stack_t stack;
	struct itimerval timer;
	char name[17] = { 0 };
	int value = -1;
	uintptr_t fs = 1;

	sigaction(SIGUSR1, NULL, &action);
	CHECK(handled_signal_has_its_default_again,
	      action.sa_handler == SIG_DFL && action.sa_flags == 0);
	sigaction(SIGUSR2, NULL, &action);
	CHECK(ignored_signal_stays_ignored, action.sa_handler == SIG_IGN);
	sigprocmask(SIG_BLOCK, NULL, &set);
	CHECK(mask_is_inherited, sigismember(&set, SIGHUP) && !sigismember(&set, SIGINT));
	sigpending(&set);
	CHECK(pending_signal_is_inherited, sigismember(&set, SIGHUP));
	sigaltstack(NULL, &stack);
	CHECK(alternate_stack_is_gone, stack.ss_flags == SS_DISABLE);
	getitimer(ITIMER_REAL, &timer);
	CHECK(interval_timer_is_inherited, timer.it_value.tv_sec > 50);
	CHECK_ERRNO(posix_timer_is_gone, syscall(SYS_timer_gettime, 0, &timer), EINVAL);
	prctl(PR_GET_NAME, name);
	OUT("name %s", name);
	prctl(PR_GET_PDEATHSIG, &value);
	CHECK_EQ(parent_death_signal_is_inherited, value, SIGUSR2);
	CHECK_EQ(keepcaps_is_cleared, prctl(PR_GET_KEEPCAPS), 0);
	CHECK_EQ(dumpable_is_set, prctl(PR_GET_DUMPABLE), 1);
	prctl(PR_GET_CHILD_SUBREAPER, &value);
	CHECK_EQ(subreaper_is_kept, value, 1);
	CHECK_EQ(timer_slack_is_kept, prctl(PR_GET_TIMERSLACK), 12345);
	CHECK_ERRNO(closed_on_exec, fcntl(20, F_GETFD), EBADF);
	CHECK_EQ(kept_over_exec, fcntl(21, F_GETFD), 0);
	CHECK_EQ(umask_is_kept, umask(0), 0123);
	CHECK_EQ(nice_is_kept, getpriority(PRIO_PROCESS, 0), 5);
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	CHECK_EQ(limits_are_kept, limit.rlim_cur, 77);
	void *head;
	size_t size;
	syscall(SYS_get_robust_list, 0, &head, &size);
	CHECK(robust_list_is_gone, head == NULL);
	syscall(SYS_arch_prctl, 0x1003, &fs);
	(void)fs;
	char path[256] = { 0 };
	readlink("/proc/self/exe", path, sizeof(path) - 1);
	CHECK_EQ(proc_self_exe_is_the_absolute_path, strcmp(path, "/tmp/it"), 0);
	return 0;
}

static int look(int argc, char **argv)
{
	const char *what = argv[argc > 1];

	if (!strcmp(what, "stack"))
		return show_stack(argv);
	if (!strcmp(what, "state"))
		return show_state();
	if (!strcmp(what, "pid"))
		return getpid() == atoi(argv[2]) && syscall(SYS_gettid) == getpid() ? 0 : 1;
	return executed(argc, argv);
}

/* ---- the checks ----------------------------------------------------------------------------- */

static void exec_stack(void)
{
	char *argv[] = { "./it", "stack", "a", NULL }, *envp[] = { "EXECUTED=1", "B=2", NULL };

	execve("./it", argv, envp);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void exec_state(void)
{
	static char stack[65536];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct itimerval timer = { .it_value = { 100, 0 } };
	struct rlimit limit = { 77, 1000 };
	timer_t posix;
	sigset_t set;

	sigaction(SIGUSR1, &action, NULL);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_SETMASK, &set, NULL);
	raise(SIGHUP);
	sigaltstack(&alternate, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	timer_create(CLOCK_MONOTONIC, NULL, &posix);
	prctl(PR_SET_NAME, "before");
	prctl(PR_SET_PDEATHSIG, SIGUSR2);
	prctl(PR_SET_KEEPCAPS, 1);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_TIMERSLACK, 12345);
	dup2(1, 21);
	dup3(1, 20, O_CLOEXEC);
	umask(0123);
	setpriority(PRIO_PROCESS, 0, 5);
	setrlimit(RLIMIT_NOFILE, &limit);
	char *argv[] = { "x", "state", NULL };
	execve("it", argv, environ);
}

static void exec_empty(void)
{
	char *argv[] = { NULL };

	execve("it", argv, environ);
}

static void exec_null(void)
{
	execve("it", NULL, environ);
}

static void check_plain(void)
{
	CHECK_EQ(exec_with_a_checked_stack, run_in_child(exec_stack), 0);
	CHECK_EQ(exec_with_state, run_in_child(exec_state), 0);
	CHECK_EQ(without_arguments_there_is_an_empty_one, run_in_child(exec_empty), 1 << 8);
	setenv("EXECUTED", "1", 1);
	int status = run_in_child(exec_null);
	OUT("without a vector: 0x%x", status);
}

static void check_limits(void)
{
	static char *argv[100002];
	static char string[140000];
	char *envp[] = { "EXECUTED=1", NULL };
	struct rlimit old, small;
	int status;

	for (int edge = -1; edge <= 1; edge++) {
		memset(string, 'a', sizeof(string));
		string[131072 + edge - 1] = 0;
		char *two[] = { "it", "exit", "0", string, NULL };
		pid_t pid = fork();
		if (pid == 0) {
			execve("it", two, envp);
			_exit(100 + errno % 100);
		}
		waitpid(pid, &status, 0);
		OUT("argument of 131072%+d bytes: 0x%x", edge, status);
	}
	argv[0] = "it";
	argv[1] = "count";
	argv[2] = "50000";
	for (int i = 3; i < 50000; i++)
		argv[i] = "ab";
	pid_t pid = fork();
	if (pid == 0) {
		execve("it", argv, envp);
		_exit(100 + errno % 100);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(fifty_thousand_arguments_arrive, status, 0);
	getrlimit(RLIMIT_STACK, &old);
	small = (struct rlimit){ 1 << 20, old.rlim_max };
	setrlimit(RLIMIT_STACK, &small);
	CHECK_ERRNO(a_quarter_of_the_stack_is_the_limit, execve("it", argv, envp), E2BIG);
	argv[20000] = NULL;
	argv[2] = "20000";
	pid = fork();
	if (pid == 0) {
		execve("it", argv, envp);
		_exit(100 + errno % 100);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(what_fits_a_small_stack_arrives, status, 0);
	setrlimit(RLIMIT_STACK, &old);
}

static pid_t leader;

static void *exec_from_thread(void *data)
{
	char text[16];
	char *argv[] = { "it", "pid", text, NULL };

	(void)data;
	sprintf(text, "%d", leader);
	execve("it", argv, environ);
	return NULL;
}

static void *sleep_long(void *data)
{
	(void)data;
	sleep(100);
	return NULL;
}

static void *spin(void *data)
{
	for (;;)
		(*(volatile int *)data)++;
	return NULL;
}

static void exec_threads(void)
{
	static int counter;
	pthread_t thread;

	leader = getpid();
	for (int i = 0; i < 4; i++)
		pthread_create(&thread, NULL, i % 2 ? spin : sleep_long, &counter);
	pthread_create(&thread, NULL, exec_from_thread, NULL);
	pause();
}

static void exec_dead_leader(void)
{
	pthread_t thread;

	leader = getpid();
	pthread_create(&thread, NULL, exec_from_thread, NULL);
	pthread_exit(NULL);
}

static void exec_leader(void)
{
	static int counter;
	pthread_t thread;

	leader = getpid();
	for (int i = 0; i < 4; i++)
		pthread_create(&thread, NULL, i % 2 ? spin : sleep_long, &counter);
	exec_from_thread(NULL);
}

static void *exec_race(void *data)
{
	pthread_barrier_wait(data);
	return exec_from_thread(NULL);
}

static void exec_all_at_once(void)
{
	pthread_barrier_t barrier;
	pthread_t thread;

	leader = getpid();
	pthread_barrier_init(&barrier, NULL, 5);
	for (int i = 0; i < 4; i++)
		pthread_create(&thread, NULL, exec_race, &barrier);
	exec_race(&barrier);
}

static void *fail_from_thread(void *data)
{
	char *argv[] = { "x", NULL };

	execve("missing", argv, environ);
	*(int *)data = errno;
	return NULL;
}

static void check_threads(void)
{
	pthread_t thread;
	int good = 0, error = 0;

	CHECK_EQ(thread_that_executes_becomes_the_process, run_in_child(exec_threads), 0);
	CHECK_EQ(leader_that_executes_ends_its_threads, run_in_child(exec_leader), 0);
	CHECK_EQ(thread_of_a_dead_leader_executes, run_in_child(exec_dead_leader), 0);
	for (int i = 0; i < 20; i++)
		good += run_in_child(exec_all_at_once) == 0;
	CHECK_EQ(one_of_many_threads_that_execute_wins, good, 20);
	pthread_create(&thread, NULL, fail_from_thread, &error);
	pthread_join(thread, NULL);
	CHECK_EQ(failed_exec_of_a_thread_harms_no_other, error, ENOENT);
}

int main(int argc, char **argv)
{
	if (getenv("EXECUTED"))
		return look(argc, argv);
	check_begin(argv);
	check_plain();
	check_limits();
	check_threads();
	return 0;
}
