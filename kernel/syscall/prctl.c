/*
 * prctl(2), arch_prctl(2), personality(2): small settings of a task or process.
 */
#include <asm/prctl.h>
#include <linux/errno.h>
#include <linux/personality.h>
#include <linux/prctl.h>
#include <linux/securebits.h>

#include "lib/string.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

static long set_name(unsigned long user_name)
{
	char name[THREAD_NAME_SIZE];
	ssize_t len = strncpy_from_user(name, (const char __user *)user_name, sizeof(name));

	if (len == -EFAULT)
		return len;
	name[THREAD_NAME_SIZE - 1] = '\0';
	thread_set_name(thread_current(), name);
	return 0;
}

static long get_name(unsigned long user_name)
{
	char name[THREAD_NAME_SIZE] = { 0 };

	(void)str_copy(name, thread_current()->name, sizeof(name));
	return copy_to_user((char __user *)user_name, name, sizeof(name));
}

static long set_parent_death_signal(unsigned long sig)
{
	if (sig > NR_SIGNALS)
		return -EINVAL;
	task_current()->parent_death_signal = (int)sig;
	return 0;
}

static long set_dumpable(unsigned long value)
{
	if (value > 1)
		return -EINVAL;
	atomic_store_relaxed(&proc_current()->is_dumpable, value == 1);
	return 0;
}

static long set_no_new_privs(void)
{
	struct cred *cred;
	int err;

	if (task_current()->cred->no_new_privs)
		return 0;
	err = cred_dup(task_current()->cred, &cred);
	if (err)
		return err;
	cred->no_new_privs = true;
	return task_cred_commit(cred);
}

static long drop_bounding(unsigned long cap)
{
	struct cred *cred;
	int err;

	if (cap > CAP_LAST_CAP)
		return -EINVAL;
	if (!cred_capable(task_current()->cred, CAP_SETPCAP))
		return -EPERM;
	err = cred_dup(task_current()->cred, &cred);
	if (err)
		return err;
	cred->bounding &= ~cap_bit(cap);
	return task_cred_commit(cred);
}

static long set_securebits(unsigned long bits)
{
	const struct cred *own = task_current()->cred;
	uint32_t locks = own->securebits & SECURE_ALL_LOCKS;
	struct cred *cred;
	int err;

	if ((bits & ~(unsigned long)(SECURE_ALL_BITS | SECURE_ALL_LOCKS)) || (locks & ~bits) ||
	    (((own->securebits ^ bits) << 1) & locks) || !cred_capable(own, CAP_SETPCAP))
		return -EPERM;
	err = cred_dup(own, &cred);
	if (err)
		return err;
	cred->securebits = (uint32_t)bits;
	return task_cred_commit(cred);
}

static long set_keep_caps(unsigned long value)
{
	struct cred *cred;
	int err;

	if (value > 1)
		return -EINVAL;
	if (task_current()->cred->securebits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	err = cred_dup(task_current()->cred, &cred);
	if (err)
		return err;
	cred->securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
	if (value)
		cred->securebits |= SECBIT_KEEP_CAPS;
	return task_cred_commit(cred);
}

static long put_int(int value, unsigned long where)
{
	return put_user(value, (int __user *)where);
}

static long prctl_cred(int option, unsigned long arg2, unsigned long rest)
{
	const struct cred *cred = task_current()->cred;

	switch (option) {
	case PR_SET_NO_NEW_PRIVS:
		return arg2 == 1 && !rest ? set_no_new_privs() : -EINVAL;
	case PR_GET_NO_NEW_PRIVS:
		return !arg2 && !rest ? cred->no_new_privs : -EINVAL;
	case PR_CAPBSET_READ:
		return arg2 <= CAP_LAST_CAP ? (long)(cred->bounding >> arg2 & 1) : -EINVAL;
	case PR_CAPBSET_DROP:
		return drop_bounding(arg2);
	case PR_GET_SECUREBITS:
		return cred->securebits;
	case PR_SET_SECUREBITS:
		return set_securebits(arg2);
	case PR_GET_KEEPCAPS:
		return !!(cred->securebits & SECBIT_KEEP_CAPS);
	case PR_SET_KEEPCAPS:
		return set_keep_caps(arg2);
	default:
		return -EINVAL;
	}
}

long sys_prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4,
               unsigned long arg5)
{
	struct task *task = task_current();

	switch (option) {
	case PR_SET_NAME:
		return set_name(arg2);
	case PR_GET_NAME:
		return get_name(arg2);
	case PR_SET_PDEATHSIG:
		return set_parent_death_signal(arg2);
	case PR_GET_PDEATHSIG:
		return put_int(task->parent_death_signal, arg2);
	case PR_GET_DUMPABLE:
		return atomic_load_relaxed(&task->proc->is_dumpable);
	case PR_SET_DUMPABLE:
		return set_dumpable(arg2);
	case PR_SET_CHILD_SUBREAPER:
		task->proc->is_subreaper = arg2;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_int(task->proc->is_subreaper, arg2);
	case PR_GET_TIMERSLACK:
		return (long)task->timer_slack_ns;
	case PR_SET_TIMERSLACK:
		task->timer_slack_ns = arg2 ? arg2 : 50 * NS_PER_USEC;
		return 0;
	case PR_GET_TIMING:
		return PR_TIMING_STATISTICAL;
	case PR_SET_TIMING:
		return arg2 == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
	case PR_GET_TID_ADDRESS:
		return put_user(task->clear_child_tid, (uaddr_t __user *)arg2);
	case PR_GET_SECCOMP:
		return 0;
	default:
		return prctl_cred(option, arg2, arg3 | arg4 | arg5);
	}
}

long sys_arch_prctl(int option, uaddr_t addr)
{
	struct arch_thread *arch = &thread_current()->arch;

	switch (option) {
	case ARCH_SET_FS:
		return arch_thread_set_fs_base(arch, addr);
	case ARCH_SET_GS:
		return arch_thread_set_gs_base(arch, addr);
	case ARCH_GET_FS:
		return put_user(arch_thread_fs_base(arch), (uaddr_t __user *)addr);
	case ARCH_GET_GS:
		return put_user(arch_thread_gs_base(arch), (uaddr_t __user *)addr);
	case ARCH_GET_CPUID:
		return 1;
	default:
		return -EINVAL;
	}
}

long sys_personality(unsigned int persona)
{
	struct proc *proc = proc_current();
	uint32_t old = proc->personality;

	if (persona != 0xffffffff)
		proc->personality = persona;
	return old;
}
