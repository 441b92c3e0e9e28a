/*
 * Interrupt lines: the I/O APICs, and the old PIC made silent.
 *
 * A line is programmed when it is routed, masked; which I/O APIC pin belongs to a vector is kept in
 * a table so that masking needs no search. Several lines may not share a vector.
 */
#define pr_fmt(fmt) "ioapic: " fmt

#include <arch/irqchip.h>

#include <linux/errno.h>

#include <arch/acpi.h>
#include <arch/io.h>

#include "arch/x86_64/lapic.h"
#include "core/printk.h"
#include "core/spinlock.h"

enum {
	SELECT = 0x00, WINDOW = 0x10, REG_VERSION = 1, REG_TABLE = 0x10,
	ENTRY_LOW_ACTIVE = 1 << 13, ENTRY_LEVEL = 1 << 15, ENTRY_MASKED = 1 << 16,
	DEFAULT_PADDR = 0xfec00000, VECTORS = 256,
};

struct ioapic {
	volatile uint8_t *base;
	uint32_t gsi_base, nr_pins;
};

/* Where a vector's line is; no chip: nowhere. */
struct line {
	struct ioapic *ioapic;
	uint32_t pin, low;
};

static struct {
	struct spinlock lock; /* the select and window registers, and lines */
	uint32_t        nr __const_after_init;
	struct ioapic   at[ACPI_MAX_IOAPICS] __const_after_init;
	struct line     lines[VECTORS] __guarded_by(lock);
} chips = { .lock = SPINLOCK(RANK_LEAF) };

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

static struct ioapic *chip_of(uint32_t gsi)
{
	for (uint32_t i = 0; i < chips.nr; i++) {
		if (gsi - chips.at[i].gsi_base < chips.at[i].nr_pins)
			return &chips.at[i];
	}
	return NULL;
}

static int route(uint32_t gsi, uint8_t vector, bool level, bool active_low, uint32_t cpu)
{
	struct ioapic *chip = chip_of(gsi);

	if (!chip)
		return -ENODEV;
	uint32_t pin = gsi - chip->gsi_base;
	uint32_t low = vector | (level ? ENTRY_LEVEL : 0) | (active_low ? ENTRY_LOW_ACTIVE : 0);
	uint64_t flags = spin_lock_irqsave(&chips.lock);

	chips.lines[vector] = (struct line){ chip, pin, low };
	chip_write(chip, REG_TABLE + 2 * pin, low | ENTRY_MASKED);
	chip_write(chip, REG_TABLE + 2 * pin + 1, irqchip_destination(cpu) << 24);
	spin_unlock_irqrestore(&chips.lock, flags);
	return 0;
}

int irqchip_route_isa(uint32_t isa_irq, uint8_t vector, uint32_t cpu)
{
	if (isa_irq >= ACPI_ISA_IRQS)
		return -ENODEV;
	const struct acpi_isa_irq *irq = &acpi.isa_irqs[isa_irq];

	return route(irq->gsi, vector, irq->level, irq->active_low, cpu);
}

int irqchip_route_gsi(uint32_t gsi, uint8_t vector, enum irq_trigger trigger, uint32_t cpu)
{
	bool level = trigger == IRQ_TRIGGER_LEVEL_LOW || trigger == IRQ_TRIGGER_LEVEL_HIGH;

	if (trigger == IRQ_TRIGGER_DEFAULT && gsi < ACPI_ISA_IRQS)
		return irqchip_route_isa(gsi, vector, cpu);
	if (trigger == IRQ_TRIGGER_DEFAULT)
		return route(gsi, vector, true, true, cpu);
	return route(gsi, vector, level, trigger == IRQ_TRIGGER_LEVEL_LOW, cpu);
}

static void set_mask(uint8_t vector, uint32_t mask)
{
	uint64_t flags = spin_lock_irqsave(&chips.lock);
	struct line *line = &chips.lines[vector];

	if (line->ioapic)
		chip_write(line->ioapic, REG_TABLE + 2 * line->pin, line->low | mask);
	spin_unlock_irqrestore(&chips.lock, flags);
}

void irqchip_mask(uint8_t vector)
{
	set_mask(vector, ENTRY_MASKED);
}

void irqchip_unmask(uint8_t vector)
{
	set_mask(vector, 0);
}

void irqchip_msi_message(uint8_t vector, uint32_t cpu, uint64_t *address, uint32_t *data)
{
	*address = 0xfee00000 | irqchip_destination(cpu) << 12;
	*data = vector;
}
