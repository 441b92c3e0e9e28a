/*
 * syscalls.c - every system call with all sorts of arguments.
 *
 * A child makes a few hundred calls and ends; odd children are ordinary users. Half of its calls
 * are of a few numbers chosen for it, so that they meet each other's results. What it calls last
 * stands in a page that the init sees. The child's number is its name (comm), which a panic shows;
 * the same seed with fuzz_first=NUMBER fuzz_count=1 fuzz_trace=1 makes the same calls and says each
 * before.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../conformance/gauges.h"
#include "calls.h"
#include "fuzz.h"
#include "jail.h"
#include "values.h"

enum { CALLS = 300, FAVOURITES = 16, BATCH = 8, KILLED_AFTER_S = 1, TRACE_FD = 60 };
enum { NR_CALLS = sizeof(calls) / sizeof(*calls) };

/* Written by the child, read by the init. */
struct progress {
	long made;   /* calls */
	long failed; /* of them with an error */
	long enosys;
	uint64_t nr;
	uint64_t args[6];
};

static struct progress *progress;
static struct options options;
static const struct call *favourites[FAVOURITES];

static long call(uint64_t nr, const uint64_t *args)
{
	register uint64_t fourth asm("r10") = args[3];
	register uint64_t fifth asm("r8") = args[4];
	register uint64_t sixth asm("r9") = args[5];
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "a"(nr), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(fourth), "r"(fifth),
		       "r"(sixth)
		     : "rcx", "r11", "memory");
	return result;
}

static const struct call *choose(void)
{
	static struct call odd = { 0, "odd", "******" };
	static const uint64_t numbers[] = { ~0ULL,      0x40000000, 0x40000001, 1ULL << 32,
					    1ULL << 63, 512,        1000,       0xffffffff };

	if (random_chance(2))
		return favourites[random_below(FAVOURITES)];
	if (!random_chance(20))
		return &calls[random_below(NR_CALLS)];
	odd.nr = random_chance(2) ? random_below(480)
				  : numbers[random_below(sizeof(numbers) / sizeof(*numbers))];
	return &odd;
}

/* What would end the machine, its log, this init, or the child too often. */
static bool is_forbidden(uint64_t nr, uint64_t *args)
{
	static const uint64_t of_processes[] = {
		SYS_prlimit64,          SYS_setpriority,       SYS_ioprio_set,
		SYS_sched_setscheduler, SYS_sched_setparam,    SYS_sched_setattr,
		SYS_sched_setaffinity,  SYS_process_vm_writev, SYS_setpgid,
		SYS_migrate_pages,      SYS_move_pages,        SYS_pidfd_open,
	};

	for (size_t i = 0; i < sizeof(of_processes) / sizeof(*of_processes); i++)
		if (nr == of_processes[i])
			for (int arg = 0; arg < 2; arg++)
				args[arg] = args[arg] == 1 ? 0 : args[arg];
	switch (nr) {
	case SYS_reboot:
		return true;
	case SYS_syslog:
		return args[0] >= 5;
	case SYS_exit:
	case SYS_exit_group:
	case SYS_rt_sigreturn:
		return !random_chance(16);
	case SYS_execve:
	case SYS_execveat:
	case SYS_pause:
		return !random_chance(4);
	default:
		return false;
	}
}

static void trace(const char *name)
{
	char line[256];
	const uint64_t *a = progress->args;
	int size = snprintf(line, sizeof(line),
			    "fuzz: %ld %s[%llu](%#llx, %#llx, %#llx, %#llx, %#llx, %#llx)\n",
			    progress->made, name, (unsigned long long)progress->nr,
			    (unsigned long long)a[0], (unsigned long long)a[1],
			    (unsigned long long)a[2], (unsigned long long)a[3],
			    (unsigned long long)a[4], (unsigned long long)a[5]);

	(void)!write(TRACE_FD, line, (size_t)size);
}

/* A child of the child: a few calls of its own, or none. */
static void descend(uint64_t nr, const uint64_t *args)
{
	bool shares = nr == SYS_vfork || nr == SYS_clone3 || (nr == SYS_clone && args[0] & 0x100);

	if (nr != SYS_fork && nr != SYS_vfork && nr != SYS_clone && nr != SYS_clone3)
		return;
	if (shares)
		for (const uint64_t none[6] = { 0 };;)
			call(SYS_exit, none);
	if (random_chance(2) || progress->made > CALLS - 8)
		_exit(0);
	progress->made = CALLS - 8;
}

static void one_call(void)
{
	const struct call *chosen = choose();
	uint64_t args[6];
	long result;

	for (int i = 0; i < 6; i++)
		args[i] = i < (int)strlen(chosen->kinds)
				  ? value_of(random_chance(16) ? '*' : chosen->kinds[i])
				  : 0;
	if (is_forbidden(chosen->nr, args))
		return;
	progress->nr = chosen->nr;
	memcpy(progress->args, args, sizeof(args));
	if (options.trace)
		trace(chosen->name);
	result = call(chosen->nr, args);
	if (result == 0)
		descend(chosen->nr, args);
	if (result > -4096 && result < 0)
		progress->failed++;
	value_remember(result);
}

static void hear(int sig)
{
	(void)sig;
}

/* What sleeps is woken every few milliseconds. */
static void stay_awake(void)
{
	struct itimerval often = { { 0, 4000 }, { 0, 4000 } };
	struct sigaction action = { .sa_handler = hear };
	sigset_t set;

	sigaction(SIGALRM, &action, NULL);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void child(long number)
{
	char name[16];

	random_seed(options.seed, (uint64_t)number);
	snprintf(name, sizeof(name), "fuzz-%ld", number);
	prctl(PR_SET_NAME, name);
	dup2(STDOUT_FILENO, TRACE_FD);
	if (!options.trace)
		close(TRACE_FD);
	jail_enter(number & 1);
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGSEGV && sig != SIGBUS && sig != SIGILL && sig != SIGFPE &&
		    random_chance(2))
			signal(sig, hear);
	for (int i = 0; i < FAVOURITES; i++)
		favourites[i] = &calls[random_below(NR_CALLS)];
	progress->made = 0;
	while (progress->made++ < CALLS) {
		if (progress->made % BATCH == 1)
			stay_awake();
		one_call();
	}
}

/* Which child left what behind; first uses are among it. */
static void tell_leaks(long number)
{
	static struct gauges before, after;

	for (int i = 0; i < 3; i++) {
		usleep(20000);
		caches_drop();
	}
	gauges_read(&after);
	for (int i = 0; i < before.count; i++)
		if (after.of[i].value != before.of[i].value)
			say("child %ld: %s %+lld", number, after.of[i].name,
			    after.of[i].value - before.of[i].value);
	before = after;
}

long fuzz_syscalls(const struct options *wanted)
{
	double start = seconds_now(), told = start;
	long number, made = 0, failed = 0, killed = 0;

	options = *wanted;
	progress = mmap((void *)0x50000000, 4096, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	values_init();
	for (number = options.first; !options.count || number < options.first + options.count;
	     number++) {
		double now = seconds_now();
		int status;

		if (!options.count && now - start > options.seconds)
			break;
		memset(progress, 0, sizeof(*progress));
		jail_build();
		status = child_run(child, number, KILLED_AFTER_S);
		jail_destroy();
		if (options.leaks)
			tell_leaks(number);
		made += progress->made;
		failed += progress->failed;
		killed += status == SIGKILL;
		if (now - told > 2 || options.count) {
			say("child %ld: %ld calls, %ld failed, %ld children killed; last %llu, status %#x",
			    number, made, failed, killed, (unsigned long long)progress->nr, status);
			told = now;
		}
	}
	munmap(progress, 4096);
	return made;
}
