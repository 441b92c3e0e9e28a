/*
 * Taking the memory of a process back that has been killed for want of it, before it has died.
 *
 * The victim may sleep in the kernel and hold its space's lock, so the lock is taken for writing if
 * that is possible at once, else for reading beside whoever reads, even ahead of writers who wait.
 * First the private areas lose every right; then, after a grace period, in which each fault that
 * had found a right is through, their pages go. So nobody ever finds zeroes where the program had
 * data: the victim's threads and whoever copies from its memory get EFAULT.
 */
#include <linux/errno.h>

#include "sched/rcu.h"
#include "vm/space_impl.h"
#include "vm/zap_impl.h"

static bool is_reapable(const struct area *area)
{
	return !(area->flags & (VM_SHARED | VM_KERNEL));
}

/* Flags change under the lock for writing elsewhere: no one else changes them now. */
static void rights_revoke(struct space *space)
{
	for (struct area *area = space_next_area_locked(space, 0); area; area = area_next(area))
		if (is_reapable(area))
			WRITE_ONCE(area->flags, area->flags & ~(VM_ACCESS | VM_MAYACCESS));
}

static void pages_take(struct space *space, bool beside_readers)
{
	struct zap zap;

	zap_begin(&zap, space);
	zap.is_beside_readers = beside_readers;
	for (struct area *area = space_next_area_locked(space, 0); area; area = area_next(area))
		if (is_reapable(area))
			zap_area(&zap, area, area->start, area->end);
	zap_end(&zap);
}

int space_reap(struct space *space)
{
	bool is_alone = rwlock_write_trylock(&space->lock);

	if (!is_alone && !rwlock_read_trylock_ahead(&space->lock))
		return -EBUSY;
	rights_revoke(space);
	rcu_synchronize();
	pages_take(space, !is_alone);
	if (is_alone)
		rwlock_write_unlock(&space->lock);
	else
		rwlock_read_unlock(&space->lock);
	return 0;
}
