/*
 * mmap and munmap: choosing the place, judging limits, joining with what is there, or making an
 * area.
 */
#include <linux/errno.h>
#include <linux/mman.h>

#include "lib/math.h"
#include "vm/commit.h"
#include "vm/space_impl.h"

/* MAP_32BIT: where Linux puts it. */
#define LOW_2G_START 0x40000000ul
#define LOW_2G_END   0x80000000ul

#define MAP_ANY_FIXED (MAP_FIXED | MAP_FIXED_NOREPLACE)

/* True if the hint can be had as it is. */
static bool hint_is_free(struct space *space, uaddr_t addr, size_t len)
{
	struct area *next, *prev;

	if (addr < MMAP_MIN_ADDR || addr > USER_MAX - len)
		return false;
	next = space_next_area_locked(space, addr);
	prev = next ? area_prev(next)
		: rb_entry_or_null(rbtree_last(&space->areas), struct area, node);
	return (!next || addr + len <= area_low(next)) && (!prev || addr >= prev->end);
}

static int place_choose(struct space *space, const struct map_request *request, size_t len,
                        uaddr_t *out)
{
	uaddr_t hint = request->addr & PAGE_MASK, addr;

	if (request->map_flags & MAP_32BIT) {
		if (hint && hint <= LOW_2G_END && len <= LOW_2G_END - hint
		    && hint_is_free(space, hint, len))
			addr = hint;
		else
			addr = areas_find_gap(space, len, LOW_2G_START, LOW_2G_END);
	} else {
		hint = hint && hint < MMAP_MIN_ADDR ? MMAP_MIN_ADDR : hint;
		if (hint && hint_is_free(space, hint, len))
			addr = hint;
		else
			addr = areas_find_gap(space, len, MMAP_MIN_ADDR, space->mmap_base);
		if (!addr)
			addr = areas_find_gap(space, len, MMAP_MIN_ADDR, USER_MAX);
	}
	if (!addr)
		return -ENOMEM;
	*out = addr;
	return 0;
}

/* MAP_FIXED and MAP_FIXED_NOREPLACE: the place is given. */
static int place_check(struct space *space, const struct map_request *request, size_t len,
                       uaddr_t *out)
{
	uaddr_t addr = request->addr;
	struct area *next;

	if (addr > USER_MAX - len)
		return -ENOMEM;
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (addr < MMAP_MIN_ADDR && !request->may_map_low)
		return -EPERM;
	next = space_next_area_locked(space, addr);
	if (request->map_flags & MAP_FIXED_NOREPLACE && next && next->start < addr + len)
		return -EEXIST;
	*out = addr;
	return 0;
}

/* Pages of [start, end) that are mapped now, which MAP_FIXED will replace. */
static size_t pages_mapped(struct space *space, uaddr_t start, uaddr_t end)
{
	size_t nr = 0;

	for (struct area *area = space_next_area_locked(space, start); area && area->start < end;
	     area = area_next(area))
		nr += (min(area->end, end) - max(area->start, start)) >> PAGE_SHIFT;
	return nr;
}

static int limits_check(struct space *space, const struct area_params *params, bool is_fixed)
{
	size_t nr = (params->end - params->start) >> PAGE_SHIFT;
	int err = space_check_growth(space, params->flags, nr);

	if (err && is_fixed) {
		size_t replaced = pages_mapped(space, params->start, params->end);

		err = space_check_growth(space, params->flags, nr - min(nr, replaced));
	}
	if (err)
		return err;
	return params->flags & VM_LOCKED && !space_may_lock(space, nr) ? -EAGAIN : 0;
}

/* Promises the memory of a private writable mapping, noting it in the flags. */
static int charge(struct space *space, struct area_params *params)
{
	size_t nr = (params->end - params->start) >> PAGE_SHIFT;

	if ((params->flags & (VM_SHARED | VM_WRITE | VM_NORESERVE)) != VM_WRITE)
		return 0;
	params->flags |= VM_ACCOUNT;
	return commit_charge(space, nr);
}

static void uncharge(const struct area_params *params)
{
	if (params->flags & VM_ACCOUNT)
		commit_uncharge((params->end - params->start) >> PAGE_SHIFT);
}

/* Puts the range into the tree: as part of a neighbour if it fits, else as an area. */
static int area_place(struct space *space, const struct area_params *params, struct area **dead)
{
	struct area *next = space_next_area_locked(space, params->start);
	struct area *prev = next ? area_prev(next)
		: rb_entry_or_null(rbtree_last(&space->areas), struct area, node);
	struct area *area;

	if (prev && area_can_append(prev, params)) {
		area_resize(prev, prev->start, params->end);
		if (next && area_can_merge(prev, next))
			areas_merge(space, params->end, params->end, dead);
		return 0;
	}
	if (next && area_can_prepend(next, params)) {
		area_resize(next, params->start, next->end);
		return 0;
	}
	if (space->nr_areas >= AREAS_MAX)
		return -ENOMEM;
	area = area_create(space, params);
	if (!area)
		return -ENOMEM;
	area_insert(area);
	return 0;
}

static int map_locked(struct space *space, const struct map_request *request,
                      struct area_params *params, struct area **dead)
{
	size_t len = align_up(request->len, PAGE_SIZE);
	bool is_fixed = request->map_flags & MAP_ANY_FIXED;
	uaddr_t addr;
	int err;

	err = is_fixed ? place_check(space, request, len, &addr)
		: place_choose(space, request, len, &addr);
	if (err)
		return err;
	params->start = addr;
	params->end = addr + len;
	params->pgoff = request->backing ? request->pgoff : addr >> PAGE_SHIFT;
	params->flags |= space->future_lock;
	err = limits_check(space, params, is_fixed);
	if (err)
		return err;
	err = charge(space, params);
	if (err)
		return err;
	if (is_fixed)
		err = space_unmap_locked(space, addr, addr + len, dead);
	if (!err)
		err = area_place(space, params, dead);
	if (err) {
		uncharge(params);
		return err;
	}
	space_account_pages(space, params->flags, (int64_t)(len >> PAGE_SHIFT));
	return 0;
}

static int request_check(const struct map_request *request)
{
	size_t len = align_up(request->len, PAGE_SIZE);

	if (!request->len)
		return -EINVAL;
	if (!len || len > USER_MAX)
		return -ENOMEM;
	if (request->backing && request->pgoff + (len >> PAGE_SHIFT) < request->pgoff)
		return -EOVERFLOW;
	return 0;
}

int space_map(struct space *space, const struct map_request *request, uaddr_t *out)
{
	struct area_params params = {
		.flags = request->vm_flags,
		.backing = request->backing,
		.file = request->file,
		.name = request->name,
	};
	struct area *dead = NULL;
	bool is_locked;
	int err = request_check(request);

	if (err)
		return err;
	err = space_write_lock(space);
	if (err)
		return err;
	err = map_locked(space, request, &params, &dead);
	space_write_unlock(space);
	areas_destroy(dead);
	if (err)
		return err;
	is_locked = (params.flags & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED;
	if (is_locked || (request->map_flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE) {
		bool write = (params.flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;

		(void)!space_populate(space, params.start, params.end, write);
	}
	*out = params.start;
	return 0;
}

int space_unmap(struct space *space, uaddr_t addr, size_t len)
{
	struct area *dead = NULL;
	struct range range;
	int err = range_init(&range, addr, len);

	if (err || range.start == range.end)
		return -EINVAL;
	err = space_write_lock(space);
	if (err)
		return err;
	err = space_unmap_locked(space, range.start, range.end, &dead);
	space_write_unlock(space);
	areas_destroy(dead);
	return err;
}
