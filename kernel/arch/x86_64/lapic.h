/*
 * The local APIC's registers, in memory (xAPIC) or, where the firmware left it so or a hypervisor
 * has it, in MSRs (x2APIC; Intel SDM volume 3, chapter "APIC").
 */
#pragma once

#include "lib/types.h"

enum lapic_register {
	LAPIC_ID = 0x20, LAPIC_VERSION = 0x30, LAPIC_TASK_PRIORITY = 0x80, LAPIC_EOI = 0xb0,
	LAPIC_SPURIOUS = 0xf0,
	LAPIC_ERROR_STATUS = 0x280, LAPIC_ICR = 0x300, LAPIC_ICR_HIGH = 0x310, LAPIC_TIMER = 0x320,
	LAPIC_THERMAL = 0x330, LAPIC_PERFORMANCE = 0x340, LAPIC_LINT0 = 0x350, LAPIC_LINT1 = 0x360,
	LAPIC_ERROR = 0x370, LAPIC_TIMER_COUNT = 0x380, LAPIC_TIMER_CURRENT = 0x390,
	LAPIC_TIMER_DIVIDE = 0x3e0,
};

/* The APIC id that interrupts for the CPU are sent to. */
uint32_t irqchip_destination(uint32_t cpu);

#define LAPIC_MASKED         (1u << 16)
#define LAPIC_TIMER_DEADLINE (2u << 17)

uint32_t lapic_read(enum lapic_register reg);
void lapic_write(enum lapic_register reg, uint32_t value);

/*
 * Maps and enables the local APIC of the boot CPU; lapic_init_cpu() enables it on the calling CPU.
 */
void lapic_init(void);
void lapic_init_cpu(void);

/* Whether interrupts can be sent to the id: in memory mode it has 8 bits; all set mean all CPUs. */
bool lapic_can_reach(uint32_t apic_id);

/* Turns the calling CPU's local APIC on, in the mode of the boot CPU's, and says its id. */
uint32_t lapic_enable(void);

/*
 * To a CPU that is not up: back to waiting for a start-up interrupt; begin in real mode at the
 * page, which lies below 1 MiB.
 */
void lapic_send_init(uint32_t apic_id);
void lapic_send_start(uint32_t apic_id, paddr_t page);

/* To any CPU that is up. Not from an NMI that will return. */
void lapic_send_nmi(uint32_t apic_id);
