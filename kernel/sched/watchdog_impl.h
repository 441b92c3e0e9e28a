/*
 * What the rest of sched/ tells the watchdogs.
 */
#pragma once

#include "lib/types.h"

/* A tick of this CPU while it is busy; user: it came in user mode. The timer interrupt. */
void watchdog_tick(ns_t now, bool user);
void watchdog_init_cpu(uint32_t cpu);
