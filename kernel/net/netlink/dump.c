/*
 * Answers in pieces: NLM_F_DUMP of netlink(7). See netlink_impl.h.
 *
 * A piece is a packet with as many messages as it has room for; the next is made when the reader
 * has taken half of its receive buffer's worth, so that what a dump costs is bounded. What is
 * told may change between pieces; then the first message behind says NLM_F_DUMP_INTR. The end is a
 * packet of its own with NLMSG_DONE.
 */
#include <linux/errno.h>

#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "net/netlink/netlink_impl.h"

void *netlink_dump_begin(struct netlink_dump *dump, struct netlink_writer *writer, uint16_t type,
                         uint32_t size)
{
	struct nlmsghdr header = {
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_MULTI,
		.nlmsg_seq = dump->sequence,
		.nlmsg_pid = dump->port,
	};
	void *message;

	if (dump->is_interrupted)
		header.nlmsg_flags |= NLM_F_DUMP_INTR;
	if (dump->is_filtered)
		header.nlmsg_flags |= NLM_F_DUMP_FILTERED;
	message = netlink_begin(writer, &header, size);
	if (message)
		dump->is_interrupted = false;
	return message;
}

static void put_done(struct netlink_sock *sock, struct netlink_writer *writer)
{
	struct netlink_dump *dump = sock->dump;
	int *answer = netlink_dump_begin(dump, writer, NLMSG_DONE, sizeof(*answer));
	struct nlmsghdr *header = (void *)(writer->bytes + writer->start);

	if (answer)
		*answer = dump->result;
	if (answer && dump->fault && READ_ONCE(sock->flags) & NETLINK_WANTS_EXT_ACK) {
		header->nlmsg_flags |= NLM_F_ACK_TLVS;
		netlink_put_string(writer, NLMSGERR_ATTR_MSG, dump->fault);
	}
	(void)netlink_end(writer);
}

static void generation_check(struct netlink_dump *dump)
{
	uint32_t now = dump->generation ? dump->generation(dump->netns) : 0;

	if (dump->has_begun && now != dump->seen)
		dump->is_interrupted = true;
	dump->seen = now;
	dump->has_begun = true;
}

/* Fills the writer with the next piece. True: it is the last. EMSGSIZE: a message has no room. */
static bool piece_write(struct netlink_sock *sock, struct netlink_writer *writer)
{
	struct netlink_dump *dump = sock->dump;

	if (!dump->is_done) {
		generation_check(dump);
		dump->result = dump->next(dump, writer);
		if (dump->result > 0 && !writer->size)
			dump->result = -EMSGSIZE;
		dump->is_done = dump->result <= 0;
		if (writer->size)
			return false;
	}
	put_done(sock, writer);
	return true;
}

static void dump_free(struct netlink_sock *sock)
{
	kfree(sock->dump);
	sock->dump = NULL;
	WRITE_ONCE(sock->has_dump, false);
}

/* ENOBUFS, ENOMEM: no piece was queued. */
static int piece_send(struct netlink_sock *sock)
{
	uint32_t room = max(READ_ONCE(sock->largest_read), (uint32_t)NETLINK_PIECE_MIN);
	struct netlink_packet *packet = netlink_packet_alloc(room, ALLOC_KERNEL);
	struct netlink_writer writer = { .room = room };
	struct netlink_packet *trimmed;

	if (!packet)
		return -ENOBUFS;
	writer.bytes = packet->bytes;
	if (piece_write(sock, &writer))
		dump_free(sock);
	/* The reader may take its time: it is not to hold on to what is empty. */
	trimmed = netlink_packet_alloc(writer.size, ALLOC_KERNEL);
	if (!trimmed) {
		netlink_packet_put(packet);
		return -ENOBUFS;
	}
	memcpy(trimmed->bytes, packet->bytes, writer.size);
	netlink_packet_put(packet);
	return netlink_deliver(sock, trimmed);
}

int netlink_dump_start(struct netlink_request *request, const struct netlink_dump *from)
{
	struct netlink_sock *sock = request->sock;
	int err;

	if (sock->dump)
		return -EBUSY;
	sock->dump = kmemdup(from, sizeof(*from), ALLOC_KERNEL);
	if (!sock->dump)
		return -ENOBUFS;
	sock->dump->netns = request->netns;
	sock->dump->sequence = request->header->nlmsg_seq;
	sock->dump->port = request->port;
	WRITE_ONCE(sock->has_dump, true);
	err = piece_send(sock);
	return err ? err : -EINTR;
}

static void error_post(struct netlink_sock *sock, int err)
{
	spin_lock(&sock->lock);
	WRITE_ONCE(sock->error, -err);
	spin_unlock(&sock->lock);
}

void netlink_dump_continue(struct netlink_sock *sock)
{
	int err = 0;

	if (!READ_ONCE(sock->has_dump))
		return;
	mutex_lock(&sock->request_lock);
	if (sock->dump && READ_ONCE(sock->charged) <= sock->socket.receive_buffer / 2)
		err = piece_send(sock);
	mutex_unlock(&sock->request_lock);
	if (err)
		error_post(sock, err);
}

void netlink_dump_end(struct netlink_sock *sock)
{
	mutex_lock(&sock->request_lock);
	if (sock->dump)
		dump_free(sock);
	mutex_unlock(&sock->request_lock);
}
