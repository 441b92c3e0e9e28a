/*
 * What ethernet.c (both ways, the queue) and ethernet_frame.c (frames between pbufs and netbufs)
 * share.
 */
#pragma once

#include "dev/netdev.h"
#include "net/stack/stack.h"

/*
 * The frame as a chain of pbufs; consumes the netbuf. NULL: no memory, or it is larger than any
 * packet.
 */
struct pbuf *frame_to_pbuf(struct netbuf *netbuf) __must_check;
/* The same bytes as pbufs; the netbuf stays. */
struct pbuf *frame_view(const struct netbuf *netbuf) __must_check;

/* A netbuf for the frame in the chain, which stays the caller's. NULL: no memory. */
struct netbuf *frame_from_pbuf(const struct pbuf *frame) __must_check;
/* Made by frame_from_pbuf(): the device shall complete the sum of TCP, if there is one. */
void frame_leave_checksum(struct netbuf *netbuf);
/* It is a fragment of an IP packet. */
bool frame_is_fragment(const struct pbuf *frame);
