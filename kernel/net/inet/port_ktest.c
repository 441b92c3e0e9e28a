/*
 * The rules of the port table, without sockets.
 */
#include "net/inet/port.h"

#include <linux/errno.h>
#include <linux/in.h>

#include "core/ktest.h"
#include "lib/string.h"
#include "net/netns.h"
#include "net/stack/stack.h"

enum { PORT = 4567 };

static void use_init(struct port_use *use, uint8_t flags, const ip_addr_t *local)
{
	memset(use, 0, sizeof(*use));
	use->protocol = IPPROTO_TCP;
	use->flags = flags;
	ip_addr_copy(use->local, *local);
}

static ip_addr_t v4(uint8_t last)
{
	ip_addr_t ip = IPADDR4_INIT_BYTES(127, 0, 0, last);

	return ip;
}

/* Binds both to PORT, the second one's answer; nothing is left behind. */
static int second_bind(struct port_use *first, struct port_use *second)
{
	int err;

	stack_lock(&netns_initial);
	err = port_bind(&netns_initial, first, PORT);
	if (!err)
		err = port_bind(&netns_initial, second, PORT);
	port_release(second);
	port_release(first);
	stack_unlock(&netns_initial);
	return err;
}

static int pair_bind(uint8_t first_flags, const ip_addr_t *first_ip, uint8_t second_flags,
                     const ip_addr_t *second_ip)
{
	struct port_use first, second;

	use_init(&first, first_flags, first_ip);
	use_init(&second, second_flags, second_ip);
	return second_bind(&first, &second);
}

KTEST(port_is_given_once_for_each_address)
{
	ip_addr_t one = v4(1), two = v4(2);

	KTEST_ASSERT(pair_bind(0, &one, 0, &one) == -EADDRINUSE);
	KTEST_ASSERT(pair_bind(0, &one, 0, &two) == 0);
}

KTEST(port_of_the_wildcard_is_everybodys)
{
	ip_addr_t one = v4(1), any4 = *IP4_ADDR_ANY, any6 = *IP6_ADDR_ANY, both = *IP_ANY_TYPE;

	KTEST_ASSERT(pair_bind(0, &one, 0, &any4) == -EADDRINUSE);
	KTEST_ASSERT(pair_bind(0, &both, 0, &one) == -EADDRINUSE);
	KTEST_ASSERT(pair_bind(0, &any6, 0, &any4) == 0);
	KTEST_ASSERT(pair_bind(0, &any6, 0, &both) == -EADDRINUSE);
}

KTEST(port_is_shared_with_reuse_address_of_both)
{
	ip_addr_t one = v4(1);

	KTEST_ASSERT(pair_bind(PORT_REUSE_ADDRESS, &one, 0, &one) == -EADDRINUSE);
	KTEST_ASSERT(pair_bind(PORT_REUSE_ADDRESS, &one, PORT_REUSE_ADDRESS, &one) == 0);
	KTEST_ASSERT(pair_bind(PORT_REUSE_ADDRESS | PORT_LISTENING, &one, PORT_REUSE_ADDRESS,
			       &one) == -EADDRINUSE);
}

KTEST(port_is_shared_with_reuse_port_of_one_user)
{
	ip_addr_t one = v4(1);
	struct port_use first, second;

	KTEST_ASSERT(pair_bind(PORT_REUSE_PORT, &one, PORT_REUSE_PORT, &one) == 0);
	use_init(&first, PORT_REUSE_PORT, &one);
	use_init(&second, PORT_REUSE_PORT, &one);
	second.uid = 1000;
	KTEST_ASSERT(second_bind(&first, &second) == -EADDRINUSE);
}

KTEST(port_on_two_interfaces_is_two_ports)
{
	ip_addr_t any = *IP4_ADDR_ANY;
	struct port_use first, second;

	use_init(&first, 0, &any);
	use_init(&second, 0, &any);
	first.bound_iface = 1;
	second.bound_iface = 2;
	KTEST_ASSERT(second_bind(&first, &second) == 0);
}

KTEST(port_of_udp_is_not_that_of_tcp)
{
	ip_addr_t any = *IP4_ADDR_ANY;
	struct port_use first, second;

	use_init(&first, 0, &any);
	use_init(&second, 0, &any);
	second.protocol = IPPROTO_UDP;
	KTEST_ASSERT(second_bind(&first, &second) == 0);
}

KTEST(port_chosen_for_connections_lies_in_the_range)
{
	const struct port_settings *settings = port_settings(&netns_initial);
	struct port_use use;
	ip_addr_t one = v4(1);
	uint16_t port;
	int err;

	use_init(&use, 0, &one);
	ip_addr_copy(use.remote, one);
	use.remote_port = 80;
	stack_lock(&netns_initial);
	err = port_connect(&netns_initial, &use);
	port = use.port;
	port_release(&use);
	stack_unlock(&netns_initial);
	KTEST_ASSERT(!err);
	KTEST_ASSERT(port >= settings->first && port <= settings->last);
}

KTEST(port_connection_exists_once)
{
	ip_addr_t one = v4(1), two = v4(2);
	struct port_use first, second;
	int err[4];

	use_init(&first, PORT_REUSE_ADDRESS, &one);
	use_init(&second, PORT_REUSE_ADDRESS, &one);
	stack_lock(&netns_initial);
	err[0] = port_bind(&netns_initial, &first, PORT) ||
		 port_bind(&netns_initial, &second, PORT);
	err[1] = port_connect_bound(&first, &two, 80);
	err[2] = port_connect_bound(&second, &two, 80);
	err[3] = port_connect_bound(&second, &two, 81);
	port_release(&second);
	port_release(&first);
	stack_unlock(&netns_initial);
	KTEST_ASSERT(!err[0] && !err[1] && !err[3]);
	KTEST_ASSERT(err[2] == -EADDRNOTAVAIL);
}
