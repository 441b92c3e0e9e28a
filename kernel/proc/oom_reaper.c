/*
 * Victims from the kill until their memory is back.
 *
 * Each has a slot here. Normally it exits by itself, says so (oom_victim_gone()), and the slot is
 * free again. One that has not after REAP_DELAY is visited by the thread oom_reaper, which takes
 * its private memory; if that fails TRIES_MAX times because something holds the space's lock for
 * writing, the space is passed over from then on, so that another victim can be chosen. What the
 * kernel keeps for a victim (descriptors, locks, queued signals) only comes back when it dies: that
 * is waited for as well, longer where its descriptors hold much, and as long as memory grows.
 *
 * Nothing is allocated here. If all slots are taken, somebody is dying: that is enough.
 */
#include "core/panic.h"
#include "core/printk.h"
#include "core/spinlock.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "proc/oom.h"
#include "proc/oom_impl.h"
#include "proc/proc.h"
#include "sched/clock.h"
#include "sched/wait.h"
#include "vm/space.h"

#define REAP_DELAY (100 * NS_PER_MSEC) /* for the victim to die in order, and between tries */
#define WAIT_TIME  (300 * NS_PER_MSEC) /* that a request for memory waits before it looks again */

enum { VICTIMS_MAX = 16, TRIES_MAX = 10, TRIES_MAX_FILES = 50 };

/* So many pages behind descriptors are worth waiting for. */
enum { FILE_PAGES_WORTHWHILE = 256 };

struct victim {
	struct space    *space; /* a reference on the struct; NULL: the slot is free */
	struct proc     *proc;  /* a reference */
	ns_t             due;   /* when the reaper comes */
	unsigned int     tries; /* in which nothing came back */
	uint64_t         free_seen; /* pages, at the last visit */
	bool             has_files; /* descriptors hold much */
	bool             is_reaped;
	pid_t            pid;
	struct oom_title title;
};

static struct {
	struct spinlock   lock;
	struct victim     victims[VICTIMS_MAX] __guarded_by(lock);
	uint32_t          nr_victims __atomic;
	uint64_t          nr_returned __atomic; /* goes up with each victim whose memory is back */
	struct wait_queue work;     /* the reaper sleeps here */
	struct wait_queue returned; /* those who need memory */
} reaper = {
	.lock = SPINLOCK(RANK_LEAF),
	.work = WAIT_QUEUE(reaper.work),
	.returned = WAIT_QUEUE(reaper.returned),
};

/* The references go to the caller. */
static struct victim slot_clear_locked(struct victim *slot)
{
	struct victim victim = *slot;

	*slot = (struct victim){ 0 };
	atomic_dec(&reaper.nr_victims);
	return victim;
}

static void victim_put(const struct victim *victim)
{
	if (!victim->space)
		return;
	space_unref(victim->space);
	proc_put(victim->proc);
}

static void say_returned(void)
{
	atomic_inc(&reaper.nr_returned);
	wake_up_all(&reaper.returned);
}

void oom_reaper_add(const struct oom_candidate *candidate)
{
	struct victim *slot = NULL;
	struct oom_title title;

	oom_title_read(candidate->proc, &title);
	spin_lock(&reaper.lock);
	for (size_t i = 0; i < VICTIMS_MAX; i++) {
		struct victim *victim = &reaper.victims[i];

		if (victim->space == candidate->space)
			break;
		if (!victim->space) {
			slot = victim;
			break;
		}
	}
	if (slot) {
		space_ref(candidate->space);
		proc_get(candidate->proc);
		*slot = (struct victim){
			.space = candidate->space,
			.proc = candidate->proc,
			.has_files = candidate->file_pages > FILE_PAGES_WORTHWHILE,
			.due = clock_monotonic() + REAP_DELAY,
			.pid = proc_tgid(candidate->proc),
			.title = title,
		};
		atomic_inc(&reaper.nr_victims);
	}
	spin_unlock(&reaper.lock);
	wake_up(&reaper.work);
}

bool oom_reaper_is_busy(void)
{
	return atomic_load_relaxed(&reaper.nr_victims);
}

void oom_reaper_wait(void)
{
	uint64_t seen = atomic_load_relaxed(&reaper.nr_returned);

	(void)wait_event_loop(&reaper.returned,
	                      atomic_load_relaxed(&reaper.nr_returned) != seen ||
	                      !oom_reaper_is_busy(), THREAD_KILLABLE,
	                      clock_monotonic() + WAIT_TIME, false, , );
}

/* Nobody runs in the space any more, and its pages have been given back. */
static bool space_is_gone(const struct space *space)
{
	return !refcount_read(&space->users) && !space_rss(space);
}

/* What the kernel kept for it has been given back, too. */
static bool has_exited(const struct victim *victim)
{
	return !READ_ONCE(victim->proc->nr_live);
}

void oom_victim_gone(void)
{
	for (size_t i = 0; i < VICTIMS_MAX; i++) {
		struct victim *slot = &reaper.victims[i], gone = { 0 };

		spin_lock(&reaper.lock);
		if (slot->space && space_is_gone(slot->space) && has_exited(slot))
			gone = slot_clear_locked(slot);
		spin_unlock(&reaper.lock);
		victim_put(&gone);
	}
	say_returned();
}

/* ---- the thread ---------------------------------------------------------------------------- */

static unsigned long kb(const uint64_t *pages)
{
	return atomic_load_relaxed(pages) << (PAGE_SHIFT - 10);
}

static void say_reaped(const struct victim *victim, const struct space *space)
{
	pr_info("oom_reaper: reaped process %d (%s), now anon-rss:%lukB, file-rss:%lukB, "
		"shmem-rss:%lukB\n", victim->pid, victim->title.name, kb(&space->rss_anon),
		kb(&space->rss_file), kb(&space->rss_shmem));
}

/* True: the space is gone or has nothing more to give. */
static bool space_take(struct victim *victim)
{
	struct space *space = victim->space;

	if (victim->is_reaped)
		return true;
	if (!space_try_get(space))
		return space_is_gone(space);
	victim->is_reaped = !space_reap(space);
	if (victim->is_reaped) {
		atomic_store_relaxed(&space->is_passed_over, true);
		say_reaped(victim, space);
	}
	space_put(space);
	return victim->is_reaped;
}

/* True: nothing more is to be done about the victim. */
static bool visit(struct victim *victim)
{
	bool is_taken = space_take(victim);
	uint64_t now_free = pages_free_count(), before = victim->free_seen;

	victim->free_seen = now_free;
	if (is_taken && has_exited(victim))
		return true;
	if (is_taken && now_free > before)
		return false;
	if (++victim->tries < (victim->has_files ? TRIES_MAX_FILES : TRIES_MAX))
		return false;
	if (is_taken)
		return true;
	atomic_store_relaxed(&victim->space->is_passed_over, true);
	pr_info("oom_reaper: unable to reap pid:%d (%s)\n", victim->pid, victim->title.name);
	return true;
}

/* Visits the victim of the slot if its time has come; returns when it comes, else. */
static ns_t slot_serve(struct victim *slot)
{
	struct victim victim, done = { 0 };
	bool is_due, is_over;

	spin_lock(&reaper.lock);
	victim = *slot;
	is_due = victim.space && victim.due <= clock_monotonic();
	if (is_due) {
		space_ref(victim.space);
		proc_get(victim.proc);
	}
	spin_unlock(&reaper.lock);
	if (!is_due)
		return victim.space ? victim.due : WAIT_FOREVER;
	is_over = visit(&victim);
	victim.due = clock_monotonic() + REAP_DELAY;
	spin_lock(&reaper.lock);
	if (slot->space == victim.space) {
		*slot = victim;
		if (is_over)
			done = slot_clear_locked(slot);
	}
	spin_unlock(&reaper.lock);
	victim_put(&victim);
	victim_put(&done);
	if (!is_over)
		return victim.due;
	say_returned();
	return WAIT_FOREVER;
}

static void reaper_run(void *arg)
{
	for (;;) {
		ns_t next = WAIT_FOREVER;

		wait_event(&reaper.work, oom_reaper_is_busy());
		for (size_t i = 0; i < VICTIMS_MAX; i++)
			next = min(next, slot_serve(&reaper.victims[i]));
		if (next != WAIT_FOREVER)
			sleep_until_uninterruptible(next);
	}
}

void __init oom_reaper_init(void)
{
	struct thread *thread;

	if (kthread_create("oom_reaper", reaper_run, NULL, &thread))
		panic("no memory for the OOM reaper");
	thread_start(thread);
}
