/*
 * Network devices: what a driver of Ethernet gives, and what the network makes of it.
 *
 * A driver fills a struct netdev and calls netdev_register(); the one client (net/) hears of it,
 * opens it when its interface is brought up, and gets frames as struct netbuf: pages with a frame
 * in them and what hardware knows of its checksum and size. A netbuf that is handed over belongs
 * to the receiver: the client frees what it was given, the driver calls done() for what it sent.
 *
 * Large frames: with NETDEV_TSO4, TSO6 a frame may be larger than the MTU and is cut by the device;
 * with NETDEV_LARGE_RECEIVE frames may come so.
 *
 * Locking: a mutex (RANK_DEVICE) over registration, opening and closing, with which open() and
 * close() are called. transmit() and commit() are called for a device that is open, perhaps with a
 * spinlock of a rank outside RANK_NETDEV, which done() therefore takes none of.
 */
#pragma once

#include "lib/list.h"
#include "lib/types.h"

struct netdev;
struct page;

enum {
	NETDEV_NAME_SIZE = 16, MAC_BYTES = 6,
	NETBUF_SEGMENTS_MAX = 18, NETBUF_HEADER_ROOM = 16,
	NETBUF_HEAD_ROOM = 152, /* Ethernet, IP and TCP with all options; a netbuf is 512 bytes */
};

/* What a device can do for us. */
enum netdev_features {
	NETDEV_CHECKSUM      = 1 << 0, /* completes checksums of what is sent */
	NETDEV_TSO4          = 1 << 1, /* cuts TCP over IPv4 */
	NETDEV_TSO6          = 1 << 2, /* cuts TCP over IPv6 */
	NETDEV_LARGE_RECEIVE = 1 << 3, /* frames beyond the MTU may come, uncut */
};

enum netbuf_flags {
	/* bytes from checksum_start on are to be summed up, into checksum_offset behind it */
	NETBUF_CHECKSUM_PARTIAL = 1 << 0,
	NETBUF_CHECKSUM_GOOD    = 1 << 1, /* received, and verified */
};

enum netbuf_kind { NETBUF_PLAIN, NETBUF_TCP4, NETBUF_TCP6 };

struct netbuf_segment {
	struct page *page; /* a reference */
	uint32_t     offset, length;
};

/*
 * A frame, from its Ethernet header on: head_length bytes in head[], then the segments. What is
 * received has no head. Allocated in the direct map.
 */
struct netbuf {
	struct list link; /* whose the netbuf is */
	uint32_t    length;      /* of head and segments */
	uint16_t    nr_segments;
	uint16_t    head_length;
	uint8_t     flags;            /* enum netbuf_flags */
	uint8_t     kind;             /* enum netbuf_kind: to be cut, or uncut */
	uint16_t    checksum_start, checksum_offset;
	uint16_t    header_length;    /* of a large one: Ethernet, IP and TCP */
	uint16_t    segment_size;     /* of a large one: bytes of TCP a frame */
	/* it was sent, or never will be; deferred work or a transmit(), no sleep */
	void      (*done)(struct netbuf *netbuf);
	void       *private;          /* the sender's */
	uint8_t     header[NETBUF_HEADER_ROOM]; /* the driver's, to go before head[] */
	uint8_t     head[NETBUF_HEAD_ROOM];
	struct netbuf_segment segments[NETBUF_SEGMENTS_MAX];
};

struct netdev_statistics {
	uint64_t received_frames, received_bytes, received_errors, received_dropped;
	uint64_t sent_frames, sent_bytes, sent_errors, sent_dropped;
};

struct netdev_ops {
	/* Frames may come and go from here on. Sleeps. */
	int  (*open)(struct netdev *netdev);
	/* None comes any more; what is on its way out may yet go. Sleeps. */
	void (*close)(struct netdev *netdev);
	/* 0: it is the driver's until done(). -EAGAIN: no room; client->writable() will follow. */
	int  (*transmit)(struct netdev *netdev, struct netbuf *netbuf);
	/* After the last of a batch; also now and then, for done() of what was sent. */
	void (*commit)(struct netdev *netdev);
	void (*statistics)(struct netdev *netdev, struct netdev_statistics *out);
};

struct netdev {
	const struct netdev_ops *ops __const_after_init;
	void         *private __const_after_init;     /* the driver's */
	unsigned int  features __const_after_init;    /* enum netdev_features */
	uint8_t       mac[MAC_BYTES] __const_after_init;
	uint32_t      mtu, max_mtu __const_after_init;
	uint32_t      index __const_after_init;       /* of its interface: 2 ... */
	char          name[NETDEV_NAME_SIZE] __const_after_init; /* "eth0" */
	bool          has_link __atomic;
	bool          is_open __guarded_by(netdevs);
	void         *client_data;                    /* the client's */
	struct list   link __guarded_by(netdevs);
};

/* Who uses the devices. */
struct netdev_client {
	void (*added)(struct netdev *netdev);   /* may sleep */
	void (*removed)(struct netdev *netdev); /* may sleep; it is closed already */
	/* deferred work; netbufs by their link, in the order of coming, which it takes over */
	void (*received)(struct netdev *netdev, struct list *netbufs);
	void (*writable)(struct netdev *netdev);     /* deferred work: there is room again */
	void (*link_changed)(struct netdev *netdev); /* may sleep */
};

/*
 * Once, but for tests; the one before. Devices registered before are added now. May sleep.
 */
const struct netdev_client *netdev_set_client(const struct netdev_client *client);

/* Gives it a name and an index. The structure stays the driver's. May sleep. */
void netdev_register(struct netdev *netdev);
/* Closes it. Afterwards no operation is called. May sleep. */
void netdev_unregister(struct netdev *netdev);

/* The first, and the one behind; NULL: no more. Borrowed; under the caller's knowledge of life. */
struct netdev *netdev_next(struct netdev *previous);

__must_check int netdev_open(struct netdev *netdev);
void netdev_close(struct netdev *netdev);

/* For drivers: frames came; there is room; the link. Without a client frames are freed. */
void netdev_received(struct netdev *netdev, struct list *netbufs);
void netdev_writable(struct netdev *netdev);
void netdev_set_link(struct netdev *netdev, bool has_link);

/* The next netbuf off a list that is not empty. */
static inline struct netbuf *netbuf_take(struct list *netbufs)
{
	struct netbuf *netbuf = list_first_entry(netbufs, struct netbuf, link);

	list_remove(&netbuf->link);
	return netbuf;
}
/* All of them. */
void netbufs_free(struct list *netbufs);
/* Empty; its own done() is netbuf_free(). NULL: no memory. Any context but interrupt handlers. */
struct netbuf *netbuf_alloc(unsigned int flags) __must_check;
/* Puts the pages and frees. */
void netbuf_free(struct netbuf *netbuf);
/* Takes over a reference to the page. False: no room, and the reference stays the caller's. */
__must_check bool netbuf_add(struct netbuf *netbuf, struct page *page, uint32_t offset,
                             uint32_t length);
