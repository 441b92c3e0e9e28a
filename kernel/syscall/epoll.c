/*
 * epoll_create(2), epoll_ctl(2), epoll_wait(2) and their kin.
 *
 * struct epoll_event is packed: twelve bytes, which need not be aligned.
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "fs/epoll.h"
#include "fs/fdtable.h"
#include "id/cred.h"
#include "lib/math.h"
#include "proc/proc.h"
#include "syscall/poll_impl.h"
#include "syscall/fd.h"
#include "syscall/prototypes.h"
#include "syscall/timespec.h"
#include "vm/usercopy.h"

#define EVENTS_MAX ((int)(INT32_MAX / sizeof(struct epoll_event)))

long sys_epoll_create1(int flags)
{
	struct file *file;
	int err;

	if (flags & ~EPOLL_CLOEXEC)
		return -EINVAL;
	err = epoll_create(task_current()->cred, &file);
	if (err)
		return err;
	return fd_give(file, flags & EPOLL_CLOEXEC);
}

long sys_epoll_create(int size)
{
	return size > 0 ? sys_epoll_create1(0) : -EINVAL;
}

long sys_epoll_ctl(int ep_fd, int operation, int fd, const struct epoll_event __user *user_event)
{
	struct task *task = task_current();
	struct epoll_request request = { .operation = operation, .fd = fd };
	struct fd_borrow epoll, target;
	struct epoll_event event;
	int err = -EBADF;

	if (operation != EPOLL_CTL_DEL) {
		if (copy_from_user(&event, user_event, sizeof(event)))
			return -EFAULT;
		request.events = event.events;
		request.data = event.data;
		if (!cred_capable(task->cred, CAP_BLOCK_SUSPEND))
			request.events &= ~EPOLLWAKEUP;
	}
	if (!fd_borrow_io(task->files, ep_fd, &epoll))
		return -EBADF;
	if (!fd_borrow_io(task->files, fd, &target))
		goto out_epoll;
	request.target = target.file;
	err = epoll_control(epoll.file, &request);
	fd_return(&target);
out_epoll:
	fd_return(&epoll);
	return err;
}

/* Where reports go: the caller's array. */
struct user_sink {
	struct epoll_sink                sink;
	struct epoll_event __user *next;
};

static bool report_to_user(struct epoll_sink *sink, const struct epoll_report *report)
{
	struct user_sink *self = container_of(sink, struct user_sink, sink);
	uaddr_t at = (uaddr_t)self->next;

	if (put_user(report->events, (uint32_t __user *)at) ||
	    put_user(report->data, (uint64_t __user *)(at + sizeof(uint32_t))))
		return false;
	self->next++;
	return true;
}

static int wait_events(int ep_fd, struct epoll_event __user *events, int nr_max, ns_t deadline)
{
	struct user_sink sink = { .sink.put = report_to_user, .next = events };
	struct fd_borrow epoll;
	int count = -EINVAL;

	if (nr_max <= 0 || nr_max > EVENTS_MAX)
		return -EINVAL;
	if (!user_range_ok(events, (size_t)nr_max * sizeof(*events)))
		return -EFAULT;
	if (!fd_borrow(task_current()->files, ep_fd, &epoll))
		return -EBADF;
	if (epoll.file->mode & FILE_PATH)
		count = -EBADF;
	else if (file_is_epoll(epoll.file))
		count = epoll_collect(epoll.file, &sink.sink, nr_max, deadline);
	fd_return(&epoll);
	return count;
}

static ns_t deadline_of_ms(int timeout_ms)
{
	return timeout_ms < 0 ? WAIT_FOREVER : poll_deadline(timeout_ms * NS_PER_MSEC);
}

long sys_epoll_wait(int ep_fd, struct epoll_event __user *events, int nr_max, int timeout_ms)
{
	return wait_events(ep_fd, events, nr_max, deadline_of_ms(timeout_ms));
}

static long wait_masked(int ep_fd, struct epoll_event __user *events, int nr_max, ns_t deadline,
			const uint64_t __user *set, size_t set_size)
{
	int count;

	if (likely(!set))
		return wait_events(ep_fd, events, nr_max, deadline);
	count = poll_mask_begin(set, set_size);
	if (count)
		return count;
	count = wait_events(ep_fd, events, nr_max, deadline);
	poll_mask_end(set, count == -EINTR);
	return count;
}

long sys_epoll_pwait(int ep_fd, struct epoll_event __user *events, int nr_max, int timeout_ms,
		     const uint64_t __user *set, size_t set_size)
{
	return wait_masked(ep_fd, events, nr_max, deadline_of_ms(timeout_ms), set, set_size);
}

long sys_epoll_pwait2(int ep_fd, struct epoll_event __user *events, int nr_max,
		      const struct __kernel_timespec __user *timeout, const uint64_t __user *set,
		      size_t set_size)
{
	ns_t span, deadline = WAIT_FOREVER;

	if (timeout) {
		int err = timespec_read(timeout, &span);

		if (err)
			return err;
		deadline = poll_deadline(span);
	}
	return wait_masked(ep_fd, events, nr_max, deadline, set, set_size);
}
