/*
 * All sockets of AF_UNIX, for /proc/net/unix. See unix.h.
 *
 * Locking: `all.lock` over the list; a leaf, so that sockets can come and go anywhere. A walk takes
 * references on some at a time and lets go of the lock while it tells of them.
 */
#include "net/netns.h"
#include "net/unix.h"
#include "net/unix_impl.h"

enum { AT_A_TIME = 16 };

static struct {
	struct spinlock lock;
	struct list     socks __guarded_by(lock); /* by cookie */
} all = { .lock = SPINLOCK(RANK_LEAF), .socks = LIST_INIT(all.socks) };

void unix_list_add(struct unix_sock *sock)
{
	spin_lock(&all.lock);
	list_add_tail(&all.socks, &sock->in_all);
	spin_unlock(&all.lock);
}

void unix_list_remove(struct unix_sock *sock)
{
	spin_lock(&all.lock);
	list_remove(&sock->in_all);
	spin_unlock(&all.lock);
}

/* Those that come after the one with this cookie, up to AT_A_TIME, with references. */
static uint32_t next_few(const struct netns *netns, uint64_t cookie, struct unix_sock **few)
{
	struct unix_sock *sock;
	uint32_t nr = 0;

	spin_lock(&all.lock);
	list_for_each_entry(sock, &all.socks, in_all) {
		if (nr == AT_A_TIME)
			break;
		if (sock->socket.cookie > cookie && sock->socket.netns == netns &&
		    refcount_try_get(&sock->socket.refs))
			few[nr++] = sock;
	}
	spin_unlock(&all.lock);
	return nr;
}

/* As FIONREAD: all of a stream, the first of other packets. */
static uint32_t queued_locked(const struct unix_sock *sock)
{
	const struct unix_packet *packet;
	uint32_t bytes = 0;

	if (sock->state == UNIX_LISTENING)
		return sock->nr_queued;
	list_for_each_entry(packet, &sock->queue, link) {
		bytes += packet->size - packet->offset;
		if (sock->socket.type != SOCK_STREAM)
			break;
	}
	return bytes;
}

static void tell(struct unix_sock *sock, struct unix_info *info)
{
	unix_name_of(sock, &info->name);
	spin_lock(&sock->lock);
	info->refs = (uint32_t)refcount_read(&sock->socket.refs);
	info->type = sock->socket.type;
	info->ino = sock->socket.ino;
	info->cookie = sock->socket.cookie;
	info->is_dead = sock->is_dead;
	info->is_listening = sock->state == UNIX_LISTENING;
	info->is_connected = sock->peer && sock->state == UNIX_CONNECTED;
	info->peer_ino = sock->peer ? READ_ONCE(sock->peer->socket.ino) : 0;
	info->queued = queued_locked(sock);
	spin_unlock(&sock->lock);
}

void unix_for_each(const struct netns *netns, void (*fn)(const struct unix_info *info, void *data),
		   void *data)
{
	struct unix_sock *few[AT_A_TIME];
	uint64_t cookie = 0;
	uint32_t nr;

	while ((nr = next_few(netns, cookie, few))) {
		cookie = few[nr - 1]->socket.cookie;
		for (uint32_t i = 0; i < nr; i++) {
			struct unix_info info;

			tell(few[i], &info);
			unix_put(few[i]);
			if (!info.is_dead)
				fn(&info, data);
		}
	}
}
