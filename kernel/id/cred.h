/*
 * Credentials: who a thread acts as. Immutable once published, counted, shared by threads and open
 * files, and replaced whole:
 *
 *     struct cred *new;
 *     err = cred_dup(task->cred, &new);      a private copy, one reference
 *     new->euid = uid; ...                   change it
 *     err = cred_commit(&task->cred, new);   publish; the old one is let go of after a grace period
 *
 * Only the owning thread replaces its pointer. It reads the pointer plainly; others read it under
 * RCU with cred_lookup(). A reference taken by cred_get() keeps it for as long as wished.
 *
 * struct user counts what one real uid uses, for RLIMIT_NPROC, RLIMIT_SIGPENDING and the like.
 */
#pragma once

#include <linux/capability.h>

#include "lib/hlist.h"
#include "lib/refcount.h"
#include "lib/types.h"
#include "sched/rcu.h"

typedef uint64_t cap_set_t; /* bit n: CAP_n */

#define CAP_FULL  ((2ul << CAP_LAST_CAP) - 1)
#define cap_bit(cap) (1ul << (cap))

enum { GROUPS_MAX = 65536 };

/* Supplementary groups, sorted; immutable, counted. */
struct cred_groups {
	struct refcount refs;
	uint32_t        count __const_after_init;
	gid_t           gids[] __const_after_init;
};

/* What one real uid uses, over all its processes. */
struct user {
	struct refcount   refs;
	uid_t             uid __const_after_init;
	struct hlist_node link __guarded_by(users.lock); /* in the table, by uid */
	int64_t           processes __atomic;       /* RLIMIT_NPROC */
	int64_t           pending_signals __atomic; /* RLIMIT_SIGPENDING */
	int64_t           locked_pages __atomic;    /* RLIMIT_MEMLOCK */
	int64_t           epoll_watches __atomic;
	int64_t           inotify_instances __atomic;
	int64_t           inotify_watches __atomic;
	int64_t           message_bytes __atomic;   /* RLIMIT_MSGQUEUE */
	int64_t           pipe_pages __atomic;
	int64_t           files_in_flight __atomic; /* descriptors inside unix sockets */
};

struct cred {
	struct refcount refs;
	uid_t     uid, euid, suid, fsuid;
	gid_t     gid, egid, sgid, fsgid;
	uint32_t  securebits;
	bool      no_new_privs;
	cap_set_t permitted, effective, inheritable, bounding, ambient;
	struct cred_groups *groups; /* a reference; never NULL */
	struct user        *user;   /* of uid; a reference */
	struct rcu_head     rcu;
};

/* Everything is allowed: the kernel's own, and the first process's. Never freed. */
extern struct cred cred_root;

static inline struct cred *cred_get(const struct cred *cred)
{
	struct cred *shared = (struct cred *)(uintptr_t)cred;

	refcount_get(&shared->refs);
	return shared;
}

/* NULL does nothing. Any context but hard interrupts. */
void cred_put(const struct cred *cred);

/* A copy to change, with one reference. May sleep. -ENOMEM. */
__must_check int cred_dup(const struct cred *cred, struct cred **copy);

/*
 * Publishes new (consumed) at *slot and puts what was there. new->user is exchanged for that of
 * new->uid if the uid changed; counters of users are the caller's to move. May sleep. -ENOMEM; then
 * new is put and *slot is as before.
 */
__must_check int cred_commit(const struct cred **slot, struct cred *new);

/* A reference to what another thread's slot holds. */
struct cred *cred_lookup(const struct cred *const *slot);

/* The thread has the capability in its effective set. Whoever may audit is the caller. */
static inline bool cred_capable(const struct cred *cred, int cap)
{
	return cred->effective >> cap & 1;
}

/* gid is fsgid or a supplementary group / egid or a supplementary group. */
bool cred_in_group(const struct cred *cred, gid_t gid);
bool cred_in_egroup(const struct cred *cred, gid_t gid);

/* A sorted copy of gids, one reference. May sleep. -ENOMEM; count is at most GROUPS_MAX. */
__must_check int cred_groups_create(const gid_t *gids, uint32_t count, struct cred_groups **groups);
void cred_groups_put(struct cred_groups *groups);

/* Capabilities after a change of uids, as capabilities(7) says; `old` has the uids of before. */
void cred_fix_caps_after_setuid(struct cred *new, const struct cred *old);
void cred_fix_caps_after_setfsuid(struct cred *new, const struct cred *old);

/* What the file to be executed says about identity: set-id bits and owner. */
struct cred_exec {
	bool  set_uid, set_gid; /* already false for nosuid mounts and traced callers */
	uid_t uid;
	gid_t gid;
	/* others share the caller's root and working directory: they could lead it astray */
	bool  is_unsafe;
};

/* execve(2): new is a copy of old and becomes the program's identity. True: AT_SECURE. */
bool cred_fix_for_exec(struct cred *new, const struct cred *old, const struct cred_exec *file);

/* The counters of a uid, one reference. May sleep. -ENOMEM. */
__must_check int user_get(uid_t uid, struct user **user);
void user_put(struct user *user);
static inline struct user *user_hold(struct user *user)
{
	refcount_get(&user->refs);
	return user;
}
