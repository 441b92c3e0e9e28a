/*
 * Message queues of System V. See ipc/msg.h.
 */
#include "ipc/msg.h"

#include <linux/capability.h>
#include <linux/errno.h>

#include "abi/errno.h"
#include "id/cred.h"
#include "ipc/object.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/slab.h"
#include "proc/proc.h"
#include "proc/task.h"
#include "sched/wait.h"

struct queue {
	struct ipc_object ipc;
	struct list messages __guarded_by(ipc.lock);
	uint64_t    bytes, nr, max_bytes __guarded_by(ipc.lock);
	int64_t     sent, received, changed __guarded_by(ipc.lock); /* seconds */
	pid_t       sender, receiver __guarded_by(ipc.lock);        /* the last ones */
	struct wait_queue readers, writers;
};

static struct cache queue_slab = CACHE("msg_queue", struct queue);
struct msg_limits msg_limits = { .max_size = MSGMAX, .max_queue = MSGMNB };
static int64_t msg_bytes __atomic, msg_count __atomic; /* in all queues */

static struct queue *to_queue(struct ipc_object *object)
{
	return container_of(object, struct queue, ipc);
}

/* ---- making ---------------------------------------------------------------------------------- */

static int queue_create(const void *request, struct ipc_object **out)
{
	struct queue *queue = cache_alloc(&queue_slab, ALLOC_KERNEL | ALLOC_ZERO);

	(void)request;
	if (!queue)
		return -ENOMEM;
	list_init(&queue->messages);
	queue->max_bytes = (uint64_t)READ_ONCE(msg_limits.max_queue);
	queue->changed = ipc_now();
	wait_queue_init(&queue->readers);
	wait_queue_init(&queue->writers);
	*out = &queue->ipc;
	return 0;
}

static int queue_check(const struct ipc_object *object, const void *request)
{
	(void)object;
	(void)request;
	return 0;
}

static void queue_free(struct ipc_object *object)
{
	struct queue *queue = to_queue(object);
	struct message_sysv *message, *next;

	list_for_each_entry_safe(message, next, &queue->messages, link) {
		atomic_fetch_sub(&msg_bytes, (int64_t)message->size);
		atomic_fetch_sub(&msg_count, 1);
		msg_free(message);
	}
	cache_free(&queue_slab, queue);
}

static const struct ipc_kind queue_kind = {
	.create = queue_create, .check = queue_check, .free = queue_free,
};

static struct ipc_ids msg_ids = IPC_IDS(&queue_kind, MSGMNI);

int msg_get(int key, int flags)
{
	return ipc_get(&msg_ids, key, flags, NULL);
}

int msg_max_queues(void)
{
	return atomic_load_relaxed(&msg_ids.max);
}

int msg_set_max_queues(int max)
{
	if (max < 0 || max > IPC_SLOTS_MAX)
		return -EINVAL;
	atomic_store_relaxed(&msg_ids.max, max);
	return 0;
}

struct message_sysv *msg_alloc(size_t size)
{
	struct message_sysv *message = kvmalloc(sizeof(*message) + size, ALLOC_KERNEL);

	if (message)
		message->size = size;
	return message;
}

void msg_free(struct message_sysv *message)
{
	kvfree(message);
}

/* A queue by number, for who may do what the bits of a mode say; ipc_unlock() is due. */
static int queue_lock(int id, int mode, struct queue **out)
{
	struct ipc_object *object;
	int err = ipc_lock(&msg_ids, id, &object);

	if (err)
		return err;
	err = ipc_check(object, task_current()->cred, mode);
	if (err)
		ipc_unlock(object);
	else
		*out = to_queue(object);
	return err;
}

/* ---- sending --------------------------------------------------------------------------------- */

static bool has_room(const struct queue *queue, const struct message_sysv *message)
{
	return queue->ipc.is_removed || (queue->bytes + message->size <= queue->max_bytes &&
	                                 queue->nr + 1 <= queue->max_bytes);
}

/* What a wait was ended by: the queue may have gone meanwhile, or the right to what mode says. */
static int after_wait(const struct queue *queue, int mode, int err)
{
	if (queue->ipc.is_removed)
		return -EIDRM;
	return err ? -ERESTARTNOHAND : ipc_check(&queue->ipc, task_current()->cred, mode);
}

int msg_send(int id, struct message_sysv *message, int flags)
{
	struct queue *queue;
	int err = queue_lock(id, 0222, &queue);

	if (err)
		return err;
	__acquire(&queue->ipc.lock);
	if (!has_room(queue, message)) {
		err = flags & IPC_NOWAIT ? -EAGAIN
			: after_wait(queue, 0222, wait_event_interruptible_spin(
				&queue->writers, has_room(queue, message),
				&queue->ipc.lock));
	}
	if (!err) {
		list_add_tail(&queue->messages, &message->link);
		queue->bytes += message->size;
		queue->nr++;
		queue->sent = ipc_now();
		queue->sender = proc_tgid(proc_current());
		atomic_fetch_add(&msg_bytes, (int64_t)message->size);
		atomic_fetch_add(&msg_count, 1);
		wake_up_all(&queue->readers);
	}
	__release(&queue->ipc.lock);
	ipc_unlock(&queue->ipc);
	return err;
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* The first that is wished for; of several types below a bound the one of the least. */
static struct message_sysv *choose(const struct queue *queue, const struct msg_wish *wish)
{
	const long bound = wish->type == INT64_MIN ? INT64_MAX : -wish->type;
	struct message_sysv *message, *best = NULL;

	list_for_each_entry(message, &queue->messages, link) {
		if (wish->type == 0)
			return message;
		if (wish->type > 0) {
			if ((message->type == wish->type) != !!(wish->flags & MSG_EXCEPT))
				return message;
		} else if (message->type <= bound && (!best || message->type < best->type)) {
			best = message;
		}
	}
	return best;
}

static void take_out_locked(struct queue *queue, struct message_sysv *message)
{
	list_remove(&message->link);
	queue->bytes -= message->size;
	queue->nr--;
	queue->received = ipc_now();
	queue->receiver = proc_tgid(proc_current());
	atomic_fetch_sub(&msg_bytes, (int64_t)message->size);
	atomic_fetch_sub(&msg_count, 1);
	wake_up_all(&queue->writers);
}

int msg_receive(int id, const struct msg_wish *wish, struct message_sysv **out)
{
	struct message_sysv *message;
	struct queue *queue;
	int err = queue_lock(id, 0444, &queue);

	if (err)
		return err;
	__acquire(&queue->ipc.lock);
	message = choose(queue, wish);
	if (!message) {
		err = wish->flags & IPC_NOWAIT ? -ENOMSG
			: after_wait(queue, 0444, wait_event_interruptible_spin(
				&queue->readers,
				queue->ipc.is_removed || (message = choose(queue, wish)),
				&queue->ipc.lock));
	}
	if (!err && message->size > wish->size && !(wish->flags & MSG_NOERROR))
		err = -E2BIG;
	if (!err) {
		take_out_locked(queue, message);
		*out = message;
	}
	__release(&queue->ipc.lock);
	ipc_unlock(&queue->ipc);
	return err;
}

int msg_copy(int id, const struct msg_wish *wish, struct message_sysv *into)
{
	struct message_sysv *message;
	long place = wish->type;
	struct queue *queue;
	int err = queue_lock(id, 0444, &queue);

	if (err)
		return err;
	err = -ENOMSG;
	list_for_each_entry(message, &queue->messages, link) {
		if (place-- != 0)
			continue;
		err = message->size > wish->size && !(wish->flags & MSG_NOERROR) ? -E2BIG : 0;
		if (err)
			break;
		into->type = message->type;
		into->size = min(message->size, into->size);
		memcpy(into->text, message->text, into->size);
		break;
	}
	ipc_unlock(&queue->ipc);
	return err;
}

/* ---- msgctl(2) ------------------------------------------------------------------------------- */

static void stat_fill(const struct queue *queue, struct msqid64_ds *out)
{
	*out = (struct msqid64_ds){
		.msg_stime = queue->sent,
		.msg_rtime = queue->received,
		.msg_ctime = queue->changed,
		.msg_cbytes = queue->bytes,
		.msg_qnum = queue->nr,
		.msg_qbytes = queue->max_bytes,
		.msg_lspid = queue->sender,
		.msg_lrpid = queue->receiver,
	};
	ipc_perm_fill(&queue->ipc, &out->msg_perm);
}

int msg_stat(int id, int command, struct msqid64_ds *out)
{
	struct ipc_object *object;
	int result = command == IPC_STAT ? ipc_lock(&msg_ids, id, &object)
	                                 : ipc_lock_slot(&msg_ids, id, &object);

	if (result)
		return result;
	if (command != MSG_STAT_ANY)
		result = ipc_check(object, task_current()->cred, 0444);
	if (!result) {
		stat_fill(to_queue(object), out);
		result = command == IPC_STAT ? 0 : object->id;
	}
	ipc_unlock(object);
	return result;
}

int msg_change(int id, const struct msqid64_ds *wanted)
{
	const struct cred *cred = task_current()->cred;
	struct ipc_object *object;
	struct queue *queue;
	int err = ipc_lock(&msg_ids, id, &object);

	if (err)
		return err;
	queue = to_queue(object);
	err = ipc_check_owner(object, cred);
	if (!err && wanted->msg_qbytes > (uint64_t)READ_ONCE(msg_limits.max_queue) &&
	    !cred_capable(cred, CAP_SYS_RESOURCE))
		err = -EPERM;
	if (!err)
		err = ipc_perm_set(object, &wanted->msg_perm);
	if (!err) {
		queue->max_bytes = wanted->msg_qbytes;
		queue->changed = ipc_now();
		wake_up_all(&queue->writers); /* there may be room now */
	}
	ipc_unlock(object);
	return err;
}

int msg_remove(int id)
{
	struct ipc_object *object;
	int err = ipc_lock(&msg_ids, id, &object);

	if (err)
		return err;
	err = ipc_check_owner(object, task_current()->cred);
	if (!err) {
		ipc_remove_locked(object);
		wake_up_all(&to_queue(object)->readers);
		wake_up_all(&to_queue(object)->writers);
	}
	ipc_unlock(object);
	return err;
}

int msg_info(int command, struct msginfo *out)
{
	const bool counts = command == MSG_INFO;

	*out = (struct msginfo){
		.msgmni = msg_max_queues(),
		.msgmax = READ_ONCE(msg_limits.max_size),
		.msgmnb = READ_ONCE(msg_limits.max_queue),
		.msgssz = MSGSSZ,
		.msgseg = MSGSEG,
		.msgmap = counts ? (int)atomic_load_relaxed(&msg_count) : MSGMAP,
		.msgpool = counts ? (int)ipc_in_use(&msg_ids) : MSGPOOL,
		.msgtql = counts ? (int)atomic_load_relaxed(&msg_bytes) : MSGTQL,
	};
	return ipc_highest_slot(&msg_ids);
}

bool msg_next(uint32_t *slot, int *id, struct msqid64_ds *out)
{
	struct ipc_object *object = ipc_lock_next(&msg_ids, slot);

	if (!object)
		return false;
	*id = object->id;
	stat_fill(to_queue(object), out);
	ipc_unlock(object);
	return true;
}
