/*
 * What the files of AF_UNIX share: unix.c (life, polling, options), unix_name.c (names),
 * unix_packet.c (what lies in queues), unix_stream.c (connections), unix_dgram.c (datagrams),
 * unix_garbage.c (sockets that lie in queues themselves), unix_list.c (the list of all).
 *
 * A socket's receive queue is a list of packets, put there by the sender itself. A packet counts
 * for its sender's send buffer until it is taken. Streams are packets too, of which a read may take
 * a part.
 *
 * Life: the file holds a reference until unix_release(), which makes the socket dead; peers,
 * packets (on their sender) and the table of names hold others. A connection's two ends refer to
 * each other until they are released; the peer of a datagram socket changes under its lock.
 *
 * Locking: `lock` (spinlock, RANK_SOCKET_QUEUE) of a socket over its state and queues; of two, the
 * lower address first. `receive_lock` (mutex, RANK_SOCKET) makes readers take turns, so that what
 * is at the head of the queue can be copied to user memory without the spinlock. Names:
 * netns->names_lock outside all.
 */
#pragma once

#include "core/spinlock.h"
#include "fs/path.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/refcount.h"
#include "net/socket.h"
#include "sched/mutex.h"
#include "sched/wait.h"

struct page;
struct rights;
struct uio;

enum unix_state { UNIX_CLOSED, UNIX_LISTENING, UNIX_CONNECTED };
enum { NO_RECEIVE = 1 << 0, NO_SEND = 1 << 1, NO_BOTH = NO_RECEIVE | NO_SEND };

struct unix_address {
	struct refcount    refs;
	struct socket_name name;
};

/* A socket in queues of others; unix_garbage.c. */
struct unix_flight {
	struct list  link; /* of all that are in flight */
	uint32_t     nr; /* how often */
	struct file *file; /* while it is: each time is a reference on it */
	uint32_t     nr_outside; /* during a collection: references from elsewhere */
	bool         is_suspect;
};

struct unix_sock {
	struct socket        socket; /* first */
	struct spinlock      lock;
	struct mutex         receive_lock;
	struct wait_queue    readable; /* data, connections, the end */
	struct wait_queue    writable; /* room in the own send buffer */
	struct wait_queue    space;    /* others wait for room in the receive queue or backlog */
	enum unix_state      state __guarded_by(lock);
	uint32_t             shut __guarded_by(lock); /* NO_* */
	bool                 is_dead __guarded_by(lock);
	bool                 was_polled __atomic; /* others' pollers may know `space` */
	int                  error __guarded_by(lock); /* pending, positive */
	struct unix_sock    *peer __guarded_by(lock); /* a reference */
	struct list          queue __guarded_by(lock); /* struct unix_packet */
	uint32_t             nr_queued __guarded_by(lock);
	struct unix_packet  *urgent __guarded_by(lock); /* in the queue, of MSG_OOB; or NULL */
	/* urgent, and what is left in the queue of others */
	uint32_t             nr_marks __guarded_by(lock);
	struct list          backlog __guarded_by(lock); /* struct unix_sock, not yet accepted */
	struct list          in_backlog __guarded_by(lock of the listener);
	/* packets or connections; see is_full() */
	uint32_t             max_queued __guarded_by(lock);
	int64_t              charged __atomic; /* bytes of own packets in others' queues */
	struct ucred         peer_cred __guarded_by(lock);
	/* SO_PEERGROUPS: a reference, or NULL; of a listener, its own */
	struct cred_groups  *peer_groups __guarded_by(lock);
	/* Names: written once under lock, when address is still NULL. */
	struct unix_address *address __guarded_by(lock);
	struct rb_node       in_names __guarded_by(names_lock);
	bool                 is_named __guarded_by(names_lock); /* abstract: in the tree */
	struct path          path; /* of a name in the file system; dentry NULL: none */
	struct unix_flight   flight __guarded_by(in_flight.lock);
	struct list          in_all; /* unix_list.c */
};

struct unix_packet {
	struct list       link;
	struct unix_sock *sender; /* a reference */
	uint32_t          size, offset; /* bytes in it; already taken by reads */
	uint32_t          charge;
	uint32_t          nr_pages;     /* 0: the bytes follow the structure */
	ns_t              time;         /* when it was sent, if the receiver wants that; else 0 */
	struct rights    *rights;
	struct ucred      ucred;
	union {
		struct page *pages[0];
		uint8_t      bytes[0];
	};
};

static inline struct unix_sock *to_unix(struct socket *socket)
{
	return container_of(socket, struct unix_sock, socket);
}

static inline struct unix_sock *unix_get(struct unix_sock *sock)
{
	socket_get(&sock->socket);
	return sock;
}

static inline void unix_put(struct unix_sock *sock)
{
	socket_put(&sock->socket);
}

static inline bool unix_is_connection(const struct unix_sock *sock)
{
	return sock->socket.type != SOCK_DGRAM;
}

/* No room for one more packet or connection. Racy without the lock. */
static inline bool unix_is_full(const struct unix_sock *sock)
{
	return READ_ONCE(sock->nr_queued) > READ_ONCE(sock->max_queued);
}

/* Both, in the order of addresses; b may be a. */
void unix_lock_two(struct unix_sock *a, struct unix_sock *b)
	__acquires(&a->lock) __acquires(&b->lock);
void unix_unlock_two(struct unix_sock *a, struct unix_sock *b)
	__releases(&a->lock) __releases(&b->lock);
/* Wakes everybody who might care: the state changed. */
void unix_wake_all(struct unix_sock *sock);
/* A new socket without a file. */
int __must_check unix_alloc(struct netns *netns, int type, struct unix_sock **out);
/* The end of a socket: peers and queues let go. embryo: it was never accepted. */
void unix_close(struct unix_sock *sock, bool is_embryo);
/* The pending error, positive or 0, taken away. Lock held. */
int unix_error_take_locked(struct unix_sock *sock);
bool unix_is_writable(const struct unix_sock *sock);

extern const struct socket_ops unix_stream_ops, unix_dgram_ops, unix_seqpacket_ops;

/* ---- unix_name.c -------------------------------------------------------------------- */

int  unix_bind(struct socket *socket, const struct socket_name *name,
               const struct socket_caller *caller);
/* A name of its own for a socket that has none: unix(7), "Autobind feature". */
int __must_check unix_autobind(struct unix_sock *sock);
/* Whom a name means, with a reference. ECONNREFUSED, EPROTOTYPE, and what walking a path gives. */
int __must_check unix_find(struct netns *netns, const struct socket_name *name, int type,
                           const struct socket_caller *caller, struct unix_sock **out);
/* EINVAL for what is no name. *name becomes canonical: the size of a path is that of its text. */
int __must_check unix_name_check(const struct socket_name *from, struct socket_name *name);
void unix_unname(struct unix_sock *sock);
int  unix_name(struct socket *socket, bool of_peer, struct socket_name *out);
/*
 * SIOCUNIXFILE of unix(7): the socket's name in the file system, as a file with O_PATH. ENOENT: it
 * has none.
 */
int __must_check unix_open_name(struct unix_sock *sock, const struct cred *cred,
                                struct file **out);
/* The name of a socket as recvfrom(2) tells it: size 0 if it has none. */
void unix_name_of(struct unix_sock *sock, struct socket_name *out);
void unix_address_put(struct unix_address *address);

/* ---- unix_packet.c ------------------------------------------------------------------ */

enum { UNIX_CHUNK_MAX = 32768 }; /* bytes of a stream in one packet */

/*
 * A packet with the next n bytes of the uio, charged to `sender`, once its send buffer has room.
 * EAGAIN, ENOMEM, ENOBUFS, EFAULT, EPIPE if sending is shut, the pending error.
 */
int __must_check unix_packet_create(struct unix_sock *sender, struct uio *uio, uint32_t n,
                                    bool nowait, struct unix_packet **out);
void unix_packet_free(struct unix_packet *packet);
/* Copies n bytes from `offset` out: bytes copied, short on a fault. */
uint32_t unix_packet_read(const struct unix_packet *packet, uint32_t offset, struct uio *uio,
                          uint32_t n);
/* The receiver's filter cuts it: false if nothing is wanted. A packet of no bytes never is. */
bool unix_packet_filter(const struct unix_sock *receiver, struct unix_packet *packet);
/* At the end of the receiver's queue. Its lock held. */
void unix_packet_queue_locked(struct unix_sock *receiver, struct unix_packet *packet);
void unix_packet_unqueue_locked(struct unix_sock *receiver, struct unix_packet *packet);
/* Moves rights and credentials of a message into its (first) packet. ETOOMANYREFS. */
int __must_check unix_packet_attach(struct unix_packet *packet, struct message *message,
                                    const struct unix_sock *receiver);
/* And out of it, or copies for MSG_PEEK. */
void unix_packet_detach(struct unix_packet *packet, struct message *message,
                        struct unix_sock *receiver, bool is_peek);

/* ---- unix_list.c -------------------------------------------------------------------- */

void unix_list_add(struct unix_sock *sock);
void unix_list_remove(struct unix_sock *sock);

/* ---- unix_garbage.c ----------------------------------------------------------------- */

/* The sockets among the files go into a queue, or come out of it. May sleep. */
void unix_flight_begin(const struct rights *rights);
void unix_flight_end(const struct rights *rights);

/* ---- unix_dgram.c ------------------------------------------------------------------- */

ssize_t unix_dgram_send(struct socket *socket, struct message *message);
ssize_t unix_dgram_receive(struct socket *socket, struct message *message);
unsigned int unix_dgram_poll(struct socket *socket, struct poller *poller);
int unix_dgram_connect(struct socket *socket, const struct socket_name *name, bool nowait,
                       const struct socket_caller *caller);

/* ---- unix_stream.c ------------------------------------------------------------------ */

ssize_t unix_stream_send(struct socket *socket, struct message *message);
ssize_t unix_stream_receive(struct socket *socket, struct message *message);

/* ---- unix_urgent.c ------------------------------------------------------------------ */

/* The packet, just queued, is urgent now. */
void unix_urgent_queue_locked(struct unix_sock *receiver, struct unix_packet *packet);
/*
 * Before a read of what is at the head, with something read already or not: marks there are taken
 * out, into `gone`. True: the read ends here.
 */
bool unix_marks_pass_locked(struct unix_sock *sock, bool has_read, struct list *gone);
/* A look (MSG_PEEK) does not see the packet. */
bool unix_urgent_hides_locked(const struct unix_sock *sock, const struct unix_packet *packet,
                              bool has_read);
/* recv() with MSG_OOB: 1; EINVAL without such a byte, EFAULT. */
ssize_t unix_urgent_receive(struct unix_sock *sock, struct message *message);
bool unix_is_at_mark(struct unix_sock *sock); /* SIOCATMARK */

/* ---- unix_connect.c ----------------------------------------------------------------- */

int unix_connect(struct socket *socket, const struct socket_name *name, bool nowait,
                 const struct socket_caller *caller);
int unix_listen(struct socket *socket, int backlog, const struct socket_caller *caller);
int unix_accept(struct socket *socket, bool nowait, struct socket **out);
int unix_pair(struct socket *a, struct socket *b, const struct socket_caller *caller);
int unix_shutdown(struct socket *socket, bool read, bool write);
