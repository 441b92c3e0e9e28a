/*
 * Messages: what goes through send() and receive() of a socket, and the control data beside the
 * bytes: the kernel's msghdr. cmsg(3)
 *
 * Sending: the syscall floor has judged what is of SOL_SOCKET (open files and credentials for
 * AF_UNIX and AF_NETLINK; SO_MARK for the others); the rest a family walks:
 *
 *     struct control_item item = { 0 };
 *     while (message_control_next(message, &item))
 *             if (item.level == SOL_IP && item.type == IP_TTL) ... item.data, item.size
 *
 * Receiving: message_control_put() adds an item. That is cheap to call when nobody wants any: then
 * `control` is NULL. A message belongs to the one thread that uses it.
 */
#pragma once

#include "abi/socket.h"
#include "lib/types.h"

struct rights;
struct socket;
struct socket_caller;
struct socket_name;
struct uio;

/* Control data: structures cmsghdr with their data, each aligned as CMSG_ALIGN() says. */
struct message_control {
	uint8_t *data;
	uint32_t size; /* bytes there */
	uint32_t room; /* bytes that data has room for */
	bool     is_allocated; /* data is to be freed: message_control_fini() */
	bool     has_mark;     /* in: SO_MARK was given */
	uint32_t mark;
};

/* One message on its way in or out. */
struct message {
	struct uio         *uio;
	/* in: where to, or NULL; out: where from, or NULL for not wanted */
	struct socket_name *name;
	unsigned int        flags; /* in: MSG_*; MSG_DONTWAIT also stands for O_NONBLOCK */
	unsigned int        seen;  /* out: MSG_TRUNC, MSG_EOR ... */
	struct rights      *rights; /* open files; sending consumes them on success */
	const struct socket_caller *caller; /* in: needed with a name or rights */
	struct message_control *control; /* in: what was given; out: what comes; NULL: none */
	struct ucred        ucred; /* if it has one */
	/* in: SCM_CREDENTIALS was given; out: the socket wants them */
	bool                has_ucred;
};

/* For read(2) and write(2): bytes and nothing else. Field by field, which is what costs least. */
static inline void message_init(struct message *message, struct uio *uio, unsigned int flags)
{
	message->uio = uio;
	message->name = NULL;
	message->flags = flags;
	message->seen = 0;
	message->rights = NULL;
	message->caller = NULL;
	message->control = NULL;
	message->has_ucred = false;
}

struct control_item {
	int         level, type;
	const void *data; /* aligned for long */
	uint32_t    size;
	uint32_t    next; /* where the walk goes on; 0 to begin */
};

/* The next item of what was given; false: no more. */
bool message_control_next(const struct message *message, struct control_item *item);
/*
 * An item for the receiver; for lack of memory, or if there are absurdly many, MSG_CTRUNC instead.
 * May sleep.
 */
void message_control_put(struct message *message, int level, int type, const void *data,
                         uint32_t size);
/* Frees what putting has allocated. NULL does nothing. */
void message_control_fini(struct message_control *control);

/* What is known of a message as it is received. */
struct message_arrival {
	ns_t     time;  /* by the wall clock, if socket_wants_time(); 0: unknown, which means now */
	uint32_t drops; /* socket->drops when it was queued */
	uint32_t mark;
};

/* Are messages for this socket to be stamped as they come? No lock. */
bool socket_wants_time(const struct socket *socket);
/* What SO_TIMESTAMP, SO_TIMESTAMPING, SO_RXQ_OVFL, SO_RCVMARK want told beside a message. */
void socket_arrival_put(struct socket *socket, struct message *message,
                        const struct message_arrival *arrival);
