/*
 * Options that every socket has, set: SOL_SOCKET of socket(7). Asking is in options_get.c.
 *
 * What only a network could give a meaning is kept, for the families that have one. What is
 * not here is ENOPROTOOPT, as on a Linux that is older than the option.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/net_tstamp.h>

#include "abi/errno.h"
#include "id/cred.h"
#include "lib/math.h"
#include "lib/string.h"
#include "net/filter/filter.h"
#include "net/ioctl.h"
#include "net/options_impl.h"
#include "sched/clock.h"
#include "sched/wait.h"

enum { SEND_BUFFER_MIN = 4608, RECEIVE_BUFFER_MIN = 2304, IFACE_NAME_SIZE = 16 };

/* What time stamps can be had of: of what comes, by the clock. */
enum {
	TIMESTAMPING_KNOWN = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
			     SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE |
			     SOF_TIMESTAMPING_SYS_HARDWARE | SOF_TIMESTAMPING_OPT_CMSG,
};

uint32_t socket_option_flag(int name)
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
	case SO_DEBUG:
		return SOCKET_DEBUG;
	case SO_NO_CHECK:
		return SOCKET_NO_CHECK;
	case SO_RXQ_OVFL:
		return SOCKET_RXQ_OVFL;
	case SO_RCVMARK:
		return SOCKET_RCVMARK;
	case SO_SELECT_ERR_QUEUE:
		return SOCKET_SELECT_ERR_QUEUE;
	case SO_LOCK_FILTER:
		return SOCKET_LOCK_FILTER;
	case SO_PASSSEC:
		return SOCKET_PASSSEC;
	case SO_WIFI_STATUS:
		return SOCKET_WIFI_STATUS;
	case SO_NOFCS:
		return SOCKET_NOFCS;
	case SO_PREFER_BUSY_POLL:
		return SOCKET_PREFER_BUSY_POLL;
	default:
		return 0;
	}
}

static bool is_admin(const struct socket_option *option)
{
	return cred_capable(option->cred, CAP_NET_ADMIN);
}

static bool is_raw_or_admin(const struct socket_option *option)
{
	return cred_capable(option->cred, CAP_NET_RAW) || is_admin(option);
}

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

static int changed(struct socket *socket, int name)
{
	if (socket->ops->option_changed)
		socket->ops->option_changed(socket, name);
	return 0;
}

/* Bits of which some are not everybody's. */
static int bit_set(struct socket *socket, const struct socket_option *option, uint32_t flag)
{
	bool on = option->value;

	switch (flag) {
	case SOCKET_REUSEPORT:
		if (on && socket->family != AF_INET && socket->family != AF_INET6)
			return -EOPNOTSUPP;
		break;
	case SOCKET_DEBUG:
		if (on && !is_admin(option))
			return -EACCES;
		break;
	case SOCKET_PREFER_BUSY_POLL:
		if (on && !is_admin(option))
			return -EPERM;
		break;
	case SOCKET_LOCK_FILTER:
		if (!on && READ_ONCE(socket->options) & SOCKET_LOCK_FILTER)
			return -EPERM;
		break;
	}
	flag_set(socket, flag, on);
	return flag & (SOCKET_KEEPALIVE | SOCKET_REUSEADDR | SOCKET_REUSEPORT)
		       ? changed(socket, option->name)
		       : 0;
}

static int peek_offset_set(struct socket *socket, int value)
{
	if (!socket->ops->can_peek_offset)
		return -EOPNOTSUPP;
	WRITE_ONCE(socket->peek_offset, value);
	return 0;
}

static int priority_set(struct socket *socket, const struct socket_option *option)
{
	if ((option->value < 0 || option->value > 6) && !is_raw_or_admin(option))
		return -EPERM;
	WRITE_ONCE(socket->priority, option->value);
	return 0;
}

static int buffer_set(struct socket *socket, const struct socket_option *option)
{
	int name = option->name, value = option->value;
	bool is_forced = name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE;

	if (is_forced && !is_admin(option))
		return -EPERM;
	if (name == SO_SNDBUF || name == SO_SNDBUFFORCE) {
		WRITE_ONCE(socket->send_buffer, buffer_size(value, SEND_BUFFER_MIN, is_forced));
		return changed(socket, SO_SNDBUF);
	}
	WRITE_ONCE(socket->receive_buffer, buffer_size(value, RECEIVE_BUFFER_MIN, is_forced));
	return changed(socket, SO_RCVBUF);
}

/* SO_TIMESTAMP and its kin: each of the four replaces the others. */
static int timestamp_set(struct socket *socket, int name, bool on)
{
	const uint32_t all = SOCKET_TIMESTAMP | SOCKET_TIMESTAMP_NS | SOCKET_TIMESTAMP_NEW;
	uint32_t bits = SOCKET_TIMESTAMP;

	if (name == SO_TIMESTAMPNS_OLD || name == SO_TIMESTAMPNS_NEW)
		bits |= SOCKET_TIMESTAMP_NS;
	if (name == SO_TIMESTAMP_NEW || name == SO_TIMESTAMPNS_NEW)
		bits |= SOCKET_TIMESTAMP_NEW;
	atomic_and(&socket->options, ~all);
	if (on)
		atomic_or(&socket->options, bits);
	return 0;
}

static int timestamping_set(struct socket *socket, const struct socket_option *option)
{
	if (option->value & ~TIMESTAMPING_KNOWN)
		return -EINVAL;
	flag_set(socket, SOCKET_TIMESTAMP_NEW, option->name == SO_TIMESTAMPING_NEW);
	WRITE_ONCE(socket->timestamping, (uint32_t)option->value);
	return 0;
}

static int mark_set(struct socket *socket, const struct socket_option *option)
{
	if (!is_raw_or_admin(option))
		return -EPERM;
	WRITE_ONCE(socket->mark, (uint32_t)option->value);
	return 0;
}

static int busy_poll_set(struct socket *socket, const struct socket_option *option)
{
	if (option->value > (int)socket->busy_poll_usec && !is_admin(option))
		return -EPERM;
	if (option->value < 0)
		return -EINVAL;
	WRITE_ONCE(socket->busy_poll_usec, (uint32_t)option->value);
	return 0;
}

/* Who is bound already may not get loose without the right. */
static int iface_bind(struct socket *socket, const struct socket_option *option, uint32_t index)
{
	if (READ_ONCE(socket->bound_iface) && !cred_capable(option->cred, CAP_NET_RAW))
		return -EPERM;
	WRITE_ONCE(socket->bound_iface, index);
	return changed(socket, SO_BINDTODEVICE);
}

static int device_bind(struct socket *socket, const struct socket_option *option)
{
	uint32_t size = min(option->size, (uint32_t)IFACE_NAME_SIZE - 1), index = 0;
	char name[IFACE_NAME_SIZE] = { 0 };
	int err;

	memcpy(name, option->bytes, size);
	if (name[0]) {
		err = net_iface_index(socket->netns, name, &index);
		if (err)
			return err;
	}
	return iface_bind(socket, option, index);
}

static int number_set(struct socket *socket, const struct socket_option *option)
{
	switch (option->name) {
	case SO_RCVLOWAT:
		WRITE_ONCE(socket->receive_low, option->value < 0 ? INT32_MAX
						: option->value ? option->value : 1);
		return changed(socket, SO_RCVLOWAT);
	case SO_PRIORITY:
		return priority_set(socket, option);
	case SO_PEEK_OFF:
		return peek_offset_set(socket, option->value);
	case SO_MARK:
		return mark_set(socket, option);
	case SO_BUSY_POLL:
		return busy_poll_set(socket, option);
	case SO_INCOMING_CPU:
		WRITE_ONCE(socket->incoming_cpu, option->value);
		return 0;
	case SO_BINDTOIFINDEX:
		if (option->value < 0)
			return -EINVAL;
		return iface_bind(socket, option, (uint32_t)option->value);
	case SO_DETACH_FILTER:
		return socket_filter_detach(socket);
	case SO_BSDCOMPAT:
		return 0;
	default:
		return socket_option_flag(option->name)
			       ? bit_set(socket, option, socket_option_flag(option->name))
			       : -ENOPROTOOPT;
	}
}

int socket_set_option(struct socket *socket, const struct socket_option *option)
{
	if (option->level != SOL_SOCKET)
		return socket->ops->set_option ? socket->ops->set_option(socket, option)
					       : -EOPNOTSUPP;
	if (option->name == SO_BINDTODEVICE)
		return device_bind(socket, option);
	if (option->size < sizeof(int))
		return -EINVAL;
	switch (option->name) {
	case SO_SNDBUF:
	case SO_RCVBUF:
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		return buffer_set(socket, option);
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
		return timeout_set(&socket->receive_timeout, option);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		return timeout_set(&socket->send_timeout, option);
	case SO_ATTACH_FILTER:
		return socket_filter_attach(socket, option);
	case SO_LINGER:
		return linger_set(socket, &option->linger, option->size);
	case SO_TIMESTAMP_OLD:
	case SO_TIMESTAMP_NEW:
	case SO_TIMESTAMPNS_OLD:
	case SO_TIMESTAMPNS_NEW:
		return timestamp_set(socket, option->name, option->value);
	case SO_TIMESTAMPING_OLD:
	case SO_TIMESTAMPING_NEW:
		return timestamping_set(socket, option);
	default:
		return number_set(socket, option);
	}
}

/* ---- what timeouts mean --------------------------------------------------------------- */


ns_t socket_deadline(ns_t timeout)
{
	ns_t deadline;

	if (!timeout || !checked_add(clock_monotonic(), timeout, &deadline))
		return WAIT_FOREVER;
	return deadline;
}

int socket_interrupted(int err, ns_t timeout)
{
	if (err == -ETIMEDOUT)
		return -EAGAIN;
	return err == -ERESTARTSYS && timeout ? -EINTR : err;
}
