/*
 * Spaces: creation, references, the end, lookup of areas, counters and limits, and taking ranges
 * out, on which most other operations are built.
 */
#include "vm/space.h"

#include <linux/errno.h>

#include "core/panic.h"
#include "lib/math.h"
#include "mem/slab.h"
#include "sched/thread.h"
#include "vm/commit.h"
#include "vm/space_impl.h"
#include "vm/zap_impl.h"

static struct cache space_cache = CACHE("space", struct space);

int space_create(const struct space_limits *limits, bool randomize, struct space **out)
{
	struct space *space = cache_zalloc(&space_cache, ALLOC_KERNEL);
	int err;

	if (!space)
		return -ENOMEM;
	err = mmu_init(&space->mmu);
	if (err) {
		cache_free(&space_cache, space);
		return err;
	}
	refcount_init(&space->users, 1);
	refcount_init(&space->refs, 1);
	rwlock_init(&space->lock, RANK_SPACE);
	areas_init(&space->areas);
	space->limits = *limits;
	layout_init(space, randomize);
	*out = space;
	return 0;
}

void space_get(struct space *space)
{
	refcount_get(&space->users);
}

bool space_try_get(struct space *space)
{
	return refcount_try_get(&space->users);
}

void space_ref(struct space *space)
{
	refcount_get(&space->refs);
}

void space_unref(struct space *space)
{
	if (!refcount_put(&space->refs))
		return;
	cache_free(&space_cache, space);
}

/*
 * The last user has gone: nobody faults, nobody looks. Objects that map it may still come (unmap).
 */
static void space_tear_down(struct space *space)
{
	struct area *dead;
	struct zap zap;

	mmu_deactivate(&space->mmu);
	zap_begin(&zap, space);
	zap.is_dying = true;
	dead = areas_take_all(space);
	for (struct area *area = dead; area; area = area->next_dead) {
		zap_area(&zap, area, area->start, area->end);
		if (area->flags & VM_ACCOUNT)
			commit_uncharge(area_pages(area));
	}
	zap_end(&zap);
	areas_destroy(dead);
	mmu_fini(&space->mmu);
	debug_assert(!space->rss_anon && !space->rss_file && !space->rss_shmem);
}

void space_put(struct space *space)
{
	if (!refcount_put(&space->users))
		return;
	space_tear_down(space);
	space_unref(space);
}

void space_set_limits(struct space *space, const struct space_limits *limits)
{
	rwlock_write_lock(&space->lock);
	space->limits = *limits;
	rwlock_write_unlock(&space->lock);
}

struct area *space_next_area_locked(struct space *space, uaddr_t addr)
{
	struct area *found = atomic_load_relaxed(&space->last_found);
	struct rb_node *node = space->areas.root;

	if (found && found->start <= addr && addr < found->end)
		return found;
	found = NULL;
	while (node) {
		struct area *area = rb_entry(node, struct area, node);

		if (addr < area->end) {
			found = area;
			if (area->start <= addr)
				break;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	if (found)
		atomic_store_relaxed(&space->last_found, found);
	return found;
}

struct area *space_find_area_locked(struct space *space, uaddr_t addr)
{
	struct area *area = space_next_area_locked(space, addr);

	return area && area->start <= addr ? area : NULL;
}

int range_init(struct range *range, uaddr_t addr, size_t len)
{
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	range->start = addr;
	range->end = addr + align_up(len, PAGE_SIZE);
	if (range->end < addr || range->end - addr < len || range->end > USER_MAX)
		return -EINVAL;
	return 0;
}

static bool is_data(uint32_t flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

void space_account_pages(struct space *space, uint32_t flags, int64_t pages)
{
	space->total_vm += (uint64_t)pages;
	if (is_data(flags))
		space->data_vm += (uint64_t)pages;
	else if (flags & VM_GROWSDOWN)
		space->stack_vm += (uint64_t)pages;
	else if ((flags & (VM_EXEC | VM_WRITE)) == VM_EXEC)
		space->exec_vm += (uint64_t)pages;
	if (flags & VM_LOCKED)
		space->locked_vm += (uint64_t)pages;
	if (pages < 0 && flags & VM_ACCOUNT)
		commit_uncharge((size_t)-pages);
	space->hiwater_vm = max(space->hiwater_vm, space->total_vm);
}

void space_account(struct space *space, const struct area *area, int64_t sign)
{
	space_account_pages(space, area->flags, sign * (int64_t)area_pages(area));
}

int space_check_growth(const struct space *space, uint32_t flags, size_t nr)
{
	size_t most = space->limits.as >> PAGE_SHIFT;

	if (nr > most - min(most, space->total_vm))
		return -ENOMEM;
	if (is_data(flags) && space->data_vm + nr > space->limits.data >> PAGE_SHIFT)
		return -ENOMEM;
	return 0;
}

bool space_may_lock(const struct space *space, size_t nr)
{
	return space->locked_vm + nr <= space->limits.memlock >> PAGE_SHIFT;
}

int space_split_locked(struct space *space, uaddr_t start, uaddr_t end)
{
	struct area *area = space_find_area_locked(space, start);
	int err = 0;

	if (area && area->start < start)
		err = area_split(area, start, NULL);
	if (err)
		return err;
	area = space_find_area_locked(space, end);
	return area && area->start < end ? area_split(area, end, NULL) : 0;
}

/*
 * Frees the tables that no area needs any more now that [start, end) is gone: leaf tables, and with
 * them the tables above if their whole range (1 GiB, 512 GiB) has become free.
 */
static void free_tables_around(struct space *space, uaddr_t start, uaddr_t end)
{
	struct area *next = space_next_area_locked(space, end);
	struct area *prev = next ? area_prev(next)
		: rb_entry_or_null(rbtree_last(&space->areas), struct area, node);
	uaddr_t free_start = prev ? prev->end : 0, free_end = next ? next->start : ~0ul;
	uaddr_t low = align_up(max(free_start, align_down(start, LEAF_SIZE)), LEAF_SIZE);
	uaddr_t high = align_down(min(free_end, align_up(end, LEAF_SIZE)), LEAF_SIZE);

	for (unsigned shift = LEAF_SHIFT + 9; shift <= LEAF_SHIFT + 18; shift += 9) {
		uaddr_t below = align_down(start, 1ul << shift);
		uaddr_t above = align_up(end, 1ul << shift);

		if (below < free_start || above > free_end)
			break;
		low = below;
		high = above;
	}
	if (low < high)
		mmu_free_tables(&space->mmu, low, high);
}

int space_unmap_locked(struct space *space, uaddr_t start, uaddr_t end, struct area **dead)
{
	struct area *area = space_next_area_locked(space, start);
	struct zap zap;
	int err;

	if (!area || area->start >= end)
		return 0;
	err = space_split_locked(space, start, end);
	if (err)
		return err;
	zap_begin(&zap, space);
	area = space_next_area_locked(space, start);
	while (area && area->start < end) {
		struct area *next = area_next(area);

		area_remove(area);
		zap_area(&zap, area, area->start, area->end);
		space_account(space, area, -1);
		area->next_dead = *dead;
		*dead = area;
		area = next;
	}
	zap_end(&zap);
	free_tables_around(space, start, end);
	return 0;
}

uint64_t space_rss(const struct space *space)
{
	return atomic_load_relaxed(&space->rss_anon) + atomic_load_relaxed(&space->rss_file)
		+ atomic_load_relaxed(&space->rss_shmem);
}

uint64_t space_hiwater_rss(const struct space *space)
{
	return max(space_rss(space), atomic_load_relaxed(&space->hiwater_rss));
}
