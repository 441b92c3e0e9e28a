/*
 * sendto(2), sendmsg(2), sendmmsg(2), recvfrom(2), recvmsg(2), recvmmsg(2).
 */
#include <linux/errno.h>
#include <linux/uio.h>

#include "fs/file.h"
#include "lib/math.h"
#include "mem/alloc.h"
#include "net/rights.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "sched/clock.h"
#include "syscall/control.h"
#include "syscall/prototypes.h"
#include "syscall/socket_impl.h"
#include "syscall/timespec.h"
#include "vm/uio.h"

enum {
	MESSAGES_MAX = UIO_MAXIOV,
	CONTROL_ROOM = 192, /* what comes beside most messages; more is allocated */
};

static unsigned int flags_of(const struct file *file, unsigned int flags)
{
	return flags | (file->flags & O_NONBLOCK ? MSG_DONTWAIT : 0);
}

/* ---- sending ------------------------------------------------------------------------ */

static ssize_t message_send(struct socket *socket, struct message *message)
{
	ssize_t result = socket->ops->send(socket, message);

	rights_free(message->rights);
	if (result == -EPIPE && socket->type == SOCK_STREAM && !(message->flags & MSG_NOSIGNAL))
		(void)signal_send_task(task_current(), SIGPIPE, SIGINFO_USER);
	return result;
}

long sys_sendto(int fd, const void __user *buf, size_t count, unsigned int flags,
		const struct sockaddr __user *addr, int size)
{
	struct socket_caller_room room;
	struct message message = { 0 };
	struct fd_borrow borrow;
	struct socket_name name;
	struct socket *socket;
	struct uio uio;
	ssize_t result = uio_init_user(&uio, buf, count);

	if (result)
		return result;
	result = socket_borrow(fd, &borrow, &socket);
	if (result)
		return result;
	if (addr) {
		result = socket_name_read(&name, addr, size);
		message.name = size ? &name : NULL;
	}
	message.uio = &uio;
	message.flags = flags_of(borrow.file, flags);
	if (message.name)
		message.caller = socket_caller_current(&room);
	if (!result)
		result = message_send(socket, &message);
	fd_return(&borrow);
	return result;
}

/* A msghdr and what it points to, in the kernel. */
struct user_message {
	struct msghdr      header;
	struct socket_name name;
	struct uio         uio;
	struct iovec       room[UIO_INLINE_VECTORS];
	struct iovec      *allocated;
};

static int header_read(struct user_message *user, const struct msghdr __user *from)
{
	struct msghdr *header = &user->header;

	if (copy_from_user(header, from, sizeof(*header)))
		return -EFAULT;
	if (!header->msg_name)
		header->msg_namelen = 0;
	if (header->msg_namelen < 0)
		return -EINVAL;
	if (header->msg_iovlen > UIO_MAXIOV)
		return -EMSGSIZE;
	header->msg_namelen = min(header->msg_namelen, (int)SOCKET_NAME_MAX);
	return uio_init_iovec(&user->uio, header->msg_iov, header->msg_iovlen, user->room,
			      &user->allocated);
}

static ssize_t send_one(struct socket *socket, const struct msghdr __user *from, unsigned int flags)
{
	struct message_control control = { .is_allocated = false };
	struct socket_caller_room room;
	struct user_message user;
	struct message message = {
		.uio = &user.uio,
		.flags = flags,
		.caller = socket_caller_current(&room),
	};
	ssize_t result = header_read(&user, from);

	if (result)
		return result;
	if (user.header.msg_namelen) {
		result = socket_name_read(&user.name, user.header.msg_name,
					  user.header.msg_namelen);
		message.name = &user.name;
	}
	if (!result && user.header.msg_control)
		result = control_read(socket, &message, &control, &user.header);
	if (!result)
		result = message_send(socket, &message);
	message_control_fini(&control);
	kfree(user.allocated);
	return result;
}

long sys_sendmsg(int fd, const struct msghdr __user *message, unsigned int flags)
{
	struct fd_borrow borrow;
	struct socket *socket;
	ssize_t result = socket_borrow(fd, &borrow, &socket);

	if (result)
		return result;
	result = send_one(socket, message, flags_of(borrow.file, flags));
	fd_return(&borrow);
	return result;
}

long sys_sendmmsg(int fd, struct mmsghdr __user *messages, unsigned int nr, unsigned int flags)
{
	struct fd_borrow borrow;
	struct socket *socket;
	ssize_t result = socket_borrow(fd, &borrow, &socket);
	unsigned int done = 0;

	if (result)
		return result;
	nr = min(nr, (unsigned int)MESSAGES_MAX);
	for (; done < nr; done++) {
		result = send_one(socket, &messages[done].msg_hdr, flags_of(borrow.file, flags));
		if (result < 0)
			break;
		if (put_user((unsigned int)result, &messages[done].msg_len)) {
			result = -EFAULT;
			break;
		}
		cond_resched();
	}
	fd_return(&borrow);
	return done ? (long)done : min(result, (ssize_t)0);
}

/* ---- receiving ---------------------------------------------------------------------- */

long sys_recvfrom(int fd, void __user *buf, size_t count, unsigned int flags,
		  struct sockaddr __user *addr, int __user *size)
{
	struct message message = { 0 };
	struct fd_borrow borrow;
	struct socket_name name = { .size = 0 };
	struct socket *socket;
	struct uio uio;
	ssize_t result = uio_init_user(&uio, buf, count);

	if (result)
		return result;
	result = socket_borrow(fd, &borrow, &socket);
	if (result)
		return result;
	message.uio = &uio;
	message.name = addr ? &name : NULL;
	message.flags = flags_of(borrow.file, flags);
	result = socket->ops->receive(socket, &message);
	rights_free(message.rights);
	if (result >= 0 && addr && socket_name_write(&name, addr, size))
		result = -EFAULT;
	fd_return(&borrow);
	return result;
}

/* What the program is told in its msghdr. */
static int header_write(struct msghdr __user *to, const struct user_message *user,
			const struct message *message, size_t control_size)
{
	if (user->header.msg_name &&
	    socket_name_write(&user->name, user->header.msg_name, &to->msg_namelen))
		return -EFAULT;
	if (put_user(message->seen, &to->msg_flags))
		return -EFAULT;
	return put_user(control_size, &to->msg_controllen);
}

static ssize_t receive_one(struct socket *socket, struct msghdr __user *to, unsigned int flags)
{
	_Alignas(8) uint8_t control_room[CONTROL_ROOM];
	struct message_control control = { .data = control_room, .room = sizeof(control_room) };
	struct user_message user;
	struct message message = {
		.uio = &user.uio,
		.name = &user.name,
		.flags = flags,
		.seen = flags & MSG_CMSG_CLOEXEC,
		.control = &control,
	};
	ssize_t result = header_read(&user, to);
	size_t control_size;

	if (result)
		return result;
	user.name.size = 0;
	result = socket->ops->receive(socket, &message);
	if (result >= 0) {
		control_size = control_write(&message, user.header.msg_control,
					     user.header.msg_controllen, flags & MSG_CMSG_CLOEXEC);
		if (header_write(to, &user, &message, control_size))
			result = -EFAULT;
	}
	message_control_fini(&control);
	rights_free(message.rights);
	kfree(user.allocated);
	return result;
}

long sys_recvmsg(int fd, struct msghdr __user *message, unsigned int flags)
{
	struct fd_borrow borrow;
	struct socket *socket;
	ssize_t result = socket_borrow(fd, &borrow, &socket);

	if (result)
		return result;
	result = receive_one(socket, message, flags_of(borrow.file, flags));
	fd_return(&borrow);
	return result;
}

/* Until nr have come, one does not, or the deadline has passed after one. */
static long receive_many(struct socket *socket, struct mmsghdr __user *messages, unsigned int nr,
			 unsigned int flags, ns_t deadline)
{
	unsigned int done = 0;
	ssize_t result = 0;

	while (done < nr) {
		result = receive_one(socket, &messages[done].msg_hdr,
				     flags & ~(unsigned int)MSG_WAITFORONE);
		if (result < 0)
			break;
		if (put_user((unsigned int)result, &messages[done].msg_len)) {
			result = -EFAULT;
			break;
		}
		done++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (clock_monotonic() >= deadline)
			break;
		cond_resched();
	}
	return done ? (long)done : min(result, (ssize_t)0);
}

long sys_recvmmsg(int fd, struct mmsghdr __user *messages, unsigned int nr, unsigned int flags,
		  struct __kernel_timespec __user *timeout)
{
	ns_t span, deadline = INT64_MAX, now;
	struct fd_borrow borrow;
	struct socket *socket;
	long result;

	if (timeout) {
		result = timespec_read(timeout, &span);
		if (result)
			return result;
		deadline = deadline_after(clock_monotonic(), span);
	}
	result = socket_borrow(fd, &borrow, &socket);
	if (result)
		return result;
	result = receive_many(socket, messages, min(nr, (unsigned int)MESSAGES_MAX),
			      flags_of(borrow.file, flags), deadline);
	fd_return(&borrow);
	now = clock_monotonic();
	if (timeout && result > 0 && timespec_write(timeout, max(deadline - now, (ns_t)0)))
		return -EFAULT;
	return result;
}
