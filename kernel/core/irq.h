/*
 * Interrupt vectors and who handles them. The arch code routes lines and messages to vectors
 * (<arch/intc.h>); this room owns the table of handlers and calls them from upcall_irq.
 *
 * A handler runs with interrupts off on the CPU that was interrupted. It acknowledges its device,
 * takes what must be taken, wakes or queues deferred work; it never sleeps, allocates or frees. Several handlers may
 * share a vector; each says whether its device had called.
 */
#pragma once

#include "lib/types.h"

struct pt_regs;

enum irq_result { IRQ_NOT_MINE, IRQ_HANDLED };

typedef enum irq_result (*irq_handler_fn)(void *arg);

/* One registration; embedded by its owner, who keeps it until irq_unregister() has returned. */
struct irq_action {
	irq_handler_fn     handler;
	void              *arg;
	const char        *name;
	uint64_t           count __atomic;
	struct irq_action *next;
};

/*
 * Call handler(arg) for every interrupt on the vector. May be called in any context but a handler.
 * 0, or -EINVAL for a vector of an exception.
 */
int __must_check irq_register(unsigned int vector, struct irq_action *action);

/* Undo; afterwards no CPU is in the handler. May spin for one that is. */
void irq_unregister(unsigned int vector, struct irq_action *action);

/* A vector nobody uses, from the range for devices, into *vector; 0 or -ENOSPC. */
int __must_check irq_vector_alloc(unsigned int *vector);
void irq_vector_free(unsigned int vector);

/* From upcall_irq, interrupts off: run the handlers. The arch code acknowledges the controller. */
void irq_dispatch(unsigned int vector, struct pt_regs *regs);

/* True inside a handler on this CPU. */
bool irq_is_active(void);

/* For /proc/interrupts and /proc/stat. */
uint64_t irq_total(void);
bool irq_describe(unsigned int vector, const char **name, uint64_t *count);
