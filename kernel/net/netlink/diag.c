/*
 * NETLINK_SOCK_DIAG: sockets as ss(8) lists them. sock_diag(7)
 *
 * Dumps of AF_INET, AF_INET6 (TCP, UDP, raw) and AF_UNIX. A filter's bytecode is not run: the
 * asker, who has it, gets all that its states and ports let through (ss looks at each once more).
 * One socket alone cannot be asked for, nor destroyed: EOPNOTSUPP.
 */
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include "lib/byteorder.h"
#include "lib/string.h"
#include "net/inet/inet.h"
#include "net/netlink/diag_impl.h"

enum { STATE_CLOSE = 7, STATE_LISTEN = 10 };

struct inet_walk {
	struct netlink_dump   *dump;
	struct netlink_writer *writer;
	uint64_t               position;
};

static void id_fill(const struct inet_entry *entry, struct inet_diag_sockid *id)
{
	uint32_t bytes = entry->family == AF_INET ? 4 : 16;

	id->idiag_sport = cpu_to_be16(entry->type == SOCK_RAW ? entry->protocol
							      : entry->local_port);
	id->idiag_dport = cpu_to_be16(entry->type == SOCK_RAW ? 0 : entry->remote_port);
	memcpy(id->idiag_src, entry->local, bytes);
	memcpy(id->idiag_dst, entry->remote, bytes);
	id->idiag_if = entry->bound_iface;
	id->idiag_cookie[0] = (uint32_t)entry->cookie;
	id->idiag_cookie[1] = (uint32_t)(entry->cookie >> 32);
}

static bool inet_put(struct netlink_dump *dump, struct netlink_writer *writer,
                     const struct inet_entry *entry)
{
	struct inet_diag_msg *message =
		netlink_dump_begin(dump, writer, SOCK_DIAG_BY_FAMILY, sizeof(*message));

	if (message) {
		message->idiag_family = (uint8_t)entry->family;
		message->idiag_state = entry->state;
		message->idiag_timer = entry->timer;
		message->idiag_retrans = (uint8_t)entry->retransmits;
		message->idiag_expires = entry->timer ? (uint32_t)(entry->timer_left / NS_PER_MSEC)
						      : 0;
		message->idiag_rqueue = entry->receive_queue;
		message->idiag_wqueue = entry->send_queue;
		message->idiag_uid = entry->uid;
		message->idiag_inode = (uint32_t)entry->ino;
		id_fill(entry, &message->id);
	}
	netlink_put_u8(writer, INET_DIAG_SHUTDOWN, (uint8_t)entry->shut);
	if (entry->family == AF_INET6 &&
	    (entry->state == STATE_LISTEN || entry->state == STATE_CLOSE))
		netlink_put_u8(writer, INET_DIAG_SKV6ONLY, entry->v6_only);
	return netlink_end(writer);
}

/* Sockets that nobody could find by a packet are not listed, as on Linux. */
static bool is_wanted(const struct inet_diag_req_v2 *request, const struct inet_entry *entry)
{
	if (entry->family != request->sdiag_family)
		return false;
	if (entry->type == SOCK_STREAM ? entry->state == STATE_CLOSE
				       : entry->type != SOCK_RAW && !entry->local_port)
		return false;
	if (!(request->idiag_states >> entry->state & 1))
		return false;
	return (!request->id.idiag_sport ||
	        be16_to_cpu(request->id.idiag_sport) == entry->local_port) &&
	       (!request->id.idiag_dport ||
	        be16_to_cpu(request->id.idiag_dport) == entry->remote_port);
}

static int inet_tell(const struct inet_entry *entry, void *data)
{
	struct inet_walk *walk = data;

	if (!is_wanted((const void *)walk->dump->filter, entry) ||
	    walk->position++ < walk->dump->at[0])
		return 0;
	if (!inet_put(walk->dump, walk->writer, entry))
		return 1;
	walk->dump->at[0]++;
	return 0;
}

static int inet_next(struct netlink_dump *dump, struct netlink_writer *writer)
{
	const struct inet_diag_req_v2 *request = (const void *)dump->filter;
	struct inet_walk walk = { dump, writer, 0 };

	return inet_for_each(dump->netns, request->sdiag_protocol, inet_tell, &walk);
}

static int inet_request(struct netlink_request *request)
{
	static const struct attribute_policy policy[INET_DIAG_REQ_MAX + 1] = {
		[INET_DIAG_REQ_PROTOCOL] = { ATTRIBUTE_U32, 0 },
	};
	const struct inet_diag_req_v2 *wanted = message_body(request->header);
	const struct nlattr *found[INET_DIAG_REQ_MAX + 1];
	const struct attribute_table table = { policy, found, INET_DIAG_REQ_MAX, false };
	struct netlink_dump dump = { .next = inet_next };

	int err = message_parse(request->header, sizeof(*wanted), &table, &request->fault);

	if (err)
		return err;
	/* A protocol of more than eight bits: MPTCP. */
	if (found[INET_DIAG_REQ_PROTOCOL] &&
	    attribute_u32(found[INET_DIAG_REQ_PROTOCOL]) != wanted->sdiag_protocol)
		return -ENOENT;
	if (wanted->sdiag_protocol != IPPROTO_TCP && wanted->sdiag_protocol != IPPROTO_UDP &&
	    wanted->sdiag_protocol != IPPROTO_RAW)
		return -ENOENT;
	if (!(request->header->nlmsg_flags & NLM_F_DUMP))
		return -EOPNOTSUPP;
	static_assert(sizeof(*wanted) <= NETLINK_DUMP_FILTER, "the request is the filter");
	memcpy(dump.filter, wanted, sizeof(*wanted));
	return netlink_dump_start(request, &dump);
}

int netlink_diag_request(struct netlink_request *request)
{
	const struct sock_diag_req *wanted = message_body(request->header);

	if (request->header->nlmsg_type == TCPDIAG_GETSOCK ||
	    request->header->nlmsg_type == DCCPDIAG_GETSOCK)
		return -ENOENT; /* the older form */
	if (request->header->nlmsg_type == SOCK_DESTROY)
		return -EOPNOTSUPP;
	if (request->header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return -EINVAL;
	if (request->header->nlmsg_len < NLMSG_LENGTH(sizeof(*wanted)))
		return -EINVAL;
	if (wanted->sdiag_family >= AF_MAX)
		return -EINVAL;
	switch (wanted->sdiag_family) {
	case AF_INET:
	case AF_INET6:
		return inet_request(request);
	case AF_UNIX:
		return netlink_diag_unix(request);
	default:
		return -ENOENT;
	}
}
