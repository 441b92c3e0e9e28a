/*
 * Futexes. See proc/futex.h.
 *
 * A waiter lives on its sleeper's stack. A waker takes it off its queue, remembers the thread and
 * marks it as woken: the last that it does with the waiter, and a sleeper that sees the mark may go
 * without the lock. The thread itself stays for a grace period. Who was not woken takes the lock to
 * leave. Requeueing changes the bucket of a waiter under both locks, so the sleeper takes the one
 * that waiter->bucket names and looks again. Other CPUs are interrupted when the lock is let go.
 */
#include "proc/futex.h"

#include <linux/errno.h>
#include <linux/futex.h>

#include "abi/errno.h"
#include "arch/usercopy.h"
#include "lib/hash.h"
#include "lib/list.h"
#include "lib/math.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "sched/clock.h"
#include "sched/wait.h"
#include "vm/space.h"
#include "vm/usercopy.h"

#define NR_BUCKETS 256

struct bucket {
	struct spinlock lock;
	struct list     waiters __guarded_by(lock);
};

/*
 * What a word is known by: number of the object and offset in it for a shared one, space and
 * address for a private one. A key holds no reference. Who waits in a space keeps it; an object's
 * number is never given to another one, so what waits for one that is gone meets nobody.
 */
struct futex_key {
	uint64_t object;
	uint64_t offset;
};

struct waiter {
	struct list       link    __guarded_by(bucket->lock);
	struct bucket    *bucket  __guarded_by(bucket->lock);
	struct futex_key  key     __guarded_by(bucket->lock);
	uint32_t          bitset;
	bool              is_woken __atomic; /* set under the lock, the last that a waker does */
	struct thread    *thread;
};

static struct bucket buckets[NR_BUCKETS];

void __init futex_init(void)
{
	for (size_t i = 0; i < NR_BUCKETS; i++) {
		spin_lock_init(&buckets[i].lock, RANK_FUTEX);
		list_init(&buckets[i].waiters);
	}
}

static struct bucket *bucket_of(const struct futex_key *key)
{
	return &buckets[hash_u64(key->object ^ key->offset * 31) % NR_BUCKETS];
}

static bool key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

static int key_init(struct futex_key *key, uaddr_t address, bool is_private)
{
	struct space *space = task_current()->space;
	uint64_t object = 0, offset;
	int err = 0;

	if (address % sizeof(uint32_t))
		return -EINVAL;
	if (!user_range_ok((void __user *)address, sizeof(uint32_t)))
		return -EFAULT;
	if (!is_private)
		err = space_shared_key(space, address, &object, &offset);
	/* Operations of the two kinds do not meet, on the process's own memory either. */
	*key = object ? (struct futex_key){ object, offset }
		      : (struct futex_key){ (uintptr_t)space, is_private ? address : address | 1 };
	return err;
}

/* Two buckets in order of address, so that two requeues cannot deadlock. */
static void lock_pair(struct bucket *a, struct bucket *b) __acquires(a) __acquires(b)
{
	spin_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock_nested(a < b ? &b->lock : &a->lock, 1);
	else
		__acquire(b);
}

static void unlock_pair(struct bucket *a, struct bucket *b) __releases(a) __releases(b)
{
	if (a != b)
		spin_unlock(a < b ? &b->lock : &a->lock);
	else
		__release(b);
	spin_unlock(a < b ? &a->lock : &b->lock);
}

/* Reads the word without sleeping; -EFAULT: it is not there, fault it in without the lock. */
static int read_word_locked(uaddr_t address, uint32_t *value)
{
	int err;

	usercopy_nosleep_begin();
	err = user_get_u32(value, (const uint32_t __user *)address);
	usercopy_nosleep_end();
	return err;
}

static int fault_in(uaddr_t address)
{
	uint32_t value;

	return user_get_u32(&value, (const uint32_t __user *)address);
}

/* The caller calls thread_wakes_send() when it has let go of the lock. */
static void wake_locked(struct waiter *waiter)
{
	struct thread *thread = waiter->thread;

	list_remove(&waiter->link);
	atomic_store_release(&waiter->is_woken, true); /* pairs with the acquire in is_woken() */
	thread_wake_later(thread, false);
}

/*
 * ---- waiting
 * ---------------------------------------------------------------------------------------
 */

/*
 * Queues the waiter if the word still has the value: 0, -EAGAIN, -EFAULT. It stands in the queue
 * before the word is read, because wakers look at the queue without its lock.
 */
static int enqueue(struct waiter *waiter, uaddr_t address, uint32_t value)
{
	struct bucket *bucket = bucket_of(&waiter->key);
	uint32_t now;
	int err;

	waiter->bucket = bucket;
	do {
		spin_lock(&bucket->lock);
		list_add_tail(&bucket->waiters, &waiter->link);
		smp_mb(); /* pairs with the one in futex_wake() */
		err = read_word_locked(address, &now);
		if (likely(!err && now == value)) {
			spin_unlock(&bucket->lock);
			return 0;
		}
		list_remove(&waiter->link);
		spin_unlock(&bucket->lock);
	} while (err && !fault_in(address));
	return err ? -EFAULT : -EAGAIN;
}

static bool is_woken(const struct waiter *waiter)
{
	return atomic_load_acquire(&waiter->is_woken); /* pairs with the release in wake_locked() */
}

/* 0 if it was woken, -ERESTARTSYS, -ETIMEDOUT. */
static int sleep_until_woken(struct waiter *waiter, ns_t deadline)
{
	int err = 0;

	while (!err) {
		thread_set_state(THREAD_INTERRUPTIBLE);
		if (is_woken(waiter))
			break;
		err = thread_must_wake(waiter->thread, THREAD_INTERRUPTIBLE) ? -ERESTARTSYS
									     : wait_sleep(deadline);
	}
	atomic_store_relaxed(&waiter->thread->state, THREAD_RUNNABLE);
	return err;
}

/* Off the queue if nobody took it off. True if it had been woken. */
static bool dequeue(struct waiter *waiter)
{
	while (!is_woken(waiter)) {
		struct bucket *bucket = READ_ONCE(waiter->bucket);
		bool is_left;

		spin_lock(&bucket->lock);
		is_left = bucket == waiter->bucket && !is_woken(waiter);
		if (is_left)
			list_remove(&waiter->link);
		spin_unlock(&bucket->lock);
		if (is_left)
			return false;
	}
	return true;
}

static int wait_until(uaddr_t address, bool is_private, uint32_t value, uint32_t bitset,
                      ns_t deadline)
{
	struct waiter waiter = { .bitset = bitset, .thread = thread_current() };
	int err = key_init(&waiter.key, address, is_private);

	if (err)
		return err;
	err = enqueue(&waiter, address, value);
	if (err)
		return err;
	err = sleep_until_woken(&waiter, deadline);
	return dequeue(&waiter) ? 0 : err;
}

static long wait_again(struct restart *restart)
{
	int err = wait_until(restart->args[0], restart->args[1], (uint32_t)restart->args[2],
			     (uint32_t)restart->args[3], (ns_t)restart->args[4]);

	if (err != -ERESTARTSYS)
		return err;
	return -ERESTART_RESTARTBLOCK;
}

static long futex_wait(const struct futex_request *request, uint32_t bitset, ns_t deadline)
{
	bool is_private = request->op & FUTEX_PRIVATE_FLAG;
	int err;

	if (!bitset)
		return -EINVAL;
	err = wait_until(request->address, is_private, request->value, bitset, deadline);
	if (err != -ERESTARTSYS || deadline == WAIT_FOREVER)
		return err;
	task_current()->restart = (struct restart){
		.again = wait_again,
		.args = { request->address, is_private, request->value, bitset,
		(uint64_t)deadline },
	};
	return -ERESTART_RESTARTBLOCK;
}

/* WAIT has a span of the monotonic clock, WAIT_BITSET a point of the monotonic or real one. */
static ns_t deadline_of(const struct futex_request *request, bool is_absolute)
{
	ns_t now = clock_monotonic(), timeout = request->timeout_ns;

	if (!request->has_timeout)
		return WAIT_FOREVER;
	if (!is_absolute)
		return timeout < WAIT_FOREVER - now ? now + timeout : WAIT_FOREVER;
	return request->op & FUTEX_CLOCK_REALTIME ? timeout - clock_realtime_offset() : timeout;
}

/*
 * ---- waking and requeueing
 * --------------------------------------------------------------------------
 */

static int wake_key_locked(struct bucket *bucket, const struct futex_key *key, int nr,
                           uint32_t bitset)
{
	struct waiter *waiter, *ahead;
	int woken = 0;

	list_for_each_entry_safe(waiter, ahead, &bucket->waiters, link) {
		if (!key_equal(&waiter->key, key) || !(waiter->bitset & bitset))
			continue;
		if (woken >= nr)
			break;
		wake_locked(waiter);
		woken++;
	}
	return woken;
}

static long futex_wake(uaddr_t address, bool is_private, int nr, uint32_t bitset)
{
	struct futex_key key;
	struct bucket *bucket;
	int err;

	if (!bitset)
		return -EINVAL;
	err = key_init(&key, address, is_private);
	if (err)
		return err;
	nr = max(nr, 1); /* as on Linux: whoever wakes nobody wakes one */
	bucket = bucket_of(&key);
	/* Pairs with enqueue(): the waiter is seen here, or the program's store is seen there. */
	smp_mb();
	if (list_is_empty(&bucket->waiters))
		return 0;
	spin_lock(&bucket->lock);
	err = wake_key_locked(bucket, &key, nr, bitset);
	spin_unlock(&bucket->lock);
	thread_wakes_send();
	return err;
}

void futex_wake_address(uaddr_t address, int nr)
{
	(void)futex_wake(address, false, nr, FUTEX_BITSET_MATCH_ANY);
}

static int requeue_locked(struct bucket *from, const struct futex_key *key, struct bucket *to,
			  const struct futex_key *target, int nr)
{
	struct waiter *waiter, *ahead;
	int moved = 0;

	list_for_each_entry_safe(waiter, ahead, &from->waiters, link) {
		if (moved >= nr)
			break;
		if (!key_equal(&waiter->key, key))
			continue;
		if (from != to)
			list_move_tail(&to->waiters, &waiter->link);
		waiter->key = *target;
		WRITE_ONCE(waiter->bucket, to);
		moved++;
	}
	return moved;
}

static long futex_requeue(const struct futex_request *request, bool compare)
{
	bool is_private = request->op & FUTEX_PRIVATE_FLAG;
	struct futex_key from_key, to_key;
	struct bucket *from, *to;
	uint32_t now;
	int err, done;

	if ((int32_t)request->value < 0 || (int32_t)request->value2 < 0)
		return -EINVAL;
	err = key_init(&from_key, request->address, is_private);
	if (!err)
		err = key_init(&to_key, request->address2, is_private);
	if (err)
		return err;
	from = bucket_of(&from_key);
	to = bucket_of(&to_key);
	lock_pair(from, to);
	while (read_word_locked(request->address, &now)) {
		unlock_pair(from, to);
		if (fault_in(request->address))
			return -EFAULT;
		lock_pair(from, to);
	}
	if (compare && now != request->value3) {
		unlock_pair(from, to);
		return -EAGAIN;
	}
	done = wake_key_locked(from, &from_key, (int)request->value, FUTEX_BITSET_MATCH_ANY);
	done += requeue_locked(from, &from_key, to, &to_key, (int)request->value2);
	unlock_pair(from, to);
	thread_wakes_send();
	return done;
}

/* FUTEX_WAKE_OP's arithmetic on the second word: the old value in *old. */
static int operate_on_word(uaddr_t address, uint32_t encoded, uint32_t *old)
{
	uint32_t __user *word = (uint32_t __user *)address;
	int32_t operand = (int32_t)(encoded << 8) >> 20;
	uint32_t op = encoded >> 28 & 7, now, wanted;
	int err = user_get_u32(&now, word);

	if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT)
		operand = 1 << (operand & 31);
	for (; !err; now = *old) {
		switch (op) {
		case FUTEX_OP_SET:  wanted = (uint32_t)operand; break;
		case FUTEX_OP_ADD:  wanted = now + (uint32_t)operand; break;
		case FUTEX_OP_OR:   wanted = now | (uint32_t)operand; break;
		case FUTEX_OP_ANDN: wanted = now & ~(uint32_t)operand; break;
		case FUTEX_OP_XOR:  wanted = now ^ (uint32_t)operand; break;
		default: return -ENOSYS;
		}
		err = user_cmpxchg_u32(word, now, wanted, old);
		if (err || *old == now)
			break;
	}
	return err;
}

static int compare_word(uint32_t encoded, uint32_t old)
{
	int32_t operand = (int32_t)(encoded << 20) >> 20, value = (int32_t)old;

	switch (encoded >> 24 & 15) {
	case FUTEX_OP_CMP_EQ: return value == operand;
	case FUTEX_OP_CMP_NE: return value != operand;
	case FUTEX_OP_CMP_LT: return value < operand;
	case FUTEX_OP_CMP_LE: return value <= operand;
	case FUTEX_OP_CMP_GT: return value > operand;
	case FUTEX_OP_CMP_GE: return value >= operand;
	default: return -ENOSYS;
	}
}

static long futex_wake_op(const struct futex_request *request)
{
	bool is_private = request->op & FUTEX_PRIVATE_FLAG;
	uint32_t old;
	long woken, more;
	int holds, err = operate_on_word(request->address2, request->value3, &old);

	if (err)
		return err;
	holds = compare_word(request->value3, old);
	if (holds < 0)
		return holds;
	woken = futex_wake(request->address, is_private, (int)request->value,
	                   FUTEX_BITSET_MATCH_ANY);
	if (woken < 0 || !holds)
		return woken;
	more = futex_wake(request->address2, is_private, (int)request->value2,
	                  FUTEX_BITSET_MATCH_ANY);
	return more < 0 ? more : woken + more;
}

long futex_operate(const struct futex_request *request)
{
	unsigned command = request->op & ~(unsigned)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
	bool is_private = request->op & FUTEX_PRIVATE_FLAG;

	if ((request->op & FUTEX_CLOCK_REALTIME) && command != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	switch (command) {
	case FUTEX_WAIT:
		return futex_wait(request, FUTEX_BITSET_MATCH_ANY, deadline_of(request, false));
	case FUTEX_WAIT_BITSET:
		return futex_wait(request, request->value3, deadline_of(request, true));
	case FUTEX_WAKE:
		return futex_wake(request->address, is_private, (int)request->value,
				  FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(request->address, is_private, (int)request->value,
		                  request->value3);
	case FUTEX_REQUEUE:
		return futex_requeue(request, false);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(request, true);
	case FUTEX_WAKE_OP:
		return futex_wake_op(request);
	default:
		return -ENOSYS;
	}
}
