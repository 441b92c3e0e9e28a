/*
 * timerfd_create(2): a timer that is read as the number of times it has expired.
 *
 * Deadlines are kept on the timer's own clock and converted to CLOCK_MONOTONIC when the timer is
 * started; when the wall clock is stepped, timers of points of CLOCK_REALTIME are started again,
 * and reads of those with TFD_TIMER_CANCEL_ON_SET are ECANCELED once.
 */
#pragma once

#include "lib/types.h"

struct cred;
struct file;

struct timerfd_setting {
	ns_t value_ns; /* 0: disarmed */
	ns_t interval_ns;
};

void timerfd_init(void); /* once */

/*
 * clock_id: CLOCK_*; flags: TFD_NONBLOCK. EINVAL, EPERM (an alarm without CAP_WAKE_ALARM), ENFILE,
 * ENOMEM.
 */
int __must_check timerfd_create(const struct cred *cred, int clock_id, unsigned int flags,
                                struct file **out);
bool file_is_timerfd(const struct file *file);
/*
 * flags: TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET. *old is what timerfd_get() would say.
 * ECANCELED.
 */
int timerfd_set(struct file *file, unsigned int flags, const struct timerfd_setting *new,
                struct timerfd_setting *old);
void timerfd_get(struct file *file, struct timerfd_setting *out);
