/*
 * What poll.c and select.c share: files that must stay while the caller sleeps on their queues, and
 * what happens to timeouts and signal masks at the end.
 */
#pragma once

#include "fs/fdtable.h"
#include "lib/types.h"

struct __kernel_timespec;

/*
 * References held until the end of the call. Only a table with several users needs them: nobody but
 * the sleeper could close a file of the others.
 */
struct poll_files {
	struct file **files; /* NULL: not needed */
	uint32_t      nr;
};

/* Room for `max` files if the table is shared. ENOMEM. */
int  __must_check poll_files_init(struct poll_files *kept, struct fdtable *table, uint32_t max,
                                  bool will_sleep);
void poll_files_fini(struct poll_files *kept);

/* Ends a borrow, but keeps the reference if the file's queues may be waited on. */
static inline void poll_files_return(struct poll_files *kept, const struct fd_borrow *borrow,
                                     bool is_waited_on)
{
	if (likely(!borrow->counted))
		return;
	if (kept->files && is_waited_on)
		kept->files[kept->nr++] = borrow->file;
	else
		fd_return(borrow);
}

/*
 * A span as ppoll(2) and select(2) mean it: *deadline is 0 for none at all, WAIT_FOREVER without a
 * span, else a point of the monotonic clock.
 */
ns_t poll_deadline(ns_t span_ns);
/* What is left of it, for the caller's structure. */
ns_t poll_remaining(ns_t deadline);

/* The signal mask of ppoll(2), pselect6(2), epoll_pwait(2). EINVAL, EFAULT. */
int __must_check poll_mask_begin(const uint64_t __user *set, size_t set_size);
/* Back to the old one, unless a signal is to be delivered under the new one. */
void poll_mask_end(const uint64_t __user *set, bool was_interrupted);
