/*
 * What the files of this folder share: sockets of AF_NETLINK, packets in their queues, requests to
 * the kernel and the answers.
 *
 *     netlink.c     protocols, life of a socket, options, what is asked of it
 *     port.c        who has which port, who is in which group
 *     queue.c       packets: delivered, received
 *     send.c        sending, to ports and to groups
 *     request.c     messages to the kernel: one after the other, acknowledged
 *     dump.c        answers in pieces
 *
 * Life of a request: the sender's bytes are copied whole; each message in them goes to the
 * protocol's request(), in the sender's own thread; answers are queued to its socket before send()
 * returns. An answer without an end of its own (a dump) is made in pieces: the first at once, the
 * next when the reader has made room.
 *
 * Locking: request_lock of a socket (RANK_NETLINK, sleeping) is held while its requests are worked
 * on and its dump goes on, outside the configuration lock; the table's lock (RANK_SPIN_OUTER) over
 * ports and groups of all sockets; `lock` of a socket inside it over the queue. No user memory is
 * touched with any of them.
 */
#pragma once

#include "core/spinlock.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "net/netlink/attribute.h"
#include "net/netlink/netlink.h"
#include "net/netlink/writer.h"
#include "net/socket.h"
#include "sched/mutex.h"
#include "sched/wait.h"

struct netlink_dump;
struct netlink_request;

enum {
	NETLINK_PROTOCOLS = 5,
	NETLINK_GROUPS    = 64,
	NETLINK_PIECE_MIN = 3776,  /* bytes of a piece of a dump */
	NETLINK_PIECE_MAX = 32768, /* if the reader has the room for it */
	NETLINK_KERNEL_PORT = 0,
};

/* What not everybody may do unless the protocol says so, else with CAP_NET_ADMIN. */
enum {
	NETLINK_ANYBODY_LISTENS = 1 << 0, /* joins groups */
	NETLINK_ANYBODY_TALKS   = 1 << 1, /* sends to others than the kernel, and to groups */
};

struct netlink_protocol {
	uint16_t number; /* NETLINK_* */
	uint16_t index;  /* of this one here: below NETLINK_PROTOCOLS */
	uint16_t nr_groups; /* at most NETLINK_GROUPS */
	uint8_t  flags;
	/* One message to the kernel: 0, -errno; -EINTR: neither is to be told. NULL: no kernel. */
	int (*request)(struct netlink_request *request);
};

/* NULL: there is none with that number. */
const struct netlink_protocol *netlink_protocol_find(int number);

/* Bits of netlink_sock->flags: options of SOL_NETLINK. */
enum {
	NETLINK_WANTS_PKTINFO  = 1 << 0,
	NETLINK_REPORTS_ERRORS = 1 << 1, /* NETLINK_BROADCAST_ERROR */
	NETLINK_MAY_LOSE       = 1 << 2, /* NETLINK_NO_ENOBUFS */
	NETLINK_CAPS_ACK       = 1 << 3,
	NETLINK_WANTS_EXT_ACK  = 1 << 4,
	NETLINK_IS_STRICT      = 1 << 5, /* NETLINK_GET_STRICT_CHK */
	NETLINK_ALL_NSIDS      = 1 << 6,
};

struct netlink_sock {
	struct socket     socket; /* first */
	const struct netlink_protocol *protocol __const_after_init;
	const struct cred *opener __const_after_init; /* a reference */
	uint32_t          flags __atomic;

	struct rb_node    in_ports __guarded_by(table);
	struct list       in_all __guarded_by(table);
	uint64_t          groups __guarded_by(table); /* bit n: group n + 1 */
	uint32_t          port __guarded_by(table);
	bool              is_bound __guarded_by(table); /* and is in the table */
	uint32_t          peer_port, peer_group __guarded_by(table); /* connect(2) */
	bool              is_connected __guarded_by(table);

	struct spinlock   lock; /* RANK_SOCKET_QUEUE */
	struct wait_queue readable, writable; /* writable: others wait for room in the queue */
	struct list       queue __guarded_by(lock); /* struct netlink_packet */
	uint32_t          charged __guarded_by(lock); /* for what is queued */
	int               error __guarded_by(lock);   /* pending, positive */
	/* something was lost; until it is empty */
	bool              is_congested __guarded_by(lock);
	bool              is_dead __guarded_by(lock);

	struct mutex      request_lock; /* RANK_NETLINK */
	struct netlink_dump *dump __guarded_by(request_lock); /* NULL: none is going on */
	bool              has_dump __atomic;
	uint32_t          largest_read __atomic; /* the reader's room, for the size of pieces */
};

/* In one queue at a time; also of one who looks at it without taking it. */
struct netlink_packet {
	struct list     link __guarded_by(lock of the socket);
	struct refcount refs;
	uint32_t        size, charge;
	uint32_t        port;  /* the sender's */
	uint32_t        group; /* told to this one; 0: to the socket */
	struct ucred    ucred; /* the kernel's: all zero */
	uint8_t         bytes[];
};

static inline struct netlink_sock *to_netlink(struct socket *socket)
{
	return container_of(socket, struct netlink_sock, socket);
}

static inline void netlink_put_sock(struct netlink_sock *sock)
{
	socket_put(&sock->socket);
}

/* The group as bits of sockaddr_nl; those beyond the 32nd have none. */
static inline uint32_t netlink_group_mask(uint32_t group)
{
	return group && group <= 32 ? 1u << (group - 1) : 0;
}

/* ---- port.c ---------------------------------------------------------------------------------- */

int netlink_bind(struct socket *socket, const struct socket_name *name,
                 const struct socket_caller *caller);
int netlink_connect(struct socket *socket, const struct socket_name *name, bool nowait,
                    const struct socket_caller *caller);
int netlink_name(struct socket *socket, bool of_peer, struct socket_name *out);
/* A port of its own for one that has none: the process's number, or another. EADDRINUSE. */
int __must_check netlink_autobind(struct netlink_sock *sock);
/* EPERM, EINVAL: there is no such group. */
int __must_check netlink_group_set(struct netlink_sock *sock, uint32_t group, bool is_member,
                                   const struct cred *cred);
void netlink_table_add(struct netlink_sock *sock);
/* Out of ports, groups and the list. */
void netlink_table_remove(struct netlink_sock *sock);
/* The bound socket with the port that takes packets from `sender`, a reference. ECONNREFUSED. */
int __must_check netlink_port_find(struct netlink_sock *sender, uint32_t port,
                                   struct netlink_sock **out);
/* The socket's protocol lets anybody do that, or the one who asks has CAP_NET_ADMIN. */
bool netlink_is_allowed(const struct netlink_sock *sock, uint8_t what, const struct cred *cred);

/* ---- queue.c --------------------------------------------------------------------------------- */

/* A packet with one reference and `size` bytes to be filled in. NULL: no memory. */
struct netlink_packet *netlink_packet_alloc(uint32_t size, unsigned int flags) __must_check;
void netlink_packet_put(struct netlink_packet *packet);
/* The socket goes: what is queued is freed, and everybody woken. */
void netlink_queue_close(struct netlink_sock *sock);
/*
 * Queues the packet, which is consumed; without room it is lost, which the socket is told by an
 * ENOBUFS to its reader. ENOBUFS, ECONNREFUSED: it is closed. No sleep.
 */
int netlink_deliver(struct netlink_sock *sock, struct netlink_packet *packet);
/*
 * The same for a packet of another program, who waits for room. EAGAIN, ECONNREFUSED, and what an
 * interrupted sleep gives.
 */
int __must_check netlink_deliver_wait(struct netlink_sock *sock, struct netlink_packet *packet,
                                      const struct netlink_sock *sender, bool nowait);
ssize_t netlink_receive(struct socket *socket, struct message *message);
unsigned int netlink_poll(struct socket *socket, struct poller *poller);

/* ---- send.c ---------------------------------------------------------------------------------- */

/* To all members of a group but the one with this port. From the kernel: port 0. May sleep. */
struct netlink_cast {
	struct netns *netns;
	int           protocol;
	uint32_t      group;
	uint32_t      sender;  /* its port */
	uint32_t      skip;    /* who does not get it; 0: nobody */
	struct ucred  ucred;
};
/* ESRCH: nobody listens; ENOBUFS: somebody has lost it. */
int netlink_multicast(const struct netlink_cast *cast, const void *bytes, uint32_t size);
/* Somebody is in the group: making a message is worth it. A hint, without a lock. */
bool netlink_has_listeners(int protocol, uint32_t group);
ssize_t netlink_send(struct socket *socket, struct message *message);

/* ---- request.c ------------------------------------------------------------------------------- */

/* One message to the kernel, whole and aligned. */
struct netlink_request {
	struct netlink_sock   *sock; /* the sender's; its request_lock is held */
	struct netns          *netns;
	const struct nlmsghdr *header;
	bool                   is_admin; /* both who sends and who opened the socket */
	bool                   is_strict; /* NETLINK_GET_STRICT_CHK */
	uint32_t               port;
	struct netlink_fault   fault;
};

/* Sets what NETLINK_EXT_ACK tells, and returns err. */
int netlink_fault(struct netlink_request *request, int err, const char *text);
int netlink_fault_at(struct netlink_request *request, int err, const struct nlattr *attribute,
                     const char *text);
/* What the writer has goes to the sender. ENOBUFS, ENOMEM. */
int netlink_reply(const struct netlink_request *request, const struct netlink_writer *writer);
/* Works on all messages of a packet. The sender's request_lock is taken. */
void netlink_requests_run(struct netlink_sock *sock, const struct netlink_packet *packet,
                          bool is_admin);

/* ---- dump.c ---------------------------------------------------------------------------------- */

enum { NETLINK_DUMP_FILTER = 128 };

/* An answer of many messages. */
struct netlink_dump {
	/*
	 * Writes messages until all are told (0) or one does not fit (1: called again with an empty
	 * writer, going on by `at`). -errno ends it.
	 */
	int (*next)(struct netlink_dump *dump, struct netlink_writer *writer);
	/* A number that differs when what is told has changed in between; NULL: nothing matters. */
	uint32_t (*generation)(struct netns *netns);
	struct netns *netns;       /* borrowed: the socket's */
	uint32_t      sequence, port;
	uint64_t      at[4];       /* next()'s: zero at the start */
	_Alignas(8) uint8_t filter[NETLINK_DUMP_FILTER]; /* next()'s: what was asked for */
	/* set here */
	uint32_t      seen;        /* generation of the last piece */
	bool          has_begun, is_interrupted, is_done;
	int           result;      /* of the last next() */
	bool          is_filtered; /* set by who starts it: NLM_F_DUMP_FILTERED */
	const char   *fault;       /* set by next() with an error, for NETLINK_EXT_ACK; or NULL */
};

/*
 * Begins to answer by a copy of *dump, of which next, generation, filter and is_filtered are filled
 * in. The answer of this is that of request(). EBUSY: one is going on; ENOMEM.
 */
int __must_check netlink_dump_start(struct netlink_request *request,
                                    const struct netlink_dump *dump);
/* The next piece, if one is due and there is room. Sleeps. */
void netlink_dump_continue(struct netlink_sock *sock);
void netlink_dump_end(struct netlink_sock *sock);
/* Begins a message of a dump; NULL: no room. */
void *netlink_dump_begin(struct netlink_dump *dump, struct netlink_writer *writer, uint16_t type,
                         uint32_t size);

/* ---- protocols ------------------------------------------------------------------------------- */

int rtnetlink_request(struct netlink_request *request);       /* rtnetlink.c */
int netlink_diag_request(struct netlink_request *request);    /* diag.c */
int netlink_generic_request(struct netlink_request *request); /* generic.c */
int netlink_uevent_request(struct netlink_request *request);  /* netlink.c: EPERM or nothing */
