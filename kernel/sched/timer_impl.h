/*
 * What the rest of the folder needs of timer.c.
 */
#pragma once

#include "lib/types.h"

/* Empties the timers of a CPU that has none yet. */
void timer_init_cpu(uint32_t cpu);
/* The hardware timer of this CPU fired: runs what is due, programs the next. Interrupts off. */
void timer_run(void);
/* Another CPU started a timer here. Interrupts off. */
void timer_reprogram(void);
