/*
 * The loopback interface below IP: what is sent comes in again, on the same interface.
 *
 * A packet is queued where it is sent and input by stack_unlock(), in the sender's context. A
 * packet that nobody else refers to any more by then (of UDP, an ACK) is input as it is; of a TCP
 * segment that may have to be sent again the headers are copied, and the pages of its data shared.
 * There are no checksums.
 */
#pragma once

#include <lwip/err.h>

struct iface;
struct netbuf;
struct netif;

/* For netif_add(): MTU, operations, no checksums. Its input is never called. */
err_t loopback_netif_init(struct netif *netif);

/*
 * A whole frame of a packet socket's: it goes out and comes in at once. Consumes the netbuf. Core
 * lock held. -ENOBUFS.
 */
int loopback_transmit(struct iface *iface, struct netbuf *netbuf);
