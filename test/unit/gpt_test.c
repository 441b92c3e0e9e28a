/*
 * Partition tables: GPT and MBR made here, whole, broken in every way that matters, and mutated.
 * sources: lib/gpt.c lib/mbr.c lib/crc32.c lib/utf8.c
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/byteorder.h"
#include "lib/crc32.h"
#include "lib/gpt.h"
#include "lib/mbr.h"

bool mem_is_zero(const void *at, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (((const char *)at)[i])
			return false;
	}
	return true;
}

enum { BLOCKS = 4096, MAX = 255 };

static uint32_t block_size = 512;
static uint8_t *image;
static uint8_t scratch[TABLE_SCRATCH_SIZE];
static struct table_entry entries[MAX];

static int image_read(const struct table_source *source, uint64_t position, void *buf, size_t size)
{
	assert_true(position % block_size == 0 && size % block_size == 0);
	assert_true(size <= TABLE_SCRATCH_SIZE);
	if (position + size > (uint64_t)BLOCKS * block_size)
		return -EIO;
	memcpy(buf, image + position, size);
	return 0;
}

static struct table_source source(void)
{
	return (struct table_source){ .read = image_read, .block_size = block_size,
	                              .nr_blocks = BLOCKS, .scratch = scratch };
}

static struct partition_table table(void)
{
	return (struct partition_table){ .max = MAX, .entries = entries };
}

static uint8_t *block(uint64_t n)
{
	return image + n * block_size;
}

static void mbr_entry(uint8_t *at, int n, uint8_t type, uint32_t first, uint32_t count)
{
	uint8_t *entry = at + 446 + n * 16;

	memset(entry, 0, 16);
	entry[4] = type;
	store_le32(entry + 8, first);
	store_le32(entry + 12, count);
	at[510] = 0x55;
	at[511] = 0xaa;
}

static void gpt_seal(uint64_t at, uint64_t entries_at)
{
	uint8_t *header = block(at);

	store_le32(header + 88, crc32(0, block(entries_at), 128 * 128));
	store_le32(header + 16, 0);
	store_le32(header + 16, crc32(0, header, 92));
}

static void gpt_header(uint64_t at, uint64_t other, uint64_t entries_at)
{
	const uint32_t array = 128 * 128 / block_size;
	uint8_t *header = block(at);

	memset(header, 0, block_size);
	memcpy(header, "EFI PART", 8);
	store_le32(header + 8, 0x10000);
	store_le32(header + 12, 92);
	store_le64(header + 24, at);
	store_le64(header + 32, other);
	store_le64(header + 40, 2 + array);
	store_le64(header + 48, BLOCKS - 2 - array);
	store_le64(header + 72, entries_at);
	store_le32(header + 80, 128);
	store_le32(header + 84, 128);
}

static void gpt_entry(uint64_t array, int n, uint64_t first, uint64_t last, const char *name)
{
	uint8_t *entry = block(array) + n * 128;

	memset(entry, 0, 128);
	memset(entry, 0x11 + n, 16);
	for (int i = 0; i < 16; i++)
		entry[16 + i] = (uint8_t)(i + 16 * n);
	store_le64(entry + 32, first);
	store_le64(entry + 40, last);
	for (int i = 0; name[i]; i++)
		store_le16(entry + 56 + 2 * i, (uint8_t)name[i]);
}

static uint64_t backup_array(void)
{
	return BLOCKS - 1 - 128 * 128 / block_size;
}

static void seal_both(void)
{
	memcpy(block(backup_array()), block(2), 128 * 128);
	gpt_seal(1, 2);
	gpt_seal(BLOCKS - 1, backup_array());
}

static void gpt_make(void)
{
	memset(image, 0, (size_t)BLOCKS * block_size);
	mbr_entry(block(0), 0, 0xee, 1, BLOCKS - 1);
	gpt_header(1, BLOCKS - 1, 2);
	gpt_header(BLOCKS - 1, 1, backup_array());
	gpt_entry(2, 0, 100, 199, "boot");
	gpt_entry(2, 4, 200, 3000, "r\xf6t");
	seal_both();
}

static int set_up(void **state)
{
	image = malloc((size_t)BLOCKS * 4096);
	block_size = 512;
	return !image;
}

static int tear_down(void **state)
{
	free(image);
	return 0;
}

static void expect_good(const struct partition_table *t)
{
	assert_int_equal(t->count, 2);
	assert_int_equal(t->nr_refused, 0);
	assert_int_equal(entries[0].number, 1);
	assert_int_equal(entries[0].first, 100);
	assert_int_equal(entries[0].count, 100);
	assert_string_equal(entries[0].uuid, "03020100-0504-0706-0809-0a0b0c0d0e0f");
	assert_string_equal(entries[0].label, "boot");
	assert_int_equal(entries[1].number, 5);
	assert_string_equal(entries[1].label, "r\xc3\xb6t");
}

static void gpt_is_read_with_every_block_size(void **state)
{
	static const uint32_t sizes[] = { 512, 1024, 2048, 4096 };

	for (int i = 0; i < 4; i++) {
		struct partition_table t = table();
		struct table_source s;

		block_size = sizes[i];
		gpt_make();
		s = source();
		assert_int_equal(gpt_read(&s, &t), 0);
		assert_int_equal(t.flags, TABLE_GPT);
		expect_good(&t);
	}
	block_size = 512;
}

static void bad_primary_gives_way_to_the_backup(void **state)
{
	static const int bytes[] = { 0, 12, 16, 24, 40, 72, 80, 84, 88, 1024 - 512 };

	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		struct partition_table t = table();
		struct table_source s = source();

		gpt_make();
		block(1)[bytes[i]] ^= 0x41;
		assert_int_equal(gpt_read(&s, &t), 0);
		assert_int_equal(t.flags, TABLE_GPT | TABLE_PRIMARY_BAD);
		expect_good(&t);
	}
}

static void bad_backup_is_reported(void **state)
{
	struct partition_table t = table();
	struct table_source s = source();

	gpt_make();
	block(BLOCKS - 1)[20] ^= 1;
	block(BLOCKS - 1)[60] ^= 1;
	assert_int_equal(gpt_read(&s, &t), 0);
	assert_int_equal(t.flags, TABLE_GPT | TABLE_BACKUP_BAD);
	expect_good(&t);
}

static void two_bad_copies_are_no_table(void **state)
{
	struct partition_table t = table();
	struct table_source s = source();

	gpt_make();
	block(1)[60] ^= 1;
	block(backup_array())[0] ^= 1;
	assert_int_equal(gpt_read(&s, &t), -EINVAL);
	assert_true(t.flags & TABLE_BOTH_BAD);
	assert_int_equal(t.count, 0);
}

static void without_protective_mbr_there_is_no_gpt(void **state)
{
	struct partition_table t = table();
	struct table_source s = source();

	gpt_make();
	mbr_entry(block(0), 0, 0x83, 1, BLOCKS - 1);
	assert_int_equal(gpt_read(&s, &t), -ENOENT);
	assert_int_equal(mbr_read(&s, &t), 0);
	assert_int_equal(t.count, 1);
}

static void hybrid_mbr_is_read_as_gpt(void **state)
{
	struct partition_table t = table();
	struct table_source s = source();

	gpt_make();
	mbr_entry(block(0), 1, 0x83, 100, 100);
	assert_int_equal(gpt_read(&s, &t), 0);
	assert_int_equal(t.flags, TABLE_GPT | TABLE_HYBRID);
	expect_good(&t);
	assert_int_equal(mbr_read(&s, &t), -ENOENT);
}

static void entries_out_of_range_or_overlapping_are_refused(void **state)
{
	struct partition_table t = table();
	struct table_source s = source();

	gpt_make();
	gpt_entry(2, 1, 5, 20, "before the usable");
	gpt_entry(2, 2, 3500, BLOCKS, "beyond the end");
	gpt_entry(2, 3, 150, 160, "inside another");
	gpt_entry(2, 6, 3200, 3100, "backwards");
	gpt_entry(2, 7, 3100, UINT64_MAX, "endless");
	seal_both();
	assert_int_equal(gpt_read(&s, &t), 0);
	assert_int_equal(t.count, 2);
	assert_int_equal(t.nr_refused, 5);
}

static void absurd_headers_with_good_sums_are_refused(void **state)
{
	static const struct { int at, bytes; uint64_t value; } cases[] = {
		{ 80, 4, 0 }, { 80, 4, 64 }, { 80, 4, 1u << 31 }, { 80, 4, 129 },
		{ 84, 4, 0 }, { 84, 4, UINT32_MAX }, { 72, 8, 0 }, { 72, 8, UINT64_MAX },
		{ 72, 8, BLOCKS - 3 }, { 72, 8, 40 }, { 40, 8, UINT64_MAX }, { 48, 8, UINT64_MAX },
		{ 48, 8, BLOCKS }, { 24, 8, 2 }, { 12, 4, 4096 }, { 12, 4, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct partition_table t = table();
		struct table_source s = source();
		uint8_t *header;

		gpt_make();
		header = block(1);
		if (cases[i].bytes == 4)
			store_le32(header + cases[i].at, (uint32_t)cases[i].value);
		else
			store_le64(header + cases[i].at, cases[i].value);
		store_le32(header + 16, 0);
		store_le32(header + 16, crc32(0, header, 92));
		assert_int_equal(gpt_read(&s, &t), 0);
		assert_true(t.flags & TABLE_PRIMARY_BAD);
		expect_good(&t);
	}
}

static void mbr_with_logical_partitions(void **state)
{
	struct partition_table t = table();
	struct table_source s = source();

	memset(image, 0, (size_t)BLOCKS * block_size);
	store_le32(block(0) + 440, 0xdeadbeef);
	mbr_entry(block(0), 0, 0x83, 63, 37);
	mbr_entry(block(0), 1, 0x05, 100, 2000);
	mbr_entry(block(0), 2, 0x83, 3000, 5000);
	mbr_entry(block(100), 0, 0x83, 10, 90);
	mbr_entry(block(100), 1, 0x05, 200, 300);
	mbr_entry(block(300), 0, 0x82, 10, 100);
	assert_int_equal(mbr_read(&s, &t), 0);
	assert_int_equal(t.count, 5);
	assert_int_equal(t.flags, TABLE_MBR | TABLE_TRUNCATED);
	assert_string_equal(entries[0].uuid, "deadbeef-01");
	assert_int_equal(entries[1].count, 2);
	assert_int_equal(entries[2].count, BLOCKS - 3000);
	assert_int_equal(entries[3].number, 5);
	assert_int_equal(entries[3].first, 110);
	assert_int_equal(entries[4].number, 6);
	assert_int_equal(entries[4].first, 310);
}

static void mbr_chain_in_a_circle_ends(void **state)
{
	struct partition_table t = table();
	struct table_source s = source();

	memset(image, 0, (size_t)BLOCKS * block_size);
	mbr_entry(block(0), 0, 0x0f, 100, 2000);
	mbr_entry(block(100), 0, 0x83, 10, 10);
	mbr_entry(block(100), 1, 0x0f, 0, 300);
	assert_int_equal(mbr_read(&s, &t), 0);
	assert_int_equal(t.count, 2);
	assert_true(t.nr_refused > 0);
}

static void boot_block_of_a_file_system_is_no_mbr(void **state)
{
	struct partition_table t = table();
	struct table_source s = source();

	memset(image, 0, (size_t)BLOCKS * block_size);
	mbr_entry(block(0), 0, 0x83, 100, 100);
	block(0)[446 + 16] = 0x6f;
	assert_int_equal(mbr_read(&s, &t), -ENOENT);
}

static void check_sane(const struct partition_table *t)
{
	assert_true(t->count <= MAX);
	for (uint32_t i = 0; i < t->count; i++) {
		assert_true(entries[i].number > 0);
		assert_true(entries[i].count && entries[i].first < BLOCKS);
		assert_true(entries[i].count <= BLOCKS - entries[i].first);
		assert_true(strlen(entries[i].label) < sizeof(entries[i].label));
		for (uint32_t j = 0; j < i; j++)
			assert_true(entries[j].first + entries[j].count <= entries[i].first ||
			            entries[i].first + entries[i].count <= entries[j].first);
	}
}

static void mutate(unsigned int *seed, uint64_t first, uint64_t blocks)
{
	static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xff, 5, 0x0f, 0xee };
	size_t at = first * block_size + (size_t)rand_r(seed) % (blocks * block_size);

	image[at] = rand_r(seed) % 2 ? odd[rand_r(seed) % 8] : (uint8_t)rand_r(seed);
}

static void mutated_tables_never_give_nonsense(void **state)
{
	for (unsigned int round = 0; round < 20000; round++) {
		unsigned int seed = round;
		struct partition_table t = table();
		struct table_source s = source();

		if (round % 64 == 0 || round % 2)
			gpt_make();
		for (int i = rand_r(&seed) % 6; i >= 0; i--)
			mutate(&seed, rand_r(&seed) % 3 ? 1 : 0, 2);
		if (round % 4)
			gpt_seal(1, 2);
		if (!gpt_read(&s, &t))
			check_sane(&t);
		t = table();
		mbr_entry(block(0), rand_r(&seed) % 4, 0x05, (uint32_t)rand_r(&seed) % BLOCKS,
		          (uint32_t)rand_r(&seed));
		mutate(&seed, 0, 1);
		mbr_entry(block(2), 1, 0x05, (uint32_t)rand_r(&seed) % 64, 100);
		if (!mbr_read(&s, &t))
			check_sane(&t);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(gpt_is_read_with_every_block_size),
		cmocka_unit_test(bad_primary_gives_way_to_the_backup),
		cmocka_unit_test(bad_backup_is_reported),
		cmocka_unit_test(two_bad_copies_are_no_table),
		cmocka_unit_test(without_protective_mbr_there_is_no_gpt),
		cmocka_unit_test(hybrid_mbr_is_read_as_gpt),
		cmocka_unit_test(entries_out_of_range_or_overlapping_are_refused),
		cmocka_unit_test(absurd_headers_with_good_sums_are_refused),
		cmocka_unit_test(mbr_with_logical_partitions),
		cmocka_unit_test(mbr_chain_in_a_circle_ends),
		cmocka_unit_test(boot_block_of_a_file_system_is_no_mbr),
		cmocka_unit_test(mutated_tables_never_give_nonsense),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
