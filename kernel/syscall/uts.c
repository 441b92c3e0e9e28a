/*
 * The names of the system: uname(2), sethostname(2), setdomainname(2).
 */
#include <linux/errno.h>
#include <linux/personality.h>

#include "lib/string.h"
#include "proc/proc.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

long sys_uname(struct new_utsname __user *out)
{
	struct new_utsname name;

	uts_read(task_current()->ns->uts, &name);
	if ((proc_current()->personality & PER_MASK) == PER_LINUX32)
		memcpy(name.machine, "i686", sizeof("i686"));
	return copy_to_user(out, &name, sizeof(name));
}

static int name_read(char *name, const char __user *from, int size)
{
	if (!cred_capable(task_current()->cred, CAP_SYS_ADMIN))
		return -EPERM;
	if (size < 0 || size > __NEW_UTS_LEN)
		return -EINVAL;
	return copy_from_user(name, from, (size_t)size);
}

long sys_sethostname(const char __user *from, int size)
{
	char name[__NEW_UTS_LEN];
	int err = name_read(name, from, size);

	return err ? err : uts_set_hostname(task_current()->ns->uts, name, (size_t)size);
}

long sys_setdomainname(const char __user *from, int size)
{
	char name[__NEW_UTS_LEN];
	int err = name_read(name, from, size);

	return err ? err : uts_set_domainname(task_current()->ns->uts, name, (size_t)size);
}
