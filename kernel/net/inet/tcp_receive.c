/*
 * From the receive queue to user memory, and the window that we offer. See tcp_impl.h.
 *
 * lwIP's pbufs are hung on the queue one by one, through their `next`, whatever chains they came
 * in. Only readers take from it, in turns (receive_lock), so that what was there when they looked
 * can be copied without a lock. Many small packets would fill memory with what is around them: when
 * that is too much, they are copied together.
 *
 * The window opens again when a quarter of it has been read: lwIP need not be told of each byte.
 */
#include <linux/errno.h>
#include <linux/tcp.h>

#include "abi/errno.h"
#include "lib/math.h"
#include "lib/string.h"
#include "net/inet/errors.h"
#include "net/inet/tcp_impl.h"
#include "net/message.h"
#include "sched/wait.h"
#include "vm/uio.h"

enum { MERGE_SIZE = 2048, MERGE_MAX = 512, MERGE_AFTER = 65536, ANSWERS_NOT = 2 };

/* ---- the queue ---------------------------------------------------------------------- */

static void queue_append(struct tcp_sock *sock, struct pbuf *first, struct pbuf *last, uint32_t n)
{
	if (sock->queue_last)
		sock->queue_last->next = first;
	else
		sock->queue_first = first;
	sock->queue_last = last;
	atomic_store_release(&sock->queued, sock->queued + n); /* pairs with read_step() */
}

/* The pbufs without bytes of a chain go (headers were there); the last that is left, or NULL. */
static struct pbuf *chain_strip(struct pbuf **first)
{
	struct pbuf **link = first, *last = NULL;

	while (*link) {
		struct pbuf *pbuf = *link;

		if (pbuf->len) {
			last = pbuf;
			link = &pbuf->next;
			continue;
		}
		*link = pbuf->next;
		pbuf->next = NULL;
		pbuf_free(pbuf);
	}
	return last;
}

/*
 * Few bytes in much memory, that nobody reads: they are put behind those before, or into a new pbuf
 * with room for more. False: no memory.
 */
static bool queue_merge(struct tcp_sock *sock, const struct pbuf *chain, uint32_t n)
{
	struct pbuf *last = sock->queue_last;

	if (n > sock->merge_room || !last) {
		struct pbuf *merged = pbuf_alloc(PBUF_RAW, MERGE_SIZE, PBUF_RAM);

		if (!merged)
			return false;
		merged->len = 0;
		queue_append(sock, merged, merged, 0);
		sock->queue_memory += stack_pbuf_memory(merged);
		sock->merge_room = MERGE_SIZE;
		last = merged;
	}
	(void)pbuf_copy_partial(chain, (uint8_t *)last->payload + last->len, (u16_t)n, 0);
	WRITE_ONCE(last->len, (u16_t)(last->len + n));
	sock->merge_room -= n;
	atomic_store_release(&sock->queued, sock->queued + n); /* pairs with read_step() */
	return true;
}

void tcp_queue_add(struct tcp_sock *sock, struct pbuf *pbuf)
{
	uint32_t n = pbuf->tot_len, memory = stack_pbuf_memory(pbuf);
	struct pbuf *last, *merged = NULL;

	spin_lock(&sock->inet.lock);
	if (unlikely(sock->queue_memory > MERGE_AFTER && n <= MERGE_MAX && memory > n * 4 &&
		     queue_merge(sock, pbuf, n))) {
		merged = pbuf;
	} else {
		last = chain_strip(&pbuf);
		if (last) {
			queue_append(sock, pbuf, last, n);
			sock->queue_memory += memory;
			sock->merge_room = 0;
		}
	}
	spin_unlock(&sock->inet.lock);
	if (merged)
		pbuf_free(merged);
}

uint32_t tcp_queue_purge(struct tcp_sock *sock)
{
	struct pbuf *first;
	uint32_t n;

	spin_lock(&sock->inet.lock);
	first = sock->queue_first;
	n = sock->queued;
	sock->queue_first = sock->queue_last = NULL;
	WRITE_ONCE(sock->queued, 0);
	sock->queue_memory = sock->merge_room = 0;
	sock->head_taken = 0;
	spin_unlock(&sock->inet.lock);
	if (first)
		stack_pbuf_free(first);
	return n;
}

/* n bytes at the head have been read. receive_lock held. */
static void queue_consume(struct tcp_sock *sock, uint32_t n)
{
	struct pbuf *first, *pbuf, *last = NULL;
	uint32_t taken = sock->head_taken + n;

	spin_lock(&sock->inet.lock);
	first = pbuf = sock->queue_first;
	while (pbuf && taken >= pbuf->len) {
		taken -= pbuf->len;
		last = pbuf;
		pbuf = pbuf->next;
	}
	sock->queue_first = pbuf;
	if (!pbuf) {
		sock->queue_last = NULL;
		sock->queue_memory = sock->merge_room = 0;
	}
	WRITE_ONCE(sock->queued, sock->queued - n);
	if (pbuf && last)
		sock->queue_memory -= min(sock->queue_memory, n);
	spin_unlock(&sock->inet.lock);
	sock->head_taken = taken;
	if (last) {
		last->next = NULL;
		stack_pbuf_free(first);
	}
}

/* ---- the window --------------------------------------------------------------------- */

void tcp_window_settle(struct tcp_sock *sock, const struct tcp_pcb *pcb)
{
	if (!(pcb->flags & TF_WND_SCALE))
		WRITE_ONCE(sock->window, min(sock->window, (uint32_t)UINT16_MAX));
}

void tcp_window_choose(struct tcp_sock *sock)
{
	uint32_t window = TCP_WINDOW_DEFAULT, clamp = sock->settings.window_clamp;

	if (sock->settings.is_receive_locked)
		window = READ_ONCE(sock->inet.socket.receive_buffer) / 2;
	if (clamp)
		window = min(window, clamp);
	WRITE_ONCE(sock->window, clamp(window, (uint32_t)TCP_WINDOW_MIN, (uint32_t)TCP_WND));
	if (sock->state == TCP_IS_ESTABLISHED && tcp_pcb_of(sock))
		tcp_window_settle(sock, tcp_pcb_of(sock));
}

void tcp_window_begin(const struct tcp_sock *sock, struct tcp_pcb *pcb)
{
	pcb->rcv_wnd = min(pcb->rcv_wnd, sock->window);
	pcb->rcv_ann_wnd = min(pcb->rcv_ann_wnd, sock->window);
}

/* The stack is told of what was read, and the peer if that is much. receive_lock held. */
static void window_open(struct tcp_sock *sock)
{
	struct tcp_pcb *pcb;
	uint32_t n = sock->untold, news;

	sock->untold = 0;
	stack_lock(tcp_netns(sock));
	pcb = tcp_pcb_of(sock);
	if (pcb && sock->state == TCP_IS_ESTABLISHED) {
		for (; n > UINT16_MAX; n -= UINT16_MAX)
			tcp_recved(pcb, UINT16_MAX);
		tcp_recved(pcb, (u16_t)n);
		/* lwIP's idea of "much" knows only its own window, the largest. */
		news = pcb->rcv_nxt + pcb->rcv_wnd - pcb->rcv_ann_right_edge;
		if ((int32_t)news > 0 && news >= min(sock->window / 4, (uint32_t)pcb->mss * 2)) {
			pcb->rcv_ann_wnd = pcb->rcv_wnd;
			tcp_set_flags(pcb, TF_ACK_NOW);
			(void)tcp_output(pcb);
		}
	}
	stack_unlock(tcp_netns(sock));
}

/* ---- reading ------------------------------------------------------------------------ */

struct tcp_read {
	struct tcp_sock *sock;
	struct message  *message;
	size_t           wanted; /* bytes yet to come */
	size_t           target; /* enough to return without waiting */
	size_t           done;
	uint32_t         skip;   /* MSG_PEEK: bytes of the queue that are passed by */
	ns_t             timeout, deadline;
	bool             is_peek, is_discard;
};

/* To where the bytes go: how many did. */
static size_t bytes_give(const struct tcp_read *read, const void *bytes, size_t n)
{
	return read->is_discard ? n : uio_copy_out(read->message->uio, bytes, n);
}

/* Copies up to n bytes that are in the queue from `skip` on; fewer on a fault. */
static uint32_t queue_copy(const struct tcp_read *read, uint32_t n)
{
	const struct pbuf *pbuf = read->sock->queue_first;
	uint32_t offset = read->sock->head_taken + read->skip, done = 0;

	for (;;) {
		uint32_t part, copied;

		while (offset >= pbuf->len) {
			offset -= pbuf->len;
			pbuf = pbuf->next;
		}
		part = min(n - done, pbuf->len - offset);
		copied = (uint32_t)bytes_give(read, (const uint8_t *)pbuf->payload + offset, part);
		done += copied;
		if (copied < part || done == n)
			return done;
		offset += part;
	}
}

/* What is there: 1 to go on, 0 at the end, or an error. */
static int queue_take(struct tcp_read *read, uint32_t available)
{
	struct tcp_sock *sock = read->sock;
	uint32_t n = (uint32_t)min((size_t)available, read->wanted);
	uint32_t copied = n ? queue_copy(read, n) : 0;

	read->done += copied;
	read->wanted -= copied;
	if (read->is_peek) {
		read->skip += copied;
	} else if (copied) {
		queue_consume(sock, copied);
		sock->untold += copied;
		if (sock->untold >= sock->window / 4)
			window_open(sock);
	}
	if (copied < n)
		return read->done ? 0 : -EFAULT;
	return read->wanted != 0;
}

/* Nothing is there: 1 to wait, 0 or an error to end with. */
static int queue_end(struct tcp_read *read)
{
	struct tcp_sock *sock = read->sock;
	uint32_t shut = READ_ONCE(sock->inet.shut);
	uint8_t state = READ_ONCE(sock->state);
	int error;

	if (read->done >= read->target)
		return 0;
	if (read->done) {
		if (READ_ONCE(sock->inet.error) || shut & INET_NO_RECEIVE || state == TCP_IS_CLOSED)
			return 0;
	} else {
		if (READ_ONCE(sock->has_end))
			return 0;
		error = inet_error_take(&sock->inet);
		if (error)
			return -error;
		if (shut & INET_NO_RECEIVE)
			return 0;
		if (state == TCP_IS_CLOSED)
			return -ENOTCONN;
	}
	return read->message->flags & MSG_DONTWAIT ? -EAGAIN : 1;
}

static bool has_news(const struct tcp_sock *sock, uint32_t seen)
{
	return READ_ONCE(sock->queued) != seen || READ_ONCE(sock->inet.error) ||
	       READ_ONCE(sock->inet.shut) & INET_NO_RECEIVE ||
	       READ_ONCE(sock->state) == TCP_IS_CLOSED;
}

/* Until something comes; other readers may go first. */
static int news_wait(struct tcp_read *read, uint32_t seen)
{
	struct tcp_sock *sock = read->sock;
	int err;

	/* Whoever waits for more than fits would wait for ever. */
	if (sock->untold)
		window_open(sock);
	mutex_unlock(&sock->receive_lock);
	err = wait_event_interruptible_until(&sock->inet.readable, has_news(sock, seen),
	                                     read->deadline);
	mutex_lock(&sock->receive_lock);
	return err ? socket_interrupted(err, read->timeout) : 1;
}

static int read_step(struct tcp_read *read)
{
	uint32_t queued = atomic_load_acquire(&read->sock->queued); /* pairs with queue_append() */
	int result;

	if (queued > read->skip)
		return queue_take(read, queued - read->skip);
	result = queue_end(read);
	return result == 1 ? news_wait(read, queued) : result;
}

/*
 * What was read is acknowledged without delay: if TCP_QUICKACK says so, or if all was read by
 * somebody who reads without answering, since no answer will take the acknowledgement along.
 */
static void quick_ack(struct tcp_sock *sock, bool is_all)
{
	uint8_t reads = READ_ONCE(sock->silent_reads);
	struct tcp_pcb *pcb;

	if (reads < ANSWERS_NOT)
		WRITE_ONCE(sock->silent_reads, (uint8_t)(reads + 1));
	if (!READ_ONCE(sock->settings.quick_ack) && (!is_all || reads + 1 < ANSWERS_NOT))
		return;
	stack_lock(tcp_netns(sock));
	pcb = tcp_pcb_of(sock);
	if (pcb && sock->state == TCP_IS_ESTABLISHED && pcb->flags & TF_ACK_DELAY) {
		tcp_set_flags(pcb, TF_ACK_NOW);
		(void)tcp_output(pcb);
	}
	stack_unlock(tcp_netns(sock));
}

static void read_begin(struct tcp_read *read, struct socket *socket)
{
	unsigned int flags = read->message->flags;

	read->wanted = read->message->uio->remaining;
	read->target = read->wanted;
	if (!(flags & MSG_WAITALL))
		read->target = min((size_t)READ_ONCE(socket->receive_low), read->target);
	read->target = max(read->target, (size_t)1);
	read->timeout = READ_ONCE(socket->receive_timeout);
	read->deadline = read->timeout ? socket_deadline(read->timeout) : WAIT_FOREVER;
	read->is_peek = flags & MSG_PEEK;
	read->is_discard = (flags & (MSG_TRUNC | MSG_PEEK)) == MSG_TRUNC;
}

ssize_t tcp_sock_receive(struct socket *socket, struct message *message)
{
	struct tcp_sock *sock = to_tcp(socket);
	struct tcp_read read = { .sock = sock, .message = message };
	int result, queued;

	if (message->flags & MSG_ERRQUEUE)
		return inet_errors_receive(&sock->inet, message);
	if (READ_ONCE(sock->state) == TCP_IS_LISTENING)
		return -ENOTCONN;
	if (message->flags & MSG_OOB)
		return -EINVAL;
	read_begin(&read, socket);
	mutex_lock(&sock->receive_lock);
	do {
		result = read_step(&read);
	} while (result > 0);
	queued = (int)sock->queued;
	mutex_unlock(&sock->receive_lock);
	if (!read.done)
		return result;
	quick_ack(sock, !queued);
	if (READ_ONCE(sock->settings.wants_queue_size))
		message_control_put(message, SOL_TCP, TCP_CM_INQ, &queued, sizeof(queued));
	return (ssize_t)read.done;
}
