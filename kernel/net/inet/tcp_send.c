/*
 * From user memory, and from pages, to the stack. See tcp_impl.h.
 *
 * A small write is copied to the caller's stack and from there, by lwIP, into a segment. A large
 * one is copied into pages, without core, which lwIP then refers to until the peer has
 * acknowledged them: a struct send_chunk says up to which byte of the stream a page is needed.
 * Pages of files are referred to as they are.
 *
 * What one call writes is one piece of the stream, unless it must wait for room: send_lock.
 */
#include <linux/errno.h>

#include "abi/errno.h"
#include "fs/file.h"
#include "lib/math.h"
#include "mem/buddy.h"
#include "mem/page.h"
#include "mem/slab.h"
#include "net/inet/tcp_impl.h"
#include "net/stack/guards.h"
#include "sched/wait.h"
#include "vm/uio.h"

enum {
	SMALL_MAX = 640,       /* bytes for which a copy is cheaper than a page */
	ROOM_ORDER_MAX = 3,    /* pages for large writes: 32 KiB */
	WRITE_MAX = 32768,     /* bytes that lwIP takes at once */
};

struct send_chunk {
	struct list  link;
	struct page *page; /* a reference; the head of its run */
	uint32_t     end;  /* it is needed until so much of the stream is acknowledged */
};

static struct cache chunk_slab = CACHE("tcp_chunk", struct send_chunk);

struct sending {
	struct tcp_sock *sock;
	unsigned int     flags; /* MSG_* */
	ns_t             timeout, deadline;
};

/* ---- chunks ------------------------------------------------------------------------- */

static void chunk_free(struct send_chunk *chunk)
{
	list_remove(&chunk->link);
	page_put(chunk->page);
	cache_free(&chunk_slab, chunk);
}

void tcp_chunks_acked(struct tcp_sock *sock, uint32_t n)
{
	WRITE_ONCE(sock->acked, sock->acked + n);
	while (!list_is_empty(&sock->chunks)) {
		struct send_chunk *chunk = list_first_entry(&sock->chunks, struct send_chunk, link);

		if ((int32_t)(sock->acked - chunk->end) < 0)
			return;
		chunk_free(chunk);
	}
}

void tcp_chunks_free(struct tcp_sock *sock)
{
	while (!list_is_empty(&sock->chunks))
		chunk_free(list_first_entry(&sock->chunks, struct send_chunk, link));
}

/* The stream now ends with bytes of this page. Core held. */
static bool chunk_add(struct tcp_sock *sock, struct page *page, uint32_t end)
{
	struct send_chunk *chunk = NULL;

	if (!list_is_empty(&sock->chunks))
		chunk = list_last_entry(&sock->chunks, struct send_chunk, link);
	if (chunk && chunk->page == page) {
		chunk->end = end;
		return true;
	}
	chunk = cache_alloc(&chunk_slab, ALLOC_ATOMIC | ALLOC_NOWARN);
	if (!chunk)
		return false;
	page_get(page);
	chunk->page = page;
	chunk->end = end;
	list_add_tail(&sock->chunks, &chunk->link);
	return true;
}

/* ---- room --------------------------------------------------------------------------- */

static uint32_t limit_of(const struct tcp_sock *sock)
{
	if (!READ_ONCE(sock->settings.is_send_locked))
		return TCP_SND_BUF;
	return min(READ_ONCE(sock->inet.socket.send_buffer), (uint32_t)TCP_SND_BUF);
}

static uint32_t room_of(const struct tcp_sock *sock)
{
	uint32_t limit = limit_of(sock), unacked = tcp_unacked(sock);

	return limit > unacked ? limit - unacked : 0;
}

bool tcp_is_writable(const struct tcp_sock *sock)
{
	uint32_t unacked = tcp_unacked(sock);

	/* Linux's measure: a third is free. */
	return unacked + unacked / 2 <= limit_of(sock);
}

bool tcp_room_ask(struct tcp_sock *sock)
{
	if (tcp_is_writable(sock))
		return true;
	atomic_store_relaxed(&sock->wants_room, true);
	smp_mb(); /* pairs with the one in room_tell() */
	return tcp_is_writable(sock);
}

static bool is_over(const struct tcp_sock *sock)
{
	return READ_ONCE(sock->inet.error) || READ_ONCE(sock->inet.shut) & INET_NO_SEND;
}

/* EPIPE, or rather why. */
static int send_error(struct tcp_sock *sock)
{
	int error = inet_error_take(&sock->inet);

	return error ? -error : -EPIPE;
}

static int wait_interrupted(const struct sending *sending, int err)
{
	return err ? socket_interrupted(err, sending->timeout) : 0;
}

/* A connection in progress is waited for. */
static int connected_wait(const struct sending *sending)
{
	struct tcp_sock *sock = sending->sock;
	int err;

	for (;;) {
		if (READ_ONCE(sock->state) == TCP_IS_ESTABLISHED)
			return 0;
		if (READ_ONCE(sock->state) != TCP_IS_SYN_SENT || READ_ONCE(sock->inet.error))
			return send_error(sock);
		if (sending->flags & MSG_DONTWAIT)
			return -EAGAIN;
		err = wait_event_interruptible_until(&sock->inet.writable,
		                                     READ_ONCE(sock->state) != TCP_IS_SYN_SENT,
		                                     sending->deadline);
		if (err)
			return wait_interrupted(sending, err);
	}
}

/* Room, or more acknowledged than *seen; who does not find that will be woken. */
static bool has_room(struct tcp_sock *sock, const uint32_t *seen)
{
	atomic_store_relaxed(&sock->wants_room, true);
	smp_mb(); /* pairs with the one in room_tell() */
	return seen ? READ_ONCE(sock->acked) != *seen : room_of(sock) != 0;
}

/* Until there is room; or, if memory is short, until anything has changed. send_lock held. */
static int room_wait(const struct sending *sending, bool is_short)
{
	struct tcp_sock *sock = sending->sock;
	uint32_t acked = READ_ONCE(sock->acked);
	const uint32_t *seen = is_short ? &acked : NULL;
	int err;

	/* What waits for more to come will not get it. */
	stack_lock(tcp_netns(sock));
	tcp_push(sock);
	stack_unlock(tcp_netns(sock));
	if (sending->flags & MSG_DONTWAIT)
		return has_room(sock, seen) ? 0 : -EAGAIN;
	mutex_unlock(&sock->send_lock);
	err = wait_event_interruptible_until(&sock->inet.writable,
	                                     is_over(sock) || has_room(sock, seen),
	                                     sending->deadline);
	mutex_lock(&sock->send_lock);
	return wait_interrupted(sending, err);
}

/* ---- to the stack ------------------------------------------------------------------- */

/* Complete segments may go; with TCP_CORK or MSG_MORE, what is behind them waits. */
static void push_some(struct tcp_sock *sock, struct tcp_pcb *pcb, bool has_more)
{
	sock->held = has_more;
	if (!has_more || (pcb->unsent && pcb->unsent->next))
		(void)tcp_output(pcb);
}

void tcp_push(struct tcp_sock *sock)
{
	struct tcp_pcb *pcb = tcp_pcb_of(sock);

	sock->held = 0;
	if (pcb && pcb->state != SYN_SENT && sock->state == TCP_IS_ESTABLISHED)
		(void)tcp_output(pcb);
}

/*
 * lwIP takes bytes that follow those before in memory for more of the same. If they lie in another
 * page, they are not: who refers to the first would not hold the second.
 */
static void tail_seal(struct tcp_pcb *pcb)
{
	struct tcp_seg *segment = pcb->unsent;
	struct pbuf *pbuf;

	if (!segment)
		return;
	while (segment->next)
		segment = segment->next;
	for (pbuf = segment->p; pbuf->next; pbuf = pbuf->next)
		;
	pbuf->type_internal |= PBUF_TYPE_FLAG_DATA_VOLATILE;
}

/*
 * n bytes at `data` into the stream: copied if page is NULL. EAGAIN: no memory, or lwIP's queue is
 * full; EPIPE and so on. Core held.
 */
static int write_locked(const struct sending *sending, const void *data, uint32_t n,
                        struct page *page, bool has_more)
{
	struct tcp_sock *sock = sending->sock;
	struct tcp_pcb *pcb = tcp_pcb_of(sock);
	uint8_t flags = (page ? 0 : TCP_WRITE_FLAG_COPY) | (has_more ? TCP_WRITE_FLAG_MORE : 0);
	err_t err;

	if (!pcb || is_over(sock))
		return send_error(sock);
	if (page && !chunk_add(sock, page, sock->written + n))
		return -EAGAIN;
	if (page && data == sock->tail && page != sock->tail_page)
		tail_seal(pcb);
	segment_size_settle(pcb);
	err = tcp_write(pcb, data, (u16_t)n, flags);
	if (err != ERR_OK)
		return err == ERR_MEM ? -EAGAIN : send_error(sock);
	sock->tail = page ? (const uint8_t *)data + n : NULL;
	sock->tail_page = page;
	WRITE_ONCE(sock->written, sock->written + n);
	WRITE_ONCE(sock->silent_reads, 0);
	sock->is_dialogue |= sock->is_unanswered;
	sock->is_unanswered = false;
	push_some(sock, pcb, has_more);
	return 0;
}

static int write_out(const struct sending *sending, const void *data, uint32_t n,
                     struct page *page, bool is_last)
{
	struct tcp_sock *sock = sending->sock;
	bool has_more = sending->flags & MSG_MORE || READ_ONCE(sock->settings.cork);
	int err;

	stack_lock(tcp_netns(sock));
	err = write_locked(sending, data, n, page, has_more || !is_last);
	stack_unlock(tcp_netns(sock));
	return err;
}

/* ---- from user memory --------------------------------------------------------------- */

/* Bytes that were sent, or an error. */
static ssize_t small_send(const struct sending *sending, struct uio *uio, uint32_t n)
{
	uint8_t bytes[SMALL_MAX];
	size_t copied = uio_copy_in(uio, bytes, n);
	int err;

	if (!copied)
		return -EFAULT;
	err = write_out(sending, bytes, (uint32_t)copied, NULL, !uio->remaining);
	if (!err)
		return (ssize_t)copied;
	uio_revert(uio, copied);
	return err;
}

static uint32_t room_size(const struct page *page)
{
	return (uint32_t)PAGE_SIZE << page_order(page);
}

/* A page, or a run of them, with room for some of n bytes. send_lock held. */
static int room_page_need(struct tcp_sock *sock, uint32_t n)
{
	unsigned int order = 0;
	struct page *page;

	if (sock->room_page) {
		if (sock->room_used < room_size(sock->room_page))
			return 0;
		page_put(sock->room_page);
		sock->room_page = NULL;
	}
	while (order < ROOM_ORDER_MAX && (PAGE_SIZE << order) < n)
		order++;
	page = order ? pages_alloc(order, ALLOC_NOWAIT | ALLOC_NOWARN) : NULL;
	if (!page)
		page = page_alloc(ALLOC_KERNEL);
	if (!page)
		return -ENOBUFS;
	sock->room_page = page;
	sock->room_used = 0;
	return 0;
}

static ssize_t large_send(const struct sending *sending, struct uio *uio, uint32_t n)
{
	struct tcp_sock *sock = sending->sock;
	uint8_t *at;
	size_t copied;
	int err = room_page_need(sock, n);

	if (err)
		return err;
	n = min(n, room_size(sock->room_page) - sock->room_used);
	n = min(n, (uint32_t)WRITE_MAX);
	at = (uint8_t *)page_to_virt(sock->room_page) + sock->room_used;
	copied = uio_copy_in(uio, at, n);
	if (!copied)
		return -EFAULT;
	err = write_out(sending, at, (uint32_t)copied, sock->room_page, !uio->remaining);
	if (err) {
		uio_revert(uio, copied);
		return err;
	}
	sock->room_used += (uint32_t)copied;
	return (ssize_t)copied;
}

/* Some of it: bytes, 0 after waiting, or an error. */
static ssize_t some_send(const struct sending *sending, struct uio *uio)
{
	struct tcp_sock *sock = sending->sock;
	uint32_t room = room_of(sock);
	uint32_t n = (uint32_t)min(uio->remaining, (size_t)room);
	ssize_t result;

	if (is_over(sock))
		return send_error(sock);
	if (!room)
		return room_wait(sending, false);
	result = uio->remaining <= SMALL_MAX ? small_send(sending, uio, n)
					     : large_send(sending, uio, n);
	/* lwIP had no room, though we counted some: memory. */
	return result == -EAGAIN ? room_wait(sending, true) : result;
}

ssize_t tcp_sock_send(struct socket *socket, struct message *message)
{
	struct tcp_sock *sock = to_tcp(socket);
	struct sending sending = {
		.sock = sock,
		.flags = message->flags,
		.timeout = READ_ONCE(socket->send_timeout),
	};
	size_t before = message->uio->remaining;
	ssize_t result;

	if (message->flags & MSG_OOB)
		return -EOPNOTSUPP;
	sending.deadline = sending.timeout ? socket_deadline(sending.timeout) : WAIT_FOREVER;
	result = READ_ONCE(sock->state) == TCP_IS_ESTABLISHED ? 0 : connected_wait(&sending);
	if (result)
		return result;
	mutex_lock(&sock->send_lock);
	if (!before && is_over(sock))
		result = send_error(sock);
	while (message->uio->remaining) {
		result = some_send(&sending, message->uio);
		if (result < 0)
			break;
	}
	mutex_unlock(&sock->send_lock);
	if (message->uio->remaining < before)
		return (ssize_t)(before - message->uio->remaining);
	return min(result, (ssize_t)0);
}

/* ---- pages of files ----------------------------------------------------------------- */

/* Some of a span from `offset` on: bytes, 0 after waiting, or an error. */
static ssize_t span_send(const struct sending *sending, const struct page_span *span,
                         uint32_t offset, bool is_last)
{
	struct tcp_sock *sock = sending->sock;
	struct page *head = page_head(span->page);
	uint8_t *at = (uint8_t *)page_to_virt(span->page) + span->offset + offset;
	uint32_t room = room_of(sock), n = min(span->length - offset, room);
	int err;

	n = min(n, (uint32_t)WRITE_MAX);

	if (is_over(sock))
		return send_error(sock);
	if (!room)
		return room_wait(sending, false);
	err = write_out(sending, at, n, head, is_last && offset + n == span->length);
	if (err == -EAGAIN)
		return room_wait(sending, true);
	return err ? err : (ssize_t)n;
}

ssize_t tcp_sock_send_pages(struct socket *socket, const struct page_span *spans, uint32_t nr,
                            unsigned int flags)
{
	struct tcp_sock *sock = to_tcp(socket);
	struct sending sending = {
		.sock = sock,
		.flags = flags,
		.timeout = READ_ONCE(socket->send_timeout),
	};
	ssize_t done = 0, result;

	sending.deadline = sending.timeout ? socket_deadline(sending.timeout) : WAIT_FOREVER;
	result = READ_ONCE(sock->state) == TCP_IS_ESTABLISHED ? 0 : connected_wait(&sending);
	if (result)
		return result;
	mutex_lock(&sock->send_lock);
	for (uint32_t i = 0, offset = 0; i < nr && result >= 0;) {
		result = span_send(&sending, &spans[i], offset, i + 1 == nr);
		if (result <= 0)
			continue;
		done += result;
		offset += (uint32_t)result;
		if (offset == spans[i].length) {
			offset = 0;
			i++;
		}
	}
	mutex_unlock(&sock->send_lock);
	return done ? done : min(result, (ssize_t)0);
}
