/*
 * Watchdogs: a CPU that does not come to a safe point any more, or does not even take interrupts.
 *
 * Soft lock-up: the kernel runs on and on, without the return to user mode, the switch or the
 * cond_resched() that would let others run, for twice `watchdog_thresh` seconds. The CPU's own tick
 * sees it. Hard lock-up: its interrupts are off for `watchdog_thresh` seconds. The next CPU sees
 * it; with one CPU nobody does.
 *
 * A guest that its host does not run must not be blamed. So time is counted in ticks as well as by
 * the clock: a stall makes the clock jump, but brings one tick. And a CPU is locked up hard only if
 * it answers an NMI, which proves that it is run, and then still shows no sign of life.
 *
 * An idle CPU is not watched and watches nobody unless another is busy: the watchdogs cost an idle
 * machine nothing. The messages are Linux's (kernel/watchdog.c).
 */
#pragma once

#include "lib/types.h"

/* /proc/sys/kernel and the command line; each 0 or 1 but the threshold. */
struct watchdog_settings {
	int enabled __atomic;      /* `watchdog`, `nowatchdog` */
	int soft __atomic;         /* `soft_watchdog`, `nosoftlockup` */
	int hard __atomic;         /* `nmi_watchdog`; =panic, too */
	int threshold_s __atomic;  /* `watchdog_thresh`: 0 .. 60, 0 turns both off */
	int soft_panics __atomic;  /* `softlockup_panic` */
	int hard_panics __atomic;  /* `hardlockup_panic` */
	int soft_shows_all __atomic; /* `softlockup_all_cpu_backtrace` */
	int hard_shows_all __atomic; /* `hardlockup_all_cpu_backtrace` */
};
extern struct watchdog_settings watchdog_settings;
