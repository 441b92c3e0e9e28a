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
#include "net/message.h"
#include "sched/rcu.h"

struct cred;
struct cred_groups;
struct file;
struct map_request;
struct netns;
struct page_span;
struct poller;
struct socket;
struct socket_filter;
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

enum {
	SOCKET_OPTION_INLINE = 512,    /* values up to this need no allocation */
	SOCKET_OPTION_MAX    = 65536,  /* and none gets more */
};

/*
 * A socket option on its way in or out. `bytes` are the `size` bytes that were given, or where the
 * answer goes, zeroed; it is `room`, or memory of the syscall floor's for larger values.
 */
struct socket_option {
	int                level, name;
	/* bytes given, or of the room for the answer; then of the answer, even if it is more */
	uint32_t           size;
	const struct cred *cred; /* who sets or asks */
	uint8_t           *bytes;
	union {
		int           value;
		struct ucred  ucred;
		struct linger linger;
		int64_t       time[2]; /* struct timeval */
		uint64_t      cookie;
		uint8_t       room[SOCKET_OPTION_INLINE];
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
	/* What the core does not know. ENOIOCTLCMD, or NULL: net_ioctl() is asked. */
	long (*ioctl)(struct socket *socket, unsigned int cmd, void *arg);
	/*
	 * sendfile(2), splice(2): bytes that lie in pages, of which the socket takes references as
	 * it likes. flags: MSG_MORE, MSG_DONTWAIT. NULL: they go through send().
	 */
	ssize_t (*send_pages)(struct socket *socket, const struct page_span *spans, uint32_t nr,
	                      unsigned int flags);
	/* As that of struct file_ops; NULL: ENODEV. */
	int (*mmap)(struct socket *socket, struct file *file, struct map_request *request);
	/* SO_PEERGROUPS: of the peer, a reference; NULL: ENODATA. */
	struct cred_groups *(*peer_groups)(struct socket *socket);
	int (*take_error)(struct socket *socket); /* 0 or an errno, positive, once */
	bool (*is_listening)(const struct socket *socket);
	void (*peer_cred)(struct socket *socket, struct ucred *out);
	bool can_peek_offset; /* SO_PEEK_OFF */
	/* SO_KEEPALIVE, REUSEADDR, REUSEPORT, RCVLOWAT, RCVBUF or SNDBUF was changed. */
	void (*option_changed)(struct socket *socket, int name);
	/* Options of other levels; NULL: EOPNOTSUPP. */
	int (*set_option)(struct socket *socket, const struct socket_option *option);
	int (*get_option)(struct socket *socket, struct socket_option *option);
};

enum {
	SOCKET_PASSCRED         = 1 << 0,
	SOCKET_REUSEADDR        = 1 << 1,
	SOCKET_REUSEPORT        = 1 << 2,
	SOCKET_KEEPALIVE        = 1 << 3,
	SOCKET_BROADCAST        = 1 << 4,
	SOCKET_OOBINLINE        = 1 << 5,
	SOCKET_DONTROUTE        = 1 << 6,
	SOCKET_TIMESTAMP        = 1 << 7, /* messages tell when they came */
	SOCKET_TIMESTAMP_NS     = 1 << 8, /* in nanoseconds */
	SOCKET_TIMESTAMP_NEW    = 1 << 9, /* under the newer number */
	SOCKET_STAMP            = 1 << 10, /* SIOCGSTAMP was asked once */
	SOCKET_DEBUG            = 1 << 11,
	SOCKET_LINGER           = 1 << 12,
	SOCKET_NO_CHECK         = 1 << 13, /* UDP sends no checksums */
	SOCKET_RXQ_OVFL         = 1 << 14, /* messages tell how many were dropped before */
	SOCKET_RCVMARK          = 1 << 15, /* and their mark */
	SOCKET_SELECT_ERR_QUEUE = 1 << 16, /* an error queue is EPOLLPRI as well */
	SOCKET_LOCK_FILTER      = 1 << 17,
	SOCKET_PASSSEC          = 1 << 18, /* no labels here: nothing comes of it */
	SOCKET_WIFI_STATUS      = 1 << 19, /* the same */
	SOCKET_NOFCS            = 1 << 20,
	SOCKET_PREFER_BUSY_POLL = 1 << 21,
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
	uid_t                    uid __atomic; /* of its open file's inode */
	uint32_t                 mark __atomic;        /* SO_MARK */
	uint32_t                 bound_iface __atomic; /* SO_BINDTODEVICE; 0: any */
	uint32_t                 drops __atomic; /* what had no room; a family counts with it */
	uint32_t                 timestamping __atomic; /* SOF_TIMESTAMPING_* */
	uint32_t                 busy_poll_usec __atomic;
	int                      incoming_cpu __atomic; /* of the latest packet; -1: none yet */
	ns_t                     stamp __atomic; /* SIOCGSTAMP: of the latest message; 0: none */
	struct socket_filter    *filter __atomic; /* SO_ATTACH_FILTER; freed after a grace period */
	struct rcu_head          rcu;
};

struct socket_family {
	uint16_t family;
	/*
	 * A socket with one reference, its struct socket set up by socket_init(). cred: whose it
	 * will be, for families and types that not everybody may use (EPERM).
	 */
	int (*create)(struct netns *netns, const struct cred *cred, int type, int protocol,
	              struct socket **out);
};

/*
 * How the caller is found when a write(2) must tell its numbers, or an ioctl(2) needs its rights;
 * once, by the floor that knows.
 */
void socket_register_caller(void (*current_ucred)(struct ucred *out),
                            const struct cred *(*current_cred)(void));
void socket_current_ucred(struct ucred *out);
const struct cred *socket_current_cred(void);

int socket_family_register(const struct socket_family *family);
void sockfs_init(void);

/* Fills the common part of zeroed memory; takes a reference on netns. */
void socket_init(struct socket *socket, const struct socket_ops *ops, struct netns *netns,
                 uint16_t family, uint16_t type);
/* What socket_init() took; for free(). */
void socket_fini(struct socket *socket);
/* How many there are, of all families. */
uint64_t socket_count(void);
static inline struct socket *socket_get(struct socket *socket)
{
	refcount_get(&socket->refs);
	return socket;
}
void socket_put(struct socket *socket);

/*
 * socket(2): EAFNOSUPPORT, EINVAL, ESOCKTNOSUPPORT, EPROTONOSUPPORT, EPERM, ENOMEM. Type without
 * flags.
 */
int __must_check socket_create(struct netns *netns, const struct cred *cred, int family, int type,
                               int protocol, struct socket **out);
/*
 * An open file for the socket, whose reference is consumed, also on failure. flags: O_NONBLOCK.
 * ENFILE, ENOMEM.
 */
int __must_check socket_open(struct socket *socket, const struct cred *cred, unsigned int flags,
                             struct file **out);
/* NULL: the file is no socket. Borrowed. */
struct socket *file_to_socket(const struct file *file);

/* setsockopt(2), getsockopt(2): SOL_SOCKET here, other levels by the family. */
int socket_set_option(struct socket *socket, const struct socket_option *option);
int socket_get_option(struct socket *socket, struct socket_option *option);

/*
 * For families' options: the number that was given, as four bytes or, as IP's options may be, as
 * one. EINVAL if there is none.
 */
int __must_check socket_option_int(const struct socket_option *option, int *out);
/* The answer: as many of its bytes as there is room for. Return 0. */
int socket_option_answer(struct socket_option *option, const void *data, uint32_t size);
int socket_option_answer_int(struct socket_option *option, int value);
/* The same for IP's options: one byte if there is room for one only. */
int socket_option_answer_byte(struct socket_option *option, int value);

/* The end of a wait with this timeout of the socket: WAIT_FOREVER for 0. */
ns_t socket_deadline(ns_t timeout);
/* What a sleep that was interrupted means: restarted only if it had no end. signal(7) */
int  socket_interrupted(int err, ns_t timeout);
