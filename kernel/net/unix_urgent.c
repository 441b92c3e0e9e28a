/*
 * MSG_OOB on streams of AF_UNIX: one byte at a time stands out of a receiver's queue.
 *
 * It lies in the queue, as a packet of its own, and is read ahead of the others by MSG_OOB. A read
 * of what comes before ends there; the next one passes it by, read or not. With SO_OOBINLINE it is
 * read as the others are. A newer one makes an older one ordinary. What has been read ahead stays
 * in the queue as an empty packet, a mark. recv(2), ioctl_list(2).
 */
#include <linux/errno.h>

#include "net/unix_impl.h"
#include "vm/uio.h"

static bool is_inline(const struct unix_sock *sock)
{
	return READ_ONCE(sock->socket.options) & SOCKET_OOBINLINE;
}

void unix_urgent_queue_locked(struct unix_sock *receiver, struct unix_packet *packet)
{
	if (!receiver->urgent)
		receiver->nr_marks++;
	WRITE_ONCE(receiver->urgent, packet);
}

static struct unix_packet *head_of(struct unix_sock *sock)
{
	return list_is_empty(&sock->queue) ? NULL :
	       list_first_entry(&sock->queue, struct unix_packet, link);
}

bool unix_marks_pass_locked(struct unix_sock *sock, bool has_read, struct list *gone)
{
	struct unix_packet *head;

	while ((head = head_of(sock))) {
		bool is_empty = head->offset == head->size;

		if (!is_empty && (head != sock->urgent || has_read))
			return head == sock->urgent;
		sock->nr_marks--;
		if (!is_empty)
			WRITE_ONCE(sock->urgent, NULL);
		if (!is_empty && is_inline(sock))
			return false;
		unix_packet_unqueue_locked(sock, head);
		list_add_tail(gone, &head->link);
		if (is_empty && has_read)
			return true;
	}
	return false;
}

bool unix_urgent_hides_locked(const struct unix_sock *sock, const struct unix_packet *packet,
                              bool has_read)
{
	return packet == sock->urgent && (has_read || !is_inline(sock));
}

ssize_t unix_urgent_receive(struct unix_sock *sock, struct message *message)
{
	bool is_peek = message->flags & MSG_PEEK;
	struct unix_packet *packet;
	ssize_t result = -EINVAL;

	mutex_lock(&sock->receive_lock);
	packet = is_inline(sock) ? NULL : READ_ONCE(sock->urgent);
	if (packet) {
		result = unix_packet_read(packet, 0, message->uio, 1) ? 1 : -EFAULT;
		message->seen |= MSG_OOB;
	}
	if (packet && !is_peek) {
		spin_lock(&sock->lock);
		packet->offset = packet->size;
		if (sock->urgent == packet)
			WRITE_ONCE(sock->urgent, NULL);
		else
			sock->nr_marks++; /* a newer one came and took its mark over */
		spin_unlock(&sock->lock);
	}
	mutex_unlock(&sock->receive_lock);
	return result;
}

bool unix_is_at_mark(struct unix_sock *sock)
{
	spin_lock(&sock->lock);
	struct unix_packet *head = head_of(sock);
	bool is_at = head && head == sock->urgent;

	spin_unlock(&sock->lock);
	return is_at;
}
