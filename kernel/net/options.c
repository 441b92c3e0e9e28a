/*
 * Options that every socket has: SOL_SOCKET of socket(7).
 *
 * Values come decoded by size; numbers that only a network could give a meaning are kept and read
 * back.
 */
#include <linux/errno.h>

#include "lib/math.h"
#include "net/socket.h"

enum { SEND_BUFFER_MIN = 4608, RECEIVE_BUFFER_MIN = 2304 };

/* Options that are one bit; 0: not one of them. */
static uint32_t flag_of(int name)
{
	switch (name) {
	case SO_PASSCRED:
		return SOCKET_PASSCRED;
	case SO_REUSEADDR:
		return SOCKET_REUSEADDR;
	case SO_REUSEPORT:
		return SOCKET_REUSEPORT;
	case SO_KEEPALIVE:
		return SOCKET_KEEPALIVE;
	case SO_BROADCAST:
		return SOCKET_BROADCAST;
	case SO_OOBINLINE:
		return SOCKET_OOBINLINE;
	case SO_DONTROUTE:
		return SOCKET_DONTROUTE;
	case SO_TIMESTAMP_OLD:
		return SOCKET_TIMESTAMP;
	case SO_DEBUG:
		return SOCKET_DEBUG;
	default:
		return 0;
	}
}

/* ---- setting ------------------------------------------------------------------------ */

static int timeout_set(ns_t *timeout, const struct socket_option *option)
{
	int64_t seconds = option->time[0], micros = option->time[1];

	if (option->size < sizeof(option->time))
		return -EINVAL;
	if (micros < 0 || micros >= 1000000)
		return -EDOM;
	/* A negative time does not wait at all. socket(7) says nothing; Linux does so. */
	if (seconds < 0)
		WRITE_ONCE(*timeout, 1);
	else if (seconds >= INT64_MAX / NS_PER_SEC - 1)
		WRITE_ONCE(*timeout, 0);
	else
		WRITE_ONCE(*timeout, seconds * NS_PER_SEC + micros * NS_PER_USEC);
	return 0;
}

static uint32_t buffer_size(int value, uint32_t least, bool is_forced)
{
	uint32_t wanted = (uint32_t)value;

	if (is_forced)
		wanted = value < 0 ? 0 : min(wanted, (uint32_t)INT32_MAX / 2);
	else
		wanted = min(wanted, (uint32_t)SOCKET_BUFFER_MAX);
	return max(wanted * 2, least);
}

static int linger_set(struct socket *socket, const struct linger *linger, uint32_t size)
{
	if (size < sizeof(*linger))
		return -EINVAL;
	if (linger->l_onoff) {
		atomic_or(&socket->options, SOCKET_LINGER);
		WRITE_ONCE(socket->linger_seconds, linger->l_linger);
	} else {
		atomic_and(&socket->options, ~(uint32_t)SOCKET_LINGER);
	}
	return 0;
}

static int flag_set(struct socket *socket, uint32_t flag, bool on)
{
	if (on)
		atomic_or(&socket->options, flag);
	else
		atomic_and(&socket->options, ~flag);
	return 0;
}

static int peek_offset_set(struct socket *socket, int value)
{
	if (socket->family != AF_UNIX)
		return -EOPNOTSUPP;
	WRITE_ONCE(socket->peek_offset, value);
	return 0;
}

static int priority_set(struct socket *socket, int value, bool may_force)
{
	if ((value < 0 || value > 6) && !may_force)
		return -EPERM;
	WRITE_ONCE(socket->priority, value);
	return 0;
}

static int buffer_set(struct socket *socket, int name, int value, bool may_force)
{
	bool is_forced = name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE;

	if (is_forced && !may_force)
		return -EPERM;
	if (name == SO_SNDBUF || name == SO_SNDBUFFORCE)
		WRITE_ONCE(socket->send_buffer, buffer_size(value, SEND_BUFFER_MIN, is_forced));
	else
		WRITE_ONCE(socket->receive_buffer,
		           buffer_size(value, RECEIVE_BUFFER_MIN, is_forced));
	return 0;
}

int socket_set_option(struct socket *socket, const struct socket_option *option, bool may_force)
{
	if (option->level != SOL_SOCKET)
		return socket->ops->set_option ? socket->ops->set_option(socket, option)
					       : -EOPNOTSUPP;
	if (option->size < sizeof(int))
		return -EINVAL;
	switch (option->name) {
	case SO_SNDBUF:
	case SO_RCVBUF:
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		return buffer_set(socket, option->name, option->value, may_force);
	case SO_RCVTIMEO_OLD:
		return timeout_set(&socket->receive_timeout, option);
	case SO_SNDTIMEO_OLD:
		return timeout_set(&socket->send_timeout, option);
	case SO_RCVLOWAT:
		WRITE_ONCE(socket->receive_low, option->value < 0 ? INT32_MAX
						: option->value ? option->value : 1);
		return 0;
	case SO_LINGER:
		return linger_set(socket, &option->linger, option->size);
	case SO_PRIORITY:
		return priority_set(socket, option->value, may_force);
	case SO_PEEK_OFF:
		return peek_offset_set(socket, option->value);
	default:
		return flag_of(option->name)
			       ? flag_set(socket, flag_of(option->name), option->value)
			       : -ENOPROTOOPT;
	}
}

/* ---- asking ------------------------------------------------------------------------- */

/* The answer gets as many bytes as it has, or as there is room for. */
static int answer(struct socket_option *option, uint32_t size)
{
	option->size = min(option->size, size);
	return 0;
}

static int answer_int(struct socket_option *option, int value)
{
	option->value = value;
	return answer(option, sizeof(value));
}

static int answer_time(struct socket_option *option, ns_t timeout)
{
	option->time[0] = timeout / NS_PER_SEC;
	option->time[1] = timeout % NS_PER_SEC / NS_PER_USEC;
	return answer(option, sizeof(option->time));
}

static int answer_special(struct socket *socket, struct socket_option *option)
{
	switch (option->name) {
	case SO_RCVTIMEO_OLD:
		return answer_time(option, socket->receive_timeout);
	case SO_SNDTIMEO_OLD:
		return answer_time(option, socket->send_timeout);
	case SO_LINGER:
		option->linger.l_onoff = !!(socket->options & SOCKET_LINGER);
		option->linger.l_linger = socket->linger_seconds;
		return answer(option, sizeof(option->linger));
	case SO_PEERCRED:
		option->ucred = (struct ucred){ .uid = (uint32_t)-1, .gid = (uint32_t)-1 };
		if (socket->ops->peer_cred)
			socket->ops->peer_cred(socket, &option->ucred);
		return answer(option, sizeof(option->ucred));
	case SO_COOKIE:
		if (option->size < sizeof(option->cookie))
			return -EINVAL;
		option->cookie = socket->cookie;
		return answer(option, sizeof(option->cookie));
	case SO_PEEK_OFF:
		if (socket->family != AF_UNIX)
			return -EOPNOTSUPP;
		return answer_int(option, socket->peek_offset);
	default:
		if (!flag_of(option->name))
			return -ENOPROTOOPT;
		return answer_int(option, !!(socket->options & flag_of(option->name)));
	}
}

int socket_get_option(struct socket *socket, struct socket_option *option)
{
	if (option->level != SOL_SOCKET)
		return socket->ops->get_option ? socket->ops->get_option(socket, option)
					       : -EOPNOTSUPP;
	switch (option->name) {
	case SO_TYPE:
		return answer_int(option, socket->type);
	case SO_DOMAIN:
		return answer_int(option, socket->family);
	case SO_PROTOCOL:
		return answer_int(option, socket->protocol);
	case SO_ERROR:
		return answer_int(option, socket->ops->take_error(socket));
	case SO_ACCEPTCONN:
		return answer_int(option, socket->ops->is_listening(socket));
	case SO_SNDBUF:
		return answer_int(option, (int)socket->send_buffer);
	case SO_RCVBUF:
		return answer_int(option, (int)socket->receive_buffer);
	case SO_RCVLOWAT:
		return answer_int(option, socket->receive_low);
	case SO_SNDLOWAT:
		return answer_int(option, 1);
	case SO_PRIORITY:
		return answer_int(option, socket->priority);
	default:
		return answer_special(socket, option);
	}
}
