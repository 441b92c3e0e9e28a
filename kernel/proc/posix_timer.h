/*
 * POSIX timers: timer_create(2) and its kin, on CLOCK_REALTIME, MONOTONIC, BOOTTIME and the CPU-time clocks.
 *
 * A timer belongs to a process; it dies with it or at exec. Signals of one timer queue once, what comes
 * meanwhile counts as overrun.
 */
#pragma once

#include "lib/types.h"

struct proc;

/* Deletes all timers of the process; called by exec and by the last exit. May sleep. */
void posix_timers_destroy(struct proc *proc);
