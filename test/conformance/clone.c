/*
 * fork, vfork, clone, clone3 and unshare: flags, what is shared and what is copied, numbers that
 * are stored, and which combinations are refused.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

int unshare(int flags);

static char stack[65536] __attribute__((aligned(16)));

static void pause_ms(long ms)
{
	struct timespec span = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&span, &span) == -1 && errno == EINTR)
		;
}

/* clone on a stack of its own: the child runs body(data) and exits with its result. */
static pid_t clone_on_stack(unsigned long flags, int (*body)(void *), void *data, int *parent_tid,
			    int *child_tid)
{
	void **top = (void **)(stack + sizeof(stack)) - 2;
	long result;
	register int *r10 __asm__("r10") = child_tid;
	register void *r8 __asm__("r8") = NULL;

	top[0] = (void *)body;
	top[1] = data;
	__asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\t"
			 "pop %%rax\n\tpop %%rdi\n\txor %%ebp, %%ebp\n\tcall *%%rax\n\t"
			 "mov %%eax, %%edi\n\tmov %[exit], %%eax\n\tsyscall\n\thlt\n1:"
			 : "=a"(result)
			 : "a"(SYS_clone), "D"(flags), "S"(top), "d"(parent_tid), "r"(r10),
			   "r"(r8), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	return (pid_t)result;
}

static long raw_clone(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, __WALL);
	return pid;
}

static long raw_clone3(struct clone_args *args, size_t size)
{
	long pid = syscall(SYS_clone3, args, size);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, __WALL);
	return pid;
}

static void check_flags(void)
{
	CHECK_ERRNO(thread_needs_sighand, raw_clone(CLONE_THREAD | CLONE_VM | SIGCHLD), EINVAL);
	CHECK_ERRNO(sighand_needs_vm, raw_clone(CLONE_SIGHAND | SIGCHLD), EINVAL);
	CHECK_ERRNO(new_mounts_do_not_go_with_fs, raw_clone(CLONE_NEWNS | CLONE_FS | SIGCHLD),
		    EINVAL);
	CHECK(detached_is_ignored, raw_clone(0x00400000 | SIGCHLD) > 0);
	CHECK(any_exit_signal_is_taken, raw_clone(200) > 0);
	CHECK(unknown_low_flags_are_the_signal, raw_clone(0) > 0);
	pid_t pid = fork();
	if (pid == 0) {
		setuid(1000);
		CHECK_ERRNO(namespaces_need_privilege, raw_clone(CLONE_NEWNS | SIGCHLD), EPERM);
		CHECK_ERRNO(unshare_needs_privilege, unshare(CLONE_NEWUTS), EPERM);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	CHECK_ERRNO(unshare_of_an_unknown_flag, unshare(1), EINVAL);
	CHECK_ERRNO(unshare_of_a_flag_that_is_for_clone, unshare(CLONE_PARENT_SETTID), EINVAL);
	CHECK_EQ(unshare_of_nothing, unshare(0), 0);
	CHECK_EQ(unshare_of_what_is_not_shared, unshare(CLONE_FILES | CLONE_FS), 0);
}

static void check_clone3(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	struct {
		struct clone_args args;
		char more[64];
	} longer = { .args = { .exit_signal = SIGCHLD } };

	CHECK(clone3_forks, raw_clone3(&args, sizeof(args)) > 0);
	CHECK(clone3_of_the_first_size, raw_clone3(&args, 64) > 0);
	CHECK_ERRNO(clone3_of_a_lesser_size, raw_clone3(&args, 63), EINVAL);
	CHECK_ERRNO(clone3_of_a_huge_size, raw_clone3(&args, 8192), E2BIG);
	CHECK(clone3_of_a_greater_size_with_zeroes, raw_clone3(&longer.args, sizeof(longer)) > 0);
	longer.more[20] = 1;
	CHECK_ERRNO(clone3_of_a_greater_size_with_more, raw_clone3(&longer.args, sizeof(longer)),
		    E2BIG);
	CHECK_ERRNO(clone3_of_a_bad_address, syscall(SYS_clone3, (void *)8, 64), EFAULT);
	args.exit_signal = 65;
	CHECK_ERRNO(clone3_with_a_wrong_signal, raw_clone3(&args, 64), EINVAL);
	args = (struct clone_args){ .flags = SIGCHLD };
	CHECK_ERRNO(clone3_has_no_signal_in_its_flags, raw_clone3(&args, 64), EINVAL);
	args = (struct clone_args){ .stack = (uintptr_t)stack, .exit_signal = SIGCHLD };
	CHECK_ERRNO(clone3_with_a_stack_without_size, raw_clone3(&args, 64), EINVAL);
	args = (struct clone_args){ .stack_size = 4096, .exit_signal = SIGCHLD };
	CHECK_ERRNO(clone3_with_a_size_without_stack, raw_clone3(&args, 64), EINVAL);
	args = (struct clone_args){ .flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM,
				    .exit_signal = SIGCHLD };
	CHECK_ERRNO(clone3_thread_has_no_signal, raw_clone3(&args, 64), EINVAL);
	args = (struct clone_args){ .flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM };
	CHECK_ERRNO(clear_and_share_handlers, raw_clone3(&args, 64), EINVAL);

	signal(SIGUSR1, SIG_IGN);
	struct sigaction action;
	sigaction(SIGUSR2, &(struct sigaction){ .sa_handler = (void (*)(int))check_clone3 }, NULL);
	args = (struct clone_args){ .flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		sigaction(SIGUSR2, NULL, &action);
		bool reset = action.sa_handler == SIG_DFL;
		sigaction(SIGUSR1, NULL, &action);
		_exit(reset && action.sa_handler == SIG_IGN ? 0 : 1);
	}
	int status;
	waitpid((pid_t)pid, &status, 0);
	CHECK_EQ(handlers_are_cleared_but_not_what_is_ignored, status, 0);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);

	pid_t wanted = 30000;
	args = (struct clone_args){ .exit_signal = SIGCHLD,
				    .set_tid = (uintptr_t)&wanted,
				    .set_tid_size = 1 };
	CHECK_EQ(number_can_be_chosen, raw_clone3(&args, sizeof(args)), 30000);
	wanted = getpid();
	CHECK_ERRNO(number_in_use_cannot_be_chosen, raw_clone3(&args, sizeof(args)), EEXIST);
	wanted = -1;
	CHECK_ERRNO(negative_number_cannot_be_chosen, raw_clone3(&args, sizeof(args)), EINVAL);
	args.set_tid_size = 0;
	CHECK_ERRNO(choice_without_size, raw_clone3(&args, sizeof(args)), EINVAL);
	args.set_tid_size = 50;
	CHECK_ERRNO(too_many_choices, raw_clone3(&args, sizeof(args)), EINVAL);
}

static volatile int shared_value, seen_tid, seen_ppid;

static int change(void *data)
{
	(void)data;
	shared_value++;
	close(40);
	chdir("/");
	umask(0177);
	signal(SIGUSR1, SIG_IGN);
	seen_ppid = (int)syscall(SYS_getppid);
	return 6;
}

/* Which of memory, descriptors, directory, handlers the parent sees changed. */
static int changes_seen(unsigned long flags)
{
	struct sigaction action;
	char path[256];
	int seen, status = 0;

	shared_value = 0;
	dup2(1, 40);
	chdir("/tmp");
	umask(022);
	signal(SIGUSR1, SIG_DFL);
	pid_t pid = clone_on_stack(flags | SIGCHLD, change, NULL, NULL, NULL);
	waitpid(pid, &status, __WALL);
	sigaction(SIGUSR1, NULL, &action);
	seen = shared_value ? 1 : 0;
	seen |= fcntl(40, F_GETFD) == -1 ? 2 : 0;
	seen |= !strcmp(getcwd(path, sizeof(path)), "/") ? 4 : 0;
	seen |= umask(022) == 0177 ? 8 : 0;
	seen |= action.sa_handler == SIG_IGN ? 16 : 0;
	signal(SIGUSR1, SIG_DFL);
	chdir("/tmp");
	return status == 6 << 8 ? seen : -1;
}

static void check_sharing(void)
{
	CHECK_EQ(nothing_is_shared_without_flags, changes_seen(0), 0);
	CHECK_EQ(memory_is_shared_by_VM, changes_seen(CLONE_VM), 1);
	CHECK_EQ(descriptors_are_shared_by_FILES, changes_seen(CLONE_FILES), 2);
	CHECK_EQ(directory_and_umask_are_shared_by_FS, changes_seen(CLONE_FS), 4 | 8);
	CHECK_EQ(handlers_are_shared_by_SIGHAND, changes_seen(CLONE_VM | CLONE_SIGHAND), 1 | 16);
	CHECK_EQ(all_can_be_shared, changes_seen(CLONE_VM | CLONE_SIGHAND | CLONE_FILES | CLONE_FS),
		 31);
	CHECK_EQ(child_of_clone_has_its_maker_as_parent, (changes_seen(CLONE_VM), seen_ppid),
		 getpid());
	CHECK_EQ(child_by_PARENT_is_a_sibling, (changes_seen(CLONE_PARENT) == -1), 1);
}

static int report_tid(void *data)
{
	seen_tid = *(volatile int *)data;
	return seen_tid == (int)syscall(SYS_gettid) ? 0 : 1;
}

static int return_zero(void *data)
{
	(void)data;
	return 0;
}

static void check_numbers(void)
{
	static int parent_tid, child_tid;
	int status;
	pid_t pid;

	pid = clone_on_stack(CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD,
			     report_tid, &child_tid, &parent_tid, &child_tid);
	waitpid(pid, &status, 0);
	CHECK_EQ(number_is_stored_for_the_parent, parent_tid, pid);
	CHECK_EQ(number_is_stored_for_the_child_before_it_runs, status, 0);
	parent_tid = child_tid = 0;
	pid = clone_on_stack(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, report_tid,
			     &child_tid, &parent_tid, &child_tid);
	waitpid(pid, &status, 0);
	CHECK(number_of_the_child_is_stored_in_its_own_memory,
	      child_tid == 0 && status == 0 && parent_tid == pid);
	child_tid = 55;
	pid = clone_on_stack(CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, return_zero, NULL, NULL,
			     &child_tid);
	waitpid(pid, &status, 0);
	CHECK_EQ(number_is_cleared_at_the_end, child_tid, 0);
	child_tid = 55;
	pid = clone_on_stack(CLONE_CHILD_CLEARTID | SIGCHLD, return_zero, NULL, NULL, &child_tid);
	waitpid(pid, &status, 0);
	CHECK_EQ(copy_of_the_number_is_left_alone, child_tid, 55);
	pid = clone_on_stack(CLONE_PARENT_SETTID | SIGCHLD, return_zero, NULL, (int *)8, NULL);
	CHECK(bad_address_for_the_number_is_no_error, pid > 0);
	waitpid(pid, &status, 0);
	CHECK_EQ(set_tid_address_returns_the_number, syscall(SYS_set_tid_address, NULL), getpid());
}

static volatile int order;

static int vfork_body(void *data)
{
	pause_ms(30);
	order = 1;
	return (int)(intptr_t)data;
}

static void check_vfork(void)
{
	int status;
	pid_t pid;

	order = 0;
	pid = clone_on_stack(CLONE_VM | CLONE_VFORK | SIGCHLD, vfork_body, (void *)8, NULL, NULL);
	CHECK_EQ(parent_waits_for_the_childs_end, order, 1);
	waitpid(pid, &status, 0);
	CHECK_EQ(and_reaps_it_then, status, 8 << 8);

	volatile int stage = 0;
	pid = vfork();
	if (pid == 0) {
		char *argv[] = { "busybox", "sleep", "5", NULL }, *envp[] = { NULL };
		stage = 1;
		execve("/tmp/missing", argv, envp);
		stage = errno == ENOENT ? 2 : 3;
		execve("/bin/busybox", argv, envp);
		execve("/bin/sleep", argv + 1, envp);
		_exit(77);
	}
	CHECK_EQ(failed_exec_leaves_the_shared_image_whole, stage, 2);
	CHECK_EQ(parent_goes_on_at_exec_not_at_the_end, waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK_EQ(executed_child_is_its_own_program, status, SIGKILL);
	volatile int good = 0;
	for (volatile int i = 0; i < 100; i++) {
		pid = vfork();
		if (pid == 0)
			_exit(i);
		waitpid(pid, &status, 0);
		good += WEXITSTATUS(status) == i;
	}
	CHECK_EQ(many_vforks, good, 100);
}

/* A parent that is killed while it waits in vfork does not take the child along. */
static void check_vfork_killed(void)
{
	int ends[2];
	char byte = 0;

	pipe(ends);
	pid_t middle = fork();
	if (middle == 0) {
		if (vfork() == 0) {
			pause_ms(60);
			write(ends[1], "c", 1);
			_exit(0);
		}
		write(ends[1], "p", 1);
		_exit(0);
	}
	pause_ms(20);
	kill(middle, SIGKILL);
	int status;
	waitpid(middle, &status, 0);
	CHECK_EQ(parent_in_vfork_can_be_killed, status, SIGKILL);
	CHECK(child_of_vfork_lives_on, read(ends[0], &byte, 1) == 1 && byte == 'c');
	close(ends[0]);
	close(ends[1]);
}

static void check_limits(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit limit = { 3, 3 };

		setrlimit(RLIMIT_NPROC, &limit);
		setuid(5555);
		pid_t one = fork();
		if (one == 0) {
			pause_ms(200);
			_exit(0);
		}
		pid_t two = fork();
		if (two == 0) {
			pause_ms(200);
			_exit(0);
		}
		CHECK_ERRNO(one_process_too_many, fork(), EAGAIN);
		kill(one, SIGKILL);
		waitpid(one, NULL, 0);
		one = fork();
		if (one == 0)
			_exit(0);
		CHECK(there_is_room_again, one > 0);
		waitpid(one, NULL, 0);
		kill(two, SIGKILL);
		waitpid(two, NULL, 0);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void check_many(void)
{
	enum { MANY = 200 };
	int good = 0, status;

	for (int i = 0; i < MANY; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(i & 0x7f);
	}
	for (int i = 0; i < MANY; i++)
		good += wait(&status) > 0 && WIFEXITED(status);
	CHECK_EQ(two_hundred_children_at_once, good, MANY);
}

static void check_unshare(void)
{
	pid_t pid;
	int status;

	pid = fork();
	if (pid == 0) {
		bool good = unshare(CLONE_NEWUTS) == 0 && sethostname("other", 5) == 0;
		_exit(good ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	char name[65] = { 0 };
	gethostname(name, sizeof(name));
	CHECK(name_of_another_namespace_is_its_own, status == 0 && strcmp(name, "other"));
	CHECK_EQ(unshare_of_vm_alone, unshare(CLONE_VM), 0);
	CHECK_EQ(unshare_of_thread_alone, unshare(CLONE_THREAD), 0);
}

int main(void)
{
	check_flags();
	check_clone3();
	check_sharing();
	check_numbers();
	check_vfork();
	check_vfork_killed();
	check_limits();
	check_many();
	check_unshare();
	return 0;
}
