/*
 * ACPI without an interpreter: the root table, the fixed tables (acpi_tables.c, acpi_srat.c read
 * them), and byte scans of the definition blocks (acpi_aml.c), such as for _S5_ (what to write to
 * power off).
 *
 * Every table is mapped in two steps: its header, to learn the length, then the whole, if the
 * length is sane; then summed. One line in the log says what is wrong with a table.
 */
#define pr_fmt(fmt) "acpi: " fmt

#include <arch/acpi.h>

#include <linux/errno.h>

#include <arch/io.h>

#include "arch/x86_64/acpi_aml.h"
#include "arch/x86_64/acpi_tables.h"
#include "arch/x86_64/mptable.h"
#include "core/printk.h"
#include "lib/string.h"
#include "mem/memmap.h"

enum { TABLES_MAX = 128, RSDP_V1_SIZE = 20, RSDP_V2_SIZE = 36 };

struct acpi_info acpi __ro_after_init = {
	.lapic_paddr = 0xfee00000, .nr_cpus = 1, .has_legacy_pic = true, .s5_type_a = -1,
	.s5_type_b = -1,
};

static struct {
	uint32_t nr;
	const struct acpi_table_header *at[TABLES_MAX];
	const struct acpi_table_header *dsdt;
} tables __ro_after_init;

/* ---- finding ------------------------------------------------------------------------------- */

static const void *map_bytes(paddr_t paddr, size_t size)
{
	volatile void *base;

	if (paddr == 0 || mmio_map(paddr, size, MMIO_CACHED, &base) < 0)
		return NULL;
	return (const void *)(uintptr_t)base;
}

static const struct acpi_table_header *map_table(paddr_t paddr)
{
	const struct acpi_table_header *table = map_bytes(paddr, sizeof(*table));
	const char *flaw = table ? acpi_length_flaw(table) : "impossible address";

	if (!flaw && !map_bytes(paddr, table->length))
		flaw = "end at an impossible address";
	if (!flaw)
		flaw = acpi_table_flaw(table);
	if (!flaw)
		return table;
	pr_warn("table %.4s at %#lx: %s: ignored\n", table ? table->signature : "", paddr, flaw);
	return NULL;
}

const struct acpi_table_header *acpi_table_find(const char signature[4], uint32_t n)
{
	for (uint32_t i = 0; i < tables.nr; i++) {
		if (!memcmp(tables.at[i]->signature, signature, 4) && n-- == 0)
			return tables.at[i];
	}
	return NULL;
}

/* The table there, if it has the signature. */
static const struct acpi_table_header *map_signed(paddr_t paddr, const char signature[4])
{
	const struct acpi_table_header *table = map_table(paddr);

	if (!table || !memcmp(table->signature, signature, 4))
		return table;
	pr_warn("table %.4s at %#lx: no %.4s: ignored\n", table->signature, paddr, signature);
	return NULL;
}

static const struct acpi_table_header *find_root(paddr_t rsdp_paddr, uint32_t *entry_size)
{
	const uint8_t *rsdp = map_bytes(rsdp_paddr, RSDP_V1_SIZE);
	uint64_t xsdt;
	uint32_t rsdt;

	if (!rsdp || memcmp(rsdp, "RSD PTR ", 8) != 0 || acpi_sum(rsdp, RSDP_V1_SIZE) != 0) {
		pr_warn("no valid root pointer at %#lx\n", rsdp_paddr);
		return NULL;
	}
	if (rsdp[15] >= 2 && map_bytes(rsdp_paddr, RSDP_V2_SIZE) &&
	    acpi_sum(rsdp, RSDP_V2_SIZE) == 0) {
		memcpy(&xsdt, rsdp + 24, 8);
		*entry_size = 8;
		const struct acpi_table_header *root = xsdt ? map_signed(xsdt, "XSDT") : NULL;

		if (root)
			return root;
	}
	memcpy(&rsdt, rsdp + 16, 4);
	*entry_size = 4;
	return rsdt ? map_signed(rsdt, "RSDT") : NULL;
}

static void collect_tables(const struct acpi_table_header *root, uint32_t entry_size)
{
	uint32_t nr = (root->length - (uint32_t)sizeof(*root)) / entry_size;

	for (uint32_t i = 0; i < nr && i < TABLES_MAX; i++) {
		paddr_t paddr = acpi_field(root, sizeof(*root) + i * entry_size, entry_size);
		const struct acpi_table_header *table = paddr ? map_table(paddr) : NULL;

		if (table)
			tables.at[tables.nr++] = table;
	}
	if (nr > TABLES_MAX)
		pr_warn("table %.4s: %u tables: only the first %d are looked at\n", root->signature,
		        nr, TABLES_MAX);
}

/* ---- what they say ------------------------------------------------------------------------- */

static void report(const struct acpi_table_header *table, const char *flaw)
{
	if (flaw)
		pr_warn("table %.4s: %s\n", table->signature, flaw);
}

/* power.c writes to it when nothing can be mapped any more. */
static void map_register(struct acpi_address *address)
{
	volatile void *base;

	if (address->space == 0 && address->address &&
	    mmio_map(address->address, 1, MMIO_UNCACHED, &base) < 0)
		address->address = 0;
}

static void take_fadt(const struct acpi_table_header *fadt)
{
	paddr_t dsdt;

	report(fadt, acpi_read_fadt(fadt, &acpi, &dsdt));
	map_register(&acpi.reset_register);
	map_register(&acpi.sleep_control);
	tables.dsdt = dsdt ? map_signed(dsdt, "DSDT") : NULL;
}

static void take_madt(const struct acpi_table_header *madt)
{
	report(madt, acpi_read_madt(madt, &acpi));
}

static void take_hpet(const struct acpi_table_header *hpet)
{
	report(hpet, acpi_read_hpet(hpet, &acpi));
}

static void take_mcfg(const struct acpi_table_header *mcfg)
{
	report(mcfg, acpi_check_mcfg(mcfg));
}

/* Said and not used: memory is one place to this kernel, and its CPUs are all as near to it. */
static void take_srat(const struct acpi_table_header *srat)
{
	static struct acpi_affinity affinity __initdata;
	uint64_t bytes = 0;

	report(srat, acpi_read_srat(srat, &affinity));
	for (uint32_t i = 0; i < affinity.nr_nodes; i++) {
		const struct acpi_node *node = &affinity.nodes[i];

		pr_info("node %u: %u CPUs, %lu MiB\n", node->domain, node->nr_cpus,
		        node->bytes >> 20);
		bytes += node->bytes;
	}
	if (bytes + (1 << 20) < memmap_ram_bytes())
		report(srat, "some of the memory is in no node");
}

static void take_first(const char signature[4], void (*take)(const struct acpi_table_header *table))
{
	const struct acpi_table_header *table = acpi_table_find(signature, 0);

	if (table)
		take(table);
}

/* ---- definition blocks --------------------------------------------------------------------- */

/* The n-th table with AML in it: the DSDT, then the SSDTs. */
static const struct acpi_table_header *definition_block(uint32_t n)
{
	if (n == 0)
		return tables.dsdt;
	return acpi_table_find("SSDT", n - 1);
}

static void find_sleep_types(void)
{
	const struct acpi_table_header *block;

	for (uint32_t n = 0; (block = definition_block(n)) || n == 0; n++) {
		if (block && aml_find_s5(block, &acpi.s5_type_a, &acpi.s5_type_b))
			return;
	}
}

/* Micro-VMs tell it in the DSDT only. */
static bool find_cba(struct acpi_mcfg *window)
{
	const struct acpi_table_header *block;

	*window = (struct acpi_mcfg){ .bus_last = 255 };
	for (uint32_t n = 0; (block = definition_block(n)) || n == 0; n++) {
		if (block && aml_find_cba(block, &window->paddr))
			return !(window->paddr & ((1 << 20) - 1)) && window->paddr < 1ul << 46;
	}
	return false;
}

bool acpi_mcfg_find(uint32_t n, struct acpi_mcfg *window)
{
	const struct acpi_table_header *mcfg = acpi_table_find("MCFG", 0);

	if (!mcfg)
		return n == 0 && find_cba(window);
	return acpi_mcfg_entry(mcfg, n, window);
}

bool acpi_device_find(const char *hid, uint32_t index, struct acpi_device *device)
{
	const struct acpi_table_header *block;

	for (uint32_t n = 0; (block = definition_block(n)) || n == 0; n++) {
		if (block && aml_find_device(block, hid, &index, device))
			return true;
	}
	return false;
}

void acpi_init(paddr_t rsdp)
{
	uint32_t entry_size;

	for (uint32_t i = 0; i < ACPI_ISA_IRQS; i++)
		acpi.isa_irqs[i] = (struct acpi_isa_irq){ .gsi = i };
	const struct acpi_table_header *root = rsdp ? find_root(rsdp, &entry_size) : NULL;

	if (!root) {
		if (mptable_read())
			pr_info("no ACPI tables: CPUs by the MP table, no power-off\n");
		else
			pr_info("no ACPI tables: one CPU, no power-off\n");
		return;
	}
	acpi.present = true;
	collect_tables(root, entry_size);
	take_first("APIC", take_madt);
	take_first("FACP", take_fadt);
	take_first("HPET", take_hpet);
	take_first("MCFG", take_mcfg);
	take_first("SRAT", take_srat);
	find_sleep_types();
}
