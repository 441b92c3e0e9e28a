/*
 * Off and restart, by the FADT, with the fall-backs that PCs have had since ever. Interrupts may be
 * in any state; other CPUs should be stopped. No locks, no memory: works in a panic.
 */
#pragma once

#include "lib/types.h"

/* The machine says how it is powered off. */
bool power_can_power_off(void);

/* Takes ACPI's registers over from the firmware, if that has not been done. At most 300 ms. */
void power_enable_acpi(void);

/* Powers off (ACPI S5). Halts for good if the machine will not. */
__noreturn void power_off(void);

/* Resets: FADT reset register, keyboard controller, port 0xcf9, triple fault. */
__noreturn void system_reset(void);

/* Halts with interrupts off. */
__noreturn void system_halt(void);
