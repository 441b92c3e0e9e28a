/*
 * Off and restart. A machine obeys an ACPI write a moment later, so each attempt is followed by a
 * pause before the next; when all have failed, the CPU halts.
 */
#include <arch/power.h>

#include <arch/acpi.h>
#include <arch/cpu.h>
#include <arch/io.h>

#include "core/printk.h"
#include "lib/bits.h"

enum {
	PM1_SCI_ENABLE = 1 << 0, PM1_SLEEP_TYPE_SHIFT = 10, PM1_SLEEP_ENABLE = 1 << 13,
	SLEEP_TYPE_SHIFT = 2, SLEEP_ENABLE = 1 << 5, /* hardware-reduced sleep control */
	KEYBOARD_STATUS = 0x64, KEYBOARD_INPUT_FULL = 2, KEYBOARD_RESET = 0xfe,
	PCI_RESET_PORT = 0xcf9, PCI_RESET_HARD = 0x06,
	IO_DELAY_PORT = 0x80,
};

/* About a microsecond a step on real buses; good enough for a machine that is about to go. */
static void pause_us(unsigned int us)
{
	while (us-- > 0)
		outb(IO_DELAY_PORT, 0);
}

/* Registers in memory were mapped by acpi_init(): no lock is needed here. */
static void write_register(const struct acpi_address *reg, uint8_t value)
{
	if (reg->address == 0)
		return;
	if (reg->space == 1)
		outb((uint16_t)reg->address, value);
	else if (reg->space == 0 && reg->address < MMIO_SIZE)
		mmio_write8((volatile void *)(MMIO_BASE + reg->address), value);
}

void power_enable_acpi(void)
{
	if (!acpi.pm1a_control || inw(acpi.pm1a_control) & PM1_SCI_ENABLE || !acpi.smi_command)
		return;
	outb(acpi.smi_command, acpi.acpi_enable);
	for (int i = 0; i < 3000 && !(inw(acpi.pm1a_control) & PM1_SCI_ENABLE); i++)
		pause_us(100);
}

static void sleep_by_pm1(void)
{
	power_enable_acpi();
	outw(acpi.pm1a_control,
	     (uint16_t)(acpi.s5_type_a << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE));
	if (acpi.pm1b_control)
		outw(acpi.pm1b_control,
		     (uint16_t)(acpi.s5_type_b << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE));
}

bool power_can_power_off(void)
{
	return acpi.s5_type_a >= 0;
}

__noreturn void power_off(void)
{
	irq_disable();
	if (acpi.s5_type_a < 0)
		pr_warn("power: the machine does not say how to power off\n");
	else if (acpi.hardware_reduced)
		write_register(&acpi.sleep_control,
		               (uint8_t)(acpi.s5_type_a << SLEEP_TYPE_SHIFT | SLEEP_ENABLE));
	else if (acpi.pm1a_control)
		sleep_by_pm1();
	pause_us(500000);
	pr_emerg("System halted.\n");
	cpu_halt_forever();
}

static void reset_by_keyboard_controller(void)
{
	for (int i = 0; i < 1000 && inb(KEYBOARD_STATUS) & KEYBOARD_INPUT_FULL; i++)
		pause_us(10);
	outb(KEYBOARD_STATUS, KEYBOARD_RESET);
}

static __noreturn void reset_by_triple_fault(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed nothing = { 0, 0 };

	__asm__ volatile("lidt %0; int3" : : "m"(nothing));
	cpu_halt_forever();
}

__noreturn void system_reset(void)
{
	irq_disable();
	write_register(&acpi.reset_register, acpi.reset_value);
	pause_us(10000);
	if (!acpi.no_keyboard_controller)
		reset_by_keyboard_controller();
	pause_us(10000);
	outb(PCI_RESET_PORT, PCI_RESET_HARD);
	pause_us(10000);
	reset_by_triple_fault();
}

__noreturn void system_halt(void)
{
	cpu_halt_forever();
}
