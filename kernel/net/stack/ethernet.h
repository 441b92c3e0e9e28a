/*
 * Ethernet below IP: frames between a network device (dev/netdev.h) and lwIP's netif.
 *
 * In: a frame that the device has put into pages becomes a chain of pbufs that refer to them; a
 * small one is copied and its page given back at once. Whoever listens (tap.h) sees it, and if it
 * is for us lwIP gets it, whole, even if it is larger than the MTU.
 *
 * Out: headers are copied into the netbuf, data that lie in pages are referred to, other data
 * copied into a page. The sum of TCP is left to a device that can do it. What the device has no
 * room for waits in a queue of bounded length; then ENOBUFS. Devices are told of frames once, when
 * the core lock is given back.
 *
 * Sums of what comes in are checked, by lwIP, unless the device says that it has, or that the
 * frame has never been on a wire; those of fragments always.
 *
 * Locking: the core lock is over everything here.
 */
#pragma once

#include "lib/list.h"
#include "lib/types.h"

struct iface;
struct netbuf;
struct netdev;

/*
 * For a device that was added: netdev->client_data is ours from here on, and the netif of the
 * interface sends through it, as soon as it is up. -ENOMEM. Config lock held; sleeps.
 */
int ethernet_attach(struct iface *iface, struct netdev *netdev) __must_check;
/* The device is closed: frees what waits. After it nothing is sent. Config lock held; sleeps. */
void ethernet_detach(struct netdev *netdev);
/* The interface of a device; NULL: it has none (any more). */
struct iface *ethernet_iface(const struct netdev *netdev);

/* How many frames may wait: txqueuelen. */
void ethernet_set_queue_length(struct netdev *netdev, uint32_t length);
/* What waits is dropped: the interface goes down. Takes the core lock. */
void ethernet_flush(struct netdev *netdev);

/*
 * Sends a frame as it is; taps see it. Consumes the netbuf, whose done() is the caller's. Core lock
 * held. -ENOBUFS: the queue is full; -ENETDOWN: no device.
 */
int ethernet_transmit(struct netdev *netdev, struct netbuf *netbuf);

/* struct netdev_client. Deferred work; take the core lock. */
void ethernet_received(struct netdev *netdev, struct list *netbufs);
void ethernet_writable(struct netdev *netdev);
