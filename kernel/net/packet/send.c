/*
 * Sending through packet sockets. See packet_impl.h.
 */
#include <linux/errno.h>
#include <linux/if_ether.h>

#include "dev/netdev.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "net/packet/packet_impl.h"
#include "vm/uio.h"

/* Where a frame is to go, and how it begins. */
struct destination {
	struct iface *iface; /* a reference */
	__be16        protocol;
	const uint8_t *mac;  /* NULL: none was given */
};

/* ---- where to ----------------------------------------------------------------------- */

static int destination_old(struct packet_sock *sock, const struct socket_name *name,
                           struct destination *out)
{
	const struct sockaddr_pkt *address = (const void *)name->bytes;
	char device[sizeof(address->spkt_device) + 1] = { 0 };

	if (name->size < sizeof(struct sockaddr))
		return -EINVAL;
	memcpy(device, address->spkt_device, sizeof(address->spkt_device) - 1);
	if (name->size == sizeof(*address))
		out->protocol = address->spkt_protocol;
	out->iface = iface_by_name(sock->socket.netns, device);
	return out->iface ? 0 : -ENODEV;
}

static int destination_link(struct packet_sock *sock, const struct socket_name *name,
                            struct destination *out)
{
	const struct sockaddr_ll *address = (const void *)name->bytes;
	const uint32_t header = offsetof(struct sockaddr_ll, sll_addr);

	if (name->size < sizeof(*address) || name->size < header + address->sll_halen)
		return -EINVAL;
	out->protocol = address->sll_protocol;
	out->mac = address->sll_addr;
	out->iface = iface_by_index(sock->socket.netns, (uint32_t)address->sll_ifindex);
	return out->iface ? 0 : -ENXIO;
}

static int destination_find(struct packet_sock *sock, const struct message *message,
                            struct destination *out)
{
	*out = (struct destination){ .protocol = sock->protocol };
	if (sock->socket.type == SOCK_PACKET)
		return message->name ? destination_old(sock, message->name, out) : -ENOTCONN;
	if (message->name)
		return destination_link(sock, message->name, out);
	out->iface = packet_iface_get(sock);
	return out->iface ? 0 : -ENXIO;
}

/* ---- the frame ---------------------------------------------------------------------- */

static void frame_done(struct netbuf *netbuf)
{
	netbuf_free(netbuf);
}

/* The message's bytes, in pages of their own. */
static int frame_fill(struct netbuf *netbuf, struct uio *uio)
{
	while (uio->remaining) {
		uint32_t n = (uint32_t)min(uio->remaining, PAGE_SIZE);
		struct page *page = page_alloc(ALLOC_KERNEL);

		if (!page)
			return -ENOBUFS;
		if (!netbuf_add(netbuf, page, 0, n)) {
			page_put(page);
			return -EMSGSIZE;
		}
		if (uio_copy_in(uio, page_to_virt(page), n) < n)
			return -EFAULT;
	}
	return 0;
}

/* For SOCK_DGRAM: a header in front. EINVAL without an address on a link that has some. */
static int header_add(struct netbuf *netbuf, const struct destination *to)
{
	struct ethhdr *header = (struct ethhdr *)(void *)netbuf->head;

	if (!to->mac && !(to->iface->flags & (IFF_LOOPBACK | IFF_NOARP)))
		return -EINVAL;
	memset(header, 0, sizeof(*header));
	if (to->mac)
		memcpy(header->h_dest, to->mac, ETH_ALEN);
	memcpy(header->h_source, to->iface->mac, ETH_ALEN);
	header->h_proto = to->protocol;
	netbuf->head_length = sizeof(*header);
	netbuf->length += (uint32_t)sizeof(*header);
	return 0;
}

static int frame_create(struct packet_sock *sock, struct message *message,
                        const struct destination *to, struct netbuf **out)
{
	size_t size = message->uio->remaining;
	bool is_dgram = sock->socket.type == SOCK_DGRAM;
	struct netbuf *netbuf;
	int err = 0;

	if (!(to->iface->flags & IFF_UP))
		return -ENETDOWN;
	if (size > to->iface->mtu + (is_dgram ? 0 : ETH_HLEN))
		return -EMSGSIZE;
	if (!is_dgram && size < ETH_HLEN)
		return -EINVAL;
	netbuf = netbuf_alloc(ALLOC_KERNEL);
	if (!netbuf)
		return -ENOBUFS;
	netbuf->done = frame_done;
	netbuf->private = sock;
	if (is_dgram)
		err = header_add(netbuf, to);
	if (!err)
		err = frame_fill(netbuf, message->uio);
	if (err)
		netbuf_free(netbuf);
	*out = netbuf;
	return err;
}

ssize_t packet_send(struct socket *socket, struct message *message)
{
	struct packet_sock *sock = to_packet(socket);
	size_t size = message->uio->remaining;
	struct destination to;
	struct netbuf *netbuf;
	int err = destination_find(sock, message, &to);

	if (err)
		return err;
	err = frame_create(sock, message, &to, &netbuf);
	if (!err)
		err = iface_transmit_raw(to.iface, netbuf);
	iface_put(to.iface);
	return err ? err : (ssize_t)size;
}
