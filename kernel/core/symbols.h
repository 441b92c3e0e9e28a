/*
 * Addresses to names: the kernel's own symbol and line tables, which tools/symbols.py makes from
 * the first link and the second link puts into section .ksyms. A kernel without them (the first
 * link) answers with nothing. The tables hold offsets from the start of the text, so they are right
 * wherever the kernel is relocated to. Read-only, no locks, works in every context.
 */
#pragma once

#include "lib/types.h"

struct symbol {
	char     name[64];
	uint32_t offset; /* of the address within the function */
	uint32_t size;
};

struct source_line {
	const char *file; /* path from the top of the tree, such as kernel/fs/pipe.c */
	uint32_t    line;
};

/* The function that contains the address; false if it is no kernel text. */
bool symbol_find(uintptr_t address, struct symbol *symbol);

/* The source line of the instruction at the address (for return addresses, pass address - 1). */
bool symbol_find_line(uintptr_t address, struct source_line *where);

/*
 * `name+0x1c/0x80 (kernel/fs/pipe.c:120)` or a bare address; returns the length, at most size - 1.
 */
size_t symbol_format(uintptr_t address, bool is_return_address, char *buf, size_t size);

/* Iterate for /proc/kallsyms: the index-th function by address; false past the last. */
bool symbol_at(unsigned int index, uintptr_t *address, struct symbol *symbol);

/*
 * /proc/sys/kernel/kptr_restrict: addresses of the kernel are shown 0, 1 to who has CAP_SYSLOG, 2
 * to nobody.
 */
extern int symbols_restricted __atomic;

/* The tables; empty in the first link. */
extern const char ksyms_start[];
extern const char ksyms_end[];
