/*
 * SRAT: which CPUs and which memory are near each other.
 */
#include "arch/x86_64/acpi_tables.h"

#include "lib/string.h"

enum { SRAT_CPU = 0, SRAT_MEMORY = 1, SRAT_X2APIC = 2, SRAT_HEADER = 48, ENABLED = 1 };

static uint32_t field32(const struct acpi_table_header *table, uint32_t offset)
{
	return (uint32_t)acpi_field(table, offset, 4);
}

/* The node of a domain, made if it is new; NULL: there are too many. */
static struct acpi_node *node_of(struct acpi_affinity *affinity, uint32_t domain)
{
	for (uint32_t i = 0; i < affinity->nr_nodes; i++) {
		if (affinity->nodes[i].domain == domain)
			return &affinity->nodes[i];
	}
	if (affinity->nr_nodes == ACPI_MAX_NODES)
		return NULL;
	affinity->nodes[affinity->nr_nodes] = (struct acpi_node){ .domain = domain };
	return &affinity->nodes[affinity->nr_nodes++];
}

static const char *add_cpu(struct acpi_affinity *affinity, uint32_t domain)
{
	struct acpi_node *node = node_of(affinity, domain);

	if (!node)
		return "more nodes than are supported: the rest is left out";
	node->nr_cpus++;
	return NULL;
}

static bool is_taken(const struct acpi_affinity *affinity, paddr_t start, paddr_t end)
{
	for (uint32_t i = 0; i < affinity->nr_ranges; i++) {
		if (start < affinity->ranges[i].end && affinity->ranges[i].start < end)
			return true;
	}
	return false;
}

static const char *add_memory(struct acpi_affinity *affinity, uint32_t domain, paddr_t start,
                              uint64_t size)
{
	if (size == 0)
		return NULL;
	if (start >= 1ul << 52 || size > (1ul << 52) - start)
		return "memory at impossible addresses";
	if (is_taken(affinity, start, start + size))
		return "memory in two places at once";
	if (affinity->nr_ranges == ACPI_MAX_RANGES)
		return "more ranges of memory than are supported: the rest is left out";
	struct acpi_node *node = node_of(affinity, domain);

	if (!node)
		return "more nodes than are supported: the rest is left out";
	affinity->ranges[affinity->nr_ranges++] = (struct acpi_range){ start, start + size };
	node->bytes += size;
	return NULL;
}

static const char *read_entry(const struct acpi_table_header *srat, uint32_t at, uint32_t size,
                              struct acpi_affinity *affinity)
{
	uint32_t type = (uint32_t)acpi_field(srat, at, 1);

	if (type == SRAT_CPU && size >= 16 && field32(srat, at + 4) & ENABLED)
		return add_cpu(affinity, (uint32_t)(acpi_field(srat, at + 2, 1) |
		                                    acpi_field(srat, at + 9, 3) << 8));
	if (type == SRAT_X2APIC && size >= 24 && field32(srat, at + 12) & ENABLED)
		return add_cpu(affinity, field32(srat, at + 4));
	if (type == SRAT_MEMORY && size >= 40 && field32(srat, at + 28) & ENABLED)
		return add_memory(affinity, field32(srat, at + 2), acpi_field(srat, at + 8, 8),
		                  acpi_field(srat, at + 16, 8));
	return NULL;
}

const char *acpi_read_srat(const struct acpi_table_header *srat, struct acpi_affinity *affinity)
{
	const char *flaw = NULL;

	memset(affinity, 0, sizeof(*affinity));
	if (srat->length < SRAT_HEADER)
		return "too short";
	for (uint32_t at = SRAT_HEADER; at + 2 <= srat->length;) {
		uint32_t size = (uint32_t)acpi_field(srat, at + 1, 1);

		if (size < 2 || size > srat->length - at)
			return "an entry of impossible size: the rest is ignored";
		const char *entry_flaw = read_entry(srat, at, size, affinity);

		flaw = flaw ? flaw : entry_flaw;
		at += size;
	}
	return flaw;
}
