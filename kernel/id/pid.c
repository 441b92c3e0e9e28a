/*
 * Pids: numbers given out in turn from a radix tree, looked up under RCU.
 *
 * The next number is the first free one after the last given out; past pid_max the search starts
 * again at PID_RESERVED, as on Linux, so that a number is reused as late as possible.
 *
 * Locking: pids.lock guards the tree and the last number; it is a leaf below the process tree.
 */
#include "id/pid.h"

#include "abi/errno.h"
#include "core/gauge.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/radix.h"
#include "mem/slab.h"

static struct cache pid_cache = CACHE("pid", struct pid);

/*
 * ---- the tree's nodes: freed after a grace period, so each has room for an rcu_head behind it
 * --------
 */

static void *node_alloc(void)
{
	return kmalloc(radix_node_size + sizeof(struct rcu_head), ALLOC_ATOMIC);
}

static void node_free(void *node)
{
	kfree(node);
}

static void node_free_rcu(struct rcu_head *head)
{
	kfree((char *)head - radix_node_size);
}

static void node_free_deferred(void *node)
{
	rcu_call((struct rcu_head *)(void *)((char *)node + radix_node_size), node_free_rcu);
}

static const struct radix_allocator node_allocator = {
	.alloc = node_alloc,
	.free_deferred = node_free_deferred,
	.free = node_free,
};

static struct {
	struct spinlock lock;
	struct radix    tree __guarded_by(lock); /* readers: RCU */
	pid_t           last __guarded_by(lock);
	int             max __atomic;
	int64_t         nr __guarded_by(lock);
	const struct pid_ops *ops __const_after_init;
} pids = {
	.lock = SPINLOCK(RANK_PID),
	.tree = { .allocator = &node_allocator },
	.max = PID_MAX_DEFAULT,
};

struct pid pid_kernel = {
	.refs = REFCOUNT_INIT(1),
	.exit_queue = WAIT_QUEUE(pid_kernel.exit_queue),
};

static int pid_create(struct pid **out)
{
	struct pid *pid = cache_zalloc(&pid_cache, ALLOC_KERNEL);

	if (!pid)
		return -ENOMEM;
	refcount_init(&pid->refs, 1);
	wait_queue_init(&pid->exit_queue);
	*out = pid;
	return 0;
}

static int pid_number_locked(struct pid *pid, pid_t number)
{
	int err;

	pid->numbers[0] = number;
	err = radix_insert(&pids.tree, (uint64_t)number, pid);
	if (err)
		return err;
	pid->is_numbered = true;
	pids.nr++;
	return 0;
}

static bool pid_find_free_locked(pid_t *number)
{
	uint64_t index, max = (uint64_t)READ_ONCE(pids.max);

	if (radix_next_hole(&pids.tree, (uint64_t)pids.last + 1, &index) && index < max) {
		*number = (pid_t)index;
		return true;
	}
	if (!radix_next_hole(&pids.tree, PID_RESERVED, &index) || index >= max)
		return false;
	*number = (pid_t)index;
	return true;
}

static void pid_free_rcu(struct rcu_head *head)
{
	cache_free(&pid_cache, container_of(head, struct pid, rcu));
}

int pid_alloc(struct pid **out)
{
	struct pid *pid;
	pid_t number;
	int err = pid_create(&pid);

	if (err)
		return err;
	spin_lock(&pids.lock);
	err = pid_find_free_locked(&number) ? pid_number_locked(pid, number) : -EAGAIN;
	if (!err)
		pids.last = number;
	spin_unlock(&pids.lock);
	if (err)
		cache_free(&pid_cache, pid);
	else
		*out = pid;
	return err;
}

int pid_alloc_number(pid_t number, struct pid **out)
{
	struct pid *pid;
	int err;

	if (number < 1 || number >= READ_ONCE(pids.max))
		return -EINVAL;
	err = pid_create(&pid);
	if (err)
		return err;
	spin_lock(&pids.lock);
	err = pid_number_locked(pid, number);
	spin_unlock(&pids.lock);
	if (err)
		cache_free(&pid_cache, pid);
	else
		*out = pid;
	return err;
}

static void pid_free_number(struct pid *pid)
{
	spin_lock(&pids.lock);
	if (pid->is_numbered) {
		radix_remove(&pids.tree, (uint64_t)pid->numbers[0]);
		pid->is_numbered = false;
		pids.nr--;
	}
	spin_unlock(&pids.lock);
}

static bool pid_is_attached(const struct pid *pid)
{
	for (int kind = 0; kind < PID_KINDS; kind++)
		if (!hlist_is_empty(&pid->attached[kind]))
			return true;
	return false;
}

void pid_put(struct pid *pid)
{
	if (!pid || !refcount_put(&pid->refs))
		return;
	debug_assert(!pid_is_attached(pid));
	pid_free_number(pid);
	rcu_call(&pid->rcu, pid_free_rcu);
}

struct pid *pid_find(pid_t number)
{
	return number > 0 ? radix_lookup(&pids.tree, (uint64_t)number) : NULL;
}

struct pid *pid_lookup(pid_t number)
{
	struct pid *pid;

	rcu_read_lock();
	pid = pid_find(number);
	if (pid && !refcount_try_get(&pid->refs))
		pid = NULL;
	rcu_read_unlock();
	return pid;
}

struct pid *pid_next(pid_t number)
{
	uint64_t index = number > 0 ? (uint64_t)number : 0;
	struct pid *pid;

	rcu_read_lock();
	while ((pid = radix_next(&pids.tree, &index)) && !refcount_try_get(&pid->refs))
		index++;
	rcu_read_unlock();
	return pid;
}

void pid_attach(struct pid *pid, enum pid_kind kind, struct pid_link *link)
{
	debug_assert(!link->pid);
	link->pid = pid_get(pid);
	hlist_add_rcu(&pid->attached[kind], &link->node);
}

void pid_detach(struct pid_link *link)
{
	struct pid *pid = link->pid;

	hlist_remove_rcu(&link->node);
	link->pid = NULL;
	if (!pid_is_attached(pid))
		pid_free_number(pid);
	pid_put(pid);
}

int pid_signal_as(const struct cred *cred, struct pid *pid, enum pid_kind kind, int sig,
                  const siginfo_t *info)
{
	return pids.ops ? pids.ops->signal(cred, pid, kind, sig, info) : -ESRCH;
}

int pid_signal(struct pid *pid, enum pid_kind kind, int sig, const siginfo_t *info)
{
	return pid_signal_as(NULL, pid, kind, sig, info);
}

void pid_ops_register(const struct pid_ops *ops)
{
	pids.ops = ops;
}

int pid_max_get(void)
{
	return READ_ONCE(pids.max);
}

int pid_max_set(int max)
{
	if (max <= PID_RESERVED || max > PID_MAX_LIMIT)
		return -EINVAL;
	WRITE_ONCE(pids.max, max);
	return 0;
}

int64_t pid_count(void)
{
	return READ_ONCE(pids.nr);
}

pid_t pid_last(void)
{
	return READ_ONCE(pids.last);
}

GAUGE("pids", pid_count);
