/*
 * The exchange with a DHCP server, through a packet socket, since without an address there is no
 * other way: DISCOVER, OFFER, REQUEST, ACK.
 */
#include "net/autoconf/exchange.h"

#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "core/random.h"
#include "lib/byteorder.h"
#include "lib/string.h"
#include "lib/time.h"
#include "mem/alloc.h"
#include "net/autoconf/dhcp.h"
#include "net/iface/iface.h"
#include "net/socket.h"
#include "sched/clock.h"
#include "vm/uio.h"

enum { RECEIVED_MAX = 1536 };

struct exchange {
	struct socket     *socket; /* our reference */
	struct dhcp_client client;
	uint8_t           *packet; /* RECEIVED_MAX bytes */
	ns_t               deadline;
};

static __init void name_link(struct socket_name *name, const struct iface *iface)
{
	struct sockaddr_ll link = {
		.sll_family = AF_PACKET, .sll_protocol = cpu_to_be16(ETH_P_IP),
		.sll_ifindex = (int)iface->index, .sll_halen = ETH_ALEN,
	};

	memset(link.sll_addr, 0xff, ETH_ALEN);
	*name = (struct socket_name){ .size = sizeof(link) };
	memcpy(name->bytes, &link, sizeof(link));
}

static __init int send_packet(struct exchange *exchange, const struct socket_name *name,
                              uint8_t type)
{
	struct socket_name to = *name;
	struct socket_caller caller = { 0 };
	struct message message = { .name = &to, .caller = &caller };
	struct uio uio;
	ssize_t sent;

	dhcp_write(exchange->packet, &exchange->client, type);
	uio_init_kernel(&uio, exchange->packet, DHCP_PACKET_SIZE);
	message.uio = &uio;
	sent = exchange->socket->ops->send(exchange->socket, &message);
	return sent < 0 ? (int)sent : 0;
}

/* The next answer of this type. EAGAIN: none in time, or a refusal. */
static __init int await(struct exchange *exchange, uint8_t type, struct dhcp_reply *reply)
{
	struct socket *socket = exchange->socket;

	for (;;) {
		ns_t now = clock_monotonic();
		struct message message = { 0 };
		struct uio uio;
		ssize_t size;

		if (now >= exchange->deadline)
			return -EAGAIN;
		socket->receive_timeout = exchange->deadline - now;
		uio_init_kernel(&uio, exchange->packet, RECEIVED_MAX);
		message.uio = &uio;
		size = socket->ops->receive(socket, &message);
		if (size < 0)
			return (int)size;
		if (!dhcp_read(exchange->packet, (size_t)size, &exchange->client, reply))
			continue;
		if (reply->type == DHCP_NAK)
			return -EAGAIN;
		if (reply->type == type && reply->address)
			return 0;
	}
}

static __init int talk(struct exchange *exchange, const struct iface *iface,
                       struct dhcp_reply *reply)
{
	struct socket_name name;
	struct socket_caller caller = { 0 };
	int err;

	name_link(&name, iface);
	err = exchange->socket->ops->bind(exchange->socket, &name, &caller);
	if (!err)
		err = send_packet(exchange, &name, DHCP_DISCOVER);
	if (!err)
		err = await(exchange, DHCP_OFFER, reply);
	if (err)
		return err;
	exchange->client.requested = reply->address;
	exchange->client.server = reply->server;
	err = send_packet(exchange, &name, DHCP_REQUEST);
	return err ? err : await(exchange, DHCP_ACK, reply);
}

int __init dhcp_exchange(struct iface *iface, const struct cred *cred, ns_t timeout,
                         struct dhcp_reply *reply)
{
	struct exchange exchange = { .deadline = clock_monotonic() + timeout };
	int err = socket_create(iface->netns, cred, AF_PACKET, SOCK_DGRAM,
	                        (__force int)cpu_to_be16(ETH_P_IP), &exchange.socket);

	if (err)
		return err;
	exchange.packet = kmalloc(RECEIVED_MAX, ALLOC_KERNEL);
	err = exchange.packet ? 0 : -ENOMEM;
	memcpy(exchange.client.mac, iface->mac, sizeof(exchange.client.mac));
	random_bytes(&exchange.client.xid, sizeof(exchange.client.xid));
	if (!err)
		err = talk(&exchange, iface, reply);
	exchange.socket->ops->release(exchange.socket);
	socket_put(exchange.socket);
	kfree(exchange.packet);
	return err;
}
