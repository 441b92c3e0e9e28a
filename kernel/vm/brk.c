/*
 * The heap of brk(2): an ordinary anonymous area between brk_start and the page-aligned break.
 */
#include <linux/errno.h>

#include "lib/math.h"
#include "vm/commit.h"
#include "vm/space_impl.h"

#define HEAP_FLAGS (VM_READ | VM_WRITE | VM_MAYACCESS | VM_ACCOUNT)

void space_set_brk_start(struct space *space, uaddr_t end_of_data, bool randomize)
{
	rwlock_write_lock(&space->lock);
	space->brk_start = layout_brk_start(end_of_data, randomize);
	space->brk_now = space->brk_start;
	rwlock_write_unlock(&space->lock);
}

/* RLIMIT_DATA counts the program's data and the heap. */
static bool brk_is_within_limit(const struct space *space, uaddr_t brk)
{
	size_t data = space->bounds.end_data - space->bounds.start_data;

	return space->limits.data == ~0ul || brk - space->brk_start + data <= space->limits.data;
}

static int heap_extend(struct space *space, uaddr_t start, uaddr_t end, struct area **dead)
{
	struct area_params params = {
		.start = start,
		.end = end,
		.flags = HEAP_FLAGS | space->future_lock,
		.pgoff = start >> PAGE_SHIFT,
	};
	struct area *area, *next = space_next_area_locked(space, start);
	size_t nr = (end - start) >> PAGE_SHIFT;
	int err;

	if (next && end > area_low(next))
		return -ENOMEM;
	err = space_check_growth(space, params.flags, nr);
	if (!err && params.flags & VM_LOCKED && !space_may_lock(space, nr))
		err = -EAGAIN;
	if (!err)
		err = commit_charge(space, nr);
	if (err)
		return err;
	area = start ? space_find_area_locked(space, start - 1) : NULL;
	if (area && area_can_append(area, &params)) {
		area_resize(area, area->start, end);
		areas_merge(space, end, end, dead);
	} else {
		area = area_create(space, &params);
		if (!area) {
			commit_uncharge(nr);
			return -ENOMEM;
		}
		area_insert(area);
	}
	space_account_pages(space, params.flags, (int64_t)nr);
	return 0;
}

static int brk_locked(struct space *space, uaddr_t brk, struct area **dead)
{
	uaddr_t old_end = align_up(space->brk_now, PAGE_SIZE), end = align_up(brk, PAGE_SIZE);
	int err = 0;

	if (brk < space->brk_start || end < brk || end > USER_MAX)
		return -ENOMEM;
	if (!brk_is_within_limit(space, brk))
		return -ENOMEM;
	if (end < old_end)
		err = space_unmap_locked(space, end, old_end, dead);
	else if (end > old_end)
		err = heap_extend(space, old_end, end, dead);
	if (!err)
		space->brk_now = brk;
	return err;
}

uaddr_t space_brk(struct space *space, uaddr_t brk)
{
	struct area *dead = NULL;
	uaddr_t old_end, result;
	bool is_locked;
	int err;

	if (space_write_lock(space))
		return space->brk_now;
	old_end = align_up(space->brk_now, PAGE_SIZE);
	err = brk_locked(space, brk, &dead);
	result = space->brk_now;
	is_locked = (space->future_lock & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED;
	space_write_unlock(space);
	areas_destroy(dead);
	if (!err && is_locked && align_up(result, PAGE_SIZE) > old_end)
		(void)!space_populate(space, old_end, align_up(result, PAGE_SIZE), true);
	return result;
}
