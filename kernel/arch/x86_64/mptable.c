/*
 * The MultiProcessor table. Its pointer stands on a 16-byte boundary in the first KiB of the
 * extended BIOS data area, the last KiB of base memory, or the BIOS's ROM; each is mapped, bounded
 * and summed before it is believed. Of several I/O APICs only the first is used: the table does not
 * say where the lines of the others begin. One of the default configurations (two CPUs, no table)
 * is not supported: no machine with a 64-bit CPU has it.
 */
#define pr_fmt(fmt) "mptable: " fmt

#include "arch/x86_64/mptable.h"

#include <arch/acpi.h>
#include <arch/io.h>

#include "core/printk.h"
#include "lib/string.h"

enum {
	POINTER_SIZE = 16, HEADER_SIZE = 44, TABLE_SIZE_MAX = 0x10000, STEP = 16, KIB = 1024,
	EBDA_SEGMENT_AT = 0x40e, BASE_MEMORY_END = 0xa0000, ROM_START = 0xf0000, ROM_SIZE = 0x10000,
	ENTRY_CPU = 0, ENTRY_BUS = 1, ENTRY_IOAPIC = 2, ENTRY_LINE = 3, ENTRY_TYPES = 5,
	USABLE = 1, BUSES = 256,
};

struct pointer {
	char     signature[4];
	uint32_t table;
	uint8_t  length, revision, checksum, default_configuration, features[4];
} __packed;

struct header {
	char     signature[4];
	uint16_t length;
	uint8_t  revision, checksum;
	char     oem[20];
	uint32_t oem_table;
	uint16_t oem_size, nr_entries;
	uint32_t lapic;
	uint16_t extended_size;
	uint8_t  extended_checksum, reserved;
} __packed;

static_assert(sizeof(struct pointer) == POINTER_SIZE && sizeof(struct header) == HEADER_SIZE, "MP");

static const void *map(paddr_t paddr, size_t size)
{
	volatile void *base;

	if (mmio_map(paddr, size, MMIO_CACHED, &base) < 0)
		return NULL;
	return (const void *)(uintptr_t)base;
}

static uint8_t sum_of(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	while (size-- > 0)
		sum = (uint8_t)(sum + *bytes++);
	return sum;
}

static const struct pointer *find_pointer_in(paddr_t start, size_t size)
{
	const char *area = map(start, size);

	for (size_t at = 0; area && at + POINTER_SIZE <= size; at += STEP) {
		const struct pointer *pointer = (const void *)(area + at);

		if (!memcmp(pointer->signature, "_MP_", 4) && pointer->length == 1 &&
		    sum_of(pointer, POINTER_SIZE) == 0)
			return pointer;
	}
	return NULL;
}

static const struct pointer *find_pointer(void)
{
	const uint16_t *segment = map(EBDA_SEGMENT_AT, sizeof(*segment));
	paddr_t ebda = segment ? (paddr_t)*segment << 4 : 0;
	const struct pointer *found = NULL;

	if (ebda >= KIB && ebda < BASE_MEMORY_END)
		found = find_pointer_in(ebda, KIB);
	if (!found)
		found = find_pointer_in(BASE_MEMORY_END - KIB, KIB);
	return found ? found : find_pointer_in(ROM_START, ROM_SIZE);
}

static const struct header *find_table(void)
{
	const struct pointer *pointer = find_pointer();
	const struct header *table =
		pointer && pointer->table ? map(pointer->table, HEADER_SIZE) : NULL;

	if (!table || memcmp(table->signature, "PCMP", 4) != 0)
		return NULL;
	if (table->length < HEADER_SIZE || !map(pointer->table, table->length) ||
	    sum_of(table, table->length) != 0) {
		pr_warn("the table at %#x is damaged: ignored\n", pointer->table);
		return NULL;
	}
	return table;
}

/* ---- entries ------------------------------------------------------------------------------- */

static void take_cpu(const uint8_t *entry)
{
	if (entry[3] & USABLE && acpi.nr_cpus < ACPI_MAX_CPUS)
		acpi.apic_ids[acpi.nr_cpus++] = entry[1];
}

static void take_ioapic(const uint8_t *entry)
{
	uint32_t paddr;

	if (!(entry[3] & USABLE) || acpi.nr_ioapics)
		return;
	memcpy(&paddr, entry + 4, 4);
	acpi.ioapics[acpi.nr_ioapics++] = (struct acpi_ioapic){ .id = entry[1], .paddr = paddr };
}

/* How an ISA line is wired to the first I/O APIC. */
static void take_line(const uint8_t *entry, const bool *is_isa)
{
	uint8_t flags = entry[2], bus = entry[4], irq = entry[5], pin = entry[7];

	if (entry[1] != 0 || !is_isa[bus] || irq >= ACPI_ISA_IRQS)
		return;
	acpi.isa_irqs[irq] = (struct acpi_isa_irq){
		.gsi = pin, .active_low = (flags & 3) == 3, .level = (flags >> 2 & 3) == 3,
	};
}

static void take_entries(const struct header *table)
{
	static const uint8_t sizes[ENTRY_TYPES] = { 20, 8, 8, 8, 8 };
	static bool is_isa[BUSES] __initdata;
	const uint8_t *entry = (const uint8_t *)(table + 1);
	const uint8_t *end = (const uint8_t *)table + table->length;

	acpi.nr_cpus = 0;
	for (uint32_t i = 0; i < table->nr_entries && entry < end; i++) {
		uint8_t type = entry[0];

		if (type >= ENTRY_TYPES || end - entry < sizes[type])
			break;
		if (type == ENTRY_CPU)
			take_cpu(entry);
		else if (type == ENTRY_BUS)
			is_isa[entry[1]] = !memcmp(entry + 2, "ISA   ", 6);
		else if (type == ENTRY_IOAPIC)
			take_ioapic(entry);
		else if (type == ENTRY_LINE)
			take_line(entry, is_isa);
		entry += sizes[type];
	}
	if (acpi.nr_cpus == 0)
		acpi.nr_cpus = 1;
}

bool mptable_read(void)
{
	const struct header *table = find_table();

	if (!table)
		return false;
	acpi.lapic_paddr = table->lapic;
	take_entries(table);
	return true;
}
