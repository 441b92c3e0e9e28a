/*
 * Interfaces, addresses and routes on a network device that only exists here: what it is given to
 * send is kept to be looked at.
 */
#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <lwip/igmp.h>
#include <lwip/ip.h>
#include <lwip/stats.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>

#include "core/ktest.h"
#include "dev/netdev.h"
#include "mem/page.h"
#include "net/iface/iface_impl.h"

#define MY_ADDRESS(a, b, c, d) cpu_to_be32((a) << 24 | (b) << 16 | (c) << 8 | (d))

/* ---- the device ---------------------------------------------------------------------------- */

static struct {
	struct netdev netdev;
	uint8_t       last[64]; /* of the frame sent last */
	uint32_t      nr_sent;
	bool          is_open;
} fake;

static int fake_open(struct netdev *netdev)
{
	fake.is_open = true;
	return 0;
}

static void fake_close(struct netdev *netdev)
{
	fake.is_open = false;
}

static void copy_out(const struct netbuf *netbuf)
{
	const uint8_t *bytes = netbuf->head;
	uint32_t size = netbuf->head_length;

	if (!size) {
		const struct netbuf_segment *first = &netbuf->segments[0];

		bytes = (const uint8_t *)page_to_virt(first->page) + first->offset;
		size = first->length;
	}
	memcpy(fake.last, bytes, size < sizeof(fake.last) ? size : sizeof(fake.last));
}

static int fake_transmit(struct netdev *netdev, struct netbuf *netbuf)
{
	fake.nr_sent++;
	copy_out(netbuf);
	netbuf->done(netbuf);
	return 0;
}

static void fake_commit(struct netdev *netdev)
{
}

static void fake_statistics(struct netdev *netdev, struct netdev_statistics *out)
{
	out->sent_frames = fake.nr_sent;
}

static const struct netdev_ops fake_ops = {
	.open = fake_open,
	.close = fake_close,
	.transmit = fake_transmit,
	.commit = fake_commit,
	.statistics = fake_statistics,
};

/* A fresh device and its interface, by a reference; the configuration lock is held. */
static struct iface *device_plug(void)
{
	struct iface *iface;

	memset(&fake, 0, sizeof(fake));
	fake.netdev = (struct netdev){ .ops = &fake_ops, .mac = { 2, 0, 0, 0, 0, 1 }, .mtu = 1500,
	                               .max_mtu = 9000, .has_link = true };
	netdev_register(&fake.netdev);
	iface = iface_by_index(&netns_initial, fake.netdev.index);
	iface_config_lock(&netns_initial);
	return iface;
}

static void device_unplug(struct iface *iface)
{
	iface_config_unlock(&netns_initial);
	netdev_unregister(&fake.netdev);
	iface_put(iface);
}

static struct iface_address address4(__be32 local, unsigned int length)
{
	return (struct iface_address){
		.local = ip_address_v4(local),
		.prefix_length = (uint8_t)length,
		.valid_seconds = ADDRESS_LIFE_FOREVER,
		.preferred_seconds = ADDRESS_LIFE_FOREVER,
	};
}

static int add4(struct iface *iface, __be32 local, unsigned int length)
{
	struct iface_address address = address4(local, length);

	return iface_address_add(iface, &address);
}

static int remove4(struct iface *iface, __be32 local)
{
	struct iface_address match = { .local = ip_address_v4(local) };

	return iface_address_remove(iface, &match);
}

static struct route route4(__be32 destination, unsigned int length, __be32 gateway)
{
	struct route route = { .destination = ip_address_v4(destination),
	                       .prefix_length = (uint8_t)length, .protocol = RTPROT_BOOT };

	if (gateway)
		route.gateway = ip_address_v4(gateway);
	return route;
}

static int add_route4(__be32 destination, unsigned int length, __be32 gateway)
{
	struct route route = route4(destination, length, gateway);

	return route_add(&netns_initial, &route, NLM_F_CREATE | NLM_F_EXCL);
}

static int lookup4(__be32 destination, struct route_result *out)
{
	struct route_key key = { .destination = ip_address_v4(destination) };

	return route_lookup(&netns_initial, &key, out);
}

static int route_counts(const struct route *route, void *data)
{
	if (route->iface_index == fake.netdev.index)
		++*(uint32_t *)data;
	return 0;
}

static uint32_t nr_routes(unsigned int family)
{
	uint32_t nr = 0;

	route_for_each(&netns_initial, family, route_counts, &nr);
	return nr;
}

/* ---- tests --------------------------------------------------------------------------------- */

KTEST(ip_prefixes_are_compared_and_masked_by_bits)
{
	struct ip_address a = ip_address_v4(MY_ADDRESS(10, 1, 2, 255));
	struct ip_address b = ip_address_v4(MY_ADDRESS(10, 1, 3, 0));

	KTEST_ASSERT(ip_prefix_equals(&a, &b, 23) && !ip_prefix_equals(&a, &b, 24));
	KTEST_ASSERT(ip_prefix_equals(&a, &b, 0));
	ip_address_mask(&a, 15);
	KTEST_ASSERT(a.v4 == MY_ADDRESS(10, 0, 0, 0));
	ip_address_mask(&b, 0);
	KTEST_ASSERT(ip_address_is_any(&b));
}

KTEST(an_interface_comes_with_its_device_and_goes_with_it)
{
	struct iface *iface = device_plug();
	uint32_t index = fake.netdev.index;
	bool is_down = !(iface->flags & IFF_UP), is_refused, is_up;
	struct iface *gone;

	KTEST_NO_LEAK();
	is_up = !iface_set_up(iface, true) && fake.is_open &&
	        iface->flags & IFF_RUNNING && iface->operational_state == IF_OPER_UP;
	is_up &= !add4(iface, MY_ADDRESS(10, 7, 0, 1), 24);
	iface_config_unlock(&netns_initial);
	netdev_unregister(&fake.netdev);
	gone = iface_by_index(&netns_initial, index);
	iface_config_lock(&netns_initial);
	is_refused = iface_set_up(iface, true) == -ENODEV &&
	             add4(iface, MY_ADDRESS(10, 7, 0, 2), 24) == -ENODEV;
	iface_config_unlock(&netns_initial);
	iface_put(iface);
	KTEST_ASSERT(is_down && is_up && !gone && is_refused && !fake.is_open);
}

KTEST(routes_come_with_an_address_and_go_with_it)
{
	struct iface *iface = device_plug();
	struct route_result to_net, to_self, to_last;
	uint32_t while_down, while_up, after;
	int errors[5];

	KTEST_NO_LEAK();
	errors[0] = add4(iface, MY_ADDRESS(10, 7, 0, 1), 24);
	while_down = nr_routes(AF_INET); /* to itself alone */
	errors[1] = iface_set_up(iface, true);
	while_up = nr_routes(AF_INET);
	errors[2] = lookup4(MY_ADDRESS(10, 7, 0, 9), &to_net);
	errors[3] = lookup4(MY_ADDRESS(10, 7, 0, 1), &to_self);
	errors[4] = lookup4(MY_ADDRESS(10, 7, 0, 255), &to_last);
	remove4(iface, MY_ADDRESS(10, 7, 0, 1));
	after = nr_routes(AF_INET);
	device_unplug(iface);
	for (int i = 0; i < 5; i++)
		KTEST_ASSERT(!errors[i]);
	KTEST_ASSERT(while_down == 1 && while_up == 3 && !after);
	KTEST_ASSERT(to_net.type == RTN_UNICAST && !to_net.has_gateway);
	KTEST_ASSERT(to_net.source.v4 == MY_ADDRESS(10, 7, 0, 1));
	KTEST_ASSERT(to_self.type == RTN_LOCAL && to_self.iface_index == IFACE_LOOPBACK_INDEX);
	KTEST_ASSERT(to_last.type == RTN_BROADCAST);
}

KTEST(the_longest_prefix_wins_then_the_smallest_metric)
{
	struct iface *iface = device_plug();
	struct route_result far, near, host;
	struct route better = route4(0, 0, MY_ADDRESS(10, 7, 0, 4));
	int errors[6];

	KTEST_NO_LEAK();
	errors[0] = add4(iface, MY_ADDRESS(10, 7, 0, 1), 24) | iface_set_up(iface, true);
	better.metric = 5;
	errors[1] = route_add(&netns_initial, &better, NLM_F_CREATE | NLM_F_EXCL);
	errors[2] = add_route4(0, 0, MY_ADDRESS(10, 7, 0, 2)) |
	            add_route4(MY_ADDRESS(10, 7, 0, 128), 25, MY_ADDRESS(10, 7, 0, 3));
	errors[3] = lookup4(MY_ADDRESS(8, 8, 8, 8), &far);
	errors[4] = lookup4(MY_ADDRESS(10, 7, 0, 130), &near);
	errors[5] = lookup4(MY_ADDRESS(10, 7, 0, 5), &host);
	device_unplug(iface);
	for (int i = 0; i < 6; i++)
		KTEST_ASSERT(!errors[i]);
	KTEST_ASSERT(far.has_gateway && far.next_hop.v4 == MY_ADDRESS(10, 7, 0, 2));
	KTEST_ASSERT(near.has_gateway && near.next_hop.v4 == MY_ADDRESS(10, 7, 0, 3));
	KTEST_ASSERT(!host.has_gateway);
}

KTEST(routes_that_lead_nowhere_and_gateways_out_of_reach_have_their_errors)
{
	struct iface *iface = device_plug();
	struct route dead = route4(MY_ADDRESS(10, 8, 0, 0), 16, 0);
	struct route_result out;
	int errors[7];

	KTEST_NO_LEAK();
	errors[0] = lookup4(MY_ADDRESS(10, 7, 0, 9), &out);
	errors[1] = add_route4(0, 0, MY_ADDRESS(10, 7, 0, 2));
	dead.type = RTN_UNREACHABLE;
	errors[2] = route_add(&netns_initial, &dead, NLM_F_CREATE);
	errors[3] = lookup4(MY_ADDRESS(10, 8, 1, 1), &out);
	errors[4] = route_add(&netns_initial, &dead, NLM_F_CREATE | NLM_F_EXCL);
	errors[5] = route_remove(&netns_initial, &dead);
	errors[6] = route_remove(&netns_initial, &dead);
	device_unplug(iface);
	KTEST_ASSERT(errors[0] == -ENETUNREACH && errors[1] == -ENETUNREACH && !errors[2]);
	KTEST_ASSERT(errors[3] == -EHOSTUNREACH && errors[4] == -EEXIST && !errors[5]);
	KTEST_ASSERT(errors[6] == -ESRCH);
}

KTEST(secondary_addresses_go_with_the_primary_one)
{
	struct iface *iface = device_plug();
	struct ip_address second = ip_address_v4(MY_ADDRESS(10, 7, 0, 2));
	bool is_secondary, is_gone, other_stays;
	int err;

	KTEST_NO_LEAK();
	err = add4(iface, MY_ADDRESS(10, 7, 0, 1), 24) | add4(iface, second.v4, 24) |
	      add4(iface, MY_ADDRESS(10, 9, 0, 1), 16);
	is_secondary = !err && address_find(iface, &second)->address.flags & IFA_F_SECONDARY;
	err |= add4(iface, second.v4, 24) == -EEXIST ? 0 : 1;
	err |= remove4(iface, MY_ADDRESS(10, 7, 0, 1));
	is_gone = !address_find(iface, &second);
	second = ip_address_v4(MY_ADDRESS(10, 9, 0, 1));
	other_stays = address_find(iface, &second);
	device_unplug(iface);
	KTEST_ASSERT(!err && is_secondary && is_gone && other_stays);
}

/* ICMP or any other would do: a datagram makes lwIP ask who has the next hop. */
static void datagram_send(__be32 to)
{
	const ip_addr_t address = IPADDR4_INIT((__force uint32_t)to);
	struct pbuf *pbuf;
	struct udp_pcb *pcb;

	stack_lock(&netns_initial);
	pcb = udp_new();
	pbuf = pbuf_alloc(PBUF_TRANSPORT, 4, PBUF_RAM);
	if (pcb && pbuf)
		udp_sendto(pcb, pbuf, &address, 9);
	if (pbuf)
		pbuf_free(pbuf);
	if (pcb)
		udp_remove(pcb);
	stack_unlock(&netns_initial);
}

KTEST(the_next_hop_is_asked_for_by_arp_from_the_address_in_its_network)
{
	struct iface *iface = device_plug();
	__be32 sender, target;
	bool is_arp;
	int err;

	KTEST_NO_LEAK();
	err = add4(iface, MY_ADDRESS(10, 9, 0, 1), 16) | add4(iface, MY_ADDRESS(10, 7, 0, 1), 24) |
	      iface_set_up(iface, true) | add_route4(0, 0, MY_ADDRESS(10, 7, 0, 2));
	datagram_send(MY_ADDRESS(8, 8, 8, 8));
	is_arp = load_be16(fake.last + 12) == ETH_P_ARP;
	memcpy(&sender, fake.last + ETH_HLEN + 14, 4);
	memcpy(&target, fake.last + ETH_HLEN + 24, 4);
	device_unplug(iface);
	KTEST_ASSERT(!err && is_arp);
	KTEST_ASSERT(sender == MY_ADDRESS(10, 7, 0, 1) && target == MY_ADDRESS(10, 7, 0, 2));
}

/* As the stack's timer calls it. */
static void seconds_pass(int nr)
{
	stack_lock(&netns_initial);
	while (nr--)
		unanswered_second();
	stack_unlock(&netns_initial);
}

KTEST(a_sender_is_told_by_icmp_of_a_next_hop_that_does_not_answer)
{
	struct iface *iface = device_plug();
	struct iface *lo = iface_by_index(&netns_initial, IFACE_LOOPBACK_INDEX);
	uint64_t before = lwip_stats.mib2.icmpindestunreachs, early, late;
	int err;

	KTEST_NO_LEAK();
	err = iface_set_up(lo, true) | add4(iface, MY_ADDRESS(10, 7, 0, 1), 24) |
	      iface_set_up(iface, true);
	datagram_send(MY_ADDRESS(10, 7, 0, 9));
	seconds_pass(2);
	early = lwip_stats.mib2.icmpindestunreachs - before;
	seconds_pass(2);
	late = lwip_stats.mib2.icmpindestunreachs - before;
	err |= iface_set_up(lo, false) | remove4(lo, MY_ADDRESS(127, 0, 0, 1));
	iface_put(lo);
	device_unplug(iface);
	KTEST_ASSERT(!err && !early && late == 1);
}

/* A connection that waits for its next hop, a datagram socket tied to the interface, a group. */
KTEST(a_device_is_unplugged_under_sockets_that_use_it)
{
	const ip_addr_t far = IPADDR4_INIT((__force uint32_t)MY_ADDRESS(10, 7, 0, 9));
	const ip4_addr_t group = address_to_lwip4(MY_ADDRESS(239, 1, 2, 3));
	struct iface *iface = device_plug();
	struct tcp_pcb *tcp;
	struct udp_pcb *udp;
	struct pbuf *pbuf;
	int err;
	err_t sent;

	KTEST_NO_LEAK();
	err = add4(iface, MY_ADDRESS(10, 7, 0, 1), 24) | iface_set_up(iface, true);
	stack_lock(&netns_initial);
	tcp = tcp_new();
	udp = udp_new();
	pbuf = pbuf_alloc(PBUF_TRANSPORT, 4, PBUF_RAM);
	igmp_joingroup_netif(iface->netif, &group);
	udp_bind_netif(udp, iface->netif);
	err |= udp_sendto(udp, pbuf, &far, 9) | tcp_connect(tcp, &far, 9, NULL);
	stack_unlock(&netns_initial);
	device_unplug(iface);
	stack_lock(&netns_initial);
	sent = udp_sendto(udp, pbuf, &far, 9);
	tcp_output(tcp);
	tcp_abort(tcp);
	udp_remove(udp);
	pbuf_free(pbuf);
	stack_unlock(&netns_initial);
	KTEST_ASSERT(!err && sent == ERR_RTE);
}

KTEST(an_interface_that_is_up_has_a_tentative_link_local_address)
{
	struct ip_address expected = { .family = AF_INET6,
	                               .bytes = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0,
	                                          0, 0, 0, 0xff, 0xfe, 0, 0, 1 } };
	struct iface *iface = device_plug();
	const struct address_entry *entry;
	bool is_there, is_tentative, is_gone;
	int err = iface_set_up(iface, true);

	KTEST_NO_LEAK();
	entry = address_find(iface, &expected);
	is_there = entry && entry->address.scope == RT_SCOPE_LINK;
	is_tentative = entry && entry->address.flags & IFA_F_TENTATIVE;
	err |= iface_set_up(iface, false);
	is_gone = !address_find(iface, &expected) && !nr_routes(AF_INET6);
	device_unplug(iface);
	KTEST_ASSERT(!err && is_there && is_tentative && is_gone);
}

KTEST(interfaces_are_renamed_with_their_labels_while_they_are_down)
{
	struct iface *iface = device_plug();
	struct ip_address local = ip_address_v4(MY_ADDRESS(10, 7, 0, 1));
	bool has_label;
	int errors[5];

	KTEST_NO_LEAK();
	errors[0] = add4(iface, local.v4, 24);
	errors[1] = iface_rename(iface, "lo");
	errors[2] = iface_rename(iface, "a/b");
	errors[3] = iface_rename(iface, "wan%d");
	has_label = !strcmp(iface->name, "wan0") &&
	            !strcmp(address_find(iface, &local)->address.label, "wan0");
	errors[4] = iface_set_up(iface, true) | (iface_rename(iface, "x") == -EBUSY ? 0 : 1);
	device_unplug(iface);
	KTEST_ASSERT(!errors[0] && errors[1] == -EEXIST && errors[2] == -EINVAL);
	KTEST_ASSERT(!errors[3] && has_label && !errors[4]);
}
