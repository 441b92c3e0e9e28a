/*
 * FPU, SSE and AVX state of user threads. The kernel itself never uses these registers.
 *
 * arch_switch() saves the state of the thread that leaves and loads that of the one that comes,
 * unless the CPU still holds it. A thread's state is a buffer in XSAVE's standard format (FXSAVE's
 * on older CPUs). In a signal frame the image is followed by a magic word; the bytes that the
 * hardware leaves to software hold another, and sizes.
 */
#pragma once

#include "arch/thread.h"

/* Finds size and features; turns the FPU on. Once on the boot CPU, fpu_init_cpu() on the others. */
void fpu_init(void);
void fpu_init_cpu(void);

/* After the slab allocator: from here on fpu_state_alloc() works. */
void fpu_init_cache(void);

/* A buffer with the initial state. May sleep. -ENOMEM. */
__must_check int fpu_state_alloc(struct fpu_state **state);
void fpu_state_free(struct fpu_state *state);

/* Fork: dst gets the current thread's state. dst is not running. */
void fpu_state_copy_current(struct fpu_state *dst);

/* Exec: the current thread starts over. */
void fpu_state_reset_current(void);

/*
 * Size of the image in a signal frame: XSAVE area and magic word, and the alignment that it needs.
 */
size_t fpu_image_size(void);
#define FPU_IMAGE_ALIGN 64

/*
 * The current thread's state to and from a signal frame's image at `address`, which is aligned to
 * FPU_IMAGE_ALIGN when we chose it. Registers and user memory meet directly: the CPU validates what
 * it loads. An image without magic words counts only with its first 512 bytes, and address 0 is the
 * initial state. May sleep. -EFAULT: no such memory or no such state; after a failed load the
 * state is the initial one.
 */
__must_check int fpu_image_save(uaddr_t address);
__must_check int fpu_image_load(uaddr_t address);

/*
 * Which exceptions the CPU's own registers hold that are not masked, as bits 0 to 5 of the status
 * word: invalid, denormal, division by zero, overflow, underflow, precision. For #MF and #XM.
 */
uint32_t fpu_exceptions(bool is_simd);
