/*
 * What libzstd's decoder asks of a C library, forced in front of its sources (tools/build/
 * thirdparty.mk) in place of its own zstd_deps.h: compiler builtins for memory, and no malloc, as
 * it works in memory that lib/decompress.c gives it.
 */
#pragma once

#include <limits.h>
#include <stddef.h>

#include "lib/string.h"

#define ZSTD_DEPS_COMMON
#define ZSTD_memcpy(to, from, size)  __builtin_memcpy(to, from, size)
#define ZSTD_memmove(to, from, size) __builtin_memmove(to, from, size)
#define ZSTD_memset(to, byte, size)  __builtin_memset(to, byte, size)

#define ZSTD_DEPS_MALLOC
#define ZSTD_malloc(size)    ((void *)((size) * 0))
#define ZSTD_calloc(n, size) ((void *)((n) * (size) * 0))
#define ZSTD_free(memory)    ((void)(memory))

/* Of xxhash only the 64-bit checksum of frames is wanted. */
#define XXH_NO_XXH3
#define XXH_STATIC_ASSERT(condition) static_assert(condition, "xxhash")
