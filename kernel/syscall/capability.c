/*
 * Capability sets: capget(2), capset(2). The three versions of the interface differ only in the
 * number of 32-bit words.
 */
#include <linux/capability.h>
#include <linux/errno.h>

#include "proc/task.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

/* Words of a set in the version that the header names; -EINVAL, and the header says ours. */
static int cap_words(struct __user_cap_header_struct __user *header, uint32_t version)
{
	const uint32_t ours = _LINUX_CAPABILITY_VERSION_3;

	if (version == _LINUX_CAPABILITY_VERSION_1)
		return _LINUX_CAPABILITY_U32S_1;
	if (version == _LINUX_CAPABILITY_VERSION_2 || version == _LINUX_CAPABILITY_VERSION_3)
		return _LINUX_CAPABILITY_U32S_3;
	return put_user(ours, &header->version) ? -EFAULT : -EINVAL;
}

static int cap_target(int pid, const struct cred **cred)
{
	struct task *task;

	if (pid < 0)
		return -EINVAL;
	task = pid ? task_lookup(pid) : NULL;
	if (pid && !task)
		return -ESRCH;
	*cred = task ? task_cred_get(task) : cred_get(task_current()->cred);
	if (task)
		task_put(task);
	return 0;
}

long sys_capget(struct __user_cap_header_struct __user *header,
                struct __user_cap_data_struct __user *data)
{
	struct __user_cap_data_struct words[2];
	struct __user_cap_header_struct head;
	const struct cred *cred;
	int nr, err;

	if (copy_from_user(&head, header, sizeof(head)))
		return -EFAULT;
	nr = cap_words(header, head.version);
	if (nr < 0)
		return nr == -EINVAL && !data ? 0 : nr;
	err = cap_target(head.pid, &cred);
	if (err)
		return err;
	for (int i = 0; i < 2; i++)
		words[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(cred->effective >> 32 * i),
			.permitted = (uint32_t)(cred->permitted >> 32 * i),
			.inheritable = (uint32_t)(cred->inheritable >> 32 * i),
		};
	cred_put(cred);
	return data ? copy_to_user(data, words, (size_t)nr * sizeof(*words)) : 0;
}

/* capabilities(7), "Programmatically adjusting capability sets". */
static int cap_check(const struct cred *old, const struct cred *new)
{
	if (!cred_capable(old, CAP_SETPCAP) &&
	    (new->inheritable & ~(old->inheritable | old->permitted)))
		return -EPERM;
	if (new->inheritable & ~(old->inheritable | old->bounding))
		return -EPERM;
	if ((new->permitted & ~old->permitted) || (new->effective & ~new->permitted))
		return -EPERM;
	return 0;
}

static cap_set_t cap_join(uint32_t low, uint32_t high)
{
	return (low | (cap_set_t)high << 32) & CAP_FULL;
}

long sys_capset(struct __user_cap_header_struct __user *header,
                const struct __user_cap_data_struct __user *data)
{
	struct __user_cap_data_struct words[2] = { 0 };
	const struct cred *old = task_current()->cred;
	struct __user_cap_header_struct head;
	struct cred *new;
	int nr, err;

	if (copy_from_user(&head, header, sizeof(head)))
		return -EFAULT;
	nr = cap_words(header, head.version);
	if (nr < 0)
		return nr;
	if (head.pid && head.pid != task_tid(task_current()))
		return -EPERM;
	if (copy_from_user(words, data, (size_t)nr * sizeof(*words)))
		return -EFAULT;
	err = cred_dup(old, &new);
	if (err)
		return err;
	new->effective = cap_join(words[0].effective, words[1].effective);
	new->permitted = cap_join(words[0].permitted, words[1].permitted);
	new->inheritable = cap_join(words[0].inheritable, words[1].inheritable);
	new->ambient &= new->permitted & new->inheritable;
	err = cap_check(old, new);
	if (!err)
		return task_cred_commit(new);
	cred_put(new);
	return err;
}
