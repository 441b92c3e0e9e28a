/*
 * Threads and their CPUs: affinity that holds as soon as the call returns, what a thread knows of
 * where it runs (getcpu, /proc, rseq), with one CPU or many. Nothing that is printed depends on how
 * many there are.
 */
#define _GNU_SOURCE /* sched_getcpu, cpu_set_t */
#include <fcntl.h>
#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#include "check.h"

enum { ROUNDS = 24, SIGNATURE = 0x53053053 };

static int cpus[64], nr_cpus;

static void find_cpus(void)
{
	uint64_t mask = 0;

	syscall(SYS_sched_getaffinity, 0, sizeof(mask), &mask);
	for (int i = 0; i < 64; i++)
		if (mask >> i & 1)
			cpus[nr_cpus++] = i;
}

static int pin(pid_t tid, int cpu)
{
	uint64_t mask = 1ul << cpu;

	return (int)syscall(SYS_sched_setaffinity, tid, sizeof(mask), &mask);
}

static int pin_to_all(pid_t tid)
{
	uint64_t mask = ~0ul;

	return (int)syscall(SYS_sched_setaffinity, tid, sizeof(mask), &mask);
}

static uint64_t affinity(pid_t tid)
{
	uint64_t mask = 0;

	syscall(SYS_sched_getaffinity, tid, sizeof(mask), &mask);
	return mask;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* Field 39 of /proc/PID/stat: where it runs, or ran last. */
static int shown_cpu(pid_t pid)
{
	char path[64], text[1024], *at;
	int fd, field = 2;
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, pid);
	fd = open(path, O_RDONLY);
	size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	close(fd);
	if (size <= 0)
		return -1;
	text[size] = 0;
	for (at = strrchr(text, ')'); at && field < 39; field++)
		at = strchr(at + 1, ' ');
	return at ? atoi(at) : -1;
}

/* ---- the calling thread ---------------------------------------------------------------------- */

static void check_own(void)
{
	unsigned int cpu, node;
	int wrong_call = 0, wrong_libc = 0, wrong_proc = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int want = cpus[i % nr_cpus];

		wrong_call += pin(0, want) || syscall(SYS_getcpu, &cpu, &node, NULL) ||
			      (int)cpu != want;
		wrong_libc += sched_getcpu() != want;
		if (i < nr_cpus)
			wrong_proc += shown_cpu(getpid()) != want;
	}
	pin_to_all(0);
	CHECK_EQ(thread_is_where_it_sent_itself, wrong_call, 0);
	CHECK_EQ(and_the_c_library_knows, wrong_libc, 0);
	CHECK_EQ(and_proc_knows, wrong_proc, 0);
}

static void check_masks(void)
{
	uint64_t wide[16], before = affinity(0);
	int last = cpus[nr_cpus - 1];

	memset(wide, 0, sizeof(wide));
	wide[15] = 1;
	CHECK_ERRNO(only_cpus_that_do_not_exist,
		    syscall(SYS_sched_setaffinity, 0, sizeof(wide), wide), EINVAL);
	CHECK_EQ(and_nothing_has_changed, affinity(0) == before, 1);
	wide[0] = 1ul << last;
	CHECK_EQ(those_that_exist_count, syscall(SYS_sched_setaffinity, 0, sizeof(wide), wide), 0);
	CHECK_EQ(and_are_told, affinity(0) == 1ul << last, 1);
	CHECK_EQ(thread_is_there, sched_getcpu() == last, 1);
	pin_to_all(0);
	CHECK_EQ(all_that_exist_are_told, affinity(0) == before, 1);
	CHECK_ERRNO(mask_from_a_bad_pointer, syscall(SYS_sched_setaffinity, 0, 8, (void *)8),
		    EFAULT);
	CHECK_ERRNO(mask_of_no_bytes, syscall(SYS_sched_setaffinity, 0, 0, wide), EINVAL);
	CHECK_ERRNO(affinity_of_nobody, syscall(SYS_sched_setaffinity, 99999, 8, wide), ESRCH);
	CHECK_EQ(node_zero_or_nothing, syscall(SYS_getcpu, NULL, NULL, NULL), 0);
	CHECK_ERRNO(getcpu_to_a_bad_pointer, syscall(SYS_getcpu, (void *)8, NULL, NULL), EFAULT);
}

/* ---- others ---------------------------------------------------------------------------------- */

static int compute(void *data)
{
	for (volatile bool ever = !data; ever;)
		;
	return 0;
}

static int sleep_always(void *data)
{
	for (volatile bool ever = !data; ever;)
		pause_ms(5);
	return 0;
}

/* A sleeper is shown where it ran last, until it runs again. */
static bool comes_to(pid_t pid, int cpu)
{
	for (int i = 0; i < 2000 && shown_cpu(pid) != cpu; i++)
		pause_ms(1);
	return shown_cpu(pid) == cpu;
}

static int count_misplaced(pid_t pid)
{
	int wrong = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int want = cpus[i % nr_cpus];

		wrong += pin(pid, want) || affinity(pid) != 1ul << want;
		wrong += i % 4 == 0 && !comes_to(pid, want);
	}
	return wrong;
}

static pid_t start(int (*body)(void *data))
{
	pid_t pid = fork();

	if (!pid)
		_exit(body(NULL));
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void check_others(void)
{
	pid_t pid = start(compute);
	int wrong = 0;

	CHECK_EQ(process_that_computes_goes_where_it_is_sent, count_misplaced(pid), 0);
	for (int i = 0; i < ROUNDS; i++) {
		int want = cpus[i % nr_cpus];

		/* it runs in user mode: it is there when the call returns */
		wrong += pin(pid, want) || shown_cpu(pid) != want;
	}
	CHECK_EQ(and_is_there_when_the_call_returns, wrong, 0);
	stop(pid);
	pid = start(sleep_always);
	CHECK_EQ(process_that_sleeps_goes_where_it_is_sent, count_misplaced(pid), 0);
	stop(pid);
}

static void *tell_affinity(void *data)
{
	*(uint64_t *)data = affinity(0);
	return NULL;
}

static int tell_cpu(void *data)
{
	(void)data;
	return affinity(0) == 1ul << cpus[nr_cpus - 1] && sched_getcpu() == cpus[nr_cpus - 1];
}

static void check_inheritance(void)
{
	uint64_t mask = 0, before = affinity(0);
	pthread_t thread;
	int status = 0;
	pid_t pid;

	pin(0, cpus[nr_cpus - 1]);
	pid = start(tell_cpu);
	waitpid(pid, &status, 0);
	CHECK_EQ(child_inherits_affinity, WEXITSTATUS(status), 1);
	pthread_create(&thread, NULL, tell_affinity, &mask);
	pthread_join(thread, NULL);
	CHECK_EQ(thread_inherits_affinity, mask == 1ul << cpus[nr_cpus - 1], 1);
	pin_to_all(0);
	CHECK_EQ(affinity_is_as_before, affinity(0) == before, 1);
}

static int send_another(void *pid)
{
	CHECK_EQ(drop_root, syscall(SYS_setresuid, 1000, 1000, 1000), 0);
	CHECK_ERRNO(process_of_another_user_stays, pin(*(pid_t *)pid, cpus[0]), EPERM);
	CHECK_EQ(but_tells_its_affinity, affinity(*(pid_t *)pid) != 0, 1);
	return 0;
}

/* ---- restartable sequences ------------------------------------------------------------------- */

static struct rseq area __attribute__((aligned(32)));
static _Atomic int stop_section, aborts, seen_cpu = -1, section_tid;

/*
 * Goes round in a critical section that never ends by itself; each abort is counted, with the CPU
 * that the area tells then.
 */
static void section_forever(void)
{
	__asm__ volatile(
		".pushsection .data.rseq, \"aw\"\n"
		".balign 32\n"
		"70: .long 0, 0\n"
		".quad 71f, 72f - 71f, 74f\n"
		".popsection\n"
		"73: lea 70b(%%rip), %%rax\n"
		"movq %%rax, %[section]\n"
		"71: cmpl $0, %[stop]\n"
		"je 71b\n"
		"72: jmp 75f\n"
		".long %c[signature]\n"
		"74: movl %[cpu_id], %%eax\n"
		"movl %%eax, %[seen]\n"
		"lock incl %[aborts]\n"
		"cmpl $0, %[stop]\n"
		"je 73b\n"
		"75: movq $0, %[section]\n"
		: [section] "=m"(area.rseq_cs), [seen] "=m"(seen_cpu), [aborts] "+m"(aborts)
		: [stop] "m"(stop_section), [cpu_id] "m"(area.cpu_id), [signature] "i"(SIGNATURE)
		: "rax", "memory", "cc");
}

static void *run_section(void *data)
{
	long err = syscall(SYS_rseq, &area, sizeof(area), 0, SIGNATURE);

	(void)data;
	section_tid = (int)syscall(SYS_gettid);
	if (!err)
		section_forever();
	err |= syscall(SYS_rseq, &area, sizeof(area), RSEQ_FLAG_UNREGISTER, SIGNATURE);
	return (void *)err;
}

static bool aborted_on(int cpu, int before)
{
	for (int i = 0; i < 2000 && (aborts == before || seen_cpu != cpu); i++)
		pause_ms(1);
	return aborts != before && seen_cpu == cpu;
}

static void check_sections(void)
{
	int not_aborted = 0, wrong_start = 0;
	pthread_t thread;
	void *err = NULL;

	pin(0, cpus[0]);
	pthread_create(&thread, NULL, run_section, NULL);
	while (!section_tid)
		pause_ms(1);
	for (int i = 1; i <= ROUNDS; i++) {
		int want = cpus[i % nr_cpus], before = aborts;

		not_aborted += pin(section_tid, want) || !aborted_on(want, before);
		wrong_start += (int)area.cpu_id_start != want;
	}
	stop_section = 1;
	pthread_join(thread, &err);
	pin_to_all(0);
	CHECK_EQ(area_is_registered_and_unregistered, (long)err, 0);
	CHECK_EQ(section_is_aborted_by_move_or_preemption_and_finds_its_cpu, not_aborted, 0);
	CHECK_EQ(and_where_to_start, wrong_start, 0);
	CHECK_EQ(area_without_owner_says_so, (int)area.cpu_id, RSEQ_CPU_ID_UNINITIALIZED);
}

int main(void)
{
	pid_t own = getpid();

	find_cpus();
	CHECK(there_is_a_cpu, nr_cpus > 0);
	check_own();
	check_masks();
	check_others();
	check_inheritance();
	check_in_child(send_another, &own);
	check_sections();
	return 0;
}
