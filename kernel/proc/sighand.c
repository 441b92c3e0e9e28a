/*
 * The table of signal actions: sigaction(2), and what fork and exec make of it.
 */
#include <asm/siginfo.h>
#include <linux/errno.h>
#include <linux/signal.h>

#include "mem/slab.h"
#include "proc/signal_impl.h"

static struct cache sighand_cache = CACHE("sighand", struct sighand);

/* Flags that exist here; others read back as zero, as on Linux. */
#define ACTION_FLAGS (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | \
		      SA_NODEFER | SA_RESETHAND | SA_EXPOSE_TAGBITS | SA_RESTORER)

int sighand_create(const struct sighand *from, struct sighand **out)
{
	struct sighand *sighand = cache_zalloc(&sighand_cache, ALLOC_KERNEL), *source;

	if (!sighand)
		return -ENOMEM;
	refcount_init(&sighand->refs, 1);
	spin_lock_init(&sighand->lock, RANK_SIGNAL);
	wait_queue_init(&sighand->readers);
	if (from) {
		source = (struct sighand *)(uintptr_t)from;
		unsigned long flags = irq_save();

		spin_lock_nested(&source->lock, 1);
		for (int i = 0; i < NR_SIGNALS; i++)
			sighand->actions[i] = source->actions[i];
		spin_unlock(&source->lock);
		irq_restore(flags);
	}
	*out = sighand;
	return 0;
}

void sighand_get(struct sighand *sighand)
{
	refcount_get(&sighand->refs);
}

static void sighand_free_rcu(struct rcu_head *head)
{
	cache_free(&sighand_cache, container_of(head, struct sighand, rcu));
}

void sighand_put(struct sighand *sighand)
{
	if (!refcount_put(&sighand->refs))
		return;
	if (likely(!sighand->is_polled)) {
		cache_free(&sighand_cache, sighand);
		return;
	}
	/* A signalfd in an epoll outlives the tasks. */
	wake_up_poll_free(&sighand->readers);
	rcu_call(&sighand->rcu, sighand_free_rcu);
}

bool sighand_is_shared(const struct sighand *sighand)
{
	return refcount_read(&sighand->refs) > 1;
}

struct k_sigaction sighand_action(struct sighand *sighand, int sig)
{
	unsigned long flags = irq_save();
	struct k_sigaction action;

	spin_lock_nested(&sighand->lock, 1);
	action = sighand->actions[sig - 1];
	spin_unlock(&sighand->lock);
	irq_restore(flags);
	return action;
}

/* Interrupts are off; either may be NULL. */
static void action_exchange(struct sighand *sighand, int sig, const struct k_sigaction *new,
			    struct k_sigaction *old)
{
	spin_lock_nested(&sighand->lock, 1);
	if (old)
		*old = sighand->actions[sig - 1];
	if (new)
		sighand->actions[sig - 1] = *new;
	spin_unlock(&sighand->lock);
}

void sighand_reset(struct sighand *sighand, int sig)
{
	struct k_sigaction action = sighand_action(sighand, sig);
	unsigned long flags = irq_save();

	action.handler = HANDLER_DEFAULT;
	action_exchange(sighand, sig, &action, NULL);
	irq_restore(flags);
}

/* POSIX: a signal that becomes ignored is forgotten, even if it is blocked. */
static void forget_ignored_locked(struct proc *proc, int sig)
{
	struct task *task;

	sigpending_discard(&proc->pending, SIGNAL_BIT(sig));
	list_for_each_entry(task, &proc->tasks, in_proc)
		sigpending_discard(&task->pending, SIGNAL_BIT(sig));
}

int signal_action_set(int sig, const struct k_sigaction *act, struct k_sigaction *old)
{
	struct task *task = task_current();
	struct k_sigaction fresh;
	unsigned long flags;

	if (sig < 1 || sig > NR_SIGNALS || (act && (SIGNAL_BIT(sig) & SIGNALS_KERNEL_ONLY)))
		return -EINVAL;
	if (act) {
		fresh = *act;
		fresh.flags &= ACTION_FLAGS;
		fresh.mask &= ~SIGNALS_KERNEL_ONLY;
	}
	flags = spin_lock_irqsave(&task->proc->lock);
	action_exchange(task->sighand, sig, act ? &fresh : NULL, old);
	if (act && signal_is_ignored_locked(task, sig)) {
		forget_ignored_locked(task->proc, sig);
		signal_recalc_locked(task);
	}
	spin_unlock_irqrestore(&task->proc->lock, flags);
	return 0;
}

void sighand_clear(struct sighand *sighand)
{
	unsigned long flags = irq_save();

	spin_lock_nested(&sighand->lock, 1);
	for (int i = 0; i < NR_SIGNALS; i++) {
		uaddr_t handler = sighand->actions[i].handler;

		sighand->actions[i] = (struct k_sigaction){
			.handler = handler == HANDLER_IGNORE ? HANDLER_IGNORE : HANDLER_DEFAULT,
		};
	}
	spin_unlock(&sighand->lock);
	irq_restore(flags);
}

void sighand_exec_reset(void)
{
	struct task *task = task_current();

	sighand_clear(task->sighand);
	signal_altstack_clear(task, SS_DISABLE);
}

bool signal_is_ignored_locked(struct task *task, int sig)
{
	uaddr_t handler = sighand_handler(task->sighand, sig);

	return handler == HANDLER_IGNORE ||
	       (handler == HANDLER_DEFAULT && (SIGNAL_BIT(sig) & SIGNALS_IGNORED_BY_DEFAULT));
}

/*
 * The action of a process as a whole is that of any of its tasks: CLONE_THREAD implies one table.
 */
bool sighand_reaps_children_locked(struct proc *proc, bool *is_ignored)
{
	struct k_sigaction action = sighand_action(proc->leader->sighand, SIGCHLD);

	*is_ignored = action.handler == HANDLER_IGNORE;
	return *is_ignored || (action.flags & SA_NOCLDWAIT);
}

bool sighand_ignores_stops_locked(struct proc *proc)
{
	struct k_sigaction action = sighand_action(proc->leader->sighand, SIGCHLD);

	return action.handler == HANDLER_IGNORE || (action.flags & SA_NOCLDSTOP);
}

void signal_sets_read(struct task *task, struct signal_sets *out)
{
	const struct cred *cred = task_cred_get(task);
	unsigned long flags = spin_lock_irqsave(&task->proc->lock);

	*out = (struct signal_sets){
		.pending = task->pending.set,
		.shared_pending = task->proc->pending.set,
		.blocked = task->blocked,
		.queued = atomic_load_relaxed(&cred->user->pending_signals),
	};
	for (int sig = 1; sig <= NR_SIGNALS; sig++) {
		uaddr_t handler = sighand_action(task->sighand, sig).handler;

		if (handler == HANDLER_IGNORE)
			out->ignored |= SIGNAL_BIT(sig);
		else if (handler != HANDLER_DEFAULT)
			out->caught |= SIGNAL_BIT(sig);
	}
	spin_unlock_irqrestore(&task->proc->lock, flags);
	cred_put(cred);
}
