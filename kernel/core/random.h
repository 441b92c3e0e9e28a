/*
 * Random numbers: one entropy pool and, for each CPU, a ChaCha20 generator with fast key erasure
 * (each refill overwrites its own key first, so that a later look into memory tells nothing of what
 * was handed out before). Devices and interrupts feed the pool; generators take new keys from it as
 * it grows and at least every few minutes.
 *
 * All functions work in every context and never sleep. Before random_is_ready() the output is the
 * best there is, which getrandom(2) without GRND_INSECURE waits out.
 */
#pragma once

#include "lib/types.h"

/* Seed from the CPU's generator, the clock and what the boot loader gave. Once, early. */
void random_init(const void *seed, size_t len);

void random_bytes(void *buf, size_t len);
uint64_t random_u64(void);

/* Uniform in [0, bound), bound > 0, without bias. */
uint64_t random_below(uint64_t bound);

/*
 * Stir bytes into the pool; `bits` of them are credited as entropy (0 for what anyone may write).
 */
void random_add(const void *data, size_t len, unsigned int bits);

/* From irq_dispatch: the time and place of an interrupt as jitter. A dozen instructions. */
void random_add_interrupt(uint64_t jitter);

/* 256 bits have been credited. */
bool random_is_ready(void);
/* Credited bits, 0 to 256, for /proc/sys/kernel/random/entropy_avail. */
unsigned int random_entropy(void);

/* Called once, in any context, when the pool becomes ready: sched wakes the waiters. */
void random_set_ready_hook(void (*ready)(void));
