/*
 * migration.c - threads are sent from CPU to CPU, by themselves and by another, in the middle of
 * calls, of signals and of nothing: all their registers come with them, a CPU that was asked for is
 * the one that runs them, and the clock never goes back from one to the next.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "torture.h"

enum { TURNS = 30, SPINS = 3000, STATE_SIZE = 512, YMM_SIZE = 16 };

/* What fxsave(64) writes: control words at 0 and 24, x87 registers from 32 on, xmm from 160 on. */
struct registers {
	_Alignas(64) unsigned char state[STATE_SIZE];
	unsigned char high[YMM_SIZE]; /* of ymm7 */
};

static struct torture torture;
static atomic_long latest_ns;
static atomic_bool is_over;
static cpu_set_t all;
static bool has_avx;
static __thread uint64_t own_number;
static pthread_t threads[WORKERS];

static int random_cpu(uint64_t *random)
{
	int number = (int)random_below(random, (uint64_t)CPU_COUNT(&all));

	for (int cpu = 0;; cpu++)
		if (CPU_ISSET(cpu, &all) && number-- == 0)
			return cpu;
}

static void clock_check(void)
{
	long before = atomic_load(&latest_ns), now;
	struct timespec time;

	HOLDS(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
	now = time.tv_sec * 1000000000 + time.tv_nsec;
	HOLDS(now >= before);
	while (before < now && !atomic_compare_exchange_weak(&latest_ns, &before, now))
		;
}

/* Ten bytes of sixteen for each x87 register, all of those that hold xmm. */
static bool is_of_register(int offset)
{
	return offset >= 160 ? offset < 416 : offset >= 32 && offset % 16 < 10;
}

static void registers_fill(struct registers *set, uint64_t *random)
{
	__asm__ volatile("fninit; fxsave64 %0" : "=m"(set->state));
	for (int i = 0; i < STATE_SIZE; i++)
		if (is_of_register(i))
			set->state[i] = (unsigned char)random_below(random, 256);
	set->state[25] = (unsigned char)(0x1f | random_below(random, 4) << 5); /* rounding */
	set->state[4] = 0xff; /* all x87 registers are in use */
	for (int i = 0; i < YMM_SIZE; i++)
		set->high[i] = (unsigned char)random_below(random, 256);
}

static bool registers_are_equal(const struct registers *a, const struct registers *b)
{
	for (int i = 0; i < STATE_SIZE; i++)
		if (is_of_register(i) && a->state[i] != b->state[i])
			return false;
	return !memcmp(a->state, b->state, 5) && !memcmp(a->state + 24, b->state + 24, 4) &&
	       (!has_avx || !memcmp(a->high, b->high, YMM_SIZE));
}

/* Loads them, makes the call (or none, if negative) and spins for a while, and stores them. */
static long registers_carry(const struct registers *from, struct registers *to, long call,
			    const void *argument, long spins)
{
	register const void *third __asm__("rdx") = argument;
	long result = call, mask = sizeof(cpu_set_t);
	unsigned int control;

	__asm__ volatile("stmxcsr %0" : "=m"(control));
	__asm__ volatile("fxrstor64 %[from]\n"
			 "	testb %[avx], %[avx]\n"
			 "	jz 1f\n"
			 "	vinsertf128 $1, %[high], %%ymm7, %%ymm7\n"
			 "1:	testq %%rax, %%rax\n"
			 "	js 2f\n"
			 "	syscall\n"
			 "2:	pause\n"
			 "	decq %[spins]\n"
			 "	jnz 2b\n"
			 "	testb %[avx], %[avx]\n"
			 "	jz 3f\n"
			 "	vextractf128 $1, %%ymm7, %[high_to]\n"
			 "3:	fxsave64 %[to]\n"
			 "	fninit\n"
			 : "+a"(result), [to] "=m"(to->state), [high_to] "=m"(to->high),
			   [spins] "+r"(spins)
			 : [from] "m"(from->state), [high] "m"(from->high), [avx] "r"(has_avx),
			   "D"(0L), "S"(mask), "r"(third)
			 : "rcx", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
			   "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
			   "xmm13", "xmm14", "xmm15");
	__asm__ volatile("ldmxcsr %0" : : "m"(control));
	return result;
}

/* A handler that leaves none of them as it was. */
static void hear(int sig)
{
	struct registers set, same;
	uint64_t random = (uint64_t)sig + own_number;

	registers_fill(&set, &random);
	registers_carry(&set, &same, -1, NULL, 10);
	HOLDS(registers_are_equal(&set, &same));
	clock_check();
}

static void *go_on(void *arg)
{
	uint64_t number = (uint64_t)(uintptr_t)arg, random = random_begin(torture, number);
	struct registers set, same;
	cpu_set_t mask;

	own_number = number;
	for (int i = 0; i < TURNS; i++) {
		bool moves = random_below(&random, 2);
		int cpu = random_cpu(&random);

		CPU_ZERO(&mask);
		CPU_SET(cpu, &mask);
		registers_fill(&set, &random);
		HOLDS(registers_carry(&set, &same, moves ? SYS_sched_setaffinity : -1, &mask,
				      SPINS) <= 0);
		HOLDS(registers_are_equal(&set, &same));
		HOLDS(own_number == number);
		clock_check();
	}
	return NULL;
}

/* Nobody else moves this one, so that it is where it wants to be; and again after a sleep. */
static void *go_alone(void *arg)
{
	uint64_t random = random_begin(torture, 1000 + (uint64_t)(uintptr_t)arg);
	cpu_set_t mask;

	while (!atomic_load(&is_over)) {
		unsigned int cpu = (unsigned int)random_cpu(&random), seen;

		CPU_ZERO(&mask);
		CPU_SET(cpu, &mask);
		HOLDS(sched_setaffinity(0, sizeof(mask), &mask) == 0);
		HOLDS(sched_getcpu() == (int)cpu);
		if (random_below(&random, 2))
			sched_yield();
		HOLDS(syscall(SYS_getcpu, &seen, NULL, NULL) == 0 && seen == cpu);
		clock_check();
	}
	return NULL;
}

/* Moves and disturbs the others, by the thread ids that the kernel gives. */
static void disturb(uint64_t *random)
{
	for (int i = 0; i < TURNS * WORKERS; i++) {
		pthread_t thread = threads[random_below(random, WORKERS)];
		cpu_set_t mask;

		CPU_ZERO(&mask);
		CPU_SET(random_cpu(random), &mask);
		if (random_below(random, 4) == 0)
			mask = all;
		HOLDS(pthread_setaffinity_np(thread, sizeof(mask), &mask) == 0);
		if (random_below(random, 3) == 0)
			HOLDS(pthread_kill(thread, SIGUSR1) == 0);
		clock_check();
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = hear, .sa_flags = SA_RESTART };
	pthread_t alone;
	uint64_t random;

	torture = torture_begin(argc, argv);
	random = random_begin(torture, 99);
	has_avx = __builtin_cpu_supports("avx");
	HOLDS(sched_getaffinity(0, sizeof(all), &all) == 0);
	sigaction(SIGUSR1, &action, NULL);
	for (long round = 0; round < torture.rounds; round++) {
		atomic_store(&is_over, false);
		HOLDS(pthread_create(&alone, NULL, go_alone, (void *)round) == 0);
		for (long i = 0; i < WORKERS; i++)
			HOLDS(pthread_create(&threads[i], NULL, go_on,
					     (void *)(round * WORKERS + i)) == 0);
		disturb(&random);
		for (int i = 0; i < WORKERS; i++)
			pthread_join(threads[i], NULL);
		atomic_store(&is_over, true);
		pthread_join(alone, NULL);
	}
	return 0;
}
