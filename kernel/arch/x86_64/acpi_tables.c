/*
 * The fixed tables of ACPI: MADT, FADT, HPET, MCFG. See acpi_tables.h.
 */
#include "arch/x86_64/acpi_tables.h"

#include <arch/io.h>

#include "lib/string.h"

uint8_t acpi_sum(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	while (size-- > 0)
		sum = (uint8_t)(sum + *bytes++);
	return sum;
}

const char *acpi_length_flaw(const struct acpi_table_header *table)
{
	bool fits = table->length >= sizeof(*table) && table->length <= ACPI_TABLE_SIZE_MAX;

	return fits ? NULL : "impossible length";
}

const char *acpi_table_flaw(const struct acpi_table_header *table)
{
	return acpi_sum(table, table->length) ? "wrong checksum" : NULL;
}

uint64_t acpi_field(const struct acpi_table_header *table, uint32_t offset, uint32_t size)
{
	uint64_t value = 0;

	if (offset <= table->length && size <= table->length - offset)
		memcpy(&value, (const uint8_t *)table + offset, size);
	return value;
}

static uint8_t field8(const struct acpi_table_header *table, uint32_t offset)
{
	return (uint8_t)acpi_field(table, offset, 1);
}

static uint16_t field16(const struct acpi_table_header *table, uint32_t offset)
{
	return (uint16_t)acpi_field(table, offset, 2);
}

static uint32_t field32(const struct acpi_table_header *table, uint32_t offset)
{
	return (uint32_t)acpi_field(table, offset, 4);
}

static struct acpi_address address_at(const struct acpi_table_header *table, uint32_t offset)
{
	struct acpi_address address = { 0 };

	if (offset + sizeof(address) <= table->length)
		memcpy(&address, (const uint8_t *)table + offset, sizeof(address));
	return address;
}

/* Whether device registers of this size may lie there. */
static bool is_device_range(paddr_t paddr, size_t size)
{
	return paddr != 0 && paddr < MMIO_SIZE && size <= MMIO_SIZE - paddr;
}

/* ---- MADT ---------------------------------------------------------------------------------- */

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_ADDRESS = 5,
       MADT_X2APIC = 9, MADT_HEADER = 44, LAPIC_NOBODY = 0xff };

static bool is_known_cpu(const struct acpi_info *info, uint32_t apic_id)
{
	for (uint32_t i = 0; i < info->nr_cpus; i++) {
		if (info->apic_ids[i] == apic_id)
			return true;
	}
	return false;
}

/* One CPU may stand in an entry of either kind. */
static const char *add_cpu(struct acpi_info *info, uint32_t apic_id, uint32_t flags)
{
	if (!(flags & 1) || is_known_cpu(info, apic_id))
		return NULL;
	if (info->nr_cpus == ACPI_MAX_CPUS)
		return "more CPUs than are supported: the rest is left out";
	info->apic_ids[info->nr_cpus++] = apic_id;
	return NULL;
}

static const char *add_ioapic(const struct acpi_table_header *madt, uint32_t at,
                              struct acpi_info *info)
{
	paddr_t paddr = field32(madt, at + 4);

	if (!is_device_range(paddr, PAGE_SIZE))
		return "an I/O APIC at an impossible address";
	if (info->nr_ioapics == ACPI_MAX_IOAPICS)
		return "more I/O APICs than are supported: the rest is left out";
	info->ioapics[info->nr_ioapics++] = (struct acpi_ioapic){
		.id = field8(madt, at + 2), .paddr = paddr, .gsi_base = field32(madt, at + 8),
	};
	return NULL;
}

static const char *add_override(const struct acpi_table_header *madt, uint32_t at,
                                struct acpi_info *info)
{
	uint32_t irq = field8(madt, at + 3), flags = field16(madt, at + 8);

	if (field8(madt, at + 2) != 0 || irq >= ACPI_ISA_IRQS)
		return "an interrupt of no ISA line";
	info->isa_irqs[irq] = (struct acpi_isa_irq){
		.gsi = field32(madt, at + 4), .active_low = (flags & 3) == 3,
		.level = (flags >> 2 & 3) == 3,
	};
	return NULL;
}

static const char *set_lapic_address(struct acpi_info *info, paddr_t paddr)
{
	if (!is_device_range(paddr, PAGE_SIZE) || paddr % PAGE_SIZE)
		return "the local APICs at an impossible address";
	info->lapic_paddr = paddr;
	return NULL;
}

static const char *read_madt_entry(const struct acpi_table_header *madt, uint32_t at, uint32_t size,
                                   struct acpi_info *info)
{
	uint8_t type = field8(madt, at);

	if (type == MADT_LAPIC && size >= 8 && field8(madt, at + 3) != LAPIC_NOBODY)
		return add_cpu(info, field8(madt, at + 3), field32(madt, at + 4));
	if (type == MADT_X2APIC && size >= 16 && field32(madt, at + 4) != ~0u)
		return add_cpu(info, field32(madt, at + 4), field32(madt, at + 8));
	if (type == MADT_IOAPIC && size >= 12)
		return add_ioapic(madt, at, info);
	if (type == MADT_OVERRIDE && size >= 10)
		return add_override(madt, at, info);
	if (type == MADT_LAPIC_ADDRESS && size >= 12)
		return set_lapic_address(info, acpi_field(madt, at + 4, 8));
	return NULL;
}

const char *acpi_read_madt(const struct acpi_table_header *madt, struct acpi_info *info)
{
	uint32_t at = MADT_HEADER;

	if (madt->length < MADT_HEADER)
		return "too short";
	const char *flaw = set_lapic_address(info, field32(madt, 36));

	info->has_legacy_pic = field32(madt, 40) & 1;
	info->nr_cpus = 0;
	while (at + 2 <= madt->length) {
		uint32_t size = field8(madt, at + 1);

		if (size < 2 || size > madt->length - at) {
			flaw = "an entry of impossible size: the rest is ignored";
			break;
		}
		const char *entry_flaw = read_madt_entry(madt, at, size, info);

		flaw = flaw ? flaw : entry_flaw;
		at += size;
	}
	if (info->nr_cpus == 0)
		info->nr_cpus = 1;
	return flaw;
}

/* ---- FADT ---------------------------------------------------------------------------------- */

enum { SPACE_MEMORY = 0, SPACE_PORT = 1, PORT_LAST = 0xfff8, FADT_LENGTH_1 = 116 };

static uint16_t port_of(uint64_t number, const char **flaw)
{
	if (number <= PORT_LAST)
		return (uint16_t)number;
	*flaw = "a port of impossible number";
	return 0;
}

/* A port where revision 1 has it, or where later ones do; 0: there is none. */
static uint16_t port_at(const struct acpi_table_header *fadt, uint32_t offset, uint32_t extended,
                        const char **flaw)
{
	struct acpi_address address = address_at(fadt, extended);

	if (address.address && address.space == SPACE_PORT)
		return port_of(address.address, flaw);
	return port_of(field32(fadt, offset), flaw);
}

static struct acpi_address register_at(const struct acpi_table_header *fadt, uint32_t offset,
                                       const char **flaw)
{
	struct acpi_address address = address_at(fadt, offset);

	if (address.address == 0)
		return (struct acpi_address){ 0 };
	if ((address.space == SPACE_MEMORY && is_device_range(address.address, 8)) ||
	    (address.space == SPACE_PORT && address.address <= PORT_LAST))
		return address;
	/* PCI configuration space is a legal place, which nothing here can write to. */
	if (address.space <= SPACE_PORT)
		*flaw = "a register at an impossible address";
	return (struct acpi_address){ 0 };
}

static void read_ports(const struct acpi_table_header *fadt, struct acpi_info *info,
                       const char **flaw)
{
	info->smi_command = port_of(field32(fadt, 48), flaw);
	info->pm1a_event = port_at(fadt, 56, 148, flaw);
	info->pm1b_event = port_at(fadt, 60, 160, flaw);
	info->pm1a_control = port_at(fadt, 64, 172, flaw);
	info->pm1b_control = port_at(fadt, 68, 184, flaw);
	info->pm_timer_port = port_at(fadt, 76, 208, flaw);
	info->pm1_event_length = field8(fadt, 88);
	if (info->pm1a_event && info->pm1_event_length < 4) {
		*flaw = "event registers of impossible size";
		info->pm1a_event = info->pm1b_event = 0;
	}
}

static void read_flags(const struct acpi_table_header *fadt, struct acpi_info *info)
{
	enum { FLAG_BUTTON_IN_AML = 1 << 4, FLAG_TIMER_32 = 1 << 8, FLAG_REDUCED = 1 << 20,
	       BOOT_KEYBOARD = 1 << 1, BOOT_NO_CMOS = 1 << 5 };
	uint32_t flags = field32(fadt, 112), boot_flags = field16(fadt, 109);

	info->has_power_button = !(flags & FLAG_BUTTON_IN_AML);
	info->pm_timer_32bit = flags & FLAG_TIMER_32;
	info->hardware_reduced = flags & FLAG_REDUCED;
	info->no_rtc = fadt->revision >= 4 && (boot_flags & BOOT_NO_CMOS);
	info->no_keyboard_controller = fadt->revision >= 3 && !(boot_flags & BOOT_KEYBOARD);
}

const char *acpi_read_fadt(const struct acpi_table_header *fadt, struct acpi_info *info,
                           paddr_t *dsdt)
{
	enum { FLAG_RESET = 1 << 10 };
	const char *flaw = NULL;

	*dsdt = 0;
	if (fadt->length < FADT_LENGTH_1)
		return "too short";
	info->acpi_enable = field8(fadt, 52);
	info->sci_irq = field16(fadt, 46);
	read_ports(fadt, info, &flaw);
	read_flags(fadt, info);
	if (field32(fadt, 112) & FLAG_RESET) {
		info->reset_register = register_at(fadt, 116, &flaw);
		info->reset_value = field8(fadt, 128);
	}
	info->sleep_control = register_at(fadt, 244, &flaw);
	*dsdt = acpi_field(fadt, 140, 8);
	if (!*dsdt)
		*dsdt = field32(fadt, 40);
	return flaw;
}

/* ---- HPET, MCFG ---------------------------------------------------------------------------- */

enum { HPET_LENGTH = 56, HPET_REGISTERS = 1024, MCFG_HEADER = 44, MCFG_ENTRY = 16 };

const char *acpi_read_hpet(const struct acpi_table_header *hpet, struct acpi_info *info)
{
	struct acpi_address base = address_at(hpet, 40);

	if (hpet->length < HPET_LENGTH)
		return "too short";
	if (base.space != SPACE_MEMORY || !is_device_range(base.address, HPET_REGISTERS) ||
	    base.address % 8)
		return "registers at an impossible address";
	info->hpet_paddr = base.address;
	return NULL;
}

static bool read_mcfg_entry(const struct acpi_table_header *mcfg, uint32_t at,
                            struct acpi_mcfg *window)
{
	*window = (struct acpi_mcfg){
		.paddr = acpi_field(mcfg, at, 8), .segment = field16(mcfg, at + 8),
		.bus_first = field8(mcfg, at + 10), .bus_last = field8(mcfg, at + 11),
	};
	return window->bus_first <= window->bus_last && window->paddr % (1 << 20) == 0 &&
	       is_device_range(window->paddr, (window->bus_last + 1ul) << 20);
}

bool acpi_mcfg_entry(const struct acpi_table_header *mcfg, uint32_t n, struct acpi_mcfg *window)
{
	for (uint32_t at = MCFG_HEADER; at + MCFG_ENTRY <= mcfg->length; at += MCFG_ENTRY) {
		if (read_mcfg_entry(mcfg, at, window) && n-- == 0)
			return true;
	}
	return false;
}

const char *acpi_check_mcfg(const struct acpi_table_header *mcfg)
{
	struct acpi_mcfg window;

	if (mcfg->length < MCFG_HEADER || (mcfg->length - MCFG_HEADER) % MCFG_ENTRY)
		return "impossible length";
	for (uint32_t at = MCFG_HEADER; at < mcfg->length; at += MCFG_ENTRY) {
		if (!read_mcfg_entry(mcfg, at, &window))
			return "a window at an impossible place";
	}
	return NULL;
}
