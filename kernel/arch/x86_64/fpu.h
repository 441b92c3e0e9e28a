/*
 * What the switch needs of the FPU code; the rest is in <arch/fpu.h>.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct fpu_state;

/* The current thread leaves the CPU: its registers go to memory. Interrupts off. */
void fpu_switch_out(struct fpu_state *state);

/* A thread comes: its registers, unless this CPU still holds them. Interrupts off. */
void fpu_switch_in(struct fpu_state *state);

/*
 * The instructions on user memory (usercopy.c): XSAVE's where there are features, else FXSAVE's.
 * The caller checks the range; -EFAULT also for what the CPU refuses to load.
 */
__must_check int user_fpu_save(void __user *image, uint64_t features);
__must_check int user_fpu_load(const void __user *image, uint64_t features);
