/*
 * select(2), pselect6(2).
 *
 * Three sets come in and three results go out, all of as many words as the largest descriptor
 * needs; a descriptor beyond the table's size is not looked at, as on Linux.
 */
#include <linux/errno.h>
#include <linux/posix_types.h>

#include "abi/errno.h"
#include "lib/bits.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "sched/poll.h"
#include "syscall/poll_impl.h"
#include "syscall/prototypes.h"
#include "syscall/timespec.h"
#include "vm/usercopy.h"

#define SELECT_IN  (EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLNVAL)
#define SELECT_OUT (EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR | EPOLLNVAL)
#define SELECT_EX  (EPOLLPRI | EPOLLNVAL)

enum { SET_IN, SET_OUT, SET_EX, NR_SETS };
enum { SELECT_STACK_WORDS = 2 * NR_SETS * 16 }; /* 1024 descriptors */

struct select {
	uint32_t          nr;
	uint32_t          words; /* of each set */
	uint64_t         *asked[NR_SETS];
	uint64_t         *found[NR_SETS];
	struct fdtable   *table;
	struct poll_files kept;
	struct poll_table wait;
};

static const uint32_t set_events[NR_SETS] = { SELECT_IN, SELECT_OUT, SELECT_EX };

/* What one descriptor is ready for. EBADF: it is not open, in the first round. */
static int select_one(struct select *select, uint32_t fd, uint32_t events, bool is_first,
                      uint32_t *ready)
{
	struct poller *poller = &select->wait.poller;
	struct fd_borrow borrow;

	*ready = EPOLLNVAL;
	if (!fd_borrow(select->table, (int)fd, &borrow))
		return is_first ? -EBADF : 0;
	if (unlikely(borrow.file->mode & FILE_PATH)) {
		fd_return(&borrow);
		return 0;
	}
	poller->events = events | SELECT_EX;
	*ready = file_poll(borrow.file, poller);
	poll_files_return(&select->kept, &borrow, poller->add);
	return 0;
}

/* One word of the sets: how many bits were found. */
static int select_word(struct select *select, uint32_t word, bool is_first)
{
	uint64_t in = select->asked[SET_IN][word], out = select->asked[SET_OUT][word];
	uint64_t ex = select->asked[SET_EX][word], left = in | out | ex;
	int count = 0, err;

	for (; left; left &= left - 1) {
		uint32_t bit = bit_lowest(left), ready;
		uint64_t mask = 1ull << bit;
		uint32_t events = (in & mask ? SELECT_IN : 0) | (out & mask ? SELECT_OUT : 0);

		err = select_one(select, word * 64 + bit, events, is_first, &ready);
		if (err)
			return err;
		for (int set = 0; set < NR_SETS; set++) {
			if (!(ready & set_events[set]) || !(select->asked[set][word] & mask))
				continue;
			select->found[set][word] |= mask;
			count++;
			poll_table_stop_adding(&select->wait);
		}
	}
	return count;
}

static int select_round(struct select *select, bool is_first)
{
	int count = 0;

	for (uint32_t word = 0; word < select->words; word++) {
		int n = select_word(select, word, is_first);

		if (n < 0)
			return n;
		count += n;
	}
	poll_table_stop_adding(&select->wait);
	return count;
}

/* How many bits were found, 0 in time, EBADF, -ERESTARTNOHAND by a signal, ENOMEM. */
static int select_wait(struct select *select, ns_t deadline)
{
	int count, err = poll_files_init(&select->kept, select->table, select->nr, deadline);
	bool is_first = true;

	if (err)
		return err;
	poll_table_init(&select->wait);
	if (!deadline) {
		poll_table_stop_adding(&select->wait);
		err = -ETIMEDOUT;
	}
	for (;;) {
		count = select_round(select, is_first);
		is_first = false;
		if (!count && signal_is_pending())
			count = -ERESTARTNOHAND;
		if (count || err)
			break;
		err = poll_table_wait(&select->wait, deadline);
		if (err == -ENOMEM) {
			count = err;
			break;
		}
	}
	poll_table_fini(&select->wait);
	poll_files_fini(&select->kept);
	return count;
}

static int sets_read(struct select *select, __kernel_fd_set __user *const sets[NR_SETS])
{
	size_t bytes = select->words * sizeof(uint64_t);
	uint32_t odd = select->nr % 64;

	for (int set = 0; set < NR_SETS; set++) {
		uint64_t *asked = select->asked[set];

		if (!sets[set])
			memset(asked, 0, bytes);
		else if (copy_from_user(asked, sets[set], bytes))
			return -EFAULT;
		if (odd)
			asked[select->words - 1] &= (1ull << odd) - 1;
		memset(select->found[set], 0, bytes);
	}
	return 0;
}

static int sets_write(const struct select *select, __kernel_fd_set __user *const sets[NR_SETS])
{
	for (int set = 0; set < NR_SETS; set++) {
		if (sets[set] && copy_to_user(sets[set], select->found[set],
		                              select->words * sizeof(uint64_t)))
			return -EFAULT;
	}
	return 0;
}

static int select_fds(int nr_fds, __kernel_fd_set __user *const sets[NR_SETS], ns_t deadline)
{
	struct select select = { .table = task_current()->files };
	uint64_t room[SELECT_STACK_WORDS], *words = room;
	int count;

	if (nr_fds < 0)
		return -EINVAL;
	select.nr = min((uint32_t)nr_fds, fdtable_capacity(select.table));
	select.words = (select.nr + 63) / 64;
	if (2 * NR_SETS * select.words > SELECT_STACK_WORDS) {
		words = kvmalloc(2 * NR_SETS * select.words * sizeof(uint64_t), ALLOC_KERNEL);
		if (!words)
			return -ENOMEM;
	}
	for (uint32_t set = 0; set < NR_SETS; set++) {
		select.asked[set] = words + set * select.words;
		select.found[set] = words + (NR_SETS + set) * select.words;
	}
	count = sets_read(&select, sets);
	if (!count)
		count = select_wait(&select, deadline);
	if (count >= 0 && sets_write(&select, sets))
		count = -EFAULT;
	if (words != room)
		kvfree(words);
	return count;
}

static int timeval_read(const struct __kernel_old_timeval __user *timeout, ns_t *span)
{
	struct __kernel_old_timeval tv;
	struct __kernel_timespec ts;

	if (copy_from_user(&tv, timeout, sizeof(tv)))
		return -EFAULT;
	ts.tv_sec = tv.tv_sec + tv.tv_usec / 1000000;
	ts.tv_nsec = tv.tv_usec % 1000000 * NS_PER_USEC;
	return timespec_to_ns(&ts, span);
}

static int timeval_write(struct __kernel_old_timeval __user *timeout, ns_t left)
{
	const struct __kernel_old_timeval tv = {
		.tv_sec = left / NS_PER_SEC,
		.tv_usec = left % NS_PER_SEC / NS_PER_USEC,
	};

	return copy_to_user(timeout, &tv, sizeof(tv));
}

long sys_select(int nr_fds, __kernel_fd_set __user *readable, __kernel_fd_set __user *writable,
		__kernel_fd_set __user *except, struct __kernel_old_timeval __user *timeout)
{
	__kernel_fd_set __user *const sets[] = { readable, writable, except };
	ns_t span, deadline = WAIT_FOREVER;
	int count, err;

	if (timeout) {
		err = timeval_read(timeout, &span);
		if (err)
			return err;
		deadline = poll_deadline(span);
	}
	count = select_fds(nr_fds, sets, deadline);
	if (timeout && deadline && timeval_write(timeout, poll_remaining(deadline)) &&
	    count == -ERESTARTNOHAND)
		count = -EINTR;
	return count;
}

/* The sixth argument of pselect6(2). */
struct mask_argument {
	uaddr_t set;
	size_t  size;
};

long sys_pselect6(int nr_fds, __kernel_fd_set __user *readable, __kernel_fd_set __user *writable,
		  __kernel_fd_set __user *except, struct __kernel_timespec __user *timeout,
		  const void __user *mask)
{
	__kernel_fd_set __user *const sets[] = { readable, writable, except };
	struct mask_argument argument = { 0 };
	const uint64_t __user *set;
	ns_t span, deadline = WAIT_FOREVER;
	int count, err;

	if (mask && copy_from_user(&argument, mask, sizeof(argument)))
		return -EFAULT;
	set = (const uint64_t __user *)argument.set;
	if (timeout) {
		err = timespec_read(timeout, &span);
		if (err)
			return err;
		deadline = poll_deadline(span);
	}
	err = poll_mask_begin(set, argument.size);
	if (err)
		return err;
	count = select_fds(nr_fds, sets, deadline);
	poll_mask_end(set, count == -ERESTARTNOHAND);
	if (timeout && deadline && timespec_write(timeout, poll_remaining(deadline)) &&
	    count == -ERESTARTNOHAND)
		count = -EINTR;
	return count;
}
