/*
 * The socket core: families, sockets as open files, waiting. See socket.h.
 */
#include "net/socket.h"

#include <asm/ioctls.h>
#include <linux/errno.h>
#include <linux/magic.h>
#include <linux/sockios.h>

#include "abi/errno.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/nameless.h"
#include "id/cred.h"
#include "net/filter/filter.h"
#include "net/ioctl.h"
#include "net/netns.h"
#include "net/rights.h"
#include "net/unix.h"
#include "sched/poll.h"
#include "vm/uio.h"

static const struct file_ops socket_file_ops;

static struct nameless_fs sockfs = NAMELESS_FS("sockfs", "socket", SOCKFS_MAGIC);

static struct {
	const struct socket_family *by_number[AF_MAX] __const_after_init;
	uint64_t                    next_cookie __atomic;
	uint64_t                    count __atomic;
	void (*current_ucred)(struct ucred *out) __const_after_init;
	const struct cred *(*current_cred)(void) __const_after_init;
} sockets;

/* ---- families and sockets ----------------------------------------------------------- */

int socket_family_register(const struct socket_family *family)
{
	if (family->family >= AF_MAX || sockets.by_number[family->family])
		return -EBUSY;
	sockets.by_number[family->family] = family;
	return 0;
}

void socket_register_caller(void (*current_ucred)(struct ucred *out),
                            const struct cred *(*current_cred)(void))
{
	sockets.current_ucred = current_ucred;
	sockets.current_cred = current_cred;
}

const struct cred *socket_current_cred(void)
{
	return sockets.current_cred();
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
	socket->send_buffer = SOCKET_BUFFER_DEFAULT;
	socket->receive_buffer = SOCKET_BUFFER_DEFAULT;
	socket->receive_low = 1;
	socket->peek_offset = -1;
	socket->incoming_cpu = -1;
	socket->cookie = atomic_add_return(&sockets.next_cookie, 1);
	atomic_inc(&sockets.count);
}

void socket_fini(struct socket *socket)
{
	if (socket->filter)
		socket_filter_free(socket);
	atomic_dec(&sockets.count);
	netns_put(socket->netns);
}

uint64_t socket_count(void)
{
	return atomic_load_relaxed(&sockets.count);
}

void socket_put(struct socket *socket)
{
	if (refcount_put(&socket->refs))
		socket->ops->free(socket);
}

int socket_create(struct netns *netns, const struct cred *cred, int family, int type, int protocol,
                  struct socket **out)
{
	if (family < 0 || family >= AF_MAX)
		return -EAFNOSUPPORT;
	if (type < 0 || type > SOCK_PACKET)
		return -EINVAL;
	/* packet(7): how packet sockets were made before they had a family */
	if (family == AF_INET && type == SOCK_PACKET)
		family = AF_PACKET;
	if (!sockets.by_number[family])
		return -EAFNOSUPPORT;
	return sockets.by_number[family]->create(netns, cred, type, protocol, out);
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
	WRITE_ONCE(socket->uid, cred->fsuid);
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
	struct message message;
	ssize_t n;

	/* A datagram of no bytes is not taken by a read of none. */
	if (!io->uio->remaining)
		return 0;
	message_init(&message, io->uio, file_may_wait(io) ? 0 : MSG_DONTWAIT);
	n = socket->ops->receive(socket, &message);
	rights_free(message.rights);
	return n;
}

static ssize_t socket_write(struct io *io)
{
	struct socket *socket = io->file->private;
	struct message message;

	message_init(&message, io->uio, file_may_wait(io) ? 0 : MSG_DONTWAIT);
	return socket->ops->send(socket, &message);
}

static unsigned int socket_poll(struct file *file, struct poller *poller)
{
	struct socket *socket = file->private;

	return socket->ops->poll(socket, poller);
}

static ssize_t socket_write_pages(struct io *io, const struct page_span *spans, uint32_t nr,
                                  bool has_more)
{
	struct socket *socket = io->file->private;
	unsigned int flags = (file_may_wait(io) ? 0 : MSG_DONTWAIT) | (has_more ? MSG_MORE : 0);

	if (!socket->ops->send_pages)
		return -EOPNOTSUPP;
	return socket->ops->send_pages(socket, spans, nr, flags);
}

/* SIOCGSTAMP: socket(7). The first question makes the socket keep the answer. */
static long stamp_ask(struct socket *socket, bool in_nanos, int64_t out[2])
{
	ns_t stamp = READ_ONCE(socket->stamp);

	atomic_or(&socket->options, SOCKET_STAMP);
	if (!stamp)
		return -ENOENT;
	out[0] = stamp / NS_PER_SEC;
	out[1] = stamp % NS_PER_SEC / (in_nanos ? 1 : NS_PER_USEC);
	return 0;
}

static bool has_stamps(const struct socket *socket)
{
	return socket->family == AF_INET || socket->family == AF_INET6 ||
	       socket->family == AF_PACKET;
}

static long socket_ioctl(struct file *file, unsigned int cmd, void *arg)
{
	struct socket *socket = file->private;
	long result;

	switch (cmd) {
	case SIOCGSTAMP_OLD:
	case SIOCGSTAMP_NEW:
		return has_stamps(socket) ? stamp_ask(socket, false, arg) : -ENOTTY;
	case SIOCGSTAMPNS_OLD:
	case SIOCGSTAMPNS_NEW:
		return has_stamps(socket) ? stamp_ask(socket, true, arg) : -ENOTTY;
	}
	result = socket->ops->ioctl ? socket->ops->ioctl(socket, cmd, arg) : -ENOIOCTLCMD;
	if (result != -ENOIOCTLCMD || cmd >> 8 != SOCK_IOC_TYPE)
		return result;
	return net_ioctl(socket->netns, socket->family, cmd, arg, socket_current_cred());
}

static int socket_mmap(struct file *file, struct map_request *request)
{
	struct socket *socket = file->private;

	return socket->ops->mmap ? socket->ops->mmap(socket, file, request) : -ENODEV;
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
	.write_pages = socket_write_pages,
	.ioctl = socket_ioctl,
	.mmap = socket_mmap,
};
