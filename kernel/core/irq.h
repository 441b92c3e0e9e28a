/*
 * Interrupts of devices: each line or message is a struct irq with a number as Linux gives it, the
 * handlers that want it, and a vector on one CPU. Lines are made by dev/irq_line.h, messages by
 * buses (dev/pci.h); drivers see those, and struct irq_action.
 *
 *	irq = kzalloc(irq_size(...)); irq->ops = ...; irq_add(irq, ...); irq_attach(irq, action);
 *	irq_detach(irq, action); irq_remove(irq); kfree(irq);
 *
 * Vectors are the scarce thing: each CPU has its own 192 for devices. An irq gets one with
 * irq_add(), on the CPU asked for or on that with the fewest, and gives it back with irq_remove().
 * It can be moved (irq_set_affinity()): its old vector is kept for a while, for what is on its way.
 *
 * A handler runs with interrupts off on the CPU that was interrupted; the controller is
 * acknowledged behind it. It acknowledges its device, takes what must be taken, wakes or queues
 * deferred work; it never sleeps, allocates or frees. Several handlers may share an irq; each says
 * whether its device had called. While an irq is being moved, a handler may run on two CPUs at
 * once.
 *
 * Locking: one irq-safe spinlock (RANK_IRQ_LINE) over numbers, vectors and chains. Dispatch takes
 * none: it says which irq it is in, and those who take something away wait for it (irq.c).
 */
#pragma once

#include <arch/irqchip.h>
#include <arch/percpu.h>

#include "lib/list.h"
#include "lib/types.h"

struct irq;

enum irq_result { IRQ_NOT_MINE, IRQ_HANDLED };

#define IRQ_ANY_CPU 0xffffffffu

/* One handler; embedded by its owner, who keeps it until it has been taken away again. */
struct irq_action {
	enum irq_result  (*handler)(void *arg) __const_after_init;
	void              *arg __const_after_init;
	const char        *name __const_after_init;
	struct irq        *irq;  /* while it is attached */
	struct irq_action *next __atomic; /* on the same irq */
};

/* The hardware behind an irq. Called with the table's lock held, interrupts off. */
struct irq_ops {
	const char *controller; /* as /proc/interrupts says: "PCI-MSI" */
	/* From now on it comes to the vector on the CPU; masked or not as before. */
	void (*route)(struct irq *irq, uint32_t cpu, uint8_t vector);
	void (*mask)(struct irq *irq, bool masked);
	bool keeps_vector; /* to be moved to the same vector of another CPU only */
};

struct irq {
	const struct irq_ops *ops __const_after_init;
	uint32_t           number __const_after_init;
	uint32_t           hardware_number __const_after_init; /* for /proc/interrupts */
	bool               is_level __const_after_init;
	bool               can_move __const_after_init;
	uint8_t            vector, old_vector; /* the rest is under the table's lock */
	uint32_t           cpu, old_cpu;       /* old_cpu IRQ_ANY_CPU: there is no old vector */
	uint64_t           moved_at;           /* arch_clock */
	uint64_t           affinity;           /* bit n: CPU n may get it */
	struct list        link;               /* of all, by number */
	struct irq_action *actions __atomic;
	uint32_t           nr_unhandled __atomic; /* in all */
	uint32_t           nr_stray __atomic;     /* in a row: a storm */
	uint32_t           nr_cpus __const_after_init;
	uint32_t           counts[] __atomic;     /* what came to each CPU that may come to run */
};

/* Bytes of a struct irq at the end of a structure whose other part is `before`; zeroed. */
size_t irq_size(size_t before);

/*
 * Gives it a vector, on this CPU or any, and a number: at least `number`, the first that is free.
 * ops, hardware_number, is_level and can_move are filled. It is routed; to be masked until then.
 * -ENOSPC: no vector is free. Any context but a handler.
 */
__must_check int irq_add(struct irq *irq, uint32_t number, uint32_t cpu);
/* Nothing is attached. Afterwards no CPU knows it. Interrupts on. */
void irq_remove(struct irq *irq);

/* Call the handler for each interrupt; the first one unmasks. Any context but a handler. */
void irq_attach(struct irq *irq, struct irq_action *action);
/*
 * Undo; the last one masks. Afterwards no CPU is in the handler (waits for one that is). Not from a
 * handler; interrupts on. How many are left.
 */
uint32_t irq_detach(struct irq *irq, struct irq_action *action);

/* For all who share it, until it is unmasked again. Any context. */
void irq_set_mask(struct irq *irq, bool masked);

/* ---- what came, for /proc ------------------------------------------------------------------ */

enum { IRQ_VECTORS = 256 };

/* What came on each vector of each CPU, devices' or not. arch/ counts. */
DECLARE_PER_CPU(uint32_t[IRQ_VECTORS], irq_counts);

static inline void irq_count(uint8_t vector)
{
	this_cpu_add(irq_counts[vector], 1);
}

/* All so far; on a vector of a CPU; on device vectors of a CPU that nothing is at. */
uint64_t irq_total(void);
uint32_t irq_count_of(uint8_t vector, uint32_t cpu);
uint32_t irq_count_stray(uint32_t cpu);

enum { IRQ_NAMES_SIZE = 64 };

struct irq_info {
	uint32_t    number, hardware_number;
	const char *controller;             /* "IO-APIC", "PCI-MSI" */
	bool        is_level, can_move;
	uint32_t    cpu;                    /* where it goes now */
	uint8_t     vector;
	uint64_t    affinity;
	uint32_t    nr_unhandled;
	char        names[IRQ_NAMES_SIZE];  /* of its handlers: "a, b" */
};

/* The irq with the smallest number that is at least `number`. False: no more. */
bool irq_describe_next(uint32_t number, struct irq_info *info);
/* How often it came to a CPU; 0 for a number that is not there. */
uint32_t irq_count_on(uint32_t number, uint32_t cpu);

/*
 * Only these CPUs from now on. -EINVAL: none of them runs; -EIO: it cannot be moved; -ENOENT: no
 * such number; -EBUSY: it was moved a moment ago; -ENOSPC: no vector is free there. Any context.
 */
__must_check int irq_set_affinity(uint32_t number, uint64_t cpus);
