/*
 * User and group ids of a thread: getuid(2) to setgroups(2). credentials(7).
 *
 * A change makes a copy of the creds, changes that, and commits it whole. -1 leaves an id as it is.
 */
#include "id/cred.h"

#include <linux/errno.h>

#include "lib/math.h"
#include "mem/alloc.h"
#include "proc/task.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

#define ID_UNCHANGED ((uid_t)-1)

long sys_getuid(void)
{
	return task_current()->cred->uid;
}

long sys_geteuid(void)
{
	return task_current()->cred->euid;
}

long sys_getgid(void)
{
	return task_current()->cred->gid;
}

long sys_getegid(void)
{
	return task_current()->cred->egid;
}

/* ---- changing them ------------------------------------------------------------------------- */

/* The rules are the same for users and groups; only what follows from a new user id differs. */
enum id_kind { USER_IDS, GROUP_IDS };

struct ids {
	uint32_t real, effective, saved, fs;
};

static struct ids ids_of(const struct cred *cred, enum id_kind kind)
{
	if (kind == USER_IDS)
		return (struct ids){ cred->uid, cred->euid, cred->suid, cred->fsuid };
	return (struct ids){ cred->gid, cred->egid, cred->sgid, cred->fsgid };
}

static bool is_privileged(enum id_kind kind)
{
	return cred_capable(task_current()->cred, kind == USER_IDS ? CAP_SETUID : CAP_SETGID);
}

static bool is_own(const struct ids *ids, uint32_t id)
{
	return id == ids->real || id == ids->effective || id == ids->saved;
}

/* Publishes new ids; of a user, the capabilities follow. */
static long ids_commit(enum id_kind kind, const struct ids *ids)
{
	const struct cred *old = task_current()->cred;
	struct cred *new;
	int err = cred_dup(old, &new);

	if (err)
		return err;
	if (kind == USER_IDS) {
		new->uid = ids->real;
		new->euid = ids->effective;
		new->suid = ids->saved;
		new->fsuid = ids->fs;
		cred_fix_caps_after_setuid(new, old);
	} else {
		new->gid = ids->real;
		new->egid = ids->effective;
		new->sgid = ids->saved;
		new->fsgid = ids->fs;
	}
	return task_cred_commit(new);
}

/* setuid(2), setgid(2) */
static long set_id(enum id_kind kind, uint32_t id)
{
	struct ids ids = ids_of(task_current()->cred, kind);
	bool privileged = is_privileged(kind);

	if (id == ID_UNCHANGED)
		return -EINVAL;
	if (!privileged && id != ids.real && id != ids.saved)
		return -EPERM;
	if (privileged)
		ids.real = ids.saved = id;
	ids.effective = ids.fs = id;
	return ids_commit(kind, &ids);
}

long sys_setuid(uid_t uid)
{
	return set_id(USER_IDS, uid);
}

long sys_setgid(gid_t gid)
{
	return set_id(GROUP_IDS, gid);
}

/* setreuid(2), setregid(2) */
static long set_real_effective(enum id_kind kind, uint32_t real, uint32_t effective)
{
	const struct ids old = ids_of(task_current()->cred, kind);
	bool privileged = is_privileged(kind);
	struct ids new = old;

	if (!privileged && real != ID_UNCHANGED && real != old.real && real != old.effective)
		return -EPERM;
	if (!privileged && effective != ID_UNCHANGED && !is_own(&old, effective))
		return -EPERM;
	if (real != ID_UNCHANGED)
		new.real = real;
	if (effective != ID_UNCHANGED)
		new.effective = effective;
	if (real != ID_UNCHANGED || (effective != ID_UNCHANGED && effective != old.real))
		new.saved = new.effective;
	new.fs = new.effective;
	return ids_commit(kind, &new);
}

long sys_setreuid(uid_t ruid, uid_t euid)
{
	return set_real_effective(USER_IDS, ruid, euid);
}

long sys_setregid(gid_t rgid, gid_t egid)
{
	return set_real_effective(GROUP_IDS, rgid, egid);
}

static bool may_take(enum id_kind kind, const struct ids *old, uint32_t id)
{
	return id == ID_UNCHANGED || is_own(old, id) || is_privileged(kind);
}

/* setresuid(2), setresgid(2) */
static long set_all(enum id_kind kind, const struct ids *wanted)
{
	const struct ids old = ids_of(task_current()->cred, kind);
	struct ids new = *wanted;

	if (!may_take(kind, &old, new.real) || !may_take(kind, &old, new.effective) ||
	    !may_take(kind, &old, new.saved))
		return -EPERM;
	if (new.real == ID_UNCHANGED)
		new.real = old.real;
	if (new.effective == ID_UNCHANGED)
		new.effective = old.effective;
	if (new.saved == ID_UNCHANGED)
		new.saved = old.saved;
	new.fs = new.effective;
	return ids_commit(kind, &new);
}

long sys_setresuid(uid_t ruid, uid_t euid, uid_t suid)
{
	const struct ids wanted = { .real = ruid, .effective = euid, .saved = suid };

	return set_all(USER_IDS, &wanted);
}

long sys_setresgid(gid_t rgid, gid_t egid, gid_t sgid)
{
	const struct ids wanted = { .real = rgid, .effective = egid, .saved = sgid };

	return set_all(GROUP_IDS, &wanted);
}

static long ids_tell(enum id_kind kind, uint32_t __user *real, uint32_t __user *effective,
		     uint32_t __user *saved)
{
	const struct ids ids = ids_of(task_current()->cred, kind);

	if (put_user(ids.real, real) || put_user(ids.effective, effective) ||
	    put_user(ids.saved, saved))
		return -EFAULT;
	return 0;
}

long sys_getresuid(uid_t __user *ruid, uid_t __user *euid, uid_t __user *suid)
{
	return ids_tell(USER_IDS, ruid, euid, suid);
}

long sys_getresgid(gid_t __user *rgid, gid_t __user *egid, gid_t __user *sgid)
{
	return ids_tell(GROUP_IDS, rgid, egid, sgid);
}

/* Always the old id, whether it was changed or not: setfsuid(2). */
static long set_fs(enum id_kind kind, uint32_t id)
{
	const struct cred *old = task_current()->cred;
	const struct ids ids = ids_of(old, kind);
	struct cred *new;

	if (id == ID_UNCHANGED || id == ids.fs || !may_take(kind, &ids, id) || cred_dup(old, &new))
		return ids.fs;
	if (kind == USER_IDS) {
		new->fsuid = id;
		cred_fix_caps_after_setfsuid(new, old);
	} else {
		new->fsgid = id;
	}
	(void)!task_cred_commit(new);
	return ids.fs;
}

long sys_setfsuid(uid_t uid)
{
	return set_fs(USER_IDS, uid);
}

long sys_setfsgid(gid_t gid)
{
	return set_fs(GROUP_IDS, gid);
}

/* ---- groups -------------------------------------------------------------------------------- */

long sys_getgroups(int size, gid_t __user *list)
{
	const struct cred_groups *groups = task_current()->cred->groups;

	if (size < 0 || (size && (uint32_t)size < groups->count))
		return -EINVAL;
	if (size && copy_to_user(list, groups->gids, groups->count * sizeof(gid_t)))
		return -EFAULT;
	return groups->count;
}

static int groups_read(const gid_t __user *list, uint32_t count, struct cred_groups **groups)
{
	gid_t *gids = kvmalloc(max(count * sizeof(gid_t), 1ul), ALLOC_KERNEL);
	int err;

	if (!gids)
		return -ENOMEM;
	err = copy_from_user(gids, list, count * sizeof(gid_t));
	for (uint32_t i = 0; !err && i < count; i++)
		if (gids[i] == ID_UNCHANGED)
			err = -EINVAL;
	if (!err)
		err = cred_groups_create(gids, count, groups);
	kvfree(gids);
	return err;
}

long sys_setgroups(int size, const gid_t __user *list)
{
	const struct cred *old = task_current()->cred;
	struct cred_groups *groups;
	struct cred *new;
	int err;

	if (!cred_capable(old, CAP_SETGID))
		return -EPERM;
	if (size < 0 || size > GROUPS_MAX)
		return -EINVAL;
	err = groups_read(list, (uint32_t)size, &groups);
	if (err)
		return err;
	err = cred_dup(old, &new);
	if (err) {
		cred_groups_put(groups);
		return err;
	}
	cred_groups_put(new->groups);
	new->groups = groups;
	return task_cred_commit(new);
}
