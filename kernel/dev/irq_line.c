/*
 * Lines that have handlers. See irq_line.h.
 */
#include "dev/irq_line.h"

#include <linux/errno.h>

#include <arch/acpi.h>

#include "mem/alloc.h"
#include "sched/mutex.h"

struct irq_line {
	struct list         link; /* of all, under lines.lock */
	struct irqchip_line pin;
	struct irq          irq;  /* the last: its end is open */
};

static struct {
	struct mutex lock;
	struct list  all __guarded_by(lock);
} lines = { .lock = MUTEX(lines.lock, RANK_SLEEPING), .all = LIST_INIT(lines.all) };

static struct irq_line *to_line(struct irq *irq)
{
	return container_of(irq, struct irq_line, irq);
}

static void line_route(struct irq *irq, uint32_t cpu, uint8_t vector)
{
	irqchip_line_route(&to_line(irq)->pin, vector, cpu);
}

static void line_mask(struct irq *irq, bool masked)
{
	irqchip_line_mask(&to_line(irq)->pin, masked);
}

/*
 * The end of interrupt of a level-triggered line names its vector: one that is moved while it waits
 * for that must keep the vector.
 */
static const struct irq_ops line_ops = {
	.controller = "IO-APIC",
	.route = line_route,
	.mask = line_mask,
	.keeps_vector = true,
};

static struct irq_line *line_find(uint32_t gsi)
{
	struct irq_line *line;

	list_for_each_entry(line, &lines.all, link) {
		if (line->pin.gsi == gsi)
			return line;
	}
	return NULL;
}

static int line_start(struct irq_line *line, const struct irqchip_line *pin, uint32_t number)
{
	int err;

	line->pin = *pin;
	line->irq.ops = &line_ops;
	line->irq.hardware_number = pin->pin;
	line->irq.is_level = pin->is_level;
	line->irq.can_move = true;
	err = irq_add(&line->irq, number, 0);
	if (err)
		return err;
	line->irq.affinity = ~0ul;
	list_add_tail(&lines.all, &line->link);
	return 0;
}

static int line_register(const struct irqchip_line *pin, uint32_t number,
                         struct irq_action *action)
{
	struct irq_line *spare = kzalloc(irq_size(offsetof(struct irq_line, irq)), ALLOC_KERNEL);
	struct irq_line *line;
	int err = 0;

	if (!spare)
		return -ENOMEM;
	mutex_lock(&lines.lock);
	line = line_find(pin->gsi);
	if (!line) {
		line = spare;
		err = line_start(line, pin, number);
	} else if (line->pin.is_level != pin->is_level ||
	           line->pin.is_active_low != pin->is_active_low) {
		err = -EBUSY;
	}
	if (!err)
		irq_attach(&line->irq, action);
	mutex_unlock(&lines.lock);
	if (err || line != spare)
		kfree(spare);
	return err;
}

int irq_line_register_isa(uint32_t isa_irq, struct irq_action *action)
{
	struct irqchip_line pin;
	int err = irqchip_line_find_isa(isa_irq, &pin);

	return err ? err : line_register(&pin, isa_irq, action);
}

/* ISA lines are known by their own number wherever they sit. */
static uint32_t number_of(uint32_t gsi)
{
	for (uint32_t i = 0; i < ACPI_ISA_IRQS; i++) {
		if (acpi.isa_irqs[i].gsi == gsi)
			return i;
	}
	return gsi;
}

int irq_line_register_gsi(uint32_t gsi, enum irq_trigger trigger, struct irq_action *action)
{
	struct irqchip_line pin;
	int err = irqchip_line_find(gsi, trigger, &pin);

	return err ? err : line_register(&pin, number_of(gsi), action);
}

void irq_line_unregister(struct irq_action *action)
{
	struct irq *irq = action->irq;

	mutex_lock(&lines.lock);
	if (irq_detach(irq, action) == 0) {
		irq_remove(irq);
		list_remove(&to_line(irq)->link);
		kfree(to_line(irq));
	}
	mutex_unlock(&lines.lock);
}
