/*
 * What the files of packet sockets share: packet.c (life, binding, the list of all), tap.c (frames
 * as they pass), receive.c, send.c, option.c, member.c (PACKET_ADD_MEMBERSHIP), ring.c and block.c
 * (memory that is shared with the program).
 *
 * A socket that has a protocol is a tap on its interface, or on all. The tap is called by the stack
 * under its core lock; it copies what the filter leaves into a queue, or the ring.
 *
 * Locking: the configuration lock (net/iface/iface.h) over binding, memberships, making rings, and
 * the list of all. `lock` (RANK_SOCKET_QUEUE, inside the core lock) over queue, counters and rings.
 * `receive_lock` (RANK_SOCKET) makes readers take turns.
 */
#pragma once

#include <linux/if_packet.h>

#include "core/spinlock.h"
#include "lib/byteorder.h"
#include "lib/list.h"
#include "net/iface/iface.h"
#include "net/iface/tap.h"
#include "net/socket.h"
#include "sched/mutex.h"
#include "sched/wait.h"

struct member_request;
struct packet_ring;

/* A frame in a socket's queue. */
struct packet_captured {
	struct list        link;
	struct sockaddr_ll from;
	struct message_arrival arrival;
	uint32_t           size;      /* bytes here */
	uint32_t           length;    /* bytes it had */
	uint32_t           network;   /* where the network header is in it */
	uint32_t           status;    /* TP_STATUS_* */
	uint32_t           charge;
	uint8_t            bytes[];
};

struct packet_sock {
	struct socket      socket; /* first */
	struct spinlock    lock;
	struct mutex       receive_lock;
	struct wait_queue  readable; /* also errors */
	struct list        queue __guarded_by(lock);
	uint32_t           nr_queued __guarded_by(lock);
	uint32_t           charged __guarded_by(lock);
	uint32_t           nr_frames, nr_dropped, nr_freezes __guarded_by(lock); /* STATISTICS */
	int                error __atomic; /* pending, positive */

	struct iface_tap   tap;
	bool               is_tapped __guarded_by(config);
	__be16             protocol __atomic; /* changed under config */
	/* a reference; NULL: all. Written with config and lock */
	struct iface      *iface __guarded_by(lock);
	bool               is_lost __guarded_by(config); /* its interface is gone */
	struct list        memberships __guarded_by(config);
	struct list        in_all __guarded_by(config);

	bool               has_auxdata, has_origdev, has_loss, ignores_outgoing __atomic;
	bool               has_qdisc_bypass __atomic;
	int                version __guarded_by(config); /* TPACKET_V1 ... */
	uint32_t           reserve, timestamp, copy_threshold __atomic;
	struct packet_ring *ring __guarded_by(lock); /* NULL: none */
};

static inline struct packet_sock *to_packet(struct socket *socket)
{
	return container_of(socket, struct packet_sock, socket);
}

/* ---- packet.c ----------------------------------------------------------------------- */

/* The interface it is bound to, with a reference, or NULL. */
struct iface *packet_iface_get(struct packet_sock *sock);
int packet_error_take(struct packet_sock *sock);

/* ---- tap.c -------------------------------------------------------------------------- */

void packet_tap_frame(struct iface_tap *tap, const struct iface_frame *frame);
/* Bytes before those that the socket is to see: the link header, or none of it. */
static inline uint32_t packet_skipped(const struct packet_sock *sock,
                                      const struct iface_frame *frame)
{
	return sock->socket.type == SOCK_DGRAM ? frame->header_length : 0;
}
/* TP_STATUS_* of the frame's checksum. */
uint32_t packet_frame_status(const struct iface_frame *frame);
/* Whom the frame comes from, as the socket is told. */
void packet_frame_name(const struct iface_frame *frame, struct sockaddr_ll *out);

/* ---- receive.c, send.c -------------------------------------------------------------- */

ssize_t packet_receive(struct socket *socket, struct message *message);
unsigned int packet_poll(struct socket *socket, struct poller *poller);
void packet_queue_purge(struct packet_sock *sock);
ssize_t packet_send(struct socket *socket, struct message *message);

/* ---- option.c, member.c ------------------------------------------------------------- */

int packet_set_option(struct socket *socket, const struct socket_option *option);
int packet_get_option(struct socket *socket, struct socket_option *option);

/* Config lock held. ENODEV, EINVAL, ENOMEM. */
int packet_member_add(struct packet_sock *sock, const struct member_request *request);
void packet_member_remove(struct packet_sock *sock, const struct member_request *request);
void packet_members_free(struct packet_sock *sock);

/* ---- ring.c ------------------------------------------------------------------------- */

/* PACKET_RX_RING; a request of no blocks takes it away. EBUSY, EINVAL, ENOMEM. Config lock held. */
int packet_ring_set(struct packet_sock *sock, const struct tpacket_req3 *request);
/* The socket is closed: nothing happens in it any more. Sleeps. */
void packet_ring_stop(struct packet_sock *sock);
void packet_ring_free(struct packet_ring *ring);
int packet_mmap(struct socket *socket, struct file *file, struct map_request *request);
/* A frame of which `wanted` bytes are taken. Lock held. False: dropped. */
bool packet_ring_put_locked(struct packet_sock *sock, const struct iface_frame *frame,
                            uint32_t wanted);
/* The program has something to look at. */
bool packet_ring_is_readable(const struct packet_ring *ring);
