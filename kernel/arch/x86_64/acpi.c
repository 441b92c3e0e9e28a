/*
 * ACPI without an interpreter: the root table, the fixed tables, and one byte scan of the
 * definition blocks for _S5_ (what to write to power off).
 *
 * Every table is mapped in two steps: its header, to learn the length, then the whole, if the
 * length is sane; then summed. Fields beyond a table's length read as 0, as older revisions mean
 * them to.
 */
#define pr_fmt(fmt) "acpi: " fmt

#include <arch/acpi.h>

#include <linux/errno.h>

#include <arch/io.h>

#include "arch/x86_64/acpi_aml.h"
#include "arch/x86_64/mptable.h"
#include "core/printk.h"
#include "lib/string.h"

enum { TABLE_SIZE_MAX = 4 << 20, TABLES_MAX = 128, RSDP_V1_SIZE = 20, RSDP_V2_SIZE = 36 };

struct acpi_info acpi __ro_after_init = {
	.lapic_paddr = 0xfee00000, .nr_cpus = 1, .has_legacy_pic = true, .s5_type_a = -1,
	.s5_type_b = -1,
};

static struct {
	uint32_t nr;
	const struct acpi_table_header *at[TABLES_MAX];
	const struct acpi_table_header *dsdt;
} tables __ro_after_init;

/* ---- reading ------------------------------------------------------------------------------- */

static uint8_t sum_of(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	while (size-- > 0)
		sum = (uint8_t)(sum + *bytes++);
	return sum;
}

/* A field of size bytes at the offset, 0 where the table is too short for it. */
static uint64_t field(const struct acpi_table_header *table, uint32_t offset, uint32_t size)
{
	uint64_t value = 0;

	if (offset + size <= table->length)
		memcpy(&value, (const uint8_t *)table + offset, size);
	return value;
}

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

	if (!table)
		return NULL;
	if (table->length < sizeof(*table) || table->length > TABLE_SIZE_MAX) {
		pr_warn("table at %#lx has an impossible length %u: ignored\n", paddr,
		        table->length);
		return NULL;
	}
	uint32_t length = table->length;

	if (!map_bytes(paddr, length))
		return NULL;
	if (sum_of(table, length) != 0) {
		pr_warn("table %.4s at %#lx has a wrong checksum: ignored\n", table->signature,
		        paddr);
		return NULL;
	}
	return table;
}

const struct acpi_table_header *acpi_table_find(const char signature[4], uint32_t n)
{
	for (uint32_t i = 0; i < tables.nr; i++) {
		if (!memcmp(tables.at[i]->signature, signature, 4) && n-- == 0)
			return tables.at[i];
	}
	return NULL;
}

/* ---- the root ------------------------------------------------------------------------------ */

static const struct acpi_table_header *find_root(paddr_t rsdp_paddr, uint32_t *entry_size)
{
	const uint8_t *rsdp = map_bytes(rsdp_paddr, RSDP_V2_SIZE);
	uint64_t xsdt;
	uint32_t rsdt;

	if (!rsdp || memcmp(rsdp, "RSD PTR ", 8) != 0 || sum_of(rsdp, RSDP_V1_SIZE) != 0) {
		pr_warn("no valid root pointer at %#lx\n", rsdp_paddr);
		return NULL;
	}
	memcpy(&rsdt, rsdp + 16, 4);
	memcpy(&xsdt, rsdp + 24, 8);
	if (rsdp[15] >= 2 && xsdt && sum_of(rsdp, RSDP_V2_SIZE) == 0) {
		const struct acpi_table_header *root = map_table(xsdt);

		*entry_size = 8;
		if (root && !memcmp(root->signature, "XSDT", 4))
			return root;
	}
	const struct acpi_table_header *root = map_table(rsdt);

	*entry_size = 4;
	return root && !memcmp(root->signature, "RSDT", 4) ? root : NULL;
}

static void collect_tables(const struct acpi_table_header *root, uint32_t entry_size)
{
	uint32_t offset = sizeof(*root);

	for (; offset + entry_size <= root->length && tables.nr < TABLES_MAX;
	     offset += entry_size) {
		const struct acpi_table_header *table = map_table(field(root, offset, entry_size));

		if (table)
			tables.at[tables.nr++] = table;
	}
}

/* ---- MADT ---------------------------------------------------------------------------------- */

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_ADDRESS = 5,
	MADT_X2APIC = 9, MADT_HEADER = 44 };

static bool is_known_cpu(uint32_t apic_id)
{
	for (uint32_t i = 0; i < acpi.nr_cpus; i++) {
		if (acpi.apic_ids[i] == apic_id)
			return true;
	}
	return false;
}

/* One CPU may stand in an entry of either kind. */
static void add_cpu(uint32_t apic_id, uint32_t flags)
{
	if (!(flags & 1) || is_known_cpu(apic_id))
		return;
	if (acpi.nr_cpus == ACPI_MAX_CPUS)
		pr_warn("the CPU with APIC id %u is beyond the %d supported\n", apic_id,
		        ACPI_MAX_CPUS);
	else
		acpi.apic_ids[acpi.nr_cpus++] = apic_id;
}

static void add_ioapic(const struct acpi_table_header *madt, uint32_t at)
{
	if (acpi.nr_ioapics == ACPI_MAX_IOAPICS)
		return;
	acpi.ioapics[acpi.nr_ioapics++] = (struct acpi_ioapic){
		.id = (uint32_t)field(madt, at + 2, 1), .paddr = field(madt, at + 4, 4),
		.gsi_base = (uint32_t)field(madt, at + 8, 4),
	};
}

static void add_override(const struct acpi_table_header *madt, uint32_t at)
{
	uint32_t irq = (uint32_t)field(madt, at + 3, 1), flags = (uint32_t)field(madt, at + 8, 2);

	if (field(madt, at + 2, 1) != 0 || irq >= ACPI_ISA_IRQS)
		return;
	acpi.isa_irqs[irq] = (struct acpi_isa_irq){
		.gsi = (uint32_t)field(madt, at + 4, 4),
		.active_low = (flags & 3) == 3, .level = (flags >> 2 & 3) == 3,
	};
}

static void read_madt_entry(const struct acpi_table_header *madt, uint32_t at, uint32_t size)
{
	uint64_t type = field(madt, at, 1);

	if (type == MADT_LAPIC && size >= 8)
		add_cpu((uint32_t)field(madt, at + 3, 1), (uint32_t)field(madt, at + 4, 4));
	else if (type == MADT_IOAPIC && size >= 12)
		add_ioapic(madt, at);
	else if (type == MADT_OVERRIDE && size >= 10)
		add_override(madt, at);
	else if (type == MADT_X2APIC && size >= 16)
		add_cpu((uint32_t)field(madt, at + 4, 4), (uint32_t)field(madt, at + 8, 4));
	else if (type == MADT_LAPIC_ADDRESS && size >= 12)
		acpi.lapic_paddr = field(madt, at + 4, 8);
}

static void read_madt(const struct acpi_table_header *madt)
{
	uint32_t at = MADT_HEADER;

	acpi.lapic_paddr = field(madt, 36, 4);
	acpi.has_legacy_pic = field(madt, 40, 4) & 1;
	acpi.nr_cpus = 0;
	while (at + 2 <= madt->length) {
		uint32_t size = (uint32_t)field(madt, at + 1, 1);

		if (size < 2 || at + size > madt->length) {
			pr_warn("the APIC table has an entry of impossible size: the rest is ignored\n");
			break;
		}
		read_madt_entry(madt, at, size);
		at += size;
	}
	if (acpi.nr_cpus == 0)
		acpi.nr_cpus = 1;
}

/* ---- FADT, HPET, MCFG ---------------------------------------------------------------------- */

static struct acpi_address address_at(const struct acpi_table_header *table, uint32_t offset)
{
	struct acpi_address address = { 0 };

	if (offset + sizeof(address) <= table->length)
		memcpy(&address, (const uint8_t *)table + offset, sizeof(address));
	return address;
}

/* power.c writes to it when nothing can be mapped any more. */
static struct acpi_address mapped_address_at(const struct acpi_table_header *table, uint32_t offset)
{
	struct acpi_address address = address_at(table, offset);
	volatile void *base;

	if (address.space == 0 && address.address &&
	    mmio_map(address.address, 1, MMIO_UNCACHED, &base) < 0)
		address.address = 0;
	return address;
}

static void read_fadt(const struct acpi_table_header *fadt)
{
	enum { FLAG_BUTTON_IN_AML = 1 << 4, FLAG_TIMER_32 = 1 << 8, FLAG_RESET = 1 << 10,
	       FLAG_REDUCED = 1 << 20, BOOT_KEYBOARD = 1 << 1, BOOT_NO_CMOS = 1 << 5 };
	uint64_t flags = field(fadt, 112, 4), boot_flags = field(fadt, 109, 2);
	paddr_t dsdt = field(fadt, 140, 8);

	acpi.smi_command = (uint16_t)field(fadt, 48, 4);
	acpi.acpi_enable = (uint8_t)field(fadt, 52, 1);
	acpi.has_power_button = !(flags & FLAG_BUTTON_IN_AML);
	acpi.sci_irq = (uint16_t)field(fadt, 46, 2);
	acpi.pm1a_event = (uint16_t)field(fadt, 56, 4);
	acpi.pm1b_event = (uint16_t)field(fadt, 60, 4);
	acpi.pm1_event_length = (uint8_t)field(fadt, 88, 1);
	acpi.pm1a_control = (uint16_t)field(fadt, 64, 4);
	acpi.pm1b_control = (uint16_t)field(fadt, 68, 4);
	acpi.pm_timer_port = (uint16_t)field(fadt, 76, 4);
	acpi.pm_timer_32bit = flags & FLAG_TIMER_32;
	acpi.hardware_reduced = flags & FLAG_REDUCED;
	acpi.no_rtc = fadt->revision >= 4 && (boot_flags & BOOT_NO_CMOS);
	acpi.no_keyboard_controller = fadt->revision >= 3 && !(boot_flags & BOOT_KEYBOARD);
	if (flags & FLAG_RESET) {
		acpi.reset_register = mapped_address_at(fadt, 116);
		acpi.reset_value = (uint8_t)field(fadt, 128, 1);
	}
	acpi.sleep_control = mapped_address_at(fadt, 244);
	tables.dsdt = map_table(dsdt ? dsdt : field(fadt, 40, 4));
}

static void read_hpet(const struct acpi_table_header *hpet)
{
	struct acpi_address base = address_at(hpet, 40);

	if (base.space == 0)
		acpi.hpet_paddr = base.address;
}

enum { MCFG_HEADER = 44, MCFG_ENTRY = 16 };

static bool read_mcfg_entry(const struct acpi_table_header *mcfg, uint32_t at,
                            struct acpi_mcfg *window)
{
	*window = (struct acpi_mcfg){
		.paddr = field(mcfg, at, 8), .segment = (uint16_t)field(mcfg, at + 8, 2),
		.bus_first = (uint8_t)field(mcfg, at + 10, 1),
		.bus_last = (uint8_t)field(mcfg, at + 11, 1),
	};
	return window->paddr && window->paddr % (1 << 20) == 0 && window->paddr < MMIO_SIZE &&
	       window->bus_first <= window->bus_last;
}

bool acpi_mcfg_find(uint32_t n, struct acpi_mcfg *window)
{
	const struct acpi_table_header *mcfg = acpi_table_find("MCFG", 0);
	uint32_t at = MCFG_HEADER;

	for (; mcfg && at + MCFG_ENTRY <= mcfg->length; at += MCFG_ENTRY) {
		if (read_mcfg_entry(mcfg, at, window) && n-- == 0)
			return true;
	}
	return false;
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

bool acpi_device_find(const char *hid, uint32_t index, struct acpi_device *device)
{
	const struct acpi_table_header *block;

	for (uint32_t n = 0; (block = definition_block(n)) || n == 0; n++) {
		if (block && aml_find_device(block, hid, &index, device))
			return true;
	}
	return false;
}

static void read_first(const char signature[4], void (*read)(const struct acpi_table_header *table))
{
	const struct acpi_table_header *table = acpi_table_find(signature, 0);

	if (table)
		read(table);
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
	read_first("APIC", read_madt);
	read_first("FACP", read_fadt);
	read_first("HPET", read_hpet);
	find_sleep_types();
}
