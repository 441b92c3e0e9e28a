/*
 * The clock discipline behind adjtimex(2): frequency, slow correction of an offset, leap seconds.
 */
#pragma once

struct __kernel_timex;

/*
 * adjtimex(2), clock_adjtime(2) on CLOCK_REALTIME, on kernel memory. Permissions are the caller's.
 * May sleep. The time state (TIME_OK, TIME_INS ... TIME_ERROR), or -EINVAL. PPS is not supported:
 * its modes do nothing on a kernel without it, and its fields are 0.
 */
int clock_adjust(struct __kernel_timex *tx);

/*
 * Somebody set the clock by hand: forgets pending corrections, the clock is not synchronised any
 * more.
 */
void ntp_clear(void);
