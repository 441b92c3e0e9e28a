/*
 * Compressed archives: which format is this, and what is inside? gzip and zstd are unpacked, a
 * member or frame at a time; other formats are known by name, for a clear message.
 *
 * The output is one buffer from the caller's allocator, sized by what the input says about itself
 * and bounded by limit, so that a few hostile bytes cannot ask for more memory than the caller
 * allows. It doubles as the window: no second copy is kept. The caller frees it.
 *
 * The allocator of the gzip decoder is a global of its library: one call at a time. Callers are
 * single (the unpacking of the initramfs). May take seconds; sleeps only if the allocator does.
 */
#pragma once

#include "lib/types.h"

enum format {
	FORMAT_UNKNOWN,
	FORMAT_CPIO,
	FORMAT_GZIP,
	FORMAT_ZSTD,
	FORMAT_XZ,
	FORMAT_LZMA,
	FORMAT_BZIP2,
	FORMAT_LZ4,
	FORMAT_LZO,
};

/* By the first bytes; FORMAT_UNKNOWN for what is none of these. */
enum format format_detect(const void *data, size_t size);

/* "gzip", "zstd" ...; "unknown". */
const char *format_name(enum format format);

struct decompress_memory {
	void *(*alloc)(size_t size); /* NULL when there is none; alignment 16 */
	void (*free)(void *memory, size_t size);
};

struct decompressed {
	void *data;         /* from memory->alloc(capacity); the caller frees it */
	size_t size;        /* of what was unpacked */
	size_t capacity;    /* of data */
	size_t consumed;    /* bytes of input: what follows may be another archive */
	const char *error;  /* why it failed, for a message */
};

/*
 * Unpacks the gzip member or zstd frame at the start of input into at most limit bytes.
 * 0; -EINVAL malformed or truncated; -EOPNOTSUPP a format that is not unpacked here; -EFBIG more
 * than limit; -ENOMEM. On failure nothing is left to free and out->error says why.
 */
int __must_check decompress(const void *input, size_t size, size_t limit,
                            const struct decompress_memory *memory, struct decompressed *out);
