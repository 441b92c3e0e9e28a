/*
 * Leaf tables that several spaces use at a time. The page of the table counts its users: mapcount
 * those beside the first, and each holds a reference (of which a lookup in the page cache may have
 * one more for a moment). Each user's entry lacks PTE_WRITE, so that every store faults and nobody
 * but the fault handler's unshare ever has to know. The count changes under the table's lock only,
 * so that who sees itself alone is alone.
 *
 * A user that leaves flushes before it lets go of the count: afterwards the others may change the
 * table, and no CPU of the leaver may still walk it. TABLE_SHARED stays until the last user
 * unshares.
 */
#include <arch/mmu.h>

#include <linux/errno.h>

#include "arch/x86_64/tables.h"
#include "arch/x86_64/tlb.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/atomic.h"
#include "mem/page.h"

bool mmu_leaf_is_shared(const pte_t *slot)
{
	return page_is(virt_to_page(slot), TABLE_SHARED);
}

uint32_t mmu_leaf_note(const pte_t *slot)
{
	return virt_to_page(slot)->private_value;
}

int mmu_leaf_share(struct arch_mmu *from, struct arch_mmu *to, uaddr_t addr, uint32_t note)
{
	pte_t *source = user_entry(from, addr, LEVEL_LEAF + 1, false);
	pte_t *target = user_entry(to, addr, LEVEL_LEAF + 1, true);
	pte_t entry = pte_read(source) & ~PTE_WRITE;
	struct page *page = virt_to_page(table_of(entry));

	if (!target)
		return -ENOMEM;
	debug_assert(!pte_read(target));
	spin_lock(&page->table_lock);
	page_get(page);
	page->mapcount++;
	page_set(page, TABLE_SHARED);
	page->private_value = note;
	pte_write(source, entry);
	user_entry_note(target);
	pte_write(target, entry);
	spin_unlock(&page->table_lock);
	atomic_inc(&to->nr_tables);
	return 0;
}

/* True if the table of the entry has no other user: then it is an ordinary table again. */
static bool reclaim_own_locked(pte_t *entry, struct page *page)
{
	if (page_mapcount(page))
		return false;
	page_clear(page, TABLE_SHARED);
	page->private_value = 0;
	pte_write(entry, pte_read(entry) | PTE_WRITE);
	return true;
}

int mmu_leaf_unshare(struct arch_mmu *mmu, uaddr_t addr, void (*copy)(pte_t *from, pte_t *to))
{
	pte_t *entry = user_entry(mmu, addr, LEVEL_LEAF + 1, false), *old, *own;
	struct page *page;

	if (!entry || !pte_read(entry))
		return 0;
	old = table_of(pte_read(entry));
	page = virt_to_page(old);
	if (!mmu_leaf_is_shared(old))
		return 0;
	own = page_mapcount(page) ? user_table_alloc() : NULL;
	spin_lock(&page->table_lock);
	if (reclaim_own_locked(entry, page)) {
		spin_unlock(&page->table_lock);
		if (own)
			user_table_free(own);
		return 0;
	}
	if (!own) {
		spin_unlock(&page->table_lock);
		return -ENOMEM;
	}
	copy(old, own);
	barrier();
	pte_write(entry, virt_to_phys(own) | TABLE_ENTRY_USER);
	mmu_flush_tables(mmu, addr & PAGE_MASK, (addr & PAGE_MASK) + PAGE_SIZE);
	page->mapcount--;
	page_put(page);
	spin_unlock(&page->table_lock);
	return 0;
}

bool mmu_leaf_drop(struct arch_mmu *mmu, uaddr_t addr, bool flush)
{
	pte_t *entry = user_entry(mmu, addr, LEVEL_LEAF + 1, false);
	struct page *page = virt_to_page(table_of(pte_read(entry)));
	bool has_others;

	spin_lock(&page->table_lock);
	has_others = page_mapcount(page);
	if (has_others) {
		pte_write(entry, 0);
		if (flush)
			mmu_flush_tables(mmu, addr & ~(LEAF_SIZE - 1), mmu_leaf_end(addr));
		page->mapcount--;
		page_put(page);
	}
	spin_unlock(&page->table_lock);
	if (has_others)
		atomic_dec(&mmu->nr_tables);
	return has_others;
}
