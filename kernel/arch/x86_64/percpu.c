/*
 * Copies of the per-CPU section. The boot CPU uses the linked one in place; a copy for another CPU
 * must start from what the linker put there, so percpu_init() keeps an image from before anybody
 * wrote to it.
 */
#include <arch/percpu.h>

#include <linux/errno.h>

#include "arch/x86_64/image.h"
#include "arch/x86_64/setup.h"
#include "core/panic.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "mem/memmap.h"

DEFINE_PER_CPU(uint64_t, percpu_delta);
DEFINE_PER_CPU(uint32_t, percpu_number);

uint64_t percpu_deltas[MAX_CPUS] __ro_after_init;
uint32_t percpu_nr_cpus = 1;

static const char *image __ro_after_init;

static size_t section_size(void)
{
	return (size_t)(percpu_end - percpu_start);
}

void percpu_init(void)
{
	char *copy = phys_to_virt(memmap_early_alloc(section_size()));

	memcpy(copy, percpu_start, section_size());
	image = copy;
}

static unsigned int order_for(size_t size)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

int percpu_create(uint32_t cpu)
{
	assert(cpu > 0 && cpu < MAX_CPUS);
	struct page *pages = pages_alloc(order_for(section_size()), ALLOC_KERNEL);

	if (!pages)
		return -ENOMEM;
	char *copy = page_to_virt(pages);

	memcpy(copy, image, section_size());
	percpu_deltas[cpu] = (uint64_t)(copy - percpu_start);
	*per_cpu_ptr(percpu_delta, cpu) = percpu_deltas[cpu];
	*per_cpu_ptr(percpu_number, cpu) = cpu;
	return 0;
}
