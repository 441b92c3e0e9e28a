/*
 * What the rest of sched/ tells the watchdogs.
 */
#pragma once

#include "lib/types.h"

/* A tick of this CPU while it is busy; user: it came in user mode. The timer interrupt. */
void watchdog_tick(ns_t now, bool user);
/* This CPU begins to tick: before anything else can turn its interrupts off for good. */
void watchdog_busy(void);
void watchdog_init_cpu(uint32_t cpu);
