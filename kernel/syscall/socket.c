/*
 * socket(2), socketpair(2), bind(2), connect(2), listen(2), accept(2), getsockname(2),
 * getpeername(2), shutdown(2).
 */
#include "syscall/socket.h"

#include <linux/errno.h>

#include "fs/file.h"
#include "id/cred.h"
#include "id/nsproxy.h"
#include "lib/math.h"
#include "net/netns.h"
#include "proc/proc.h"
#include "syscall/fd.h"
#include "syscall/prototypes.h"
#include "syscall/socket_impl.h"

/* ---- shared with message.c ---------------------------------------------------------- */

const struct socket_caller *socket_caller_current(struct socket_caller_room *room)
{
	struct task *task = task_current();
	bool is_privileged = cred_capable(task->cred, CAP_SYS_RESOURCE) ||
			     cred_capable(task->cred, CAP_SYS_ADMIN);

	room->from = (struct walk_from){ .fs = task->fs, .cred = task->cred };
	room->caller = (struct socket_caller){
		.from = &room->from,
		.ucred = {
			.pid = (uint32_t)proc_tgid(task->proc),
			.uid = task->cred->uid,
			.gid = task->cred->gid,
		},
		.max_in_flight = is_privileged ? UINT64_MAX : proc_limit(RLIMIT_NOFILE),
	};
	return &room->caller;
}

static void current_ucred(struct ucred *out)
{
	struct socket_caller_room room;

	*out = socket_caller_current(&room)->ucred;
}

static const struct cred *current_cred(void)
{
	return task_current()->cred;
}

void socket_calls_init(void)
{
	socket_register_caller(current_ucred, current_cred);
}

int socket_borrow(int fd, struct fd_borrow *borrow, struct socket **out)
{
	if (!fd_borrow_io(task_current()->files, fd, borrow))
		return -EBADF;
	*out = file_to_socket(borrow->file);
	if (*out)
		return 0;
	fd_return(borrow);
	return -ENOTSOCK;
}

int socket_name_read(struct socket_name *name, const void __user *addr, int size)
{
	if (size < 0 || size > SOCKET_NAME_MAX)
		return -EINVAL;
	name->family = AF_UNSPEC;
	name->size = (uint32_t)size;
	return size ? copy_from_user(name->bytes, addr, (size_t)size) : 0;
}

int socket_name_write(const struct socket_name *name, void __user *addr, int __user *user_size)
{
	int size;

	if (get_user(size, user_size))
		return -EFAULT;
	if (size < 0)
		return -EINVAL;
	size = min(size, (int)name->size);
	if (copy_to_user(addr, name->bytes, (size_t)size))
		return -EFAULT;
	return put_user((int)name->size, user_size);
}

/* ---- making ------------------------------------------------------------------------- */

static int type_check(int type)
{
	return type & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK) ? -EINVAL : 0;
}

static int file_make(int family, int type, int protocol, struct file **out)
{
	struct task *task = task_current();
	struct socket *socket;
	int err = socket_create(task->ns->net, task->cred, family, type & SOCK_TYPE_MASK, protocol,
				&socket);

	return err ? err : socket_open(socket, task->cred, type & SOCK_NONBLOCK, out);
}

long sys_socket(int family, int type, int protocol)
{
	struct file *file;
	int err = type_check(type);

	if (!err)
		err = file_make(family, type, protocol, &file);
	return err ? err : fd_give(file, type & SOCK_CLOEXEC);
}

static int pair_make(int family, int type, int protocol, struct file *files[2])
{
	struct socket_caller_room room;
	struct socket *first, *second;
	int err = file_make(family, type, protocol, &files[0]);

	if (err)
		return err;
	err = file_make(family, type, protocol, &files[1]);
	if (err) {
		file_put(files[0]);
		return err;
	}
	first = file_to_socket(files[0]);
	second = file_to_socket(files[1]);
	err = first->ops->pair ? first->ops->pair(first, second, socket_caller_current(&room))
			       : -EOPNOTSUPP;
	if (err) {
		file_put(files[0]);
		file_put(files[1]);
	}
	return err;
}

long sys_socketpair(int family, int type, int protocol, int __user *user_fds)
{
	struct fdtable *table = task_current()->files;
	bool cloexec = type & SOCK_CLOEXEC;
	struct file *files[2];
	int fds[2], err = type_check(type);

	if (err)
		return err;
	fds[0] = fd_reserve(table, 0, fd_limit(), cloexec);
	if (fds[0] < 0)
		return fds[0];
	err = fds[1] = fd_reserve(table, 0, fd_limit(), cloexec);
	if (err < 0)
		goto out_first;
	err = copy_to_user(user_fds, fds, sizeof(fds));
	if (!err)
		err = pair_make(family, type, protocol, files);
	if (err)
		goto out_second;
	fd_install(table, fds[0], files[0]);
	fd_install(table, fds[1], files[1]);
	return 0;

out_second:
	fd_release(table, fds[1]);
out_first:
	fd_release(table, fds[0]);
	return err;
}

/* ---- names and connections ---------------------------------------------------------- */

long sys_bind(int fd, const struct sockaddr __user *addr, int size)
{
	struct socket_caller_room room;
	struct fd_borrow borrow;
	struct socket_name name;
	struct socket *socket;
	int err = socket_borrow(fd, &borrow, &socket);

	if (err)
		return err;
	err = socket_name_read(&name, addr, size);
	if (!err)
		err = socket->ops->bind(socket, &name, socket_caller_current(&room));
	fd_return(&borrow);
	return err;
}

long sys_connect(int fd, const struct sockaddr __user *addr, int size)
{
	struct socket_caller_room room;
	struct fd_borrow borrow;
	struct socket_name name;
	struct socket *socket;
	int err = socket_borrow(fd, &borrow, &socket);

	if (err)
		return err;
	err = socket_name_read(&name, addr, size);
	if (!err)
		err = socket->ops->connect(socket, &name, borrow.file->flags & O_NONBLOCK,
					   socket_caller_current(&room));
	fd_return(&borrow);
	return err;
}

long sys_listen(int fd, int backlog)
{
	struct socket_caller_room room;
	struct fd_borrow borrow;
	struct socket *socket;
	int err = socket_borrow(fd, &borrow, &socket);

	if (err)
		return err;
	err = socket->ops->listen
		      ? socket->ops->listen(socket, backlog, socket_caller_current(&room))
		      : -EOPNOTSUPP;
	fd_return(&borrow);
	return err;
}

/* The accepted connection as a file, with the address of its other end told. */
static int accept_file(struct socket *socket, bool nowait, int flags, struct sockaddr __user *addr,
		       int __user *size, struct file **out)
{
	struct socket_name name;
	struct socket *child;
	int err;

	if (!socket->ops->accept)
		return -EOPNOTSUPP;
	err = socket->ops->accept(socket, nowait, &child);
	if (err)
		return err;
	err = socket_open(child, task_current()->cred, flags & SOCK_NONBLOCK, out);
	if (err || !addr)
		return err;
	err = child->ops->name(child, true, &name);
	err = err ? -ECONNABORTED : socket_name_write(&name, addr, size);
	if (err)
		file_put(*out);
	return err;
}

long sys_accept4(int fd, struct sockaddr __user *addr, int __user *size, int flags)
{
	struct fdtable *table = task_current()->files;
	struct fd_borrow borrow;
	struct socket *socket;
	struct file *file;
	int err, new_fd;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	err = socket_borrow(fd, &borrow, &socket);
	if (err)
		return err;
	new_fd = fd_reserve(table, 0, fd_limit(), flags & SOCK_CLOEXEC);
	if (new_fd >= 0) {
		err = accept_file(socket, borrow.file->flags & O_NONBLOCK, flags, addr, size,
				  &file);
		if (err)
			fd_release(table, new_fd);
		else
			fd_install(table, new_fd, file);
	}
	fd_return(&borrow);
	return err ? err : new_fd;
}

long sys_accept(int fd, struct sockaddr __user *addr, int __user *size)
{
	return sys_accept4(fd, addr, size, 0);
}

static long name_ask(int fd, bool of_peer, struct sockaddr __user *addr, int __user *size)
{
	struct fd_borrow borrow;
	struct socket_name name;
	struct socket *socket;
	int err = socket_borrow(fd, &borrow, &socket);

	if (err)
		return err;
	err = socket->ops->name(socket, of_peer, &name);
	if (!err)
		err = socket_name_write(&name, addr, size);
	fd_return(&borrow);
	return err;
}

long sys_getsockname(int fd, struct sockaddr __user *addr, int __user *size)
{
	return name_ask(fd, false, addr, size);
}

long sys_getpeername(int fd, struct sockaddr __user *addr, int __user *size)
{
	return name_ask(fd, true, addr, size);
}

long sys_shutdown(int fd, int how)
{
	struct fd_borrow borrow;
	struct socket *socket;
	int err = socket_borrow(fd, &borrow, &socket);

	if (err)
		return err;
	if (how < SHUT_RD || how > SHUT_RDWR)
		err = -EINVAL;
	else
		err = socket->ops->shutdown(socket, how != SHUT_WR, how != SHUT_RD);
	fd_return(&borrow);
	return err;
}
