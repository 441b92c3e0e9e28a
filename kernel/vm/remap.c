/*
 * mremap: areas that grow where they are, or move with the pages that they have. The order of
 * checks and their errors are Linux's.
 */
#include <linux/errno.h>
#include <linux/mman.h>

#include "lib/math.h"
#include "sched/thread.h"
#include "vm/commit.h"
#include "vm/space_impl.h"

#define REMAP_FLAGS (unsigned)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)

/* What one call works on; lengths are rounded up. */
struct remap {
	struct space *space;
	uaddr_t addr, new_addr;
	size_t old_len, new_len;
	unsigned flags;
	struct area *dead;
};

/* May the area's part at addr become new_len long? 0 and the area, or an error. */
static int resize_check(struct remap *remap, struct area **out)
{
	struct space *space = remap->space;
	struct area *area = space_find_area_locked(space, remap->addr);
	size_t growth = (remap->new_len - min(remap->old_len, remap->new_len)) >> PAGE_SHIFT;
	pgoff_t pgoff;

	if (!area)
		return -EFAULT;
	if (!remap->old_len && !(area->flags & (VM_SHARED | VM_MAYSHARE)))
		return -EINVAL;
	if (remap->flags & MREMAP_DONTUNMAP && area->flags & VM_KERNEL)
		return -EINVAL;
	if (remap->old_len > area->end - remap->addr)
		return -EFAULT;
	*out = area;
	if (remap->new_len == remap->old_len)
		return 0;
	pgoff = area_pgoff(area, remap->addr);
	if (pgoff + (remap->new_len >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	if (area->flags & VM_KERNEL)
		return -EFAULT;
	if (area->flags & VM_LOCKED && !space_may_lock(space, growth))
		return -EAGAIN;
	return space_check_growth(space, area->flags, growth);
}

/* Makes the tables for the new place, so that moving cannot fail. */
static int tables_prepare(struct remap *remap, size_t len)
{
	struct arch_mmu *mmu = &remap->space->mmu;
	uaddr_t addr = remap->addr, end = addr + len;

	while (mmu_leaf_next(mmu, &addr, end)) {
		uaddr_t stop = min(end, mmu_leaf_end(addr));
		uaddr_t first = remap->new_addr + (addr - remap->addr);
		uaddr_t last = remap->new_addr + (stop - remap->addr) - PAGE_SIZE;
		pte_t *slot;

		if (mmu_leaf_get(mmu, first, &slot) || mmu_leaf_get(mmu, last, &slot))
			return -ENOMEM;
		addr = stop;
	}
	return 0;
}

/* Moves the PTEs of one stretch that lies in one leaf table at both places. */
static void ptes_move(pte_t *from, pte_t *to, size_t nr)
{
	mmu_leaf_lock_two(from, to);
	for (size_t i = 0; i < nr; i++) {
		pte_t pte = pte_read(&from[i]);

		if (pte_is_none(pte))
			continue;
		pte = pte_exchange(&from[i], 0);
		pte_write(&to[i], pte);
	}
	mmu_leaf_unlock_two(from, to);
}

static void tables_move(struct remap *remap, size_t len)
{
	struct arch_mmu *mmu = &remap->space->mmu;
	uaddr_t addr = remap->addr, end = addr + len;
	pte_t *from;

	while ((from = mmu_leaf_next(mmu, &addr, end))) {
		uaddr_t to_addr = remap->new_addr + (addr - remap->addr);
		uaddr_t stop = min(end, mmu_leaf_end(addr));
		size_t step = min(stop - addr,
		                  mmu_leaf_end(to_addr) - to_addr);

		ptes_move(from, mmu_leaf_find(mmu, to_addr), step >> PAGE_SHIFT);
		addr += step;
		cond_resched();
	}
	mmu_flush_range(mmu, remap->addr, end);
}

/*
 * The new area with the old one's pages. The object's unmappings are kept out while PTEs are on
 * their way, so that none is missed.
 */
static int area_move(struct remap *remap, struct area *area)
{
	struct area_params params = {
		.start = remap->new_addr,
		.end = remap->new_addr + remap->new_len,
		.flags = area->flags,
		.pgoff = area_pgoff(area, remap->addr),
		.backing = area->backing,
		.file = area->file,
		.name = area->name,
	};
	size_t moved = min(remap->old_len, remap->new_len), nr = remap->new_len >> PAGE_SHIFT;
	struct space *space = remap->space;
	struct area *copy;
	int err = area->flags & VM_ACCOUNT ? commit_charge(space, nr) : 0;

	if (err)
		return err;
	if (!area->has_anon && !area->backing)
		params.pgoff = params.start >> PAGE_SHIFT;
	copy = area_create(space, &params);
	err = copy ? tables_prepare(remap, moved) : -ENOMEM;
	if (!err)
		err = space_unshare_locked(space, remap->addr, remap->addr + moved);
	if (err) {
		if (copy)
			area_destroy(copy);
		if (area->flags & VM_ACCOUNT)
			commit_uncharge(nr);
		return err;
	}
	copy->has_anon = area->has_anon;
	area_insert(copy);
	space_account_pages(space, copy->flags, (int64_t)nr);
	if (area->backing)
		mutex_lock(&area->backing->lock);
	tables_move(remap, moved);
	if (area->backing)
		mutex_unlock(&area->backing->lock);
	return 0;
}

/* Room for two splits and the new area. */
static bool has_room_for_areas(const struct space *space)
{
	return space->nr_areas + 3 < AREAS_MAX;
}

static int move(struct remap *remap, struct area *area)
{
	int err;

	if (!has_room_for_areas(remap->space))
		return -ENOMEM;
	err = area_move(remap, area);
	if (err)
		return err;
	if (!(remap->flags & MREMAP_DONTUNMAP) && remap->old_len)
		err = space_unmap_locked(remap->space, remap->addr, remap->addr + remap->old_len,
		                         &remap->dead);
	areas_merge(remap->space, remap->new_addr, remap->new_addr + remap->new_len, &remap->dead);
	return err;
}

/* MREMAP_FIXED and MREMAP_DONTUNMAP. */
static int remap_to(struct remap *remap)
{
	struct space *space = remap->space;
	struct area *area;
	int err;

	if (remap->new_addr & ~PAGE_MASK || remap->new_len > USER_MAX
	    || remap->new_addr > USER_MAX - remap->new_len)
		return -EINVAL;
	if (remap->addr + remap->old_len > remap->new_addr
	    && remap->new_addr + remap->new_len > remap->addr)
		return -EINVAL;
	if (!has_room_for_areas(space))
		return -ENOMEM;
	if (remap->flags & MREMAP_FIXED) {
		if (remap->new_addr < MMAP_MIN_ADDR)
			return -EPERM;
		err = space_unmap_locked(space, remap->new_addr, remap->new_addr + remap->new_len,
		                         &remap->dead);
		if (err)
			return err;
	}
	if (remap->old_len > remap->new_len) {
		err = space_unmap_locked(space, remap->addr + remap->new_len,
		                         remap->addr + remap->old_len, &remap->dead);
		if (err)
			return err;
		remap->old_len = remap->new_len;
	}
	err = resize_check(remap, &area);
	if (err)
		return err;
	if (remap->flags & MREMAP_DONTUNMAP
	    && space_check_growth(space, area->flags, remap->old_len >> PAGE_SHIFT))
		return -ENOMEM;
	if (!(remap->flags & MREMAP_FIXED)) {
		struct area *next = space_next_area_locked(space, remap->new_addr);

		if (remap->new_addr < MMAP_MIN_ADDR
		    || (next && next->start < remap->new_addr + remap->new_len))
			remap->new_addr = areas_find_gap(space, remap->new_len, MMAP_MIN_ADDR,
			                                 space->mmap_base);
		if (!remap->new_addr)
			return -ENOMEM;
	}
	return move(remap, area);
}

static bool can_grow_in_place(const struct remap *remap, const struct area *area)
{
	const struct area *next = area_next(area);
	size_t growth = remap->new_len - remap->old_len;

	if (remap->old_len != area->end - remap->addr || growth > USER_MAX - area->end)
		return false;
	return !next || (area_low(next) >= area->end && area_low(next) - area->end >= growth);
}

static int grow_in_place(struct remap *remap, struct area *area)
{
	size_t growth = remap->new_len - remap->old_len, nr = growth >> PAGE_SHIFT;
	int err = area->flags & VM_ACCOUNT ? commit_charge(remap->space, nr) : 0;

	if (err)
		return err;
	area_resize(area, area->start, area->end + growth);
	space_account_pages(remap->space, area->flags, (int64_t)nr);
	areas_merge(remap->space, area->end, area->end, &remap->dead);
	remap->new_addr = remap->addr;
	return 0;
}

static int remap_locked(struct remap *remap)
{
	struct space *space = remap->space;
	struct area *area;
	int err;

	if (!space_find_area_locked(space, remap->addr))
		return -EFAULT;
	if (remap->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_to(remap);
	remap->new_addr = remap->addr;
	if (remap->old_len >= remap->new_len)
		return space_unmap_locked(space, remap->addr + remap->new_len,
		                          remap->addr + remap->old_len, &remap->dead);
	err = resize_check(remap, &area);
	if (err)
		return err;
	if (can_grow_in_place(remap, area))
		return grow_in_place(remap, area);
	if (!(remap->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	remap->new_addr = areas_find_gap(space, remap->new_len, MMAP_MIN_ADDR, space->mmap_base);
	return remap->new_addr ? move(remap, area) : -ENOMEM;
}

int space_remap(struct space *space, const struct remap_request *request, uaddr_t *out)
{
	struct remap remap = {
		.space = space,
		.addr = request->addr,
		.new_addr = request->new_addr,
		.old_len = align_up(request->old_len, PAGE_SIZE),
		.new_len = align_up(request->new_len, PAGE_SIZE),
		.flags = request->flags,
	};
	struct area *area;
	bool is_locked;
	int err;

	if (remap.flags & ~REMAP_FLAGS || remap.addr & ~PAGE_MASK || !remap.new_len
	    || (remap.flags & MREMAP_FIXED && !(remap.flags & MREMAP_MAYMOVE))
	    || (remap.flags & MREMAP_DONTUNMAP
	        && (!(remap.flags & MREMAP_MAYMOVE) || remap.old_len != remap.new_len)))
		return -EINVAL;
	if (remap.addr > USER_MAX || remap.old_len > USER_MAX - remap.addr)
		return -EFAULT;
	if (remap.new_len > USER_MAX)
		return -ENOMEM;
	err = space_write_lock(space);
	if (err)
		return err;
	err = remap_locked(&remap);
	area = err ? NULL : space_find_area_locked(space, remap.new_addr);
	is_locked = area && (area->flags & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED;
	space_write_unlock(space);
	areas_destroy(remap.dead);
	if (err)
		return err;
	if (is_locked && remap.new_len > remap.old_len)
		(void)!space_populate(space, remap.new_addr + remap.old_len,
		                      remap.new_addr + remap.new_len, true);
	*out = remap.new_addr;
	return 0;
}
