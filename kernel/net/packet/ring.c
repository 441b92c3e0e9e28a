/*
 * The receive ring of a packet socket: its memory, and frames of equal room (TPACKET_V1, V2). See
 * ring_impl.h.
 */
#include "net/packet/ring_impl.h"

#include <linux/errno.h>
#include <linux/if_ether.h>

#include "fs/file.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "mem/vmalloc.h"
#include "sched/clock.h"
#include "vm/space.h"

enum {
	RING_PAGES_MAX = 1 << 18,
	LINK_HEADER_MIN = 16,
	RESERVE_MAX = UINT16_MAX - 256, /* offsets have 16 bits: beyond, nothing is taken */
};

/* ---- memory ------------------------------------------------------------------------- */

static struct packet_ring *to_ring(struct backing *backing)
{
	return container_of(backing, struct packet_ring, backing);
}

static int ring_fault(struct backing *backing, pgoff_t pgoff, unsigned access, struct page **out)
{
	struct packet_ring *ring = to_ring(backing);

	(void)access;
	if (pgoff >= ring->nr_pages)
		return -EFAULT;
	page_get(ring->pages[pgoff]);
	*out = ring->pages[pgoff];
	return 0;
}

static unsigned ring_lookup(struct backing *backing, pgoff_t first, unsigned nr,
                            struct page **pages)
{
	struct packet_ring *ring = to_ring(backing);
	unsigned found = 0;

	for (unsigned i = 0; i < nr && first + i < ring->nr_pages; i++, found++) {
		page_get(ring->pages[first + i]);
		pages[i] = ring->pages[first + i];
	}
	return found;
}

/* The area keeps the file, and that the socket with its ring. */
static void ring_area_get(struct backing *backing, struct file *file, unsigned vm_flags)
{
	(void)backing;
	(void)vm_flags;
	file_get(file);
}

static void ring_area_put(struct backing *backing, struct file *file, unsigned vm_flags)
{
	(void)backing;
	(void)vm_flags;
	file_put(file);
}

static const struct backing_ops ring_backing_ops = {
	.fault = ring_fault,
	.lookup = ring_lookup,
	.area_get = ring_area_get,
	.area_put = ring_area_put,
};

void packet_ring_put(struct packet_ring *ring)
{
	if (!refcount_put(&ring->refs))
		return;
	backing_fini(&ring->backing);
	for (uint32_t i = 0; i < ring->nr_pages; i++) {
		ring->pages[i]->owner = NULL;
		page_put(ring->pages[i]);
	}
	vfree(ring);
}

static int ring_alloc(uint32_t nr_pages, struct packet_ring **out)
{
	struct packet_ring *ring =
		vzalloc(sizeof(*ring) + nr_pages * sizeof(struct page *), ALLOC_KERNEL);

	if (!ring)
		return -ENOMEM;
	refcount_init(&ring->refs, 1);
	backing_init(&ring->backing, &ring_backing_ops);
	for (; ring->nr_pages < nr_pages; ring->nr_pages++) {
		struct page *page = page_alloc(ALLOC_KERNEL | ALLOC_ZERO);

		if (!page) {
			packet_ring_put(ring);
			return -ENOMEM;
		}
		page->owner = &ring->backing;
		page->index = ring->nr_pages;
		ring->pages[ring->nr_pages] = page;
	}
	*out = ring;
	return 0;
}

/* Where a byte of the ring is, and how many follow it in the page. */
static uint8_t *ring_at(const struct packet_ring *ring, uint64_t offset, uint32_t *left)
{
	uint32_t in_page = offset & (PAGE_SIZE - 1);

	*left = (uint32_t)PAGE_SIZE - in_page;
	return (uint8_t *)page_to_virt(ring->pages[offset >> PAGE_SHIFT]) + in_page;
}

void packet_ring_write(struct packet_ring *ring, uint64_t offset, const void *from, uint32_t size)
{
	const uint8_t *bytes = from;

	while (size) {
		uint32_t left, n;
		uint8_t *to = ring_at(ring, offset, &left);

		n = min(left, size);
		memcpy(to, bytes, n);
		offset += n;
		bytes += n;
		size -= n;
	}
}

void packet_ring_write_frame(struct packet_ring *ring, uint64_t offset,
                             const struct iface_frame *frame, uint32_t size)
{
	uint32_t from = packet_skipped(ring->sock, frame);

	while (size) {
		uint32_t left, n;
		uint8_t *to = ring_at(ring, offset, &left);

		n = min(left, size);
		(void)iface_frame_copy(frame, from, to, n);
		offset += n;
		from += n;
		size -= n;
	}
}

bool packet_ring_is_kernels(const struct packet_ring *ring, uint64_t offset)
{
	uint32_t left, *word = (void *)ring_at(ring, offset, &left);

	/* pairs with the program's release of what it has read */
	return atomic_load_acquire(word) == TP_STATUS_KERNEL;
}

void packet_ring_give(struct packet_ring *ring, uint64_t offset, uint32_t status)
{
	uint32_t left, *word = (void *)ring_at(ring, offset, &left);

	/* pairs with the program's look at the status before all else */
	atomic_store_release(word, status);
}

/* ---- frames ------------------------------------------------------------------------- */

uint32_t packet_ring_header(int version)
{
	return version == TPACKET_V1 ? TPACKET_HDRLEN
	       : version == TPACKET_V2 ? TPACKET2_HDRLEN : TPACKET3_HDRLEN;
}

struct packet_layout packet_ring_layout(const struct packet_ring *ring,
                                        const struct iface_frame *frame, uint32_t wanted,
                                        uint32_t room)
{
	uint32_t header = packet_ring_header(ring->version), link = frame->header_length;
	struct packet_layout layout = { .size = wanted };

	if (ring->sock->socket.type == SOCK_DGRAM) {
		layout.network = TPACKET_ALIGN(header) + LINK_HEADER_MIN + ring->reserve;
		layout.link = layout.network;
	} else {
		layout.network = TPACKET_ALIGN(header + max(link, (uint32_t)LINK_HEADER_MIN)) +
				 ring->reserve;
		layout.link = layout.network - link;
	}
	if (layout.link > room)
		layout.link = room;
	layout.size = min(layout.size, room - layout.link);
	return layout;
}

static uint64_t slot_offset(const struct packet_ring *ring, uint32_t slot)
{
	uint32_t per_block = ring->block_size / ring->frame_size;

	return (uint64_t)(slot / per_block) * ring->block_size +
	       (uint64_t)(slot % per_block) * ring->frame_size;
}

/* All of the header but its status. */
static void slot_describe(struct packet_ring *ring, uint64_t at, const struct iface_frame *frame,
                          const struct packet_layout *layout)
{
	uint32_t length = frame->length - packet_skipped(ring->sock, frame);
	ns_t now = clock_realtime();
	const struct tpacket_hdr old = {
		.tp_len = length,
		.tp_snaplen = layout->size,
		.tp_mac = (uint16_t)layout->link,
		.tp_net = (uint16_t)layout->network,
		.tp_sec = (uint32_t)(now / NS_PER_SEC),
		.tp_usec = (uint32_t)(now % NS_PER_SEC / NS_PER_USEC),
	};
	const struct tpacket2_hdr new = {
		.tp_len = length,
		.tp_snaplen = layout->size,
		.tp_mac = (uint16_t)layout->link,
		.tp_net = (uint16_t)layout->network,
		.tp_sec = (uint32_t)(now / NS_PER_SEC),
		.tp_nsec = (uint32_t)(now % NS_PER_SEC),
	};

	if (ring->version == TPACKET_V1)
		packet_ring_write(ring, at, &old, sizeof(old));
	else
		packet_ring_write(ring, at, &new, sizeof(new));
}

static bool slot_put_locked(struct packet_ring *ring, const struct iface_frame *frame,
                            uint32_t wanted)
{
	struct packet_layout layout = packet_ring_layout(ring, frame, wanted, ring->frame_size);
	uint32_t header = ring->version == TPACKET_V1 ? sizeof(struct tpacket_hdr)
						      : sizeof(struct tpacket2_hdr);
	uint64_t at = slot_offset(ring, ring->head);
	struct sockaddr_ll from;
	uint32_t status = packet_frame_status(frame) | TP_STATUS_TS_SOFTWARE;

	if (!packet_ring_is_kernels(ring, at))
		return false;
	packet_frame_name(frame, &from);
	slot_describe(ring, at, frame, &layout);
	packet_ring_write(ring, at + TPACKET_ALIGN(header), &from, sizeof(from));
	packet_ring_write_frame(ring, at + layout.link, frame, layout.size);
	if (ring->sock->nr_dropped)
		status |= TP_STATUS_LOSING;
	packet_ring_give(ring, at, status);
	ring->head = (ring->head + 1) % ring->nr_frames;
	return true;
}

bool packet_ring_put_locked(struct packet_sock *sock, const struct iface_frame *frame,
                            uint32_t wanted)
{
	struct packet_ring *ring = sock->ring;

	if (ring->reserve > RESERVE_MAX)
		return false;
	return ring->version == TPACKET_V3 ? packet_blocks_put_locked(ring, frame, wanted)
					   : slot_put_locked(ring, frame, wanted);
}

bool packet_ring_is_readable(const struct packet_ring *ring)
{
	uint32_t before = (ring->head ? ring->head : ring->nr_frames) - 1;

	if (ring->version == TPACKET_V3)
		return packet_blocks_are_readable(ring);
	return !packet_ring_is_kernels(ring, slot_offset(ring, before));
}

/* ---- making and taking away --------------------------------------------------------- */

static int request_check(const struct packet_sock *sock, const struct tpacket_req3 *request)
{
	uint64_t least = (uint64_t)packet_ring_header(sock->version) + sock->reserve;
	uint64_t block = request->tp_block_size, per_block;

	if (!block || block > INT32_MAX || block % PAGE_SIZE)
		return -EINVAL;
	if (sock->version == TPACKET_V3 &&
	    (request->tp_sizeof_priv > block ||
	     block < packet_block_header(request->tp_sizeof_priv) + least))
		return -EINVAL;
	if (request->tp_frame_size < least || request->tp_frame_size % TPACKET_ALIGNMENT)
		return -EINVAL;
	per_block = block / request->tp_frame_size;
	if (!per_block || per_block * request->tp_block_nr != request->tp_frame_nr)
		return -EINVAL;
	return block / PAGE_SIZE * request->tp_block_nr > RING_PAGES_MAX ? -ENOMEM : 0;
}

static int ring_create(struct packet_sock *sock, const struct tpacket_req3 *request,
                       struct packet_ring **out)
{
	struct packet_ring *ring;
	int err = request_check(sock, request);

	if (!err)
		err = ring_alloc(request->tp_block_size / (uint32_t)PAGE_SIZE *
		                 request->tp_block_nr, &ring);
	if (err)
		return err;
	ring->sock = sock;
	ring->version = sock->version;
	ring->reserve = sock->reserve;
	ring->block_size = request->tp_block_size;
	ring->nr_blocks = request->tp_block_nr;
	ring->frame_size = request->tp_frame_size;
	ring->nr_frames = request->tp_frame_nr;
	packet_blocks_init(ring, request);
	*out = ring;
	return 0;
}

/* Its timer is not started any more; work on its way finds that it is over. */
static void ring_stop(struct packet_ring *ring)
{
	struct packet_sock *sock = ring->sock;

	spin_lock(&sock->lock);
	ring->is_stopped = true;
	spin_unlock(&sock->lock);
	if (timer_cancel_sync(&ring->timer)) {
		packet_ring_put(ring);
		socket_put(&sock->socket);
	}
}

static void ring_change(struct packet_sock *sock, struct packet_ring *ring)
{
	struct packet_ring *before;

	spin_lock(&sock->lock);
	before = sock->ring;
	sock->ring = ring;
	spin_unlock(&sock->lock);
	if (!before)
		return;
	ring_stop(before);
	packet_ring_put(before);
}

int packet_ring_set(struct packet_sock *sock, const struct tpacket_req3 *request)
{
	struct packet_ring *ring = NULL;
	int err = 0;

	if (sock->ring && (request->tp_block_nr || backing_is_mapped(&sock->ring->backing)))
		return -EBUSY;
	if (!request->tp_block_nr && request->tp_frame_nr)
		return -EINVAL;
	if (request->tp_block_nr)
		err = ring_create(sock, request, &ring);
	if (!err)
		ring_change(sock, ring);
	return err;
}

void packet_ring_stop(struct packet_sock *sock)
{
	if (sock->ring)
		ring_stop(sock->ring);
}

void packet_ring_free(struct packet_ring *ring)
{
	packet_ring_put(ring);
}

int packet_mmap(struct socket *socket, struct file *file, struct map_request *request)
{
	struct packet_sock *sock = to_packet(socket);
	int err = 0;

	(void)file;
	iface_config_lock(socket->netns);
	if (!sock->ring || request->pgoff || request->len != sock->ring->nr_pages * PAGE_SIZE)
		err = -EINVAL;
	else
		request->backing = &sock->ring->backing;
	iface_config_unlock(socket->netns);
	return err;
}
