/*
 * arch/x86_64/acpi: good tables give their numbers; mutated and truncated ones, each in a block of
 * exactly its size, are survived: nothing outside is read, and what comes out keeps its bounds.
 *
 * acpi.c is part of this file, so that each run can start with no tables found.
 *
 * sources: arch/x86_64/acpi_tables.c arch/x86_64/acpi_srat.c arch/x86_64/acpi_aml.c
 */
#include "unit.h"

#include "arch/x86_64/acpi.c"

enum { MUTATIONS = 3000, BASE = 0x10000, MEMORY = 16384, TABLE_MAX = 512 };

/* ---- what acpi.c asks of the kernel -------------------------------------------------------- */

static uint8_t *memory; /* at the physical address BASE */
static char log_text[8192];
static size_t log_size;

int mmio_map(paddr_t paddr, size_t size, enum mmio_kind kind, volatile void **base)
{
	if (paddr < BASE || size > MEMORY || paddr - BASE > MEMORY - size)
		return -ERANGE;
	*base = memory + (paddr - BASE);
	return 0;
}

void log_printf(enum log_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (log_size < sizeof(log_text))
		log_size += (size_t)vsnprintf(log_text + log_size, sizeof(log_text) - log_size,
		                              fmt, args);
	va_end(args);
}

bool mptable_read(void)
{
	return false;
}

uint64_t memmap_ram_bytes(void)
{
	return 64 << 20;
}

/* ---- good tables --------------------------------------------------------------------------- */

struct maker {
	uint32_t size;
	uint8_t bytes[TABLE_MAX];
};

static void put(struct maker *m, uint64_t value, uint32_t size)
{
	memcpy(m->bytes + m->size, &value, size);
	m->size += size;
}

static void put_at(struct maker *m, uint32_t offset, uint64_t value, uint32_t size)
{
	memcpy(m->bytes + offset, &value, size);
}

static void start(struct maker *m, const char *signature, uint32_t size)
{
	memset(m, 0, sizeof(*m));
	memcpy(m->bytes, signature, 4);
	m->bytes[8] = 4; /* the revision */
	m->size = size;
}

static void seal(uint8_t *bytes, uint32_t size)
{
	memcpy(bytes + 4, &size, 4);
	bytes[9] = 0;
	bytes[9] = (uint8_t)-acpi_sum(bytes, size);
}

static void make_madt(struct maker *m)
{
	start(m, "APIC", 36);
	put(m, 0xfee00000, 4);
	put(m, 1, 4);
	for (uint64_t cpu = 0; cpu < 3; cpu++)
		put(m, 0x0800 | cpu << 24 | 1ul << 32, 8); /* local APIC */
	put(m, 0x1009, 4);                                 /* x2APIC */
	put(m, 300, 4);
	put(m, 1, 8);
	put(m, 0x0c01, 4); /* I/O APIC */
	put(m, 0xfec00000, 8);
	put(m, 0x00000a02, 4); /* line 0 at 2, and line 9, level and active high */
	put(m, 2, 6);
	put(m, 0x09000a02, 4);
	put(m, 9, 4);
	put(m, 0xf, 2);
}

static void make_fadt(struct maker *m)
{
	start(m, "FACP", 268);
	put_at(m, 46, 9, 2);
	put_at(m, 48, 0xb2, 4);
	put_at(m, 52, 2, 1);
	put_at(m, 56, 0x600, 4);
	put_at(m, 64, 0x604, 4);
	put_at(m, 76, 0x608, 4);
	put_at(m, 88, 4, 1);
	put_at(m, 109, 2, 2);
	put_at(m, 112, 1 << 10 | 1 << 8, 4);
	put_at(m, 116, 0x0801, 4);
	put_at(m, 120, 0xcf9, 8);
	put_at(m, 128, 0xf, 1);
}

static void make_hpet(struct maker *m)
{
	start(m, "HPET", 56);
	put_at(m, 44, 0xfed00000, 8);
}

static void make_mcfg(struct maker *m)
{
	start(m, "MCFG", 44);
	put(m, 0xb0000000, 8);
	put(m, 0xff000000, 8);
	put(m, 0xe0000000, 8);
	put(m, 0x3f100001, 8);
}

static void put_srat_memory(struct maker *m, uint32_t node, uint64_t at, uint64_t size)
{
	put(m, 0x2801, 2);
	put(m, node, 6);
	put(m, at, 8);
	put(m, size, 8);
	put(m, 0, 4);
	put(m, 1, 4);
	put(m, 0, 8);
}

static void make_srat(struct maker *m)
{
	start(m, "SRAT", 48);
	for (uint64_t cpu = 0; cpu < 2; cpu++) {
		put(m, 0x1000 | cpu << 16 | cpu << 24 | 1ul << 32, 8);
		put(m, 0, 8);
	}
	put(m, 0x1802, 4);
	put(m, 1, 4);
	put(m, 300, 4);
	put(m, 1, 4);
	put(m, 0, 8);
	put_srat_memory(m, 0, 0, 32 << 20);
	put_srat_memory(m, 1, 32 << 20, 32 << 20);
}

static void make_dsdt(struct maker *m)
{
	static const uint8_t aml[] = {
		0x10, 0x05, 0x5c, 0x00, 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 0x05,
		0x0a, 0x05, 0x00, 0x00, 0x08, '_', 'H', 'I', 'D', 0x0d, 'L', 'N', 'R', 'O',
		'0', '0', '0', '5', 0x00, 0x08, '_', 'C', 'R', 'S', 0x86, 0x09, 0x00, 0x01,
		0x00, 0x02, 0x00, 0xfe, 0x00, 0x02, 0x00, 0x00, 0x89, 0x06, 0x00, 0x09, 0x01, 0x05,
		0x00, 0x00, 0x00, 0x79, 0x00, 0x14, 0x0c, '_', 'C', 'B', 'A', 0x00, 0xa4, 0x0c,
		0x00, 0x00, 0x00, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};

	start(m, "DSDT", 36);
	memcpy(m->bytes + m->size, aml, sizeof(aml));
	m->size += sizeof(aml);
}

static void (*const makers[])(struct maker *m) = {
	make_madt, make_fadt, make_hpet, make_mcfg, make_srat, make_dsdt,
};
enum { MAKERS = 6, DSDT = 5, FADT = 1, MCFG = 3 };

/* A whole set: root pointer at BASE, root table behind it, then the others, 1 KiB each. */
static paddr_t place_of(uint32_t i)
{
	return BASE + 1024 * (i + 2);
}

static void make_memory(void)
{
	struct maker root, table;

	free(memory);
	memory = calloc(1, MEMORY);
	start(&root, "XSDT", 36);
	for (uint32_t i = 0; i < MAKERS; i++) {
		makers[i](&table);
		if (i == FADT)
			put_at(&table, 140, place_of(DSDT), 8);
		seal(table.bytes, table.size);
		memcpy(memory + place_of(i) - BASE, table.bytes, table.size);
		if (i != DSDT)
			put(&root, place_of(i), 8);
	}
	seal(root.bytes, root.size);
	memcpy(memory + 1024, root.bytes, root.size);
	memcpy(memory, "RSD PTR ", 8);
	memory[15] = 2;
	memory[20] = 36;
	memcpy(memory + 24, &(uint64_t){ BASE + 1024 }, 8);
	memory[8] = (uint8_t)-acpi_sum(memory, 20);
	memory[32] = (uint8_t)-acpi_sum(memory, 36);
}

static void read_memory(void)
{
	static const struct acpi_info fresh = { .lapic_paddr = 0xfee00000, .nr_cpus = 1,
		.has_legacy_pic = true, .s5_type_a = -1, .s5_type_b = -1 };

	acpi = fresh;
	memset(&tables, 0, sizeof(tables));
	log_size = 0;
	log_text[0] = '\0';
	acpi_init(BASE);
}

/* Replaces the i-th table, sealed. */
static void replace(uint32_t i, struct maker *table)
{
	seal(table->bytes, table->size);
	memcpy(memory + place_of(i) - BASE, table->bytes, table->size);
}

/* ---- tests --------------------------------------------------------------------------------- */

TEST(good_tables_give_their_numbers_and_no_complaint)
{
	struct acpi_device device;
	struct acpi_mcfg window;

	make_memory();
	read_memory();
	assert_string_equal(log_text, "acpi: node 0: 1 CPUs, 32 MiB\n"
	                              "acpi: node 1: 2 CPUs, 32 MiB\n");
	assert_int_equal(acpi.nr_cpus, 4);
	assert_int_equal(acpi.apic_ids[3], 300);
	assert_int_equal(acpi.nr_ioapics, 1);
	assert_int_equal(acpi.isa_irqs[0].gsi, 2);
	assert_true(acpi.isa_irqs[9].level && acpi.isa_irqs[9].active_low);
	assert_int_equal(acpi.pm_timer_port, 0x608);
	assert_int_equal(acpi.reset_register.address, 0xcf9);
	assert_int_equal(acpi.hpet_paddr, 0xfed00000);
	assert_int_equal(acpi.s5_type_a, 5);
	assert_true(acpi_mcfg_find(1, &window) && !acpi_mcfg_find(2, &(struct acpi_mcfg){ 0 }));
	assert_true(window.segment == 1 && window.bus_first == 0x10 && window.bus_last == 0x3f);
	assert_true(acpi_device_find("LNRO0005", 0, &device));
	assert_true(device.paddr == 0xfe000200 && device.size == 0x200 && device.gsi == 5);
	assert_true(device.is_level && !device.is_active_low);
	assert_false(acpi_device_find("LNRO0005", 1, &device));
}

TEST(configuration_space_without_an_mcfg_is_where_the_dsdt_says)
{
	struct acpi_mcfg window;

	make_memory();
	memory[place_of(MCFG) - BASE] = 'X';
	seal(memory + place_of(MCFG) - BASE, 36);
	read_memory();
	assert_true(acpi_mcfg_find(0, &window) && !acpi_mcfg_find(1, &(struct acpi_mcfg){ 0 }));
	assert_true(window.paddr == 0xe0000000 && window.segment == 0);
	assert_true(window.bus_first == 0 && window.bus_last == 255);
}

TEST(ports_of_later_revisions_count)
{
	struct maker fadt;

	make_memory();
	make_fadt(&fadt);
	put_at(&fadt, 64, 0, 4);
	put_at(&fadt, 172, 0x1001, 4);
	put_at(&fadt, 176, 0x1804, 8);
	replace(FADT, &fadt);
	read_memory();
	assert_int_equal(acpi.pm1a_control, 0x1804);
}

static void expect_line(const char *line)
{
	read_memory();
	if (!strstr(log_text, line))
		fail_msg("no \"%s\" in: %s", line, log_text);
	make_memory();
}

TEST(each_flaw_is_said_in_one_line)
{
	struct maker m;

	make_memory();
	memory[0] = 'X';
	expect_line("no valid root pointer at 0x10000\n");
	memory[1024 + 50]++;
	expect_line("table XSDT at 0x10400: wrong checksum: ignored\n");
	memory[place_of(0) - BASE + 40]++;
	expect_line("table APIC at 0x10800: wrong checksum: ignored\n");
	memory[place_of(0) - BASE + 5] = 0xff;
	expect_line("table APIC at 0x10800: end at an impossible address: ignored\n");
	memory[place_of(2) - BASE + 4] = 35;
	expect_line("table HPET at 0x11000: impossible length: ignored\n");
	make_madt(&m);
	m.bytes[45] = 1;
	replace(0, &m);
	expect_line("table APIC: an entry of impossible size: the rest is ignored\n");
	make_hpet(&m);
	m.bytes[40] = 1;
	replace(2, &m);
	expect_line("table HPET: registers at an impossible address\n");
	make_mcfg(&m);
	m.bytes[44 + 10] = 200;
	m.bytes[44 + 11] = 100;
	replace(3, &m);
	expect_line("table MCFG: a window at an impossible place\n");
	make_srat(&m);
	put_srat_memory(&m, 1, 63 << 20, 1);
	replace(4, &m);
	expect_line("table SRAT: memory in two places at once\n");
	start(&m, "SRAT", 48);
	replace(4, &m);
	expect_line("table SRAT: some of the memory is in no node\n");
	make_fadt(&m);
	put_at(&m, 76, 0x12345678, 4);
	replace(FADT, &m);
	expect_line("table FACP: a port of impossible number\n");
	make_fadt(&m);
	put_at(&m, 140, place_of(0), 8);
	replace(FADT, &m);
	expect_line("table APIC at 0x10800: no DSDT: ignored\n");
}

static void check_bounds(void)
{
	struct acpi_mcfg window;

	assert_in_range(acpi.nr_cpus, 1, ACPI_MAX_CPUS);
	assert_in_range(acpi.nr_ioapics, 0, ACPI_MAX_IOAPICS);
	assert_true(acpi.lapic_paddr < MMIO_SIZE && acpi.lapic_paddr % PAGE_SIZE == 0);
	assert_true(acpi.hpet_paddr < MMIO_SIZE);
	assert_in_range(acpi.s5_type_a + 1, 0, 8);
	for (uint32_t n = 0; acpi_mcfg_find(n, &window); n++)
		assert_true(window.bus_first <= window.bus_last && window.paddr < MMIO_SIZE);
}

/* Somewhere in the tables; those hit are sealed again, so that their insides are believed. */
TEST(mutated_sets_of_tables_are_survived)
{
	uint64_t seed = 3;

	for (int run = 0; run < MUTATIONS; run++) {
		uint32_t i = (uint32_t)random_below(&seed, MAKERS);
		uint8_t *table;
		uint32_t size;

		make_memory();
		table = memory + place_of(i) - BASE;
		memcpy(&size, table + 4, 4);
		for (uint64_t n = 1 + random_below(&seed, 4); n > 0; n--)
			table[random_below(&seed, size)] = (uint8_t)random_next(&seed);
		if (random_below(&seed, 8))
			seal(table, size);
		else
			memory[random_below(&seed, 2048)] = (uint8_t)random_next(&seed);
		read_memory();
		check_bounds();
	}
}

static void read_alone(const struct acpi_table_header *table)
{
	struct acpi_info info = { .nr_cpus = 1 };
	struct acpi_affinity affinity;
	struct acpi_device device;
	struct acpi_mcfg window;
	uint32_t index = 0;
	uint64_t base;
	paddr_t dsdt;

	acpi_read_madt(table, &info);
	assert_in_range(info.nr_cpus, 1, ACPI_MAX_CPUS);
	acpi_read_fadt(table, &info, &dsdt);
	acpi_read_hpet(table, &info);
	acpi_check_mcfg(table);
	acpi_mcfg_entry(table, 3, &window);
	acpi_read_srat(table, &affinity);
	assert_in_range(affinity.nr_nodes, 0, ACPI_MAX_NODES);
	assert_in_range(affinity.nr_ranges, 0, ACPI_MAX_RANGES);
	aml_find_s5(table, &info.s5_type_a, &info.s5_type_b);
	aml_find_device(table, "LNRO0005", &index, &device);
	aml_find_cba(table, &base);
}

/* Every reader gets every kind of table, cut anywhere behind its header. */
TEST(tables_of_any_length_and_bytes_are_read_within_their_bounds)
{
	uint64_t seed = 5;
	struct maker m;

	for (int run = 0; run < 4 * MUTATIONS; run++) {
		makers[random_below(&seed, MAKERS)](&m);
		for (uint64_t n = random_below(&seed, 12); n > 0; n--) {
			uint64_t at = 36 + random_below(&seed, m.size - 36);

			m.bytes[at] = (uint8_t)random_next(&seed);
		}
		if (random_below(&seed, 2))
			m.size = 36 + (uint32_t)random_below(&seed, m.size - 35);
		uint8_t *exact = malloc(m.size);

		memcpy(exact, m.bytes, m.size);
		memcpy(exact + 4, &m.size, 4);
		read_alone((const struct acpi_table_header *)exact);
		free(exact);
	}
}

TEST(more_of_everything_than_fits_is_left_out)
{
	static uint8_t bytes[44 + 300 * 8 + 40 * 12 + 200 * 40];
	struct acpi_table_header *table = (struct acpi_table_header *)bytes;
	struct acpi_info info = { .nr_cpus = 1 };
	struct acpi_affinity affinity;
	uint32_t at = 44;

	for (uint32_t i = 0; i < 255; i++, at += 8)
		memcpy(bytes + at, (uint8_t[]){ 0, 8, 0, (uint8_t)i, 1, 0, 0, 0 }, 8);
	for (uint32_t i = 0; i < 40; i++, at += 12)
		memcpy(bytes + at, (uint8_t[]){ 1, 12, 0, 0, 0, 0, 0xc0, 0xfe }, 8);
	table->length = at;
	bytes[39] = 0xfe;
	assert_string_equal(acpi_read_madt(table, &info),
	                    "more CPUs than are supported: the rest is left out");
	assert_true(info.nr_cpus == ACPI_MAX_CPUS && info.nr_ioapics == ACPI_MAX_IOAPICS);
	at = 48;
	for (uint8_t i = 0; i < 200; i++, at += 40)
		memcpy(bytes + at, (uint8_t[40]){ 1, 40, i, [11] = i, [16] = 1, [28] = 1 }, 40);
	table->length = at;
	assert_string_equal(acpi_read_srat(table, &affinity),
	                    "more nodes than are supported: the rest is left out");
	assert_int_equal(affinity.nr_nodes, ACPI_MAX_NODES);
}

UNIT_TESTS(T(good_tables_give_their_numbers_and_no_complaint),
           T(configuration_space_without_an_mcfg_is_where_the_dsdt_says),
           T(ports_of_later_revisions_count),
           T(each_flaw_is_said_in_one_line),
           T(mutated_sets_of_tables_are_survived),
           T(tables_of_any_length_and_bytes_are_read_within_their_bounds),
           T(more_of_everything_than_fits_is_left_out))
