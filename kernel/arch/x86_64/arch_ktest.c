/*
 * Tests of what arch/ promises: rights of mappings, faults that end softly, page tables, clocks,
 * FPU states, the order of memory maps.
 */
#include <arch/cpu.h>
#include <arch/fpu.h>
#include <arch/mmu.h>
#include <arch/percpu.h>
#include <arch/signal.h>
#include <arch/timer.h>
#include <arch/trace.h>
#include <arch/usercopy.h>

#include "arch/x86_64/image.h"
#include "arch/x86_64/tables.h"
#include "core/ktest.h"
#include "lib/string.h"
#include "mem/buddy.h"

/* ---- the kernel's mappings ----------------------------------------------------------------- */

KTEST(no_kernel_mapping_has_rights_that_it_must_not_have)
{
	struct arch_mmu mmu, *before = mmu_active();

	KTEST_ASSERT(paging_check());
	KTEST_ASSERT(mmu_init(&mmu) == 0);
	uint64_t flags = irq_save();

	mmu_activate(&mmu);
	bool is_right = paging_check();

	mmu_activate(before);
	irq_restore(flags);
	mmu_fini(&mmu);
	KTEST_ASSERT(is_right);
}

/* What maps the address, of whatever size; NULL: nothing. */
static pte_t *slot_of(const void *address)
{
	pte_t *slot = NULL;

	for (unsigned int level = LEVEL_LEAF; !slot && level < LEVEL_TOP; level++)
		slot = kernel_slot((kaddr_t)address, level, false);
	return slot;
}

/* The check must see what it looks for: for a moment one page has what no page may have. */
static bool is_found(const void *address, pte_t set, pte_t clear)
{
	pte_t *slot = slot_of(address);
	uint64_t flags = irq_save();
	pte_t old = pte_exchange(slot, (pte_read(slot) | set) & ~clear);
	bool is_right = paging_check();

	pte_exchange(slot, old);
	irq_restore(flags);
	return !is_right;
}

KTEST(the_check_of_mappings_finds_each_wrong_right)
{
	static char page[PAGE_SIZE] __aligned(4096);

	if (!cpu_has(CPU_NX))
		return;
	KTEST_ASSERT(is_found(page, 0, PTE_NX));
	KTEST_ASSERT(!is_found(page, PTE_USER, 0)); /* the levels above forbid it */
	KTEST_ASSERT(is_found(page, 0, PTE_GLOBAL));
	KTEST_ASSERT(is_found(text_start, PTE_WRITE, 0));
	KTEST_ASSERT(is_found(rodata_start, PTE_WRITE, 0));
	KTEST_ASSERT(is_found(rodata_start, 0, PTE_NX));
	KTEST_ASSERT(is_found(phys_to_virt(image_to_phys(ro_after_init_start)), PTE_WRITE, 0));
}

static bool is_writable(const void *address)
{
	pte_t *slot = slot_of(address);

	return !slot || pte_is_writable(*slot);
}

KTEST(text_and_rodata_are_read_only_in_the_direct_map_too)
{
	KTEST_ASSERT(!is_writable(text_start) && !is_writable(rodata_start));
	KTEST_ASSERT(!is_writable(phys_to_virt(image_to_phys(text_start))));
	KTEST_ASSERT(!is_writable(phys_to_virt(image_to_phys(rodata_start))));
}

KTEST(what_is_read_only_after_init_is_so_and_init_is_gone)
{
	paddr_t paddr;

	KTEST_ASSERT(!is_writable(ro_after_init_start));
	KTEST_ASSERT(!is_writable(phys_to_virt(image_to_phys(ro_after_init_start))));
	KTEST_ASSERT(!kmap_lookup((kaddr_t)init_start, &paddr));
}

KTEST(null_and_the_guard_below_the_boot_stack_are_not_mapped)
{
	paddr_t paddr;

	KTEST_ASSERT(!kmap_lookup(0, &paddr));
	KTEST_ASSERT(!kmap_lookup((kaddr_t)boot_stack - PAGE_SIZE, &paddr));
	KTEST_ASSERT(kmap_lookup((kaddr_t)boot_stack, &paddr));
	KTEST_ASSERT(paddr == image_to_phys(boot_stack));
}

KTEST(kernel_memory_that_is_not_there_reads_as_a_failure)
{
	uint64_t value = 0;

	KTEST_ASSERT(kernel_read_nofault(&value, text_start, sizeof(value)));
	KTEST_ASSERT(!kernel_read_nofault(&value, (const void *)vmalloc_base - 8, sizeof(value)));
	KTEST_ASSERT(
		!kernel_read_nofault(&value, (const void *)0x8000000000000000ul, sizeof(value)));
	KTEST_ASSERT(!kernel_read_nofault(&value, NULL, sizeof(value)));
}

/* ---- user tables and copies ---------------------------------------------------------------- */

#define TEST_ADDR 0x7f1234567000ul

KTEST(page_tables_are_made_found_and_given_back)
{
	struct arch_mmu mmu;
	pte_t *slot, *found;
	uaddr_t at = 0;

	KTEST_NO_LEAK();
	KTEST_ASSERT(mmu_init(&mmu) == 0);
	bool made = mmu_leaf_get(&mmu, TEST_ADDR, &slot) == 0;

	found = mmu_leaf_find(&mmu, TEST_ADDR);
	pte_t *missing = mmu_leaf_find(&mmu, TEST_ADDR + LEAF_SIZE);
	pte_t *next = mmu_leaf_next(&mmu, &at, USER_MAX);
	uint64_t tables = mmu.nr_tables;

	mmu_free_tables(&mmu, TEST_ADDR + PAGE_SIZE, USER_MAX);
	pte_t *kept = mmu_leaf_find(&mmu, TEST_ADDR);

	mmu_free_tables(&mmu, 0, USER_MAX & ~(LEAF_SIZE - 1));
	uint64_t left = mmu.nr_tables;

	mmu_fini(&mmu);
	KTEST_ASSERT(made && found == slot && !missing && kept == slot);
	KTEST_ASSERT(at == (TEST_ADDR & ~(LEAF_SIZE - 1)));
	KTEST_ASSERT(next == slot - (TEST_ADDR >> PAGE_SHIFT & (PTES_PER_TABLE - 1)));
	KTEST_ASSERT(tables == 4 && left < tables);
}

struct mapped {
	struct arch_mmu mmu, *before;
	struct page    *page;
};

/* One writable page at TEST_ADDR, nothing behind it, and the space active. */
static bool map_test_page(struct mapped *m)
{
	pte_t *slot;

	m->page = page_alloc(ALLOC_KERNEL | ALLOC_ZERO);
	if (!m->page || mmu_init(&m->mmu) < 0)
		return false;
	if (mmu_leaf_get(&m->mmu, TEST_ADDR, &slot) < 0)
		return false;
	pte_write(slot, pte_make(page_to_phys(m->page), PROT_PTE_USER | PROT_PTE_WRITE));
	m->before = mmu_active();
	uint64_t flags = irq_save();

	mmu_activate(&m->mmu);
	irq_restore(flags);
	usercopy_nosleep_begin();
	return true;
}

static void unmap_test_page(struct mapped *m)
{
	usercopy_nosleep_end();
	uint64_t flags = irq_save();

	mmu_activate(m->before);
	irq_restore(flags);
	pte_write(mmu_leaf_find(&m->mmu, TEST_ADDR), 0);
	mmu_fini(&m->mmu);
	page_put(m->page);
}

/* More than a CPU has numbers for. */
enum { SPACES = 9 };

static void activate(struct arch_mmu *mmu)
{
	uint64_t flags = irq_save();

	mmu_activate(mmu);
	irq_restore(flags);
}

static bool reads(struct arch_mmu *mmu, uint32_t expected)
{
	uint32_t value = 0;

	activate(mmu);
	return user_get_u32(&value, (const uint32_t __user *)TEST_ADDR) == 0 && value == expected;
}

static void swap_pages(struct mapped *a, struct mapped *b)
{
	pte_t *slot_a = mmu_leaf_find(&a->mmu, TEST_ADDR);
	pte_t *slot_b = mmu_leaf_find(&b->mmu, TEST_ADDR);

	pte_exchange(slot_b, pte_exchange(slot_a, pte_read(slot_b)));
	mmu_flush_page(&a->mmu, TEST_ADDR);
	mmu_flush_range(&b->mmu, 0, USER_MAX);
}

KTEST(spaces_that_come_back_have_their_own_pages_and_what_changed_meanwhile)
{
	static struct mapped m[SPACES];
	struct arch_mmu *before = mmu_active();
	bool ok = true;

	KTEST_NO_LEAK();
	for (uint32_t i = 0; i < SPACES; i++) {
		ok = ok && map_test_page(&m[i]);
		*(uint32_t *)page_to_virt(m[i].page) = i;
	}
	KTEST_ASSERT(ok);
	for (uint32_t i = 0; i < 5 * SPACES; i++)
		ok = ok && reads(&m[i % SPACES].mmu, i % SPACES);
	for (uint32_t i = 0; i < 3; i++)
		ok = ok && reads(&m[i].mmu, i);
	swap_pages(&m[0], &m[1]); /* neither is active, */
	ok = ok && reads(&m[0].mmu, 1) && reads(&m[1].mmu, 0) && reads(&m[2].mmu, 2);
	swap_pages(&m[2], &m[0]);
	ok = ok && reads(&m[2].mmu, 1) && reads(&m[1].mmu, 0) && reads(&m[0].mmu, 2);
	for (uint32_t i = SPACES; i-- > 0;) {
		m[i].before = before;
		unmap_test_page(&m[i]);
	}
	KTEST_ASSERT(ok);
}

KTEST(user_copies_stop_at_the_byte_that_is_not_there)
{
	static char pattern[256], back[256];
	struct mapped m;
	bool ok = map_test_page(&m);

	KTEST_NO_LEAK();
	KTEST_ASSERT(ok);
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)(i * 7 + 1);
	for (size_t size = 1; size <= sizeof(pattern) && ok; size++) {
		for (size_t fits = 0; fits <= size && ok; fits += fits < 20 ? 1 : 37) {
			char __user *to = (char __user *)(TEST_ADDR + PAGE_SIZE - fits);
			size_t left = user_copy_out(to, pattern, size);

			memset(back, 0, sizeof(back));
			ok = left == size - fits && user_copy_in(back, to, size) == left &&
			     !memcmp(back, pattern, fits);
		}
	}
	size_t zero_left = user_zero((void __user *)(TEST_ADDR + PAGE_SIZE - 19), 100);

	unmap_test_page(&m);
	KTEST_ASSERT(ok && zero_left == 81);
}

KTEST(user_words_and_strings_are_read_or_refused)
{
	struct mapped m;
	char text[32];
	uint32_t word = 0, old = 0;

	KTEST_NO_LEAK();
	KTEST_ASSERT(map_test_page(&m));
	uint32_t __user *last = (uint32_t __user *)(TEST_ADDR + PAGE_SIZE - 4);
	char __user *name = (char __user *)(TEST_ADDR + PAGE_SIZE - 13);
	bool ok = user_put_u32(last, 5) == 0 && user_get_u32(&word, last) == 0 && word == 5;

	ok = ok && user_get_u32(&word, last + 1) < 0 && user_put_u32(last + 1, 1) < 0;
	ok = ok && user_cmpxchg_u32(last, 5, 6, &old) == 0 && old == 5;
	ok = ok && user_cmpxchg_u32(last + 1, 5, 6, &old) < 0 &&
	     user_cmpxchg_u32((void __user *)1, 0, 0, &old) < 0;
	ok = ok && user_copy_out(name, "twelve bytes", 13) == 0;
	ok = ok && user_string_copy_in(text, name, sizeof(text)) == 12 &&
	     !strcmp(text, "twelve bytes");
	ok = ok && user_string_copy_in(text, name, 5) == 5;
	ok = ok && user_put_u8((uint8_t __user *)last + 3, 'x') == 0;
	ok = ok && user_string_copy_in(text, name, sizeof(text)) < 0;
	ok = ok && user_copy_in(text, (const void __user *)USER_MAX, 1) == 1;
	ok = ok && user_copy_in(text, (const void __user *)text_start, 8) == 8;
	unmap_test_page(&m);
	KTEST_ASSERT(ok);
}

/* ---- the rest ------------------------------------------------------------------------------ */

KTEST(per_cpu_variables_of_this_cpu_are_reached_both_ways)
{
	KTEST_ASSERT(this_cpu_ptr(percpu_number) == per_cpu_ptr(percpu_number, cpu_id()));
	KTEST_ASSERT(*this_cpu_ptr(percpu_number) == cpu_id());
}

KTEST(the_clock_goes_forward_and_a_delay_lasts)
{
	uint64_t start = arch_clock.read();

	arch_delay_ns(2 * NS_PER_MSEC);
	uint64_t ns = (((arch_clock.read() - start) & arch_clock.mask) * arch_clock.mult) >>
	              arch_clock.shift;

	KTEST_ASSERT(ns >= 2 * NS_PER_MSEC - 1000 && ns < 2 * NS_PER_SEC);
}

KTEST(the_wall_clock_is_in_this_century)
{
	int64_t seconds;

	KTEST_ASSERT(arch_wall_clock_read(&seconds));
	KTEST_ASSERT(seconds > 946684800 && seconds < 4102444800);
}

KTEST(hostile_user_registers_become_harmless)
{
	struct pt_regs regs = { .cs = 0x10, .ss = 0x18, .eflags = ~0ul, .rip = 0x123456789abcdef0 };

	arch_regs_sanitize(&regs);
	KTEST_ASSERT(regs.cs == 0x33 && regs.ss == 0x2b);
	KTEST_ASSERT((regs.eflags & 0x3000) == 0 && (regs.eflags & EFLAGS_IF) &&
	             !(regs.eflags >> 22));
	KTEST_ASSERT((int64_t)regs.rip >> 47 == -1);
}

KTEST(a_backtrace_starts_here)
{
	uint64_t addresses[8];
	size_t n = backtrace_collect(NULL, addresses, array_size(addresses));

	KTEST_ASSERT(n >= 2);
	for (size_t i = 0; i < n; i++)
		KTEST_ASSERT(addresses[i] >= (uint64_t)text_start &&
		             addresses[i] < (uint64_t)init_end);
}
