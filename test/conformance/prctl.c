/*
 * prctl, personality, arch_prctl and rseq: what each sets, who inherits it, and what is refused.
 */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static void pause_ms(long ms)
{
	struct timespec span = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&span, &span) == -1 && errno == EINTR)
		;
}

static void *volatile bad = (void *)8;

static void *name_of_thread(void *data)
{
	prctl(PR_GET_NAME, data);
	prctl(PR_SET_NAME, "thread");
	return NULL;
}

static void check_names(void)
{
	char name[17] = { 0 }, inherited[17] = { 0 };
	pthread_t thread;

	prctl(PR_GET_NAME, name);
	CHECK_EQ(name_is_the_programs, strcmp(name, "prctl"), 0);
	CHECK_EQ(name_is_set, prctl(PR_SET_NAME, "a name that is too long"), 0);
	prctl(PR_GET_NAME, name);
	CHECK_EQ(long_name_is_cut, strcmp(name, "a name that is "), 0);
	pthread_create(&thread, NULL, name_of_thread, inherited);
	pthread_join(thread, NULL);
	CHECK_EQ(thread_inherits_the_name, strcmp(inherited, name), 0);
	prctl(PR_GET_NAME, name);
	CHECK_EQ(thread_names_only_itself, strcmp(inherited, name), 0);
	CHECK_ERRNO(name_at_a_bad_address, prctl(PR_SET_NAME, bad), EFAULT);
	CHECK_ERRNO(name_to_a_bad_address, prctl(PR_GET_NAME, bad), EFAULT);
}

static int look_at_inherited(void *data)
{
	int signal = -1;

	(void)data;
	prctl(PR_GET_PDEATHSIG, &signal);
	CHECK_EQ(parent_death_signal_is_not_inherited, signal, 0);
	CHECK_EQ(dumpable_is_inherited, prctl(PR_GET_DUMPABLE), 0);
	CHECK_EQ(keepcaps_is_inherited, prctl(PR_GET_KEEPCAPS), 1);
	CHECK_EQ(no_new_privs_is_inherited, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	CHECK_EQ(timer_slack_is_inherited, prctl(PR_GET_TIMERSLACK), 77777);
	CHECK_ERRNO(no_new_privs_stays, prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	return 0;
}

static int set_and_fork(void *data)
{
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_KEEPCAPS, 1);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_TIMERSLACK, 77777);
	return check_in_child(look_at_inherited, data);
}

static void check_flags(void)
{
	int signal = -1;

	CHECK_EQ(death_signal_is_none_at_first, (prctl(PR_GET_PDEATHSIG, &signal), signal), 0);
	CHECK_ERRNO(death_signal_65, prctl(PR_SET_PDEATHSIG, 65), EINVAL);
	CHECK_ERRNO(death_signal_to_a_bad_address, prctl(PR_GET_PDEATHSIG, bad), EFAULT);
	CHECK_EQ(dumpable_at_first, prctl(PR_GET_DUMPABLE), 1);
	CHECK_ERRNO(dumpable_as_root_only_cannot_be_asked_for, prctl(PR_SET_DUMPABLE, 2), EINVAL);
	CHECK_ERRNO(keepcaps_of_two, prctl(PR_SET_KEEPCAPS, 2), EINVAL);
	CHECK_ERRNO(no_new_privs_with_more_words, prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
	CHECK_ERRNO(no_new_privs_of_zero, prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	CHECK_EQ(timer_slack_at_first, prctl(PR_GET_TIMERSLACK), 50000);
	CHECK_EQ(timer_slack_of_zero_is_the_default,
		 (prctl(PR_SET_TIMERSLACK, 5), prctl(PR_SET_TIMERSLACK, 0),
		  prctl(PR_GET_TIMERSLACK)),
		 50000);
	CHECK_ERRNO(unknown_option, prctl(0x7777), EINVAL);
	CHECK_ERRNO(capability_that_is_none, prctl(PR_CAPBSET_READ, 64), EINVAL);
	CHECK_EQ(capability_bounds_are_full, prctl(PR_CAPBSET_READ, 0), 1);
	CHECK_EQ(flags_and_children, check_in_child(set_and_fork, NULL), 0);
}

static int *shared;

static int orphaned(void *data)
{
	pid_t parent = getpid();

	(void)data;
	if (fork() == 0) {
		sigset_t set;
		siginfo_t info;
		struct timespec limit = { 3, 0 };

		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		prctl(PR_SET_PDEATHSIG, SIGUSR1);
		shared[0] = 1;
		int sig = sigtimedwait(&set, &info, &limit);
		shared[1] = sig == SIGUSR1 && info.si_pid == parent ? 1 : 2;
		_exit(0);
	}
	while (!shared[0])
		pause_ms(1);
	return 0;
}

static void check_parent_death(void)
{
	shared[0] = shared[1] = 0;
	check_in_child(orphaned, NULL);
	for (int i = 0; i < 3000 && !shared[1]; i++)
		pause_ms(1);
	CHECK_EQ(death_of_the_parent_is_told, shared[1], 1);
}

static int change_ids(void *data)
{
	int signal = -1;

	(void)data;
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	CHECK_EQ(ids_change, setresuid(1000, 1000, 0), 0);
	CHECK_EQ(change_of_ids_ends_dumpable, prctl(PR_GET_DUMPABLE), 0);
	prctl(PR_GET_PDEATHSIG, &signal);
	CHECK_EQ(change_of_ids_ends_the_death_signal, signal, 0);
	return 0;
}

static void check_personality(void)
{
	int before = personality(0xffffffff);

	CHECK_EQ(personality_is_linux, before, 0);
	CHECK_EQ(personality_tells_the_former, personality(ADDR_NO_RANDOMIZE), 0);
	CHECK_EQ(personality_is_set, personality(0xffffffff), ADDR_NO_RANDOMIZE);
	personality(0);
}

enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS = 0x1002, ARCH_GET_FS = 0x1003, ARCH_GET_GS = 0x1004 };

static void check_bases(void)
{
	static uint64_t words[2] = { 11, 22 };
	uint64_t base = 0, value, fs, fs_again;

	syscall(SYS_arch_prctl, ARCH_GET_FS, &fs);
	CHECK(fs_base_is_the_threads, fs == (uintptr_t)pthread_self());
	CHECK_EQ(gs_base_is_set, syscall(SYS_arch_prctl, ARCH_SET_GS, words), 0);
	__asm__ volatile("mov %%gs:8, %0" : "=r"(value));
	CHECK_EQ(gs_base_is_used, value, 22);
	sched_yield();
	pause_ms(5);
	__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
	CHECK_EQ(gs_base_survives_a_sleep, value, 11);
	syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
	CHECK_EQ(gs_base_is_told, base, (uintptr_t)words);
	syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_again);
	CHECK_EQ(fs_base_is_another, fs_again, fs);
	CHECK_ERRNO(base_in_the_kernel, syscall(SYS_arch_prctl, ARCH_SET_GS, 0xffffffff80000000),
		    EPERM);
	CHECK_ERRNO(base_that_is_no_address, syscall(SYS_arch_prctl, ARCH_SET_FS, 1ul << 63),
		    EPERM);
	CHECK_ERRNO(base_to_a_bad_address, syscall(SYS_arch_prctl, ARCH_GET_FS, bad), EFAULT);
	CHECK_ERRNO(unknown_arch_option, syscall(SYS_arch_prctl, 0x7777, 0), EINVAL);
	pid_t pid = fork();
	if (pid == 0) {
		__asm__ volatile("mov %%gs:8, %0" : "=r"(value));
		_exit(value == 22 ? 0 : 1);
	}
	int status;
	waitpid(pid, &status, 0);
	CHECK_EQ(bases_are_inherited, status, 0);
	syscall(SYS_arch_prctl, ARCH_SET_GS, 0);
}

struct rseq_area {
	uint32_t cpu_id_start, cpu_id;
	uint64_t critical_section;
	uint32_t flags, padding[3];
} __attribute__((aligned(32)));

struct rseq_section {
	uint32_t version, flags;
	uint64_t start, length, abort;
} __attribute__((aligned(32)));

static struct rseq_area area;
static struct rseq_section section;
static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* A section that loops until something interrupts it; true if it was taken to its abort handler. */
static bool section_is_aborted(void)
{
	uint64_t aborted = 0;

	__asm__ volatile("lea 1f(%%rip), %%rax\n\tmov %%rax, %[start]\n\t"
			 "lea 2f(%%rip), %%rcx\n\tsub %%rax, %%rcx\n\tmov %%rcx, %[length]\n\t"
			 "lea 4f(%%rip), %%rax\n\tmov %%rax, %[abort]\n\t"
			 "lea %[section], %%rax\n\tmov %%rax, %[pointer]\n"
			 "1:\n\tpause\n\tjmp 1b\n2:\n\tjmp 5f\n\t"
			 ".byte 0x0f, 0xb9, 0x3d\n\t.long 0x53053053\n"
			 "4:\n\tmov $1, %[aborted]\n5:"
			 : [start] "=m"(section.start), [length] "=m"(section.length),
			   [abort] "=m"(section.abort), [pointer] "=m"(area.critical_section),
			   [aborted] "+r"(aborted)
			 : [section] "m"(section)
			 : "rax", "rcx", "memory", "cc");
	return aborted;
}

static void check_rseq(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec value = { .it_value = { 0, 10000000 } };
	timer_t timer;

	CHECK_ERRNO(rseq_of_a_wrong_size, syscall(SYS_rseq, &area, 16, 0, 0x53053053), EINVAL);
	CHECK_ERRNO(rseq_of_a_wrong_alignment, syscall(SYS_rseq, (char *)&area + 8, 32, 0, 1),
		    EINVAL);
	CHECK_ERRNO(rseq_of_an_unknown_flag, syscall(SYS_rseq, &area, 32, 2, 1), EINVAL);
	CHECK_ERRNO(rseq_that_was_not_registered, syscall(SYS_rseq, &area, 32, 1, 1), EINVAL);
	area.cpu_id = (uint32_t)-1;
	CHECK_EQ(rseq_is_registered, syscall(SYS_rseq, &area, 32, 0, 0x53053053), 0);
	CHECK(cpu_is_told, area.cpu_id < 64 && area.cpu_id == area.cpu_id_start);
	CHECK_ERRNO(rseq_registers_once, syscall(SYS_rseq, &area, 32, 0, 0x53053053), EBUSY);
	CHECK_ERRNO(rseq_of_another_signature, syscall(SYS_rseq, &area, 32, 0, 1), EPERM);
	signal(SIGUSR1, interrupt);
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &value, NULL);
	CHECK(signal_aborts_a_section, section_is_aborted());
	CHECK_EQ(section_is_forgotten, area.critical_section, 0);
	timer_delete(timer);
	CHECK_ERRNO(unregister_with_another_signature, syscall(SYS_rseq, &area, 32, 1, 1), EPERM);
	CHECK_EQ(rseq_is_unregistered, syscall(SYS_rseq, &area, 32, 1, 0x53053053), 0);
}

/* The registration belongs to the memory, of which a child has a copy. */
static int barrier_in_child(void)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(syscall(SYS_membarrier, 8, 0, 0) ? 1 : 0);
	waitpid(child, &status, 0);
	return status;
}

static void check_membarrier(void)
{
	long commands = syscall(SYS_membarrier, 0, 0, 0);

	CHECK(membarrier_names_its_commands, commands > 0 && (commands & 1));
	CHECK_EQ(global_barrier, syscall(SYS_membarrier, 1, 0, 0), 0);
	CHECK_ERRNO(private_barrier_needs_registration, syscall(SYS_membarrier, 8, 0, 0), EPERM);
	CHECK_EQ(register_private_barrier, syscall(SYS_membarrier, 16, 0, 0), 0);
	CHECK_EQ(private_barrier, syscall(SYS_membarrier, 8, 0, 0), 0);
	CHECK_EQ(child_inherits_registration, barrier_in_child(), 0);
	CHECK_ERRNO(unknown_barrier, syscall(SYS_membarrier, 1 << 20, 0, 0), EINVAL);
	CHECK_ERRNO(barrier_with_flags, syscall(SYS_membarrier, 8, 77, 0), EINVAL);
	CHECK_EQ(sequences_can_be_restarted, commands & (128 | 256), 128 | 256);
	CHECK_ERRNO(restart_needs_registration, syscall(SYS_membarrier, 128, 0, 0), EPERM);
	CHECK_EQ(register_restart, syscall(SYS_membarrier, 256, 0, 0), 0);
	CHECK_EQ(restart_of_all, syscall(SYS_membarrier, 128, 0, 0), 0);
	CHECK_EQ(restart_on_one_cpu, syscall(SYS_membarrier, 128, 1, 0), 0);
	CHECK_EQ(restart_on_no_cpu, syscall(SYS_membarrier, 128, 1, 5000), 0);
	CHECK_ERRNO(restart_with_other_flags, syscall(SYS_membarrier, 128, 2, 0), EINVAL);
	CHECK_EQ(register_global_barrier, syscall(SYS_membarrier, 4, 0, 0), 0);
	CHECK_EQ(global_barrier_now, syscall(SYS_membarrier, 2, 0, 0), 0);
	CHECK_EQ(register_serialising_barrier, syscall(SYS_membarrier, 64, 0, 0), 0);
	CHECK_EQ(serialising_barrier, syscall(SYS_membarrier, 32, 0, 0), 0);
}

int main(void)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check_names();
	check_flags();
	check_parent_death();
	CHECK_EQ(ids_and_flags, check_in_child(change_ids, NULL), 0);
	check_personality();
	check_bases();
	check_rseq();
	check_membarrier();
	return 0;
}
