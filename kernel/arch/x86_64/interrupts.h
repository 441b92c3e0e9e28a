/*
 * Interrupts that arch/ keeps for itself: TLB flushes and stops from other CPUs, errors of the
 * APIC.
 */
#pragma once

#include "lib/types.h"

/* Acknowledges and serves VECTOR_IPI_FLUSH, VECTOR_ERROR. Interrupts off. */
void interrupt_handle_internal(uint64_t vector);
