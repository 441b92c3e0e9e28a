/*
 * Memory that is resident, or locked, or in step with its file: madvise(2), msync(2), mincore(2),
 * mlock(2) and its family.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/falloc.h>
#include <linux/mman.h>

#include "fs/file.h"
#include "lib/math.h"
#include "proc/proc.h"
#include "proc/task.h"
#include "syscall/prototypes.h"
#include "vm/space.h"
#include "vm/usercopy.h"

/* MADV_REMOVE: a hole in the file behind a shared writable mapping. */
static int remove_part(const struct area_info *info, uaddr_t start, uaddr_t end)
{
	pos_t offset = (pos_t)((info->pgoff << PAGE_SHIFT) + (start - info->start));

	if (info->flags & VM_LOCKED || !info->file)
		return -EINVAL;
	if ((info->flags & (VM_SHARED | VM_WRITE)) != (VM_SHARED | VM_WRITE))
		return -EACCES;
	return file_fallocate(info->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
	                      (pos_t)(end - start), ~0ul);
}

static long remove_range(struct space *space, uaddr_t addr, size_t size)
{
	uaddr_t end = addr + align_up(size, PAGE_SIZE);
	struct area_info info;
	int err = 0;

	if (addr & ~PAGE_MASK || end < addr || (size && end == addr))
		return -EINVAL;
	while (addr < end && !err) {
		if (!space_area_info(space, addr, &info))
			return -ENOMEM;
		err = info.start > addr ? -ENOMEM : remove_part(&info, addr, min(end, info.end));
		addr = info.end;
		area_info_put(&info);
	}
	return err;
}

long sys_madvise(uaddr_t addr, size_t size, int advice)
{
	struct space *space = task_current()->space;

	if (advice == MADV_REMOVE)
		return remove_range(space, addr, size);
	return space_advise(space, addr, size, advice);
}

long sys_msync(uaddr_t addr, size_t size, int flags)
{
	return space_sync(task_current()->space, addr, size, (unsigned)flags);
}

long sys_mincore(uaddr_t addr, size_t size, unsigned char __user *resident)
{
	struct space *space = task_current()->space;
	size_t nr = (size >> PAGE_SHIFT) + !!(size & ~PAGE_MASK);
	uint8_t vec[256];

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (!is_user_range(addr, size))
		return -ENOMEM;
	if (!user_range_ok(resident, nr))
		return -EFAULT;
	while (nr) {
		size_t step = min(nr, sizeof(vec));
		int err = space_resident(space, addr, step, vec);

		if (err)
			return err;
		if (copy_to_user(resident, vec, step))
			return -EFAULT;
		addr += step << PAGE_SHIFT;
		resident += step;
		nr -= step;
	}
	return 0;
}

/* Brings the space's limit in step with the caller's right to lock. */
static struct space *space_for_locking(void)
{
	struct task *task = task_current();
	bool may_lock_all = cred_capable(task->cred, CAP_IPC_LOCK);

	space_set_lock_limit(task->space, may_lock_all ? ~0ul : proc_limit(RLIMIT_MEMLOCK));
	return task->space;
}

long sys_mlock(uaddr_t addr, size_t size)
{
	return space_lock(space_for_locking(), addr, size, VM_LOCKED);
}

long sys_mlock2(uaddr_t addr, size_t size, int flags)
{
	uint32_t on = VM_LOCKED | (flags & MLOCK_ONFAULT ? VM_LOCKONFAULT : 0);

	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return space_lock(space_for_locking(), addr, size, on);
}

long sys_munlock(uaddr_t addr, size_t size)
{
	return space_lock(task_current()->space, addr, size, 0);
}

long sys_mlockall(int flags)
{
	if (!flags || flags == MCL_ONFAULT || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		return -EINVAL;
	return space_lock_all(space_for_locking(), (unsigned)flags);
}

long sys_munlockall(void)
{
	return space_lock_all(task_current()->space, 0);
}
