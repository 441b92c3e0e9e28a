/*
 * stackfuzz.c - lwIP with the kernel's options on this machine, under ASan and UBSan, and a hostile
 * neighbour (packets.h) on its wire.
 *
 *	stackfuzz SEED PACKETS
 *
 * Each frame lies in memory of its size and SPARE bytes, cut into pieces at random, so that what is
 * read behind its end is found. (The spare bytes are lwIP's, which reads the lengths of TCP options
 * and of IPv6 extension headers before it looks whether they are there. The kernel's frames lie in
 * pages, behind which is memory.) lwIP's memory is bounded and fails at times. Above it are servers
 * and clients of TCP and UDP, as net/inet would be. Now and then an honest client must be served.
 * In the end all is closed and time passes: then nothing may be allocated any more.
 */
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/icmp.h>
#include <lwip/igmp.h>
#include <lwip/init.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mem.h>
#include <lwip/memp.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/raw.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>
#include <netif/ethernet.h>
#include <signal.h>
#include <unistd.h>

#include "net/stack/guards.h"
#include "packets.h"

enum { MEMORY_MAX = 6 << 20, PCBS_MAX = 96, REASSEMBLY_MAX = 64, CLIENTS = 4, SPARE = 8,
       STUCK_S = 20, HONEST_EVERY = 100000, TICK_PACKETS = 20 };

static struct packets packets;
static struct netif wire;
static uint32_t now_ms;
static uint64_t choice = 1;
static const uint16_t ports[PACKET_PORTS] = { 7, 80, 5000, 22 };
static struct tcp_pcb *clients[CLIENTS];
static struct tcp_pcb *listeners[PACKET_PORTS];
static struct udp_pcb *datagrams[PACKET_PORTS];
static bool quiet; /* nothing is opened any more, no memory is refused */

uint32_t stackfuzz_random(void)
{
	choice = choice * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(choice >> 33);
}

uint32_t stackfuzz_sequence(void)
{
	return stackfuzz_random();
}

/* Time passes by itself. */
void tcp_timer_needed(void)
{
}

u32_t sys_now(void)
{
	return now_ms;
}

/* ---- memory: as net/stack/memory.c has it, and failing -------------------------------------- */

static size_t used, counts[MEMP_MAX];

static const uint16_t sizes[MEMP_MAX] = {
#define LWIP_MEMPOOL(name, number, size, description) [MEMP_##name] = (size),
#include <lwip/priv/memp_std.h>
};

void mem_init(void)
{
}

void *mem_malloc(mem_size_t size)
{
	size_t *memory;

	if (used + size > MEMORY_MAX || (!quiet && stackfuzz_random() % 2000 == 0))
		return NULL;
	memory = malloc(sizeof(size_t) * 2 + size);
	memory[0] = size;
	used += size;
	return memory + 2;
}

void *mem_calloc(mem_size_t count, mem_size_t size)
{
	void *memory = mem_malloc(count * size);

	return memory ? memset(memory, 0, count * size) : NULL;
}

void *mem_trim(void *memory, mem_size_t size)
{
	(void)size;
	return memory;
}

void mem_free(void *memory)
{
	used -= ((size_t *)memory)[-2];
	free((size_t *)memory - 2);
}

void memp_init(void)
{
}

void *memp_malloc(memp_t type)
{
	size_t limit = type == MEMP_TCP_PCB ? PCBS_MAX : type == MEMP_REASSDATA ||
		       type == MEMP_IP6_REASSDATA ? REASSEMBLY_MAX : SIZE_MAX;
	void *object = counts[type] < limit ? mem_malloc(sizes[type]) : NULL;

	counts[type] += object != NULL;
	return object;
}

void memp_free(memp_t type, void *object)
{
	if (!object)
		return;
	counts[type]--;
	mem_free(object);
}

/* ---- the wire ------------------------------------------------------------------------------- */

struct piece {
	struct pbuf_custom custom;
	uint8_t data[];
};

static void piece_free(struct pbuf *pbuf)
{
	free(pbuf);
}

static struct pbuf *piece_of(const uint8_t *data, size_t size)
{
	struct piece *piece = malloc(sizeof(*piece) + size + SPARE);

	for (int i = 0; i < SPARE; i++)
		piece->data[size + (size_t)i] = (uint8_t)stackfuzz_random();
	piece->custom = (struct pbuf_custom){ .custom_free_function = piece_free };
	memcpy(piece->data, data, size);
	return pbuf_alloced_custom(PBUF_RAW, (u16_t)size, PBUF_REF, &piece->custom, piece->data,
				   (u16_t)size);
}

/* One piece, as a card without large buffers gives it, or several. */
static void input(const uint8_t *data, size_t size)
{
	size_t first = stackfuzz_random() % 8 || size < 100 ? size : 54 + stackfuzz_random() % 46;
	struct pbuf *pbuf = piece_of(data, first);

	while (first < size) {
		size_t next = 1 + stackfuzz_random() % (size - first);

		pbuf_cat(pbuf, piece_of(data + first, next));
		first += next;
	}
	alarm(STUCK_S);
	if (frame_is_short(pbuf->payload, pbuf->len)) {
		pbuf_free(pbuf);
		return;
	}
	if (wire.input(pbuf, &wire) != ERR_OK)
		pbuf_free(pbuf);
	path_mtus_raise();
}

static uint8_t queue[64][PACKET_MAX];
static size_t queue_size[64];
static unsigned int queued;

static err_t wire_output(struct netif *netif, struct pbuf *pbuf)
{
	static uint8_t frame[1 << 16];

	if (netif != &wire)
		return ERR_IF;
	if (queued < 64) {
		pbuf_copy_partial(pbuf, frame, pbuf->tot_len, 0);
		queue_size[queued] = packet_heard(&packets, frame, pbuf->tot_len, queue[queued]);
		queued += queue_size[queued] > 0;
	}
	return ERR_OK;
}

/* What a decent neighbour answers, mostly. */
static void answer(void)
{
	static uint8_t frame[PACKET_MAX];

	while (queued > 0) {
		size_t size = queue_size[--queued];

		memcpy(frame, queue[queued], size);
		if (quiet || stackfuzz_random() % 8)
			input(frame, size);
	}
}

static err_t wire_init(struct netif *netif)
{
	netif->name[0] = 'e';
	netif->linkoutput = wire_output;
	netif->output = etharp_output;
	netif->output_ip6 = ethip6_output;
	netif->mtu = 1500;
	netif->hwaddr_len = 6;
	memcpy(netif->hwaddr, packets.mac, 6);
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
		       NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
	return ERR_OK;
}

static void wire_up(void)
{
	ip4_addr_t own, mask, gateway;
	ip6_addr_t six;

	memcpy(&own, packets.ip4, 4);
	memcpy(&gateway, packets.own_ip4, 4);
	IP4_ADDR(&mask, 255, 255, 255, 0);
	netif_add(&wire, &own, &mask, &gateway, NULL, wire_init, ethernet_input);
	netif_set_default(&wire);
	netif_create_ip6_linklocal_address(&wire, 1);
	memset(&six, 0, sizeof(six));
	memcpy(six.addr, packets.ip6, 16);
	netif_ip6_addr_set(&wire, 1, &six);
	netif_ip6_addr_set_state(&wire, 1, IP6_ADDR_PREFERRED);
	netif_ip6_addr_set_state(&wire, 0, IP6_ADDR_PREFERRED);
	wire.ip6_autoconfig_enabled = 1;
	netif_set_up(&wire);
	netif_set_link_up(&wire);
}

/* ---- above ---------------------------------------------------------------------------------- */

static void on_error(void *arg, err_t err)
{
	(void)err;
	if (arg)
		*(struct tcp_pcb **)arg = NULL;
}

/* Echoes, reads late, ends at times. */
static err_t on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *pbuf, err_t err)
{
	(void)err;
	if (!pbuf) {
		if (arg)
			*(struct tcp_pcb **)arg = NULL;
		tcp_arg(pcb, NULL);
		if (tcp_close(pcb) == ERR_OK)
			return ERR_OK;
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	tcp_recved(pcb, pbuf->tot_len);
	segment_size_settle(pcb);
	if (pbuf->len <= tcp_sndbuf(pcb))
		tcp_write(pcb, pbuf->payload, pbuf->len, TCP_WRITE_FLAG_COPY);
	pbuf_free(pbuf);
	if (!quiet && stackfuzz_random() % 200 == 0) {
		if (arg)
			*(struct tcp_pcb **)arg = NULL;
		tcp_arg(pcb, NULL);
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	return ERR_OK;
}

static void serve(void *arg, struct tcp_pcb *pcb)
{
	tcp_arg(pcb, arg);
	tcp_recv(pcb, on_receive);
	tcp_err(pcb, on_error);
	if (stackfuzz_random() % 2)
		ip_set_option(pcb, SOF_KEEPALIVE);
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg;
	if (!pcb || err != ERR_OK)
		return ERR_VAL;
	serve(NULL, pcb);
	return ERR_OK;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg;
	(void)err;
	segment_size_settle(pcb);
	return tcp_write(pcb, "hello", 5, TCP_WRITE_FLAG_COPY);
}

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *pbuf, const ip_addr_t *from,
                        u16_t port)
{
	(void)arg;
	udp_sendto(pcb, pbuf, from, port);
	pbuf_free(pbuf);
}

static void listen_all(void)
{
	for (int i = 0; i < PACKET_PORTS; i++) {
		struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);

		tcp_bind(pcb, IP_ANY_TYPE, ports[i]);
		listeners[i] = tcp_listen_with_backlog(pcb, 16);
		tcp_accept(listeners[i], on_accept);
		datagrams[i] = udp_new_ip_type(IPADDR_TYPE_ANY);
		udp_bind(datagrams[i], IP_ANY_TYPE, ports[i]);
		udp_recv(datagrams[i], on_datagram, NULL);
	}
}

/* Programs end: some connection is closed, by halves at times; orphans are not kept for ever. */
static void close_one(void)
{
	struct tcp_pcb *pcb = tcp_active_pcbs;

	for (uint32_t skip = stackfuzz_random() % PCBS_MAX; pcb && pcb->next && skip > 0; skip--)
		pcb = pcb->next;
	if (!pcb || pcb->callback_arg || pcb->state < ESTABLISHED)
		return;
	if (pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT)
		tcp_abort(pcb);
	else if (stackfuzz_random() % 4 == 0)
		tcp_shutdown(pcb, 0, 1);
	else if (stackfuzz_random() % 8 == 0 || tcp_close(pcb) != ERR_OK)
		tcp_abort(pcb);
}

/* A connection of our own, which the neighbour may answer, refuse, or ignore. */
static void connect_out(void)
{
	struct tcp_pcb **client = &clients[stackfuzz_random() % CLIENTS];
	struct packet_flow *flow = &packets.flows[stackfuzz_random() % PACKET_FLOWS];
	bool six = stackfuzz_random() % 2;
	ip_addr_t to;

	if (*client) {
		tcp_arg(*client, NULL);
		tcp_abort(*client);
		*client = NULL;
	}
	*client = tcp_new_ip_type(six ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4);
	if (!*client)
		return;
	serve(client, *client);
	memset(&to, 0, sizeof(to));
	memcpy(&to, six ? packets.own_ip6 : packets.own_ip4, six ? 16 : 4);
	IP_SET_TYPE_VAL(to, six ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4);
	if (tcp_connect(*client, &to, 80, on_connected) != ERR_OK) {
		tcp_abort(*client);
		return;
	}
	*flow = (struct packet_flow){ .six = six, .live = true, .own_port = 80,
				      .port = (*client)->local_port,
				      .seq = packet_random(&packets, UINT32_MAX),
				      .ack = (*client)->snd_nxt };
}

static void pass_time(uint32_t ms)
{
	static uint32_t second, tenth;

	now_ms += ms;
	persist_timers_stop();
	tcp_tmr();
	if (now_ms - tenth >= 100) {
		tenth = now_ms;
		igmp_tmr();
		mld6_tmr();
	}
	if (now_ms - second >= 1000) {
		second = now_ms;
		ip_reass_tmr();
		ip6_reass_tmr();
		etharp_tmr();
		nd6_tmr();
	}
	answer();
}

/* ---- honest clients ------------------------------------------------------------------------- */

/* The neighbour's host, decent for once, asks each server of datagrams and gets its answer. */
static void ask_honestly(void)
{
	static uint8_t frame[14 + 28 + 16];
	uint32_t sum = 0;

	memcpy(frame, packets.mac, 6);
	memcpy(frame + 6, packets.own_mac, 6);
	frame[12] = 8;
	memcpy(frame + 14, "\x45\0\0\x2c\0\0\0\0\x40\x11\0\0", 12);
	memcpy(frame + 26, packets.own_ip4, 4);
	memcpy(frame + 30, packets.ip4, 4);
	memcpy(frame + 34, "\x9c\x40\0\x07\0\x18\0\0honest", 14);
	frame[24] = frame[25] = 0;
	for (int i = 14; i < 34; i += 2)
		sum += (uint32_t)frame[i] << 8 | frame[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	frame[24] = (uint8_t)(~sum >> 8);
	frame[25] = (uint8_t)~sum;
	u64_t before = lwip_stats.mib2.udpindatagrams;
	input(frame, sizeof(frame));
	answer();
	if (lwip_stats.mib2.udpindatagrams == before || !netif_is_up(&wire)) {
		fprintf(stderr, "stackfuzz: an honest datagram was not delivered\n");
		abort();
	}
}

static void close_all(void)
{
	quiet = true;
	for (int i = 0; i < PACKET_PORTS; i++) {
		tcp_close(listeners[i]);
		udp_remove(datagrams[i]);
	}
	while (tcp_active_pcbs)
		tcp_abort(tcp_active_pcbs);
	while (tcp_bound_pcbs)
		tcp_abort(tcp_bound_pcbs);
	for (int i = 0; i < 3000; i++)
		pass_time(50);
	etharp_cleanup_netif(&wire);
	nd6_cleanup_netif(&wire);
	netif_remove(&wire);
	for (int i = 0; i < 3000; i++)
		pass_time(50);
}

static void stuck(int signal)
{
	(void)signal;
	fprintf(stderr, "stackfuzz: a packet took %d seconds\n", STUCK_S);
	abort();
}

int main(int argc, char **argv)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 0x77, 0, 2 };
	static uint8_t frame[PACKET_MAX];
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : 100000;

	signal(SIGALRM, stuck);
	choice = seed;
	quiet = true;
	packets_init(&packets, seed, mac, ports);
	lwip_init();
	wire_up();
	listen_all();
	for (uint64_t i = 0; i < count; i++) {
		quiet = i % HONEST_EVERY == 0;
		if (quiet)
			ask_honestly();
		quiet = false;
		input(frame, packet_next(&packets, frame));
		answer();
		if (stackfuzz_random() % TICK_PACKETS == 0)
			pass_time(stackfuzz_random() % 100);
		if (stackfuzz_random() % 500 == 0)
			connect_out();
		if (stackfuzz_random() % 100 == 0)
			close_one();
	}
	close_all();
	printf("stackfuzz: seed %llu: %llu packets, %llu mutated, %llu connections, %zu bytes left\n",
	       (unsigned long long)seed, (unsigned long long)packets.nr_sent,
	       (unsigned long long)packets.nr_mutated, (unsigned long long)packets.nr_live, used);
	return used != 0;
}
