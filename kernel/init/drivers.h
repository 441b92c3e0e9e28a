/*
 * The parts list: every driver of this kernel, started in this order. To add one is one line.
 */
#pragma once

/* Boot CPU, interrupts on, may sleep. Devices are registered with their classes from here on. */
void drivers_init(void);

/*
 * The same for what is on buses: after the other CPUs have started, so that queues can interrupt
 * all of them.
 */
void drivers_init_buses(void);
