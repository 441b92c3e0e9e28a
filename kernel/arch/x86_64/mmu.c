/*
 * The user half of address spaces: tables made on demand, found, walked, freed.
 *
 * The lock of a leaf table lies in its struct page. Tables above the leaves are only added to while
 * the space's lock is held in any mode; two faults may add the same table at once, so an entry is
 * put in by compare-and-swap and the loser frees its own. They are taken away only under the
 * space's write lock.
 */
#include <arch/mmu.h>
#include <linux/errno.h>

#include <arch/cpu.h>
#include <arch/percpu.h>

#include "arch/x86_64/pcid.h"
#include "arch/x86_64/tables.h"
#include "arch/x86_64/tlb.h"
#include "core/gauge.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/atomic.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/buddy.h"

/* ---- tables -------------------------------------------------------------------------------- */

/*
 * Tables die full of zeroes, so a few of them are kept for each CPU and need no clearing when they
 * are wanted again; roots keep their kernel half, too.
 */
enum { TABLES_KEPT = 16, ROOTS_KEPT = 2 };

struct table_store {
	uint32_t nr_tables, nr_roots;
	pte_t   *tables[TABLES_KEPT];
	pte_t   *roots[ROOTS_KEPT];
};
static DEFINE_PER_CPU(struct table_store, table_store);

pte_t *user_table_alloc(void)
{
	struct table_store *store = this_cpu_ptr(table_store);
	struct page *page;

	page_use_add(PAGE_USE_TABLE, 1);
	if (likely(store->nr_tables))
		return store->tables[--store->nr_tables];
	page = page_alloc(ALLOC_KERNEL | ALLOC_ZERO);
	if (!page) {
		page_use_add(PAGE_USE_TABLE, -1);
		return NULL;
	}
	page_set(page, PAGE_TABLE);
	spin_lock_init(&page->table_lock, RANK_PAGE_TABLE);
	return page_to_virt(page);
}

static void table_give_back(pte_t *table)
{
	struct page *page = virt_to_page(table);

	page_clear(page, PAGE_TABLE);
	page->owner = NULL;
	page_put(page);
}

void user_table_free(pte_t *table)
{
	struct table_store *store = this_cpu_ptr(table_store);
	struct page *page = virt_to_page(table);

	debug_assert(!page_mapcount(page) && mem_is_zero(table, PAGE_SIZE));
	if (unlikely(page_is(page, TABLE_SHARED)))
		page_clear(page, TABLE_SHARED);
	page->private_value = 0;
	page->index = 0;
	page_use_add(PAGE_USE_TABLE, -1);
	if (likely(store->nr_tables < TABLES_KEPT))
		store->tables[store->nr_tables++] = table;
	else
		table_give_back(table);
}

static pte_t *root_alloc(void)
{
	struct table_store *store = this_cpu_ptr(table_store);
	pte_t *root;

	if (likely(store->nr_roots)) {
		page_use_add(PAGE_USE_TABLE, 1);
		return store->roots[--store->nr_roots];
	}
	root = user_table_alloc();
	if (root)
		memcpy(root + KERNEL_HALF_FIRST,
		       (pte_t *)phys_to_virt(kernel_root) + KERNEL_HALF_FIRST, PAGE_SIZE / 2);
	return root;
}

static void root_free(pte_t *root)
{
	struct table_store *store = this_cpu_ptr(table_store);

	virt_to_page(root)->index = 0;
	page_use_add(PAGE_USE_TABLE, -1);
	if (likely(store->nr_roots < ROOTS_KEPT))
		store->roots[store->nr_roots++] = root;
	else
		table_give_back(root);
}

/* What is kept goes back: a leak check counts pages. */
static void table_store_drain(void)
{
	struct table_store *store = this_cpu_ptr(table_store);

	while (store->nr_tables)
		table_give_back(store->tables[--store->nr_tables]);
	while (store->nr_roots)
		table_give_back(store->roots[--store->nr_roots]);
}
GAUGE_DRAIN_CPU(table_store_drain);

int mmu_init(struct arch_mmu *mmu)
{
	pte_t *root = root_alloc();

	if (!root)
		return -ENOMEM;
	*mmu = (struct arch_mmu){ .root = virt_to_phys(root), .nr_tables = 1 };
	if (cpu_has(CPU_PCID))
		mmu->id = pcid_id_next();
	return 0;
}

/* The table below an entry, made if it is missing. NULL: no memory. */
static pte_t *table_get(struct arch_mmu *mmu, pte_t *entry)
{
	pte_t seen = pte_read(entry);

	if (likely(seen))
		return table_of(seen);
	pte_t *table = user_table_alloc();

	if (!table)
		return NULL;
	user_entry_note(entry);
	/* The zeroes are seen before the entry; pairs with the dependent load in whoever walks. */
	if (!pte_replace(entry, 0, virt_to_phys(table) | TABLE_ENTRY_USER)) {
		user_table_free(table);
		return table_of(pte_read(entry));
	}
	atomic_inc(&mmu->nr_tables);
	return table;
}

pte_t *user_entry(struct arch_mmu *mmu, uaddr_t addr, unsigned int level, bool make)
{
	pte_t *table = phys_to_virt(mmu->root);

	for (unsigned int at = LEVEL_TOP; at > level; at--) {
		pte_t *entry = &table[entry_index(addr, at)];

		if (!make && !pte_read(entry))
			return NULL;
		table = table_get(mmu, entry);
		if (!table)
			return NULL;
	}
	return &table[entry_index(addr, level)];
}

/* ---- finding ------------------------------------------------------------------------------- */

pte_t *mmu_leaf_find(struct arch_mmu *mmu, uaddr_t addr)
{
	pte_t *table = phys_to_virt(mmu->root);

	for (unsigned int level = LEVEL_TOP; level > LEVEL_LEAF; level--) {
		pte_t entry = pte_read(&table[entry_index(addr, level)]);

		if (!entry)
			return NULL;
		table = table_of(entry);
	}
	return &table[entry_index(addr, LEVEL_LEAF)];
}

int mmu_leaf_get(struct arch_mmu *mmu, uaddr_t addr, pte_t **slot)
{
	pte_t *table = phys_to_virt(mmu->root);

	debug_assert(addr < USER_MAX);
	for (unsigned int level = LEVEL_TOP; level > LEVEL_LEAF; level--) {
		table = table_get(mmu, &table[entry_index(addr, level)]);
		if (!table)
			return -ENOMEM;
	}
	*slot = &table[entry_index(addr, LEVEL_LEAF)];
	return 0;
}

pte_t *mmu_leaf_next(struct arch_mmu *mmu, uaddr_t *addr, uaddr_t end)
{
	uaddr_t at = *addr;

	/* Callers have numbers from programs, and the kernel's half has large pages. */
	end = min(end, (uaddr_t)USER_MAX);
	while (at < end) {
		pte_t *table = phys_to_virt(mmu->root);
		unsigned int level = LEVEL_TOP;

		while (level > LEVEL_LEAF) {
			pte_t entry = pte_read(&table[entry_index(at, level)]);

			if (!entry)
				break;
			table = table_of(entry);
			level--;
		}
		if (level == LEVEL_LEAF) {
			*addr = at;
			return &table[entry_index(at, LEVEL_LEAF)];
		}
		at = (at | (entry_span(level) - 1)) + 1;
	}
	return NULL;
}

/* ---- locks --------------------------------------------------------------------------------- */

static struct spinlock *leaf_lock_of(pte_t *slot)
{
	return &virt_to_page(slot)->table_lock;
}

void mmu_leaf_lock(pte_t *slot) __acquires(slot)
{
	spin_lock(leaf_lock_of(slot));
}

void mmu_leaf_unlock(pte_t *slot) __releases(slot)
{
	spin_unlock(leaf_lock_of(slot));
}

void mmu_leaf_lock_two(pte_t *a, pte_t *b) __acquires(a) __acquires(b)
{
	struct spinlock *first = leaf_lock_of(a), *second = leaf_lock_of(b);

	if (first > second) {
		struct spinlock *swap = first;

		first = second;
		second = swap;
	}
	spin_lock(first);
	if (second != first)
		spin_lock_nested(second, 1);
	else
		__acquire(second);
}

void mmu_leaf_unlock_two(pte_t *a, pte_t *b) __releases(a) __releases(b)
{
	struct spinlock *first = leaf_lock_of(a), *second = leaf_lock_of(b);

	spin_unlock(first);
	if (second != first)
		spin_unlock(second);
	else
		__release(second);
}

/* ---- freeing ------------------------------------------------------------------------------- */

/*
 * Tables that are out of the tree but may still be in a CPU's paging-structure cache. They are
 * linked through their first entry: a page-aligned address, which a CPU that still looks takes for
 * not present.
 */
struct dead_tables {
	pte_t   *first;
	uint64_t nr;
};

static void bury(struct dead_tables *dead, pte_t *table)
{
	pte_write(&table[0], (uint64_t)dead->first);
	dead->first = table;
	dead->nr++;
}

static void unlink_tables(pte_t *table, unsigned int level, uaddr_t base, uaddr_t start,
                          uaddr_t end, struct dead_tables *dead);

/*
 * The table behind an entry that spans from at: first what is below it, then itself if it may go.
 */
static void unlink_entry(pte_t *entry, unsigned int level, uaddr_t at, uaddr_t start, uaddr_t end,
                         struct dead_tables *dead)
{
	if (level > LEVEL_LEAF + 1)
		unlink_tables(table_of(*entry), level - 1, at, start, end, dead);
	if (at >= start && at + entry_span(level) <= end) {
		bury(dead, table_of(*entry));
		pte_write(entry, 0);
	}
}

static void free_dead(struct arch_mmu *mmu, struct dead_tables *dead)
{
	while (dead->first) {
		pte_t *table = dead->first;

		dead->first = (pte_t *)pte_read(&table[0]);
		pte_write(&table[0], 0);
		user_table_free(table);
	}
	atomic_sub(&mmu->nr_tables, dead->nr);
}

/*
 * Takes out what lies wholly in [start, end) below the table at this level, which spans from base.
 * Only groups of entries that were ever used are looked at.
 */
static void unlink_tables(pte_t *table, unsigned int level, uaddr_t base, uaddr_t start,
                          uaddr_t end, struct dead_tables *dead)
{
	uint64_t span = entry_span(level);
	unsigned int first = start > base ? entry_index(start, level) : 0;
	unsigned int last = end - 1 - base < span * PTES_PER_TABLE ? entry_index(end - 1, level)
		: PTES_PER_TABLE - 1;
	uint64_t groups = virt_to_page(table)->index
		& BIT_RANGE(last / ENTRY_GROUP, first / ENTRY_GROUP);

	for (; groups; groups &= groups - 1) {
		unsigned int i = max(bit_lowest(groups) * ENTRY_GROUP, first);
		unsigned int stop = min((bit_lowest(groups) + 1) * ENTRY_GROUP, last + 1);

		for (; i < stop; i++) {
			if (table[i])
				unlink_entry(&table[i], level, base + i * span, start, end, dead);
		}
	}
}

void mmu_free_tables(struct arch_mmu *mmu, uaddr_t start, uaddr_t end)
{
	struct dead_tables dead = { 0 };

	unlink_tables(phys_to_virt(mmu->root), LEVEL_TOP, 0, start, end, &dead);
	if (!dead.first)
		return;
	mmu_flush_tables(mmu, start, end);
	free_dead(mmu, &dead);
}

void mmu_fini(struct arch_mmu *mmu)
{
	struct dead_tables dead = { 0 };

	mmu_evict(mmu);
	unlink_tables(phys_to_virt(mmu->root), LEVEL_TOP, 0, 0, 1ul << 47, &dead);
	free_dead(mmu, &dead);
	root_free(phys_to_virt(mmu->root));
	mmu->root = 0;
}
