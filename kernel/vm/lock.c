/*
 * mlock and its family. Nothing is ever swapped out here, so a lock is a flag, a count against
 * RLIMIT_MEMLOCK, and the promise that the pages are there now (or from their first use on).
 */
#include <linux/errno.h>
#include <linux/mman.h>

#include "lib/math.h"
#include "vm/space_impl.h"

#define LOCK_FLAGS (VM_LOCKED | VM_LOCKONFAULT)

void space_set_lock_limit(struct space *space, size_t memlock)
{
	rwlock_write_lock(&space->lock);
	space->limits.memlock = memlock;
	rwlock_write_unlock(&space->lock);
}

static void area_set_lock(struct space *space, struct area *area, uint32_t on)
{
	int64_t nr = (int64_t)area_pages(area);

	if (area->flags & VM_LOCKED)
		space->locked_vm -= (uint64_t)nr;
	if (on & VM_LOCKED)
		space->locked_vm += (uint64_t)nr;
	area->flags = (area->flags & ~LOCK_FLAGS) | on;
}

/* Locked pages in [start, end). */
static size_t pages_locked(struct space *space, uaddr_t start, uaddr_t end)
{
	size_t nr = 0;

	for (struct area *area = space_next_area_locked(space, start); area && area->start < end;
	     area = area_next(area)) {
		if (area->flags & VM_LOCKED)
			nr += (min(area->end, end) - max(area->start, start)) >> PAGE_SHIFT;
	}
	return nr;
}

/* Sets the flags on all areas of the range up to the first hole: -ENOMEM then. */
static int lock_range_locked(struct space *space, struct range range, uint32_t on,
                             struct area **dead)
{
	uaddr_t start = range.start;
	int err = 0;

	while (start < range.end && !err) {
		struct area *area = space_find_area_locked(space, start);
		uaddr_t end;

		if (!area) {
			err = -ENOMEM;
			break;
		}
		end = min(area->end, range.end);
		if ((area->flags & LOCK_FLAGS) != on && area_is_lockable(area)) {
			err = space_split_locked(space, start, end);
			if (!err)
				area_set_lock(space, space_find_area_locked(space, start), on);
		}
		start = end;
	}
	areas_merge(space, range.start, start, dead);
	return err;
}

/* Populates what lies in areas of the range; as mlock(2) reports it. */
static int populate_range(struct space *space, struct range range, bool ignore_errors)
{
	uaddr_t start = range.start;

	while (start < range.end) {
		struct area_info info;
		bool write;
		int err;

		if (!space_area_info(space, start, &info) || info.start >= range.end)
			return 0;
		area_info_put(&info);
		write = (info.flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
		start = max(start, info.start);
		err = 0;
		if (!(info.flags & VM_KERNEL))
			err = space_populate(space, start, min(info.end, range.end), write);
		if (err == -EINTR)
			return err;
		if (err && !ignore_errors)
			return err == -ENOMEM ? -EAGAIN : -ENOMEM;
		start = info.end;
	}
	return 0;
}

int space_lock(struct space *space, uaddr_t addr, size_t len, uint32_t on)
{
	struct area *dead = NULL;
	struct range range;
	size_t nr;
	int err;

	len = align_up(len + (addr & ~PAGE_MASK), PAGE_SIZE);
	addr &= PAGE_MASK;
	nr = len >> PAGE_SHIFT;
	if (addr + len < addr)
		return -EINVAL;
	range = (struct range){ addr, addr + len };
	err = space_write_lock(space);
	if (err)
		return err;
	if (on && !space->limits.memlock)
		err = -EPERM;
	else if (on && !space_may_lock(space, nr)
	         && !space_may_lock(space, nr - min(nr, pages_locked(space, addr, addr + len))))
		err = -ENOMEM;
	else
		err = lock_range_locked(space, range, on, &dead);
	space_write_unlock(space);
	areas_destroy(dead);
	if (!err && (on & LOCK_FLAGS) == VM_LOCKED)
		err = populate_range(space, range, false);
	return err;
}

static int lock_all_locked(struct space *space, unsigned flags, struct area **dead)
{
	uint32_t on = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);

	if (flags && !space->limits.memlock)
		return -EPERM;
	if (flags & MCL_CURRENT && space->total_vm > space->limits.memlock >> PAGE_SHIFT)
		return -ENOMEM;
	space->future_lock = flags & MCL_FUTURE ? on : 0;
	if (flags && !(flags & MCL_CURRENT))
		return 0;
	for (struct area *area = space_next_area_locked(space, 0); area; area = area_next(area)) {
		if (area_is_lockable(area))
			area_set_lock(space, area, flags ? on : 0);
	}
	areas_merge(space, 0, USER_MAX, dead);
	return 0;
}

int space_lock_all(struct space *space, unsigned flags)
{
	struct area *dead = NULL;
	int err = space_write_lock(space);

	if (err)
		return err;
	err = lock_all_locked(space, flags, &dead);
	space_write_unlock(space);
	areas_destroy(dead);
	if (!err && (flags & (MCL_CURRENT | MCL_ONFAULT)) == MCL_CURRENT)
		err = populate_range(space, (struct range){ 0, USER_MAX }, true);
	return err;
}
