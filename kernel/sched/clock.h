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
 * data page (abi/vdso_data.h), which this room owns and vm/ maps. All reads: any context,
 * interrupts too.
 */
#pragma once

#include "lib/types.h"

struct vdso_data;
struct wait_queue;

#define CLOCK_COARSE_NS (4 * NS_PER_MSEC)

/* Starts the clocks; reads the machine's wall clock. Boot CPU, after arch_clock_init(). */
void clock_init(void);

/* arch_clock has become another one: time goes on from where it is. Boot CPU, at start. */
void clock_source_changed(void);

ns_t clock_monotonic(void);
ns_t clock_monotonic_coarse(void);
ns_t clock_monotonic_raw(void);
ns_t clock_boottime(void);
ns_t clock_realtime(void);
ns_t clock_realtime_coarse(void);
ns_t clock_tai(void);

/* Realtime minus monotonic, to convert absolute deadlines. */
ns_t clock_realtime_offset(void);
/*
 * Steps of the wall clock are counted, and this queue is woken: a sleeper until a point of realtime
 * waits here and looks again when the count has changed.
 */
extern struct wait_queue clock_step_queue;
uint32_t clock_step_count(void);

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

/* For ntp.c: how much faster than the counter the clock runs, in 2^-32 ns a second; within 11 %. */
void clock_set_rate(int64_t rate);
void clock_set_tai_offset(int seconds);
int  clock_tai_offset(void);

/*
 * The page that vm/ maps read-only into every process, page aligned; physical address by
 * image_to_phys().
 */
struct vdso_data *clock_vdso_page(void);

/* Busy waiting, for devices. Any context. */
void clock_delay(ns_t ns);
