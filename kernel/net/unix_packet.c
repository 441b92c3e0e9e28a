/*
 * Packets: what lies in the queues of AF_UNIX. See unix_impl.h.
 *
 * A small packet is one piece of memory, a large one has pages. The charge for a packet is what
 * Linux counts for it, so that as many fit into a send buffer as there.
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "abi/errno.h"
#include "id/cred.h"
#include "lib/math.h"
#include "mem/buddy.h"
#include "net/filter/filter.h"
#include "net/rights.h"
#include "net/unix_impl.h"
#include "sched/clock.h"
#include "vm/uio.h"

enum {
	INLINE_MAX = 2048 - sizeof(struct unix_packet),
	LINUX_HEADER = 256, /* sk_buff */
	LINUX_TRAILER = 320, /* skb_shared_info */
	LINUX_LINEAR_MAX = 16384 - LINUX_TRAILER,
};

static uint32_t charge_of(uint32_t size)
{
	uint32_t linear = min(size, (uint32_t)LINUX_LINEAR_MAX);
	uint32_t charge = (uint32_t)round_up_pow2(align_up(linear, 64u) + LINUX_TRAILER);

	return charge + LINUX_HEADER + (uint32_t)align_up(size - linear, (uint32_t)PAGE_SIZE);
}

static void pages_put(struct unix_packet *packet)
{
	for (uint32_t i = 0; i < packet->nr_pages; i++)
		page_put(packet->pages[i]);
}

static int packet_alloc(uint32_t size, struct unix_packet **out)
{
	uint32_t nr_pages = 0;
	struct unix_packet *packet;

	if (size > INLINE_MAX)
		nr_pages = (uint32_t)((size + PAGE_SIZE - 1) >> PAGE_SHIFT);
	packet = kmalloc(sizeof(*packet) + (nr_pages ? nr_pages * sizeof(struct page *) : size),
	                 ALLOC_KERNEL);
	if (!packet)
		return -ENOMEM;
	packet->nr_pages = pages_alloc_bulk(packet->pages, nr_pages, ALLOC_KERNEL);
	if (packet->nr_pages < nr_pages) {
		pages_put(packet);
		kfree(packet);
		return -ENOMEM;
	}
	packet->size = size;
	packet->offset = 0;
	packet->time = 0;
	packet->rights = NULL;
	*out = packet;
	return 0;
}

static int packet_fill(struct unix_packet *packet, struct uio *uio)
{
	uint32_t left = packet->size;

	if (!packet->nr_pages)
		return uio_copy_in(uio, packet->bytes, left) < left ? -EFAULT : 0;
	for (uint32_t i = 0; left; i++) {
		uint32_t n = min(left, (uint32_t)PAGE_SIZE);

		if (uio_copy_in(uio, page_to_virt(packet->pages[i]), n) < n)
			return -EFAULT;
		left -= n;
	}
	return 0;
}

uint32_t unix_packet_read(const struct unix_packet *packet, uint32_t offset, struct uio *uio,
                          uint32_t n)
{
	uint32_t done = 0;

	if (!packet->nr_pages)
		return (uint32_t)uio_copy_out(uio, packet->bytes + offset, n);
	while (done < n) {
		uint32_t at = (offset + done) & (PAGE_SIZE - 1);
		uint32_t part = min(n - done, (uint32_t)PAGE_SIZE - at);
		const char *page = page_to_virt(packet->pages[(offset + done) >> PAGE_SHIFT]);
		uint32_t copied = (uint32_t)uio_copy_out(uio, page + at, part);

		done += copied;
		if (copied < part)
			break;
	}
	return done;
}

/* ---- the send buffer ---------------------------------------------------------------- */

static bool has_room(const struct unix_sock *sock)
{
	return atomic_load_relaxed(&sock->charged) < READ_ONCE(sock->socket.send_buffer) ||
	       READ_ONCE(sock->shut) & NO_SEND || READ_ONCE(sock->error);
}

/* Until the send buffer has room, or sending is over. */
static int wait_for_room(struct unix_sock *sock, bool nowait)
{
	ns_t timeout = sock->socket.send_timeout;
	int err = 0;

	if (!has_room(sock)) {
		if (nowait)
			return -EAGAIN;
		err = wait_event_interruptible_exclusive_until(&sock->writable, has_room(sock),
		                                               socket_deadline(timeout));
	}
	if (err)
		return socket_interrupted(err, timeout);
	if (unlikely(READ_ONCE(sock->error))) {
		spin_lock(&sock->lock);
		err = -unix_error_take_locked(sock);
		spin_unlock(&sock->lock);
	}
	if (!err && READ_ONCE(sock->shut) & NO_SEND)
		err = -EPIPE;
	return err;
}

int unix_packet_create(struct unix_sock *sender, struct uio *uio, uint32_t n, bool nowait,
                       struct unix_packet **out)
{
	struct unix_packet *packet;
	int err = wait_for_room(sender, nowait);

	if (!err)
		err = packet_alloc(n, &packet);
	if (err)
		return err;
	err = packet_fill(packet, uio);
	if (err) {
		pages_put(packet);
		kfree(packet);
		return err;
	}
	packet->sender = unix_get(sender);
	packet->charge = charge_of(n);
	packet->ucred = (struct ucred){ .pid = 0, .uid = (uint32_t)-1, .gid = (uint32_t)-1 };
	atomic_fetch_add(&sender->charged, packet->charge);
	*out = packet;
	return 0;
}

void unix_packet_free(struct unix_packet *packet)
{
	struct unix_sock *sender = packet->sender;

	atomic_fetch_sub(&sender->charged, packet->charge);
	if (unix_is_writable(sender))
		wake_up_sync_key(&sender->writable, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	unix_put(sender);
	rights_free(packet->rights);
	pages_put(packet);
	kfree(packet);
}

void unix_packet_queue_locked(struct unix_sock *receiver, struct unix_packet *packet)
{
	list_add_tail(&receiver->queue, &packet->link);
	WRITE_ONCE(receiver->nr_queued, receiver->nr_queued + 1);
}

void unix_packet_unqueue_locked(struct unix_sock *receiver, struct unix_packet *packet)
{
	list_remove(&packet->link);
	WRITE_ONCE(receiver->nr_queued, receiver->nr_queued - 1);
}

/* ---- filters ------------------------------------------------------------------------ */

static uint32_t filter_copy(const struct bpf_packet *packet, uint32_t offset, void *to,
                            uint32_t size)
{
	struct uio uio;

	uio_init_kernel(&uio, to, size);
	return unix_packet_read(packet->owner, offset, &uio, size);
}

bool unix_packet_filter(const struct unix_sock *receiver, struct unix_packet *packet)
{
	const struct bpf_packet view = {
		.head = packet->bytes,
		.nr_head = packet->nr_pages ? 0 : packet->size,
		.size = packet->size,
		.link = BPF_NONE, .network = BPF_NONE,
		.copy = filter_copy, .owner = packet,
		.cpu = cpu_id(),
	};
	uint32_t wanted = socket_filter_run(&receiver->socket, &view);

	packet->size = wanted;
	return wanted;
}

/* ---- control data ------------------------------------------------------------------- */

int unix_packet_attach(struct unix_packet *packet, struct message *message,
                       const struct unix_sock *receiver)
{
	uint32_t options = receiver->socket.options;
	uint32_t either = packet->sender->socket.options | options;
	const struct socket_caller *caller = message->caller;
	int err;

	if (message->rights) {
		err = rights_send(message->rights, caller->from->cred->user, caller->max_in_flight);
		if (err)
			return err;
		packet->rights = message->rights;
		message->rights = NULL;
	}
	if (message->has_ucred)
		packet->ucred = message->ucred;
	else if (either & SOCKET_PASSCRED)
		socket_current_ucred(&packet->ucred);
	if (unlikely(options & SOCKET_TIMESTAMP))
		packet->time = clock_realtime();
	return 0;
}

void unix_packet_detach(struct unix_packet *packet, struct message *message,
                        struct unix_sock *receiver, bool is_peek)
{
	message->has_ucred = receiver->socket.options & SOCKET_PASSCRED;
	message->ucred = packet->ucred;
	if (!packet->rights)
		return;
	if (is_peek) {
		/* Without memory the message just comes without its files. */
		if (rights_copy(packet->rights, &message->rights))
			message->seen |= MSG_CTRUNC;
		return;
	}
	message->rights = packet->rights;
	packet->rights = NULL;
	rights_receive(message->rights);
}
