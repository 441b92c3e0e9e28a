/*
 * The table that machines without ACPI tell their CPUs and interrupt lines by (MultiProcessor
 * Specification 1.4): Firecracker, QEMU's microvm with acpi=off, PCs of the last century.
 */
#pragma once

#include "lib/types.h"

/*
 * Looks for the table and fills in what of `acpi` is about CPUs, the first I/O APIC and ISA lines.
 * False, and nothing changed, if there is none that makes sense. After paging_init().
 */
bool mptable_read(void);
