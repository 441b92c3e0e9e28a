/*
 * Areas that grow down: the stack that exec makes, and its growth by faults.
 */
#include <linux/errno.h>
#include <linux/mman.h>

#include "vm/fault_impl.h"
#include "vm/commit.h"

/* As Linux: what exec maps at once, enough for argument strings and the first frames. */
#define STACK_START_SIZE (33 * PAGE_SIZE)

int space_stack_create(struct space *space, bool executable, bool randomize, uaddr_t *top)
{
	uaddr_t end = layout_stack_top(randomize), start;
	struct map_request request = {
		.addr = end - STACK_START_SIZE,
		.len = STACK_START_SIZE,
		.vm_flags = VM_READ | VM_WRITE | VM_MAYACCESS | VM_GROWSDOWN
			| (executable ? VM_EXEC : 0),
		.map_flags = MAP_FIXED_NOREPLACE,
		.name = NULL,
	};
	int err = space_map(space, &request, &start);

	if (err)
		return err;
	space->stack_top = end;
	*top = end;
	return 0;
}

/* May the area grow down to addr? Room below it, and every limit. */
static bool growth_is_allowed(const struct space *space, const struct area *area, uaddr_t addr)
{
	const struct area *prev = area_prev(area);
	size_t nr = (area->start - addr) >> PAGE_SHIFT;

	if (addr < MMAP_MIN_ADDR || area->end - addr > space->limits.stack)
		return false;
	if (prev && !(prev->flags & VM_GROWSDOWN) && prev->flags & VM_ACCESS
	    && (addr < prev->end || addr - prev->end < AREA_GUARD_GAP))
		return false;
	if (prev && addr < prev->end)
		return false;
	if (area->flags & VM_LOCKED && !space_may_lock(space, nr))
		return false;
	return !space_check_growth(space, area->flags, nr);
}

int space_grow_stack(struct space *space, uaddr_t addr)
{
	struct area *area;
	int err = space_write_lock(space);

	if (err)
		return err;
	area = space_next_area_locked(space, addr);
	err = -ENOMEM;
	if (area && area->start <= addr) {
		err = 0;
	} else if (area && area->flags & VM_GROWSDOWN && growth_is_allowed(space, area, addr)) {
		size_t nr = (area->start - addr) >> PAGE_SHIFT;

		err = area->flags & VM_ACCOUNT ? commit_charge(space, nr) : 0;
		if (!err) {
			area_resize(area, addr, area->end);
			space_account_pages(space, area->flags, (int64_t)nr);
		}
	}
	space_write_unlock(space);
	return err;
}
