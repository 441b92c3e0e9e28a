/*
 * Options of packet sockets: SOL_PACKET of packet(7).
 *
 * There are no queues in which frames wait for their turn behind others' (PACKET_QDISC_BYPASS has
 * nothing to pass by), no hardware time stamps, no fan-out and no ring for sending.
 */
#include "net/packet/option.h"

#include <linux/errno.h>
#include <linux/net_tstamp.h>

#include "lib/math.h"
#include "lib/string.h"
#include "net/packet/packet_impl.h"

/* ---- setting ------------------------------------------------------------------------ */

static int member_set(struct packet_sock *sock, const struct socket_option *option)
{
	struct member_request request = { .mr_ifindex = 0 };
	int err = 0;

	if (option->size < sizeof(struct packet_mreq))
		return -EINVAL;
	memcpy(&request, option->bytes, min(option->size, (uint32_t)sizeof(request)));
	if (request.mr_alen > MEMBER_ADDRESS_MAX ||
	    option->size < offsetof(struct packet_mreq, mr_address) + request.mr_alen)
		return -EINVAL;
	iface_config_lock(sock->socket.netns);
	if (option->name == PACKET_ADD_MEMBERSHIP)
		err = packet_member_add(sock, &request);
	else
		packet_member_remove(sock, &request);
	iface_config_unlock(sock->socket.netns);
	return err;
}

static int ring_set(struct packet_sock *sock, const struct socket_option *option)
{
	struct tpacket_req3 request = { .tp_block_size = 0 };
	uint32_t size;
	int err;

	iface_config_lock(sock->socket.netns);
	size = sock->version == TPACKET_V3 ? sizeof(struct tpacket_req3)
					   : sizeof(struct tpacket_req);
	if (option->size < size) {
		err = -EINVAL;
	} else {
		memcpy(&request, option->bytes, size);
		err = packet_ring_set(sock, &request);
	}
	iface_config_unlock(sock->socket.netns);
	return err;
}

/* What may not change under a ring. */
static int ring_option_set(struct packet_sock *sock, int name, int value)
{
	int err = 0;

	if (name == PACKET_VERSION && (value < TPACKET_V1 || value > TPACKET_V3))
		return -EINVAL;
	if (name == PACKET_RESERVE && value < 0)
		return -EINVAL;
	iface_config_lock(sock->socket.netns);
	if (sock->ring)
		err = -EBUSY;
	else if (name == PACKET_VERSION)
		sock->version = value;
	else if (name == PACKET_RESERVE)
		sock->reserve = (uint32_t)value;
	else
		sock->has_loss = value;
	iface_config_unlock(sock->socket.netns);
	return err;
}

static int int_set(struct packet_sock *sock, int name, int value)
{
	switch (name) {
	case PACKET_AUXDATA:
		WRITE_ONCE(sock->has_auxdata, value);
		return 0;
	case PACKET_ORIGDEV:
		WRITE_ONCE(sock->has_origdev, value);
		return 0;
	case PACKET_IGNORE_OUTGOING:
		if (value < 0 || value > 1)
			return -EINVAL;
		WRITE_ONCE(sock->ignores_outgoing, value);
		return 0;
	case PACKET_QDISC_BYPASS:
		WRITE_ONCE(sock->has_qdisc_bypass, value);
		return 0;
	case PACKET_TIMESTAMP:
		WRITE_ONCE(sock->timestamp, (uint32_t)value);
		return 0;
	case PACKET_COPY_THRESH:
		WRITE_ONCE(sock->copy_threshold, (uint32_t)value);
		return 0;
	case PACKET_VERSION:
	case PACKET_RESERVE:
	case PACKET_LOSS:
		return ring_option_set(sock, name, value);
	default:
		return -ENOPROTOOPT;
	}
}

int packet_set_option(struct socket *socket, const struct socket_option *option)
{
	struct packet_sock *sock = to_packet(socket);

	if (option->level != SOL_PACKET)
		return -ENOPROTOOPT;
	switch (option->name) {
	case PACKET_ADD_MEMBERSHIP:
	case PACKET_DROP_MEMBERSHIP:
		return member_set(sock, option);
	case PACKET_RX_RING:
		return ring_set(sock, option);
	default:
		if (option->size < sizeof(int))
			return -EINVAL;
		return int_set(sock, option->name, option->value);
	}
}

/* ---- asking ------------------------------------------------------------------------- */

/* Since the last question. Packets are all that passed the filter, the dropped ones too. */
static int statistics_answer(struct packet_sock *sock, struct socket_option *option)
{
	struct tpacket_stats_v3 stats;
	uint32_t size = sizeof(struct tpacket_stats);

	if (sock->version == TPACKET_V3)
		size = sizeof(struct tpacket_stats_v3);
	spin_lock(&sock->lock);
	stats = (struct tpacket_stats_v3){
		.tp_packets = sock->nr_frames + sock->nr_dropped,
		.tp_drops = sock->nr_dropped,
		.tp_freeze_q_cnt = sock->nr_freezes,
	};
	sock->nr_frames = sock->nr_dropped = sock->nr_freezes = 0;
	spin_unlock(&sock->lock);
	return socket_option_answer(option, &stats, size);
}

/* The value says which version is meant. */
static int header_size_answer(struct socket_option *option)
{
	int version;

	if (option->size > sizeof(int))
		option->size = sizeof(int);
	if (option->size < sizeof(int))
		return -EINVAL;
	memcpy(&version, option->bytes, sizeof(version));
	switch (version) {
	case TPACKET_V1:
		return socket_option_answer_int(option, sizeof(struct tpacket_hdr));
	case TPACKET_V2:
		return socket_option_answer_int(option, sizeof(struct tpacket2_hdr));
	case TPACKET_V3:
		return socket_option_answer_int(option, sizeof(struct tpacket3_hdr));
	default:
		return -EINVAL;
	}
}

int packet_get_option(struct socket *socket, struct socket_option *option)
{
	struct packet_sock *sock = to_packet(socket);

	if (option->level != SOL_PACKET)
		return -ENOPROTOOPT;
	switch (option->name) {
	case PACKET_STATISTICS:
		return statistics_answer(sock, option);
	case PACKET_HDRLEN:
		return header_size_answer(option);
	case PACKET_AUXDATA:
		return socket_option_answer_int(option, sock->has_auxdata);
	case PACKET_ORIGDEV:
		return socket_option_answer_int(option, sock->has_origdev);
	case PACKET_IGNORE_OUTGOING:
		return socket_option_answer_int(option, sock->ignores_outgoing);
	case PACKET_QDISC_BYPASS:
		return socket_option_answer_int(option, sock->has_qdisc_bypass);
	case PACKET_TIMESTAMP:
		return socket_option_answer_int(option, (int)sock->timestamp);
	case PACKET_VERSION:
		return socket_option_answer_int(option, sock->version);
	case PACKET_RESERVE:
		return socket_option_answer_int(option, (int)sock->reserve);
	case PACKET_LOSS:
		return socket_option_answer_int(option, sock->has_loss);
	default:
		return -ENOPROTOOPT;
	}
}
