/*
 * The parts list: every driver of this kernel, started in this order. To add one is one line.
 */
#pragma once

/* Boot CPU, interrupts on, may sleep. Devices are registered with their classes from here on. */
void drivers_init(void);
