/*
 * The parts of the TLB code that only arch/ calls.
 */
#pragma once

#include "lib/types.h"

struct arch_mmu;

/*
 * One CPU, whose TLB knows one space: what is invalidated there is gone. tlb_is_not_alone() ends
 * it, before there are spaces.
 */
extern bool tlb_is_alone __const_after_init;
void tlb_is_not_alone(void);

/* VECTOR_IPI_FLUSH came. Interrupts off. */
void tlb_flush_interrupt(void);

/*
 * Kernel addresses, on all CPUs; returns when none can use an old translation. Interrupts on if
 * there are others.
 */
void tlb_flush_kernel(kaddr_t start, kaddr_t end);

/* A CPU that has just come: it may have old translations of the kernel's half. Interrupts off. */
void tlb_init_cpu(void);

/*
 * As mmu_flush_range(), before tables that were in use there are freed: no CPU walks them any more.
 */
void mmu_flush_tables(struct arch_mmu *mmu, uaddr_t start, uaddr_t end);

/* No CPU has the space loaded any more when it returns, this one included. Interrupts on. */
void mmu_evict(struct arch_mmu *mmu);
