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

#include "arch/x86_64/tables.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mem/buddy.h"

/* ---- tables -------------------------------------------------------------------------------- */

pte_t *user_table_alloc(void)
{
	struct page *page = page_alloc(ALLOC_KERNEL | ALLOC_ZERO);

	if (!page)
		return NULL;
	page_set(page, PAGE_TABLE);
	spin_lock_init(&page->table_lock, RANK_PAGE_TABLE);
	page_use_add(PAGE_USE_TABLE, 1);
	return page_to_virt(page);
}

void user_table_free(pte_t *table)
{
	struct page *page = virt_to_page(table);

	debug_assert(page_refs(page) == 1);
	page_clear(page, PAGE_TABLE | TABLE_SHARED);
	page->owner = NULL;
	page->private_value = 0;
	page_use_add(PAGE_USE_TABLE, -1);
	page_put(page);
}

int mmu_init(struct arch_mmu *mmu)
{
	pte_t *root = user_table_alloc();

	if (!root)
		return -ENOMEM;
	memcpy(root + KERNEL_HALF_FIRST, (pte_t *)phys_to_virt(kernel_root) + KERNEL_HALF_FIRST,
	       PAGE_SIZE / 2);
	*mmu = (struct arch_mmu){ .root = virt_to_phys(root), .nr_tables = 1 };
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

static void free_dead(struct arch_mmu *mmu, struct dead_tables *dead)
{
	while (dead->first) {
		pte_t *table = dead->first;

		dead->first = (pte_t *)pte_read(&table[0]);
		user_table_free(table);
	}
	atomic_sub(&mmu->nr_tables, dead->nr);
}

/* The first entry from index on that is not empty, or end. */
static unsigned int entry_next(const pte_t *table, unsigned int index, unsigned int end)
{
	for (; index + 4 <= end; index += 4) {
		if (table[index] | table[index + 1] | table[index + 2] | table[index + 3])
			break;
	}
	while (index < end && !table[index])
		index++;
	return index;
}

/*
 * Takes out what lies wholly in [start, end) below the table at this level, which spans from base.
 */
static void unlink_tables(pte_t *table, unsigned int level, uaddr_t base, uaddr_t start,
                          uaddr_t end, struct dead_tables *dead)
{
	uint64_t span = entry_span(level);
	unsigned int first = start > base ? entry_index(start, level) : 0;
	unsigned int last = end - 1 - base < span * PTES_PER_TABLE ? entry_index(end - 1, level)
		: PTES_PER_TABLE - 1;

	for (unsigned int i = entry_next(table, first, last + 1); i <= last;
	     i = entry_next(table, i + 1, last + 1)) {
		uaddr_t at = base + i * span;

		if (level > LEVEL_LEAF + 1)
			unlink_tables(table_of(table[i]), level - 1, at, start, end, dead);
		if (at >= start && at + span <= end) {
			bury(dead, table_of(table[i]));
			pte_write(&table[i], 0);
		}
	}
}

void mmu_free_tables(struct arch_mmu *mmu, uaddr_t start, uaddr_t end)
{
	struct dead_tables dead = { 0 };

	unlink_tables(phys_to_virt(mmu->root), LEVEL_TOP, 0, start, end, &dead);
	if (!dead.first)
		return;
	mmu_flush_all(mmu);
	free_dead(mmu, &dead);
}

void mmu_fini(struct arch_mmu *mmu)
{
	struct dead_tables dead = { 0 };

	assert(mmu->cpus == 0);
	unlink_tables(phys_to_virt(mmu->root), LEVEL_TOP, 0, 0, 1ul << 47, &dead);
	free_dead(mmu, &dead);
	user_table_free(phys_to_virt(mmu->root));
	mmu->root = 0;
}
