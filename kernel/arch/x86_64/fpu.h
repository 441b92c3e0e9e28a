/*
 * What the switch needs of the FPU code; the rest is in <arch/fpu.h>.
 */
#pragma once

struct fpu_state;

/*
 * The current thread leaves the CPU: its registers go to memory, unless memory is the truth.
 * Interrupts off.
 */
void fpu_switch_out(struct fpu_state *state);

/* A thread comes: its registers, unless this CPU still holds them. Interrupts off. */
void fpu_switch_in(struct fpu_state *state);
