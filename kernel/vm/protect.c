/*
 * mprotect: new rights for areas, and for the PTEs that are there. Rights that go are taken at once
 * and flushed; the right to write is given at once only where no copy or notice is due on a store.
 */
#include <linux/errno.h>
#include <linux/mman.h>

#include "lib/math.h"
#include "sched/thread.h"
#include "vm/commit.h"
#include "vm/space_impl.h"

/* The PTE for the area's rights as they are now. */
static pte_t pte_adapt(const struct area *area, pte_t pte)
{
	struct page *page = pte_page(pte);
	bool write = false;

	if (area->flags & VM_WRITE) {
		bool is_own = page_is(page, PAGE_ANON) && page_refs(page) == 1;

		write = area->flags & VM_SHARED ? pte_is_writable(pte) || !area->backing->ops->dirty
			: is_own;
	}
	pte = write ? pte_with_write(pte) : pte_without_write(pte);
	pte = area->flags & VM_EXEC ? pte_with_exec(pte) : pte_without_exec(pte);
	return area->flags & VM_ACCESS ? pte | PTE_PRESENT : pte & ~PTE_PRESENT;
}

/* True if the processor may have cached a right that new lacks. */
static bool pte_loses(pte_t old, pte_t new)
{
	return pte_is_present(old)
		&& (!pte_is_present(new) || (pte_is_writable(old) && !pte_is_writable(new))
		    || (pte_is_exec(old) && !pte_is_exec(new)));
}

static void leaf_protect(const struct area *area, pte_t *slot, uaddr_t addr, uaddr_t stop,
                         struct tlb_batch *tlb)
{
	mmu_leaf_lock(slot);
	for (; addr < stop; addr += PAGE_SIZE, slot++) {
		pte_t old = pte_read(slot), new;

		if (!pte_has_page(old))
			continue;
		do {
			old = pte_read(slot);
			new = pte_adapt(area, old);
		} while (new != old && !pte_replace(slot, old, new));
		if (pte_loses(old, new))
			tlb_batch_add(tlb, addr);
	}
	mmu_leaf_unlock(slot - 1);
}

static void area_protect_ptes(struct area *area)
{
	struct arch_mmu *mmu = &area->space->mmu;
	uaddr_t addr = area->start;
	struct tlb_batch tlb;
	pte_t *slot;

	tlb_batch_init(&tlb, mmu);
	while ((slot = mmu_leaf_next(mmu, &addr, area->end))) {
		uaddr_t stop = min(area->end, mmu_leaf_end(addr));

		leaf_protect(area, slot, addr, stop, &tlb);
		addr = stop;
		cond_resched();
	}
	if (tlb.nr_pages)
		tlb_batch_flush(&tlb);
}

/* Limits and promises of an area that becomes writable: 0 and the flags that come with it. */
static int write_charge(struct space *space, const struct area *area, uint32_t *flags)
{
	size_t nr = area_pages(area);

	if (!(*flags & VM_WRITE) || area->flags & VM_WRITE)
		return 0;
	if (space_check_growth(space, *flags, nr) && !space_check_growth(space, area->flags, nr))
		return -ENOMEM;
	if (area->flags & (VM_ACCOUNT | VM_SHARED | VM_NORESERVE))
		return 0;
	*flags |= VM_ACCOUNT;
	return commit_charge(space, nr);
}

/* New access rights for the part of the area that lies in [start, end). */
static int area_protect(struct space *space, struct area *area, struct range range,
                        uint32_t access)
{
	uint32_t flags = (area->flags & ~VM_ACCESS) | access;
	int64_t nr;
	int err;

	if (access & ~(flags >> 4) & VM_ACCESS)
		return -EACCES;
	if (flags == area->flags)
		return 0;
	if (range.start != area->start || range.end != area->end) {
		err = space_split_locked(space, range.start, range.end);
		if (err)
			return err;
		area = space_find_area_locked(space, range.start);
	}
	err = 0;
	if (unlikely(area_pages(area) >= PTES_PER_TABLE))
		err = space_unshare_locked(space, range.start, range.end);
	if (!err)
		err = write_charge(space, area, &flags);
	if (err)
		return err;
	nr = (int64_t)area_pages(area);
	space_account_pages(space, area->flags & ~VM_ACCOUNT, -nr);
	area->flags = flags;
	space_account_pages(space, flags, nr);
	area_protect_ptes(area);
	return 0;
}

static int protect_locked(struct space *space, struct range range, uint32_t access,
                          struct area **dead)
{
	uaddr_t start = range.start;
	int err = 0;

	while (start < range.end && !err) {
		struct area *area = space_find_area_locked(space, start);
		struct range part = { .start = start };

		if (!area) {
			err = -ENOMEM;
			break;
		}
		part.end = min(area->end, range.end);
		err = area_protect(space, area, part, access);
		start = part.end;
	}
	areas_merge(space, range.start, start, dead);
	return err;
}

/* PROT_GROWSDOWN, PROT_GROWSUP: the whole of the growing area that addr is in. */
static int range_grow(struct space *space, struct range *range, unsigned prot)
{
	struct area *area = space_next_area_locked(space, range->start);

	if (!area || area->start >= range->end)
		return -ENOMEM;
	if (prot & PROT_GROWSUP || !(area->flags & VM_GROWSDOWN))
		return -EINVAL;
	range->start = area->start;
	return 0;
}

int space_protect(struct space *space, uaddr_t addr, size_t len, unsigned prot)
{
	unsigned grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	struct area *dead = NULL;
	struct range range;
	int err;

	prot &= ~grows;
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || addr & ~PAGE_MASK)
		return -EINVAL;
	if (!len)
		return 0;
	if (range_init(&range, addr, len))
		return -ENOMEM;
	if (prot & ~(unsigned)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	err = space_write_lock(space);
	if (err)
		return err;
	if (grows)
		err = range_grow(space, &range, grows);
	if (!err)
		err = protect_locked(space, range, prot & VM_ACCESS, &dead);
	space_write_unlock(space);
	areas_destroy(dead);
	return err;
}
