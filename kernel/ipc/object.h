/*
 * System V IPC: what segments, semaphore sets and queues have in common. sysvipc(7), ipc(2)
 *
 *     err = ipc_get(&shm_ids, key, flags, &request, &id);      shmget and its kin
 *     err = ipc_lock(&shm_ids, id, &object);                   counted, its lock held
 *     ... ipc_check(object, cred, S_IRUGO) ...
 *     ipc_unlock(object);                                      both given back
 *
 * An object embeds struct ipc_object first. It is found by its number until it is removed; whoever
 * holds a reference sees is_removed then and says EIDRM. A number is a place in the table and a
 * sequence that grows whenever places begin anew, so that old numbers are not soon another's.
 *
 * Locking: the table has a spinlock inside the objects' (RANK_LEAF); an object has one of its own
 * (RANK_SPIN_OUTER). Functions that make or free may sleep.
 */
#pragma once

#include <linux/ipc.h>

#include "core/spinlock.h"
#include "lib/refcount.h"
#include "lib/types.h"

struct cred;
struct ipc_object;

struct ipc_kind {
	/*
	 * A new object, with one reference, its struct ipc_object blank. request: what was asked.
	 */
	int (*create)(const void *request, struct ipc_object **out);
	/* An object that was found by its key: EINVAL if it is too small. Object locked. */
	int (*check)(const struct ipc_object *object, const void *request);
	void (*free)(struct ipc_object *object); /* the last reference is gone */
};

struct ipc_ids {
	const struct ipc_kind *kind __const_after_init;
	struct spinlock        lock; /* RANK_LEAF */
	struct ipc_object    **slots __guarded_by(lock);
	uint32_t               nr_slots __guarded_by(lock); /* of the array */
	uint32_t               in_use __guarded_by(lock);
	int32_t                last_slot __guarded_by(lock); /* given out; -1: none yet */
	uint32_t               sequence __guarded_by(lock);
	int                    max __atomic; /* kernel.shmmni and its kin */
};
#define IPC_IDS(kind_, max_) \
	{ .kind = (kind_), .lock = SPINLOCK(RANK_LEAF), .last_slot = -1, .max = (max_) }

enum { IPC_SLOTS_MAX = 32768 };

struct ipc_object {
	struct ipc_ids *ids __const_after_init;
	struct refcount refs;
	struct spinlock lock; /* RANK_SPIN_OUTER, over all of the object */
	int      key __guarded_by(lock); /* IPC_PRIVATE once nobody is to find it any more */
	int      id __const_after_init;
	uint32_t sequence __const_after_init;
	uid_t    uid, cuid __guarded_by(lock);
	gid_t    gid, cgid __guarded_by(lock);
	mode_t   mode __guarded_by(lock);
	bool     is_removed __guarded_by(lock);
};

/* shmget(2) and its kin: the number of the object, made if need be. ENOENT EEXIST EACCES ENOSPC. */
int __must_check ipc_get(struct ipc_ids *ids, int key, int flags, const void *request);

/* By number: a reference, and its lock held. EINVAL: no such, EIDRM: it was removed meanwhile. */
int __must_check ipc_lock(struct ipc_ids *ids, int id, struct ipc_object **out);
/* By place in the table, whatever the sequence: SHM_STAT and its kin. */
int __must_check ipc_lock_slot(struct ipc_ids *ids, int slot, struct ipc_object **out);
/* The next one at or behind *slot, which becomes its place; NULL at the end. For listings. */
struct ipc_object *ipc_lock_next(struct ipc_ids *ids, uint32_t *slot);
void ipc_unlock(struct ipc_object *object);
/* The number of places up to the last that is used, less one; 0: none is used. */
int ipc_highest_slot(struct ipc_ids *ids);
uint32_t ipc_in_use(struct ipc_ids *ids);

void ipc_put(struct ipc_object *object);

/* May `cred` do what these bits of a mode say (in any of the three places)? 0 or EACCES. Locked. */
int __must_check ipc_check(const struct ipc_object *object, const struct cred *cred, int mode);
/* IPC_SET, IPC_RMID: its owner, its maker, or CAP_SYS_ADMIN; else EPERM. Locked. */
int __must_check ipc_check_owner(const struct ipc_object *object, const struct cred *cred);

/* IPC_STAT's and IPC_SET's part. Locked. EINVAL: an id that is none. */
void ipc_perm_fill(const struct ipc_object *object, struct ipc64_perm *out);
int __must_check ipc_perm_set(struct ipc_object *object, const struct ipc64_perm *wanted);

/*
 * No longer found, neither by key nor by number; the table's reference goes. Locked; it stays so.
 */
void ipc_remove_locked(struct ipc_object *object);

/* Seconds since the epoch, as the objects tell them. */
int64_t ipc_now(void);
