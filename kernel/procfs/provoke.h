/*
 * What /proc/provoke-crash knows: words and what they do. Between provoke.c, provoke_locks.c and
 * provoke_protection.c.
 */
#pragma once

#include "lib/types.h"

struct provocation {
	const char *name;
	void      (*run)(void);
	bool        is_debug_only;
};

/* Breaches of the rules for locks; the last one has no name. */
extern const struct provocation lock_provocations[];

/* Violations of what protects the kernel's memory; the last one has no name. */
extern const struct provocation protection_provocations[];
