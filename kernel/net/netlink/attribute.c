/*
 * Reading netlink messages. See attribute.h.
 */
#include "net/netlink/attribute.h"

#include <linux/errno.h>

#include "lib/math.h"
#include "lib/string.h"

static uint16_t type_of(const struct nlattr *attribute)
{
	return attribute->nla_type & NLA_TYPE_MASK;
}

static uint32_t least_size(const struct attribute_policy *policy)
{
	switch (policy->kind) {
	case ATTRIBUTE_U8:
		return 1;
	case ATTRIBUTE_U16:
		return 2;
	case ATTRIBUTE_U32:
		return 4;
	case ATTRIBUTE_U64:
		return 8;
	case ATTRIBUTE_ANY:
		return policy->size;
	case ATTRIBUTE_STRING:
		return 1;
	default:
		return 0;
	}
}

static bool is_number(const struct attribute_policy *policy)
{
	return policy->kind >= ATTRIBUTE_U8 && policy->kind <= ATTRIBUTE_U64;
}

static bool has_good_size(const struct nlattr *attribute, const struct attribute_policy *policy)
{
	uint32_t size = attribute_size(attribute);
	const char *text = attribute_data(attribute);

	if (size < least_size(policy))
		return false;
	if (policy->kind == ATTRIBUTE_NEST)
		return !size || size >= NLA_HDRLEN;
	if (!policy->size)
		return true;
	if (policy->kind == ATTRIBUTE_STRING)
		return size - !text[size - 1] <= policy->size;
	return policy->kind != ATTRIBUTE_BYTES || size <= policy->size;
}

static int fault_set(struct netlink_fault *fault, const struct nlattr *attribute, const char *text,
                     int err)
{
	fault->text = text;
	fault->attribute = attribute;
	return err;
}

static int attribute_check(const struct nlattr *attribute, const struct attribute_policy *policy,
                           bool is_strict, struct netlink_fault *fault)
{
	if (is_strict && is_number(policy) && attribute_size(attribute) != least_size(policy))
		return fault_set(fault, attribute, "invalid attribute length", -EINVAL);
	if (!has_good_size(attribute, policy))
		return fault_set(fault, attribute, "Attribute failed policy validation", -ERANGE);
	return 0;
}

const struct nlattr *attribute_next(struct attribute_bytes *bytes)
{
	const struct nlattr *attribute = bytes->first;
	size_t step;

	if (bytes->size < NLA_HDRLEN || attribute->nla_len < NLA_HDRLEN ||
	    attribute->nla_len > bytes->size)
		return NULL;
	step = min((size_t)NLA_ALIGN(attribute->nla_len), bytes->size);
	bytes->first = (const uint8_t *)bytes->first + step;
	bytes->size -= step;
	return attribute;
}

int attributes_parse(struct attribute_bytes bytes, const struct attribute_table *table,
                     struct netlink_fault *fault)
{
	const struct nlattr *attribute;

	memset(table->found, 0, (table->max + 1ul) * sizeof(*table->found));
	while ((attribute = attribute_next(&bytes))) {
		uint16_t type = type_of(attribute);
		int err = 0;

		if (!type || type > table->max) {
			if (table->is_strict)
				return fault_set(fault, attribute, "Unknown attribute type",
				                 -EINVAL);
			continue;
		}
		if (table->policy)
			err = attribute_check(attribute, &table->policy[type], table->is_strict,
			                      fault);
		if (err)
			return err;
		table->found[type] = attribute;
	}
	if (bytes.size && table->is_strict)
		return fault_set(fault, NULL, "bytes leftover after parsing attributes", -EINVAL);
	return 0;
}

int message_parse(const struct nlmsghdr *header, uint32_t header_size,
                  const struct attribute_table *table, struct netlink_fault *fault)
{
	uint32_t before = (uint32_t)NLMSG_HDRLEN + (uint32_t)NLMSG_ALIGN(header_size);
	struct attribute_bytes bytes = { .size = 0 };

	if (header->nlmsg_len < NLMSG_HDRLEN + header_size)
		return fault_set(fault, NULL, "Invalid header length", -EINVAL);
	if (header->nlmsg_len > before) {
		bytes.first = (const uint8_t *)header + before;
		bytes.size = header->nlmsg_len - before;
	}
	return attributes_parse(bytes, table, fault);
}

uint8_t attribute_u8(const struct nlattr *attribute)
{
	return *(const uint8_t *)attribute_data(attribute);
}

uint16_t attribute_u16(const struct nlattr *attribute)
{
	uint16_t value;

	memcpy(&value, attribute_data(attribute), sizeof(value));
	return value;
}

uint32_t attribute_u32(const struct nlattr *attribute)
{
	uint32_t value;

	memcpy(&value, attribute_data(attribute), sizeof(value));
	return value;
}

bool attribute_string(const struct nlattr *attribute, char *to, size_t room)
{
	size_t size = attribute_size(attribute), n = strnlen(attribute_data(attribute), size);

	if (n >= room)
		return false;
	memcpy(to, attribute_data(attribute), n);
	to[n] = '\0';
	return true;
}
