/*
 * Writing netlink messages. See writer.h.
 */
#include "net/netlink/writer.h"

#include "lib/string.h"

/* n bytes and their padding at the end of the message, zero; NULL: no room. */
static void *extend(struct netlink_writer *writer, uint32_t n)
{
	uint32_t whole = NLMSG_ALIGN(n);
	void *at = writer->bytes + writer->size;

	if (writer->is_full || whole < n || whole > writer->room - writer->size) {
		writer->is_full = true;
		return NULL;
	}
	memset(at, 0, whole);
	writer->size += whole;
	return at;
}

void *netlink_begin(struct netlink_writer *writer, const struct nlmsghdr *header, uint32_t size)
{
	struct nlmsghdr *to;

	writer->start = writer->size;
	to = extend(writer, NLMSG_HDRLEN + size);
	if (!to)
		return NULL;
	*to = *header;
	return to + 1;
}

bool netlink_end(struct netlink_writer *writer)
{
	struct nlmsghdr *header = (void *)(writer->bytes + writer->start);

	if (writer->is_full) {
		netlink_cancel(writer);
		return false;
	}
	header->nlmsg_len = writer->size - writer->start;
	return true;
}

void netlink_cancel(struct netlink_writer *writer)
{
	writer->size = writer->start;
	writer->is_full = false;
}

void *netlink_reserve(struct netlink_writer *writer, uint16_t type, uint32_t size)
{
	struct nlattr *attribute = NULL;

	if (size <= UINT16_MAX - NLA_HDRLEN)
		attribute = extend(writer, NLA_HDRLEN + size);
	else
		writer->is_full = true;
	if (!attribute)
		return NULL;
	attribute->nla_type = type;
	attribute->nla_len = (uint16_t)(NLA_HDRLEN + size);
	return attribute + 1;
}

void netlink_put(struct netlink_writer *writer, uint16_t type, const void *data, uint32_t size)
{
	void *to = netlink_reserve(writer, type, size);

	if (to && size)
		memcpy(to, data, size);
}

void netlink_put_u8(struct netlink_writer *writer, uint16_t type, uint8_t value)
{
	netlink_put(writer, type, &value, sizeof(value));
}

void netlink_put_u16(struct netlink_writer *writer, uint16_t type, uint16_t value)
{
	netlink_put(writer, type, &value, sizeof(value));
}

void netlink_put_u32(struct netlink_writer *writer, uint16_t type, uint32_t value)
{
	netlink_put(writer, type, &value, sizeof(value));
}

void netlink_put_string(struct netlink_writer *writer, uint16_t type, const char *text)
{
	netlink_put(writer, type, text, (uint32_t)strlen(text) + 1);
}

uint32_t netlink_nest_begin(struct netlink_writer *writer, uint16_t type)
{
	uint32_t nest = writer->size;

	netlink_put(writer, type, NULL, 0);
	return nest;
}

void netlink_nest_end(struct netlink_writer *writer, uint32_t nest)
{
	struct nlattr *attribute = (void *)(writer->bytes + nest);

	if (writer->is_full)
		return;
	if (writer->size - nest > UINT16_MAX)
		writer->is_full = true;
	else
		attribute->nla_len = (uint16_t)(writer->size - nest);
}
