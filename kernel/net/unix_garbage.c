/*
 * Sockets in flight that nobody can reach any more. See rights.h.
 *
 * A socket can be sent to another, and that one to it: then each lies in the other's queue, and
 * when their descriptors are closed no call leads to either. So every AF_UNIX socket knows how
 * often it is in flight, and a collector looks for those whose file has no other references:
 *
 *  1. suspects are the sockets all of whose references are in flight;
 *  2. references from queues of suspects do not count: who has one left is held from outside;
 *  3. and so is whatever lies in the queue of one that is;
 *  4. of the rest, all packets with one of them are taken away and freed.
 *
 * It runs in a thread, after a socket was closed while others were in flight.
 *
 * Locking: `in_flight.lock` (mutex) over the list, the counts, and a whole collection. Sockets do
 * not change between being in flight and not meanwhile, which is what makes the counts of files
 * comparable: a socket that nobody could reach at the start cannot be received from later.
 */
#include "fs/file.h"
#include "net/rights.h"
#include "net/unix.h"
#include "net/unix_impl.h"
#include "sched/work.h"

static void collect_work(struct work *work);

static struct {
	struct mutex lock;
	struct list  socks __guarded_by(lock); /* struct unix_sock, by flight.link */
	struct work  work;
} in_flight = {
	.lock = MUTEX(in_flight.lock, RANK_SOCKETS_IN_FLIGHT),
	.socks = LIST_INIT(in_flight.socks),
	.work = WORK(collect_work),
};

static struct unix_sock *file_to_unix(const struct file *file)
{
	struct socket *socket = file_to_socket(file);

	return socket && socket->family == AF_UNIX ? to_unix(socket) : NULL;
}

/* ---- what is in flight ----------------------------------------------------------------------- */

static bool has_unix(const struct rights *rights)
{
	for (uint32_t i = 0; i < rights->nr; i++) {
		if (file_to_unix(rights->files[i]))
			return true;
	}
	return false;
}

void unix_flight_begin(const struct rights *rights)
{
	if (!has_unix(rights))
		return;
	mutex_lock(&in_flight.lock);
	for (uint32_t i = 0; i < rights->nr; i++) {
		struct unix_sock *sock = file_to_unix(rights->files[i]);

		if (!sock || sock->flight.nr++)
			continue;
		sock->flight.file = rights->files[i];
		list_add_tail(&in_flight.socks, &sock->flight.link);
	}
	mutex_unlock(&in_flight.lock);
}

void unix_flight_end(const struct rights *rights)
{
	if (!has_unix(rights))
		return;
	mutex_lock(&in_flight.lock);
	for (uint32_t i = 0; i < rights->nr; i++) {
		struct unix_sock *sock = file_to_unix(rights->files[i]);

		if (sock && !--sock->flight.nr)
			list_remove_init(&sock->flight.link);
	}
	mutex_unlock(&in_flight.lock);
}

void unix_collect_later(void)
{
	if (unlikely(!list_is_empty(&in_flight.socks)))
		work_queue_sleeping(&in_flight.work);
}

/* ---- what lies in queues --------------------------------------------------------------------- */

typedef void (*visit_fn)(struct unix_sock *held, struct list *list);

static void packets_visit(const struct list *queue, visit_fn visit, struct list *list)
{
	const struct unix_packet *packet;

	list_for_each_entry(packet, queue, link) {
		const struct rights *rights = READ_ONCE(packet->rights);

		for (uint32_t i = 0; rights && i < rights->nr; i++) {
			struct unix_sock *held = file_to_unix(rights->files[i]);

			if (held)
				visit(held, list);
		}
	}
}

/* Every socket in the queue of this one, or of the connections that it has yet to accept. */
static void held_visit(struct unix_sock *sock, visit_fn visit, struct list *list)
{
	struct unix_sock *child;

	spin_lock(&sock->lock);
	packets_visit(&sock->queue, visit, list);
	list_for_each_entry(child, &sock->backlog, in_backlog) {
		spin_lock_nested(&child->lock, 1);
		packets_visit(&child->queue, visit, list);
		spin_unlock(&child->lock);
	}
	spin_unlock(&sock->lock);
}

/* ---- the collection -------------------------------------------------------------------------- */

static void find_suspects_locked(struct list *suspects)
{
	struct unix_sock *sock, *next;

	list_for_each_entry_safe(sock, next, &in_flight.socks, flight.link) {
		sock->flight.is_suspect =
			(uint32_t)refcount_read(&sock->flight.file->refs) == sock->flight.nr;
		sock->flight.nr_outside = sock->flight.nr;
		if (sock->flight.is_suspect) {
			list_remove(&sock->flight.link);
			list_add_tail(suspects, &sock->flight.link);
		}
	}
}

static void discount(struct unix_sock *held, struct list *list)
{
	(void)list;
	if (held->flight.is_suspect && held->flight.nr_outside)
		held->flight.nr_outside--;
}

static void clear_of_suspicion(struct unix_sock *sock, struct list *reached)
{
	if (!sock->flight.is_suspect)
		return;
	sock->flight.is_suspect = false;
	list_remove(&sock->flight.link);
	list_add_tail(reached, &sock->flight.link);
}

/* Those that are held from outside leave the suspects, and what hangs on them. */
static void find_reached_locked(struct list *suspects)
{
	struct list reached = LIST_INIT(reached);
	struct unix_sock *sock, *next;

	list_for_each_entry(sock, suspects, flight.link)
		held_visit(sock, discount, NULL);
	list_for_each_entry_safe(sock, next, suspects, flight.link) {
		if (sock->flight.nr_outside)
			clear_of_suspicion(sock, &reached);
	}
	while (!list_is_empty(&reached)) {
		sock = list_first_entry(&reached, struct unix_sock, flight.link);
		list_remove(&sock->flight.link);
		list_add_tail(&in_flight.socks, &sock->flight.link);
		held_visit(sock, clear_of_suspicion, &reached);
	}
}

static bool holds_garbage(const struct rights *rights)
{
	for (uint32_t i = 0; rights && i < rights->nr; i++) {
		struct unix_sock *held = file_to_unix(rights->files[i]);

		if (held && held->flight.is_suspect)
			return true;
	}
	return false;
}

static void queue_clean_locked(struct unix_sock *sock, struct list *garbage)
{
	struct unix_packet *packet, *next;

	list_for_each_entry_safe(packet, next, &sock->queue, link) {
		if (holds_garbage(packet->rights)) {
			unix_packet_unqueue_locked(sock, packet);
			if (packet == sock->urgent)
				sock->urgent = NULL;
			list_add_tail(garbage, &packet->link);
		}
	}
}

static void sock_clean(struct unix_sock *sock, struct list *garbage)
{
	struct unix_sock *child;

	spin_lock(&sock->lock);
	queue_clean_locked(sock, garbage);
	list_for_each_entry(child, &sock->backlog, in_backlog) {
		spin_lock_nested(&child->lock, 1);
		queue_clean_locked(child, garbage);
		spin_unlock(&child->lock);
	}
	spin_unlock(&sock->lock);
}

static void collect_work(struct work *work)
{
	struct list suspects = LIST_INIT(suspects), garbage = LIST_INIT(garbage);
	struct unix_sock *sock;

	(void)work;
	mutex_lock(&in_flight.lock);
	find_suspects_locked(&suspects);
	find_reached_locked(&suspects);
	list_for_each_entry(sock, &suspects, flight.link)
		sock_clean(sock, &garbage);
	list_splice_tail(&in_flight.socks, &suspects);
	mutex_unlock(&in_flight.lock);
	while (!list_is_empty(&garbage)) {
		struct unix_packet *packet =
			list_first_entry(&garbage, struct unix_packet, link);

		list_remove(&packet->link);
		unix_packet_free(packet);
	}
}
