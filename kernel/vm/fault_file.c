/*
 * Mappings of objects. A page that the object has in memory is mapped at once, and with it those of
 * its neighbours that are there too; for one that it has not, the lock is let go and the object
 * asked.
 *
 * A page of an object enters a page table only after page->owner has been seen to be the object
 * under the leaf table's lock; see vm/backing.h for why. Pages of shared mappings are read-only
 * until the object has been told of the first store.
 */
#include <asm/siginfo.h>
#include <linux/errno.h>
#include <linux/signal.h>

#include "lib/math.h"
#include "vm/fault_impl.h"

#define AROUND_PAGES 16

/* The neighbourhood that one fault maps: pages of the area, in one leaf table. */
struct window {
	uaddr_t start;
	unsigned nr, target; /* pages; index of the one that faulted */
	struct page *pages[AROUND_PAGES];
};

static void window_init(struct window *window, const struct fault *fault)
{
	const struct area *area = fault->area;
	uaddr_t low = align_down(fault->addr, AROUND_PAGES * PAGE_SIZE);
	uaddr_t high = min(low + AROUND_PAGES * PAGE_SIZE, area->end);

	low = max(low, area->start);
	if (fault_is_write(fault)) {
		low = fault->addr;
		high = low + PAGE_SIZE;
	}
	window->start = low;
	window->nr = (unsigned)((high - low) >> PAGE_SHIFT);
	window->target = (unsigned)((fault->addr - low) >> PAGE_SHIFT);
}

static void window_put(struct window *window)
{
	for (unsigned i = 0; i < window->nr; i++) {
		if (window->pages[i])
			page_put(window->pages[i]);
	}
}

/* Fills the window with what is in memory; false if the page that faulted is not. */
static bool window_fill(struct window *window, struct fault *fault)
{
	struct backing *backing = fault->area->backing;
	pgoff_t pgoff = area_pgoff(fault->area, fault->addr);

	for (unsigned i = 0; i < window->nr; i++)
		window->pages[i] = NULL;
	if (fault->io_page && fault->io_backing == backing && fault->io_pgoff == pgoff) {
		window->start = fault->addr;
		window->nr = 1;
		window->target = 0;
		window->pages[0] = fault->io_page;
		fault->io_page = NULL;
		return true;
	}
	if (!backing->ops->lookup)
		return false;
	backing->ops->lookup(backing, area_pgoff(fault->area, window->start), window->nr,
	                     window->pages);
	if (window->pages[window->target])
		return true;
	window_put(window);
	return false;
}

/*
 * Maps what the window holds and is still the object's; consumes the references. True if the page
 * that faulted is mapped now, by us or by somebody else.
 */
static bool window_map(struct window *window, struct fault *fault, bool write)
{
	struct area *area = fault->area;
	pte_t *slot = fault->slot - window->target;
	bool is_mapped = false;
	unsigned nr = 0;

	mmu_leaf_lock(fault->slot);
	for (unsigned i = 0; i < window->nr; i++, slot++) {
		struct page *page = window->pages[i];

		if (!page || page->owner != area->backing)
			continue;
		if (pte_is_none(pte_read(slot))) {
			pte_write(slot, area_pte(area, page, write));
			window->pages[i] = NULL;
			nr++;
		}
		is_mapped |= i == window->target;
	}
	mmu_leaf_unlock(fault->slot);
	if (nr)
		atomic_add(area->backing->is_shmem ? &fault->space->rss_shmem
		           : &fault->space->rss_file, nr);
	window_put(window);
	return is_mapped;
}

/* Tells the object of a store to come: 0, or FAULT_NEEDS_IO, or an error. */
static int page_dirty(struct fault *fault, struct page *page)
{
	struct backing *backing = fault->area->backing;
	int err = backing->ops->dirty ? backing->ops->dirty(backing, page) : 0;

	if (err == -EAGAIN)
		return FAULT_NEEDS_IO;
	return err ? fault_signal(fault, SIGBUS, BUS_ADRERR) : 0;
}

/*
 * Again, after the PTE became writable: write-back that began between the first time and the PTE
 * has not seen the PTE, and takes the mark away only once.
 */
static void page_dirty_again(struct fault *fault, struct page *page)
{
	struct backing *backing = fault->area->backing;

	if (backing->ops->dirty)
		(void)backing->ops->dirty(backing, page);
}

/* The same; lets go of the page. */
static __cold void page_dirtied(struct fault *fault, struct page *page)
{
	page_dirty_again(fault, page);
	page_put(page);
}

int fault_file(struct fault *fault)
{
	bool is_shared = fault->area->flags & VM_SHARED, write = fault_is_write(fault);
	struct page *dirtied = NULL;
	struct window window;
	int err;

	window_init(&window, fault);
	if (!window_fill(&window, fault))
		return FAULT_NEEDS_IO;
	if (write && !is_shared)
		return fault_install_copy(fault, window.pages[window.target], 0);
	if (!fault->area->backing->ops->dirty) {
		write |= is_shared && fault->area->flags & VM_WRITE;
	} else if (write) {
		dirtied = window.pages[window.target];
		err = page_dirty(fault, dirtied);
		if (err) {
			window_put(&window);
			return err;
		}
		page_get(dirtied);
	}
	err = window_map(&window, fault, write) ? FAULT_DONE : FAULT_RETRY;
	if (unlikely(dirtied))
		page_dirtied(fault, dirtied);
	return err;
}

int fault_shared_write(struct fault *fault)
{
	struct page *page;
	pte_t pte;
	int err;

	mmu_leaf_lock(fault->slot);
	pte = pte_read(fault->slot);
	page = pte_has_page(pte) ? pte_page(pte) : NULL;
	if (page)
		page_get(page);
	mmu_leaf_unlock(fault->slot);
	if (!page)
		return FAULT_RETRY;
	err = page_dirty(fault, page);
	if (!err) {
		err = FAULT_RETRY;
		mmu_leaf_lock(fault->slot);
		pte = pte_read(fault->slot);
		if (pte_has_page(pte) && pte_page(pte) == page
		    && page->owner == fault->area->backing) {
			pte_exchange(fault->slot, pte_with_dirty(pte_with_write(pte)));
			err = FAULT_DONE;
		}
		mmu_leaf_unlock(fault->slot);
		page_dirty_again(fault, page);
	}
	page_put(page);
	return err;
}

int fault_file_io(struct fault *fault)
{
	struct backing *backing = fault->area->backing;
	struct file *file = fault->area->file;
	unsigned access = fault->area->flags & VM_SHARED ? fault->access & FAULT_WRITE : 0;
	pgoff_t pgoff = area_pgoff(fault->area, fault->addr);
	int err;

	if (backing->ops->area_get)
		backing->ops->area_get(backing, file, 0);
	rwlock_read_unlock(&fault->space->lock);
	if (fault->io_page)
		page_put(fault->io_page);
	fault->io_page = NULL;
	fault->io_backing = backing;
	fault->io_pgoff = pgoff;
	fault->result->is_major |= !backing->is_shmem;
	err = backing->ops->fault(backing, pgoff, access, &fault->io_page);
	if (backing->ops->area_put)
		backing->ops->area_put(backing, file, 0);
	if (err == -EFAULT || err == -EIO || err == -ENOSPC)
		return fault_signal(fault, SIGBUS, BUS_ADRERR);
	return err;
}
