/*
 * Interrupt vectors and who handles them. The arch code routes lines and messages to vectors
 * (<arch/irqchip.h>: allocate a vector, register here, route, unmask) and has acknowledged the
 * controller when upcall_irq() calls the handlers that are registered here.
 *
 * A handler runs with interrupts off on the CPU that was interrupted. It acknowledges its device,
 * takes what must be taken, wakes or queues deferred work; it never sleeps, allocates or frees.
 * Several handlers may share a vector; each says whether its device had called.
 */
#pragma once

#include <arch/percpu.h>

#include "lib/types.h"

enum irq_result { IRQ_NOT_MINE, IRQ_HANDLED };

/* One registration; embedded by its owner, who keeps it until irq_unregister() has returned. */
struct irq_action {
	enum irq_result  (*handler)(void *arg) __const_after_init;
	void              *arg __const_after_init;
	const char        *name __const_after_init;
	uint64_t           count __atomic; /* interrupts that were for this one */
	struct irq_action *next;           /* on the same vector, guarded by the table's lock */
};

/*
 * A vector that no line and no message has yet, from those above the ISA lines' (which have
 * VECTOR_DEVICE_FIRST + line). -ENOSPC. Any context.
 */
__must_check int irq_vector_alloc(uint8_t *vector);
/* Nothing is routed or registered there any more. */
void irq_vector_free(uint8_t vector);

/* Call action->handler for every interrupt on the vector. Any context but a handler. */
void irq_register(uint8_t vector, struct irq_action *action);

/* Undo; afterwards no CPU is in the handler (waits for one that is). Not from a handler. */
void irq_unregister(uint8_t vector, struct irq_action *action);

enum { IRQ_VECTORS = 256 };

/* What came on each vector of each CPU, devices' or not. arch/ counts. */
DECLARE_PER_CPU(uint32_t[IRQ_VECTORS], irq_counts);

static inline void irq_count(uint8_t vector)
{
	this_cpu_add(irq_counts[vector], 1);
}

/* For /proc/interrupts and /proc/stat: all so far; on a vector of a CPU; who waits for it. */
uint64_t irq_total(void);
uint32_t irq_count_of(uint8_t vector, uint32_t cpu);
/* NULL: nobody waits for this vector. */
const char *irq_name(uint8_t vector);
