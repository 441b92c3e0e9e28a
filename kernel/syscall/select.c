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
	struct poller    *poller; /* NULL: nothing is registered any more */
	bool              is_first;
	struct poll_table wait;
};

/* What one descriptor is ready for; EPOLLNVAL if it is none. EBADF: in the first round. */
static inline int select_one(struct select *select, uint32_t fd, uint32_t events, uint32_t *ready)
{
	struct poller *poller = select->poller;
	struct fd_borrow borrow;

	*ready = EPOLLNVAL;
	if (!fd_borrow(select->table, (int)fd, &borrow))
		return select->is_first ? -EBADF : 0;
	if (unlikely(borrow.file->mode & FILE_PATH)) {
		fd_return(&borrow);
		return 0;
	}
	if (poller)
		poller->events = events;
	*ready = file_poll(borrow.file, poller);
	poll_files_return(&select->kept, &borrow, poller);
	return 0;
}

/* One word of the sets: how many bits were found. */
static int select_word(struct select *select, uint32_t word)
{
	uint64_t in = select->asked[SET_IN][word], out = select->asked[SET_OUT][word];
	uint64_t ex = select->asked[SET_EX][word], left = in | out | ex;
	uint64_t found_in = 0, found_out = 0, found_ex = 0;

	for (; left; left &= left - 1) {
		uint32_t bit = bit_lowest(left), ready;
		uint64_t mask = 1ull << bit;
		uint32_t events = SELECT_EX | (in & mask ? SELECT_IN : 0) |
				  (out & mask ? SELECT_OUT : 0);
		int err = select_one(select, word * 64 + bit, events, &ready);

		if (err)
			return err;
		if (!(ready & events))
			continue;
		found_in |= ready & SELECT_IN ? in & mask : 0;
		found_out |= ready & SELECT_OUT ? out & mask : 0;
		found_ex |= ready & SELECT_EX ? ex & mask : 0;
		if (found_in | found_out | found_ex)
			select->poller = NULL;
	}
	select->found[SET_IN][word] = found_in;
	select->found[SET_OUT][word] = found_out;
	select->found[SET_EX][word] = found_ex;
	return (int)(bit_count(found_in) + bit_count(found_out) + bit_count(found_ex));
}

static int select_round(struct select *select)
{
	int count = 0;

	select->poller = select->wait.poller.add ? &select->wait.poller : NULL;
	for (uint32_t word = 0; word < select->words; word++) {
		int n = select_word(select, word);

		if (n < 0)
			return n;
		count += n;
	}
	poll_table_stop_adding(&select->wait);
	select->is_first = false;
	return count;
}

/* How many bits were found, 0 in time, EBADF, -ERESTARTNOHAND by a signal, ENOMEM. */
static int select_wait(struct select *select, ns_t deadline)
{
	int count, err = poll_files_init(&select->kept, select->table, select->nr, deadline);

	if (err)
		return err;
	poll_table_init(&select->wait);
	if (!deadline) {
		poll_table_stop_adding(&select->wait);
		err = -ETIMEDOUT;
	}
	for (;;) {
		count = select_round(select);
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
	struct select select;
	uint64_t room[SELECT_STACK_WORDS], *words = room;
	int count;

	if (nr_fds < 0)
		return -EINVAL;
	select.table = task_current()->files;
	select.is_first = true;
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
