/*
 * Interrupt hardware: local APIC and I/O APIC; the old PIC is masked. core/irq.h has the
 * vectors of each CPU and the handlers; upcall_irq() finds them.
 *
 * Vectors: 0..31 exceptions; 0x20..0xdf devices; 0xec timer; 0xf0.. inter-processor and error; 0xff
 * spurious.
 */
#pragma once

#include "lib/types.h"

#define VECTOR_DEVICE_FIRST 0x20
#define VECTOR_DEVICE_LAST  0xdf
#define VECTOR_TIMER        0xec
#define VECTOR_IPI_FLUSH    0xf0
#define VECTOR_IPI_WAKE     0xf1
#define VECTOR_IPI_STOP     0xf2
#define VECTOR_ERROR        0xfe
#define VECTOR_SPURIOUS     0xff

/* Masks the PIC, turns on this CPU's local APIC, finds the I/O APICs. After acpi_init(). */
void irqchip_init(void);

/* This CPU's local APIC, for CPUs after the first. */
void irqchip_init_cpu(void);

enum irq_trigger { IRQ_TRIGGER_DEFAULT, IRQ_TRIGGER_EDGE_HIGH, IRQ_TRIGGER_LEVEL_LOW,
	IRQ_TRIGGER_LEVEL_HIGH };

/* A pin of an I/O APIC, for whoever uses it. */
struct irqchip_line {
	uint32_t gsi, chip, pin __const_after_init;
	bool     is_level, is_active_low __const_after_init;
	uint32_t entry; /* as last written; under the lock of the chips */
};

/*
 * Which pin it is, and how it triggers. ISA lines 0..15 go by the MADT's overrides; the default is
 * what such an override says, or level and low. -ENODEV: no such line.
 */
__must_check int irqchip_line_find_isa(uint32_t isa_irq, struct irqchip_line *line);
__must_check int irqchip_line_find(uint32_t gsi, enum irq_trigger trigger,
                                   struct irqchip_line *line);

/* To the vector on the CPU from now on, masked or not as before; masked at first. Any context. */
void irqchip_line_route(struct irqchip_line *line, uint8_t vector, uint32_t cpu);
void irqchip_line_mask(struct irqchip_line *line, bool masked);

/* The first GSI that no I/O APIC has. */
uint32_t irqchip_nr_lines(void);

/* False: neither lines nor messages can name this CPU. */
bool irqchip_can_target(uint32_t cpu);

/* Address and data of a message-signalled interrupt for the vector on a CPU. */
void irqchip_msi_message(uint8_t vector, uint32_t cpu, uint64_t *address, uint32_t *data);

/*
 * End of interrupt. Arch calls it behind upcall_irq(): a line that is level-triggered is quiet by
 * then, or it would interrupt once more.
 */
void irqchip_eoi(void);

/* Inter-processor interrupts, by CPU id; a fixed VECTOR_IPI_*. */
void irqchip_ipi(uint32_t cpu, uint8_t vector);
void irqchip_ipi_others(uint8_t vector);
/* This CPU, as soon as its interrupts are on: from an NMI, too. */
void irqchip_ipi_self(uint8_t vector);
