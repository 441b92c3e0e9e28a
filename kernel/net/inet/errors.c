/*
 * Pending errors and the error queue of a socket. See errors.h.
 */
#include "net/inet/errors.h"

#include <linux/errno.h>
#include <linux/time.h>
#include <linux/errqueue.h>
#include <linux/in.h>
#include <linux/in6.h>

#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "net/inet/dgram.h"
#include "vm/uio.h"

enum { ERROR_QUEUE_MAX = 256 }; /* some 200 KiB of Linux's, by its count */

struct queued_error {
	struct list       link;
	struct inet_error error;
	uint32_t          size;
	uint8_t           quote[];
};

void inet_error_post(struct inet_sock *sock, int err)
{
	atomic_store_release(&sock->error, err);
	inet_wake_all(sock);
}

/* ---- the queue ---------------------------------------------------------------------- */

void inet_error_queue(struct inet_sock *sock, const struct inet_error *error,
                      const struct inet_quote *quote)
{
	struct queued_error *queued = NULL;

	if (READ_ONCE(sock->nr_errors) < ERROR_QUEUE_MAX)
		queued = kmalloc(sizeof(*queued) + quote->size, ALLOC_ATOMIC | ALLOC_NOWARN);
	if (!queued)
		return;
	queued->error = *error;
	queued->size = quote->size;
	memcpy(queued->quote, quote->bytes, quote->size);
	spin_lock(&sock->lock);
	list_add_tail(&sock->errors, &queued->link);
	WRITE_ONCE(sock->nr_errors, sock->nr_errors + 1);
	spin_unlock(&sock->lock);
}

void inet_error_queue_local(struct inet_sock *sock, int err, const struct dgram_send *send,
                            uint32_t info)
{
	const struct inet_error error = {
		.err = (uint32_t)err,
		.origin = SO_EE_ORIGIN_LOCAL,
		.info = info,
		.remote = send->to,
		.remote_port = send->port,
	};

	if (inet_wants_errors(sock, &send->to)) {
		inet_error_queue(sock, &error, &(struct inet_quote){ .bytes = "" });
		inet_wake_all(sock);
	}
}

static bool is_icmp(const struct queued_error *queued)
{
	return queued->error.origin == SO_EE_ORIGIN_ICMP ||
	       queued->error.origin == SO_EE_ORIGIN_ICMP6;
}

/* The first; what is pending then follows from the one behind, as on Linux. */
static struct queued_error *error_take(struct inet_sock *sock)
{
	struct queued_error *first = NULL, *next = NULL;

	spin_lock(&sock->lock);
	if (!list_is_empty(&sock->errors)) {
		first = list_first_entry(&sock->errors, struct queued_error, link);
		list_remove(&first->link);
		WRITE_ONCE(sock->nr_errors, sock->nr_errors - 1);
		if (sock->nr_errors)
			next = list_first_entry(&sock->errors, struct queued_error, link);
		if (next && is_icmp(next))
			WRITE_ONCE(sock->error, (int)next->error.err);
		else if (is_icmp(first))
			WRITE_ONCE(sock->error, 0);
	}
	spin_unlock(&sock->lock);
	return first;
}

void inet_errors_clear(struct inet_sock *sock)
{
	struct queued_error *queued;

	while ((queued = error_take(sock)))
		kfree(queued);
}

/* ---- reading ------------------------------------------------------------------------ */

struct told_error {
	struct sock_extended_err extended;
	union {
		struct sockaddr_in  in;
		struct sockaddr_in6 in6;
	} offender;
};

static void error_tell(struct inet_sock *sock, const struct inet_error *error,
                       struct message *message)
{
	struct told_error told = {
		.extended = {
			.ee_errno = error->err,
			.ee_origin = error->origin,
			.ee_type = error->type,
			.ee_code = error->code,
			.ee_info = error->info,
		},
	};
	bool is_v6 = sock->socket.family == AF_INET6;
	struct socket_name offender;
	uint32_t room = is_v6 ? sizeof(told.offender.in6) : sizeof(told.offender.in);

	if (error->origin != SO_EE_ORIGIN_LOCAL) {
		inet_address_tell(sock, &error->offender, 0, &offender);
		memcpy(&told.offender, offender.bytes, offender.size);
	}
	message_control_put(message, is_v6 ? SOL_IPV6 : SOL_IP, is_v6 ? IPV6_RECVERR : IP_RECVERR,
	                    &told, offsetof(struct told_error, offender) + room);
}

ssize_t inet_errors_receive(struct inet_sock *sock, struct message *message)
{
	struct queued_error *queued = error_take(sock);
	size_t n;
	ssize_t result;

	if (!queued)
		return -EAGAIN;
	n = min((size_t)queued->size, message->uio->remaining);
	if (n < queued->size)
		message->seen |= MSG_TRUNC;
	result = (ssize_t)n;
	if (uio_copy_out(message->uio, queued->quote, n) < n) {
		result = -EFAULT;
	} else {
		if (message->name)
			inet_address_tell(sock, &queued->error.remote, queued->error.remote_port,
			                  message->name);
		error_tell(sock, &queued->error, message);
		message->seen |= MSG_ERRQUEUE;
	}
	kfree(queued);
	if (READ_ONCE(sock->nr_errors))
		inet_wake_all(sock);
	return result;
}
