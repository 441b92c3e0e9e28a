/*
 * The power button. See drivers/acpi_button.h.
 *
 * The SCI is shared by all of ACPI, and level-triggered: nothing but the button is enabled here,
 * and should something else hold the line, the line is masked after a while and said so.
 */
#define pr_fmt(fmt) "acpi: " fmt

#include "drivers/acpi_button.h"

#include <arch/acpi.h>
#include <arch/io.h>
#include <arch/power.h>

#include "core/printk.h"
#include "dev/irq_line.h"
#include "dev/power_button.h"

enum {
	POWER_BUTTON = 1 << 8, ALL_EVENTS = 0x8731, /* status bits: written to be cleared */
	STRANGE_MAX = 1000,
};

static struct {
	struct irq_action action;
	uint32_t nr_strange; /* interrupts in a row that were nobody's; in the handler only */
} button;

static uint16_t event_enable(uint16_t block)
{
	return (uint16_t)(block + acpi.pm1_event_length / 2);
}

/* Was it this block's button? Acknowledged then. */
static bool take_press(uint16_t block)
{
	if (!block || !(inw(block) & POWER_BUTTON))
		return false;
	outw(block, POWER_BUTTON);
	return true;
}

static enum irq_result acpi_button_interrupt(void *arg)
{
	bool pressed = take_press(acpi.pm1a_event);

	pressed |= take_press(acpi.pm1b_event);
	if (pressed) {
		button.nr_strange = 0;
		power_button_report();
		return IRQ_HANDLED;
	}
	if (++button.nr_strange == STRANGE_MAX) {
		pr_warn("the SCI does not end: masked, and the power button with it\n");
		irq_set_mask(button.action.irq, true);
	}
	return IRQ_NOT_MINE;
}

static void enable(uint16_t block)
{
	if (!block)
		return;
	outw(block, ALL_EVENTS);
	outw(event_enable(block), POWER_BUTTON);
}

static bool has_fixed_button(void)
{
	return acpi.present && !acpi.hardware_reduced && acpi.has_power_button &&
	       acpi.pm1a_event && acpi.pm1_event_length >= 4;
}

void acpi_button_init(void)
{
	uint32_t line = acpi.sci_irq;

	if (!has_fixed_button())
		return;
	power_enable_acpi();
	button.action = (struct irq_action){ .handler = acpi_button_interrupt, .name = "acpi" };
	if (irq_line_register_gsi(line, IRQ_TRIGGER_DEFAULT, &button.action)) {
		pr_warn("the SCI, line %u, cannot be routed: no power button\n", line);
		return;
	}
	enable(acpi.pm1a_event);
	enable(acpi.pm1b_event);
}
