/*
 * Names of AF_UNIX: places in the file system, abstract names, and none. unix(7), "Address format"
 *
 * A name in the file system is an inode of type socket, whose `private` is the socket that is bound
 * to it (under the inode's short_lock, without a reference: the socket takes itself out). An
 * abstract name belongs to one type of sockets of one network namespace: a tree under names_lock.
 */
#include <linux/errno.h>

#include "fs/file.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "id/cred.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "net/netns.h"
#include "net/unix_impl.h"

#define NAME_HEADER ((uint32_t)offsetof(struct sockaddr_un, sun_path))

enum { AUTOBIND_NAMES = 1 << 20 };

/* ---- names as such ------------------------------------------------------------------ */

int unix_name_check(const struct socket_name *from, struct socket_name *name)
{
	size_t length;

	if (from->size <= NAME_HEADER || from->size > sizeof(struct sockaddr_un) ||
	    from->family != AF_UNIX)
		return -EINVAL;
	*name = *from;
	if (!name->un.sun_path[0])
		return 0;
	length = strnlen(name->un.sun_path, name->size - NAME_HEADER);
	name->bytes[NAME_HEADER + length] = '\0';
	name->size = NAME_HEADER + (uint32_t)length + 1;
	return 0;
}

static bool is_abstract(const struct socket_name *name)
{
	return !name->un.sun_path[0];
}

static int address_create(const struct socket_name *name, struct unix_address **out)
{
	struct unix_address *address = kmalloc(sizeof(*address), ALLOC_KERNEL);

	if (!address)
		return -ENOMEM;
	refcount_init(&address->refs, 1);
	address->name = *name;
	*out = address;
	return 0;
}

void unix_address_put(struct unix_address *address)
{
	if (address && refcount_put(&address->refs))
		kfree(address);
}

void unix_name_of(struct unix_sock *sock, struct socket_name *out)
{
	spin_lock(&sock->lock);
	out->size = 0;
	if (sock->address)
		*out = sock->address->name;
	spin_unlock(&sock->lock);
}

int unix_name(struct socket *socket, bool of_peer, struct socket_name *out)
{
	struct unix_sock *sock = to_unix(socket), *peer;

	if (of_peer) {
		spin_lock(&sock->lock);
		peer = sock->peer ? unix_get(sock->peer) : NULL;
		spin_unlock(&sock->lock);
		if (!peer)
			return -ENOTCONN;
		unix_name_of(peer, out);
		unix_put(peer);
	} else {
		unix_name_of(sock, out);
	}
	if (!out->size) {
		out->size = sizeof(out->family);
		out->family = AF_UNIX;
	}
	return 0;
}

/* ---- abstract names ----------------------------------------------------------------- */

static int name_compare(const struct socket_name *name, int type, const struct unix_sock *sock)
{
	const struct socket_name *other = &sock->address->name;

	if (type != sock->socket.type)
		return type < sock->socket.type ? -1 : 1;
	if (name->size != other->size)
		return name->size < other->size ? -1 : 1;
	return memcmp(name->un.sun_path, other->un.sun_path, name->size - NAME_HEADER);
}

static struct unix_sock *node_sock(struct rb_node *node)
{
	return container_of(node, struct unix_sock, in_names);
}

/* names_lock held. */
static struct unix_sock *abstract_find(struct netns *netns, const struct socket_name *name,
                                       int type)
{
	struct rb_node *node = netns->unix_names.root;

	while (node) {
		int order = name_compare(name, type, node_sock(node));

		if (!order)
			return node_sock(node);
		node = order < 0 ? node->left : node->right;
	}
	return NULL;
}

static void abstract_insert(struct netns *netns, struct unix_sock *sock)
{
	struct rb_node **link = &netns->unix_names.root, *parent = NULL;
	const struct socket_name *name = &sock->address->name;

	while (*link) {
		parent = *link;
		if (name_compare(name, sock->socket.type, node_sock(parent)) < 0)
			link = &parent->left;
		else
			link = &parent->right;
	}
	rbtree_insert_at(&netns->unix_names, &sock->in_names, parent, link);
	sock->is_named = true;
}

/* Gives the socket its name, if it has none and nobody has it. EINVAL, EADDRINUSE. */
static int abstract_bind(struct unix_sock *sock, struct unix_address *address)
{
	struct netns *netns = sock->socket.netns;
	int err = 0;

	spin_lock(&netns->names_lock);
	if (abstract_find(netns, &address->name, sock->socket.type)) {
		err = -EADDRINUSE;
	} else {
		spin_lock(&sock->lock);
		if (sock->address)
			err = -EINVAL;
		else
			sock->address = address;
		spin_unlock(&sock->lock);
		if (!err)
			abstract_insert(netns, sock);
	}
	spin_unlock(&netns->names_lock);
	return err;
}

static int autobind_next(struct unix_sock *sock, struct unix_address *address)
{
	struct netns *netns = sock->socket.netns;
	uint32_t number;

	spin_lock(&netns->names_lock);
	number = ++netns->unix_autobind % AUTOBIND_NAMES;
	spin_unlock(&netns->names_lock);
	snprintf(address->name.un.sun_path + 1, 6, "%05x", number);
	return abstract_bind(sock, address);
}

int unix_autobind(struct unix_sock *sock)
{
	struct socket_name name = { .size = NAME_HEADER + 6, .family = AF_UNIX };
	struct unix_address *address;
	int err;

	if (READ_ONCE(sock->address))
		return 0;
	err = address_create(&name, &address);
	if (err)
		return err;
	for (uint32_t tries = 0; tries < AUTOBIND_NAMES; tries++) {
		err = autobind_next(sock, address);
		if (err != -EADDRINUSE)
			break;
	}
	if (err)
		unix_address_put(address);
	/* Another thread was faster: it has a name. */
	return err == -EINVAL ? 0 : err == -EADDRINUSE ? -ENOSPC : err;
}

/* ---- names in the file system ------------------------------------------------------- */

/* Claims the socket for this address; the place in the file system is made afterwards. */
static int address_claim(struct unix_sock *sock, struct unix_address *address)
{
	int err = 0;

	spin_lock(&sock->lock);
	if (sock->address)
		err = -EINVAL;
	else
		sock->address = address;
	spin_unlock(&sock->lock);
	return err;
}

static int path_bind(struct unix_sock *sock, struct unix_address *address,
                     const struct socket_caller *caller)
{
	struct inode *inode;
	int err = address_claim(sock, address);

	if (err)
		return err;
	err = path_mknod(caller->from, address->name.un.sun_path, S_IFSOCK | 0777, 0, &sock->path);
	if (err) {
		spin_lock(&sock->lock);
		sock->address = NULL;
		spin_unlock(&sock->lock);
		sock->path.dentry = NULL;
		return err == -EEXIST ? -EADDRINUSE : err;
	}
	inode = sock->path.dentry->inode;
	spin_lock(&inode->short_lock);
	inode->private = sock;
	spin_unlock(&inode->short_lock);
	return 0;
}

static int path_find(const struct socket_name *name, int type, const struct socket_caller *caller,
                     struct unix_sock **out)
{
	struct unix_sock *sock;
	struct inode *inode;
	struct path path;
	int err = path_lookup(caller->from, name->un.sun_path, LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	inode = path.dentry->inode;
	err = path_permission(&path, caller->from->cred, MAY_WRITE);
	if (!err && !S_ISSOCK(inode->mode))
		err = -ECONNREFUSED;
	if (!err) {
		spin_lock(&inode->short_lock);
		sock = inode->private;
		if (!sock || !refcount_try_get(&sock->socket.refs))
			err = -ECONNREFUSED;
		spin_unlock(&inode->short_lock);
	}
	path_put(&path);
	if (!err && sock->socket.type != type) {
		unix_put(sock);
		err = -EPROTOTYPE;
	}
	if (!err)
		*out = sock;
	return err;
}

/* ---- both --------------------------------------------------------------------------- */

int unix_find(struct netns *netns, const struct socket_name *name, int type,
              const struct socket_caller *caller, struct unix_sock **out)
{
	struct unix_sock *sock;

	if (!is_abstract(name))
		return path_find(name, type, caller, out);
	spin_lock(&netns->names_lock);
	sock = abstract_find(netns, name, type);
	if (sock)
		unix_get(sock);
	spin_unlock(&netns->names_lock);
	*out = sock;
	return sock ? 0 : -ECONNREFUSED;
}

int unix_bind(struct socket *socket, const struct socket_name *given,
              const struct socket_caller *caller)
{
	struct unix_sock *sock = to_unix(socket);
	struct unix_address *address;
	struct socket_name name;
	int err;

	if (given->size == NAME_HEADER && given->family == AF_UNIX)
		return unix_autobind(sock);
	err = unix_name_check(given, &name);
	if (err)
		return err;
	if (READ_ONCE(sock->address))
		return -EINVAL;
	err = address_create(&name, &address);
	if (err)
		return err;
	err = is_abstract(&name) ? abstract_bind(sock, address) : path_bind(sock, address, caller);
	if (err)
		unix_address_put(address);
	return err;
}

void unix_unname(struct unix_sock *sock)
{
	struct netns *netns = sock->socket.netns;
	struct inode *inode;

	spin_lock(&netns->names_lock);
	if (sock->is_named)
		rbtree_remove(&netns->unix_names, &sock->in_names);
	sock->is_named = false;
	spin_unlock(&netns->names_lock);
	if (!sock->path.dentry)
		return;
	inode = sock->path.dentry->inode;
	spin_lock(&inode->short_lock);
	if (inode->private == sock)
		inode->private = NULL;
	spin_unlock(&inode->short_lock);
	path_put(&sock->path);
	sock->path.dentry = NULL;
}

int unix_open_name(struct unix_sock *sock, const struct cred *cred, struct file **out)
{
	struct path path = { .dentry = NULL };
	int err;

	if (!cred_capable(cred, CAP_NET_ADMIN))
		return -EPERM;
	spin_lock(&sock->lock);
	if (sock->address)
		path = sock->path;
	spin_unlock(&sock->lock);
	if (!path.dentry)
		return -ENOENT;
	path_get(&path); /* the socket's own stays until its file is closed, which is in use */
	err = file_create(&path, cred, O_PATH, out);
	path_put(&path);
	return err;
}
