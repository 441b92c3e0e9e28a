/*
 * The power button of PCs: a fixed event of ACPI's PM1 registers, by the SCI (ACPI 6.4, 4.8.3.1).
 *
 * Machines without those registers (hardware-reduced ACPI, microvm) have their buttons in AML
 * devices, which this kernel does not read: they are left out.
 */
#pragma once

/* Boot CPU, after interrupts can be routed. */
void acpi_button_init(void);
