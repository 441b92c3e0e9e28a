/*
 * The commands of fcntl(2) that are a room of their own, and flock(2). See syscall/fcntl.h.
 */
#include "syscall/fcntl.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "fs/fdtable.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/lock.h"
#include "fs/owner.h"
#include "fs/pipe.h"
#include "lib/math.h"
#include "proc/proc.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

/* ---- record locks ------------------------------------------------------------------- */

/* struct flock, checked and made absolute. EINVAL, EOVERFLOW. */
static int range_resolve(const struct file *file, const struct flock *flock,
			 struct lock_request *request)
{
	pos_t start = 0;

	if (flock->l_whence == SEEK_CUR)
		start = file->position;
	else if (flock->l_whence == SEEK_END)
		start = file->inode->size;
	else if (flock->l_whence != SEEK_SET)
		return -EINVAL;
	if (!checked_add(start, flock->l_start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	request->start = start;
	request->end = INT64_MAX;
	if (flock->l_len > 0 && !checked_add(start, flock->l_len - 1, &request->end))
		return -EOVERFLOW;
	if (flock->l_len < 0) {
		if (flock->l_len < -start)
			return -EINVAL;
		request->end = start - 1;
		request->start = start + flock->l_len;
	}
	return 0;
}

static int request_make(struct file *file, const struct flock *flock, bool is_ofd,
			struct lock_request *request)
{
	int err;

	*request = (struct lock_request){
		.kind = is_ofd ? LOCK_OFD : LOCK_RECORD,
		.type = flock->l_type,
		.owner = is_ofd ? (const void *)file : task_current()->files,
		.pid = is_ofd ? -1 : proc_tgid(proc_current()),
	};
	err = range_resolve(file, flock, request);
	if (err)
		return err;
	if (is_ofd && flock->l_pid)
		return -EINVAL;
	return 0;
}

static long lock_get(struct file *file, bool is_ofd, struct flock __user *user_flock)
{
	struct lock_request request;
	struct flock flock;
	int err;

	if (copy_from_user(&flock, user_flock, sizeof(flock)))
		return -EFAULT;
	if (flock.l_type != F_RDLCK && flock.l_type != F_WRLCK)
		return -EINVAL;
	err = request_make(file, &flock, is_ofd, &request);
	if (err)
		return err;
	lock_test(file, &request);
	flock.l_type = request.type;
	if (request.type != F_UNLCK) {
		flock.l_whence = SEEK_SET;
		flock.l_start = request.start;
		flock.l_len = request.end == INT64_MAX ? 0 : request.end - request.start + 1;
		flock.l_pid = request.pid;
	}
	return copy_to_user(user_flock, &flock, sizeof(flock));
}

static int mode_check(const struct file *file, short type)
{
	switch (type) {
	case F_RDLCK:
		return file->mode & FILE_READ ? 0 : -EBADF;
	case F_WRLCK:
		return file->mode & FILE_WRITE ? 0 : -EBADF;
	case F_UNLCK:
		return 0;
	default:
		return -EINVAL;
	}
}

/*
 * The descriptor may have been closed by another thread meanwhile: then nobody releases the lock.
 */
static long lock_keep(struct file *file, int fd)
{
	struct file *now = fdtable_get_file(task_current()->files, fd);

	if (now)
		file_put(now);
	if (now == file)
		return 0;
	lock_release_owner(file, task_current()->files);
	return -EBADF;
}

static long lock_set(struct file *file, int fd, bool is_ofd, const struct flock __user *user_flock,
		     bool wait)
{
	struct lock_request request;
	struct flock flock;
	long err;

	if (copy_from_user(&flock, user_flock, sizeof(flock)))
		return -EFAULT;
	err = request_make(file, &flock, is_ofd, &request);
	if (!err)
		err = mode_check(file, flock.l_type);
	if (!err)
		err = lock_apply(file, &request, wait);
	if (!err && !is_ofd && flock.l_type != F_UNLCK)
		err = lock_keep(file, fd);
	return err;
}

long sys_flock(unsigned int fd, unsigned int operation)
{
	struct lock_request request = {
		.kind = LOCK_FLOCK,
		.end = INT64_MAX,
		.pid = proc_tgid(proc_current()),
	};
	unsigned int kind = operation & ~(unsigned int)LOCK_NB;
	struct fd_borrow borrow;
	long err = -EBADF;

	if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN)
		return -EINVAL;
	if (!fd_borrow_io(task_current()->files, (int)fd, &borrow))
		return -EBADF;
	request.type = kind == LOCK_SH ? F_RDLCK : kind == LOCK_EX ? F_WRLCK : F_UNLCK;
	request.owner = borrow.file;
	if (kind == LOCK_UN || borrow.file->mode & (FILE_READ | FILE_WRITE))
		err = lock_apply(borrow.file, &request, !(operation & LOCK_NB));
	fd_return(&borrow);
	return err;
}

/* ---- owners ------------------------------------------------------------------------- */

static long owner_set_number(struct file *file, int fd, enum pid_kind kind, pid_t number)
{
	struct pid *pid = NULL;
	long err;

	if (number) {
		pid = pid_lookup(number);
		if (!pid)
			return -ESRCH;
	}
	err = owner_set(file, fd, pid, kind, task_current()->cred);
	pid_put(pid);
	return err;
}

long fcntl_owner_set(struct file *file, int fd, int who)
{
	if (who == INT32_MIN)
		return -EINVAL;
	return who < 0 ? owner_set_number(file, fd, PID_PGID, -who)
		       : owner_set_number(file, fd, PID_TGID, who);
}

static pid_t owner_number(struct file *file, enum pid_kind *kind)
{
	struct pid *pid = owner_get(file, kind);
	pid_t number = pid_nr(pid);

	pid_put(pid);
	return number;
}

static long owner_set_ex(struct file *file, int fd, const struct f_owner_ex __user *user_owner)
{
	struct f_owner_ex owner;

	if (copy_from_user(&owner, user_owner, sizeof(owner)))
		return -EFAULT;
	switch (owner.type) {
	case F_OWNER_TID:
		return owner_set_number(file, fd, PID_TID, owner.pid);
	case F_OWNER_PID:
		return owner_set_number(file, fd, PID_TGID, owner.pid);
	case F_OWNER_PGRP:
		return owner_set_number(file, fd, PID_PGID, owner.pid);
	default:
		return -EINVAL;
	}
}

static long owner_get_ex(struct file *file, struct f_owner_ex __user *user_owner)
{
	struct f_owner_ex owner;
	enum pid_kind kind;

	owner.pid = owner_number(file, &kind);
	owner.type = kind == PID_TID ? F_OWNER_TID : kind == PID_PGID ? F_OWNER_PGRP : F_OWNER_PID;
	return copy_to_user(user_owner, &owner, sizeof(owner));
}

long fcntl_owner_get(struct file *file)
{
	enum pid_kind kind;
	pid_t number = owner_number(file, &kind);

	return kind == PID_PGID ? -number : number;
}

static long owner_get_uids(struct file *file, uid_t __user *user_uids)
{
	uid_t uids[2];

	owner_uids(file, &uids[0], &uids[1]);
	return copy_to_user(user_uids, uids, sizeof(uids));
}

long fcntl_other(struct file *file, int fd, unsigned int command, unsigned long arg)
{
	switch (command) {
	case F_GETLK:
	case F_OFD_GETLK:
		return lock_get(file, command == F_OFD_GETLK, (struct flock __user *)arg);
	case F_SETLK:
	case F_SETLKW:
		return lock_set(file, fd, false, (const struct flock __user *)arg,
				command == F_SETLKW);
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock_set(file, fd, true, (const struct flock __user *)arg,
				command == F_OFD_SETLKW);
	case F_SETOWN:
		return fcntl_owner_set(file, fd, (int)arg);
	case F_GETOWN:
		return fcntl_owner_get(file);
	case F_SETOWN_EX:
		return owner_set_ex(file, fd, (const struct f_owner_ex __user *)arg);
	case F_GETOWN_EX:
		return owner_get_ex(file, (struct f_owner_ex __user *)arg);
	case F_GETOWNER_UIDS:
		return owner_get_uids(file, (uid_t __user *)arg);
	case F_SETSIG:
		return owner_set_signal(file, fd, arg);
	case F_GETSIG:
		return owner_signal(file);
	case F_SETPIPE_SZ:
		return pipe_set_size(file, arg, task_current()->cred);
	case F_GETPIPE_SZ:
		return pipe_size(file);
	default:
		return -EINVAL;
	}
}
