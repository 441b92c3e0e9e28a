/*
 * The table of interrupt handlers, one chain of actions a vector.
 *
 * Dispatch takes no lock: actions are pushed whole at the head of their chain and taken out by one
 * store, and irq_unregister() then waits until every CPU that was inside this vector has left it.
 * Registering and unregistering exclude each other by table.lock.
 */
#include "core/irq.h"

#include <arch/irqchip.h>
#include <arch/percpu.h>
#include <arch/upcalls.h>
#include <linux/errno.h>

#include "core/idle.h"
#include "core/printk.h"
#include "core/random.h"
#include "core/spinlock.h"

struct vector {
	struct irq_action *actions __atomic;
	uint32_t           running __atomic; /* CPUs inside its handlers */
	uint32_t           unhandled __atomic;
};

static struct {
	struct spinlock lock;
	struct vector   vectors[IRQ_VECTORS];
	bool            is_taken[IRQ_VECTORS] __guarded_by(lock); /* by irq_vector_alloc() */
} table = { .lock = SPINLOCK(RANK_IRQ_LINE) };

uint64_t idle_cpus;
DEFINE_PER_CPU(bool, idle_here);

DEFINE_PER_CPU(uint32_t[IRQ_VECTORS], irq_counts);

int irq_vector_alloc(uint8_t *vector)
{
	enum { ISA_LINES = 16 };
	uint64_t flags = spin_lock_irqsave(&table.lock);
	unsigned int v = VECTOR_DEVICE_FIRST + ISA_LINES;

	while (v <= VECTOR_DEVICE_LAST && table.is_taken[v])
		v++;
	if (v <= VECTOR_DEVICE_LAST)
		table.is_taken[v] = true;
	spin_unlock_irqrestore(&table.lock, flags);
	*vector = (uint8_t)v;
	return v <= VECTOR_DEVICE_LAST ? 0 : -ENOSPC;
}

void irq_vector_free(uint8_t vector)
{
	uint64_t flags = spin_lock_irqsave(&table.lock);

	table.is_taken[vector] = false;
	spin_unlock_irqrestore(&table.lock, flags);
}

void irq_register(uint8_t vector, struct irq_action *action)
{
	struct vector *v = &table.vectors[vector];
	uint64_t flags = spin_lock_irqsave(&table.lock);

	action->next = v->actions;
	atomic_store_release(&v->actions, action); /* pairs with the acquire in vector_dispatch() */
	spin_unlock_irqrestore(&table.lock, flags);
}

void irq_unregister(uint8_t vector, struct irq_action *action)
{
	struct vector *v = &table.vectors[vector];
	uint64_t flags = spin_lock_irqsave(&table.lock);
	struct irq_action **link = &v->actions;

	while (*link && *link != action)
		link = &(*link)->next;
	if (*link)
		atomic_store(link, action->next);
	spin_unlock_irqrestore(&table.lock, flags);
	/*
	 * Who enters from here on cannot see the action; pairs with the add in vector_dispatch().
	 */
	while (atomic_load(&v->running))
		cpu_relax();
}

static void vector_dispatch(struct vector *v, uint8_t number)
{
	bool handled = false;

	/* before the chain is read; pairs with irq_unregister() */
	atomic_add_return(&v->running, 1);
	for (struct irq_action *action = atomic_load_acquire(&v->actions); action;
	     action = atomic_load_acquire(&action->next))
		if (action->handler(action->arg) == IRQ_HANDLED) {
			atomic_inc(&action->count);
			handled = true;
		}
	atomic_sub_return(&v->running, 1);
	/*
	 * A level-triggered line may call once more than its device meant; a storm is another
	 * matter.
	 */
	if (!handled && atomic_add_return(&v->unhandled, 1) % 1024 == 0)
		pr_warn_ratelimited("irq: vector %u: interrupts that no device claims\n", number);
}

void upcall_irq(uint8_t vector)
{
	uint32_t base = LOCK_DEBUG ? lockdep_irq_enter() : 0;

	idle_leave();
	random_add_interrupt(vector);
	vector_dispatch(&table.vectors[vector], vector);
	log_wake_readers();
	if (LOCK_DEBUG)
		lockdep_irq_exit(base);
}

uint64_t irq_total(void)
{
	uint64_t total = 0;

	for_each_cpu(cpu)
		for (unsigned int vector = 0; vector < IRQ_VECTORS; vector++)
			total += irq_count_of((uint8_t)vector, cpu);
	return total;
}

uint32_t irq_count_of(uint8_t vector, uint32_t cpu)
{
	return READ_ONCE((*per_cpu_ptr(irq_counts, cpu))[vector]);
}

const char *irq_name(uint8_t vector)
{
	uint64_t flags = spin_lock_irqsave(&table.lock);
	const struct irq_action *action = table.vectors[vector].actions;
	const char *name = action ? action->name : NULL;

	spin_unlock_irqrestore(&table.lock, flags);
	return name;
}
