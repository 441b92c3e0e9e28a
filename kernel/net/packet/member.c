/*
 * PACKET_ADD_MEMBERSHIP: frames that an interface would not take by itself. packet(7)
 */
#include <linux/errno.h>

#include "lib/string.h"
#include "mem/alloc.h"
#include "net/packet/option.h"
#include "net/packet/packet_impl.h"

/* One membership, which may have been asked for several times. */
struct membership {
	struct list   link;
	struct iface *iface; /* a reference */
	uint16_t      type;  /* PACKET_MR_* */
	uint16_t      size;
	uint8_t       address[MEMBER_ADDRESS_MAX];
	uint32_t      count;
};

static int iface_apply(const struct membership *member, int change)
{
	switch (member->type) {
	case PACKET_MR_PROMISC:
		return iface_promiscuous_add(member->iface, change);
	case PACKET_MR_ALLMULTI:
	/* devices take all groups or those they know: a group of ours means all */
	case PACKET_MR_MULTICAST:
		return iface_all_multicast_add(member->iface, change);
	case PACKET_MR_UNICAST:
		return iface_promiscuous_add(member->iface, change);
	default:
		return 0;
	}
}

static struct membership *member_find(struct packet_sock *sock, const struct iface *iface,
                                      const struct member_request *request)
{
	struct membership *member;

	list_for_each_entry(member, &sock->memberships, link) {
		if (member->iface == iface && member->type == request->mr_type &&
		    member->size == request->mr_alen &&
		    !memcmp(member->address, request->mr_address, member->size))
			return member;
	}
	return NULL;
}

static void member_free(struct membership *member)
{
	list_remove(&member->link);
	(void)iface_apply(member, -1);
	iface_put(member->iface);
	kfree(member);
}

static int member_create(struct packet_sock *sock, struct iface *iface,
                         const struct member_request *request)
{
	struct membership *member = kzalloc(sizeof(*member), ALLOC_KERNEL);
	int err;

	if (!member)
		return -ENOMEM;
	member->iface = iface_get(iface);
	member->type = request->mr_type;
	member->size = request->mr_alen;
	member->count = 1;
	memcpy(member->address, request->mr_address, member->size);
	list_add_tail(&sock->memberships, &member->link);
	err = iface_apply(member, 1);
	if (err) {
		list_remove(&member->link);
		iface_put(iface);
		kfree(member);
	}
	return err;
}

int packet_member_add(struct packet_sock *sock, const struct member_request *request)
{
	struct iface *iface = iface_by_index(sock->socket.netns, (uint32_t)request->mr_ifindex);
	struct membership *member;
	int err = 0;

	if (!iface)
		return -ENODEV;
	member = member_find(sock, iface, request);
	if (request->mr_alen > IFACE_MAC_BYTES)
		err = -EINVAL;
	else if (member)
		member->count++;
	else
		err = member_create(sock, iface, request);
	iface_put(iface);
	return err;
}

/* What was never asked for is not missed: Linux says nothing either. */
void packet_member_remove(struct packet_sock *sock, const struct member_request *request)
{
	struct membership *member, *next;

	list_for_each_entry_safe(member, next, &sock->memberships, link) {
		if ((int)member->iface->index != request->mr_ifindex ||
		    member_find(sock, member->iface, request) != member)
			continue;
		if (!--member->count)
			member_free(member);
		return;
	}
}

void packet_members_free(struct packet_sock *sock)
{
	while (!list_is_empty(&sock->memberships))
		member_free(list_first_entry(&sock->memberships, struct membership, link));
}
