/*
 * Sockets: what all families have in common. socket(7)
 *
 * A family registers how its sockets are made; a socket embeds struct socket in its own and has an
 * operations table. An open file of sockfs holds one reference; peers, queues and names may hold
 * others, so that a socket without a file (in a backlog, or just closed) is nothing special.
 * release() is called once, when the file goes; free() with the last reference.
 *
 * User memory is seen only as a uio; addresses and control data come as kernel structures, which
 * the syscall floor copies in and out.
 *
 * Locking: options are single words, read without a lock. State is guarded by the family. All
 * functions may sleep unless they say otherwise.
 */
#pragma once

#include <linux/un.h>

#include "abi/socket.h"
#include "lib/refcount.h"
#include "lib/types.h"
#include "sched/rcu.h"

struct cred;
struct file;
struct netns;
struct poller;
struct rights;
struct socket;
struct uio;
struct walk_from;

enum { SOCKET_NAME_MAX = 128, SOCKET_BUFFER_DEFAULT = 212992, SOCKET_BUFFER_MAX = 212992 };

/* An address of any family, as long as it says. */
struct socket_name {
	uint32_t size; /* 0: none */
	union {
		uint16_t           family;
		struct sockaddr_un un;
		uint8_t            bytes[SOCKET_NAME_MAX];
	};
};

/* Who calls: fs/ and net/ know no processes. */
struct socket_caller {
	const struct walk_from *from;  /* where names of files begin, and the credentials */
	struct ucred            ucred; /* pid, uid, gid as SCM_CREDENTIALS tells them */
	/* descriptors inside sockets; UINT64_MAX: any number */
	uint64_t                max_in_flight;
};

/* One message on its way in or out: the kernel's msghdr. */
struct message {
	struct uio         *uio;
	/* in: where to, or NULL; out: where from, or NULL for not wanted */
	struct socket_name *name;
	unsigned int        flags; /* in: MSG_*; MSG_DONTWAIT also stands for O_NONBLOCK */
	unsigned int        seen;  /* out: MSG_TRUNC, MSG_EOR ... */
	struct rights      *rights; /* open files; sending consumes them on success */
	const struct socket_caller *caller; /* in: needed with a name or rights */
	struct ucred        ucred;
	/* in: SCM_CREDENTIALS was given; out: the socket wants them */
	bool                has_ucred;
};

/* A socket option's value, decoded: an int unless it says otherwise. */
struct socket_option {
	int      level, name;
	uint32_t size; /* bytes given, or of the room for the answer; then of the answer */
	union {
		int          value;
		struct ucred ucred;
		struct linger linger;
		int64_t      time[2]; /* struct timeval */
		uint64_t     cookie;
	};
};

struct socket_ops {
	void (*release)(struct socket *socket);
	void (*free)(struct socket *socket);
	int (*bind)(struct socket *socket, const struct socket_name *name,
	            const struct socket_caller *caller);
	int (*connect)(struct socket *socket, const struct socket_name *name, bool nowait,
	               const struct socket_caller *caller);
	int (*pair)(struct socket *a, struct socket *b, const struct socket_caller *caller);
	int (*listen)(struct socket *socket, int backlog, const struct socket_caller *caller);
	/* NULL: EOPNOTSUPP */
	int (*accept)(struct socket *socket, bool nowait, struct socket **out);
	int (*name)(struct socket *socket, bool of_peer, struct socket_name *out);
	/* Bytes that the socket has in queues, without any lock; NULL: none to speak of. */
	size_t (*footprint)(const struct socket *socket);
	int (*shutdown)(struct socket *socket, bool read, bool write);
	ssize_t (*send)(struct socket *socket, struct message *message);
	ssize_t (*receive)(struct socket *socket, struct message *message);
	unsigned int (*poll)(struct socket *socket, struct poller *poller);
	long (*ioctl)(struct socket *socket, unsigned int cmd, void *arg); /* NULL: ENOTTY */
	int (*take_error)(struct socket *socket); /* 0 or an errno, positive, once */
	bool (*is_listening)(const struct socket *socket);
	void (*peer_cred)(struct socket *socket, struct ucred *out);
	/* Options of other levels, and SO_PEEK_OFF; NULL: EOPNOTSUPP. */
	int (*set_option)(struct socket *socket, const struct socket_option *option);
	int (*get_option)(struct socket *socket, struct socket_option *option);
};

enum {
	SOCKET_PASSCRED  = 1 << 0,
	SOCKET_REUSEADDR = 1 << 1,
	SOCKET_REUSEPORT = 1 << 2,
	SOCKET_KEEPALIVE = 1 << 3,
	SOCKET_BROADCAST = 1 << 4,
	SOCKET_OOBINLINE = 1 << 5,
	SOCKET_DONTROUTE = 1 << 6,
	SOCKET_TIMESTAMP = 1 << 7,
	SOCKET_DEBUG     = 1 << 8,
	SOCKET_LINGER    = 1 << 9,
};

struct socket {
	const struct socket_ops *ops __const_after_init;
	struct netns            *netns __const_after_init; /* a reference */
	struct refcount          refs;
	uint16_t                 family, type, protocol __const_after_init;
	uint32_t                 options __atomic; /* SOCKET_* */
	uint32_t                 send_buffer, receive_buffer __atomic; /* bytes */
	ns_t                     send_timeout, receive_timeout __atomic; /* 0: none */
	int                      receive_low, priority, linger_seconds, peek_offset __atomic;
	uint64_t                 cookie __const_after_init;
	ino_t                    ino __atomic; /* of its open file; 0: none yet */
	struct rcu_head          rcu;
};

struct socket_family {
	uint16_t family;
	/* A socket with one reference, its struct socket set up by socket_init(). */
	int (*create)(struct netns *netns, int type, int protocol, struct socket **out);
};

/* How senders' numbers are found when a write(2) must tell them; once, by the floor that knows. */
void socket_register_ucred(void (*current_ucred)(struct ucred *out));
void socket_current_ucred(struct ucred *out);

int socket_family_register(const struct socket_family *family);
void sockfs_init(void);

/* Fills the common part; takes a reference on netns. */
void socket_init(struct socket *socket, const struct socket_ops *ops, struct netns *netns,
                 uint16_t family, uint16_t type);
/* What socket_init() took; for free(). */
void socket_fini(struct socket *socket);
static inline struct socket *socket_get(struct socket *socket)
{
	refcount_get(&socket->refs);
	return socket;
}
void socket_put(struct socket *socket);

/* socket(2): EAFNOSUPPORT, EINVAL, ESOCKTNOSUPPORT, EPROTONOSUPPORT, ENOMEM. Type without flags. */
int __must_check socket_create(struct netns *netns, int family, int type, int protocol,
                               struct socket **out);
/*
 * An open file for the socket, whose reference is consumed, also on failure. flags: O_NONBLOCK.
 * ENFILE, ENOMEM.
 */
int __must_check socket_open(struct socket *socket, const struct cred *cred, unsigned int flags,
                             struct file **out);
/* NULL: the file is no socket. Borrowed. */
struct socket *file_to_socket(const struct file *file);

/* SOL_SOCKET: setsockopt(2), getsockopt(2). may_force: CAP_NET_ADMIN. */
int socket_set_option(struct socket *socket, const struct socket_option *option, bool may_force);
int socket_get_option(struct socket *socket, struct socket_option *option);

/* The end of a wait with this timeout of the socket: WAIT_FOREVER for 0. */
ns_t socket_deadline(ns_t timeout);
/* What a sleep that was interrupted means: restarted only if it had no end. signal(7) */
int  socket_interrupted(int err, ns_t timeout);
