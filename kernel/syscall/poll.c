/*
 * poll(2), ppoll(2).
 *
 * Each round asks every file; the first one also registers on the wait queues. Files are looked up
 * anew in each round, as on Linux.
 */
#include <linux/errno.h>
#include <linux/poll.h>

#include "abi/errno.h"
#include "lib/math.h"
#include "mem/alloc.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "sched/clock.h"
#include "sched/poll.h"
#include "syscall/poll_impl.h"
#include "syscall/prototypes.h"
#include "syscall/timespec.h"
#include "vm/usercopy.h"

enum { POLL_STACK_FDS = 64 };

/* ---- shared with select.c ----------------------------------------------------------- */

int poll_files_init(struct poll_files *kept, struct fdtable *table, uint32_t max, bool will_sleep)
{
	kept->nr = 0;
	kept->files = NULL;
	if (likely(refcount_read(&table->users) == 1) || !will_sleep || !max)
		return 0;
	kept->files = kvmalloc(max * sizeof(struct file *), ALLOC_KERNEL);
	return kept->files ? 0 : -ENOMEM;
}

void poll_files_fini(struct poll_files *kept)
{
	if (likely(!kept->files))
		return;
	for (uint32_t i = 0; i < kept->nr; i++)
		file_put(kept->files[i]);
	kvfree(kept->files);
}

ns_t poll_deadline(ns_t span_ns)
{
	return span_ns ? deadline_after(clock_monotonic(), span_ns) : 0;
}

ns_t poll_remaining(ns_t deadline)
{
	ns_t now = clock_monotonic();

	return deadline > now ? deadline - now : 0;
}

int poll_mask_begin(const uint64_t __user *set, size_t set_size)
{
	uint64_t mask;

	if (!set)
		return 0;
	if (set_size != sizeof(mask))
		return -EINVAL;
	if (get_user(mask, set))
		return -EFAULT;
	signal_mask_set_until_return(mask);
	return 0;
}

void poll_mask_end(const uint64_t __user *set, bool was_interrupted)
{
	if (set && !was_interrupted)
		signal_mask_restore();
}

/* ---- poll --------------------------------------------------------------------------- */

/* Who polls what; `fds` is a copy, whose revents are what the program's memory holds now. */
struct poll_call {
	struct fdtable       *table;
	struct pollfd __user *user_fds;
	struct pollfd        *fds;
	uint32_t              nr;
};

static inline uint16_t poll_one(struct fdtable *table, const struct pollfd *entry,
                                struct poller *poller, struct poll_files *kept)
{
	struct fd_borrow borrow;
	uint32_t filter, ready;

	if (entry->fd < 0)
		return 0;
	if (!fd_borrow_io(table, entry->fd, &borrow))
		return POLLNVAL;
	filter = (uint16_t)entry->events | EPOLLERR | EPOLLHUP;
	if (poller)
		poller->events = filter;
	ready = file_poll(borrow.file, poller) & filter;
	poll_files_return(kept, &borrow, poller);
	return (uint16_t)ready;
}

/*
 * One round; how many are ready. What the program's memory holds already is not written again. Only
 * the first round registers, until something is ready.
 */
static int poll_round(struct poll_call *call, struct poll_table *wait, struct poll_files *kept)
{
	struct poller *poller = wait->poller.add ? &wait->poller : NULL;
	struct pollfd *entry = call->fds;
	int count = 0;

	for (uint32_t i = 0; i < call->nr; i++, entry++) {
		uint16_t ready = poll_one(call->table, entry, poller, kept);

		if (ready) {
			count++;
			poller = NULL;
		}
		if (ready == (uint16_t)entry->revents)
			continue;
		entry->revents = (int16_t)ready;
		if (put_user(entry->revents, &call->user_fds[i].revents))
			return -EFAULT;
	}
	poll_table_stop_adding(wait);
	return count;
}

/* The number of ready files, 0 in time, -ERESTARTNOHAND by a signal, EFAULT, ENOMEM. */
static int poll_wait(struct poll_call *call, ns_t deadline)
{
	struct poll_files kept;
	struct poll_table wait;
	int count, err = poll_files_init(&kept, call->table, call->nr, deadline);

	if (err)
		return err;
	poll_table_init(&wait);
	if (!deadline) {
		poll_table_stop_adding(&wait);
		err = -ETIMEDOUT;
	}
	for (;;) {
		count = poll_round(call, &wait, &kept);
		if (!count && signal_is_pending())
			count = -ERESTARTNOHAND;
		if (count || err)
			break;
		err = poll_table_wait(&wait, deadline);
		if (err == -ENOMEM) {
			count = err;
			break;
		}
	}
	poll_table_fini(&wait);
	poll_files_fini(&kept);
	return count;
}

static int poll_fds(struct pollfd __user *user_fds, uint32_t nr, ns_t deadline)
{
	struct pollfd room[POLL_STACK_FDS];
	struct poll_call call = {
		.table = task_current()->files,
		.user_fds = user_fds,
		.fds = room,
		.nr = nr,
	};
	int count;

	if (nr > proc_limit(RLIMIT_NOFILE))
		return -EINVAL;
	if (nr > POLL_STACK_FDS) {
		call.fds = kvmalloc(nr * sizeof(struct pollfd), ALLOC_KERNEL);
		if (!call.fds)
			return -ENOMEM;
	}
	count = copy_from_user(call.fds, user_fds, nr * sizeof(struct pollfd));
	if (!count)
		count = poll_wait(&call, deadline);
	if (call.fds != room)
		kvfree(call.fds);
	return count;
}

static long poll_again(struct restart *restart)
{
	int count = poll_fds((struct pollfd __user *)restart->args[0], (uint32_t)restart->args[1],
	                     (ns_t)restart->args[2]);

	return count == -ERESTARTNOHAND ? -ERESTART_RESTARTBLOCK : count;
}

long sys_poll(struct pollfd __user *fds, unsigned int nr_fds, int timeout_ms)
{
	struct restart *restart = &task_current()->restart;
	ns_t deadline = timeout_ms < 0 ? WAIT_FOREVER : poll_deadline(timeout_ms * NS_PER_MSEC);
	int count = poll_fds(fds, nr_fds, deadline);

	if (count != -ERESTARTNOHAND)
		return count;
	restart->again = poll_again;
	restart->args[0] = (uaddr_t)fds;
	restart->args[1] = nr_fds;
	restart->args[2] = (uint64_t)deadline;
	return -ERESTART_RESTARTBLOCK;
}

long sys_ppoll(struct pollfd __user *fds, unsigned int nr_fds,
	       struct __kernel_timespec __user *timeout, const uint64_t __user *set,
	       size_t set_size)
{
	ns_t span, deadline = WAIT_FOREVER;
	int count, err;

	if (timeout) {
		err = timespec_read(timeout, &span);
		if (err)
			return err;
		deadline = poll_deadline(span);
	}
	err = poll_mask_begin(set, set_size);
	if (err)
		return err;
	count = poll_fds(fds, nr_fds, deadline);
	poll_mask_end(set, count == -ERESTARTNOHAND);
	/* A timeout that cannot be written back must not start over. */
	if (timeout && deadline && timespec_write(timeout, poll_remaining(deadline)) &&
	    count == -ERESTARTNOHAND)
		count = -EINTR;
	return count;
}
