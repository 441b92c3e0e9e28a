/*
 * Control data of messages, and what the options of a socket want told in it. See message.h.
 */
#include "net/message.h"

#include <linux/errno.h>
#include <linux/net_tstamp.h>

#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "net/socket.h"
#include "sched/clock.h"

enum { CONTROL_ROOM_MAX = 65536 };

/* ---- items -------------------------------------------------------------------------- */

bool message_control_next(const struct message *message, struct control_item *item)
{
	const struct message_control *control = message->control;
	const struct cmsghdr *header;

	if (!control || item->next >= control->size ||
	    control->size - item->next < sizeof(*header))
		return false;
	header = (const struct cmsghdr *)(const void *)(control->data + item->next);
	item->level = header->cmsg_level;
	item->type = header->cmsg_type;
	item->data = header + 1;
	item->size = (uint32_t)(header->cmsg_len - sizeof(*header));
	item->next += (uint32_t)CMSG_ALIGN(header->cmsg_len);
	return true;
}

static bool control_grow(struct message_control *control, uint32_t needed)
{
	uint32_t room = max(needed, control->room * 2);
	uint8_t *data;

	if (room > CONTROL_ROOM_MAX)
		return false;
	data = kmalloc(room, ALLOC_KERNEL);
	if (!data)
		return false;
	memcpy(data, control->data, control->size);
	message_control_fini(control);
	control->data = data;
	control->room = room;
	control->is_allocated = true;
	return true;
}

void message_control_put(struct message *message, int level, int type, const void *data,
                         uint32_t size)
{
	struct message_control *control = message->control;
	struct cmsghdr *header;
	uint32_t space = (uint32_t)CMSG_SPACE(size);

	if (!control)
		return;
	if (space > control->room - control->size &&
	    !control_grow(control, control->size + space)) {
		message->seen |= MSG_CTRUNC;
		return;
	}
	header = (struct cmsghdr *)(void *)(control->data + control->size);
	*header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(size), .cmsg_level = level, .cmsg_type = type,
	};
	memcpy(header + 1, data, size);
	memset((uint8_t *)(header + 1) + size, 0, space - CMSG_LEN(size));
	control->size += space;
}

void message_control_fini(struct message_control *control)
{
	if (control && control->is_allocated)
		kfree(control->data);
}

/* ---- what a socket wants told ------------------------------------------------------- */

enum {
	TELLS_TIME = SOCKET_TIMESTAMP | SOCKET_STAMP,
	TELLS_ANY  = TELLS_TIME | SOCKET_RXQ_OVFL | SOCKET_RCVMARK,
};

static bool wants_software_time(const struct socket *socket)
{
	const uint32_t both = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;

	return (READ_ONCE(socket->timestamping) & both) == both;
}

bool socket_wants_time(const struct socket *socket)
{
	return READ_ONCE(socket->options) & TELLS_TIME || wants_software_time(socket);
}

static void time_put(struct message *message, uint32_t options, ns_t time)
{
	const int64_t seconds = time / NS_PER_SEC, nanos = time % NS_PER_SEC;
	bool is_new = options & SOCKET_TIMESTAMP_NEW;

	if (options & SOCKET_TIMESTAMP_NS) {
		const int64_t value[2] = { seconds, nanos };

		message_control_put(message, SOL_SOCKET,
		                    is_new ? SO_TIMESTAMPNS_NEW : SO_TIMESTAMPNS_OLD, value,
		                    sizeof(value));
	} else {
		const int64_t value[2] = { seconds, nanos / NS_PER_USEC };

		message_control_put(message, SOL_SOCKET,
		                    is_new ? SO_TIMESTAMP_NEW : SO_TIMESTAMP_OLD, value,
		                    sizeof(value));
	}
}

/* SCM_TIMESTAMPING: the software's time, and none of the hardware. */
static void software_time_put(struct message *message, uint32_t options, ns_t time)
{
	const int64_t value[6] = { time / NS_PER_SEC, time % NS_PER_SEC };

	message_control_put(message, SOL_SOCKET,
	                    options & SOCKET_TIMESTAMP_NEW ? SO_TIMESTAMPING_NEW
							   : SO_TIMESTAMPING_OLD,
	                    value, sizeof(value));
}

void socket_arrival_put(struct socket *socket, struct message *message,
                        const struct message_arrival *arrival)
{
	uint32_t options = READ_ONCE(socket->options);
	ns_t time;

	if (!(options & TELLS_ANY) && !READ_ONCE(socket->timestamping))
		return;
	if (socket_wants_time(socket)) {
		time = arrival->time ? arrival->time : clock_realtime();
		if (options & SOCKET_TIMESTAMP)
			time_put(message, options, time);
		else
			WRITE_ONCE(socket->stamp, time);
		if (wants_software_time(socket))
			software_time_put(message, options, time);
	}
	if (options & SOCKET_RXQ_OVFL && arrival->drops)
		message_control_put(message, SOL_SOCKET, SO_RXQ_OVFL, &arrival->drops,
		                    sizeof(arrival->drops));
	if (options & SOCKET_RCVMARK)
		message_control_put(message, SOL_SOCKET, SO_MARK, &arrival->mark,
		                    sizeof(arrival->mark));
}
