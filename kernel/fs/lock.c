/*
 * Sets of locks, flock(2), waiting and what goes with a closed file. See lock.h; the ranges are in
 * lock_record.c.
 */
#include "fs/lock.h"

#include <linux/errno.h>

#include "abi/errno.h"
#include "core/panic.h"
#include "lib/devnum.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/lock_impl.h"
#include "fs/super.h"
#include "lib/printf.h"
#include "mem/slab.h"

/* Who waits for a record lock, and whose lock is in the way: for the search for circles. */
struct lock_waiter {
	struct list         link;
	struct lock_request wanted;
	struct lock_request blocker;
	bool                is_waiting;
};

enum { CIRCLE_MAX = 10 }; /* longer ones are not found, as on Linux */

struct file_locks file_locks = {
	.lock = SPINLOCK(RANK_FILE_LOCKS),
	.all = LIST_INIT(file_locks.all),
	.waiters = LIST_INIT(file_locks.waiters),
};

static struct cache lock_slab = CACHE("file_lock", struct file_lock);
static struct cache set_slab = CACHE("file_lock_set", struct lock_set);

/* ---- sets --------------------------------------------------------------------------- */

void lock_link(struct inode *inode, struct file_lock *lock, struct list *before)
{
	lock->inode = inode;
	list_add_tail(before, &lock->in_set);
	list_add_tail(&file_locks.all, &lock->in_all);
}

void lock_unlink(struct file_lock *lock)
{
	list_remove(&lock->in_set);
	list_remove(&lock->in_all);
	cache_free(&lock_slab, lock);
}

struct file_lock *lock_spare_take(struct lock_spares *spares)
{
	assert(spares->nr > 0);
	return spares->locks[--spares->nr];
}

static void spares_free(struct lock_spares *spares)
{
	while (spares->nr)
		cache_free(&lock_slab, spares->locks[--spares->nr]);
}

static int spares_alloc(struct lock_spares *spares)
{
	for (spares->nr = 0; spares->nr < 2; spares->nr++) {
		struct file_lock *lock = cache_alloc(&lock_slab, ALLOC_KERNEL);

		if (!lock) {
			spares_free(spares);
			return -ENOMEM;
		}
		spares->locks[spares->nr] = lock;
	}
	return 0;
}

static int set_get(struct inode *inode, struct lock_set **out)
{
	/* pairs with the exchange below */
	struct lock_set *set = atomic_load_acquire(&inode->locks);
	struct lock_set *none = NULL;

	if (!set) {
		set = cache_alloc(&set_slab, ALLOC_KERNEL);
		if (!set)
			return -ENOMEM;
		list_init(&set->records);
		list_init(&set->flocks);
		wait_queue_init(&set->wait);
		if (!atomic_cmpxchg(&inode->locks, &none, set)) {
			cache_free(&set_slab, set);
			set = none;
		}
	}
	*out = set;
	return 0;
}

void lock_set_free(struct inode *inode)
{
	struct lock_set *set = inode->locks;

	if (!set)
		return;
	assert(list_is_empty(&set->records) && list_is_empty(&set->flocks));
	cache_free(&set_slab, set);
	inode->locks = NULL;
}

/* ---- flock -------------------------------------------------------------------------- */

static const struct file_lock *flock_conflict(const struct lock_set *set,
                                              const struct lock_request *request)
{
	const struct file_lock *other;

	list_for_each_entry(other, &set->flocks, in_set) {
		if (other->lock.owner == request->owner)
			continue;
		if (other->lock.type == F_WRLCK || request->type == F_WRLCK)
			return other;
	}
	return NULL;
}

/* The old lock goes before the new one is tried: a change of kind is not atomic. flock(2) */
static int flock_try(struct inode *inode, const struct lock_request *request,
                     struct lock_spares *spares)
{
	struct lock_set *set = inode->locks;
	struct file_lock *own, *ahead, *new;

	list_for_each_entry_safe(own, ahead, &set->flocks, in_set) {
		if (own->lock.owner != request->owner)
			continue;
		if (own->lock.type == request->type)
			return 0;
		lock_unlink(own);
		wake_up_all(&set->wait);
	}
	if (request->type == F_UNLCK)
		return 0;
	if (flock_conflict(set, request))
		return -EAGAIN;
	new = lock_spare_take(spares);
	new->lock = *request;
	lock_link(inode, new, &set->flocks);
	return 0;
}

/* ---- record locks ------------------------------------------------------------------- */

/* Whom does the owner of this lock wait for? NULL: for nobody. */
static const struct lock_request *blocker_of(const struct lock_request *lock)
{
	const struct lock_waiter *waiter;

	list_for_each_entry(waiter, &file_locks.waiters, link) {
		if (lock_same_owner(&waiter->wanted, lock))
			return &waiter->blocker;
	}
	return NULL;
}

/* Would waiting for `blocker` close a circle? Open files (OFD locks) are nobody who waits. */
static bool closes_circle(const struct lock_request *request, const struct lock_request *blocker)
{
	if (request->kind != LOCK_RECORD)
		return false;
	for (int i = 0; i < CIRCLE_MAX; i++) {
		blocker = blocker_of(blocker);
		if (!blocker)
			return false;
		if (lock_same_owner(request, blocker))
			return true;
	}
	return false;
}

static void waiter_stop(struct lock_waiter *waiter)
{
	if (waiter->is_waiting)
		list_remove(&waiter->link);
	waiter->is_waiting = false;
}

static int record_try(struct inode *inode, const struct lock_request *request,
                      struct lock_spares *spares, struct lock_waiter *waiter)
{
	struct lock_set *set = inode->locks;
	const struct file_lock *other = NULL;

	waiter_stop(waiter);
	if (request->type != F_UNLCK)
		other = record_conflict(set, request);
	if (!other) {
		record_change(inode, request, spares);
		wake_up_all(&set->wait);
		return 0;
	}
	if (closes_circle(request, &other->lock))
		return -EDEADLK;
	waiter->wanted = *request;
	waiter->blocker = other->lock;
	waiter->is_waiting = true;
	list_add_tail(&file_locks.waiters, &waiter->link);
	return -EAGAIN;
}

/* ---- both --------------------------------------------------------------------------- */

static int lock_try(struct inode *inode, const struct lock_request *request,
                    struct lock_spares *spares, struct lock_waiter *waiter)
{
	int err;

	spin_lock(&file_locks.lock);
	if (request->kind == LOCK_FLOCK)
		err = flock_try(inode, request, spares);
	else
		err = record_try(inode, request, spares, waiter);
	spin_unlock(&file_locks.lock);
	return err;
}

int lock_apply(struct file *file, const struct lock_request *request, bool wait)
{
	struct lock_waiter waiter = { .is_waiting = false };
	struct inode *inode = file->inode;
	struct lock_spares spares;
	struct lock_set *set;
	int err, woken;

	if (request->type == F_UNLCK && !inode->locks)
		return 0;
	err = set_get(inode, &set);
	if (!err)
		err = spares_alloc(&spares);
	if (err)
		return request->kind == LOCK_FLOCK ? err : -ENOLCK;
	err = lock_try(inode, request, &spares, &waiter);
	if (err == -EAGAIN && wait) {
		woken = wait_event_interruptible_exclusive(
			&set->wait,
			(err = lock_try(inode, request, &spares, &waiter)) != -EAGAIN);
		if (woken)
			err = woken;
	} else if (err == -EDEADLK && !wait) {
		err = -EAGAIN;
	}
	spin_lock(&file_locks.lock);
	waiter_stop(&waiter);
	spin_unlock(&file_locks.lock);
	spares_free(&spares);
	return err;
}

void lock_test(struct file *file, struct lock_request *request)
{
	/* pairs: set_get() */
	const struct lock_set *set = atomic_load_acquire(&file->inode->locks);
	const struct file_lock *other = NULL;

	if (set) {
		spin_lock(&file_locks.lock);
		other = record_conflict(set, request);
		if (other)
			*request = other->lock;
		spin_unlock(&file_locks.lock);
	}
	if (!other)
		request->type = F_UNLCK;
}

/* Takes every lock of this kind and owner off a list. */
static void list_release(struct list *list, enum lock_kind kind, const void *owner)
{
	struct file_lock *lock, *ahead;

	list_for_each_entry_safe(lock, ahead, list, in_set) {
		if (lock->lock.kind == kind && lock->lock.owner == owner)
			lock_unlink(lock);
	}
}

void lock_release_owner(struct file *file, const void *owner)
{
	struct lock_set *set = atomic_load_acquire(&file->inode->locks); /* pairs with set_get() */

	if (likely(!set))
		return;
	spin_lock(&file_locks.lock);
	list_release(&set->records, LOCK_RECORD, owner);
	wake_up_all(&set->wait);
	spin_unlock(&file_locks.lock);
}

void lock_release_file(struct file *file)
{
	struct lock_set *set = atomic_load_acquire(&file->inode->locks); /* pairs with set_get() */

	if (likely(!set))
		return;
	spin_lock(&file_locks.lock);
	list_release(&set->records, LOCK_OFD, file);
	list_release(&set->flocks, LOCK_FLOCK, file);
	wake_up_all(&set->wait);
	spin_unlock(&file_locks.lock);
}

/* ---- showing ------------------------------------------------------------------------ */

static int lock_format(const struct file_lock *lock, char *buf, size_t size)
{
	static const char *const kinds[] = {
		[LOCK_RECORD] = "POSIX ",
		[LOCK_OFD] = "OFDLCK",
		[LOCK_FLOCK] = "FLOCK ",
	};
	const struct lock_request *request = &lock->lock;
	dev_t dev = lock->inode->super->dev;
	int n = snprintf(buf, size, "%s ADVISORY  %s %d %02x:%02x:%lu %ld ", kinds[request->kind],
	                 request->type == F_WRLCK ? "WRITE" : "READ", request->pid, dev_major(dev),
	                 dev_minor(dev), lock->inode->ino, request->start);
	size_t done = (size_t)n < size ? (size_t)n : size;

	if (request->end == INT64_MAX)
		return n + snprintf(buf + done, size - done, "EOF");
	return n + snprintf(buf + done, size - done, "%ld", request->end);
}

int lock_show(unsigned int index, char *buf, size_t size)
{
	const struct file_lock *lock;
	int n = -1;

	spin_lock(&file_locks.lock);
	list_for_each_entry(lock, &file_locks.all, in_all) {
		if (!index--) {
			n = lock_format(lock, buf, size);
			break;
		}
	}
	spin_unlock(&file_locks.lock);
	return n;
}
