/*
 * lwIP in the kernel: connections and datagrams over lo, by its raw interface, as net/inet uses it.
 */
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>

#include "core/ktest.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "net/iface/address.h"
#include "net/iface/iface.h"
#include "net/netns.h"
#include "net/stack/stack.h"
#include "sched/clock.h"
#include "sched/wait.h"

enum { PORT = 4711, RUN_ORDER = 4, RUN_SIZE = PAGE_SIZE << RUN_ORDER, TOTAL = 16 * RUN_SIZE };

static void lo_set_up(bool is_up)
{
	struct iface *lo = iface_by_index(&netns_initial, IFACE_LOOPBACK_INDEX);
	int err;

	iface_config_lock(&netns_initial);
	err = iface_set_up(lo, is_up);
	iface_config_unlock(&netns_initial);
	iface_put(lo);
	(void)err; /* lo always can */
}

/* Its address stays, as on Linux, until it is taken. */
static void lo_take_down(void)
{
	struct iface *lo = iface_by_index(&netns_initial, IFACE_LOOPBACK_INDEX);
	struct iface_address all = { .local = { .family = AF_UNSPEC } };

	lo_set_up(false);
	iface_config_lock(&netns_initial);
	while (!iface_address_remove(lo, &all))
		;
	iface_config_unlock(&netns_initial);
	iface_put(lo);
}

static const ip_addr_t home = IPADDR4_INIT(PP_HTONL(0x7f000001));

/* ---- TCP ------------------------------------------------------------------------------------- */

static struct {
	struct tcp_pcb *listener, *client, *server;
	struct page    *source;  /* what is sent, again and again */
	uint32_t        nr_sent, nr_received, largest;
	bool            is_wrong, has_ended;
} tcp;

static err_t server_received(void *unused, struct tcp_pcb *pcb, struct pbuf *data, err_t err)
{
	const uint8_t *expected = page_to_virt(tcp.source);

	if (!data) {
		tcp.has_ended = true;
		return ERR_OK;
	}
	if (data->tot_len > tcp.largest)
		tcp.largest = data->tot_len;
	for (const struct pbuf *at = data; at; at = at->next) {
		const uint8_t *bytes = at->payload;

		for (uint32_t i = 0; i < at->len; i++, tcp.nr_received++)
			tcp.is_wrong |= bytes[i] != expected[tcp.nr_received % RUN_SIZE];
	}
	tcp_recved(pcb, data->tot_len);
	stack_pbuf_free(data);
	return ERR_OK;
}

static err_t server_accepted(void *unused, struct tcp_pcb *pcb, err_t err)
{
	tcp.server = pcb;
	tcp_recv(pcb, server_received);
	return ERR_OK;
}

static void client_send(void)
{
	uint8_t *bytes = page_to_virt(tcp.source);

	while (tcp.nr_sent < TOTAL) {
		uint32_t offset = tcp.nr_sent % RUN_SIZE, size = RUN_SIZE - offset;

		if (size > tcp_sndbuf(tcp.client))
			size = (uint32_t)tcp_sndbuf(tcp.client);
		if (size > UINT16_MAX)
			size = UINT16_MAX;
		if (!size || tcp_write(tcp.client, bytes + offset, (uint16_t)size, 0) != ERR_OK)
			break;
		tcp.nr_sent += size;
	}
	tcp_output(tcp.client);
}

static err_t client_sent(void *unused, struct tcp_pcb *pcb, uint16_t length)
{
	client_send();
	return ERR_OK;
}

static err_t client_connected(void *unused, struct tcp_pcb *pcb, err_t err)
{
	tcp_sent(pcb, client_sent);
	client_send();
	return ERR_OK;
}

static void client_lost(void *unused, err_t err)
{
	tcp.client = NULL;
}

static void tcp_open(tcp_connected_fn connected)
{
	struct tcp_pcb *fresh = tcp_new_ip_type(IPADDR_TYPE_ANY);

	tcp_bind(fresh, IP_ANY_TYPE, PORT);
	tcp.listener = tcp_listen_with_backlog(fresh, 5);
	tcp_accept(tcp.listener, server_accepted);
	tcp.client = tcp_new();
	tcp_err(tcp.client, client_lost);
	tcp_connect(tcp.client, &home, PORT, connected);
}

/* Without TIME_WAIT, which would outlive the test. */
static void tcp_end(void)
{
	if (tcp.client)
		tcp_abort(tcp.client);
	tcp_close(tcp.listener);
}

KTEST(tcp_over_lo_carries_shared_pages_in_large_segments_and_gives_them_back)
{
	ns_t deadline = clock_monotonic() + 10 * NS_PER_SEC;
	uint32_t nr_refs;

	KTEST_NO_LEAK();
	memset(&tcp, 0, sizeof(tcp));
	tcp.source = pages_alloc(RUN_ORDER, ALLOC_KERNEL);
	KTEST_ASSERT(tcp.source);
	for (uint32_t i = 0; i < RUN_SIZE; i++)
		((uint8_t *)page_to_virt(tcp.source))[i] = (uint8_t)(i * 7 + i / 251);
	lo_set_up(true);
	stack_lock(&netns_initial);
	tcp_open(client_connected);
	stack_unlock(&netns_initial);
	while (READ_ONCE(tcp.nr_received) < TOTAL && clock_monotonic() < deadline)
		sleep_until_uninterruptible(clock_monotonic() + NS_PER_MSEC);
	stack_lock(&netns_initial);
	tcp_end();
	stack_unlock(&netns_initial);
	nr_refs = page_refs(tcp.source);
	lo_take_down();
	pages_free(tcp.source, RUN_ORDER);
	KTEST_ASSERT(tcp.nr_received == TOTAL && !tcp.is_wrong);
	KTEST_ASSERT(tcp.largest >= RUN_SIZE / 2);
	KTEST_ASSERT(nr_refs == 1);
}

static err_t client_is_idle(void *unused, struct tcp_pcb *pcb, err_t err)
{
	return ERR_OK;
}

static uint32_t clock_after(ns_t delay)
{
	uint32_t ticks;

	sleep_until_uninterruptible(clock_monotonic() + delay);
	stack_lock(&netns_initial);
	ticks = tcp_ticks;
	stack_unlock(&netns_initial);
	return ticks;
}

KTEST(tcp_over_lo_that_is_idle_does_not_tick_and_knows_the_time_afterwards)
{
	uint32_t before, asleep, awake;

	KTEST_NO_LEAK();
	memset(&tcp, 0, sizeof(tcp));
	lo_set_up(true);
	stack_lock(&netns_initial);
	tcp_open(client_is_idle);
	stack_unlock(&netns_initial);
	before = clock_after(250 * NS_PER_MSEC);
	asleep = clock_after(600 * NS_PER_MSEC);
	stack_lock(&netns_initial);
	tcp_write(tcp.client, "x", 1, TCP_WRITE_FLAG_COPY);
	awake = tcp_ticks;
	tcp_end();
	stack_unlock(&netns_initial);
	lo_take_down();
	KTEST_ASSERT(asleep - before <= 1);
	KTEST_ASSERT(awake - before >= 5);
}

/* ---- UDP ------------------------------------------------------------------------------------- */

static struct {
	uint32_t nr_asked, nr_answered;
	char     last[8];
} udp;

static void echo(void *unused, struct udp_pcb *pcb, struct pbuf *data, const ip_addr_t *from,
                 uint16_t port)
{
	struct pbuf *answer = pbuf_alloc(PBUF_TRANSPORT, data->tot_len, PBUF_RAM);

	udp.nr_asked++;
	if (answer) {
		pbuf_copy(answer, data);
		udp_sendto(pcb, answer, from, port);
		pbuf_free(answer);
	}
	stack_pbuf_free(data);
}

static void answered(void *unused, struct udp_pcb *pcb, struct pbuf *data, const ip_addr_t *from,
                     uint16_t port)
{
	udp.nr_answered++;
	pbuf_copy_partial(data, udp.last, sizeof(udp.last), 0);
	stack_pbuf_free(data);
}

KTEST(udp_over_lo_is_answered_before_the_core_lock_is_given_back)
{
	struct udp_pcb *server, *client;
	struct pbuf *question;

	KTEST_NO_LEAK();
	memset(&udp, 0, sizeof(udp));
	lo_set_up(true);
	stack_lock(&netns_initial);
	server = udp_new();
	client = udp_new();
	udp_bind(server, IP_ANY_TYPE, PORT);
	udp_recv(server, echo, NULL);
	udp_recv(client, answered, NULL);
	udp_connect(client, &home, PORT);
	question = pbuf_alloc(PBUF_TRANSPORT, sizeof(udp.last), PBUF_RAM);
	memcpy(question->payload, "question", sizeof(udp.last));
	udp_send(client, question);
	pbuf_free(question);
	stack_unlock(&netns_initial);
	stack_lock(&netns_initial);
	udp_remove(client);
	udp_remove(server);
	stack_unlock(&netns_initial);
	lo_take_down();
	KTEST_ASSERT(udp.nr_asked == 1 && udp.nr_answered == 1);
	KTEST_ASSERT(!memcmp(udp.last, "question", sizeof(udp.last)));
}
