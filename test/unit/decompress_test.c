/*
 * lib/decompress: what gzip(1) and zstd(1) make comes out again; truncated, corrupt and greedy
 * input is refused with a reason; and nothing is leaked either way.
 *
 * sources: lib/decompress.c
 * links: build/unit/libdeflate.a build/unit/libzstd.a
 */
#include "unit.h"

#include <errno.h>

#include "lib/decompress.h"

#define LIMIT (16ul << 20)

static size_t live_bytes;
static long fail_after = -1; /* allocations until one fails; negative: never */

static void *count_alloc(size_t size)
{
	if (fail_after == 0)
		return NULL;
	fail_after -= fail_after > 0;
	live_bytes += size;
	return malloc(size);
}

static void count_free(void *memory, size_t size)
{
	live_bytes -= size;
	free(memory);
}

static const struct decompress_memory memory = { .alloc = count_alloc, .free = count_free };

struct blob {
	uint8_t *data;
	size_t size;
};

/* Text that compresses, with noise that does not. */
static struct blob make_text(size_t size)
{
	struct blob text = { malloc(size + 1), size };
	uint64_t seed = 77;

	for (size_t i = 0; i < size; i++)
		text.data[i] = i % 100 < 80 ? (uint8_t)"moonshot "[i % 9]
		                            : (uint8_t)random_next(&seed);
	return text;
}

/* What the command makes of text on its standard input. */
static struct blob run_filter(const char *command, struct blob text)
{
	struct blob out = { malloc(2 * text.size + 1000), 0 };
	char name[] = "/tmp/unit-decompress-XXXXXX", line[200];
	int fd = mkstemp(name);
	FILE *file = fdopen(fd, "wb");

	assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
	fclose(file);
	snprintf(line, sizeof(line), "%s < %s", command, name);
	file = popen(line, "r");
	out.size = fread(out.data, 1, 2 * text.size + 1000, file);
	assert_int_equal(pclose(file), 0);
	remove(name);
	return out;
}

/* Unpacks a copy in a block of its own size, which ASan guards. */
static int unpack(const uint8_t *data, size_t size, size_t limit, struct decompressed *out)
{
	uint8_t *copy = malloc(size ? size : 1);
	int err;

	memcpy(copy, data, size);
	err = decompress(copy, size, limit, &memory, out);
	free(copy);
	return err;
}

static void release(struct decompressed *out)
{
	if (out->data)
		count_free(out->data, out->capacity);
	assert_int_equal(live_bytes, 0);
}

static void check_round_trip(const char *command, size_t size)
{
	struct blob text = make_text(size), packed = run_filter(command, text);
	struct decompressed out;

	packed.data = realloc(packed.data, packed.size + 100);
	memset(packed.data + packed.size, 0, 100);
	for (size_t behind = 0; behind <= 100; behind += 100) {
		assert_int_equal(unpack(packed.data, packed.size + behind, LIMIT, &out), 0);
		assert_int_equal(out.size, size);
		assert_int_equal(out.consumed, packed.size);
		assert_memory_equal(out.data, text.data, size);
		release(&out);
	}
	if (size > 1) {
		assert_int_equal(unpack(packed.data, packed.size, size - 1, &out), -EFBIG);
		assert_non_null(out.error);
		release(&out);
	}
	free(packed.data);
	free(text.data);
}

TEST(gzip_output_comes_out_again)
{
	check_round_trip("gzip -9nc", 300000);
	check_round_trip("gzip -1c", 70000);
	check_round_trip("gzip -9nc", 1);
	check_round_trip("gzip -9nc", 0);
}

TEST(zstd_output_comes_out_again_with_and_without_a_known_size)
{
	check_round_trip("zstd -q -19 -c", 300000);
	check_round_trip("cat | zstd -q -3 -c", 700000);
	check_round_trip("zstd -q -1 --no-check -c", 5000);
	check_round_trip("zstd -q --ultra -22 -c", 100000);
	check_round_trip("cat | zstd -q -c", 0);
}

TEST(very_repetitive_input_still_fits)
{
	struct blob zeros = { calloc(1, 4000000), 4000000 };
	static const char *const commands[] = { "gzip -9nc", "zstd -q -19 -c", "cat | zstd -q -c" };

	for (size_t i = 0; i < array_size(commands); i++) {
		struct blob packed = run_filter(commands[i], zeros);
		struct decompressed out;

		assert_int_equal(unpack(packed.data, packed.size, LIMIT, &out), 0);
		assert_int_equal(out.size, zeros.size);
		release(&out);
		assert_int_equal(unpack(packed.data, packed.size, 100000, &out), -EFBIG);
		release(&out);
		free(packed.data);
	}
	free(zeros.data);
}

static void check_damage(const char *command)
{
	struct blob text = make_text(3000), packed = run_filter(command, text);
	struct decompressed out;
	uint64_t seed = 3;

	for (size_t size = 0; size < packed.size; size += 1 + packed.size / 300) {
		int err = unpack(packed.data, size, LIMIT, &out);

		assert_true(err == -EINVAL || err == -EOPNOTSUPP);
		assert_non_null(out.error);
		release(&out);
	}
	for (int step = 0; step < 3000; step++) {
		size_t at = random_below(&seed, packed.size);
		uint8_t saved = packed.data[at];
		int err;

		packed.data[at] ^= (uint8_t)(1u << random_below(&seed, 8));
		err = unpack(packed.data, packed.size, 1ul << 20, &out);
		assert_true(!err || out.error);
		assert_true(err || out.size <= 1ul << 20);
		release(&out);
		packed.data[at] = saved;
	}
	free(packed.data);
	free(text.data);
}

TEST(truncated_and_corrupt_gzip_is_refused)
{
	check_damage("gzip -9nc");
}

TEST(truncated_and_corrupt_zstd_is_refused)
{
	check_damage("zstd -q -19 -c");
	check_damage("cat | zstd -q --no-check -c");
}

TEST(failed_allocations_leak_nothing)
{
	static const char *const commands[] = { "gzip -9nc", "zstd -q -c" };
	struct blob text = make_text(20000);

	for (size_t i = 0; i < array_size(commands); i++) {
		struct blob packed = run_filter(commands[i], text);
		struct decompressed out;

		for (long n = 0; n < 2; n++) {
			fail_after = n;
			assert_int_equal(unpack(packed.data, packed.size, LIMIT, &out), -ENOMEM);
			release(&out);
		}
		fail_after = -1;
		free(packed.data);
	}
	free(text.data);
}

TEST(other_formats_are_known_by_name)
{
	static const char *const commands[] = { "xz -c", "xz --format=lzma -c", "bzip2 -c" };
	static const char *const names[] = { "xz", "lzma", "bzip2" };
	struct blob text = make_text(100);
	struct decompressed out;

	for (size_t i = 0; i < array_size(commands); i++) {
		struct blob packed;
		char probe[60];

		snprintf(probe, sizeof(probe), "command -v %.6s >/dev/null", commands[i]);
		if (system(probe))
			continue;
		packed = run_filter(commands[i], text);
		assert_string_equal(format_name(format_detect(packed.data, packed.size)), names[i]);
		assert_int_equal(unpack(packed.data, packed.size, LIMIT, &out), -EOPNOTSUPP);
		free(packed.data);
	}
	free(text.data);
	assert_int_equal(format_detect("070701", 6), FORMAT_CPIO);
	assert_int_equal(format_detect("\x04\x22\x4d\x18", 4), FORMAT_LZ4);
	assert_int_equal(format_detect("\x89LZO\0\r\n\x1a\n", 9), FORMAT_LZO);
	assert_int_equal(format_detect("\x1f", 1), FORMAT_UNKNOWN);
	assert_int_equal(format_detect("", 0), FORMAT_UNKNOWN);
	assert_string_equal(format_name(FORMAT_UNKNOWN), "unknown");
}

UNIT_TESTS(T(gzip_output_comes_out_again),
           T(zstd_output_comes_out_again_with_and_without_a_known_size),
           T(very_repetitive_input_still_fits),
           T(truncated_and_corrupt_gzip_is_refused),
           T(truncated_and_corrupt_zstd_is_refused),
           T(failed_allocations_leak_nothing),
           T(other_formats_are_known_by_name))
