/*
 * shmget(2), shmat(2), shmdt(2), shmctl(2).
 */
#include <linux/errno.h>
#include <linux/shm.h>

#include "ipc/shm.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

long sys_shmget(int key, size_t size, int flags)
{
	return shm_get(key, size, flags);
}

long sys_shmat(int id, uaddr_t addr, int flags)
{
	uaddr_t where = 0;
	int err = shm_attach(id, addr, flags, &where);

	return err ? err : (long)where;
}

long sys_shmdt(uaddr_t addr)
{
	return shm_detach(addr);
}

static long stat_segment(int id, int command, void __user *buf)
{
	struct shmid64_ds ds;
	int result = shm_stat(id, command, &ds);

	return result >= 0 && copy_to_user(buf, &ds, sizeof(ds)) ? -EFAULT : result;
}

static long change_segment(int id, const void __user *buf)
{
	struct shmid64_ds ds;

	return copy_from_user(&ds, buf, sizeof(ds)) ? -EFAULT : shm_change(id, &ds);
}

static long tell_info(int command, void __user *buf)
{
	union {
		struct shminfo64 limits;
		struct shm_info  usage;
	} info;
	const bool is_usage = command == SHM_INFO;
	int highest = is_usage ? shm_usage(&info.usage) : shm_info(&info.limits);
	size_t size = is_usage ? sizeof(info.usage) : sizeof(info.limits);

	return copy_to_user(buf, &info, size) ? -EFAULT : highest;
}

long sys_shmctl(int id, int command, void __user *buf)
{
	if (id < 0 || command < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO:
	case SHM_INFO:
		return tell_info(command, buf);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return stat_segment(id, command, buf);
	case IPC_SET:
		return change_segment(id, buf);
	case IPC_RMID:
		return shm_remove(id);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return shm_set_locked(id, command == SHM_LOCK);
	default:
		return -EINVAL;
	}
}
