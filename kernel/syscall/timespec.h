/*
 * Times as programs hand them over: struct timespec and timeval to and from nanoseconds.
 */
#pragma once

#include <linux/errno.h>
#include <linux/time_types.h>

#include "lib/math.h"
#include "vm/usercopy.h"

/*
 * Nanoseconds, clipped to INT64_MAX (292 years), which means for ever. -EINVAL as
 * clock_nanosleep(2).
 */
static inline int __must_check timespec_to_ns(const struct __kernel_timespec *ts, ns_t *ns)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NS_PER_SEC)
		return -EINVAL;
	if (!checked_mul(ts->tv_sec, NS_PER_SEC, ns) || !checked_add(*ns, ts->tv_nsec, ns))
		*ns = INT64_MAX;
	return 0;
}

static inline struct __kernel_timespec timespec_from_ns(ns_t ns)
{
	return (struct __kernel_timespec){ .tv_sec = ns / NS_PER_SEC, .tv_nsec = ns % NS_PER_SEC };
}

/* -EFAULT or -EINVAL. */
static inline int __must_check timespec_read(const struct __kernel_timespec __user *from, ns_t *ns)
{
	struct __kernel_timespec ts;
	int err = copy_from_user(&ts, from, sizeof(ts));

	return err ? err : timespec_to_ns(&ts, ns);
}

static inline int __must_check timespec_write(struct __kernel_timespec __user *to, ns_t ns)
{
	struct __kernel_timespec ts = timespec_from_ns(ns);

	return copy_to_user(to, &ts, sizeof(ts));
}

/* A point `span` from `now`, clipped; INT64_MAX is for ever. */
static inline ns_t deadline_after(ns_t now, ns_t span)
{
	ns_t deadline;

	return checked_add(now, span, &deadline) ? deadline : INT64_MAX;
}
