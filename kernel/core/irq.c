/*
 * Vectors of all CPUs, what is at them, and the handlers. See irq.h.
 *
 * Each CPU finds the irq in a table of its own. It then says so in irq_running, and looks at its
 * table once more: whoever took the irq out of the table in between sees irq_running, or is seen.
 * So after a vector is cleared, or an action unlinked, and no CPU is in that irq, nobody can come
 * to it any more.
 */
#include "core/irq.h"

#include <linux/errno.h>

#include <arch/acpi.h>
#include <arch/timer.h>
#include <arch/upcalls.h>

#include "core/idle.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/random.h"
#include "core/spinlock.h"
#include "lib/bits.h"
#include "lib/math.h"
#include "lib/printf.h"

enum {
	NR_VECTORS = VECTOR_DEVICE_LAST - VECTOR_DEVICE_FIRST + 1,
	STORM = 100000, /* as many that nobody claims: the irq is masked */
	/* then what was on its way to an old vector has come */
	SETTLES_PER_SECOND = 100,
};

static DEFINE_PER_CPU(struct irq *[NR_VECTORS], irq_at) __atomic;
static DEFINE_PER_CPU(struct irq *, irq_running) __atomic;
static DEFINE_PER_CPU(uint32_t, nr_taken); /* vectors; under the table's lock */
static DEFINE_PER_CPU(uint32_t, nr_stray);

static struct {
	struct spinlock lock;
	struct list     irqs __guarded_by(lock); /* by number */
	uint32_t        cursor __guarded_by(lock); /* where the search for a free vector begins */
} table = { .lock = SPINLOCK(RANK_IRQ_LINE), .irqs = LIST_INIT(table.irqs) };

uint64_t idle_cpus;
DEFINE_PER_CPU(bool, idle_here);

DEFINE_PER_CPU(uint32_t[IRQ_VECTORS], irq_counts);

/* ---- vectors ------------------------------------------------------------------------------- */

static struct irq **slot_of(uint32_t cpu, uint8_t vector)
{
	return &(*per_cpu_ptr(irq_at, cpu))[vector - VECTOR_DEVICE_FIRST];
}

static void take_vector(struct irq *irq, uint32_t cpu, uint8_t vector)
{
	*per_cpu_ptr(nr_taken, cpu) += 1;
	atomic_store_release(slot_of(cpu, vector), irq); /* pairs with the loads in upcall_irq() */
	irq->cpu = cpu;
	irq->vector = vector;
}

static void give_vector(uint32_t cpu, uint8_t vector)
{
	atomic_store(slot_of(cpu, vector), NULL); /* pairs with irq_enter() */
	*per_cpu_ptr(nr_taken, cpu) -= 1;
}

/* Not the one that was free last: something may still be on its way to that. 0: none. */
static uint8_t find_vector(uint32_t cpu)
{
	for (uint32_t i = 0; i < NR_VECTORS; i++) {
		uint8_t vector = VECTOR_DEVICE_FIRST + (table.cursor + i) % NR_VECTORS;

		if (!*slot_of(cpu, vector)) {
			table.cursor = vector - VECTOR_DEVICE_FIRST + 1;
			return vector;
		}
	}
	return 0;
}

/* The CPU of the set with the fewest vectors taken; wanted 0: any, else that very one. */
static uint32_t find_cpu(uint64_t cpus, uint32_t limit, uint8_t wanted)
{
	uint32_t best = IRQ_ANY_CPU;

	for (uint32_t cpu = 0; cpu < min(nr_cpus(), limit); cpu++) {
		uint32_t taken = *per_cpu_ptr(nr_taken, cpu);

		if (!(cpus >> cpu & 1) || !irqchip_can_target(cpu) || taken == NR_VECTORS)
			continue;
		if (wanted && *slot_of(cpu, wanted))
			continue;
		if (best == IRQ_ANY_CPU || taken < *per_cpu_ptr(nr_taken, best))
			best = cpu;
	}
	return best;
}

/* ---- irqs ---------------------------------------------------------------------------------- */

static uint32_t most_cpus(void)
{
	return max(nr_cpus(), acpi.nr_cpus);
}

size_t irq_size(size_t before)
{
	return before + sizeof(struct irq) + most_cpus() * sizeof(uint32_t);
}

static struct irq *find_locked(uint32_t number)
{
	struct irq *irq;

	list_for_each_entry(irq, &table.irqs, link) {
		if (irq->number >= number)
			return irq;
	}
	return NULL;
}

/* The first free number; keeps the list in order. */
static void insert_locked(struct irq *irq, uint32_t number)
{
	struct list *before = &table.irqs;
	struct irq *other;

	list_for_each_entry(other, &table.irqs, link) {
		if (other->number > number)
			break;
		number += other->number == number;
		before = &other->link;
	}
	irq->number = number;
	list_add_head(before, &irq->link);
}

int irq_add(struct irq *irq, uint32_t number, uint32_t cpu)
{
	uint64_t cpus = cpu < nr_cpus() ? 1ul << cpu : ~0ul;
	uint64_t flags = spin_lock_irqsave(&table.lock);

	irq->nr_cpus = most_cpus();
	cpu = find_cpu(cpus, irq->nr_cpus, 0);
	if (cpu == IRQ_ANY_CPU)
		cpu = find_cpu(~0ul, irq->nr_cpus, 0);
	if (cpu == IRQ_ANY_CPU) {
		spin_unlock_irqrestore(&table.lock, flags);
		return -ENOSPC;
	}
	irq->old_cpu = IRQ_ANY_CPU;
	irq->affinity = cpus;
	insert_locked(irq, number);
	take_vector(irq, cpu, find_vector(cpu));
	irq->ops->route(irq, cpu, irq->vector);
	spin_unlock_irqrestore(&table.lock, flags);
	return 0;
}

static void drop_old_vector(struct irq *irq)
{
	if (irq->old_cpu != IRQ_ANY_CPU)
		give_vector(irq->old_cpu, irq->old_vector);
	irq->old_cpu = IRQ_ANY_CPU;
}

static void wait_until_left(struct irq *irq)
{
	for_each_cpu(cpu) {
		/* pairs with irq_enter() */
		while (atomic_load(per_cpu_ptr(irq_running, cpu)) == irq)
			cpu_relax();
	}
}

void irq_remove(struct irq *irq)
{
	assert(!irq->actions);
	uint64_t flags = spin_lock_irqsave(&table.lock);

	list_remove(&irq->link);
	give_vector(irq->cpu, irq->vector);
	drop_old_vector(irq);
	spin_unlock_irqrestore(&table.lock, flags);
	wait_until_left(irq);
}

void irq_attach(struct irq *irq, struct irq_action *action)
{
	uint64_t flags = spin_lock_irqsave(&table.lock);
	bool is_first = !irq->actions;

	action->irq = irq;
	action->next = irq->actions;
	atomic_store_release(&irq->actions, action); /* pairs with the acquire in call_actions() */
	if (is_first)
		irq->ops->mask(irq, false);
	spin_unlock_irqrestore(&table.lock, flags);
}

uint32_t irq_detach(struct irq *irq, struct irq_action *action)
{
	uint64_t flags = spin_lock_irqsave(&table.lock);
	struct irq_action **link = &irq->actions;
	uint32_t left = 0;

	while (*link && *link != action)
		link = &(*link)->next;
	assert(*link == action);
	atomic_store(link, action->next); /* pairs with irq_enter() */
	action->irq = NULL;
	for (const struct irq_action *other = irq->actions; other; other = other->next)
		left++;
	if (left == 0)
		irq->ops->mask(irq, true);
	spin_unlock_irqrestore(&table.lock, flags);
	wait_until_left(irq);
	return left;
}

void irq_set_mask(struct irq *irq, bool masked)
{
	uint64_t flags = spin_lock_irqsave(&table.lock);

	irq->ops->mask(irq, masked);
	spin_unlock_irqrestore(&table.lock, flags);
}

/* ---- dispatch ------------------------------------------------------------------------------ */

static bool call_actions(struct irq *irq)
{
	bool handled = false;

	for (struct irq_action *action = atomic_load_acquire(&irq->actions); action;
	     action = atomic_load_acquire(&action->next))
		handled |= action->handler(action->arg) == IRQ_HANDLED;
	return handled;
}

/* A level-triggered line may call once more than its device meant; a storm is another matter. */
static void note_unhandled(struct irq *irq)
{
	atomic_inc(&irq->nr_unhandled);
	if (atomic_fetch_add_relaxed(&irq->nr_stray, 1) != STORM)
		return;
	pr_err("irq %u: nobody cared: masked\n", irq->number);
	irq_set_mask(irq, true);
}

/* NULL: there is nothing at the vector, or not any more. */
static struct irq *irq_enter(uint8_t vector)
{
	struct irq **slot;
	struct irq *irq;

	if (vector < VECTOR_DEVICE_FIRST || vector > VECTOR_DEVICE_LAST)
		return NULL;
	slot = &(*this_cpu_ptr(irq_at))[vector - VECTOR_DEVICE_FIRST];
	irq = atomic_load_acquire(slot);
	if (!irq)
		return NULL;
	/*
	 * Before the slot and the chain are read; pairs with wait_until_left() after a store to
	 * either.
	 */
	(void)atomic_xchg(this_cpu_ptr(irq_running), irq);
	return atomic_load_acquire(slot) == irq ? irq : NULL;
}

static void vector_dispatch(uint8_t vector)
{
	struct irq *irq = irq_enter(vector);

	if (irq) {
		WRITE_ONCE(irq->counts[cpu_id()], irq->counts[cpu_id()] + 1);
		if (!call_actions(irq))
			note_unhandled(irq);
		else if (atomic_load_relaxed(&irq->nr_stray))
			atomic_store_relaxed(&irq->nr_stray, 0);
	} else {
		this_cpu_add(nr_stray, 1);
		pr_warn_ratelimited("irq: vector %u of CPU %u: nothing is there\n", vector,
		                    cpu_id());
	}
	atomic_store_release(this_cpu_ptr(irq_running), NULL); /* pairs with wait_until_left() */
}

void upcall_irq(uint8_t vector)
{
	uint32_t base = LOCK_DEBUG ? lockdep_irq_enter() : 0;

	idle_leave();
	random_add_interrupt(vector);
	vector_dispatch(vector);
	log_wake_readers();
	if (LOCK_DEBUG)
		lockdep_irq_exit(base);
}

/* ---- affinity ------------------------------------------------------------------------------ */

static bool is_settled(const struct irq *irq)
{
	uint64_t ticks = (arch_clock.read() - irq->moved_at) & arch_clock.mask;

	return irq->old_cpu == IRQ_ANY_CPU || ticks > arch_clock.frequency_hz / SETTLES_PER_SECOND;
}

static int move_locked(struct irq *irq, uint64_t cpus)
{
	if (!irq->can_move)
		return -EIO;
	if (!is_settled(irq))
		return -EBUSY;
	drop_old_vector(irq);
	irq->affinity = cpus;
	if (cpus >> irq->cpu & 1)
		return 0;
	uint8_t vector = irq->ops->keeps_vector ? irq->vector : 0;
	uint32_t cpu = find_cpu(cpus, irq->nr_cpus, vector);

	if (cpu == IRQ_ANY_CPU)
		return -ENOSPC;
	irq->old_cpu = irq->cpu;
	irq->old_vector = irq->vector;
	irq->moved_at = arch_clock.read();
	take_vector(irq, cpu, vector ? vector : find_vector(cpu));
	irq->ops->route(irq, cpu, irq->vector);
	return 0;
}

int irq_set_affinity(uint32_t number, uint64_t cpus)
{
	uint64_t online = nr_cpus() < 64 ? BIT(nr_cpus()) - 1 : ~0ul;

	if (!(cpus & online))
		return -EINVAL;
	uint64_t flags = spin_lock_irqsave(&table.lock);
	struct irq *irq = find_locked(number);
	int err = irq && irq->number == number ? move_locked(irq, cpus & online) : -ENOENT;

	spin_unlock_irqrestore(&table.lock, flags);
	return err;
}

/* ---- what came ----------------------------------------------------------------------------- */

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

uint32_t irq_count_stray(uint32_t cpu)
{
	return READ_ONCE(*per_cpu_ptr(nr_stray, cpu));
}

static void describe_names(const struct irq *irq, char *names)
{
	size_t len = 0;

	names[0] = 0;
	for (const struct irq_action *action = irq->actions; action && len < IRQ_NAMES_SIZE;
	     action = action->next)
		len += (size_t)snprintf(names + len, IRQ_NAMES_SIZE - len, "%s%s", len ? ", " : "",
		                        action->name);
}

bool irq_describe_next(uint32_t number, struct irq_info *info)
{
	uint64_t flags = spin_lock_irqsave(&table.lock);
	const struct irq *irq = find_locked(number);

	if (irq) {
		*info = (struct irq_info){
			.number = irq->number, .hardware_number = irq->hardware_number,
			.controller = irq->ops->controller, .is_level = irq->is_level,
			.can_move = irq->can_move, .cpu = irq->cpu, .vector = irq->vector,
			.affinity = irq->affinity, .nr_unhandled = irq->nr_unhandled,
		};
		describe_names(irq, info->names);
	}
	spin_unlock_irqrestore(&table.lock, flags);
	return irq;
}

uint32_t irq_count_on(uint32_t number, uint32_t cpu)
{
	uint64_t flags = spin_lock_irqsave(&table.lock);
	const struct irq *irq = find_locked(number);
	uint32_t count = 0;

	if (irq && irq->number == number && cpu < irq->nr_cpus)
		count = READ_ONCE(irq->counts[cpu]);
	spin_unlock_irqrestore(&table.lock, flags);
	return count;
}
