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
	list_init(&pending->own.link);
	pending->own.user = NULL;
	pending->own.taken = NULL;
}

void sigpending_fini(struct sigpending *pending)
{
	sigpending_discard(pending, ~0ull);
	if (pending->own.user)
		user_put(pending->own.user);
	pending->own.user = NULL;
}

static __noinline void sigqueue_free(struct sigqueue *queued)
{
	user_put(queued->user);
	cache_free(&sigqueue_cache, queued);
}

static __noinline void sigqueue_return(struct sigqueue *queued, struct siginfo_core *info)
{
	queued->taken(queued);
	*info = queued->info;
}

/* The element leaves the queue and gives its details; an owner may complete them first. */
static inline void sigqueue_leave(struct sigpending *pending, struct sigqueue *queued,
			   struct siginfo_core *info)
{
	list_remove_init(&queued->link);
	if (unlikely(queued->taken)) {
		sigqueue_return(queued, info);
		return;
	}
	*info = queued->info;
	atomic_dec(&queued->user->pending_signals);
	if (unlikely(queued != &pending->own))
		sigqueue_free(queued);
}

/* The queue's own element for another user than before; when it is taken, one that needs memory. */
static __noinline struct sigqueue *sigqueue_alloc(struct sigpending *pending, struct user *user)
{
	struct sigqueue *queued = &pending->own;

	if (list_is_empty(&queued->link)) {
		if (queued->user)
			user_put(queued->user);
	} else {
		queued = cache_alloc(&sigqueue_cache, ALLOC_ATOMIC);
		if (!queued)
			return NULL;
		queued->taken = NULL;
	}
	queued->user = user_hold(user);
	return queued;
}

struct siginfo_core *sigpending_queue(struct sigpending *pending, struct user *user,
				      uint64_t limit)
{
	struct sigqueue *queued = &pending->own;

	if ((uint64_t)atomic_inc_return(&user->pending_signals) > limit)
		goto out_uncount;
	if (unlikely(queued->user != user || !list_is_empty(&queued->link)))
		queued = sigqueue_alloc(pending, user);
	if (unlikely(!queued))
		goto out_uncount;
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

void sigpending_take(struct sigpending *pending, int sig, struct siginfo_core *info)
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
		siginfo_core_init(info, sig,
				  pending->by_kernel & SIGNAL_BIT(sig) ? SI_KERNEL : SI_USER);
		pending->by_kernel &= ~SIGNAL_BIT(sig);
		return;
	}
	sigqueue_leave(pending, first, info);
}

void sigpending_discard(struct sigpending *pending, uint64_t mask)
{
	struct siginfo_core ignored;
	struct sigqueue *queued, *ahead;

	if (!(pending->set & mask))
		return;
	pending->set &= ~mask;
	pending->by_kernel &= ~mask;
	list_for_each_entry_safe(queued, ahead, &pending->queue, link) {
		if (!(SIGNAL_BIT(queued->info.si_signo) & mask))
			continue;
		sigqueue_leave(pending, queued, &ignored);
	}
}
