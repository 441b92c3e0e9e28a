/*
 * epoll(7): a set of open files to watch, which is itself an open file.
 *
 * For each file added there is an item, with one wait entry for each wait queue that the file names
 * when it is polled. A wake-up there puts the item on the ready list of its epoll and wakes whoever
 * waits for that. epoll_wait() takes items off the list, asks the files again and reports those
 * that are ready; level-triggered ones go back to the end of the list. So the cost depends on how
 * many are ready, not on how many are watched.
 *
 * Items are found by (file, fd) in a tree, and by file: file->watchers. A file that is closed for
 * good takes its items with it (epoll_forget_file()).
 *
 * Locking: `epoll_graph` (RANK_EPOLL_NEST) over nesting and the end of files and epolls; `lock`
 * (RANK_FILE_PRIVATE, subclass by depth) of each epoll over its tree and reporting; `watch_lock`
 * over all lists of watchers; `ready_lock` (RANK_EPOLL_READY, taken in wait-queue callbacks) over
 * the ready list.
 */
#pragma once

#include "lib/types.h"
#include "sched/wait.h"

struct cred;
struct file;

/* A fresh epoll as an open file. EMFILE, ENOMEM. */
int __must_check epoll_create(const struct cred *cred, struct file **out);
bool file_is_epoll(const struct file *file);

/* What epoll_ctl(2) was given; events are EPOLL*. */
struct epoll_request {
	int          operation; /* EPOLL_CTL_* */
	int          fd;        /* the number under which target is watched */
	struct file *target;
	uint32_t     events;
	uint64_t     data;
};
int __must_check epoll_control(struct file *epoll, const struct epoll_request *request);

/* One report: what struct epoll_event is, unpacked. */
struct epoll_report {
	uint32_t events;
	uint64_t data;
};
/*
 * Called for each ready file, without spinlocks; false: could not be delivered (EFAULT), the item
 * stays ready.
 */
struct epoll_sink {
	bool (*put)(struct epoll_sink *sink, const struct epoll_report *report);
};
/*
 * Waits until something is ready or deadline_ns (CLOCK_MONOTONIC; 0: do not wait; WAIT_FOREVER) has
 * passed, and reports up to `max`: their number, 0 in time, EFAULT, -EINTR by a signal.
 */
int __must_check epoll_collect(struct file *epoll, struct epoll_sink *sink, int max,
                               ns_t deadline_ns);

/* The last reference of a watched file goes: called when file->watchers is not empty. */
void epoll_forget_file(struct file *file);

/* /proc/sys/fs/epoll/max_user_watches. */
extern int64_t epoll_max_user_watches;
