/*
 * The gate of fault injection, for the allocators of mem/ only; its controls are in mem/alloc.h.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"
#include "mem/alloc.h"

extern bool alloc_fail_armed;

/* Count a request while armed; true if it shall fail. */
bool alloc_fail_count(unsigned int flags);

static inline bool alloc_fail_now(unsigned int flags)
{
	return unlikely(READ_ONCE(alloc_fail_armed)) && alloc_fail_count(flags);
}
