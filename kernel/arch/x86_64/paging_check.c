/*
 * Walks all page tables of the kernel half and looks for mappings with rights that they must not
 * have, after start-up and whenever a test asks:
 *
 *   - nothing can be written and executed; nothing but the text can be executed
 *   - the frames of text, rodata and read-only data cannot be written by any mapping
 *   - user mode reaches nothing; every mapping is global where the CPU has that
 *   - the kernel's own lower half is empty
 *
 * Rights are what all levels together allow. No lock: kernel tables are never freed, and an entry
 * that changes meanwhile was right before and is right afterwards. On a machine of any size this is
 * some ten thousand entries, since RAM is mapped by large pages.
 */
#define pr_fmt(fmt) "x86/mm: " fmt

#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/mmu.h>

#include "arch/x86_64/image.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/tables.h"
#include "core/printk.h"

enum { RIGHTS = PTE_WRITE | PTE_USER };

struct check {
	uint64_t nr_bad, nr_write_exec;
	kaddr_t  first_bad;
	const char *first_why;
};

static bool overlaps(uint64_t start, uint64_t size, uint64_t from, uint64_t to)
{
	return start < to && from < start + size;
}

/* Frames of the image that nothing may write. */
static bool is_constant(paddr_t paddr, uint64_t size)
{
	return overlaps(paddr, size, image_to_phys(text_start), image_to_phys(rodata_end)) ||
	       overlaps(paddr, size, image_to_phys(ro_after_init_start),
	                image_to_phys(ro_after_init_end));
}

static bool is_text(kaddr_t addr, uint64_t size)
{
	return (addr >= (kaddr_t)text_start && addr + size <= (kaddr_t)text_end) ||
	       (addr >= (kaddr_t)ktest_start && addr + size <= (kaddr_t)ktest_text_end);
}

/* What is wrong with a mapping, NULL if nothing is. The entry's rights are those of all levels. */
static const char *fault_of(kaddr_t addr, pte_t entry, uint64_t size)
{
	paddr_t paddr = entry & PTE_PADDR_MASK & ~(size - 1);
	bool may_write = pte_is_writable(entry);
	bool may_exec = pte_is_exec(entry) && cpu_has(CPU_NX);

	if (may_write && may_exec)
		return "can be written and executed";
	if (may_exec && !is_text(addr, size))
		return "is no text and can be executed";
	if (may_write && is_constant(paddr, size))
		return "is constant and can be written";
	if (entry & PTE_USER)
		return "can be reached by user mode";
	if (!(entry & PTE_GLOBAL) && cpu_has(CPU_PGE))
		return "is not global";
	return NULL;
}

static void check_leaf(struct check *check, kaddr_t addr, pte_t entry, uint64_t size)
{
	const char *why = fault_of(addr, entry, size);

	if (!why)
		return;
	if (check->nr_bad++ == 0) {
		check->first_bad = addr;
		check->first_why = why;
	}
	check->nr_write_exec += pte_is_writable(entry) && pte_is_exec(entry);
}

/* `above` has the rights that the levels above give. */
static void check_table(struct check *check, const pte_t *table, unsigned int level, kaddr_t addr,
                        pte_t above)
{
	for (unsigned int i = 0; i < PTES_PER_TABLE; i++, addr += entry_span(level)) {
		pte_t entry = pte_read(&table[i]);

		if (!pte_is_present(entry))
			continue;
		entry = (entry & (above | ~(pte_t)RIGHTS)) | (above & PTE_NX);
		if (level > LEVEL_LEAF && !(entry & PTE_LARGE))
			check_table(check, table_of(entry), level - 1, addr,
			            entry & (RIGHTS | PTE_NX));
		else
			check_leaf(check, addr, entry, entry_span(level));
	}
}

/* A sign-extended address from an index in the top table. */
static kaddr_t top_address(unsigned int index)
{
	return (kaddr_t)((int64_t)((uint64_t)index << 55) >> 16);
}

static void check_top(struct check *check, const pte_t *top)
{
	for (unsigned int i = 0; i < PTES_PER_TABLE; i++) {
		pte_t entry = pte_read(&top[i]);

		if (!pte_is_present(entry))
			continue;
		if (i < KERNEL_HALF_FIRST)
			check_leaf(check, top_address(i), entry | PTE_USER, entry_span(LEVEL_TOP));
		else
			check_table(check, table_of(entry), LEVEL_TOP - 1, top_address(i),
			            entry & (RIGHTS | PTE_NX));
	}
}

/* The kernel half of another space may lack entries, but has no others than the kernel's own. */
static void check_same(struct check *check, const pte_t *top, const pte_t *kernel)
{
	for (unsigned int i = KERNEL_HALF_FIRST; i < PTES_PER_TABLE; i++) {
		pte_t entry = pte_read(&top[i]);

		if (entry && entry != pte_read(&kernel[i]) && check->nr_bad++ == 0) {
			check->first_bad = top_address(i);
			check->first_why = "is not as in the kernel's own tables";
		}
	}
}

bool paging_check(void)
{
	const pte_t *kernel = phys_to_virt(kernel_root);
	struct check check = { 0 };

	check_top(&check, kernel);
	check_same(&check, phys_to_virt(cr3_read() & PTE_PADDR_MASK), kernel);
	if (check.nr_bad == 0) {
		pr_info("Checked W+X mappings: passed, no W+X pages found.\n");
		return true;
	}
	pr_warn("Checked W+X mappings: FAILED, %lu W+X pages found, %lu wrong; %#lx %s\n",
	        check.nr_write_exec, check.nr_bad, check.first_bad, check.first_why);
	return false;
}
