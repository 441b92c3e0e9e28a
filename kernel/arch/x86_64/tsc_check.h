/*
 * Whether the CPUs' TSCs are in step, looked at once, while CPUs start (smp.c). The answer is
 * smp_tsc_is_in_step() of <arch/smp.h>.
 */
#pragma once

/*
 * All CPUs at a time, interrupts off; the boot CPU lets the others begin. Nothing happens where the
 * TSC is no clock or is the emulator's, which is one for all.
 */
void tsc_check_first(void);
void tsc_check_other(void);
