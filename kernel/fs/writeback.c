/*
 * Dirty inodes, and the threads that write them. See writeback.h.
 *
 * An inode is clean and on no list; or on its super block's list, in order of dirtied_at; or
 * somebody writes it (SYNCING), who puts it back if it was dirtied meanwhile. The list holds no
 * reference: who takes an inode from it tries to get one, and evict() takes it off.
 *
 * sync(2) must also wait for what others have just submitted. So everything on its way (bios, and
 * inodes being written) is counted in one of two phases; sync turns to the other phase and waits
 * until the old one is empty.
 */
#include "fs/writeback.h"

#include "core/panic.h"
#include "core/printk.h"
#include "fs/disk_impl.h"
#include "fs/inode_cache.h"
#include "fs/super.h"
#include "fs/writeback_impl.h"
#include "mem/alloc.h"
#include "sched/clock.h"
#include "sched/mutex.h"
#include "sched/thread.h"
#include "sched/wait.h"
#include "sched/work.h"

struct writeback {
	struct superblock *super __const_after_init;
	struct spinlock    lock;     /* RANK_INODE_CACHE */
	struct list        dirty __guarded_by(lock); /* disk_inode.dirty_link, oldest first */
	uint32_t           phase __guarded_by(lock);
	uint32_t           in_flight[2] __guarded_by(lock); /* by phase */
	struct mutex       mutex;    /* RANK_WRITEBACK: who writes inodes from the list */
	struct wait_queue  wait;     /* the thread, for work */
	struct wait_queue  progress; /* others, for SYNCING and in_flight */
	bool               is_kicked __atomic;
	bool               is_stopping __atomic;
	bool               has_thread __guarded_by(lock); /* or soon */
	struct work        start;
	struct completion  ended;
	struct list        link __guarded_by(all.lock);
};

static struct {
	struct spinlock lock;
	struct list     list __guarded_by(lock);
} all = { .lock = SPINLOCK(RANK_SPIN_OUTER), .list = LIST_INIT(all.list) };

static_assert(_Alignof(struct writeback) >= 2, "a ticket has the phase in bit 0");

/* ---- what is on its way --------------------------------------------------------------------- */

static uint32_t flight_begin_locked(struct writeback *writeback)
{
	uint32_t phase = writeback->phase;

	writeback->in_flight[phase]++;
	return phase;
}

static void flight_end_locked(struct writeback *writeback, uint32_t phase)
{
	debug_assert(writeback->in_flight[phase]);
	if (--writeback->in_flight[phase] == 0)
		wake_up_all(&writeback->progress);
}

void writeback_bio_begin(struct page_bios *bios, struct bio *bio)
{
	struct writeback *writeback = bios->disk->mapping.host->super->writeback;
	uint32_t phase;

	spin_lock(&writeback->lock);
	phase = flight_begin_locked(writeback);
	spin_unlock(&writeback->lock);
	bio->private = (void *)((uintptr_t)writeback | phase);
}

void writeback_bio_done(uintptr_t ticket)
{
	struct writeback *writeback = (struct writeback *)(ticket & ~(uintptr_t)1);

	spin_lock(&writeback->lock);
	flight_end_locked(writeback, ticket & 1);
	spin_unlock(&writeback->lock);
}

static bool is_landed(struct writeback *writeback, uint32_t phase)
{
	bool landed;

	spin_lock(&writeback->lock);
	landed = !writeback->in_flight[phase];
	spin_unlock(&writeback->lock);
	return landed;
}

/* Until everything that is on its way now has arrived. The mutex is held. */
static void flight_wait(struct writeback *writeback)
{
	uint32_t old;

	spin_lock(&writeback->lock);
	old = writeback->phase;
	writeback->phase = !old;
	spin_unlock(&writeback->lock);
	wait_event(&writeback->progress, is_landed(writeback, old));
}

/* ---- inodes --------------------------------------------------------------------------------- */

void writeback_kick(struct writeback *writeback)
{
	if (writeback && !atomic_xchg(&writeback->is_kicked, true))
		wake_up_all(&writeback->wait);
}

void writeback_kick_all(void)
{
	struct writeback *writeback;

	spin_lock(&all.lock);
	list_for_each_entry(writeback, &all.list, link)
		writeback_kick(writeback);
	spin_unlock(&all.lock);
}

static void list_add_locked(struct writeback *writeback, struct disk_inode *disk)
{
	bool was_empty = list_is_empty(&writeback->dirty);

	disk->dirtied_at = clock_monotonic();
	list_add_tail(&writeback->dirty, &disk->dirty_link);
	if (!was_empty)
		return;
	if (!writeback->has_thread)
		work_queue_sleeping(&writeback->start);
	writeback->has_thread = true;
	wake_up_all(&writeback->wait);
}

void disk_inode_dirty(struct inode *inode, unsigned int what)
{
	struct disk_inode *disk = to_disk_inode(inode);
	struct writeback *writeback = inode->super->writeback;

	/* The change before the look: who writes it clears the bits before it reads. */
	smp_mb();
	if ((atomic_load_relaxed(&disk->state) & what) == what)
		return;
	spin_lock(&writeback->lock);
	if (!(disk->state & DISK_INODE_FREEING)) {
		atomic_store_relaxed(&disk->state, disk->state | what);
		if (!(disk->state & DISK_INODE_SYNCING) && list_is_empty(&disk->dirty_link))
			list_add_locked(writeback, disk);
	}
	spin_unlock(&writeback->lock);
}

void disk_inode_dirty_times(struct inode *inode)
{
	disk_inode_dirty(inode, DISK_INODE_DIRTY_TIME);
}

void disk_inode_forget(struct inode *inode)
{
	struct disk_inode *disk = to_disk_inode(inode);
	struct writeback *writeback = inode->super->writeback;

	if (!writeback)
		return;
	spin_lock(&writeback->lock);
	debug_assert(!(disk->state & DISK_INODE_SYNCING));
	atomic_store_relaxed(&disk->state, DISK_INODE_FREEING);
	list_remove_init(&disk->dirty_link);
	spin_unlock(&writeback->lock);
}

bool disk_inode_is_dirty(const struct inode *inode, unsigned int what)
{
	const struct disk_inode *disk = container_of(inode, const struct disk_inode, inode);

	return atomic_load_relaxed(&disk->state) & what;
}

/* Off the list, to be written; `what` of its dirty bits is the caller's job now. */
static unsigned int syncing_begin_locked(struct writeback *writeback, struct disk_inode *disk,
                                         unsigned int what, uint32_t *phase)
{
	what &= disk->state;
	list_remove_init(&disk->dirty_link);
	atomic_store_relaxed(&disk->state, (disk->state & ~what) | DISK_INODE_SYNCING);
	*phase = flight_begin_locked(writeback);
	return what;
}

static void syncing_end(struct writeback *writeback, struct disk_inode *disk, uint32_t phase)
{
	struct mapping *mapping = disk->inode.mapping;
	uint32_t state;

	spin_lock(&writeback->lock);
	state = disk->state & ~(uint32_t)DISK_INODE_SYNCING;
	/* Pages that others held were passed by. */
	if (mapping && radix_is_tagged(&mapping->pages, RADIX_DIRTY))
		state |= DISK_INODE_DIRTY_PAGES;
	atomic_store_relaxed(&disk->state, state);
	if (state & DISK_INODE_DIRTY)
		list_add_locked(writeback, disk);
	flight_end_locked(writeback, phase);
	wake_up_all(&writeback->progress);
	spin_unlock(&writeback->lock);
}

static int attributes_write(struct inode *inode, unsigned int what, bool wait)
{
	if (!(what & (DISK_INODE_DIRTY_ATTR | DISK_INODE_DIRTY_TIME)))
		return 0;
	return inode->super->ops->write_inode ? inode->super->ops->write_inode(inode, wait) : 0;
}

int disk_inode_write(struct inode *inode, bool data_only, bool wait)
{
	struct disk_inode *disk = to_disk_inode(inode);
	struct writeback *writeback = inode->super->writeback;
	unsigned int what = DISK_INODE_DIRTY_ATTR | (data_only ? 0 : DISK_INODE_DIRTY_TIME);
	uint32_t phase;
	int err;

	if (!writeback)
		return 0;
	spin_lock(&writeback->lock);
	wait_event_spin(&writeback->progress, !(disk->state & DISK_INODE_SYNCING),
	                &writeback->lock);
	if (!(disk->state & what)) {
		spin_unlock(&writeback->lock);
		return 0;
	}
	what = syncing_begin_locked(writeback, disk, DISK_INODE_DIRTY_ATTR | DISK_INODE_DIRTY_TIME,
	                            &phase);
	spin_unlock(&writeback->lock);
	err = attributes_write(inode, what, wait);
	syncing_end(writeback, disk, phase);
	return err;
}

/* The oldest, if it was dirtied by `before`: with a reference, SYNCING. NULL: none. */
static struct disk_inode *oldest_take(struct writeback *writeback, ns_t before, unsigned int *what,
                                      uint32_t *phase)
{
	struct disk_inode *disk = NULL;

	spin_lock(&writeback->lock);
	while (!list_is_empty(&writeback->dirty)) {
		disk = list_first_entry(&writeback->dirty, struct disk_inode, dirty_link);
		if (disk->dirtied_at > before) {
			disk = NULL;
			break;
		}
		if (refcount_try_get(&disk->inode.refs)) {
			*what = syncing_begin_locked(writeback, disk, DISK_INODE_DIRTY, phase);
			break;
		}
		/* evict() is about to do the same. */
		list_remove_init(&disk->dirty_link);
		disk = NULL;
	}
	spin_unlock(&writeback->lock);
	return disk;
}

/* Writes the oldest inode; false: there was none. The mutex is held. */
static bool oldest_write(struct writeback *writeback, ns_t before, bool wait, int *err)
{
	unsigned int what = 0;
	uint32_t phase = 0;
	struct disk_inode *disk = oldest_take(writeback, before, &what, &phase);
	int page_err = 0, inode_err;

	if (!disk)
		return false;
	if (what & DISK_INODE_DIRTY_PAGES)
		page_err = mapping_write_back(disk->inode.mapping, 0, INT64_MAX, wait);
	inode_err = attributes_write(&disk->inode, what, false);
	*err = *err ? *err : page_err ? page_err : inode_err;
	syncing_end(writeback, disk, phase);
	inode_put(&disk->inode);
	return true;
}

int writeback_sync(struct superblock *super, bool wait)
{
	struct writeback *writeback = super->writeback;
	ns_t start = clock_monotonic();
	int err = 0;

	if (!writeback)
		return 0;
	mutex_lock(&writeback->mutex);
	while (oldest_write(writeback, start, wait, &err))
		cond_resched();
	if (wait)
		flight_wait(writeback);
	mutex_unlock(&writeback->mutex);
	return err;
}

/* ---- the thread ----------------------------------------------------------------------------- */

static bool write_one(struct writeback *writeback, ns_t before)
{
	bool found;
	int err = 0;

	mutex_lock(&writeback->mutex);
	found = oldest_write(writeback, before, false, &err);
	mutex_unlock(&writeback->mutex);
	return found;
}

/* One round: what is old; then, while too much is dirty, what there is. */
static void round_run(struct writeback *writeback)
{
	ns_t now = clock_monotonic();
	ns_t expired = now - (ns_t)writeback_settings.expire_cs * (NS_PER_SEC / 100);

	while (write_one(writeback, expired))
		cond_resched();
	while (writeback_is_over_background() && write_one(writeback, now))
		cond_resched();
}

static ns_t next_round(struct writeback *writeback)
{
	ns_t period = (ns_t)writeback_settings.period_cs * (NS_PER_SEC / 100);
	bool has_work;

	spin_lock(&writeback->lock);
	has_work = !list_is_empty(&writeback->dirty);
	spin_unlock(&writeback->lock);
	return has_work && period ? clock_monotonic() + period : WAIT_FOREVER;
}

static void flusher_run(void *arg)
{
	struct writeback *writeback = arg;

	while (!atomic_load_acquire(&writeback->is_stopping)) {
		bool was_idle = next_round(writeback) == WAIT_FOREVER;

		(void)wait_event_until(&writeback->wait,
		                       atomic_load_acquire(&writeback->is_kicked) ||
		                       atomic_load_acquire(&writeback->is_stopping) ||
		                       (was_idle && next_round(writeback) != WAIT_FOREVER),
		                       next_round(writeback));
		atomic_store(&writeback->is_kicked, false);
		round_run(writeback);
	}
	complete(&writeback->ended);
}

static void flusher_start(struct work *work)
{
	struct writeback *writeback = container_of(work, struct writeback, start);
	struct thread *thread;

	if (kthread_create("writeback", flusher_run, writeback, &thread)) {
		pr_warn("writeback: no memory for a thread\n");
		spin_lock(&writeback->lock);
		writeback->has_thread = false;
		spin_unlock(&writeback->lock);
		return;
	}
	thread_start(thread);
}

int writeback_create(struct superblock *super)
{
	struct writeback *writeback = kzalloc(sizeof(*writeback), ALLOC_KERNEL);

	if (!writeback)
		return -ENOMEM;
	writeback->super = super;
	spin_lock_init(&writeback->lock, RANK_INODE_CACHE);
	list_init(&writeback->dirty);
	mutex_init(&writeback->mutex, RANK_WRITEBACK);
	wait_queue_init(&writeback->wait);
	wait_queue_init(&writeback->progress);
	work_init(&writeback->start, flusher_start);
	completion_init(&writeback->ended);
	super->writeback = writeback;
	spin_lock(&all.lock);
	list_add_tail(&all.list, &writeback->link);
	spin_unlock(&all.lock);
	return 0;
}

void writeback_destroy(struct superblock *super)
{
	struct writeback *writeback = super->writeback;

	if (!writeback)
		return;
	spin_lock(&all.lock);
	list_remove(&writeback->link);
	spin_unlock(&all.lock);
	mutex_lock(&writeback->mutex);
	flight_wait(writeback);
	flight_wait(writeback);
	mutex_unlock(&writeback->mutex);
	work_drain();
	if (writeback->has_thread) {
		atomic_store_release(&writeback->is_stopping, true);
		wake_up_all(&writeback->wait);
		completion_wait(&writeback->ended);
	}
	assert(list_is_empty(&writeback->dirty));
	super->writeback = NULL;
	kfree(writeback);
}
