/*
 * semget(2), semop(2), semtimedop(2), semctl(2).
 */
#include <linux/errno.h>
#include <linux/sem.h>

#include "ipc/sem.h"
#include "mem/alloc.h"
#include "sched/clock.h"
#include "sched/wait.h"
#include "syscall/prototypes.h"
#include "syscall/timespec.h"
#include "vm/usercopy.h"

/* Operations of most calls lie on the stack. */
enum { FEW_OPS = 16 };

long sys_semget(int key, int nr, int flags)
{
	return sem_get(key, nr, flags);
}

static long operate(int id, const void __user *user_ops, unsigned int nr, ns_t deadline)
{
	struct sembuf few[FEW_OPS], *ops = few;
	long result;

	if (nr > FEW_OPS)
		ops = kmalloc_array(nr, sizeof(*ops), ALLOC_KERNEL);
	if (!ops)
		return -ENOMEM;
	result = copy_from_user(ops, user_ops, nr * sizeof(*ops));
	if (!result)
		result = sem_operate(id, ops, nr, deadline);
	if (ops != few)
		kfree(ops);
	return result;
}

static int size_check(int id, unsigned int nr)
{
	if (nr < 1 || id < 0)
		return -EINVAL;
	return nr > (unsigned int)READ_ONCE(sem_limits.max_ops) ? -E2BIG : 0;
}

long sys_semop(int id, const void __user *ops, unsigned int nr)
{
	int err = size_check(id, nr);

	return err ? err : operate(id, ops, nr, WAIT_FOREVER);
}

long sys_semtimedop(int id, const void __user *ops, unsigned int nr,
                    const struct __kernel_timespec __user *timeout)
{
	ns_t deadline = WAIT_FOREVER, span;
	int err = 0;

	if (timeout) {
		err = timespec_read(timeout, &span);
		if (!err)
			deadline = deadline_after(clock_monotonic(), span);
	}
	if (!err)
		err = size_check(id, nr);
	return err ? err : operate(id, ops, nr, deadline);
}

/* ---- semctl(2) ------------------------------------------------------------------------------- */

/* SETALL and GETALL: as many values as the set has. */
static long all_values(int id, int command, void __user *user_values)
{
	const bool sets = command == SETALL;
	int nr = sem_count(id, sets ? 0222 : 0444), err;
	unsigned short *values;
	size_t size;

	if (nr < 0)
		return nr;
	size = (size_t)nr * sizeof(*values);
	values = kvmalloc(size, ALLOC_KERNEL);
	if (!values)
		return -ENOMEM;
	if (sets) {
		err = copy_from_user(values, user_values, size);
		if (!err)
			err = sem_set_all(id, values, (uint32_t)nr);
	} else {
		err = sem_get_all(id, values, (uint32_t)nr);
		if (!err)
			err = copy_to_user(user_values, values, size);
	}
	kvfree(values);
	return err;
}

static long stat_set(int id, int command, void __user *buf)
{
	struct semid64_ds ds;
	int result = sem_stat(id, command, &ds);

	return result >= 0 && copy_to_user(buf, &ds, sizeof(ds)) ? -EFAULT : result;
}

static long change_set(int id, const void __user *buf)
{
	struct semid64_ds ds;

	return copy_from_user(&ds, buf, sizeof(ds)) ? -EFAULT : sem_change(id, &ds);
}

static long tell_info(int command, void __user *buf)
{
	struct seminfo info;
	int highest = sem_info(command, &info);

	return copy_to_user(buf, &info, sizeof(info)) ? -EFAULT : highest;
}

long sys_semctl(int id, int nr, int command, unsigned long arg)
{
	void __user *buf = (void __user *)arg;

	if (id < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO:
	case SEM_INFO:
		return tell_info(command, buf);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return stat_set(id, command, buf);
	case GETALL:
	case SETALL:
		return all_values(id, command, buf);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return sem_ask(id, (uint32_t)nr, command);
	case SETVAL:
		return sem_set_value(id, (uint32_t)nr, (int)arg);
	case IPC_SET:
		return change_set(id, buf);
	case IPC_RMID:
		return sem_remove(id);
	default:
		return -EINVAL;
	}
}
