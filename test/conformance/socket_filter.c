/*
 * Filters of sockets (classic BPF): what may be attached, what random programs answer, locks.
 *
 * The random programs are the same on both kernels; what came of each is folded into a number that
 * is printed every so often.
 */
#define _GNU_SOURCE
#include "check.h"

#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { PROGRAMS = 6000, EACH = 500, MESSAGE = 64 };

static int attach(int sock, struct sock_filter *program, unsigned short nr)
{
	struct sock_fprog filter = { .len = nr, .filter = program };

	return setsockopt(sock, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

static uint64_t seed = 88172645463325252ull;

static uint32_t random_below(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16) % below;
}

/* Numbers that mean something to somebody. */
static uint32_t random_number(void)
{
	static const uint32_t numbers[] = {
		0, 1, 2, 3, 4, 5, 12, 15, 16, 31, 32, 33, 60, 61, 62, 63, 64, 65, 255,
		0x7fffffff, 0x80000000, 0xffff, 0x10000, 0x7ffffffe,
	};

	return random_below(3) ? numbers[random_below(sizeof(numbers) / sizeof(*numbers))]
			       : random_below(1u << 31);
}

/* What both kernels must answer alike: not the CPU, and nothing random. */
static uint32_t random_ancillary(void)
{
	static const uint32_t kinds[] = {
		SKF_AD_PROTOCOL, SKF_AD_PKTTYPE, SKF_AD_IFINDEX, SKF_AD_NLATTR, SKF_AD_NLATTR_NEST,
		SKF_AD_MARK, SKF_AD_HATYPE, SKF_AD_ALU_XOR_X, SKF_AD_VLAN_TAG,
		SKF_AD_VLAN_TAG_PRESENT, SKF_AD_PAY_OFFSET, 64, 68, 2,
	};

	return (uint32_t)SKF_AD_OFF + kinds[random_below(sizeof(kinds) / sizeof(*kinds))];
}

static struct sock_filter random_insn(int left)
{
	static const uint16_t sizes[] = { BPF_W, BPF_H, BPF_B };
	struct sock_filter insn = { .k = random_number() };

	switch (random_below(12)) {
	case 0:
		insn.code = (uint16_t)(BPF_LD | sizes[random_below(3)] | BPF_ABS);
		insn.k = random_below(4) ? random_below(MESSAGE + 3) : random_ancillary();
		break;
	case 1:
		insn.code = (uint16_t)(BPF_LD | sizes[random_below(3)] | BPF_IND);
		insn.k = random_below(8);
		break;
	case 2:
		insn.code = (uint16_t)(random_below(2) ? BPF_LD | BPF_IMM : BPF_LDX | BPF_IMM);
		break;
	case 3:
		insn.code = (uint16_t)(random_below(2) ? BPF_LD | BPF_MEM : BPF_LDX | BPF_MEM);
		insn.k = random_below(3);
		break;
	case 4:
	case 5:
		insn.code = (uint16_t)(random_below(2) ? BPF_ST : BPF_STX);
		insn.k = random_below(random_below(40) ? 3 : 18);
		break;
	case 6:
		insn.code = (uint16_t)(random_below(2) ? BPF_LDX | BPF_B | BPF_MSH
						       : BPF_LD | BPF_W | BPF_LEN);
		insn.k = random_below(MESSAGE);
		break;
	case 7:
	case 8:
		insn.code = (uint16_t)(BPF_ALU | random_below(12) << 4 | random_below(2) << 3);
		break;
	case 9:
		insn.code = (uint16_t)(BPF_MISC | (random_below(2) ? BPF_TAX : BPF_TXA));
		break;
	case 10:
		insn.code = (uint16_t)(BPF_JMP | random_below(5) << 4 | random_below(2) << 3);
		insn.jt = (uint8_t)random_below((uint32_t)left + 1);
		insn.jf = (uint8_t)random_below((uint32_t)left + 1);
		insn.k = insn.code == (BPF_JMP | BPF_JA) ? random_below((uint32_t)left + 1)
							 : insn.k;
		break;
	default:
		insn.code = (uint16_t)random_below(random_below(30) ? 0xb8 : 0x10000);
		break;
	}
	return insn;
}

/* What came of one program: 0 to 64 bytes of the message, 65: it was refused. */
static uint32_t try_program(int pair[2])
{
	struct sock_filter program[24];
	int nr = 2 + (int)random_below(20);
	char message[MESSAGE], got[MESSAGE];

	for (int i = 0; i < nr - 1; i++)
		program[i] = random_insn(nr - 2 - i);
	program[nr - 1] = (struct sock_filter){
		.code = (uint16_t)(random_below(4) ? BPF_RET | BPF_A : BPF_RET | BPF_K),
		.k = random_below(MESSAGE * 2),
	};
	for (int i = 0; i < MESSAGE; i++)
		message[i] = (char)random_below(i < 8 ? 12 : 256);
	if (attach(pair[1], program, (unsigned short)nr))
		return errno == EINVAL ? 65 : 66;
	if (send(pair[0], message, sizeof(message), 0) != MESSAGE)
		return 67;
	ssize_t n = recv(pair[1], got, sizeof(got), MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN ? 0 : 68;
	return memcmp(message, got, (size_t)n) ? 69 : (uint32_t)n;
}

static void check_random_programs(void)
{
	uint32_t sum = 0, refused = 0, dropped = 0, whole = 0, odd = 0;
	int pair[2];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	for (int i = 1; i <= PROGRAMS; i++) {
		uint32_t result = try_program(pair);

		sum = sum * 31 + result;
		refused += result == 65;
		dropped += result == 0;
		whole += result == MESSAGE;
		odd += result > 65;
		if (i % EACH == 0)
			OUT("%d programs: %u refused, %u drop, %u take all, sum %08x", i, refused,
			    dropped, whole, sum);
	}
	CHECK_EQ(nothing_odd_came_of_a_program, odd, 0);
	close(pair[0]);
	close(pair[1]);
}

static void check_attaching(void)
{
	struct sock_filter all[] = { { BPF_RET | BPF_K, 0, 0, 0xffffffff } };
	struct sock_filter none[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_filter five[] = { { BPF_RET | BPF_K, 0, 0, 5 } };
	struct sock_filter endless[] = { { BPF_JMP | BPF_JA, 0, 0, 0xffffffff },
					 { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_filter open_end[] = { { BPF_LD | BPF_IMM, 0, 0, 1 } };
	struct sock_fprog filter = { .len = 1, .filter = all };
	int pair[2], on = 1, off = 0;
	char got[64];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	CHECK_ERRNO(detaching_without_a_filter_is_ENOENT,
		    setsockopt(pair[1], SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof(on)), ENOENT);
	CHECK_ERRNO(a_short_structure_is_EINVAL,
		    setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &filter, 8), EINVAL);
	CHECK_ERRNO(no_instructions_are_EINVAL, attach(pair[1], all, 0), EINVAL);
	CHECK_ERRNO(too_many_instructions_are_EINVAL, attach(pair[1], all, 4097), EINVAL);
	CHECK_ERRNO(instructions_nowhere_are_EFAULT, attach(pair[1], (void *)8, 1), EFAULT);
	CHECK_ERRNO(a_jump_back_is_EINVAL, attach(pair[1], endless, 2), EINVAL);
	CHECK_ERRNO(an_end_without_a_return_is_EINVAL, attach(pair[1], open_end, 1), EINVAL);
	CHECK_EQ(a_filter_is_attached, attach(pair[1], none, 1), 0);
	CHECK_EQ(the_sender_hears_nothing_of_it, send(pair[0], "unwanted", 8, 0), 8);
	CHECK_ERRNO(what_is_not_wanted_does_not_come, recv(pair[1], got, 64, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(another_filter_replaces_it, attach(pair[1], five, 1), 0);
	send(pair[0], "cut here", 8, 0);
	CHECK_EQ(a_message_is_cut, recv(pair[1], got, 64, MSG_DONTWAIT), 5);
	CHECK_EQ(a_filter_is_detached,
		 setsockopt(pair[1], SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof(on)), 0);
	send(pair[0], "all of it", 9, 0);
	CHECK_EQ(then_all_comes, recv(pair[1], got, 64, MSG_DONTWAIT), 9);
	attach(pair[1], five, 1);
	CHECK_EQ(a_filter_can_be_locked,
		 setsockopt(pair[1], SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)), 0);
	CHECK_ERRNO(a_lock_stays,
		    setsockopt(pair[1], SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof(off)), EPERM);
	CHECK_ERRNO(a_locked_filter_is_not_replaced, attach(pair[1], all, 1), EPERM);
	CHECK_ERRNO(a_locked_filter_is_not_detached,
		    setsockopt(pair[1], SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof(on)), EPERM);
	close(pair[0]);
	close(pair[1]);
}

static void check_asking(void)
{
	struct sock_filter two[] = { { BPF_LD | BPF_W | BPF_LEN, 0, 0, 0 },
				     { BPF_RET | BPF_A, 0, 0, 0 } };
	struct sock_filter got[4] = { 0 };
	socklen_t nr = 4;
	int pair[2];

	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
	CHECK_EQ(without_a_filter_there_is_none,
		 getsockopt(pair[1], SOL_SOCKET, SO_GET_FILTER, got, &nr), 0);
	CHECK_EQ(and_it_has_no_instructions, nr, 0);
	attach(pair[1], two, 2);
	nr = 0;
	CHECK_EQ(the_number_can_be_asked,
		 getsockopt(pair[1], SOL_SOCKET, SO_GET_FILTER, NULL, &nr), 0);
	CHECK_EQ(it_counts_instructions, nr, 2);
	nr = 1;
	CHECK_ERRNO(too_little_room_is_EINVAL,
		    getsockopt(pair[1], SOL_SOCKET, SO_GET_FILTER, got, &nr), EINVAL);
	nr = 4;
	CHECK_EQ(the_program_can_be_had,
		 getsockopt(pair[1], SOL_SOCKET, SO_GET_FILTER, got, &nr), 0);
	CHECK(it_is_the_one_that_was_attached, nr == 2 && !memcmp(got, two, sizeof(two)));
	send(pair[0], "whole", 5, 0);
	CHECK_EQ(sequenced_packets_are_filtered, recv(pair[1], got, sizeof(got), MSG_DONTWAIT), 5);
	close(pair[0]);
	close(pair[1]);
}

/* Asks the kernel for lo; the answer's size, or -errno. */
static int ask_netlink(int sock)
{
	struct { struct nlmsghdr header; struct ifinfomsg link; } request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK,
			    .nlmsg_flags = NLM_F_REQUEST },
		.link = { .ifi_index = 1 },
	};
	char answer[8192];

	if (send(sock, &request, sizeof(request), 0) != sizeof(request))
		return -1000;
	ssize_t n = recv(sock, answer, sizeof(answer), MSG_DONTWAIT);
	return n < 0 ? -errno : (int)n;
}

static void check_netlink(void)
{
	struct sock_filter none[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_filter of_links[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RTM_NEWLINK << 8, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 20),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	int sock = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	CHECK(the_kernel_answers, ask_netlink(sock) > 100);
	attach(sock, none, 1);
	CHECK_EQ(a_filter_drops_the_answer, ask_netlink(sock), -EAGAIN);
	attach(sock, of_links, 4);
	CHECK_EQ(a_filter_cuts_the_answer, ask_netlink(sock), 20);
	close(sock);
}

int main(void)
{
	check_netlink();
	check_attaching();
	check_asking();
	check_random_programs();
	return 0;
}
