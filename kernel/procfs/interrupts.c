/*
 * /proc/interrupts (proc(5)): how often each CPU was interrupted, and by what.
 */
#include "arch/irqchip.h"
#include "arch/percpu.h"
#include "core/irq.h"
#include "procfs/root.h"

static void put_counts(struct text *text, uint8_t vector)
{
	for_each_cpu(cpu)
		text_printf(text, "%10u ", irq_count_of(vector, cpu));
}

/* Devices by vector, then what the CPUs have among themselves, in Linux's words. */
int show_interrupts(const struct node *node, struct text *text)
{
	static const struct { uint8_t vector; const char *name, *meaning; } own[] = {
		{ VECTOR_TIMER, "LOC", "Local timer interrupts" },
		{ VECTOR_SPURIOUS, "SPU", "Spurious interrupts" },
		{ VECTOR_IPI_WAKE, "RES", "Rescheduling interrupts" },
		{ VECTOR_IPI_FLUSH, "TLB", "TLB shootdowns" },
	};

	text_puts(text, "           ");
	for_each_cpu(cpu)
		text_printf(text, "CPU%-8u", cpu);
	text_puts(text, "\n");
	for (unsigned int vector = 0; vector < IRQ_VECTORS; vector++) {
		const char *name = irq_name((uint8_t)vector);

		if (!name)
			continue;
		text_printf(text, "%3u: ", vector);
		put_counts(text, (uint8_t)vector);
		text_printf(text, "  %s\n", name);
	}
	for (size_t i = 0; i < array_size(own); i++) {
		text_printf(text, "%s: ", own[i].name);
		put_counts(text, own[i].vector);
		text_printf(text, "  %s\n", own[i].meaning);
	}
	return 0;
}
