/*
 * Owners of open files, and O_ASYNC. See owner.h.
 */
#include "fs/owner.h"

#include <asm/signal.h>
#include <linux/errno.h>

#include "abi/siginfo.h"
#include "core/panic.h"
#include "fs/file.h"
#include "id/cred.h"
#include "lib/refcount.h"
#include "mem/slab.h"
#include "sched/poll.h"
#include "sched/work.h"

enum { ASYNC_QUEUES = 4, SIGNAL_MAX = 64 };

struct async_entry {
	struct wait_entry  entry;
	struct wait_queue *queue;
	struct file_owner *owner;
};

struct file_owner {
	struct refcount    refs; /* the file's, and that of work which is queued */
	struct spinlock    lock;
	struct pid        *pid __guarded_by(lock); /* NULL: nobody */
	enum pid_kind      kind __guarded_by(lock);
	const struct cred *cred __guarded_by(lock); /* of who set it: may it signal the owner? */
	int                sig __guarded_by(lock);  /* 0: SIGIO without details */
	int                fd __guarded_by(lock);   /* told with the signal */
	uint32_t           events __atomic;         /* that have come since the last signal */
	struct work        work;
	struct poller      poller;
	uint32_t           nr_entries __guarded_by(position_lock of the file);
	struct async_entry entries[ASYNC_QUEUES];
};

static struct cache owner_slab = CACHE("file_owner", struct file_owner);

static void owner_put(struct file_owner *owner)
{
	if (!refcount_put(&owner->refs))
		return;
	pid_put(owner->pid);
	cred_put(owner->cred);
	cache_free(&owner_slab, owner);
}

/* ---- sending ------------------------------------------------------------------------ */

static int code_of(uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDNORM))
		return POLL_IN;
	if (events & (EPOLLOUT | EPOLLWRNORM))
		return POLL_OUT;
	if (events & EPOLLPRI)
		return POLL_PRI;
	return events & EPOLLERR ? POLL_ERR : events & EPOLLHUP ? POLL_HUP : POLL_IN;
}

static long band_of(int code)
{
	switch (code) {
	case POLL_OUT:
		return EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	case POLL_PRI:
		return EPOLLPRI | EPOLLRDBAND;
	case POLL_ERR:
		return EPOLLERR;
	case POLL_HUP:
		return EPOLLHUP | EPOLLERR;
	default:
		return EPOLLIN | EPOLLRDNORM;
	}
}

static void owner_tell(struct file_owner *owner, uint32_t events)
{
	siginfo_t info;
	const struct cred *cred;
	enum pid_kind kind;
	struct pid *pid;
	int sig;

	siginfo_init(&info, 0, code_of(events));
	spin_lock(&owner->lock);
	pid = owner->pid ? pid_get(owner->pid) : NULL;
	cred = owner->cred ? cred_get(owner->cred) : NULL;
	kind = owner->kind;
	sig = owner->sig;
	info.si_fd = owner->fd;
	spin_unlock(&owner->lock);
	info.si_signo = sig;
	info.si_band = band_of(info.si_code);
	if (pid)
		(void)pid_signal_as(cred, pid, kind, sig ? sig : SIGIO, sig ? &info : NULL);
	pid_put(pid);
	cred_put(cred);
}

static void owner_work(struct work *work)
{
	struct file_owner *owner = container_of(work, struct file_owner, work);

	owner_tell(owner, atomic_xchg(&owner->events, 0));
	owner_put(owner);
}

static int async_wake(struct wait_entry *entry, uint32_t mode, uintptr_t key)
{
	struct file_owner *owner = container_of(entry, struct async_entry, entry)->owner;
	bool is_last;

	atomic_or(&owner->events, key ? (uint32_t)key : EPOLLIN);
	refcount_get(&owner->refs);
	/* The file's reference is still there: a queue that calls us is one that it waits on. */
	is_last = !work_queue(&owner->work) && refcount_put(&owner->refs);
	assert(!is_last);
	/* Unlinked, the entry may be freed: async_remove_all() asks no lock then. */
	if (mode & WAKE_FREE)
		wait_entry_let_go(entry);
	return 0;
}

/* ---- registering -------------------------------------------------------------------- */

static void async_add(struct poller *poller, struct wait_queue *queue)
{
	struct file_owner *owner = container_of(poller, struct file_owner, poller);
	struct async_entry *async;

	if (owner->nr_entries == ASYNC_QUEUES)
		return;
	async = &owner->entries[owner->nr_entries++];
	async->queue = queue;
	async->owner = owner;
	wait_entry_init(&async->entry, NULL, async_wake);
	wait_add(queue, &async->entry);
}

static void async_remove_all(struct file_owner *owner)
{
	rcu_read_lock();
	while (owner->nr_entries) {
		struct async_entry *async = &owner->entries[--owner->nr_entries];
		const struct list *link = &async->entry.link;

		/* Unlinked: the queue was freed, and let go of it (wake_up_poll_free()). */
		if (READ_ONCE(link->next) != link || READ_ONCE(link->prev) != link)
			wait_remove(async->queue, &async->entry);
	}
	rcu_read_unlock();
}

/* The file's, made if there is none. */
static int owner_of(struct file *file, struct file_owner **out)
{
	/* pairs with the exchange below */
	struct file_owner *owner = atomic_load_acquire(&file->owner), *none = NULL;

	if (!owner) {
		owner = cache_zalloc(&owner_slab, ALLOC_KERNEL);
		if (!owner)
			return -ENOMEM;
		refcount_init(&owner->refs, 1);
		spin_lock_init(&owner->lock, RANK_SPIN_OUTER);
		work_init(&owner->work, owner_work);
		owner->poller.add = async_add;
		if (!atomic_cmpxchg(&file->owner, &none, owner)) {
			cache_free(&owner_slab, owner);
			owner = none;
		}
	}
	*out = owner;
	return 0;
}

int owner_set_async(struct file *file, bool on)
{
	struct file_owner *owner;
	int err = owner_of(file, &owner);

	if (err)
		return err;
	mutex_lock(&file->position_lock);
	async_remove_all(owner);
	if (on)
		file->ops->poll(file, &owner->poller);
	mutex_unlock(&file->position_lock);
	return 0;
}

void owner_free(struct file *file)
{
	struct file_owner *owner = file->owner;

	if (likely(!owner))
		return;
	async_remove_all(owner);
	owner_put(owner);
}

/* ---- what fcntl sets and asks ------------------------------------------------------- */

int owner_set(struct file *file, int fd, struct pid *pid, enum pid_kind kind,
              const struct cred *cred)
{
	struct file_owner *owner;
	const struct cred *old_cred;
	struct pid *old;
	int err = owner_of(file, &owner);

	if (err)
		return err;
	cred = cred_get(cred);
	if (pid)
		pid_get(pid);
	spin_lock(&owner->lock);
	old = owner->pid;
	old_cred = owner->cred;
	owner->pid = pid;
	owner->kind = kind;
	owner->cred = cred;
	owner->fd = fd;
	spin_unlock(&owner->lock);
	pid_put(old);
	cred_put(old_cred);
	return 0;
}

struct pid *owner_get(struct file *file, enum pid_kind *kind)
{
	struct file_owner *owner = atomic_load_acquire(&file->owner); /* pairs with owner_of() */
	struct pid *pid;

	*kind = PID_TGID;
	if (!owner)
		return NULL;
	spin_lock(&owner->lock);
	pid = owner->pid ? pid_get(owner->pid) : NULL;
	*kind = owner->kind;
	spin_unlock(&owner->lock);
	return pid;
}

int owner_set_signal(struct file *file, int fd, unsigned long sig)
{
	struct file_owner *owner;
	int err;

	if (sig > SIGNAL_MAX)
		return -EINVAL;
	err = owner_of(file, &owner);
	if (err)
		return err;
	spin_lock(&owner->lock);
	owner->sig = (int)sig;
	owner->fd = fd;
	spin_unlock(&owner->lock);
	return 0;
}

int owner_signal(struct file *file)
{
	struct file_owner *owner = atomic_load_acquire(&file->owner); /* pairs with owner_of() */

	return owner ? READ_ONCE(owner->sig) : 0;
}

void owner_uids(struct file *file, uid_t *uid, uid_t *euid)
{
	struct file_owner *owner = atomic_load_acquire(&file->owner); /* pairs with owner_of() */

	*uid = *euid = 0;
	if (!owner)
		return;
	spin_lock(&owner->lock);
	if (owner->cred) {
		*uid = owner->cred->uid;
		*euid = owner->cred->euid;
	}
	spin_unlock(&owner->lock);
}
