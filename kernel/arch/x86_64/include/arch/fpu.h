/*
 * FPU, SSE and AVX state of user threads. The kernel itself never uses these registers.
 *
 * arch_switch() saves the state of the thread that leaves and loads that of the one that comes,
 * unless the CPU still holds it. A thread's state is a buffer in XSAVE's standard format (FXSAVE's
 * on older CPUs), followed by the magic word of a signal frame, so that a signal handler's frame is
 * a plain copy of fpu_image_size() bytes out of it.
 *
 * Taking an image from user memory: fpu_image_begin(), copy fpu_image_size() bytes to the pointer
 * it returns (may sleep), fpu_image_commit(), which validates.
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
 * The current thread's state brought to memory, as a signal frame shows it. Valid until it leaves
 * the kernel.
 */
const void *fpu_image_read(void);

/*
 * See above. Between begin and commit the registers are dead and the buffer is the truth; a failed
 * copy ends with fpu_state_reset_current() instead of commit.
 */
void *fpu_image_begin(void);

/*
 * Whether the image just copied has a valid extended part (magic words and sizes). False: a legacy
 * frame.
 */
bool fpu_image_is_extended(const void *image);

/* legacy: only the first 512 bytes count. -EINVAL: invalid; the state was reset. */
__must_check int fpu_image_commit(bool legacy);

/* ptrace: the 512-byte FXSAVE image of a stopped thread. */
void fpu_fxregs_get(struct arch_thread *t, void *image);
__must_check int fpu_fxregs_set(struct arch_thread *t, const void *image);
