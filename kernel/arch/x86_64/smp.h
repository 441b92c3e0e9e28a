/*
 * Between smp.c and trampoline.S.
 */
#pragma once

#include "lib/types.h"

/* What the trampoline is made of, and its end part, which smp.c fills in. */
struct trampoline_values {
	uint64_t entry;        /* smp_entry */
	uint32_t root, efer;   /* CR3 and EFER to begin with */
	uint32_t far_offset;   /* += page address */
	uint16_t far_selector;
	uint16_t gdt_limit;
	uint32_t gdt_base;     /* += page address */
} __packed;

extern const char trampoline_start[], trampoline_end[], trampoline_values[];

void smp_entry(void);

/* Stacks for whoever comes, in the order of coming. */
extern uint64_t smp_stack_tops[];
extern uint32_t smp_nr_stacks, smp_stacks_taken;

/* The C code of a CPU that has come, on its stack: no per-CPU data and no exceptions yet. */
__noreturn void smp_cpu_main(uintptr_t stack_top);
