/*
 * madvise and msync. Advice that changes an area's flags splits and joins areas; advice about pages
 * acts on them at once. Where the range has holes the rest is done all the same, and -ENOMEM said
 * at the end.
 */
#include <linux/errno.h>
#include <linux/mman.h>

#include "lib/math.h"
#include "vm/space_impl.h"
#include "vm/zap_impl.h"

/* Newer than some header sets. */
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* The flags that the advice gives to an area, or an error. */
static int advised_flags(const struct area *area, int advice, uint32_t *flags)
{
	switch (advice) {
	case MADV_NORMAL:
		*flags &= ~(VM_RAND_READ | VM_SEQ_READ);
		return 0;
	case MADV_SEQUENTIAL:
		*flags = (*flags & ~VM_RAND_READ) | VM_SEQ_READ;
		return 0;
	case MADV_RANDOM:
		*flags = (*flags & ~VM_SEQ_READ) | VM_RAND_READ;
		return 0;
	case MADV_DONTFORK:
		*flags |= VM_DONTFORK;
		return 0;
	case MADV_DOFORK:
		*flags &= ~VM_DONTFORK;
		return 0;
	case MADV_WIPEONFORK:
		*flags |= VM_WIPEONFORK;
		return area->backing || area->flags & VM_SHARED ? -EINVAL : 0;
	case MADV_KEEPONFORK:
		*flags &= ~VM_WIPEONFORK;
		return 0;
	case MADV_DONTDUMP:
		*flags |= VM_DONTDUMP;
		return 0;
	case MADV_DODUMP:
		*flags &= ~VM_DONTDUMP;
		return area->flags & VM_KERNEL ? -EINVAL : 0;
	default: /* MADV_HUGEPAGE, MADV_NOHUGEPAGE: there are no huge pages to prefer */
		return 0;
	}
}

static bool changes_flags(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_SEQUENTIAL:
	case MADV_RANDOM:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
		return true;
	default:
		return false;
	}
}

static bool acts_on_pages(int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return true;
	default:
		return false;
	}
}

static int advise_flags_locked(struct space *space, struct range range, int advice,
                               struct area **dead)
{
	struct area *area = space_next_area_locked(space, range.start);
	bool has_hole = area && area->start > range.start;
	uaddr_t at = range.start;

	while (area && area->start < range.end) {
		uaddr_t start = max(area->start, range.start), end = min(area->end, range.end);
		uint32_t flags = area->flags;
		int err = advised_flags(area, advice, &flags);

		if (!err && flags != area->flags) {
			err = space_split_locked(space, start, end);
			area = space_find_area_locked(space, start);
			if (!err)
				area->flags = flags;
		}
		if (err)
			return err;
		has_hole |= start > at;
		at = end;
		area = area_next(area);
	}
	areas_merge(space, range.start, range.end, dead);
	return has_hole || at < range.end ? -ENOMEM : 0;
}

/*
 * Gives the pages of one stretch up; the cold ones need nothing, they are told apart by their use.
 */
static int advise_pages(struct zap *zap, struct area *area, struct range range, int advice)
{
	uint32_t refused = VM_KERNEL | (advice == MADV_DONTNEED_LOCKED || advice == MADV_FREE
	                                ? 0 : VM_LOCKED);

	if (area->flags & refused)
		return -EINVAL;
	if (advice == MADV_FREE && (area->backing || area->flags & VM_SHARED))
		return -EINVAL;
	if (advice != MADV_COLD && advice != MADV_PAGEOUT)
		zap_area(zap, area, range.start, range.end);
	return 0;
}

static int advise_pages_locked(struct space *space, struct range range, int advice)
{
	struct area *area = space_next_area_locked(space, range.start);
	uaddr_t at = range.start;
	bool has_hole = false;
	struct zap zap;
	int err = 0;

	zap_begin(&zap, space);
	while (area && area->start < range.end && !err) {
		struct range part = {
			.start = max(area->start, range.start),
			.end = min(area->end, range.end),
		};

		err = advise_pages(&zap, area, part, advice);
		has_hole |= part.start > at;
		at = part.end;
		area = area_next(area);
	}
	zap_end(&zap);
	if (err)
		return err;
	return has_hole || at < range.end ? -ENOMEM : 0;
}

/*
 * Runs fn for each stretch of an area in the range, without the lock; as walks that do I/O need it.
 */
typedef int (*stretch_fn)(const struct area_info *info, struct range part, unsigned arg);

static int stretches_walk(struct space *space, struct range range, stretch_fn fn, unsigned arg)
{
	uaddr_t at = range.start;
	bool has_hole = false;
	struct area_info info;
	int err = 0;

	while (at < range.end && !err) {
		struct range part;

		if (!space_area_info(space, at, &info) || info.start >= range.end) {
			if (info.start >= range.end)
				area_info_put(&info);
			return -ENOMEM;
		}
		part.start = max(info.start, at);
		part.end = min(info.end, range.end);
		has_hole |= part.start > at;
		err = fn(&info, part, arg);
		area_info_put(&info);
		at = part.end;
	}
	if (err)
		return err;
	return has_hole ? -ENOMEM : 0;
}

static pgoff_t info_pgoff(const struct area_info *info, uaddr_t addr)
{
	return info->pgoff + ((addr - info->start) >> PAGE_SHIFT);
}

static int stretch_will_need(const struct area_info *info, struct range part, unsigned arg)
{
	struct backing *backing = info->backing;

	if (backing && backing->ops->will_need)
		backing->ops->will_need(backing, info->file, info_pgoff(info, part.start),
		                        (part.end - part.start) >> PAGE_SHIFT);
	return 0;
}

static int stretch_sync(const struct area_info *info, struct range part, unsigned flags)
{
	struct backing *backing = info->backing;

	if (flags & MS_INVALIDATE && info->flags & VM_LOCKED)
		return -EBUSY;
	if (!(flags & MS_SYNC) || !(info->flags & VM_SHARED) || !backing || !backing->ops->sync)
		return 0;
	return backing->ops->sync(backing, info->file, info_pgoff(info, part.start),
	                          info_pgoff(info, part.end) - 1);
}

/* MADV_POPULATE_READ and _WRITE: -EINVAL where the area does not allow the access. */
static int populate(struct space *space, struct range range, bool write)
{
	uint32_t needed = write ? VM_WRITE : VM_ACCESS;
	uaddr_t at = range.start;
	struct area_info info;

	while (at < range.end) {
		int err;

		if (!space_area_info(space, at, &info))
			return -ENOMEM;
		area_info_put(&info);
		if (info.start > at)
			return -ENOMEM;
		if (!(info.flags & needed) || info.flags & VM_KERNEL)
			return -EINVAL;
		err = space_populate(space, at, min(info.end, range.end), write);
		if (err)
			return err;
		at = info.end;
	}
	return 0;
}

/*
 * The lock for reading will do unless tables are shared; the ends of the range may cut through one.
 */
static int advise_pages_range(struct space *space, struct range range, int advice)
{
	int err = rwlock_read_lock_killable(&space->lock);

	if (err)
		return err;
	if (likely(!space_has_shared(space, range.start, range.end))) {
		err = advise_pages_locked(space, range, advice);
		rwlock_read_unlock(&space->lock);
		return err;
	}
	rwlock_read_unlock(&space->lock);
	err = space_write_lock(space);
	if (err)
		return err;
	if (range.start & (LEAF_SIZE - 1))
		err = space_unshare_locked(space, range.start, range.start + PAGE_SIZE);
	if (!err && range.end & (LEAF_SIZE - 1))
		err = space_unshare_locked(space, range.end - PAGE_SIZE, range.end);
	if (!err)
		err = advise_pages_locked(space, range, advice);
	space_write_unlock(space);
	return err;
}

static int advise_range(struct space *space, struct range range, int advice)
{
	struct area *dead = NULL;
	int err;

	if (advice == MADV_WILLNEED)
		return stretches_walk(space, range, stretch_will_need, 0);
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
		return populate(space, range, advice == MADV_POPULATE_WRITE);
	if (acts_on_pages(advice))
		return advise_pages_range(space, range, advice);
	err = space_write_lock(space);
	if (err)
		return err;
	err = advise_flags_locked(space, range, advice, &dead);
	space_write_unlock(space);
	areas_destroy(dead);
	return err;
}

int space_advise(struct space *space, uaddr_t addr, size_t len, int advice)
{
	struct range range = { addr, addr + align_up(len, PAGE_SIZE) };

	if (!changes_flags(advice) && !acts_on_pages(advice) && advice != MADV_WILLNEED
	    && advice != MADV_POPULATE_READ && advice != MADV_POPULATE_WRITE)
		return -EINVAL;
	if (addr & ~PAGE_MASK || (len && !align_up(len, PAGE_SIZE)) || range.end < range.start)
		return -EINVAL;
	return range.start == range.end ? 0 : advise_range(space, range, advice);
}

int space_sync(struct space *space, uaddr_t addr, size_t len, unsigned flags)
{
	struct range range = { addr, addr + align_up(len, PAGE_SIZE) };

	if (flags & ~(unsigned)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || addr & ~PAGE_MASK
	    || (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	if (range.end < range.start)
		return -ENOMEM;
	return range.start == range.end ? 0 : stretches_walk(space, range, stretch_sync, flags);
}
