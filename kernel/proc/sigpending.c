/*
 * Pending signals and their queue. See proc/sigpending.h.
 */
#include "proc/sigpending.h"

#include "id/cred.h"
#include "mem/slab.h"
#include "proc/signal_impl.h"

static struct cache sigqueue_cache = CACHE("sigqueue", struct sigqueue);

void sigpending_init(struct sigpending *pending)
{
	list_init(&pending->queue);
	pending->set = 0;
	pending->by_kernel = 0;
}

static void sigqueue_free(struct sigqueue *queued)
{
	atomic_dec(&queued->user->pending_signals);
	user_put(queued->user);
	cache_free(&sigqueue_cache, queued);
}

/* The element, off the queue already, gives its details; an owner may complete them first. */
static void sigqueue_leave(struct sigqueue *queued, siginfo_t *info)
{
	if (queued->taken)
		queued->taken(queued);
	*info = queued->info;
	if (!queued->taken)
		sigqueue_free(queued);
}

siginfo_t *sigpending_queue(struct sigpending *pending, struct user *user, uint64_t limit)
{
	struct sigqueue *queued;

	if ((uint64_t)atomic_inc_return(&user->pending_signals) > limit)
		goto out_uncount;
	queued = cache_alloc(&sigqueue_cache, ALLOC_ATOMIC);
	if (!queued)
		goto out_uncount;
	queued->user = user_hold(user);
	queued->taken = NULL;
	list_add_tail(&pending->queue, &queued->link);
	return &queued->info;

out_uncount:
	atomic_dec(&user->pending_signals);
	return NULL;
}

void sigpending_queue_own(struct sigpending *pending, struct sigqueue *queued)
{
	list_add_tail(&pending->queue, &queued->link);
	pending->set |= SIGNAL_BIT(queued->info.si_signo);
}

static bool has_queued(const struct sigpending *pending, int sig)
{
	struct sigqueue *queued;

	list_for_each_entry(queued, &pending->queue, link) {
		if (queued->info.si_signo == sig)
			return true;
	}
	return false;
}

void sigpending_remove_own(struct sigpending *pending, struct sigqueue *queued)
{
	list_remove_init(&queued->link);
	if (!has_queued(pending, queued->info.si_signo))
		pending->set &= ~SIGNAL_BIT(queued->info.si_signo);
	queued->taken(queued);
}

void sigpending_take(struct sigpending *pending, int sig, siginfo_t *info)
{
	struct sigqueue *queued, *first = NULL;
	bool more = false;

	list_for_each_entry(queued, &pending->queue, link) {
		if (queued->info.si_signo != sig)
			continue;
		more = first;
		if (first)
			break;
		first = queued;
	}
	if (!more)
		pending->set &= ~SIGNAL_BIT(sig);
	if (!first) {
		*info = (siginfo_t){
			.si_signo = sig,
			.si_code = pending->by_kernel & SIGNAL_BIT(sig) ? SI_KERNEL : SI_USER,
		};
		pending->by_kernel &= ~SIGNAL_BIT(sig);
		return;
	}
	list_remove_init(&first->link);
	sigqueue_leave(first, info);
}

void sigpending_discard(struct sigpending *pending, uint64_t mask)
{
	siginfo_t ignored;
	struct sigqueue *queued, *ahead;

	if (!(pending->set & mask))
		return;
	pending->set &= ~mask;
	pending->by_kernel &= ~mask;
	list_for_each_entry_safe(queued, ahead, &pending->queue, link) {
		if (!(SIGNAL_BIT(queued->info.si_signo) & mask))
			continue;
		list_remove_init(&queued->link);
		sigqueue_leave(queued, &ignored);
	}
}
