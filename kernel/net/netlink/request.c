/*
 * Messages to the kernel: taken apart, handed to the protocol, acknowledged. See netlink_impl.h.
 *
 * What a message says of its own length is not believed: one that is longer than what is left ends
 * the walk, silently, as on Linux.
 */
#include <linux/errno.h>

#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "net/netlink/netlink_impl.h"
#include "sched/thread.h"

int netlink_fault(struct netlink_request *request, int err, const char *text)
{
	return netlink_fault_at(request, err, NULL, text);
}

int netlink_fault_at(struct netlink_request *request, int err, const struct nlattr *attribute,
                     const char *text)
{
	request->fault = (struct netlink_fault){ .text = text, .attribute = attribute };
	return err;
}

int netlink_reply(const struct netlink_request *request, const struct netlink_writer *writer)
{
	struct netlink_packet *packet = netlink_packet_alloc(writer->size, ALLOC_KERNEL);

	if (!packet)
		return -ENOBUFS;
	memcpy(packet->bytes, writer->bytes, writer->size);
	return netlink_deliver(request->sock, packet);
}

/* ---- acknowledging --------------------------------------------------------------------------- */

static void put_fault(struct netlink_request *request, struct netlink_writer *writer, int err)
{
	const struct netlink_fault *fault = &request->fault;
	const char *message = (const char *)request->header;

	if (fault->text)
		netlink_put_string(writer, NLMSGERR_ATTR_MSG, fault->text);
	if (err && fault->attribute)
		netlink_put_u32(writer, NLMSGERR_ATTR_OFFS,
		                (uint32_t)((const char *)fault->attribute - message));
}

static uint32_t room_for_ack(const struct netlink_request *request, uint32_t payload)
{
	const char *text = request->fault.text;

	return (uint32_t)NLMSG_HDRLEN + NLMSG_ALIGN(payload) + 4 * (uint32_t)NLA_HDRLEN +
	       (text ? (uint32_t)strlen(text) + 8 : 0);
}

static void acknowledge(struct netlink_request *request, int err)
{
	const struct nlmsghdr *header = request->header;
	uint32_t flags = READ_ONCE(request->sock->flags), payload = sizeof(struct nlmsgerr);
	bool is_whole = err && !(flags & NETLINK_CAPS_ACK);
	bool has_fault = flags & NETLINK_WANTS_EXT_ACK &&
			 (request->fault.text || (err && request->fault.attribute));
	struct nlmsghdr reply = {
		.nlmsg_type = NLMSG_ERROR,
		.nlmsg_flags = (uint16_t)((is_whole ? 0 : NLM_F_CAPPED) |
					  (has_fault ? NLM_F_ACK_TLVS : 0)),
		.nlmsg_seq = header->nlmsg_seq,
		.nlmsg_pid = request->port,
	};
	struct netlink_writer writer = { 0 };
	struct nlmsgerr *error;

	if (is_whole)
		payload += header->nlmsg_len - (uint32_t)NLMSG_HDRLEN;
	writer.room = room_for_ack(request, payload);
	writer.bytes = kmalloc(writer.room, ALLOC_KERNEL);
	if (!writer.bytes)
		return;
	error = netlink_begin(&writer, &reply, payload);
	if (error) {
		error->error = err;
		memcpy(&error->msg, header, is_whole ? header->nlmsg_len : sizeof(*header));
	}
	if (has_fault)
		put_fault(request, &writer, err);
	if (netlink_end(&writer))
		(void)netlink_reply(request, &writer);
	kfree(writer.bytes);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void message_run(struct netlink_request *request)
{
	const struct nlmsghdr *header = request->header;
	int err = 0;

	request->fault = (struct netlink_fault){ 0 };
	if (header->nlmsg_flags & NLM_F_REQUEST && header->nlmsg_type >= NLMSG_MIN_TYPE)
		err = request->sock->protocol->request(request);
	if (err == -EINTR)
		return;
	if (header->nlmsg_flags & NLM_F_ACK || err)
		acknowledge(request, err);
}

void netlink_requests_run(struct netlink_sock *sock, const struct netlink_packet *packet,
                          bool is_admin)
{
	struct netlink_request request = {
		.sock = sock,
		.netns = sock->socket.netns,
		.is_admin = is_admin,
		.is_strict = READ_ONCE(sock->flags) & NETLINK_IS_STRICT,
		.port = packet->port,
	};
	const uint8_t *at = packet->bytes;
	uint32_t left = packet->size;

	mutex_lock(&sock->request_lock);
	while (left >= NLMSG_HDRLEN) {
		uint32_t length;

		request.header = (const void *)at;
		length = request.header->nlmsg_len;
		if (length < NLMSG_HDRLEN || length > left)
			break;
		message_run(&request);
		length = min((uint32_t)NLMSG_ALIGN(length), left);
		at += length;
		left -= length;
		cond_resched();
	}
	mutex_unlock(&sock->request_lock);
}
