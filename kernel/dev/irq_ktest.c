/*
 * Vectors are handed out, used up, given back and moved; handlers are found by CPU and vector. The
 * hardware is one that only remembers what it was told, and CPUs interrupt themselves.
 */
#include <linux/errno.h>

#include <arch/irqchip.h>

#include "core/irq.h"
#include "core/ktest.h"
#include "lib/atomic.h"
#include "mem/alloc.h"
#include "sched/clock.h"
#include "sched/work.h"

enum { VECTORS = VECTOR_DEVICE_LAST - VECTOR_DEVICE_FIRST + 1, FIRST_NUMBER = 5000 };

struct fake {
	uint32_t cpu;
	uint8_t  vector;
	bool     is_masked;
	uint32_t nr_calls;
	struct irq_action action;
	struct irq irq; /* the last: its end is open */
};

static struct fake *to_fake(struct irq *irq)
{
	return container_of(irq, struct fake, irq);
}

static void fake_route(struct irq *irq, uint32_t cpu, uint8_t vector)
{
	to_fake(irq)->cpu = cpu;
	to_fake(irq)->vector = vector;
}

static void fake_mask(struct irq *irq, bool masked)
{
	to_fake(irq)->is_masked = masked;
}

static enum irq_result fake_interrupt(void *arg)
{
	struct fake *fake = arg;

	atomic_inc(&fake->nr_calls);
	return IRQ_HANDLED;
}

static const struct irq_ops fake_ops = {
	.controller = "FAKE", .route = fake_route, .mask = fake_mask,
};

static struct fake *fake_create(uint32_t cpu, int *err)
{
	struct fake *fake = kzalloc(irq_size(offsetof(struct fake, irq)), ALLOC_KERNEL);

	*err = -ENOMEM;
	if (!fake)
		return NULL;
	fake->irq.ops = &fake_ops;
	fake->irq.can_move = true;
	fake->is_masked = true;
	fake->action = (struct irq_action){
		.handler = fake_interrupt, .arg = fake, .name = "fake",
	};
	*err = irq_add(&fake->irq, FIRST_NUMBER, cpu);
	if (!*err)
		return fake;
	kfree(fake);
	return NULL;
}

static void fake_destroy(struct fake *fake)
{
	irq_remove(&fake->irq);
	kfree(fake);
}

KTEST(irq_is_routed_unmasked_called_counted_and_given_back)
{
	struct irq_info info;
	int err;

	KTEST_NO_LEAK();
	struct fake *fake = fake_create(cpu_id(), &err);

	KTEST_ASSERT(!err);
	bool was_masked = fake->is_masked;

	irq_attach(&fake->irq, &fake->action);
	bool is_unmasked = !fake->is_masked;

	irqchip_ipi(fake->cpu, fake->vector);
	for (ns_t end = clock_monotonic() + NS_PER_SEC;
	     !atomic_load(&fake->nr_calls) && clock_monotonic() < end;)
		cpu_relax();
	uint32_t nr_calls = atomic_load(&fake->nr_calls);
	uint32_t nr_counted = irq_count_on(fake->irq.number, fake->cpu);
	bool is_told = irq_describe_next(FIRST_NUMBER, &info);
	uint32_t left = irq_detach(&fake->irq, &fake->action);
	bool is_masked = fake->is_masked;

	fake_destroy(fake);
	KTEST_ASSERT(was_masked && is_unmasked && is_masked && left == 0);
	KTEST_ASSERT(nr_calls == 1 && nr_counted == 1);
	KTEST_ASSERT(is_told && info.number == FIRST_NUMBER && info.can_move);
	KTEST_ASSERT(!irq_describe_next(FIRST_NUMBER, &info));
}

KTEST(irq_vector_that_nothing_is_at_is_counted_as_stray)
{
	uint32_t cpu = cpu_id(), before = irq_count_stray(cpu);
	int err;
	struct fake *fake = fake_create(cpu, &err);

	KTEST_ASSERT(!err);
	uint8_t vector = fake->vector;

	fake_destroy(fake);
	irqchip_ipi_self(vector);
	for (ns_t end = clock_monotonic() + NS_PER_SEC;
	     irq_count_stray(cpu) == before && clock_monotonic() < end;)
		cpu_relax();
	KTEST_ASSERT(irq_count_stray(cpu) == before + 1);
}

/* All that all CPUs have: no two are alike, and the next has none. */
KTEST(irq_vectors_of_all_cpus_are_handed_out_once_and_no_more)
{
	uint32_t most = VECTORS * nr_cpus(), nr = 0, nr_twice = 0;
	uint32_t per_cpu[MAX_CPUS] = { 0 };
	struct fake **all = kvmalloc((most + 1) * sizeof(all[0]), ALLOC_KERNEL);
	struct fake *fake;
	int err = 0;

	KTEST_NO_LEAK();
	KTEST_ASSERT(all);
	while (nr <= most && (fake = fake_create(IRQ_ANY_CPU, &err))) {
		for (uint32_t i = 0; i < nr; i++)
			nr_twice += all[i]->cpu == fake->cpu && all[i]->vector == fake->vector;
		per_cpu[fake->cpu]++;
		all[nr++] = fake;
	}
	for (uint32_t i = 0; i < nr; i++)
		fake_destroy(all[i]);
	kvfree(all);
	KTEST_ASSERT(err == -ENOSPC && nr_twice == 0);
	KTEST_ASSERT(nr < most && nr > most - 64); /* lines have the others */
	for_each_cpu(cpu)
		KTEST_ASSERT(per_cpu[cpu] > VECTORS - 64);
}

KTEST(irq_goes_to_the_cpu_asked_for_and_moves_to_another)
{
	uint32_t last = nr_cpus() - 1;
	int err, moved, none, busy = -EBUSY;

	KTEST_NO_LEAK();
	struct fake *fake = fake_create(last, &err);

	KTEST_ASSERT(!err);
	uint32_t first_cpu = fake->cpu, number = fake->irq.number;

	none = irq_set_affinity(number, 1ul << 63);
	moved = irq_set_affinity(number, 1);
	if (last > 0)
		busy = irq_set_affinity(number, 1ul << last);
	uint32_t second_cpu = fake->cpu;

	fake->irq.can_move = false;
	int fixed = irq_set_affinity(number, 1ul << last);

	fake_destroy(fake);
	KTEST_ASSERT(first_cpu == last && second_cpu == 0);
	KTEST_ASSERT(moved == 0 && busy == -EBUSY && fixed == -EIO);
	KTEST_ASSERT(nr_cpus() == 64 || none == -EINVAL);
	KTEST_ASSERT(irq_set_affinity(number, 1) == -ENOENT);
}
