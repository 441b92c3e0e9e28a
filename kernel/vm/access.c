/*
 * A space seen from outside: its pages, its memory, its areas one by one.
 */
#include <linux/errno.h>

#include "lib/math.h"
#include "lib/string.h"
#include "vm/fault_impl.h"

/* True if the page in the PTE may be used as the access asks. */
static bool pte_suffices(pte_t pte, unsigned access)
{
	struct page *page;

	if (!pte_has_page(pte))
		return false;
	if (!(access & FAULT_WRITE) || pte_is_writable(pte))
		return true;
	page = pte_page(pte);
	return access & FAULT_FORCE && page_is(page, PAGE_ANON) && page_refs(page) == 1;
}

/* A reference to the page, if it is there; the lock is held for reading. */
static struct page *page_find(struct space *space, uaddr_t addr, unsigned access)
{
	pte_t *slot = mmu_leaf_find(&space->mmu, addr), pte;
	struct page *page = NULL;

	if (!slot || (access & FAULT_WRITE && mmu_leaf_is_shared(slot)))
		return NULL;
	mmu_leaf_lock(slot);
	pte = pte_read(slot);
	if (pte_suffices(pte, access)) {
		page = pte_page(pte);
		page_get(page);
	}
	mmu_leaf_unlock(slot);
	return page;
}

static bool access_is_allowed(struct space *space, uaddr_t addr, unsigned access)
{
	struct area *area = space_find_area_locked(space, addr);
	uint32_t flags = area ? area->flags : 0;

	if (access & FAULT_FORCE && area && (!(access & FAULT_WRITE) || area_is_cow(area)))
		flags |= flags >> 4 & VM_ACCESS;
	return flags & (access & FAULT_WRITE ? VM_WRITE : VM_ACCESS);
}

static int page_pin(struct space *space, uaddr_t addr, unsigned access, struct page **out)
{
	struct fault_result result;
	int err;

	do {
		struct page *page = NULL;

		err = rwlock_read_lock_killable(&space->lock);
		if (err)
			return err;
		if (access_is_allowed(space, addr, access))
			page = page_find(space, addr, access);
		rwlock_read_unlock(&space->lock);
		if (page) {
			*out = page;
			return 0;
		}
		err = space_fault_access(space, addr, access, &result);
	} while (!err);
	return err;
}

int space_get_page(struct space *space, uaddr_t addr, bool write, struct page **out)
{
	return page_pin(space, addr, write ? FAULT_WRITE : 0, out);
}

size_t space_access(struct space *space, uaddr_t addr, void *buf, size_t n, unsigned how)
{
	unsigned access = (how & SPACE_ACCESS_WRITE ? FAULT_WRITE : 0)
		| (how & SPACE_ACCESS_FORCE ? FAULT_FORCE : 0);
	size_t done = 0;

	while (done < n) {
		size_t offset = (addr + done) & (PAGE_SIZE - 1);
		size_t step = min(n - done, PAGE_SIZE - offset);
		struct page *page;
		uint8_t *at;

		if (page_pin(space, addr + done, access, &page))
			break;
		at = (uint8_t *)page_to_virt(page) + offset;
		if (how & SPACE_ACCESS_WRITE)
			memcpy(at, (const uint8_t *)buf + done, step);
		else
			memcpy((uint8_t *)buf + done, at, step);
		page_put(page);
		done += step;
	}
	return done;
}

int space_shared_key(struct space *space, uaddr_t addr, uint64_t *object, uint64_t *offset)
{
	struct area *area;
	int err = rwlock_read_lock_killable(&space->lock);

	if (err)
		return err;
	area = space_find_area_locked(space, addr);
	*object = 0;
	if (area && area->flags & VM_SHARED && area->backing) {
		*object = backing_number(area->backing);
		*offset = area_pgoff(area, addr) << PAGE_SHIFT | addr % PAGE_SIZE;
	}
	rwlock_read_unlock(&space->lock);
	return area ? 0 : -EFAULT;
}

static const char *area_title(const struct space *space, const struct area *area)
{
	if (area->name)
		return area->name;
	if (area->file)
		return NULL;
	if (area->start <= space->brk_now && area->end >= space->brk_start
	    && space->brk_now > space->brk_start)
		return "[heap]";
	if (area->start <= space->bounds.start_stack && area->end >= space->bounds.start_stack)
		return "[stack]";
	return NULL;
}

static void area_describe(const struct space *space, const struct area *area,
                          struct area_info *info)
{
	*info = (struct area_info){
		.start = area->start,
		.end = area->end,
		.flags = area->flags,
		.pgoff = area->backing ? area->pgoff : 0,
		.backing = area->backing,
		.file = area->file,
		.name = area_title(space, area),
	};
	if (area->backing && area->backing->ops->area_get)
		area->backing->ops->area_get(area->backing, area->file, 0);
}

size_t space_areas_info(struct space *space, uaddr_t addr, struct area_info *infos, size_t nr,
                        bool count)
{
	const struct area *area;
	size_t n = 0;

	rwlock_read_lock(&space->lock);
	for (; n < nr && (area = space_next_area_locked(space, addr)); addr = area->end, n++) {
		area_describe(space, area, &infos[n]);
		if (count)
			area_count_resident_locked(space, &infos[n]);
	}
	rwlock_read_unlock(&space->lock);
	return n;
}

bool space_area_info(struct space *space, uaddr_t addr, struct area_info *info)
{
	*info = (struct area_info){ 0 };
	return space_areas_info(space, addr, info, 1, false);
}

void area_info_put(struct area_info *info)
{
	if (info->backing && info->backing->ops->area_put)
		info->backing->ops->area_put(info->backing, info->file, 0);
	info->backing = NULL;
}
