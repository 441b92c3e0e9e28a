/*
 * The interrupt that cannot be masked: one CPU's way to another that may have its interrupts off,
 * and the machine's way to say that something is wrong. Its handler is upcall_nmi().
 */
#pragma once

#include "lib/types.h"

/* The CPU enters upcall_nmi() soon, whatever it does. Any context but an NMI that will return. */
void nmi_send(uint32_t cpu);

/* What the machine says about an NMI that no CPU has sent (port 0x61 of a PC). */
enum { NMI_REASON_MEMORY = 1 << 7, NMI_REASON_BUS = 1 << 6 };

/*
 * The reason, and the machine is told to go on. Only the boot CPU is wired to it, others read 0.
 * From upcall_nmi() only.
 */
uint8_t nmi_take_reason(void);
