/*
 * Reading ACPI tables that lie in memory: plain functions of their bytes, which map nothing, log
 * nothing and keep nothing, so that they can be tried on the host with any bytes.
 *
 * A table here has been through acpi_table_flaw(): its length is that of the memory behind it.
 * What a reader cannot believe it leaves at its default, goes on with the rest, and says the first
 * such thing in words for the log; NULL: all was well. Fields beyond a table's length read as 0, as
 * older revisions mean them to.
 */
#pragma once

#include <arch/acpi.h>

enum { ACPI_TABLE_SIZE_MAX = 4 << 20 };

/* What is wrong with the length in a header; with a table as long as it says. NULL: nothing. */
const char *acpi_length_flaw(const struct acpi_table_header *table);
const char *acpi_table_flaw(const struct acpi_table_header *table);

/* The sum of the bytes, which is 0 for what carries a checksum. */
uint8_t acpi_sum(const void *data, size_t size);

/* A field of 1 to 8 bytes at the offset. */
uint64_t acpi_field(const struct acpi_table_header *table, uint32_t offset, uint32_t size);

/* MADT: CPUs, I/O APICs, ISA lines. */
const char *acpi_read_madt(const struct acpi_table_header *madt, struct acpi_info *info);

/* FADT: ports, flags, registers; and where the DSDT is. */
const char *acpi_read_fadt(const struct acpi_table_header *fadt, struct acpi_info *info,
                           paddr_t *dsdt);

const char *acpi_read_hpet(const struct acpi_table_header *hpet, struct acpi_info *info);

/* The n-th entry of MCFG that makes sense, and whether all do. */
bool acpi_mcfg_entry(const struct acpi_table_header *mcfg, uint32_t n, struct acpi_mcfg *window);
const char *acpi_check_mcfg(const struct acpi_table_header *mcfg);

enum { ACPI_MAX_NODES = 16, ACPI_MAX_RANGES = 64 };

/* What is near what. Ranges do not overlap. */
struct acpi_affinity {
	uint32_t nr_nodes, nr_ranges;
	struct acpi_node { uint32_t domain, nr_cpus; uint64_t bytes; } nodes[ACPI_MAX_NODES];
	struct acpi_range { paddr_t start, end; } ranges[ACPI_MAX_RANGES];
};

/* SRAT. */
const char *acpi_read_srat(const struct acpi_table_header *srat, struct acpi_affinity *affinity);
