/*
 * Taps: who sees every frame that an interface sends and receives. packet(7)
 *
 * A tap is on one interface, or on all of a namespace. It is called with the core lock held, in any
 * context: it must not sleep, allocate with ALLOC_KERNEL or call back into the stack; it may take
 * locks from RANK_SOCKET_QUEUE on. What it wants to keep it copies. Without taps a frame costs one
 * test.
 */
#pragma once

#include <linux/if_packet.h>

#include "lib/byteorder.h"
#include "lib/list.h"
#include "lib/types.h"

struct iface;
struct netns;
struct netbuf;
struct pbuf;

/* A frame, to be looked at: link header first, then what is behind it. */
struct iface_frame {
	struct iface *iface;         /* borrowed */
	uint8_t       packet_type;   /* PACKET_HOST, BROADCAST, MULTICAST, OTHERHOST, OUTGOING */
	bool          needs_checksum; /* the transport's is not filled in yet */
	bool          has_good_checksum;
	__be16        protocol;      /* ETH_P_* */
	uint32_t      header_length; /* of the link header */
	uint32_t      length;        /* of all */
	/* the first `nr_head` bytes are at `head`, the rest in the chain from pbuf_offset on */
	const uint8_t *head;
	uint32_t      nr_head, pbuf_offset;
	const struct pbuf *pbuf;
	const struct netbuf *netbuf; /* sent by iface_transmit_raw(); NULL: by the stack */
};

struct iface_tap {
	void (*frame)(struct iface_tap *tap, const struct iface_frame *frame) __const_after_init;
	struct list link __guarded_by(core);
};

/* iface NULL: all of the namespace. The caller keeps the interface alive. Takes the core lock. */
void iface_tap_add(struct netns *netns, struct iface *iface, struct iface_tap *tap);
/* It is not called any more when this returns. */
void iface_tap_remove(struct netns *netns, struct iface_tap *tap);

/* Copies bytes of the frame; fewer if it ends before. Core lock held: from frame() only. */
uint32_t iface_frame_copy(const struct iface_frame *frame, uint32_t offset, void *out,
                          uint32_t size);
