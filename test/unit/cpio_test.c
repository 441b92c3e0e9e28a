/*
 * lib/cpio: good archives give their entries, bad ones a reason, and no byte outside the range is
 * read (each input sits in a heap block of its own size, which ASan guards).
 *
 * sources: lib/cpio.c
 */
#include "unit.h"

#include <errno.h>
#include <sys/stat.h>

#include "lib/cpio.h"

static uint8_t archive[8192];
static size_t archive_size;

static void append(const void *data, size_t size)
{
	memcpy(archive + archive_size, data, size);
	archive_size += size;
}

static void pad(size_t start)
{
	while ((archive_size - start) % 4)
		archive[archive_size++] = 0;
}

static void add_entry(const char *name, unsigned mode, const char *data, size_t size)
{
	size_t start = archive_size;
	unsigned fields[13] = { 0xabc, mode, 1000, 100, 2, 0x60000000, (unsigned)size, 8, 1, 4, 64,
	                        (unsigned)strlen(name) + 1, 0 };
	char digits[9];

	append("070701", 6);
	for (int i = 0; i < 13; i++) {
		snprintf(digits, sizeof(digits), i % 2 ? "%08x" : "%08X", fields[i]);
		append(digits, 8);
	}
	append(name, strlen(name) + 1);
	pad(start);
	append(data, size);
	pad(start);
}

static void add_trailer(void)
{
	add_entry("TRAILER!!!", 0, "", 0);
}

static void start_archive(void)
{
	memset(archive, 0, sizeof(archive));
	archive_size = 0;
}

/* Names joined by blanks; what cpio_next() said last is the result. */
static int walk(const uint8_t *data, size_t size, char *names, struct cpio *cpio)
{
	struct cpio_entry entry;
	int n;

	cpio_init(cpio, data, size);
	*names = '\0';
	while ((n = cpio_next(cpio, &entry)) > 0) {
		volatile uint8_t last = 0;

		if (entry.size)
			last = ((const uint8_t *)entry.data)[entry.size - 1];
		(void)last;
		strcat(strcat(names, *names ? " " : ""), entry.name);
	}
	return n;
}

/* Walks a copy of the first size bytes in a block of just that size. */
static int walk_copy(size_t size, char *names, struct cpio *cpio)
{
	uint8_t *copy = malloc(size ? size : 1);
	int n;

	memcpy(copy, archive, size);
	n = walk(copy, size, names, cpio);
	free(copy);
	return n;
}

TEST(entries_come_with_all_their_fields)
{
	struct cpio_entry entry;
	struct cpio cpio;

	start_archive();
	add_entry("etc/file", S_IFREG | 0644, "hello", 5);
	add_trailer();
	cpio_init(&cpio, archive, archive_size);
	assert_int_equal(cpio_next(&cpio, &entry), 1);
	assert_string_equal(entry.name, "etc/file");
	assert_int_equal(entry.name_length, 8);
	assert_int_equal(entry.size, 5);
	assert_memory_equal(entry.data, "hello", 5);
	assert_int_equal(entry.mode, S_IFREG | 0644);
	assert_int_equal(entry.uid, 1000);
	assert_int_equal(entry.gid, 100);
	assert_int_equal(entry.nlink, 2);
	assert_int_equal(entry.ino, 0xabc);
	assert_int_equal(entry.mtime, 0x60000000);
	assert_int_equal(entry.major, 8);
	assert_int_equal(entry.minor, 1);
	assert_int_equal(entry.rmajor, 4);
	assert_int_equal(entry.rminor, 64);
	assert_int_equal(cpio_next(&cpio, &entry), 0);
	assert_int_equal(cpio_rest(&cpio), 0);
}

TEST(archives_may_follow_each_other_with_padding)
{
	struct cpio_entry entry;
	struct cpio cpio;
	char names[100];

	start_archive();
	archive_size = 512;
	add_entry("a", S_IFDIR | 0755, "", 0);
	add_trailer();
	archive_size += 512;
	add_entry("b", S_IFLNK | 0777, "to", 2);
	add_trailer();
	archive_size += 300;
	assert_int_equal(walk_copy(archive_size, names, &cpio), 0);
	assert_string_equal(names, "a b");
	assert_int_equal(cpio.archive, 2);
	cpio_init(&cpio, archive, archive_size);
	assert_int_equal(cpio_next(&cpio, &entry), 1);
	assert_int_equal(entry.archive, 0);
	assert_int_equal(cpio_next(&cpio, &entry), 1);
	assert_int_equal(entry.archive, 1);
}

TEST(something_else_behind_the_trailer_is_left_for_others)
{
	struct cpio cpio;
	char names[100];

	start_archive();
	add_entry("a", S_IFREG, "x", 1);
	add_trailer();
	archive_size += 8;
	append("\x1f\x8b rest", 7);
	assert_int_equal(walk(archive, archive_size, names, &cpio), 0);
	assert_int_equal(cpio_rest(&cpio), 7);
	assert_int_equal(*cpio.at, 0x1f);
}

TEST(nothing_and_zeros_are_empty_archives)
{
	struct cpio cpio;
	char names[100];

	start_archive();
	assert_int_equal(walk_copy(0, names, &cpio), 0);
	assert_int_equal(walk_copy(1000, names, &cpio), 0);
	assert_int_equal(cpio_rest(&cpio), 0);
}

TEST(every_truncation_is_an_error_or_a_clean_end)
{
	struct cpio cpio;
	char names[100];

	start_archive();
	add_entry("first", S_IFREG, "some data", 9);
	add_entry("second", S_IFREG, "more", 4);
	add_trailer();
	for (size_t size = 0; size < archive_size; size++) {
		int n = walk_copy(size, names, &cpio);

		assert_true(n == 0 || n == -EINVAL);
		if (n < 0)
			assert_non_null(cpio.error);
	}
	assert_int_equal(walk_copy(150, names, &cpio), -EINVAL);
}

static void check_malformed(size_t at, const char *with, const char *why)
{
	struct cpio cpio;
	char names[200];
	uint8_t saved[16];

	memcpy(saved, archive + at, strlen(with));
	memcpy(archive + at, with, strlen(with));
	assert_int_equal(walk_copy(archive_size, names, &cpio), -EINVAL);
	assert_non_null(strstr(cpio.error, why));
	memcpy(archive + at, saved, strlen(with));
}

TEST(malformed_fields_are_told_apart)
{
	start_archive();
	add_entry("name", S_IFREG, "data", 4);
	add_entry("link", S_IFLNK, "to", 2);
	add_trailer();
	check_malformed(6, "0000000g", "hexadecimal");
	check_malformed(14, "00000000", "kind");
	check_malformed(14, "00003000", "kind");
	check_malformed(54, "ffffffff", "middle of a file");
	check_malformed(54, "7fffffff", "middle of a file");
	check_malformed(94, "00000001", "empty");
	check_malformed(94, "00000000", "empty");
	check_malformed(94, "00001001", "too long");
	check_malformed(94, "ffffffff", "too long");
	check_malformed(94, "00001000", "middle of a name");
	check_malformed(94, "00000004", "length of a name");
	check_malformed(94, "00000006", "length of a name");
	check_malformed(0, "070707", "old cpio");
	check_malformed(120, "x", "no cpio header");
	check_malformed(120 + 54, "00000000", "symbolic link");
}

TEST(wrong_checksums_are_found)
{
	struct cpio cpio;
	char names[100];

	start_archive();
	add_entry("sum", S_IFREG, "\x01\x02\xff", 3);
	add_trailer();
	memcpy(archive, "070702", 6);
	memcpy(archive + 102, "00000102", 8);
	assert_int_equal(walk_copy(archive_size, names, &cpio), 0);
	assert_string_equal(names, "sum");
	check_malformed(102, "00000103", "checksum");
}

TEST(mutated_archives_never_read_outside)
{
	uint64_t seed = 11;
	struct cpio cpio;
	char names[4000];

	start_archive();
	for (int i = 0; i < 5; i++)
		add_entry("dir/some-name", S_IFREG | 0600, "0123456789", 10);
	add_trailer();
	for (int step = 0; step < 30000; step++) {
		size_t size = archive_size - random_below(&seed, 200);
		uint8_t *copy = malloc(size);

		memcpy(copy, archive, size);
		for (uint64_t n = random_below(&seed, 4); n < 4; n++)
			copy[random_below(&seed, size)] =
				"0123456789abcdefF\0x\xff"[random_below(&seed, 20)];
		assert_true(walk(copy, size, names, &cpio) <= 0);
		free(copy);
	}
}

UNIT_TESTS(T(entries_come_with_all_their_fields),
           T(archives_may_follow_each_other_with_padding),
           T(something_else_behind_the_trailer_is_left_for_others),
           T(nothing_and_zeros_are_empty_archives),
           T(every_truncation_is_an_error_or_a_clean_end),
           T(malformed_fields_are_told_apart),
           T(wrong_checksums_are_found),
           T(mutated_archives_never_read_outside))
