/*
 * Reading all gauges at once and comparing two readings. The gauges are in a section of their own,
 * in the order of linking; drains run several times round, because what one gives back (an RCU
 * callback, a stack) may be what another then can.
 */
#include "core/gauge.h"

#include "core/panic.h"
#include "core/printk.h"

unsigned int gauge_count(void)
{
	return (unsigned int)(gauges_end - gauges_start);
}

const struct gauge *gauge_at(unsigned int index)
{
	return index < gauge_count() ? &gauges_start[index] : NULL;
}

static void call_here(void (*fn)(void))
{
	fn();
}

void (*gauge_on_each_cpu)(void (*fn)(void)) __ro_after_init = call_here;

static void drain_some(bool each_cpu)
{
	for (const struct gauge_drain *d = gauge_drains_start; d < gauge_drains_end; d++)
		if (d->each_cpu == each_cpu)
			d->drain();
}

static void drain_this_cpu(void)
{
	drain_some(true);
}

void gauge_drain_all(void)
{
	for (int round = 0; round < 3; round++) {
		drain_some(false);
		gauge_on_each_cpu(drain_this_cpu);
	}
}

void gauge_snapshot(struct gauge_snapshot *out)
{
	assert(gauge_count() <= GAUGE_MAX);
	for (unsigned int i = 0; i < gauge_count(); i++)
		out->value[i] = gauge_at(i)->read();
}

unsigned int gauge_report_changes(const struct gauge_snapshot *before,
				  const struct gauge_snapshot *after)
{
	unsigned int changed = 0;

	for (unsigned int i = 0; i < gauge_count(); i++) {
		if (before->value[i] == after->value[i])
			continue;
		pr_err("leak: %s: %ld before, %ld after\n", gauge_at(i)->name, before->value[i],
		       after->value[i]);
		changed++;
	}
	return changed;
}
