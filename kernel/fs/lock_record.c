/*
 * Record locks: ranges of bytes of one owner, split and merged so that each byte has one state.
 * fcntl_locking(2). Everything here runs under file_locks.lock.
 */
#include "core/panic.h"
#include "fs/inode.h"
#include "fs/lock_impl.h"
#include "lib/math.h"

static bool overlaps(const struct lock_request *a, const struct lock_request *b)
{
	return a->start <= b->end && b->start <= a->end;
}

/* The same, or one ends where the other begins. */
static bool touches(const struct lock_request *a, const struct lock_request *b)
{
	return (a->end == INT64_MAX || b->start <= a->end + 1) &&
	       (b->end == INT64_MAX || a->start <= b->end + 1);
}

const struct file_lock *record_conflict(const struct lock_set *set,
                                        const struct lock_request *request)
{
	const struct file_lock *other;

	list_for_each_entry(other, &set->records, in_set) {
		if (lock_same_owner(&other->lock, request) || !overlaps(&other->lock, request))
			continue;
		if (other->lock.type == F_WRLCK || request->type == F_WRLCK)
			return other;
	}
	return NULL;
}

/* The part of `lock` behind `request` becomes a lock of its own. */
static void split_right(struct file_lock *lock, const struct lock_request *request,
                        struct lock_spares *spares)
{
	struct file_lock *right = lock_spare_take(spares);

	right->lock = lock->lock;
	right->lock.start = request->end + 1;
	lock_link(lock->inode, right, lock->in_set.next);
}

/* Takes the range of `request` out of `lock`, which overlaps it. */
static void cut_out(struct file_lock *lock, const struct lock_request *request,
                    struct lock_spares *spares)
{
	bool keeps_left = lock->lock.start < request->start;
	bool keeps_right = lock->lock.end > request->end;

	if (keeps_left && keeps_right)
		split_right(lock, request, spares);
	if (keeps_left)
		lock->lock.end = request->start - 1;
	else if (keeps_right)
		lock->lock.start = request->end + 1;
	else
		lock_unlink(lock);
}

static void insert_sorted(struct inode *inode, const struct lock_request *request,
                          struct lock_spares *spares)
{
	struct file_lock *new = lock_spare_take(spares), *other;
	struct list *before = &inode->locks->records;
	bool met = false;

	list_for_each_entry(other, &inode->locks->records, in_set) {
		bool is_own = lock_same_owner(&other->lock, request);

		if ((met && !is_own) || (is_own && other->lock.start > request->start)) {
			before = &other->in_set;
			break;
		}
		met = met || is_own;
	}
	new->lock = *request;
	lock_link(inode, new, before);
}

void record_change(struct inode *inode, const struct lock_request *request,
                   struct lock_spares *spares)
{
	struct lock_request wanted = *request;
	struct file_lock *own, *ahead;

	list_for_each_entry_safe(own, ahead, &inode->locks->records, in_set) {
		if (!lock_same_owner(&own->lock, request))
			continue;
		if (own->lock.type == request->type && touches(&own->lock, &wanted)) {
			wanted.start = min(wanted.start, own->lock.start);
			wanted.end = max(wanted.end, own->lock.end);
			lock_unlink(own);
		} else if (overlaps(&own->lock, request)) {
			cut_out(own, request, spares);
		}
	}
	if (request->type != F_UNLCK)
		insert_sorted(inode, &wanted, spares);
}
