/*
 * Process-context identifiers: translations of spaces that a CPU has left stay in its TLB, each
 * space's under a number, until the number is given to another.
 *
 * A CPU has a few numbers of its own, one a slot: which space has it, by an id that no other space
 * ever gets, and that space's generation when the CPU left it. A space comes back to its number;
 * if its generation is another by now, its translations are dropped as it does. So each flush must
 * raise the generation, also of spaces that no CPU runs in.
 *
 * All of this only where cpu_has(CPU_PCID).
 */
#pragma once

#include "lib/types.h"

struct arch_mmu;

/* A space's id. */
uint64_t pcid_id_next(void);

/*
 * What to load into CR3 for the space at this generation, NULL for the kernel's own, when the space
 * that is left has been flushed up to left_seen. Interrupts off; the load must follow.
 */
uint64_t pcid_switch(const struct arch_mmu *mmu, uint64_t generation, uint64_t left_seen);
