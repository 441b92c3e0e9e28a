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

void gauge_drain_all(void)
{
	for (int round = 0; round < 3; round++)
		for (const struct gauge_drain *d = gauge_drains_start; d < gauge_drains_end; d++)
			d->drain();
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
