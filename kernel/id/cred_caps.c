/*
 * Capabilities when identities change: capabilities(7), sections "Effect of user ID changes on
 * capabilities" and "Transformation of capabilities during execve()". Files have no capabilities of
 * their own here, so a file's sets are those of set-user-ID root or empty.
 */
#include <linux/securebits.h>

#include "id/cred.h"

#define CAP_FS_SET                                                            \
	(cap_bit(CAP_CHOWN) | cap_bit(CAP_MKNOD) | cap_bit(CAP_DAC_OVERRIDE) |  \
	 cap_bit(CAP_DAC_READ_SEARCH) | cap_bit(CAP_FOWNER) | cap_bit(CAP_FSETID) | \
	 cap_bit(CAP_LINUX_IMMUTABLE) | cap_bit(CAP_MAC_OVERRIDE))

static bool has_root_id(const struct cred *cred)
{
	return !cred->uid || !cred->euid || !cred->suid;
}

void cred_fix_caps_after_setuid(struct cred *new, const struct cred *old)
{
	if (new->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (has_root_id(old) && !has_root_id(new)) {
		if (!(new->securebits & SECBIT_KEEP_CAPS)) {
			new->permitted = 0;
			new->effective = 0;
		}
		new->ambient = 0;
	}
	if (!old->euid && new->euid)
		new->effective = 0;
	if (old->euid && !new->euid)
		new->effective = new->permitted;
}

void cred_fix_caps_after_setfsuid(struct cred *new, const struct cred *old)
{
	if (new->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (!old->fsuid && new->fsuid)
		new->effective &= ~CAP_FS_SET;
	if (old->fsuid && !new->fsuid)
		new->effective |= CAP_FS_SET & new->permitted;
}

/* The program gets no rights that its caller has not. */
static void stay_as_before(struct cred *new, const struct cred *old)
{
	if (!cred_capable(old, CAP_SETUID)) {
		new->euid = new->uid;
		new->egid = new->gid;
	}
	new->permitted &= old->permitted;
}

bool cred_fix_for_exec(struct cred *new, const struct cred *old, const struct cred_exec *file)
{
	bool effective = false, set_id;

	if (file->set_uid && !new->no_new_privs)
		new->euid = file->uid;
	if (file->set_gid && !new->no_new_privs)
		new->egid = file->gid;
	set_id = new->euid != old->uid || new->egid != old->gid;

	new->permitted = 0;
	if (!(new->securebits & SECBIT_NOROOT) && (!new->euid || !new->uid)) {
		new->permitted = old->bounding | old->inheritable;
		effective = !new->euid;
	}
	if (file->is_unsafe && (set_id || new->permitted & ~old->permitted))
		stay_as_before(new, old);
	new->suid = new->fsuid = new->euid;
	new->sgid = new->fsgid = new->egid;
	if (set_id)
		new->ambient = 0;
	new->permitted |= new->ambient;
	new->effective = effective ? new->permitted : new->ambient;
	new->securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
	return set_id || (new->uid && (effective || (new->permitted & ~new->ambient)));
}
