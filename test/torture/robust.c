/*
 * robust.c - threads by clone(2) with lists of robust locks and words to be cleared, which end by
 * themselves, by a signal or by exec, with locks in their hands: each lock that somebody died with
 * is marked and handed on, each word is cleared and its waiter woken.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "torture.h"

enum { LOCKS = 6, STACK = 16384 };

/* As glibc lays it out: the list's link, and the futex at a fixed distance. */
struct lock {
	struct robust_list link;
	atomic_uint        word;
	unsigned long      counter;
};

struct shared {
	struct lock locks[LOCKS];
	atomic_long died; /* with locks in their hands */
};

struct job {
	struct shared *shared;
	uint64_t       random;
	atomic_int     tid; /* cleared by the kernel */
	char           stack[STACK] __attribute__((aligned(16)));
};

/* Raw calls only: these threads have no C library's thread block of their own. */
static long futex(atomic_uint *word, int op, unsigned int value)
{
	long result;

	__asm__ volatile("xor %%r10d, %%r10d\n\tsyscall"
			 : "=a"(result)
			 : "a"((long)SYS_futex), "D"(word), "S"((long)op), "d"((long)value)
			 : "rcx", "r10", "r11", "memory");
	return result;
}

static long call2(long number, long first, long second)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(first), "S"(second)
			 : "rcx", "r11", "memory");
	return result;
}

/*
 * Takes it: free, or left by somebody who died; those are counted. Who has waited does not know
 * whether others still do.
 */
static void lock_take(struct shared *shared, struct lock *lock, unsigned int tid)
{
	unsigned int waiters = 0;

	for (;;) {
		unsigned int seen = atomic_load(&lock->word);

		if ((seen & FUTEX_TID_MASK) == 0) {
			if (!atomic_compare_exchange_strong(
				    &lock->word, &seen, tid | waiters | (seen & FUTEX_WAITERS)))
				continue;
			if (seen & FUTEX_OWNER_DIED)
				atomic_fetch_sub(&shared->died, 1);
			return;
		}
		if (!(seen & FUTEX_WAITERS) &&
		    !atomic_compare_exchange_strong(&lock->word, &seen, seen | FUTEX_WAITERS))
			continue;
		futex(&lock->word, FUTEX_WAIT, seen | FUTEX_WAITERS);
		waiters = FUTEX_WAITERS;
	}
}

static void lock_give(struct lock *lock)
{
	if (atomic_exchange(&lock->word, 0) & FUTEX_WAITERS)
		futex(&lock->word, FUTEX_WAKE, 1);
}

/* Takes locks in order, so that nobody waits in a ring, and ends with some of them. */
static int hold_and_die(void *arg)
{
	struct job *job = arg;
	struct shared *shared = job->shared;
	struct robust_list_head head = { { &head.list }, offsetof(struct lock, word), NULL };
	const unsigned int tid = (unsigned int)call2(SYS_gettid, 0, 0);
	struct robust_list *last = &head.list;

	call2(SYS_set_robust_list, (long)&head, sizeof(head));
	for (int i = 0; i < LOCKS; i++) {
		struct lock *lock = &shared->locks[i];

		if (random_below(&job->random, 2))
			continue;
		head.list_op_pending = &lock->link;
		lock_take(shared, lock, tid);
		lock->counter++;
		if (random_below(&job->random, 2)) {
			lock_give(lock);
			head.list_op_pending = NULL;
			continue;
		}
		atomic_fetch_add(&shared->died, 1);
		lock->link.next = &head.list;
		last->next = &lock->link;
		last = &lock->link;
		head.list_op_pending = NULL;
	}
	if (random_below(&job->random, 2))
		call2(SYS_sched_yield, 0, 0);
	call2(SYS_exit, 0, 0);
	return 0;
}

static void tid_wait(atomic_int *tid)
{
	for (int seen; (seen = atomic_load(tid)) != 0;)
		syscall(SYS_futex, tid, FUTEX_WAIT, seen, NULL, NULL, 0);
}

/* In one process: as many threads as jobs, until all have gone. */
static void threads_run(struct shared *shared, uint64_t *random)
{
	static struct job jobs[WORKERS];
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

	for (int i = 0; i < WORKERS; i++) {
		jobs[i].shared = shared;
		jobs[i].random = random_below(random, UINT64_MAX);
		jobs[i].tid = -1;
		HOLDS(clone(hold_and_die, jobs[i].stack + STACK, flags, &jobs[i], &jobs[i].tid,
			    NULL, &jobs[i].tid) > 0);
	}
	for (int i = 0; i < WORKERS; i++)
		tid_wait(&jobs[i].tid);
}

/* Who is left takes each lock that still says that its holder died. */
static void locks_recover(struct shared *shared)
{
	for (int i = 0; i < LOCKS; i++) {
		lock_take(shared, &shared->locks[i], (unsigned int)gettid());
		lock_give(&shared->locks[i]);
	}
	HOLDS(atomic_load(&shared->died) == 0);
}

/* Several processes with such threads on the same locks, in memory that they share. */
static void processes_run(struct shared *shared, uint64_t *random)
{
	for (int i = 0; i < WORKERS; i++) {
		uint64_t own = random_below(random, UINT64_MAX);
		pid_t pid = fork();

		HOLDS(pid >= 0);
		if (pid == 0) {
			threads_run(shared, &own);
			_exit(0);
		}
	}
	children_join(WORKERS);
}

int main(int argc, char **argv)
{
	struct torture torture = torture_begin(argc, argv);
	struct shared *shared = shared_alloc(sizeof(*shared));
	uint64_t random = random_begin(torture, 8);

	for (long round = 0; round < torture.rounds; round++) {
		threads_run(shared, &random);
		locks_recover(shared);
		processes_run(shared, &random);
		locks_recover(shared);
	}
	return 0;
}
