/*
 * What the files of TCP share:
 *
 *     tcp.c          life of a socket, shutdown, polling, ioctls
 *     tcp_end.c      one end of a connection: what lies between a socket and lwIP's pcb
 *     tcp_connect.c  bind(2), connect(2), and back to unconnected
 *     tcp_listen.c   listen(2), accept(2), half-open connections, sockets that share a port
 *     tcp_event.c    what lwIP tells: data, acknowledgements, ends, the clock
 *     tcp_send.c     from user memory and pages to the stack
 *     tcp_receive.c  from the queue to user memory, and the window
 *     tcp_wait.c     TIME_WAIT
 *     tcp_option.c   SOL_TCP
 *     tcp_info.c     TCP_INFO, lists
 *
 * Three objects. A struct tcp_sock is what a file is open on. A struct tcp_end is a claim on a
 * port, and one end of a connection if it has a pcb of lwIP's; it lives as long as its socket or
 * its pcb needs it. So an end without a socket is half-open (nobody has accepted it yet) or in
 * TIME_WAIT, and a socket without an end is neither bound nor connected. A struct tcp_group is a
 * listening pcb, with the sockets that share it by SO_REUSEPORT.
 *
 * References: a file, an accept queue, and an end with a pcb hold one on the socket each. After
 * close(2) the socket is dead and lives on until lwIP has done with what it had to send.
 *
 * Locking: core (the stack's spinlock) over the state, ends, accept queues, and what waits to be
 * acknowledged; inet.lock (inside core) over the receive queue. receive_lock and send_lock
 * (mutexes, taken before core) make readers and writers of one socket take turns while they copy
 * from and to user memory. Fields that are read without a lock are written with WRITE_ONCE().
 */
#pragma once

#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include "mem/alloc.h"
#include "net/inet/inet_impl.h"
#include "net/inet/port.h"
#include "net/stack/stack.h"
#include "sched/mutex.h"

struct page;
struct page_span;

/* As <netinet/tcp.h> counts them. */
enum tcp_number {
	TCP_IS_ESTABLISHED = 1,
	TCP_IS_SYN_SENT,
	TCP_IS_SYN_RECEIVED,
	TCP_IS_FIN_WAIT1,
	TCP_IS_FIN_WAIT2,
	TCP_IS_TIME_WAIT,
	TCP_IS_CLOSED,
	TCP_IS_CLOSE_WAIT,
	TCP_IS_LAST_ACK,
	TCP_IS_LISTENING,
	TCP_IS_CLOSING,
};

/* What connect(2) has told: Linux's SS_*. */
enum tcp_phase { TCP_UNCONNECTED, TCP_CONNECTING, TCP_CONNECTED };

enum {
	TCP_SEND_DEFAULT = 16384,     /* what SO_SNDBUF says before anybody set it */
	TCP_RECEIVE_DEFAULT = 131072, /* and SO_RCVBUF */
	TCP_WINDOW_DEFAULT = 262144,  /* bytes that we take, and send, if nobody set it */
	TCP_WINDOW_MIN = 2048,
	TCP_FIN_SECONDS = 60,
	TCP_LINGER2_MAX = 120,
	TCP_MSS_UNKNOWN = 536,
	TCP_QUICK_ACKS = 16,
};

/* What setsockopt(2) sets and an accepted connection takes over from its listener. */
struct tcp_settings {
	uint32_t keep_idle, keep_interval, keep_count; /* seconds, seconds, probes */
	uint32_t user_timeout_ms;                      /* 0: none */
	uint32_t window_clamp;                         /* 0: none */
	uint32_t unsent_low;                           /* TCP_NOTSENT_LOWAT; 0: none */
	uint16_t max_segment;                          /* 0: by the route */
	int16_t  linger2;                              /* seconds; 0: the default; -1: none */
	uint8_t  syn_count, defer_accept;              /* retransmissions; 0: the default, off */
	uint8_t  fast_open;
	bool     no_delay, cork, quick_ack, wants_queue_size, save_syn, fast_open_connect;
	bool     thin_linear, is_send_locked, is_receive_locked; /* SO_SNDBUF, SO_RCVBUF were set */
};

/* A claim on a port, and one end of a connection. Guarded by core. */
struct tcp_end {
	struct port_use   use;
	struct tcp_pcb   *pcb;      /* NULL: none yet, or no longer */
	struct tcp_sock  *sock;     /* NULL: half-open, or in TIME_WAIT */
	struct tcp_sock  *listener; /* half-open: who will be asked to accept it; borrowed */
	struct list       link;     /* half-open: of the listener; TIME_WAIT: of all; else alone */
	ns_t              since;    /* half-open, TIME_WAIT */
};

/* A listening pcb and the sockets that wait for its connections. Guarded by core. */
struct tcp_group {
	struct tcp_pcb *pcb;
	struct list     sockets; /* struct tcp_sock, in_group */
	uint32_t        nr_sockets;
};

struct tcp_sock {
	struct inet_sock  inet; /* first */
	struct mutex      send_lock, receive_lock;
	struct tcp_end   *end __guarded_by(core);   /* NULL: neither bound nor connected */
	uint8_t           state __guarded_by(core); /* enum tcp_number; finer: tcp_state_of() */
	uint8_t           phase __guarded_by(core); /* enum tcp_phase */
	int16_t           fate __guarded_by(core);  /* why the pcb goes: an errno, or TCP_FATE_* */
	bool              is_dead __guarded_by(core);          /* its file is closed */
	bool              is_port_bound __guarded_by(core);    /* by bind(2), with a number */
	bool              is_address_bound __guarded_by(core); /* by bind(2), not to the wildcard */
	bool              is_unseen __guarded_by(core);        /* accepted; accept(2) may ask who */
	bool              has_end __atomic;                    /* the peer sends no more */
	struct tcp_settings settings __atomic;

	/* Receiving. */
	struct pbuf      *queue_first, *queue_last __guarded_by(inet.lock);
	uint32_t          queued __guarded_by(inet.lock); /* bytes to read */
	uint32_t          queue_memory __guarded_by(inet.lock);
	uint32_t          merge_room __guarded_by(inet.lock); /* bytes that fit behind the last */
	uint32_t          head_taken __guarded_by(receive_lock); /* of the first pbuf */
	uint32_t          untold __guarded_by(receive_lock); /* bytes read, not yet in the window */
	uint32_t          window __guarded_by(core); /* bytes that we offer at most */

	/* Sending. Positions count bytes of the stream and wrap. */
	struct list       chunks __guarded_by(core);  /* struct send_chunk */
	uint32_t          written, acked __atomic;    /* changed with core held */
	struct page      *room_page __guarded_by(send_lock); /* where writes go; a reference */
	uint32_t          room_used __guarded_by(send_lock);
	const uint8_t    *tail __guarded_by(core); /* behind the last byte in a page: tail_seal() */
	struct page      *tail_page __guarded_by(core);
	bool              wants_room __atomic; /* somebody found none, and is to be woken */
	uint8_t           held __guarded_by(core); /* TCP_CORK: 1 since a write, 2: and a tick */
	/* The first segments are acknowledged at once, unless they are answered, as on Linux. */
	uint8_t           quick_left __guarded_by(core);
	bool              is_unanswered, is_dialogue __guarded_by(core);
	uint8_t           silent_reads __atomic; /* since something was sent; a hint */
	uint32_t          stalled_at __guarded_by(core); /* acked, when the clock looked last */
	uint32_t          stalled_ms __guarded_by(core);

	/* Listening. */
	struct tcp_group *group __guarded_by(core);
	struct list       in_group __guarded_by(core);
	struct list       half_open __guarded_by(core); /* struct tcp_end */
	/* struct tcp_sock, each a reference: who may be accepted, who waits for data first */
	struct list       accept_queue, deferred __guarded_by(core);
	struct list       in_accept __guarded_by(core);
	uint32_t          nr_half_open, nr_accept __guarded_by(core);
	uint32_t          backlog __guarded_by(core);
	struct tcp_sock  *deferred_for __guarded_by(core); /* TCP_DEFER_ACCEPT: the listener */
	uint32_t          waited_ms __guarded_by(core); /* for that, or TCP_LINGER2 */
};

enum { TCP_FATE_TIMEOUT = -1, TCP_FATE_CLEAN = 0 };

static inline struct tcp_sock *to_tcp(struct socket *socket)
{
	return container_of(socket, struct tcp_sock, inet.socket);
}

static inline struct netns *tcp_netns(const struct tcp_sock *sock)
{
	return sock->inet.socket.netns;
}

/* The pcb of a connection or an attempt at one. Core held. */
static inline struct tcp_pcb *tcp_pcb_of(const struct tcp_sock *sock)
{
	return sock->end ? sock->end->pcb : NULL;
}

static inline void tcp_sock_put(struct tcp_sock *sock)
{
	socket_put(&sock->inet.socket);
}

/* ---- tcp.c -------------------------------------------------------------------------- */

/* A new socket with one reference; flags: ALLOC_*. NULL: no memory. */
struct tcp_sock *tcp_sock_alloc(struct netns *netns, int family, unsigned int flags) __must_check;
/* Its close(2): also for one that was never accepted. Core held; the reference stays. */
void tcp_sock_close_locked(struct tcp_sock *sock, bool is_reset);
/* The state as Linux tells it. Core held. */
enum tcp_number tcp_state_of(const struct tcp_sock *sock);
/* Adds to inet.shut. Core held. */
static inline void tcp_sock_shut(struct tcp_sock *sock, uint32_t which)
{
	WRITE_ONCE(sock->inet.shut, sock->inet.shut | which);
}
/* Who waits for readers or writers may look again. */
void tcp_wake_readers(struct tcp_sock *sock);
void tcp_wake_writers(struct tcp_sock *sock);

/* ---- tcp_end.c ---------------------------------------------------------------------- */

/* An end that claims nothing yet. */
struct tcp_end *tcp_end_alloc(unsigned int flags) __must_check;
void tcp_end_free(struct tcp_end *end);
/* Fills the claim from the socket's options. Core held. */
void tcp_end_describe(struct tcp_end *end, const struct tcp_sock *sock);
/* The end gets this pcb, which tells it of its own end. */
void tcp_end_attach(struct tcp_end *end, struct tcp_pcb *pcb);
/* The pcb is this socket's: a reference is taken, callbacks and options set. Core held. */
void tcp_end_adopt(struct tcp_end *end, struct tcp_sock *sock);
/* And no longer: the reference is put. */
void tcp_end_disown(struct tcp_end *end);
/* Ends the connection with a reset; `fate` is what the socket is told. Core held. */
void tcp_end_abort(struct tcp_end *end, int fate);
/* The port goes back, unless bind(2) chose it. Core held. */
void tcp_sock_unport(struct tcp_sock *sock);

/* ---- tcp_event.c -------------------------------------------------------------------- */

void tcp_event_install(struct tcp_pcb *pcb);
err_t tcp_event_connected(void *arg, struct tcp_pcb *pcb, err_t err);
/* The connection is over: the socket is told. Core held. */
void tcp_sock_over(struct tcp_sock *sock, int fate);

/* ---- tcp_connect.c ------------------------------------------------------------------ */

int tcp_sock_bind(struct socket *socket, const struct socket_name *name,
                  const struct socket_caller *caller);
int tcp_sock_connect(struct socket *socket, const struct socket_name *name, bool nowait,
                     const struct socket_caller *caller);
/* connect(2) to nobody: an unconnected socket again. Takes core. */
void tcp_sock_disconnect(struct tcp_sock *sock);

/* ---- tcp_listen.c ------------------------------------------------------------------- */

int tcp_sock_listen(struct socket *socket, int backlog, const struct socket_caller *caller);
int tcp_sock_accept(struct socket *socket, bool nowait, struct socket **out);
/* No more connections; those that nobody accepted are reset. Core held. */
void tcp_sock_unlisten(struct tcp_sock *sock);
/* TCP_DEFER_ACCEPT: there is data, or it took too long. Core held. */
void tcp_deferred_queue(struct tcp_sock *child);
/* It is over before that: nobody will accept it. Core held. */
void tcp_deferred_drop(struct tcp_sock *child);

/* ---- tcp_send.c --------------------------------------------------------------------- */

ssize_t tcp_sock_send(struct socket *socket, struct message *message);
ssize_t tcp_sock_send_pages(struct socket *socket, const struct page_span *spans, uint32_t nr,
                            unsigned int flags);
/* Bytes that are neither acknowledged nor lost; no lock. */
static inline uint32_t tcp_unacked(const struct tcp_sock *sock)
{
	return READ_ONCE(sock->written) - READ_ONCE(sock->acked);
}
/* Room for more, by poll(2)'s measure. */
bool tcp_is_writable(const struct tcp_sock *sock);
/* The same for who will be woken when there is some. */
bool tcp_room_ask(struct tcp_sock *sock);
/* n bytes were acknowledged. Core held. */
void tcp_chunks_acked(struct tcp_sock *sock, uint32_t n);
/* All of them go. Core held. */
void tcp_chunks_free(struct tcp_sock *sock);
/* Sends what TCP_CORK, or Nagle's rule, has kept back. Core held. */
void tcp_push(struct tcp_sock *sock);

/* ---- tcp_receive.c ------------------------------------------------------------------ */

ssize_t tcp_sock_receive(struct socket *socket, struct message *message);
/* What lwIP hands over; consumes it. Core held. */
void tcp_queue_add(struct tcp_sock *sock, struct pbuf *pbuf);
/* Empties it: bytes that were there. */
uint32_t tcp_queue_purge(struct tcp_sock *sock);
/* How much we take, by SO_RCVBUF and TCP_WINDOW_CLAMP. Core held. */
void tcp_window_choose(struct tcp_sock *sock);
/* A connection is there: a peer without window scaling cannot be offered more than 64 KiB. */
void tcp_window_settle(struct tcp_sock *sock, const struct tcp_pcb *pcb);
/* The pcb, new, offers no more than that. Core held. */
void tcp_window_begin(const struct tcp_sock *sock, struct tcp_pcb *pcb);

/* ---- tcp_wait.c --------------------------------------------------------------------- */

/*
 * The end's pcb is in TIME_WAIT and its socket dead: lets go of the socket, and of the pcb if no
 * packet can come late. True: the pcb is freed. Core held.
 */
bool tcp_wait_begin(struct tcp_end *end);
/* Out of the list, if it is in it. Core held. */
void tcp_wait_remove(struct tcp_end *end);
/* How many are in TIME_WAIT, and the n-th of them, or NULL. Core held. */
struct tcp_end *tcp_wait_at(uint32_t n);

/* ---- tcp_option.c ------------------------------------------------------------------- */

void tcp_settings_init(struct tcp_settings *settings);
int  tcp_sock_set_option(struct socket *socket, const struct socket_option *option);
int  tcp_sock_get_option(struct socket *socket, struct socket_option *option);
void tcp_sock_option_changed(struct socket *socket, int name);
/* The pcb is as the options say. Core held. */
void tcp_settings_apply(const struct tcp_sock *sock, struct tcp_pcb *pcb);

/* ---- tcp_info.c --------------------------------------------------------------------- */

struct tcp_info;
void tcp_info_fill(struct tcp_sock *sock, struct tcp_info *out);
