/*
 * /proc/interrupts (proc(5)): how often each CPU was interrupted, and by what.
 */
#include <arch/irqchip.h>
#include <arch/percpu.h>

#include "core/irq.h"
#include "procfs/root.h"

enum { NUMBER_WIDTH = 3 };

/* Vectors that nothing is at are spurious, too. */
static void put_counts(struct text *text, uint8_t vector)
{
	for_each_cpu(cpu)
		text_printf(text, "%10u ", irq_count_of(vector, cpu) +
		            (vector == VECTOR_SPURIOUS ? irq_count_stray(cpu) : 0));
}

static void put_irq(struct text *text, const struct irq_info *irq)
{
	text_printf(text, "%*u: ", NUMBER_WIDTH, irq->number);
	for_each_cpu(cpu)
		text_printf(text, "%10u ", irq_count_on(irq->number, cpu));
	text_printf(text, " %8s %*u-%-8s", irq->controller, NUMBER_WIDTH, irq->hardware_number,
	            irq->is_level ? "fasteoi" : "edge");
	text_printf(text, "%s%s\n", irq->names[0] ? "  " : "", irq->names);
}

/* Devices by number, then what the CPUs have among themselves, in Linux's words. */
int show_interrupts(const struct node *node, struct text *text)
{
	static const struct { uint8_t vector; const char *name, *meaning; } own[] = {
		{ VECTOR_TIMER, "LOC", "Local timer interrupts" },
		{ VECTOR_SPURIOUS, "SPU", "Spurious interrupts" },
		{ VECTOR_IPI_WAKE, "RES", "Rescheduling interrupts" },
		{ VECTOR_IPI_FLUSH, "TLB", "TLB shootdowns" },
	};
	struct irq_info irq;
	uint32_t nr_errors = 0;

	text_printf(text, "%*s", NUMBER_WIDTH + 8, "");
	for_each_cpu(cpu)
		text_printf(text, "CPU%-8u", cpu);
	text_puts(text, "\n");
	for (uint32_t next = 0; irq_describe_next(next, &irq); next = irq.number + 1)
		put_irq(text, &irq);
	for (size_t i = 0; i < array_size(own); i++) {
		text_printf(text, "%s: ", own[i].name);
		put_counts(text, own[i].vector);
		text_printf(text, "  %s\n", own[i].meaning);
	}
	for_each_cpu(cpu)
		nr_errors += irq_count_of(VECTOR_ERROR, cpu);
	text_printf(text, "ERR: %10u\n", nr_errors);
	return 0;
}
