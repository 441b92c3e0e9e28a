/*
 * Interrupt lines, as drivers want them: by ISA number or by GSI, shared where they are.
 *
 *	action->handler = ..., action->arg = ..., action->name = "ttyS0";
 *	err = irq_line_register_isa(4, action);        ...      irq_line_unregister(action);
 *
 * A line is routed, to the boot CPU, when the first handler comes, and given back with the last
 * one. Its number in /proc/interrupts is the ISA number or the GSI.
 */
#pragma once

#include "core/irq.h"

/*
 * Calls action->handler for every interrupt of the line, which is unmasked. ISA lines go by the
 * MADT. -ENODEV: no such line; -EBUSY: others share it who want another trigger; -ENOSPC: no vector
 * is free; -ENOMEM. May sleep.
 */
__must_check int irq_line_register_isa(uint32_t isa_irq, struct irq_action *action);
__must_check int irq_line_register_gsi(uint32_t gsi, enum irq_trigger trigger,
                                       struct irq_action *action);

/* Undo; afterwards no CPU is in the handler. May sleep. */
void irq_line_unregister(struct irq_action *action);
