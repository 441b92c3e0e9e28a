/*
 * Mapping and unmapping: mmap(2), munmap(2), mprotect(2), mremap(2), brk(2). The arguments are
 * judged here in Linux's order, so that the same mistake gives the same error; the work is
 * vm/space.h's.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/personality.h>

#include "fs/fdtable.h"
#include "fs/pagecache.h"
#include "fs/tmpfs/tmpfs.h"
#include "lib/math.h"
#include "proc/proc.h"
#include "proc/task.h"
#include "syscall/prototypes.h"
#include "vm/commit.h"
#include "vm/space.h"

/* What MAP_SHARED lets pass without a word, and MAP_SHARED_VALIDATE accepts. */
#define MAP_LEGACY                                                                               \
	(MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE   \
	 | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK  \
	 | MAP_HUGETLB | MAP_32BIT | MAP_UNINITIALIZED | MAP_FIXED_NOREPLACE)

static uint32_t vm_flags_of(unsigned long prot, unsigned long flags)
{
	uint32_t vm_flags = (uint32_t)prot & VM_ACCESS;

	if (flags & MAP_GROWSDOWN)
		vm_flags |= VM_GROWSDOWN;
	if (flags & MAP_LOCKED)
		vm_flags |= VM_LOCKED;
	if (flags & MAP_NORESERVE && !commit_is_strict())
		vm_flags |= VM_NORESERVE;
	return vm_flags | VM_MAYACCESS;
}

/* Flags of a mapping of an open file, by mapping type and open mode. */
static int file_request(struct map_request *request, unsigned long flags)
{
	struct file *file = request->file;

	switch (flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (flags & ~(unsigned long)MAP_LEGACY)
			return -EOPNOTSUPP;
		__fallthrough;
	case MAP_SHARED:
		if (request->vm_flags & VM_WRITE && !(file->mode & FILE_WRITE))
			return -EACCES;
		request->vm_flags |= VM_SHARED | VM_MAYSHARE;
		if (!(file->mode & FILE_WRITE))
			request->vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
		__fallthrough;
	case MAP_PRIVATE:
		if (!(file->mode & FILE_READ))
			return -EACCES;
		break;
	default:
		return -EINVAL;
	}
	if (request->vm_flags & VM_GROWSDOWN)
		return file->ops->mmap ? -EINVAL : -ENODEV;
	return file_mmap(file, request);
}

/* What do_mmap asks first, once the descriptor has been found good. */
static int size_check(size_t size)
{
	if (!size)
		return -EINVAL;
	return size > USER_MAX ? -ENOMEM : 0;
}

/* The file and then the space are asked; a writable mapping keeps seals off meanwhile. */
static int map_open_file(struct map_request *request, unsigned long flags, uaddr_t *addr)
{
	struct mapping *mapping = request->file->mapping;
	bool may_write = (flags & MAP_TYPE) != MAP_PRIVATE && request->file->mode & FILE_WRITE;
	int err;

	if (mapping && may_write)
		backing_writable_get(&mapping->backing);
	err = file_request(request, flags);
	if (!request->backing)
		request->file = NULL;
	if (!err)
		err = space_map(task_current()->space, request, addr);
	if (mapping && may_write)
		backing_writable_put(&mapping->backing);
	return err;
}

static long map_file(struct map_request *request, unsigned long flags, int fd)
{
	struct task *task = task_current();
	struct fd_borrow borrow;
	uaddr_t addr;
	int err;

	if (!fd_borrow_io(task->files, fd, &borrow))
		return -EBADF;
	request->file = borrow.file;
	err = flags & MAP_HUGETLB ? -EINVAL : size_check(request->len);
	if (!err)
		err = map_open_file(request, flags, &addr);
	/* A device may have put another file in its place. */
	if (request->file && request->file != borrow.file)
		file_put(request->file);
	fd_return(&borrow);
	return err ? err : (long)addr;
}

/* Shared anonymous memory is a file without a name. */
static int map_shared_anonymous(struct map_request *request, uaddr_t *addr)
{
	struct task *task = task_current();
	struct file *file;
	int err;

	if (request->vm_flags & VM_GROWSDOWN)
		return -EINVAL;
	err = tmpfs_file_create_anonymous("dev/zero", (pos_t)align_up(request->len, PAGE_SIZE),
	                                  request->vm_flags & VM_NORESERVE ? 0 : TMPFS_RESERVED,
	                                  task->cred, &file);
	if (err)
		return err;
	request->file = file;
	request->vm_flags |= VM_SHARED | VM_MAYSHARE;
	err = file_mmap(file, request);
	if (!err)
		err = space_map(task->space, request, addr);
	file_put(file);
	return err;
}

static long map_anonymous(struct map_request *request, unsigned long flags)
{
	uaddr_t addr;
	int err = size_check(request->len);

	if (err)
		return err;
	if (flags & MAP_HUGETLB)
		return -ENOMEM;
	request->pgoff = 0;
	switch (flags & MAP_TYPE) {
	case MAP_SHARED:
		err = map_shared_anonymous(request, &addr);
		break;
	case MAP_PRIVATE:
		err = space_map(task_current()->space, request, &addr);
		break;
	default:
		return -EINVAL;
	}
	return err ? err : (long)addr;
}

long sys_mmap(uaddr_t addr, size_t size, unsigned long prot, unsigned long flags, int fd,
              unsigned long offset)
{
	struct task *task = task_current();
	struct map_request request = {
		.addr = addr,
		.len = size,
		.map_flags = (uint32_t)flags,
		.pgoff = offset >> PAGE_SHIFT,
	};
	bool may_lock_all;

	if (offset & ~PAGE_MASK)
		return -EINVAL;
	if (prot & PROT_READ && task->proc->personality & READ_IMPLIES_EXEC)
		prot |= PROT_EXEC;
	request.vm_flags = vm_flags_of(prot, flags);
	request.may_map_low = addr < PAGE_SIZE * 16 && cred_capable(task->cred, CAP_SYS_RAWIO);
	if (flags & MAP_LOCKED) {
		may_lock_all = cred_capable(task->cred, CAP_IPC_LOCK);
		if (!may_lock_all && !proc_limit(RLIMIT_MEMLOCK))
			return -EPERM;
		space_set_lock_limit(task->space, may_lock_all ? ~0ul : proc_limit(RLIMIT_MEMLOCK));
	}
	if (flags & MAP_ANONYMOUS)
		return map_anonymous(&request, flags);
	return map_file(&request, flags, fd);
}

long sys_munmap(uaddr_t addr, size_t size)
{
	return space_unmap(task_current()->space, addr, size);
}

long sys_mprotect(uaddr_t addr, size_t size, unsigned long prot)
{
	struct task *task = task_current();

	if (prot != (unsigned)prot)
		return -EINVAL;
	if (prot & PROT_READ && task->proc->personality & READ_IMPLIES_EXEC)
		prot |= PROT_EXEC;
	return space_protect(task->space, addr, size, (unsigned)prot);
}

long sys_mremap(uaddr_t addr, size_t old_size, size_t new_size, unsigned long flags,
                uaddr_t new_addr)
{
	struct remap_request request = {
		.addr = addr,
		.old_len = old_size,
		.new_len = new_size,
		.flags = (unsigned)flags,
		.new_addr = new_addr,
	};
	uaddr_t result;
	int err;

	if (flags != (unsigned)flags)
		return -EINVAL;
	err = space_remap(task_current()->space, &request, &result);
	return err ? err : (long)result;
}

long sys_brk(uaddr_t end)
{
	return (long)space_brk(task_current()->space, end);
}
