/*
 * net/filter: programs of classic BPF are judged and run; random ones that pass neither loop nor
 * read what is not theirs (the address sanitizer watches).
 *
 * sources: net/filter/bpf_check.c net/filter/bpf_run.c net/filter/payload.c
 */
#include "unit.h"

#include <errno.h>
#include <linux/if_ether.h>

#include "net/filter/bpf.h"

#define CODE(...) (const struct sock_filter[]){ __VA_ARGS__ }

uint32_t bpf_random(void)
{
	return 4; /* by a fair die */
}

static uint16_t room[BPF_MAXINSNS];

/* An ARP request, and a UDP packet of IPv4 with two bytes of data. */
static const uint8_t arp[42] = {
	255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1,
};
static const uint8_t udp[44] = {
	2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 30, 0, 1, 0, 0, 64, 17, 0, 0,
	10, 0, 2, 2, 10, 0, 2, 15, 0, 67, 0, 68, 0, 10, 0, 0, 'h', 'i',
};

static struct bpf_packet packet_of(const uint8_t *bytes, uint32_t size)
{
	return (struct bpf_packet){
		.head = bytes, .nr_head = size, .size = size, .link = 0, .network = 14, .iface = 2,
		.protocol = (uint16_t)(bytes[12] << 8 | bytes[13]), .hardware_type = 1, .cpu = 3,
	};
}

/* What busybox's udhcpc attaches, for packets from their network header on. */
static const struct sock_filter dhcp[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 6),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 4, 0),
	BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
	BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 68, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0x7fffffff),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

TEST(a_real_filter_tells_packets_apart)
{
	struct bpf_packet packet = packet_of(udp, sizeof(udp));

	assert_int_equal(bpf_check(dhcp, array_size(dhcp), room), 0);
	packet.data = 14;
	assert_int_equal(bpf_run(dhcp, &packet), 0x7fffffff);
	packet = packet_of(arp, sizeof(arp));
	packet.data = 14;
	assert_int_equal(bpf_run(dhcp, &packet), 0);
}

static uint32_t answer(const struct sock_filter *program, uint32_t nr)
{
	struct bpf_packet packet = packet_of(udp, sizeof(udp));

	assert_int_equal(bpf_check(program, nr, room), 0);
	return bpf_run(program, &packet);
}

#define ANSWER(...) \
	answer(CODE(__VA_ARGS__, BPF_STMT(BPF_RET | BPF_A, 0)), \
	       array_size(CODE(__VA_ARGS__, BPF_STMT(BPF_RET | BPF_A, 0))))

TEST(loads_read_what_they_name)
{
	assert_int_equal(ANSWER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 26)), 0x0a000202);
	assert_int_equal(ANSWER(BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12)), 0x0800);
	assert_int_equal(ANSWER(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 43)), 'i');
	assert_int_equal(ANSWER(BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 43)), 0);
	assert_int_equal(ANSWER(BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0)), 44);
	assert_int_equal(ANSWER(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF + 9)), 17);
	assert_int_equal(ANSWER(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_LL_OFF)), 2);
	assert_int_equal(ANSWER(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_LL_OFF + 44)), 0);
}

TEST(ancillary_loads_tell_what_belongs_to_a_packet)
{
	const uint32_t ad = (uint32_t)SKF_AD_OFF;

	assert_int_equal(ANSWER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ad + SKF_AD_PROTOCOL)),
			 ETH_P_IP);
	assert_int_equal(ANSWER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ad + SKF_AD_IFINDEX)), 2);
	assert_int_equal(ANSWER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ad + SKF_AD_HATYPE)), 1);
	assert_int_equal(ANSWER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ad + SKF_AD_CPU)), 3);
	assert_int_equal(ANSWER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ad + SKF_AD_RANDOM)), 4);
	assert_int_equal(ANSWER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ad + SKF_AD_PAY_OFFSET)), 42);
}

TEST(programs_that_go_astray_are_refused)
{
	static const struct sock_filter bad[][2] = {
		{ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_LD | BPF_MEM, 0), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_LD | BPF_IMM, 0) },
		{ BPF_STMT(BPF_RET | BPF_X, 0), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + 2),
		  BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(0x1000 | BPF_ALU | BPF_ADD, 0), BPF_STMT(BPF_RET | BPF_K, 0) },
	};

	for (size_t i = 0; i < array_size(bad); i++)
		assert_int_equal(bpf_check(bad[i], 2, room), -EINVAL);
	assert_int_equal(bpf_check(bad[0], 0, room), -EINVAL);
}

TEST(memory_must_be_written_on_every_way)
{
	const struct sock_filter one_way[] = {
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		BPF_STMT(BPF_ST, 5),
		BPF_STMT(BPF_LD | BPF_MEM, 5),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	const struct sock_filter both_ways[] = {
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0),
		BPF_STMT(BPF_ST, 5),
		BPF_STMT(BPF_JMP | BPF_JA, 1),
		BPF_STMT(BPF_STX, 5),
		BPF_STMT(BPF_LD | BPF_MEM, 5),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	assert_int_equal(bpf_check(one_way, array_size(one_way), room), -EINVAL);
	assert_int_equal(bpf_check(both_ways, array_size(both_ways), room), 0);
}

/* The packet's bytes lie in the head and behind it, each in memory of its exact size. */
static const uint8_t *tail;

static uint32_t tail_copy(const struct bpf_packet *packet, uint32_t offset, void *to, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++) {
		uint32_t at = offset + i;

		((uint8_t *)to)[i] = at < packet->nr_head ? packet->head[at]
							  : tail[at - packet->nr_head];
	}
	return size;
}

static struct sock_filter random_insn(uint64_t *seed, uint32_t left)
{
	struct sock_filter insn = {
		.code = (uint16_t)random_below(seed, random_below(seed, 8) ? 0xc0 : 0x10000),
		.jt = (uint8_t)random_below(seed, left + 1),
		.jf = (uint8_t)random_below(seed, left + 1),
		.k = (uint32_t)random_next(seed),
	};

	switch (random_below(seed, 4)) {
	case 0:
		insn.k %= 80;
		break;
	case 1:
		insn.k = insn.k % 18;
		break;
	case 2:
		insn.k = (uint32_t)SKF_LL_OFF + insn.k % 0x201000;
		break;
	}
	return insn;
}

TEST(random_programs_that_pass_stay_inside)
{
	uint64_t seed = 1;
	uint32_t ran = 0;

	for (int round = 0; round < 300000; round++) {
		struct sock_filter program[12];
		uint32_t nr = 1 + (uint32_t)random_below(&seed, 11);
		uint32_t size = (uint32_t)random_below(&seed, 70), head = 0;
		struct bpf_packet packet;
		uint8_t *bytes;

		for (uint32_t i = 0; i < nr; i++)
			program[i] = random_insn(&seed, nr - i);
		program[nr - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
		if (bpf_check(program, nr, room))
			continue;
		bytes = malloc(size + 1);
		memset(bytes, (int)random_below(&seed, 256), size + 1);
		if (size)
			head = (uint32_t)random_below(&seed, size + 1);
		bytes = realloc(bytes, head ? head : 1);
		tail = calloc(1, size - head ? size - head : 1);
		packet = (struct bpf_packet){
			.head = bytes, .nr_head = head, .size = size, .copy = tail_copy,
			.data = (uint32_t)random_below(&seed, size + 1),
			.link = (int32_t)random_below(&seed, 3) - 1,
			.network = (int32_t)random_below(&seed, size + 2) - 1,
			.iface = (uint32_t)random_below(&seed, 2),
			.protocol = random_below(&seed, 2) ? ETH_P_IP : ETH_P_IPV6,
		};
		(void)bpf_run(program, &packet);
		free(bytes);
		free((void *)tail);
		ran++;
	}
	assert_true(ran > 5000);
}

UNIT_TESTS(T(a_real_filter_tells_packets_apart), T(loads_read_what_they_name),
	   T(ancillary_loads_tell_what_belongs_to_a_packet), T(programs_that_go_astray_are_refused),
	   T(memory_must_be_written_on_every_way), T(random_programs_that_pass_stay_inside))
