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

static bool is_own_uid(const struct cred *cred, uid_t uid)
{
	return uid == cred->uid || uid == cred->euid || uid == cred->suid;
}

static bool is_own_gid(const struct cred *cred, gid_t gid)
{
	return gid == cred->gid || gid == cred->egid || gid == cred->sgid;
}

/* Publishes new user ids; the capabilities follow. Consumes new. */
static long commit_uids(struct cred *new, const struct cred *old)
{
	cred_fix_caps_after_setuid(new, old);
	return task_cred_commit(new);
}

long sys_setuid(uid_t uid)
{
	const struct cred *old = task_current()->cred;
	bool privileged = cred_capable(old, CAP_SETUID);
	struct cred *new;
	int err;

	if (uid == ID_UNCHANGED)
		return -EINVAL;
	if (!privileged && uid != old->uid && uid != old->suid)
		return -EPERM;
	err = cred_dup(old, &new);
	if (err)
		return err;
	if (privileged)
		new->uid = new->suid = uid;
	new->euid = new->fsuid = uid;
	return commit_uids(new, old);
}

long sys_setgid(gid_t gid)
{
	const struct cred *old = task_current()->cred;
	bool privileged = cred_capable(old, CAP_SETGID);
	struct cred *new;
	int err;

	if (gid == ID_UNCHANGED)
		return -EINVAL;
	if (!privileged && gid != old->gid && gid != old->sgid)
		return -EPERM;
	err = cred_dup(old, &new);
	if (err)
		return err;
	if (privileged)
		new->gid = new->sgid = gid;
	new->egid = new->fsgid = gid;
	return task_cred_commit(new);
}

long sys_setreuid(uid_t ruid, uid_t euid)
{
	const struct cred *old = task_current()->cred;
	bool privileged = cred_capable(old, CAP_SETUID);
	struct cred *new;
	int err;

	if (!privileged && ruid != ID_UNCHANGED && ruid != old->uid && ruid != old->euid)
		return -EPERM;
	if (!privileged && euid != ID_UNCHANGED && !is_own_uid(old, euid))
		return -EPERM;
	err = cred_dup(old, &new);
	if (err)
		return err;
	new->uid = ruid != ID_UNCHANGED ? ruid : old->uid;
	new->euid = euid != ID_UNCHANGED ? euid : old->euid;
	if (ruid != ID_UNCHANGED || (euid != ID_UNCHANGED && euid != old->uid))
		new->suid = new->euid;
	new->fsuid = new->euid;
	return commit_uids(new, old);
}

long sys_setregid(gid_t rgid, gid_t egid)
{
	const struct cred *old = task_current()->cred;
	bool privileged = cred_capable(old, CAP_SETGID);
	struct cred *new;
	int err;

	if (!privileged && rgid != ID_UNCHANGED && rgid != old->gid && rgid != old->egid)
		return -EPERM;
	if (!privileged && egid != ID_UNCHANGED && !is_own_gid(old, egid))
		return -EPERM;
	err = cred_dup(old, &new);
	if (err)
		return err;
	new->gid = rgid != ID_UNCHANGED ? rgid : old->gid;
	new->egid = egid != ID_UNCHANGED ? egid : old->egid;
	if (rgid != ID_UNCHANGED || (egid != ID_UNCHANGED && egid != old->gid))
		new->sgid = new->egid;
	new->fsgid = new->egid;
	return task_cred_commit(new);
}

static bool may_take_uid(const struct cred *cred, uid_t uid)
{
	return uid == ID_UNCHANGED || is_own_uid(cred, uid) || cred_capable(cred, CAP_SETUID);
}

static bool may_take_gid(const struct cred *cred, gid_t gid)
{
	return gid == ID_UNCHANGED || is_own_gid(cred, gid) || cred_capable(cred, CAP_SETGID);
}

long sys_setresuid(uid_t ruid, uid_t euid, uid_t suid)
{
	const struct cred *old = task_current()->cred;
	struct cred *new;
	int err;

	if (!may_take_uid(old, ruid) || !may_take_uid(old, euid) || !may_take_uid(old, suid))
		return -EPERM;
	err = cred_dup(old, &new);
	if (err)
		return err;
	new->uid = ruid != ID_UNCHANGED ? ruid : old->uid;
	new->euid = euid != ID_UNCHANGED ? euid : old->euid;
	new->suid = suid != ID_UNCHANGED ? suid : old->suid;
	new->fsuid = new->euid;
	return commit_uids(new, old);
}

long sys_setresgid(gid_t rgid, gid_t egid, gid_t sgid)
{
	const struct cred *old = task_current()->cred;
	struct cred *new;
	int err;

	if (!may_take_gid(old, rgid) || !may_take_gid(old, egid) || !may_take_gid(old, sgid))
		return -EPERM;
	err = cred_dup(old, &new);
	if (err)
		return err;
	new->gid = rgid != ID_UNCHANGED ? rgid : old->gid;
	new->egid = egid != ID_UNCHANGED ? egid : old->egid;
	new->sgid = sgid != ID_UNCHANGED ? sgid : old->sgid;
	new->fsgid = new->egid;
	return task_cred_commit(new);
}

long sys_getresuid(uid_t __user *ruid, uid_t __user *euid, uid_t __user *suid)
{
	const struct cred *cred = task_current()->cred;

	if (put_user(cred->uid, ruid) || put_user(cred->euid, euid) || put_user(cred->suid, suid))
		return -EFAULT;
	return 0;
}

long sys_getresgid(gid_t __user *rgid, gid_t __user *egid, gid_t __user *sgid)
{
	const struct cred *cred = task_current()->cred;

	if (put_user(cred->gid, rgid) || put_user(cred->egid, egid) || put_user(cred->sgid, sgid))
		return -EFAULT;
	return 0;
}

/* Always the old id, whether it was changed or not: setfsuid(2). */
long sys_setfsuid(uid_t uid)
{
	const struct cred *old = task_current()->cred;
	uid_t before = old->fsuid;
	struct cred *new;

	if (uid == ID_UNCHANGED || uid == before || !may_take_uid(old, uid))
		return before;
	if (cred_dup(old, &new))
		return before;
	new->fsuid = uid;
	cred_fix_caps_after_setfsuid(new, old);
	(void)!task_cred_commit(new);
	return before;
}

long sys_setfsgid(gid_t gid)
{
	const struct cred *old = task_current()->cred;
	gid_t before = old->fsgid;
	struct cred *new;

	if (gid == ID_UNCHANGED || gid == before || !may_take_gid(old, gid))
		return before;
	if (cred_dup(old, &new))
		return before;
	new->fsgid = gid;
	(void)!task_cred_commit(new);
	return before;
}

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
