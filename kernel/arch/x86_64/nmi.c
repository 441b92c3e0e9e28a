/*
 * Sending NMIs, and what the machine says about its own. The entry is in entry.S: always on the
 * NMI stack, straight back by iretq, for only that lets the next NMI in.
 */
#include <arch/nmi.h>

#include <arch/io.h>
#include <arch/percpu.h>

#include "arch/x86_64/lapic.h"

enum {
	CONTROL_PORT = 0x61,
	CONTROL_KEPT = 0x0f,
	CLEAR_MEMORY = 1 << 2,
	CLEAR_BUS = 1 << 3,
};

void nmi_send(uint32_t cpu)
{
	lapic_send_nmi(irqchip_destination(cpu));
}

uint8_t nmi_take_reason(void)
{
	uint8_t reason, clear = 0;

	if (cpu_id() != 0)
		return 0;
	reason = inb(CONTROL_PORT);
	clear |= reason & NMI_REASON_MEMORY ? CLEAR_MEMORY : 0;
	clear |= reason & NMI_REASON_BUS ? CLEAR_BUS : 0;
	if (clear) {
		outb(CONTROL_PORT, (uint8_t)((reason & CONTROL_KEPT) | clear));
		outb(CONTROL_PORT, reason & CONTROL_KEPT & (uint8_t)~clear);
	}
	return reason;
}
