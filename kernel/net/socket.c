/*
 * The socket core: families, sockets as open files, waiting. See socket.h.
 */
#include "net/socket.h"

#include <asm/ioctls.h>
#include <linux/errno.h>
#include <linux/magic.h>

#include "abi/errno.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/nameless.h"
#include "id/cred.h"
#include "lib/math.h"
#include "net/netns.h"
#include "net/rights.h"
#include "net/unix.h"
#include "sched/clock.h"
#include "sched/poll.h"
#include "vm/uio.h"

static const struct file_ops socket_file_ops;

static struct nameless_fs sockfs = NAMELESS_FS("sockfs", "socket", SOCKFS_MAGIC);

static struct {
	const struct socket_family *by_number[AF_MAX] __const_after_init;
	uint64_t                    next_cookie __atomic;
	void (*current_ucred)(struct ucred *out) __const_after_init;
} sockets;

/* ---- families and sockets ----------------------------------------------------------- */

int socket_family_register(const struct socket_family *family)
{
	if (family->family >= AF_MAX || sockets.by_number[family->family])
		return -EBUSY;
	sockets.by_number[family->family] = family;
	return 0;
}

void socket_register_ucred(void (*current_ucred)(struct ucred *out))
{
	sockets.current_ucred = current_ucred;
}

void socket_current_ucred(struct ucred *out)
{
	sockets.current_ucred(out);
}

void sockfs_init(void)
{
	nameless_register(&sockfs);
}

void socket_init(struct socket *socket, const struct socket_ops *ops, struct netns *netns,
                 uint16_t family, uint16_t type)
{
	socket->ops = ops;
	socket->netns = netns_get(netns);
	refcount_init(&socket->refs, 1);
	socket->family = family;
	socket->type = type;
	socket->protocol = 0;
	socket->options = 0;
	socket->send_buffer = SOCKET_BUFFER_DEFAULT;
	socket->receive_buffer = SOCKET_BUFFER_DEFAULT;
	socket->send_timeout = socket->receive_timeout = 0;
	socket->receive_low = 1;
	socket->priority = 0;
	socket->linger_seconds = 0;
	socket->peek_offset = -1;
	socket->ino = 0;
	socket->cookie = atomic_add_return(&sockets.next_cookie, 1);
}

void socket_fini(struct socket *socket)
{
	netns_put(socket->netns);
}

void socket_put(struct socket *socket)
{
	if (refcount_put(&socket->refs))
		socket->ops->free(socket);
}

int socket_create(struct netns *netns, int family, int type, int protocol, struct socket **out)
{
	if (family < 0 || family >= AF_MAX)
		return -EAFNOSUPPORT;
	if (type < 0 || type > SOCK_PACKET)
		return -EINVAL;
	if (!sockets.by_number[family])
		return -EAFNOSUPPORT;
	return sockets.by_number[family]->create(netns, type, protocol, out);
}

/* ---- sockets as files --------------------------------------------------------------- */

struct socket *file_to_socket(const struct file *file)
{
	return file->ops == &socket_file_ops ? file->private : NULL;
}

int socket_open(struct socket *socket, const struct cred *cred, unsigned int flags,
                struct file **out)
{
	const struct new_inode new = {
		.mode = S_IFSOCK | 0777,
		.uid = cred->fsuid,
		.gid = cred->fsgid,
	};
	struct file *file;
	struct path path;
	int err = nameless_create(&sockfs, &new, &socket_file_ops, &path);

	if (err)
		goto out_socket;
	err = file_create(&path, cred, O_RDWR | (flags & O_NONBLOCK), &file);
	path_put(&path);
	if (err)
		goto out_socket;
	file->private = socket;
	WRITE_ONCE(socket->ino, file->inode->ino);
	file->mode &= ~(unsigned int)FILE_SEEK;
	file->mode |= FILE_STREAM | FILE_NOWAIT | FILE_ASYNC | FILE_OPENED;
	if (socket->type != SOCK_STREAM)
		file->mode |= FILE_QUIET;
	*out = file;
	return 0;

out_socket:
	socket->ops->release(socket);
	socket_put(socket);
	return err;
}

/* A descriptor goes: what it was for may now only lie in a queue. */
static int socket_flush(struct file *file)
{
	(void)file;
	unix_collect_later();
	return 0;
}

static void socket_release(struct file *file)
{
	struct socket *socket = file->private;

	socket->ops->release(socket);
	socket_put(socket);
}

static ssize_t socket_read(struct io *io)
{
	struct socket *socket = io->file->private;
	struct message message = {
		.uio = io->uio,
		.flags = file_may_wait(io) ? 0 : MSG_DONTWAIT,
	};
	ssize_t n;

	/* A datagram of no bytes is not taken by a read of none. */
	if (!io->uio->remaining)
		return 0;
	n = socket->ops->receive(socket, &message);
	rights_free(message.rights);
	return n;
}

static ssize_t socket_write(struct io *io)
{
	struct socket *socket = io->file->private;
	struct message message = {
		.uio = io->uio,
		.flags = file_may_wait(io) ? 0 : MSG_DONTWAIT,
	};

	return socket->ops->send(socket, &message);
}

static unsigned int socket_poll(struct file *file, struct poller *poller)
{
	struct socket *socket = file->private;

	return socket->ops->poll(socket, poller);
}

static long socket_ioctl(struct file *file, unsigned int cmd, void *arg)
{
	struct socket *socket = file->private;

	return socket->ops->ioctl ? socket->ops->ioctl(socket, cmd, arg) : -ENOTTY;
}

/* Through /proc/PID/fd: open(2), ENXIO. */
static int socket_reopen(struct inode *inode, struct file *file)
{
	return -ENXIO;
}

static size_t socket_footprint(const struct file *file)
{
	const struct socket *socket = file->private;

	return sizeof(struct inode) + sizeof(*socket) +
	       (socket->ops->footprint ? socket->ops->footprint(socket) : 0);
}

static const struct file_ops socket_file_ops = {
	.footprint = socket_footprint,
	.open = socket_reopen,
	.flush = socket_flush,
	.release = socket_release,
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
};

/* ---- waiting ------------------------------------------------------------------------ */

ns_t socket_deadline(ns_t timeout)
{
	ns_t deadline;

	if (!timeout || !checked_add(clock_monotonic(), timeout, &deadline))
		return WAIT_FOREVER;
	return deadline;
}

int socket_interrupted(int err, ns_t timeout)
{
	if (err == -ETIMEDOUT)
		return -EAGAIN;
	return err == -ERESTARTSYS && timeout ? -EINTR : err;
}
