/*
 * Futexes by the bare call: waiting, waking, moving waiters, operating on words, time limits, and
 * who shares a word with whom.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

static long futex(volatile uint32_t *word, int op, uint32_t value, const void *timeout,
		  volatile uint32_t *word2, uint32_t value3)
{
	return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

static void pause_ms(long ms)
{
	struct timespec span = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&span, &span) == -1 && errno == EINTR)
		;
}

static uint32_t *volatile bad_word = (uint32_t *)8;
static volatile uint32_t word, word2;

struct waiter {
	pthread_t thread;
	volatile uint32_t *word;
	int op;
	uint32_t bitset;
	volatile int state; /* 0 new, 1 about to sleep, 2 over */
	long result;
	int error;
};

static void *wait_in_thread(void *data)
{
	struct waiter *waiter = data;
	struct timespec span = { 5, 0 }, now;

	if ((waiter->op & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		span.tv_sec += now.tv_sec;
	}
	waiter->state = 1;
	waiter->result =
		futex(waiter->word, waiter->op, *waiter->word, &span, NULL, waiter->bitset);
	waiter->error = errno;
	waiter->state = 2;
	return NULL;
}

static void start(struct waiter *waiter, volatile uint32_t *at, int op, uint32_t bitset)
{
	*waiter = (struct waiter){ .word = at, .op = op, .bitset = bitset };
	pthread_create(&waiter->thread, NULL, wait_in_thread, waiter);
	while (!waiter->state)
		pause_ms(1);
	pause_ms(10);
}

static long end(struct waiter *waiter)
{
	pthread_join(waiter->thread, NULL);
	return waiter->result;
}

static void check_errors(void)
{
	struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 }, zero = { 0, 0 };
	volatile uint32_t *odd = (uint32_t *)((char *)&word + 1);

	word = 1;
	CHECK_ERRNO(another_value_is_EAGAIN, futex(&word, FUTEX_WAIT, 2, NULL, NULL, 0), EAGAIN);
	CHECK_ERRNO(odd_address_is_EINVAL, futex(odd, FUTEX_WAIT, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(odd_address_of_a_wake_is_EINVAL, futex(odd, FUTEX_WAKE, 1, NULL, NULL, 0),
		    EINVAL);
	CHECK_ERRNO(bad_address_is_EFAULT, futex(bad_word, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(bad_private_address_is_EFAULT,
		    futex(bad_word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(wake_of_a_bad_shared_address_is_EFAULT,
		    futex(bad_word, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
	CHECK_EQ(wake_of_a_bad_private_address_wakes_nobody,
		 futex(bad_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	CHECK_ERRNO(kernel_address_is_EFAULT,
		    futex((uint32_t *)0xffffffff80000000, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0),
		    EFAULT);
	CHECK_ERRNO(unknown_operation_is_ENOSYS, futex(&word, 99, 1, NULL, NULL, 0), ENOSYS);
	CHECK_ERRNO(FUTEX_FD_is_ENOSYS, futex(&word, FUTEX_FD, 1, NULL, NULL, 0), ENOSYS);
	CHECK_ERRNO(empty_bitset_of_a_wait, futex(&word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0),
		    EINVAL);
	CHECK_ERRNO(empty_bitset_of_a_wake, futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0),
		    EINVAL);
	CHECK_ERRNO(bad_nanoseconds, futex(&word, FUTEX_WAIT, 1, &bad, NULL, 0), EINVAL);
	CHECK_ERRNO(negative_time, futex(&word, FUTEX_WAIT, 1, &negative, NULL, 0), EINVAL);
	CHECK_ERRNO(bad_time_address, futex(&word, FUTEX_WAIT, 1, bad_word, NULL, 0), EFAULT);
	CHECK_ERRNO(time_is_read_before_the_value, futex(&word, FUTEX_WAIT, 2, bad_word, NULL, 0),
		    EFAULT);
	CHECK_ERRNO(no_time_left, futex(&word, FUTEX_WAIT, 1, &zero, NULL, 0), ETIMEDOUT);
	CHECK_ERRNO(realtime_flag_needs_an_operation_with_it,
		    futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0), ENOSYS);
	CHECK_EQ(nobody_to_wake, futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
	CHECK_ERRNO(negative_number_to_requeue,
		    futex(&word, FUTEX_REQUEUE, 1, (void *)-1l, &word2, 0), EINVAL);
	CHECK_ERRNO(negative_number_to_wake_at_requeue,
		    futex(&word, FUTEX_REQUEUE, (uint32_t)-1, (void *)1l, &word2, 0), EINVAL);
	CHECK_ERRNO(requeue_compares, futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1l, &word2, 7),
		    EAGAIN);
	CHECK_ERRNO(requeue_to_a_bad_address,
		    futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1l, bad_word, 1), EFAULT);
	CHECK_ERRNO(wake_op_on_a_bad_address,
		    futex(&word, FUTEX_WAKE_OP, 1, (void *)1l, bad_word,
			  FUTEX_OP(FUTEX_OP_ADD, 1, 0, 0)),
		    EFAULT);
	CHECK_ERRNO(wake_op_with_an_unknown_operation,
		    futex(&word, FUTEX_WAKE_OP, 1, (void *)1l, &word2, 0x70000000), ENOSYS);
	const uint32_t *constant = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_ERRNO(private_wait_on_memory_that_is_only_read,
		    futex((uint32_t *)constant, FUTEX_WAIT_PRIVATE, 0, &zero, NULL, 0), ETIMEDOUT);
}

static void check_waking(void)
{
	struct waiter one, two, three;
	static const int ops[] = { FUTEX_WAIT, FUTEX_WAIT_PRIVATE };
	static const int wakes[] = { FUTEX_WAKE, FUTEX_WAKE_PRIVATE };

	for (int i = 0; i < 2; i++) {
		word = 5;
		start(&one, &word, ops[i], 0);
		start(&two, &word, ops[i], 0);
		start(&three, &word, ops[i], 0);
		CHECK_EQ(one_is_woken, futex(&word, wakes[i], 1, NULL, NULL, 0), 1);
		CHECK_EQ(woken_waiter_returns_zero, end(&one), 0);
		CHECK(the_first_is_woken_first, two.state == 1 && three.state == 1);
		CHECK_EQ(all_that_are_left_are_woken,
			 futex(&word, wakes[i], INT32_MAX, NULL, NULL, 0), 2);
		CHECK(and_return_zero, end(&two) == 0 && end(&three) == 0);
	}
	start(&one, &word, FUTEX_WAIT_PRIVATE, 0);
	CHECK_EQ(shared_wake_does_not_reach_a_private_waiter,
		 futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
	CHECK_EQ(waking_none_wakes_one, futex(&word, FUTEX_WAKE_PRIVATE, 0, NULL, NULL, 0), 1);
	end(&one);

	start(&one, &word, FUTEX_WAIT_BITSET_PRIVATE, 1);
	start(&two, &word, FUTEX_WAIT_BITSET_PRIVATE, 2);
	start(&three, &word, FUTEX_WAIT_BITSET_PRIVATE, 6);
	CHECK_EQ(no_bit_in_common, futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 8), 0);
	CHECK_EQ(one_bit_in_common, futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 4), 1);
	CHECK_EQ(the_right_one_woke, end(&three), 0);
	CHECK_EQ(plain_wake_reaches_every_bitset,
		 futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 2);
	end(&one);
	end(&two);
}

static void check_requeue(void)
{
	struct waiter waiters[4];

	word = word2 = 0;
	for (int i = 0; i < 4; i++)
		start(&waiters[i], &word, FUTEX_WAIT_PRIVATE, 0);
	CHECK_EQ(requeue_counts_woken_and_moved,
		 futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2l, &word2, 0), 3);
	end(&waiters[0]);
	CHECK_EQ(one_stayed, futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 1);
	CHECK_EQ(the_last_stayed, end(&waiters[3]), 0);
	CHECK(moved_ones_sleep_on, waiters[1].state == 1 && waiters[2].state == 1);
	CHECK_EQ(moved_ones_are_woken_there, futex(&word2, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0),
		 2);
	CHECK(moved_ones_return_zero, end(&waiters[1]) == 0 && end(&waiters[2]) == 0);
	start(&waiters[0], &word, FUTEX_WAIT_PRIVATE, 0);
	CHECK_EQ(requeue_to_itself, futex(&word, FUTEX_REQUEUE_PRIVATE, 0, (void *)9l, &word, 0),
		 1);
	CHECK_EQ(and_it_still_waits, futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 1);
	end(&waiters[0]);
}

static const struct {
	int op, argument, compare, operand;
	uint32_t before, after;
	int woken;
} operations[] = {
	{ FUTEX_OP_SET, 7, FUTEX_OP_CMP_EQ, 3, 3, 7, 2 },
	{ FUTEX_OP_SET, 7, FUTEX_OP_CMP_EQ, 4, 3, 7, 1 },
	{ FUTEX_OP_ADD, -1, FUTEX_OP_CMP_GT, 1, 2, 1, 2 },
	{ FUTEX_OP_ADD, 2047, FUTEX_OP_CMP_LT, -1, (uint32_t)-2, 2045, 2 },
	{ FUTEX_OP_OR, 12, FUTEX_OP_CMP_NE, 0, 1, 13, 2 },
	{ FUTEX_OP_ANDN, 1, FUTEX_OP_CMP_LE, 5, 5, 4, 2 },
	{ FUTEX_OP_XOR, 3, FUTEX_OP_CMP_GE, 6, 5, 6, 1 },
	{ FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, 5, FUTEX_OP_CMP_EQ, 0, 0, 32, 2 },
};

static void check_wake_op(void)
{
	struct waiter one, two;

	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		word = 0;
		word2 = operations[i].before;
		start(&one, &word, FUTEX_WAIT_PRIVATE, 0);
		start(&two, &word2, FUTEX_WAIT_PRIVATE, 0);
		long woken = futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1l, &word2,
				   ((uint32_t)operations[i].op << 28) |
					   ((uint32_t)operations[i].compare << 24) |
					   ((uint32_t)(operations[i].argument & 0xfff) << 12) |
					   (uint32_t)(operations[i].operand & 0xfff));
		CHECK_EQ(wake_op_wakes, woken, operations[i].woken);
		CHECK_EQ(wake_op_operates, word2, operations[i].after);
		futex(&word2, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0);
		end(&one);
		end(&two);
	}
}

static long elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void check_times(void)
{
	struct timespec start_time, span = { 0, 50000000 }, until;
	long ms;

	word = 0;
	clock_gettime(CLOCK_MONOTONIC, &start_time);
	CHECK_ERRNO(relative_wait_times_out, futex(&word, FUTEX_WAIT, 0, &span, NULL, 0),
		    ETIMEDOUT);
	ms = elapsed_ms(&start_time);
	CHECK(relative_wait_takes_its_time, ms >= 50 && ms < 1000);
	for (int realtime = 0; realtime < 2; realtime++) {
		clock_gettime(CLOCK_MONOTONIC, &start_time);
		clock_gettime(realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, &until);
		until.tv_nsec += 50000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		CHECK_ERRNO(absolute_wait_times_out,
			    futex(&word, FUTEX_WAIT_BITSET | (realtime ? FUTEX_CLOCK_REALTIME : 0),
				  0, &until, NULL, ~0u),
			    ETIMEDOUT);
		ms = elapsed_ms(&start_time);
		CHECK(absolute_wait_takes_its_time, ms >= 49 && ms < 1000);
		until.tv_sec = 0;
		CHECK_ERRNO(time_that_is_over,
			    futex(&word, FUTEX_WAIT_BITSET | (realtime ? FUTEX_CLOCK_REALTIME : 0),
				  0, &until, NULL, ~0u),
			    ETIMEDOUT);
	}
}

static void on_signal(int sig)
{
	(void)sig;
}

static void *interrupt(void *data)
{
	pause_ms(30);
	pthread_kill(*(pthread_t *)data, SIGUSR1);
	return NULL;
}

static void check_interruption(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct timespec span = { 20, 0 };
	pthread_t self = pthread_self(), thread;

	word = 0;
	for (int restart = 0; restart < 2; restart++) {
		action.sa_flags = restart ? SA_RESTART : 0;
		sigaction(SIGUSR1, &action, NULL);
		pthread_create(&thread, NULL, interrupt, &self);
		CHECK_ERRNO(timed_wait_is_interrupted_in_any_case,
			    futex(&word, FUTEX_WAIT_PRIVATE, 0, &span, NULL, 0), EINTR);
		pthread_join(thread, NULL);
	}
	action.sa_flags = 0;
	sigaction(SIGUSR1, &action, NULL);
	pthread_create(&thread, NULL, interrupt, &self);
	CHECK_ERRNO(wait_without_limit_is_interrupted,
		    futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EINTR);
	pthread_join(thread, NULL);
}

static int wait_for_word(volatile uint32_t *at, int op)
{
	struct timespec span = { 2, 0 };

	return futex(at, op, 0, &span, NULL, 0) == 0 ? 0 : errno;
}

/* A child waits on `at`, the parent wakes by `by`: 0 if the child was woken. */
static int across(volatile uint32_t *at, volatile uint32_t *by, int wait_op, int wake_op)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(wait_for_word(at, wait_op));
	for (int i = 0; i < 300 && futex(by, wake_op, 1, NULL, NULL, 0) == 0; i++) {
		pause_ms(1);
		if (i == 100)
			kill(pid, SIGKILL);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? -1 : WEXITSTATUS(status);
}

static void check_sharing(void)
{
	volatile uint32_t *anonymous =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	volatile uint32_t *own =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/tmp/word", O_RDWR | O_CREAT, 0600);

	ftruncate(fd, 8192);
	volatile uint32_t *first = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	volatile uint32_t *second = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);

	CHECK_EQ(shared_memory_shares_the_word,
		 across(anonymous, anonymous, FUTEX_WAIT, FUTEX_WAKE), 0);
	CHECK_EQ(another_word_of_the_page_is_another,
		 across(anonymous, anonymous + 1, FUTEX_WAIT, FUTEX_WAKE), -1);
	CHECK_EQ(same_offset_of_another_page_is_another,
		 across(anonymous, anonymous + 1024, FUTEX_WAIT, FUTEX_WAKE), -1);
	CHECK_EQ(one_file_at_two_addresses, across(first + 1024, second, FUTEX_WAIT, FUTEX_WAKE),
		 0);
	CHECK_EQ(private_memory_is_not_shared, across(own, own, FUTEX_WAIT, FUTEX_WAKE), -1);
	CHECK_EQ(private_operation_is_not_shared,
		 across(anonymous, anonymous, FUTEX_WAIT_PRIVATE, FUTEX_WAKE_PRIVATE), -1);
}

/* A lock of two states and a thousand hand-overs: a lost wake-up would hang. */
static volatile uint32_t turn;
static volatile int handovers;

static void *take_turns(void *data)
{
	uint32_t own = (uint32_t)(uintptr_t)data;

	for (int i = 0; i < 2000; i++) {
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != own)
			futex(&turn, FUTEX_WAIT_PRIVATE, !own, NULL, NULL, 0);
		handovers++;
		__atomic_store_n(&turn, !own, __ATOMIC_RELEASE);
		futex(&turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
	return NULL;
}

static void check_turns(void)
{
	pthread_t one, two;

	pthread_create(&one, NULL, take_turns, (void *)0);
	pthread_create(&two, NULL, take_turns, (void *)1);
	pthread_join(one, NULL);
	pthread_join(two, NULL);
	CHECK_EQ(no_wake_up_is_lost, handovers, 4000);
}

int main(void)
{
	check_errors();
	check_waking();
	check_requeue();
	check_wake_op();
	check_times();
	check_interruption();
	check_sharing();
	check_turns();
	return 0;
}
