/*
 * Clocks. Nanoseconds, from the best counter that the machine has (<arch/timer.h>).
 *
 *   monotonic   since start, slewed by adjtimex(2), never back, not on any CPU
 *   raw         the same, not slewed
 *   boottime    monotonic (this kernel does not suspend)
 *   realtime    since 1970, UTC; set and stepped
 *   tai         realtime plus the offset set by adjtimex(2)
 *   coarse      monotonic and realtime rounded down to CLOCK_COARSE_NS
 *
 * Readers take no lock (a sequence count); the same numbers are published to user space in the vDSO
 * data page (abi/vdso_data.h), which this room owns and vm/ maps. All reads: any context, interrupts too.
 */
#pragma once

#include "lib/types.h"

struct vdso_data;
struct __kernel_timex;

#define CLOCK_COARSE_NS (4 * NS_PER_MSEC)

/* Reads the wall clock of the machine and starts the clocks. Boot CPU, after the counter is known. */
void clock_init(ns_t wall_ns);

ns_t clock_monotonic(void);
ns_t clock_monotonic_coarse(void);
ns_t clock_monotonic_raw(void);
ns_t clock_boottime(void);
ns_t clock_realtime(void);
ns_t clock_realtime_coarse(void);
ns_t clock_tai(void);

/* Realtime minus monotonic, to convert absolute deadlines. */
ns_t clock_realtime_offset(void);
/* Counts steps of the wall clock: a sleeper until a realtime looks again when it changed. */
uint32_t clock_realtime_changes(void);

/* Any CLOCK_* that is not a CPU-time clock. -EINVAL for others. */
__must_check int clock_read(int clock_id, ns_t *now_ns);
__must_check int clock_resolution(int clock_id, ns_t *resolution_ns);
/* A point on a settable or other clock as a point on the monotonic clock, for timers. -EINVAL. */
__must_check int clock_to_monotonic(int clock_id, ns_t when_ns, ns_t *monotonic_ns);

/* Steps the wall clock; wakes those that wait for realtime. -EINVAL out of range. */
__must_check int clock_set_realtime(ns_t now_ns);
/* Called after every step, in thread context, for timerfd and POSIX timers. At most 4 hooks. */
void clock_on_step(void (*hook)(void));

/* settimeofday(2)'s time zone, kept for those who ask. */
void clock_set_timezone(int minutes_west, int dst_time);
void clock_timezone(int *minutes_west, int *dst_time);

/* adjtimex(2) on kernel memory; permissions are the caller's. Time state TIME_OK ..., or -errno. */
int clock_adjust(struct __kernel_timex *tx);

/* The page that vm/ maps read-only into every process, page aligned; physical address by image_to_phys(). */
struct vdso_data *clock_vdso_page(void);

/* Busy waiting, for devices. Any context. */
void clock_delay(ns_t ns);
