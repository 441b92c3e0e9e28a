/*
 * A copy of a space for fork: areas one by one, and the PTEs of those that hold private copies.
 * Pages are shared from then on, read-only on both sides; what the page cache can give back is left
 * out.
 */
#include <linux/errno.h>

#include "lib/math.h"
#include "sched/thread.h"
#include "vm/commit.h"
#include "vm/space_impl.h"

/* Copies nr PTEs; true if some of the parent's lost the right to write. */
static bool ptes_share(pte_t *from, pte_t *to, size_t nr, uint64_t rss[2])
{
	bool lost = false;

	for (size_t i = 0; i < nr; i++) {
		pte_t pte = pte_read(&from[i]);
		struct page *page;

		if (!pte_has_page(pte))
			continue;
		if (pte_is_writable(pte)) {
			pte = pte_without_write(pte_exchange(&from[i], pte_without_write(pte)));
			lost = true;
		}
		page = pte_page(pte);
		if (page != zero_page) {
			page_get(page);
			rss[!page_is(page, PAGE_ANON)]++;
		}
		pte_write(&to[i], pte);
	}
	return lost;
}

/* Shares the pages of area with its copy; *lost as above. -ENOMEM, -EINTR. */
static int area_share(const struct area *area, struct area *copy, bool *lost)
{
	struct arch_mmu *mmu = &area->space->mmu;
	struct space *child = copy->space;
	uaddr_t addr = area->start;
	uint64_t rss[2] = { 0, 0 };
	pte_t *from, *to;
	int err = 0;

	while ((from = mmu_leaf_next(mmu, &addr, area->end))) {
		uaddr_t stop = min(area->end, mmu_leaf_end(addr));

		if (area_owns_leaf(area, addr)) {
			uint32_t nr = mmu_leaf_is_shared(from) ? mmu_leaf_note(from)
				: leaf_count_pages(from);

			err = mmu_leaf_share(mmu, &child->mmu, addr, nr);
			if (err)
				break;
			rss[0] += nr;
			*lost = true;
		} else {
			err = mmu_leaf_get(&child->mmu, addr, &to);
			if (err)
				break;
			mmu_leaf_lock_two(from, to);
			*lost |= ptes_share(from, to, (stop - addr) >> PAGE_SHIFT, rss);
			mmu_leaf_unlock_two(from, to);
		}
		addr = stop;
		cond_resched();
		if (thread_test_flag(thread_current(), TF_KILLED)) {
			err = -EINTR;
			break;
		}
	}
	atomic_add(&child->rss_anon, rss[0]);
	atomic_add(&child->rss_file, rss[1]);
	return err;
}

/* *last is the child's last area so far. */
static int area_fork(const struct area *area, struct space *child, struct area **last, bool *lost)
{
	struct area_params params = {
		.start = area->start,
		.end = area->end,
		.flags = area->flags & ~(VM_LOCKED | VM_LOCKONFAULT),
		.pgoff = area->pgoff,
		.backing = area->backing,
		.file = area->file,
		.name = area->name,
	};
	size_t nr = area_pages(area);
	struct area *copy;
	int err = area->flags & VM_ACCOUNT ? commit_charge(child, nr) : 0;

	if (err)
		return err;
	copy = area_create(child, &params);
	if (!copy) {
		if (area->flags & VM_ACCOUNT)
			commit_uncharge(nr);
		return -ENOMEM;
	}
	area_insert_last(copy, *last);
	*last = copy;
	space_account_pages(child, copy->flags, (int64_t)nr);
	if (area->flags & (VM_SHARED | VM_WIPEONFORK) || !area->has_anon)
		return 0;
	copy->has_anon = true;
	return area_share(area, copy, lost);
}

static void layout_copy(const struct space *parent, struct space *child)
{
	child->brk_start = parent->brk_start;
	child->brk_now = parent->brk_now;
	child->mmap_base = parent->mmap_base;
	child->stack_top = parent->stack_top;
	child->vdso = parent->vdso;
	child->bounds = parent->bounds;
}

int space_fork(struct space *parent, struct space **out)
{
	struct area *last = NULL;
	struct space *child;
	bool lost = false;
	int err = space_create(&parent->limits, false, &child);

	if (err)
		return err;
	err = space_write_lock(parent);
	if (err) {
		space_put(child);
		return err;
	}
	layout_copy(parent, child);
	child->membarriers = atomic_load_relaxed(&parent->membarriers);
	for (struct area *area = space_next_area_locked(parent, 0); area && !err;
	     area = area_next(area)) {
		if (!(area->flags & VM_DONTFORK))
			err = area_fork(area, child, &last, &lost);
	}
	if (lost)
		mmu_flush_all(&parent->mmu);
	space_write_unlock(parent);
	if (err) {
		space_put(child);
		return err;
	}
	*out = child;
	return 0;
}
