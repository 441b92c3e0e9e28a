/*
 * NETLINK_SOCK_DIAG of AF_UNIX. See diag.c.
 */
#include <linux/errno.h>
#include <linux/sock_diag.h>
#include <linux/un.h>
#include <linux/unix_diag.h>

#include "lib/string.h"
#include "net/netlink/diag_impl.h"
#include "net/unix.h"

enum { STATE_ESTABLISHED = 1, STATE_CLOSE = 7, STATE_LISTEN = 10 };

struct unix_walk {
	struct netlink_dump   *dump;
	struct netlink_writer *writer;
	uint64_t               position;
	bool                   is_full;
};

static uint8_t state_of(const struct unix_info *info)
{
	return info->is_listening ? STATE_LISTEN
	       : info->is_connected ? STATE_ESTABLISHED : STATE_CLOSE;
}

static void put_name(struct netlink_writer *writer, const struct socket_name *name)
{
	uint32_t size = name->size - (uint32_t)offsetof(struct sockaddr_un, sun_path);

	/* A path's size counts its NUL; an abstract name has none. */
	if (size && name->un.sun_path[0])
		size--;
	netlink_put(writer, UNIX_DIAG_NAME, name->un.sun_path, size);
}

static bool unix_put_one(struct netlink_dump *dump, struct netlink_writer *writer,
                         const struct unix_info *info)
{
	const struct unix_diag_req *request = (const void *)dump->filter;
	struct unix_diag_msg *message =
		netlink_dump_begin(dump, writer, SOCK_DIAG_BY_FAMILY, sizeof(*message));
	const struct unix_diag_rqlen lengths = { .udiag_rqueue = info->queued };

	if (message) {
		message->udiag_family = AF_UNIX;
		message->udiag_type = (uint8_t)info->type;
		message->udiag_state = state_of(info);
		message->udiag_ino = (uint32_t)info->ino;
		message->udiag_cookie[0] = (uint32_t)info->cookie;
		message->udiag_cookie[1] = (uint32_t)(info->cookie >> 32);
	}
	if (request->udiag_show & UDIAG_SHOW_NAME &&
	    info->name.size > offsetof(struct sockaddr_un, sun_path))
		put_name(writer, &info->name);
	if (request->udiag_show & UDIAG_SHOW_PEER && info->peer_ino)
		netlink_put_u32(writer, UNIX_DIAG_PEER, (uint32_t)info->peer_ino);
	if (request->udiag_show & UDIAG_SHOW_RQLEN)
		netlink_put(writer, UNIX_DIAG_RQLEN, &lengths, sizeof(lengths));
	return netlink_end(writer);
}

static void unix_tell(const struct unix_info *info, void *data)
{
	struct unix_walk *walk = data;
	const struct unix_diag_req *request = (const void *)walk->dump->filter;

	if (walk->is_full || !(request->udiag_states >> state_of(info) & 1) ||
	    walk->position++ < walk->dump->at[0])
		return;
	if (unix_put_one(walk->dump, walk->writer, info))
		walk->dump->at[0]++;
	else
		walk->is_full = true;
}

static int unix_next(struct netlink_dump *dump, struct netlink_writer *writer)
{
	struct unix_walk walk = { dump, writer, 0, false };

	unix_for_each(dump->netns, unix_tell, &walk);
	return walk.is_full;
}

int netlink_diag_unix(struct netlink_request *request)
{
	const struct unix_diag_req *wanted = message_body(request->header);
	struct netlink_dump dump = { .next = unix_next };

	if (request->header->nlmsg_len < NLMSG_LENGTH(sizeof(*wanted)))
		return -EINVAL;
	if (!(request->header->nlmsg_flags & NLM_F_DUMP))
		return -EOPNOTSUPP;
	memcpy(dump.filter, wanted, sizeof(*wanted));
	return netlink_dump_start(request, &dump);
}
