/*
 * The ACPI tables that a kernel needs without an AML interpreter: found and checked once, then
 * handed out as plain numbers. Tables are hostile input: each has its length bounded and its sum
 * checked before it is believed, a bad one is reported and treated as absent.
 */
#pragma once

#include "lib/types.h"

struct acpi_table_header {
	char     signature[4];
	uint32_t length;
	uint8_t  revision, checksum;
	char     oem_id[6], oem_table_id[8];
	uint32_t oem_revision, creator_id, creator_revision;
} __packed;

/* Generic address structure: a register in memory (0) or port space (1). */
struct acpi_address {
	uint8_t  space, width_bits, offset_bits, access;
	uint64_t address;
} __packed;

#define ACPI_MAX_IOAPICS   16
#define ACPI_MAX_CPUS      64
#define ACPI_ISA_IRQS      16

struct acpi_ioapic {
	uint32_t id, gsi_base;
	paddr_t  paddr;
};

/* An ISA line that does not sit at the GSI of its number, or not edge-high. */
struct acpi_isa_irq {
	uint32_t gsi;
	bool     level, active_low;
};

struct acpi_info {
	bool     present;
	paddr_t  lapic_paddr;
	uint32_t nr_cpus;                 /* usable, the boot CPU included; at least 1 */
	uint32_t apic_ids[ACPI_MAX_CPUS];
	uint32_t nr_ioapics;
	struct acpi_ioapic  ioapics[ACPI_MAX_IOAPICS];
	struct acpi_isa_irq isa_irqs[ACPI_ISA_IRQS];
	bool     has_legacy_pic;
	paddr_t  hpet_paddr;              /* 0: none */
	uint16_t pm_timer_port;           /* 0: none */
	bool     pm_timer_32bit;
	bool     hardware_reduced;
	bool     no_rtc;                  /* the FADT says that there is no CMOS clock */
	bool     no_keyboard_controller;
	bool     has_power_button;        /* as a fixed event */
	uint16_t sci_irq;
	uint16_t pm1a_event, pm1b_event;  /* status, then enable; 0: none */
	uint8_t  pm1_event_length;        /* bytes of both */
	uint16_t pm1a_control, pm1b_control;
	uint16_t smi_command;
	uint8_t  acpi_enable;
	int      s5_type_a, s5_type_b;    /* -1: not found */
	struct acpi_address sleep_control, reset_register;
	uint8_t  reset_value;
};

extern struct acpi_info acpi __const_after_init;

/*
 * Reads everything above from the tables below rsdp (0: there is no ACPI; defaults stand). After
 * paging_init().
 */
void acpi_init(paddr_t rsdp);

/* The n-th table with this signature, mapped and checked, or NULL. Its length is header->length. */
const struct acpi_table_header *acpi_table_find(const char signature[4], uint32_t n);

/*
 * Devices with the hardware id (an ASCII _HID such as "LNRO0005") in the DSDT and SSDTs that have a
 * fixed memory range and an interrupt beside it, found by a bounded scan of the bytes. False past
 * the last.
 */
struct acpi_device {
	paddr_t  paddr;
	uint32_t size;
	uint32_t gsi;
	bool     is_level, is_active_low; /* how the interrupt is wired */
};
bool acpi_device_find(const char *hid, uint32_t n, struct acpi_device *device);

/*
 * Windows onto the PCI Express configuration space (MCFG): 4 KiB a function, 1 MiB a bus, bus 0 at
 * paddr whether it is among them or not. Only what makes sense is given. Without an MCFG there is
 * one if the DSDT has a _CBA that is a plain number. False past the last.
 */
struct acpi_mcfg { paddr_t paddr; uint16_t segment; uint8_t bus_first, bus_last; };
bool acpi_mcfg_find(uint32_t n, struct acpi_mcfg *window);
