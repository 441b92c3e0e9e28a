/*
 * What System V's objects have in common. See ipc/object.h.
 */
#include "ipc/object.h"

#include <linux/capability.h>
#include <linux/errno.h>

#include "core/panic.h"
#include "id/cred.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "proc/task.h"
#include "sched/clock.h"

enum {
	SEQUENCE_MAX  = INT32_MAX / IPC_SLOTS_MAX,
	/* Places are not used again before so many others were, as on Linux. */
	SLOTS_A_ROUND = 64,
};

int64_t ipc_now(void)
{
	return clock_realtime() / NS_PER_SEC;
}

void ipc_put(struct ipc_object *object)
{
	if (refcount_put(&object->refs))
		object->ids->kind->free(object);
}

/* ---- the table ------------------------------------------------------------------------------- */

static struct ipc_object *find_key_locked(const struct ipc_ids *ids, int key)
{
	for (uint32_t i = 0; i < ids->nr_slots; i++)
		if (ids->slots[i] && READ_ONCE(ids->slots[i]->key) == key)
			return ids->slots[i];
	return NULL;
}

/* A free place, going round; nr_slots: none. */
static uint32_t free_slot_locked(const struct ipc_ids *ids)
{
	const uint32_t round = max(ids->in_use * 3 / 2, (uint32_t)SLOTS_A_ROUND);
	uint32_t slot;

	for (slot = (uint32_t)(ids->last_slot + 1); slot < min(round, ids->nr_slots); slot++)
		if (!ids->slots[slot])
			return slot;
	for (slot = 0; slot < ids->nr_slots && ids->slots[slot]; slot++)
		;
	return slot;
}

static int slots_grow(struct ipc_ids *ids)
{
	const uint32_t old = READ_ONCE(ids->nr_slots), nr = old ? old * 2 : SLOTS_A_ROUND;
	struct ipc_object **slots, **unused;

	if (old == IPC_SLOTS_MAX)
		return -ENOSPC;
	slots = kvmalloc(nr * sizeof(struct ipc_object *), ALLOC_KERNEL | ALLOC_ZERO);
	if (!slots)
		return -ENOMEM;
	spin_lock(&ids->lock);
	unused = slots;
	if (ids->nr_slots == old) {
		if (old)
			memcpy(slots, ids->slots, old * sizeof(struct ipc_object *));
		unused = ids->slots;
		ids->slots = slots;
		ids->nr_slots = nr;
	}
	spin_unlock(&ids->lock);
	kvfree(unused);
	return 0;
}

/* EEXIST: another has this key by now. EAGAIN: the array is too small. */
static int insert(struct ipc_ids *ids, struct ipc_object *object)
{
	uint32_t slot;
	int err = 0;

	spin_lock(&ids->lock);
	slot = free_slot_locked(ids);
	if (ids->in_use >= (uint32_t)atomic_load_relaxed(&ids->max)) {
		err = -ENOSPC;
	} else if (object->key != IPC_PRIVATE && find_key_locked(ids, object->key)) {
		err = -EEXIST;
	} else if (slot == ids->nr_slots) {
		err = -EAGAIN;
	} else {
		if ((int32_t)slot <= ids->last_slot)
			ids->sequence = (ids->sequence + 1) % SEQUENCE_MAX;
		ids->last_slot = (int32_t)slot;
		ids->slots[slot] = object;
		ids->in_use++;
		object->sequence = ids->sequence;
		object->id = (int)(ids->sequence * IPC_SLOTS_MAX + slot);
	}
	spin_unlock(&ids->lock);
	return err;
}

void ipc_remove_locked(struct ipc_object *object)
{
	struct ipc_ids *ids = object->ids;
	bool is_last;

	object->is_removed = true;
	object->key = IPC_PRIVATE;
	spin_lock(&ids->lock);
	ids->slots[(uint32_t)object->id % IPC_SLOTS_MAX] = NULL;
	ids->in_use--;
	spin_unlock(&ids->lock);
	is_last = refcount_put(&object->refs); /* the table's; the caller has another */
	assert(!is_last);
}

/* ---- finding --------------------------------------------------------------------------------- */

/* Takes the lock of an object to which there is a reference. EIDRM: too late. */
static int object_lock(struct ipc_object *object)
{
	spin_lock(&object->lock);
	if (!object->is_removed) {
		__release(&object->lock); /* the caller's, until ipc_unlock() */
		return 0;
	}
	spin_unlock(&object->lock);
	ipc_put(object);
	return -EIDRM;
}

static struct ipc_object *slot_get(struct ipc_ids *ids, uint32_t slot)
{
	struct ipc_object *object;

	spin_lock(&ids->lock);
	object = slot < ids->nr_slots ? ids->slots[slot] : NULL;
	if (object)
		refcount_get(&object->refs);
	spin_unlock(&ids->lock);
	return object;
}

int ipc_lock_slot(struct ipc_ids *ids, int slot, struct ipc_object **out)
{
	struct ipc_object *object =
		slot < 0 ? NULL : slot_get(ids, (uint32_t)slot % IPC_SLOTS_MAX);

	if (!object)
		return -EINVAL;
	*out = object;
	return object_lock(object);
}

int ipc_lock(struct ipc_ids *ids, int id, struct ipc_object **out)
{
	int err = ipc_lock_slot(ids, id, out);

	if (err || (*out)->id == id)
		return err;
	ipc_unlock(*out);
	return -EINVAL;
}

struct ipc_object *ipc_lock_next(struct ipc_ids *ids, uint32_t *slot)
{
	struct ipc_object *object;

	for (; *slot < READ_ONCE(ids->nr_slots); (*slot)++) {
		object = slot_get(ids, *slot);
		if (object && !object_lock(object))
			return object;
	}
	return NULL;
}

void ipc_unlock(struct ipc_object *object)
{
	__acquire(&object->lock); /* by ipc_lock() or its kin */
	spin_unlock(&object->lock);
	ipc_put(object);
}

int ipc_highest_slot(struct ipc_ids *ids)
{
	int highest = 0;

	spin_lock(&ids->lock);
	for (uint32_t i = 0; i < ids->nr_slots; i++)
		if (ids->slots[i])
			highest = (int)i;
	spin_unlock(&ids->lock);
	return highest;
}

uint32_t ipc_in_use(struct ipc_ids *ids)
{
	return READ_ONCE(ids->in_use);
}

/* ---- making ---------------------------------------------------------------------------------- */

static int create(struct ipc_ids *ids, int key, int flags, const void *request)
{
	const struct cred *cred = task_current()->cred;
	struct ipc_object *object;
	int err = ids->kind->create(request, &object), id;

	if (err)
		return err;
	object->ids = ids;
	spin_lock_init(&object->lock, RANK_SPIN_OUTER);
	refcount_init(&object->refs, 2); /* the table's, and ours */
	object->key = key;
	object->uid = object->cuid = cred->euid;
	object->gid = object->cgid = cred->egid;
	object->mode |= (mode_t)flags & 0777;
	object->is_removed = false;
	do {
		err = insert(ids, object);
	} while (err == -EAGAIN && !(err = slots_grow(ids)));
	id = object->id;
	if (err)
		ipc_put(object);
	ipc_put(object);
	return err ? err : id;
}

static struct ipc_object *key_get(struct ipc_ids *ids, int key)
{
	struct ipc_object *object;

	spin_lock(&ids->lock);
	object = find_key_locked(ids, key);
	if (object)
		refcount_get(&object->refs);
	spin_unlock(&ids->lock);
	return object;
}

/* EIDRM: it has gone meanwhile. */
static int use(struct ipc_object *object, int flags, const void *request)
{
	int err = object_lock(object);

	if (err)
		return err;
	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		err = -EEXIST;
	else
		err = object->ids->kind->check(object, request);
	if (!err)
		err = ipc_check(object, task_current()->cred, flags);
	if (!err)
		err = object->id;
	ipc_unlock(object);
	return err;
}

int ipc_get(struct ipc_ids *ids, int key, int flags, const void *request)
{
	struct ipc_object *object;
	int result;

	if (key == IPC_PRIVATE)
		return create(ids, key, flags, request);
	do {
		object = key_get(ids, key);
		if (object)
			result = use(object, flags, request);
		else if (!(flags & IPC_CREAT))
			return -ENOENT;
		else
			result = create(ids, key, flags, request);
	} while (result == -EIDRM || (result == -EEXIST && !object));
	return result;
}

/* ---- rights ---------------------------------------------------------------------------------- */

int ipc_check(const struct ipc_object *object, const struct cred *cred, int mode)
{
	const uint32_t wanted = (uint32_t)(mode >> 6 | mode >> 3 | mode) & 7;
	uint32_t granted = object->mode;

	if (cred->euid == object->cuid || cred->euid == object->uid)
		granted >>= 6;
	else if (cred_in_group(cred, object->cgid) || cred_in_group(cred, object->gid))
		granted >>= 3;
	return wanted & ~granted && !cred_capable(cred, CAP_IPC_OWNER) ? -EACCES : 0;
}

int ipc_check_owner(const struct ipc_object *object, const struct cred *cred)
{
	bool is_own = cred->euid == object->cuid || cred->euid == object->uid;

	return is_own || cred_capable(cred, CAP_SYS_ADMIN) ? 0 : -EPERM;
}

void ipc_perm_fill(const struct ipc_object *object, struct ipc64_perm *out)
{
	out->key = object->key;
	out->uid = object->uid;
	out->gid = object->gid;
	out->cuid = object->cuid;
	out->cgid = object->cgid;
	out->mode = object->mode;
	out->seq = (unsigned short)object->sequence;
}

int ipc_perm_set(struct ipc_object *object, const struct ipc64_perm *wanted)
{
	if (wanted->uid == (uid_t)-1 || wanted->gid == (gid_t)-1)
		return -EINVAL;
	object->uid = wanted->uid;
	object->gid = wanted->gid;
	object->mode = (object->mode & ~(mode_t)0777) | (wanted->mode & 0777);
	return 0;
}
