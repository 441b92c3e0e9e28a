/*
 * Options that every socket has, asked: SOL_SOCKET of socket(7); and answers for the families.
 * Setting is in options.c.
 */
#include <linux/errno.h>

#include "id/cred.h"
#include "lib/math.h"
#include "lib/string.h"
#include "net/filter/filter.h"
#include "net/ioctl.h"
#include "net/options_impl.h"

enum { IFACE_NAME_SIZE = 16 };

/* ---- for families ------------------------------------------------------------------- */

int socket_option_int(const struct socket_option *option, int *out)
{
	if (option->size >= sizeof(int))
		memcpy(out, option->bytes, sizeof(*out));
	else if (option->size)
		*out = option->bytes[0];
	else
		return -EINVAL;
	return 0;
}

int socket_option_answer(struct socket_option *option, const void *data, uint32_t size)
{
	option->size = min(option->size, size);
	memmove(option->bytes, data, option->size);
	return 0;
}

int socket_option_answer_int(struct socket_option *option, int value)
{
	return socket_option_answer(option, &value, sizeof(value));
}

int socket_option_answer_byte(struct socket_option *option, int value)
{
	if (option->size && option->size < sizeof(value) && value >= 0 && value <= 255) {
		option->bytes[0] = (uint8_t)value;
		option->size = 1;
		return 0;
	}
	return socket_option_answer_int(option, value);
}

/* ---- SOL_SOCKET --------------------------------------------------------------------- */

static int answer_time(struct socket_option *option, ns_t timeout)
{
	const int64_t time[2] = { timeout / NS_PER_SEC, timeout % NS_PER_SEC / NS_PER_USEC };

	return socket_option_answer(option, time, sizeof(time));
}

static int answer_linger(struct socket *socket, struct socket_option *option)
{
	const struct linger linger = {
		.l_onoff = !!(socket->options & SOCKET_LINGER),
		.l_linger = socket->linger_seconds,
	};

	return socket_option_answer(option, &linger, sizeof(linger));
}

static int answer_timestamp(struct socket *socket, struct socket_option *option)
{
	uint32_t all = SOCKET_TIMESTAMP | SOCKET_TIMESTAMP_NS | SOCKET_TIMESTAMP_NEW;
	uint32_t wanted = SOCKET_TIMESTAMP;

	/* Linux tells this one of either unit. */
	if (option->name == SO_TIMESTAMP_NEW)
		all &= ~(uint32_t)SOCKET_TIMESTAMP_NS;

	if (option->name == SO_TIMESTAMPNS_OLD || option->name == SO_TIMESTAMPNS_NEW)
		wanted |= SOCKET_TIMESTAMP_NS;
	if (option->name == SO_TIMESTAMP_NEW || option->name == SO_TIMESTAMPNS_NEW)
		wanted |= SOCKET_TIMESTAMP_NEW;
	return socket_option_answer_int(option, (socket->options & all) == wanted);
}

static int answer_peer_cred(struct socket *socket, struct socket_option *option)
{
	struct ucred ucred = { .uid = (uint32_t)-1, .gid = (uint32_t)-1 };

	if (socket->ops->peer_cred)
		socket->ops->peer_cred(socket, &ucred);
	return socket_option_answer(option, &ucred, sizeof(ucred));
}

/* ERANGE tells how much room it takes: the syscall floor writes the size all the same. */
static int answer_peer_groups(struct socket *socket, struct socket_option *option)
{
	struct cred_groups *groups = NULL;
	uint32_t size;
	int err = 0;

	if (socket->ops->peer_groups)
		groups = socket->ops->peer_groups(socket);
	if (!groups)
		return -ENODATA;
	size = groups->count * (uint32_t)sizeof(gid_t);
	if (option->size < size)
		err = -ERANGE;
	else
		memcpy(option->bytes, groups->gids, size);
	option->size = size;
	cred_groups_put(groups);
	return err;
}

static int answer_peer_name(struct socket *socket, struct socket_option *option)
{
	struct socket_name name;

	if (socket->ops->name(socket, true, &name))
		return -ENOTCONN;
	if (name.size < option->size)
		return -EINVAL;
	return socket_option_answer(option, name.bytes, option->size);
}

static int answer_cookie(struct socket_option *option, uint64_t cookie)
{
	if (option->size < sizeof(cookie))
		return -EINVAL;
	return socket_option_answer(option, &cookie, sizeof(cookie));
}

/* The name of the interface that the socket is bound to, with its zero; nothing if it is not. */
static int answer_device(struct socket *socket, struct socket_option *option)
{
	uint32_t index = READ_ONCE(socket->bound_iface);
	char name[IFACE_NAME_SIZE] = { 0 };
	int err;

	if (!index) {
		option->size = 0;
		return 0;
	}
	if (option->size < sizeof(name))
		return -EINVAL;
	err = net_iface_name(socket->netns, index, name);
	return err ? err : socket_option_answer(option, name, (uint32_t)strlen(name) + 1);
}

static int answer_structure(struct socket *socket, struct socket_option *option)
{
	switch (option->name) {
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
		return answer_time(option, socket->receive_timeout);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		return answer_time(option, socket->send_timeout);
	case SO_LINGER:
		return answer_linger(socket, option);
	case SO_TIMESTAMP_OLD:
	case SO_TIMESTAMP_NEW:
	case SO_TIMESTAMPNS_OLD:
	case SO_TIMESTAMPNS_NEW:
		return answer_timestamp(socket, option);
	case SO_PEERCRED:
		return answer_peer_cred(socket, option);
	case SO_PEERGROUPS:
		return answer_peer_groups(socket, option);
	case SO_PEERNAME:
		return answer_peer_name(socket, option);
	case SO_COOKIE:
		return answer_cookie(option, socket->cookie);
	case SO_NETNS_COOKIE:
		return answer_cookie(option, 1); /* the first namespace's */
	case SO_BINDTODEVICE:
		return answer_device(socket, option);
	case SO_GET_FILTER:
		return socket_filter_get(socket, option);
	default:
		return -ENOPROTOOPT;
	}
}

static int answer_number(struct socket *socket, struct socket_option *option)
{
	uint32_t flag = socket_option_flag(option->name);

	switch (option->name) {
	case SO_PRIORITY:
		return socket_option_answer_int(option, socket->priority);
	case SO_PEEK_OFF:
		if (!socket->ops->can_peek_offset)
			return -EOPNOTSUPP;
		return socket_option_answer_int(option, socket->peek_offset);
	case SO_MARK:
		return socket_option_answer_int(option, (int)socket->mark);
	case SO_BUSY_POLL:
		return socket_option_answer_int(option, (int)socket->busy_poll_usec);
	case SO_INCOMING_CPU:
		return socket_option_answer_int(option, socket->incoming_cpu);
	case SO_BINDTOIFINDEX:
		return socket_option_answer_int(option, (int)socket->bound_iface);
	case SO_TIMESTAMPING_OLD:
		return socket_option_answer_int(option, (int)socket->timestamping);
	case SO_BSDCOMPAT:
		return socket_option_answer_int(option, 0);
	default:
		return flag ? socket_option_answer_int(option, !!(socket->options & flag))
			    : answer_structure(socket, option);
	}
}

int socket_get_option(struct socket *socket, struct socket_option *option)
{
	if (option->level != SOL_SOCKET)
		return socket->ops->get_option ? socket->ops->get_option(socket, option)
					       : -EOPNOTSUPP;
	switch (option->name) {
	case SO_TYPE:
		return socket_option_answer_int(option, socket->type);
	case SO_DOMAIN:
		return socket_option_answer_int(option, socket->family);
	case SO_PROTOCOL:
		return socket_option_answer_int(option, socket->protocol);
	case SO_ERROR:
		return socket_option_answer_int(option, socket->ops->take_error(socket));
	case SO_ACCEPTCONN:
		return socket_option_answer_int(option, socket->ops->is_listening(socket));
	case SO_SNDBUF:
		return socket_option_answer_int(option, (int)socket->send_buffer);
	case SO_RCVBUF:
		return socket_option_answer_int(option, (int)socket->receive_buffer);
	case SO_RCVLOWAT:
		return socket_option_answer_int(option, socket->receive_low);
	case SO_SNDLOWAT:
		return socket_option_answer_int(option, 1);
	default:
		return answer_number(socket, option);
	}
}
