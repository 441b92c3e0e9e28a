/*
 * What the linker script and the assembly files define for the C files of this folder: tables that
 * the linker gathers, and the entry points of usercopy.S. All of it is constant once the CPU's
 * features are known, but for the per-CPU section, which belongs to the boot CPU.
 */
#pragma once

#include "lib/types.h"

/* Instructions that may fault on a user address, and where to go on then. */
struct extable_entry {
	int32_t insn, fixup; /* distances from the fields themselves */
};
extern const struct extable_entry extable_start[], extable_end[];

/* Three bytes of nop that usercopy_init() makes an instruction of where the CPU needs it. */
enum patch_kind { PATCH_CLAC, PATCH_STAC, PATCH_SWAPGS_FENCE };
struct patch_site {
	int32_t  at; /* distance from this field */
	uint32_t kind;
};
extern const struct patch_site patch_sites_start[], patch_sites_end[];

/* The boot CPU's per-CPU variables; the copies of others are made like them. */
extern char percpu_start[], percpu_end[];

/* The stack of head.S, on which the boot CPU comes to C, and the page below it. */
extern char boot_stack[], boot_stack_top[], boot_stack_guard[];

/* Parts of the image that paging.c gives rights of their own, besides those in arch/layout.h. */
extern char ktest_text_end[], init_text_end[], data_start[], bss_end[];

/* tools/relocs.py: the places that hold absolute addresses; nothing in the first link. */
extern const uint8_t relocs_start[];

/*
 * The page tables of head.S: top, of the first 4 GiB, the same where chance puts the direct map, of
 * the image's GiB and of the image, of 4 GiB by 2 MiB.
 */
extern uint64_t boot_pml4[], boot_pdpt[], boot_pdpt_direct[], boot_pdpt_high[], boot_pd_high[],
	boot_pd[];

/* usercopy.S: how many bytes were left when it faulted; and the jump that picks the way to copy. */
size_t user_copy_rep(void *to, const void *from, size_t size);
size_t user_fill_zero(void *to, size_t size);
extern char user_copy_choice[];
