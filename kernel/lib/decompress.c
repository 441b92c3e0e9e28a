/*
 * Compressed archives, by libdeflate and libzstd's decoder.
 *
 * gzip says how long its output is only at the end of the whole input, where something else may
 * stand: that number is a first guess, and the buffer doubles, up to the limit, until the member
 * fits. zstd says it in the header of the frame, or not at all: then the block headers give a
 * bound.
 *
 * What libraries say is never trusted further than the buffer that they were given.
 */
#include <libdeflate.h>
#define ZSTD_STATIC_LINKING_ONLY
#include <linux/errno.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "lib/decompress.h"

#include "lib/byteorder.h"
#include "lib/math.h"
#include "lib/string.h"

/* A deflate stream cannot say more with less. */
#define GZIP_MAX_RATIO 1032
#define GZIP_MIN_SIZE  18

static const struct {
	enum format format;
	uint8_t size;
	const char *magic, *name;
} formats[] = {
	{ FORMAT_CPIO, 6, "070701", "cpio" },
	{ FORMAT_CPIO, 6, "070702", "cpio" },
	{ FORMAT_GZIP, 2, "\x1f\x8b", "gzip" },
	{ FORMAT_ZSTD, 4, "\x28\xb5\x2f\xfd", "zstd" },
	{ FORMAT_XZ, 6, "\xfd" "7zXZ\0", "xz" },
	{ FORMAT_LZMA, 3, "\x5d\0\0", "lzma" },
	{ FORMAT_BZIP2, 3, "BZh", "bzip2" },
	{ FORMAT_LZ4, 4, "\x02\x21\x4c\x18", "lz4" },
	{ FORMAT_LZ4, 4, "\x04\x22\x4d\x18", "lz4" },
	{ FORMAT_LZO, 9, "\x89" "LZO\0\r\n\x1a\n", "lzo" },
};

enum format format_detect(const void *data, size_t size)
{
	for (size_t i = 0; i < array_size(formats); i++) {
		if (size >= formats[i].size && !memcmp(data, formats[i].magic, formats[i].size))
			return formats[i].format;
	}
	return FORMAT_UNKNOWN;
}

const char *format_name(enum format format)
{
	for (size_t i = 0; i < array_size(formats); i++) {
		if (formats[i].format == format)
			return formats[i].name;
	}
	return "unknown";
}

static int failed(struct decompressed *out, int err, const char *why)
{
	out->error = why;
	return err;
}

/* Where libdeflate's allocator, which is a global and knows no sizes, finds ours. */
static struct {
	const struct decompress_memory *memory;
	void *block;
	size_t size;
} inflate;

static void *inflate_alloc(size_t size)
{
	inflate.size = size;
	inflate.block = inflate.memory->alloc(size);
	return inflate.block;
}

static void inflate_free(void *block)
{
	if (block)
		inflate.memory->free(block, inflate.size);
}

static size_t gzip_guess(const uint8_t *input, size_t size, size_t limit)
{
	size_t said = load_le32(input + size - 4);

	if (said == 0 || said / GZIP_MAX_RATIO > size)
		said = checked_mul(size, 4, &said) ? said : limit;
	return clamp(said, 1ul, limit);
}

/* One try with a buffer of out->capacity; -EFBIG if that is too small. */
static int gzip_try(struct libdeflate_decompressor *decoder, const void *input, size_t size,
                    struct decompressed *out)
{
	enum libdeflate_result result = libdeflate_gzip_decompress_ex(
		decoder, input, size, out->data, out->capacity, &out->consumed, &out->size);

	if (result == LIBDEFLATE_SUCCESS)
		return 0;
	if (result == LIBDEFLATE_INSUFFICIENT_SPACE)
		return failed(out, -EFBIG, "unpacks to more than there is room for");
	return failed(out, -EINVAL, "malformed or truncated gzip data");
}

static int gzip_run(struct libdeflate_decompressor *decoder, const void *input, size_t size,
                    size_t limit, const struct decompress_memory *memory, struct decompressed *out)
{
	int err;

	out->capacity = gzip_guess(input, size, limit);
	for (;;) {
		out->data = memory->alloc(out->capacity);
		if (!out->data)
			return failed(out, -ENOMEM, "not enough memory");
		err = gzip_try(decoder, input, size, out);
		if (!err)
			return 0;
		memory->free(out->data, out->capacity);
		if (err != -EFBIG || out->capacity == limit)
			return err;
		out->capacity = out->capacity > limit / 2 ? limit : out->capacity * 2;
	}
}

static int gzip_unpack(const void *input, size_t size, size_t limit,
                       const struct decompress_memory *memory, struct decompressed *out)
{
	struct libdeflate_decompressor *decoder;
	int err;

	if (size < GZIP_MIN_SIZE)
		return failed(out, -EINVAL, "malformed or truncated gzip data");
	inflate.memory = memory;
	libdeflate_set_memory_allocator(inflate_alloc, inflate_free);
	decoder = libdeflate_alloc_decompressor();
	if (!decoder)
		return failed(out, -ENOMEM, "not enough memory");
	err = gzip_run(decoder, input, size, limit, memory, out);
	libdeflate_free_decompressor(decoder);
	return err;
}

/* Upper bound of what the frame unpacks to, from its header or its blocks. */
static uint64_t zstd_bound(const void *input, size_t frame_size)
{
	uint64_t size = ZSTD_getFrameContentSize(input, frame_size);

	if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR)
		size = ZSTD_decompressBound(input, frame_size);
	return size;
}

static int zstd_run(ZSTD_DCtx *decoder, const void *input, size_t frame_size, size_t limit,
                    struct decompressed *out)
{
	size_t n = ZSTD_decompressDCtx(decoder, out->data, out->capacity, input, frame_size);

	if (!ZSTD_isError(n)) {
		out->size = n;
		out->consumed = frame_size;
		return 0;
	}
	if (ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall && out->capacity == limit)
		return failed(out, -EFBIG, "unpacks to more than there is room for");
	if (ZSTD_getErrorCode(n) == ZSTD_error_checksum_wrong)
		return failed(out, -EINVAL, "the checksum of the zstd data is wrong");
	return failed(out, -EINVAL, "malformed zstd data");
}

static int zstd_unpack(const void *input, size_t size, size_t limit,
                       const struct decompress_memory *memory, struct decompressed *out)
{
	size_t frame_size = ZSTD_findFrameCompressedSize(input, size);
	size_t work_size = ZSTD_estimateDCtxSize();
	void *work;
	int err;

	if (ZSTD_isError(frame_size))
		return failed(out, -EINVAL, "malformed or truncated zstd data");
	out->capacity = (size_t)clamp(zstd_bound(input, frame_size), 1ul, limit);
	out->data = memory->alloc(out->capacity);
	if (!out->data)
		return failed(out, -ENOMEM, "not enough memory");
	work = memory->alloc(work_size);
	if (work) {
		err = zstd_run(ZSTD_initStaticDCtx(work, work_size), input, frame_size, limit, out);
		memory->free(work, work_size);
	} else {
		err = failed(out, -ENOMEM, "not enough memory");
	}
	if (err)
		memory->free(out->data, out->capacity);
	return err;
}

int decompress(const void *input, size_t size, size_t limit, const struct decompress_memory *memory,
               struct decompressed *out)
{
	int err;

	*out = (struct decompressed){};
	limit = max(limit, 1ul);
	switch (format_detect(input, size)) {
	case FORMAT_GZIP:
		err = gzip_unpack(input, size, limit, memory, out);
		break;
	case FORMAT_ZSTD:
		err = zstd_unpack(input, size, limit, memory, out);
		break;
	default:
		err = failed(out, -EOPNOTSUPP, "not in a format that can be unpacked");
		break;
	}
	if (err)
		*out = (struct decompressed){ .error = out->error };
	return err;
}
