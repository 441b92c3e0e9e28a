/*
 * The page that the kernel writes and the vDSO (user code) reads: everything that it takes to tell
 * the time without a system call. sched/clock owns it, vm/ maps it read-only, the vDSO's code
 * includes this file too.
 *
 * Reading: seq must be even and the same before and after. With cycles = rdtsc:
 *
 *     monotonic = mono_ns + ((cycles - cycle_base) * mult >> shift)       (128-bit product)
 *     raw       = raw_ns  + ((cycles - cycle_base) * raw_mult >> shift)
 *     realtime  = monotonic + wall_offset_ns;  boottime = monotonic
 *     tai       = realtime + tai_offset_ns
 *     coarse    = monotonic rounded down to a multiple of coarse_ns, but at least mono_ns, so that
 *                 a clock that was set shows no less than that (+ wall_offset_ns for realtime)
 *
 * cycles before cycle_base (another CPU's counter a little behind) count as cycle_base. mode
 * VDSO_CLOCK_NONE: make the system call.
 */
#pragma once

#include <linux/types.h>

#define VDSO_CLOCK_NONE 0
#define VDSO_CLOCK_TSC  1

struct vdso_data {
	__u32 seq;
	__u32 mode;
	__u64 cycle_base;
	__u64 mult;
	__u64 raw_mult;
	__u32 shift;
	__u32 coarse_ns;
	__s64 mono_ns;
	__s64 raw_ns;
	__s64 wall_offset_ns;
	__s64 tai_offset_ns;
	__s32 minutes_west;
	__s32 dst_time;
};
