/*
 * Which hypervisor the machine is of, if any.
 */
#pragma once

#include "lib/types.h"

enum { HYPERVISOR_SIGNATURE = 0x40000000 }; /* CPUID: the highest leaf of its own, its name */

/* Is that its name, of twelve characters? After cpu_init(). */
bool hypervisor_is(const char *name);
