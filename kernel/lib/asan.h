/*
 * The checks of the address sanitizer (mem/kasan.h) for code that is not instrumented but accesses
 * memory for others: lib/string.c. The names are the compiler's. Nothing without KASAN=1.
 */
#pragma once

#include "lib/types.h"

void __asan_loadN_noabort(void *address, long size);
void __asan_storeN_noabort(void *address, long size);

static __always_inline void asan_check_read(const void *from, size_t size)
{
	if (KASAN)
		__asan_loadN_noabort((void *)(uintptr_t)from, (long)size);
}

static __always_inline void asan_check_write(void *to, size_t size)
{
	if (KASAN)
		__asan_storeN_noabort(to, (long)size);
}
