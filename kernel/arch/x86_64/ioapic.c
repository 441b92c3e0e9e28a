/*
 * Interrupt lines: the I/O APICs, and the old PIC made silent.
 *
 * All pins are masked until somebody routes one. Who uses a line keeps what describes it (struct
 * irqchip_line); here are only the chips.
 */
#define pr_fmt(fmt) "ioapic: " fmt

#include <arch/irqchip.h>

#include <linux/errno.h>

#include <arch/acpi.h>
#include <arch/io.h>

#include "arch/x86_64/lapic.h"
#include "core/printk.h"
#include "core/spinlock.h"
#include "lib/math.h"

enum {
	SELECT = 0x00, WINDOW = 0x10, REG_VERSION = 1, REG_TABLE = 0x10,
	ENTRY_LOW_ACTIVE = 1 << 13, ENTRY_LEVEL = 1 << 15, ENTRY_MASKED = 1 << 16,
	DEFAULT_PADDR = 0xfec00000, IDS = 255, /* destinations, without that of all */
};

struct ioapic {
	volatile uint8_t *base;
	uint32_t gsi_base, nr_pins;
};

static struct {
	struct spinlock lock; /* the select and window registers, and lines' entries */
	uint32_t        nr __const_after_init;
	struct ioapic   at[ACPI_MAX_IOAPICS] __const_after_init;
} chips = { .lock = SPINLOCK(RANK_IRQ_LEAF) };

static uint32_t chip_read(struct ioapic *chip, uint32_t reg)
{
	mmio_write32(chip->base + SELECT, reg);
	return mmio_read32(chip->base + WINDOW);
}

static void chip_write(struct ioapic *chip, uint32_t reg, uint32_t value)
{
	mmio_write32(chip->base + SELECT, reg);
	mmio_write32(chip->base + WINDOW, value);
}

static void add_chip(paddr_t paddr, uint32_t gsi_base)
{
	struct ioapic *chip = &chips.at[chips.nr];
	volatile void *base;

	if (mmio_map(paddr, PAGE_SIZE, MMIO_UNCACHED, &base) < 0)
		return;
	chip->base = base;
	chip->gsi_base = gsi_base;
	uint32_t version = chip_read(chip, REG_VERSION);

	if (version == ~0u) {
		pr_warn("nothing answers at %#lx\n", paddr);
		return;
	}
	chip->nr_pins = (version >> 16 & 255) + 1;
	for (uint32_t pin = 0; pin < chip->nr_pins; pin++)
		chip_write(chip, REG_TABLE + 2 * pin, ENTRY_MASKED);
	chips.nr++;
}

/* Two chips in cascade: given vectors out of the exceptions' way, then masked for good. */
static void silence_pic(void)
{
	enum { PIC1 = 0x20, PIC2 = 0xa0, INIT = 0x11, CASCADE_PIN = 2, MODE_8086 = 1 };

	outb(PIC1, INIT);
	outb(PIC2, INIT);
	outb(PIC1 + 1, VECTOR_DEVICE_FIRST);
	outb(PIC2 + 1, VECTOR_DEVICE_FIRST + 8);
	outb(PIC1 + 1, 1 << CASCADE_PIN);
	outb(PIC2 + 1, CASCADE_PIN);
	outb(PIC1 + 1, MODE_8086);
	outb(PIC2 + 1, MODE_8086);
	outb(PIC1 + 1, 0xff);
	outb(PIC2 + 1, 0xff);
}

void irqchip_init(void)
{
	silence_pic();
	lapic_init();
	for (uint32_t i = 0; i < acpi.nr_ioapics; i++)
		add_chip(acpi.ioapics[i].paddr, acpi.ioapics[i].gsi_base);
	if (acpi.nr_ioapics == 0)
		add_chip(DEFAULT_PADDR, 0);
}

void irqchip_init_cpu(void)
{
	lapic_init_cpu();
}

static int find(uint32_t gsi, bool level, bool active_low, struct irqchip_line *line)
{
	for (uint32_t i = 0; i < chips.nr; i++) {
		uint32_t pin = gsi - chips.at[i].gsi_base;

		if (pin >= chips.at[i].nr_pins)
			continue;
		*line = (struct irqchip_line){
			.gsi = gsi, .chip = i, .pin = pin, .is_level = level,
			.is_active_low = active_low, .entry = ENTRY_MASKED,
		};
		return 0;
	}
	return -ENODEV;
}

int irqchip_line_find_isa(uint32_t isa_irq, struct irqchip_line *line)
{
	if (isa_irq >= ACPI_ISA_IRQS)
		return -ENODEV;
	const struct acpi_isa_irq *irq = &acpi.isa_irqs[isa_irq];

	return find(irq->gsi, irq->level, irq->active_low, line);
}

int irqchip_line_find(uint32_t gsi, enum irq_trigger trigger, struct irqchip_line *line)
{
	for (uint32_t i = 0; trigger == IRQ_TRIGGER_DEFAULT && i < ACPI_ISA_IRQS; i++) {
		if (acpi.isa_irqs[i].gsi == gsi)
			return irqchip_line_find_isa(i, line);
	}
	return find(gsi, trigger != IRQ_TRIGGER_EDGE_HIGH,
	            trigger == IRQ_TRIGGER_DEFAULT || trigger == IRQ_TRIGGER_LEVEL_LOW, line);
}

static void write_entry(const struct irqchip_line *line)
{
	chip_write(&chips.at[line->chip], REG_TABLE + 2 * line->pin, line->entry);
}

void irqchip_line_route(struct irqchip_line *line, uint8_t vector, uint32_t cpu)
{
	uint64_t flags = spin_lock_irqsave(&chips.lock);
	uint32_t mask = line->entry & ENTRY_MASKED;

	line->entry = vector | (line->is_level ? ENTRY_LEVEL : 0) |
	              (line->is_active_low ? ENTRY_LOW_ACTIVE : 0) | ENTRY_MASKED;
	write_entry(line);
	chip_write(&chips.at[line->chip], REG_TABLE + 2 * line->pin + 1,
	           irqchip_destination(cpu) << 24);
	line->entry = (line->entry & ~ENTRY_MASKED) | mask;
	write_entry(line);
	spin_unlock_irqrestore(&chips.lock, flags);
}

void irqchip_line_mask(struct irqchip_line *line, bool masked)
{
	uint64_t flags = spin_lock_irqsave(&chips.lock);

	line->entry = (line->entry & ~ENTRY_MASKED) | (masked ? ENTRY_MASKED : 0);
	write_entry(line);
	spin_unlock_irqrestore(&chips.lock, flags);
}

uint32_t irqchip_nr_lines(void)
{
	uint32_t end = ACPI_ISA_IRQS;

	for (uint32_t i = 0; i < chips.nr; i++)
		end = max(end, chips.at[i].gsi_base + chips.at[i].nr_pins);
	return end;
}

bool irqchip_can_target(uint32_t cpu)
{
	return irqchip_destination(cpu) < IDS;
}

void irqchip_msi_message(uint8_t vector, uint32_t cpu, uint64_t *address, uint32_t *data)
{
	*address = 0xfee00000 | irqchip_destination(cpu) << 12;
	*data = vector;
}
