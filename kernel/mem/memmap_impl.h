/*
 * What of the memory map only mem/ uses.
 */
#pragma once

#include "lib/types.h"

/* As memmap_early_alloc(), but not zeroed: for tables that are initialised later. */
paddr_t memmap_early_take(size_t size_bytes);

/* The buddy allocator has the rest; no early allocation from here on. */
void memmap_close(void);
