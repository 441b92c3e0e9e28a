/*
 * What can be learnt from ACPI's byte code by looking at the bytes, without running it.
 */
#pragma once

#include <arch/acpi.h>

/* The sleep types of \_S5_ if the block defines it as a package of plain numbers. */
bool aml_find_s5(const struct acpi_table_header *block, int *type_a, int *type_b);

/*
 * Where the configuration space of PCI begins, if a method or a name _CBA is a plain number:
 * micro-VMs have no MCFG.
 */
bool aml_find_cba(const struct acpi_table_header *block, uint64_t *base);

/*
 * The *index-th device with this _HID, a fixed memory range and an interrupt; counts *index down
 * past others.
 */
bool aml_find_device(const struct acpi_table_header *block, const char *hid, uint32_t *index,
                     struct acpi_device *device);
