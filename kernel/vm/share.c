/*
 * Leaf tables that fork left shared between spaces: <arch/mmu.h> keeps the users, this file knows
 * when a table may be shared and what a copy of it means for pages.
 *
 * Invariant: a shared table lies wholly in one private anonymous area of each space that uses it.
 * area_split restores it (unsharing) before it breaks; whoever changes PTEs unshares first, with
 * the space's lock for writing, because slots that others found under the lock for reading would go
 * stale.
 */
#include <linux/errno.h>

#include "lib/math.h"
#include "vm/space_impl.h"

/*
 * Fills the table of one's own: both tables map every page from now on, and neither may write it
 * before it has looked at the page's references.
 */
static void table_copy(pte_t *from, pte_t *to)
{
	for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
		pte_t pte = pte_without_write(pte_read(&from[i]));

		if (!pte_has_page(pte))
			continue;
		pte_write(&from[i], pte);
		pte_write(&to[i], pte);
		if (pte_page(pte) != zero_page)
			page_get(pte_page(pte));
	}
}

int space_unshare_locked(struct space *space, uaddr_t start, uaddr_t end)
{
	pte_t *slot;

	while ((slot = mmu_leaf_next(&space->mmu, &start, end))) {
		int err = mmu_leaf_is_shared(slot)
			? mmu_leaf_unshare(&space->mmu, start, table_copy) : 0;

		if (err)
			return err;
		start = mmu_leaf_end(start);
	}
	return 0;
}

int space_unshare(struct space *space, uaddr_t addr)
{
	int err = space_write_lock(space);

	if (err)
		return err;
	err = space_unshare_locked(space, addr, addr + PAGE_SIZE);
	space_write_unlock(space);
	return err;
}

bool space_has_shared(struct space *space, uaddr_t start, uaddr_t end)
{
	pte_t *slot;

	while ((slot = mmu_leaf_next(&space->mmu, &start, end))) {
		if (mmu_leaf_is_shared(slot))
			return true;
		start = mmu_leaf_end(start);
	}
	return false;
}

bool area_owns_leaf(const struct area *area, uaddr_t addr)
{
	return !area->backing && area->start <= align_down(addr, LEAF_SIZE)
		&& area->end >= mmu_leaf_end(addr);
}

uint32_t leaf_count_pages(const pte_t *table)
{
	paddr_t zero = page_to_phys(zero_page);
	uint32_t nr = 0;

	for (unsigned i = 0; i < PTES_PER_TABLE; i++)
		nr += table[i] && pte_paddr(table[i]) != zero;
	return nr;
}
