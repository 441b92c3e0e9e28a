/*
 * Packet sockets on lo: what is seen of frames that come and go, names, errors, options, rings that
 * are shared with the kernel.
 */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { OURS = 0x88b5, LO = 1 }; /* an ethertype for experiments */

static int open_packet(int type, int protocol)
{
	int sock = socket(AF_PACKET, type, htons((uint16_t)protocol));
	struct timeval second = { 2, 0 };

	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	return sock;
}

static struct sockaddr_ll link_address(int protocol, int index)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = index,
				       .sll_protocol = htons((uint16_t)protocol) };

	return address;
}

static int bind_link(int sock, int protocol, int index)
{
	struct sockaddr_ll address = link_address(protocol, index);

	return bind(sock, (struct sockaddr *)&address, sizeof(address));
}

static void lo_set(bool up)
{
	struct ifreq request = { .ifr_name = "lo" };
	int sock = socket(AF_PACKET, SOCK_DGRAM, 0);

	ioctl(sock, SIOCGIFFLAGS, &request);
	request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
	ioctl(sock, SIOCSIFFLAGS, &request);
	close(sock);
}

/* A frame of our type with this text behind the header. */
static size_t frame_make(uint8_t *frame, uint8_t first, const char *text)
{
	memset(frame, 0, ETH_HLEN);
	memset(frame, first, ETH_ALEN);
	frame[12] = OURS >> 8;
	frame[13] = OURS & 0xff;
	memcpy(frame + ETH_HLEN, text, strlen(text));
	return ETH_HLEN + strlen(text);
}

static ssize_t send_frame(int sock, uint8_t first, const char *text)
{
	struct sockaddr_ll address = link_address(OURS, LO);
	uint8_t frame[256];
	size_t size = frame_make(frame, first, text);

	return sendto(sock, frame, size, 0, (struct sockaddr *)&address, sizeof(address));
}

/* What one receive tells, as a fact. */
static void out_received(const char *what, int sock, int flags)
{
	struct sockaddr_ll from = { 0 };
	socklen_t size = sizeof(from);
	char buf[128] = { 0 };
	ssize_t n = recvfrom(sock, buf, 40, flags, (struct sockaddr *)&from, &size);

	if (n < 0) {
		OUT("%s: error %d", what, errno);
		return;
	}
	OUT("%s: %zd bytes, name of %u, family %d, protocol %04x, index %d, hatype %d, pkttype %d, "
	    "halen %d, address %02x%02x, last %d", what, n, (unsigned)size, from.sll_family,
	    ntohs(from.sll_protocol), from.sll_ifindex, from.sll_hatype, from.sll_pkttype,
	    from.sll_halen, from.sll_addr[0], from.sll_addr[5], buf[n > 40 ? 39 : n ? n - 1 : 0]);
}

static int try_socket(void *data)
{
	(void)data;
	if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
		return 1;
	return socket(AF_PACKET, SOCK_RAW, 0) == -1 ? errno : 0;
}

static void check_making(void)
{
	int sock;

	CHECK_EQ(a_user_may_not_open_one, WEXITSTATUS(check_in_child(try_socket, NULL)), EPERM);
	CHECK_ERRNO(streams_are_not_known, socket(AF_PACKET, SOCK_STREAM, 0), ESOCKTNOSUPPORT);
	sock = socket(AF_PACKET, SOCK_RAW, 0);
	CHECK_ERRNO(it_cannot_listen, listen(sock, 1), EOPNOTSUPP);
	CHECK_ERRNO(it_cannot_accept, accept(sock, NULL, NULL), EOPNOTSUPP);
	CHECK_ERRNO(it_cannot_be_shut_down, shutdown(sock, SHUT_RD), EOPNOTSUPP);
	CHECK_ERRNO(it_has_no_pairs, socketpair(AF_PACKET, SOCK_RAW, 0, (int[2]){ 0 }), EOPNOTSUPP);
	close(sock);
}

static void out_name(const char *what, int sock)
{
	struct sockaddr_ll name = { 0 };
	socklen_t size = sizeof(name);

	getsockname(sock, (struct sockaddr *)&name, &size);
	OUT("%s: name of %u, protocol %04x, index %d, hatype %d, halen %d", what, (unsigned)size,
	    ntohs(name.sll_protocol), name.sll_ifindex, name.sll_hatype, name.sll_halen);
}

static void check_names(void)
{
	int sock = socket(AF_PACKET, SOCK_RAW, 0);
	struct sockaddr_ll address = link_address(OURS, LO);
	struct sockaddr_ll bad = { .sll_family = AF_INET };
	socklen_t size = sizeof(address);

	out_name("fresh", sock);
	CHECK_ERRNO(a_short_name_is_EINVAL, bind(sock, (void *)&address, 12), EINVAL);
	CHECK_ERRNO(another_family_is_EINVAL, bind(sock, (void *)&bad, sizeof(bad)), EINVAL);
	CHECK_ERRNO(no_such_interface_is_ENODEV, bind_link(sock, OURS, 99), ENODEV);
	CHECK_EQ(it_is_bound, bind_link(sock, OURS, LO), 0);
	out_name("bound", sock);
	CHECK_EQ(it_is_bound_again_without_a_protocol, bind_link(sock, 0, LO), 0);
	out_name("bound again", sock);
	CHECK_EQ(it_is_bound_to_all, bind_link(sock, 0, 0), 0);
	out_name("bound to all", sock);
	CHECK_ERRNO(it_has_no_peer, getpeername(sock, (void *)&address, &size), EOPNOTSUPP);
	CHECK_ERRNO(it_does_not_connect, connect(sock, (void *)&address, sizeof(address)),
		    EOPNOTSUPP);
	close(sock);
}

static void check_passing(void)
{
	int all = open_packet(SOCK_RAW, ETH_P_ALL), ours = open_packet(SOCK_RAW, OURS);
	int dgram = open_packet(SOCK_DGRAM, OURS), sender = socket(AF_PACKET, SOCK_RAW, 0);
	struct sockaddr_ll to = link_address(OURS, LO);
	char buf[64];

	CHECK_EQ(a_frame_is_sent, send_frame(sender, 0, "hello"), ETH_HLEN + 5);
	out_received("all, first", all, 0);
	out_received("all, second", all, 0);
	out_received("ours", ours, 0);
	out_received("datagram", dgram, 0);
	CHECK_ERRNO(it_comes_once, recv(ours, buf, 64, MSG_DONTWAIT), EAGAIN);
	send_frame(sender, 0xff, "broadcast");
	out_received("broadcast out", all, 0);
	out_received("broadcast", all, 0);
	send_frame(sender, 0x03, "group");
	out_received("group out", all, 0);
	out_received("group", all, 0);
	send_frame(sender, 0x02, "stranger");
	out_received("stranger out", all, 0);
	out_received("stranger", all, 0);
	for (int i = 0; i < 3; i++) {
		recv(ours, buf, 64, 0);
		recv(dgram, buf, 64, 0);
	}
	CHECK_EQ(a_socket_sends_itself, send_frame(all, 0, "mine"), ETH_HLEN + 4);
	out_received("only what comes in", all, 0);
	CHECK_ERRNO(and_not_what_went_out, recv(all, buf, 64, MSG_DONTWAIT), EAGAIN);
	recv(ours, buf, 64, 0);
	recv(dgram, buf, 64, 0);
	to.sll_halen = 6;
	to.sll_addr[0] = 0;
	CHECK_EQ(a_datagram_is_sent, sendto(dgram, "packet", 6, 0, (void *)&to, sizeof(to)), 6);
	out_received("of a datagram", ours, 0);
	out_received("to a datagram socket", dgram, 0);
	close(all);
	close(ours);
	close(dgram);
	close(sender);
}

static void check_receiving(void)
{
	int ours = open_packet(SOCK_RAW, OURS), sender = socket(AF_PACKET, SOCK_RAW, 0), queued = 0;
	struct pollfd entry = { .fd = ours, .events = POLLIN | POLLOUT };
	char buf[64];

	poll(&entry, 1, 0);
	CHECK_EQ(an_empty_one_is_writable, entry.revents, POLLOUT);
	send_frame(sender, 0, "twenty bytes of text");
	poll(&entry, 1, 1000);
	CHECK_EQ(then_it_is_readable, entry.revents, POLLIN | POLLOUT);
	ioctl(ours, FIONREAD, &queued);
	CHECK_EQ(its_size_can_be_asked, queued, 34);
	CHECK_EQ(a_look_leaves_it, recv(ours, buf, 64, MSG_PEEK), 34);
	CHECK_EQ(a_short_read_can_tell_the_size, recv(ours, buf, 8, MSG_TRUNC), 34);
	CHECK_ERRNO(the_rest_is_lost, recv(ours, buf, 64, MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(out_of_band_is_EINVAL, recv(ours, buf, 64, MSG_OOB), EINVAL);
	CHECK_ERRNO(there_is_nothing_in_the_error_queue,
		    recv(ours, buf, 64, MSG_ERRQUEUE | MSG_DONTWAIT), EAGAIN);
	close(ours);
	close(sender);
}

static void check_errors(void)
{
	int sock = socket(AF_PACKET, SOCK_RAW, 0), bound = socket(AF_PACKET, SOCK_RAW, 0);
	struct sockaddr_ll nowhere = link_address(OURS, 99), to = link_address(OURS, LO);
	uint8_t *large = calloc(1, 70000), frame[64];
	size_t size = frame_make(frame, 0, "text");

	CHECK_ERRNO(nowhere_to_send_is_ENXIO, send(sock, frame, size, 0), ENXIO);
	CHECK_ERRNO(an_unknown_interface_is_ENXIO,
		    sendto(sock, frame, size, 0, (void *)&nowhere, sizeof(nowhere)), ENXIO);
	CHECK_ERRNO(a_short_name_is_no_destination,
		    sendto(sock, frame, size, 0, (void *)&to, 12), EINVAL);
	CHECK_ERRNO(less_than_a_header_is_EINVAL,
		    sendto(sock, frame, 10, 0, (void *)&to, sizeof(to)), EINVAL);
	CHECK_ERRNO(more_than_the_mtu_is_EMSGSIZE,
		    sendto(sock, large, 70000, 0, (void *)&to, sizeof(to)), EMSGSIZE);
	bind_link(bound, OURS, LO);
	CHECK_EQ(a_bound_one_knows_where_to, send(bound, frame, size, 0), (ssize_t)size);
	recv(bound, frame, sizeof(frame), MSG_DONTWAIT);
	lo_set(false);
	CHECK_ERRNO(what_is_down_sends_nothing,
		    sendto(sock, frame, size, 0, (void *)&to, sizeof(to)), ENETDOWN);
	CHECK_ERRNO(a_reader_hears_of_it, recv(bound, frame, sizeof(frame), MSG_DONTWAIT),
		    ENETDOWN);
	CHECK_ERRNO(but_once, recv(bound, frame, sizeof(frame), MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(what_is_down_can_be_bound_to, bind_link(sock, OURS, LO), 0);
	CHECK_ERRNO(and_says_so, recv(sock, frame, sizeof(frame), MSG_DONTWAIT), ENETDOWN);
	lo_set(true);
	send(bound, frame, size, 0);
	CHECK_EQ(what_is_up_again_goes_on, recv(bound, frame, sizeof(frame), 0), (ssize_t)size);
	free(large);
	close(sock);
	close(bound);
}

static int option_int(int sock, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(sock, SOL_PACKET, name, &value, &size) ? -errno : value;
}

static int header_size(int sock, int version)
{
	socklen_t size = sizeof(version);

	return getsockopt(sock, SOL_PACKET, PACKET_HDRLEN, &version, &size) ? -errno : version;
}

static void check_options(void)
{
	int sock = socket(AF_PACKET, SOCK_RAW, 0), on = 1;

	for (int version = TPACKET_V1; version <= TPACKET_V3 + 1; version++)
		OUT("header of version %d: %d", version, header_size(sock, version));
	OUT("version %d, auxdata %d, reserve %d, statistics %d, nothing %d",
	    option_int(sock, PACKET_VERSION), option_int(sock, PACKET_AUXDATA),
	    option_int(sock, PACKET_RESERVE), option_int(sock, PACKET_STATISTICS),
	    option_int(sock, 99));
	CHECK_EQ(auxdata_can_be_had, setsockopt(sock, SOL_PACKET, PACKET_AUXDATA, &on, 4), 0);
	CHECK_EQ(auxdata_is_on, option_int(sock, PACKET_AUXDATA), 1);
	CHECK_ERRNO(a_short_value_is_EINVAL, setsockopt(sock, SOL_PACKET, PACKET_AUXDATA, &on, 2),
		    EINVAL);
	CHECK_ERRNO(an_unknown_option_is_ENOPROTOOPT, setsockopt(sock, SOL_PACKET, 99, &on, 4),
		    ENOPROTOOPT);
	on = 5;
	CHECK_ERRNO(an_unknown_version_is_EINVAL,
		    setsockopt(sock, SOL_PACKET, PACKET_VERSION, &on, 4), EINVAL);
	CHECK_ERRNO(an_option_of_IP_is_ENOPROTOOPT, setsockopt(sock, SOL_IP, 1, &on, 4),
		    ENOPROTOOPT);
	close(sock);
}

static void check_auxdata(void)
{
	int ours = open_packet(SOCK_RAW, OURS), sender = socket(AF_PACKET, SOCK_RAW, 0), on = 1;
	char control[128], buf[16];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	struct tpacket_auxdata auxdata = { 0 };
	socklen_t size;
	struct tpacket_stats stats;

	setsockopt(ours, SOL_PACKET, PACKET_AUXDATA, &on, 4);
	send_frame(sender, 0, "twenty bytes of text");
	CHECK_EQ(a_message_is_cut, recvmsg(ours, &message, 0), 16);
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == PACKET_AUXDATA)
		memcpy(&auxdata, CMSG_DATA(header), sizeof(auxdata));
	OUT("flags %x, level %d, type %d, status %x, length %u of %u, mac %d, net %d",
	    (unsigned)message.msg_flags, header ? header->cmsg_level : 0,
	    header ? header->cmsg_type : 0, auxdata.tp_status, auxdata.tp_snaplen, auxdata.tp_len,
	    auxdata.tp_mac, auxdata.tp_net);
	send_frame(sender, 0, "one");
	send_frame(sender, 0, "two");
	size = sizeof(stats);
	getsockopt(ours, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
	OUT("statistics of %u bytes: %u packets, %u drops", (unsigned)size, stats.tp_packets,
	    stats.tp_drops);
	getsockopt(ours, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
	CHECK_EQ(statistics_begin_anew, stats.tp_packets, 0);
	close(ours);
	close(sender);
}

static void check_filter(void)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH_HLEN),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_IFINDEX),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LO, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ETH_HLEN + 2),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter network[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)SKF_LL_OFF + 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OURS, 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF + 1),
		BPF_STMT(BPF_RET | BPF_A, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog filter = { 6, program };
	int ours = open_packet(SOCK_RAW, OURS), dgram = open_packet(SOCK_DGRAM, OURS);
	int sender = socket(AF_PACKET, SOCK_RAW, 0);
	char buf[64];

	setsockopt(ours, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
	filter = (struct sock_fprog){ 5, network };
	setsockopt(dgram, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
	send_frame(sender, 0, "no\003 of three");
	send_frame(sender, 0, "y\004es");
	CHECK_EQ(a_filter_cuts_what_it_takes, recv(ours, buf, 64, 0), ETH_HLEN + 2);
	CHECK_EQ(it_has_let_nothing_else_through, buf[ETH_HLEN], 'y');
	CHECK_ERRNO(nothing_follows, recv(ours, buf, 64, MSG_DONTWAIT), EAGAIN);
	OUT("by the second byte: %zd, %zd", recv(dgram, buf, 64, 0), recv(dgram, buf, 64, 0));
	close(ours);
	close(dgram);
	close(sender);
}

static void check_memberships(void)
{
	int sock = socket(AF_PACKET, SOCK_RAW, 0);
	struct packet_mreq request = { .mr_ifindex = LO, .mr_type = PACKET_MR_PROMISC };

	CHECK_EQ(all_frames_can_be_had,
		 setsockopt(sock, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request)), 0);
	CHECK_EQ(twice,
		 setsockopt(sock, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request)), 0);
	CHECK_EQ(and_given_up,
		 setsockopt(sock, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &request, sizeof(request)),
		 0);
	CHECK_EQ(as_often,
		 setsockopt(sock, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &request, sizeof(request)),
		 0);
	CHECK_EQ(once_more_does_nothing,
		 setsockopt(sock, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &request, sizeof(request)),
		 0);
	CHECK_ERRNO(a_short_request_is_EINVAL,
		    setsockopt(sock, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, 8), EINVAL);
	request.mr_ifindex = 99;
	CHECK_ERRNO(an_unknown_interface_is_ENODEV,
		    setsockopt(sock, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request)),
		    ENODEV);
	close(sock);
}

static int ring_make(int sock, int version, struct tpacket_req3 *request)
{
	setsockopt(sock, SOL_PACKET, PACKET_VERSION, &version, sizeof(version));
	return setsockopt(sock, SOL_PACKET, PACKET_RX_RING, request,
			  version == TPACKET_V3 ? sizeof(*request) : sizeof(struct tpacket_req));
}

static void check_ring_frames(void)
{
	struct tpacket_req3 request = { 4096, 2, 2048, 4, 0, 0, 0 };
	int ours = open_packet(SOCK_RAW, OURS), sender = socket(AF_PACKET, SOCK_RAW, 0);
	struct pollfd entry = { .fd = ours, .events = POLLIN };
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);
	uint8_t *ring;

	request.tp_frame_nr = 5;
	CHECK_ERRNO(frames_must_fill_the_blocks, ring_make(ours, TPACKET_V2, &request), EINVAL);
	request.tp_frame_nr = 4;
	request.tp_block_size = 1000;
	CHECK_ERRNO(blocks_are_pages, ring_make(ours, TPACKET_V2, &request), EINVAL);
	request.tp_block_size = 4096;
	request.tp_frame_size = 40;
	CHECK_ERRNO(frames_have_room_for_a_header, ring_make(ours, TPACKET_V2, &request), EINVAL);
	request.tp_frame_size = 2048;
	CHECK(without_a_ring_there_is_nothing_to_map,
	      mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, ours, 0) == MAP_FAILED &&
		      errno == EINVAL);
	CHECK_EQ(a_ring_is_made, ring_make(ours, TPACKET_V2, &request), 0);
	CHECK_ERRNO(there_is_one_only, ring_make(ours, TPACKET_V2, &request), EBUSY);
	CHECK(a_part_cannot_be_mapped,
	      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ours, 0) == MAP_FAILED &&
		      errno == EINVAL);
	ring = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, ours, 0);
	if (!CHECK(the_whole_can, ring != MAP_FAILED))
		return;
	poll(&entry, 1, 0);
	CHECK_EQ(an_empty_ring_is_not_readable, entry.revents, 0);
	for (int i = 0; i < 6; i++) {
		char text[] = "frame 0";

		text[6] = (char)('0' + i);
		send_frame(sender, 0, text);
	}
	poll(&entry, 1, 1000);
	CHECK_EQ(a_filled_ring_is_readable, entry.revents, POLLIN);
	for (int i = 0; i < 4; i++) {
		volatile struct tpacket2_hdr *header = (void *)(ring + i * 2048);
		struct sockaddr_ll *from =
			(void *)(ring + i * 2048 + TPACKET_ALIGN(sizeof(struct tpacket2_hdr)));

		OUT("frame %d: status %x, %u of %u, mac %d, net %d, text '%.7s', type %d, "
		    "protocol %04x", i, header->tp_status & TP_STATUS_USER, header->tp_snaplen,
		    header->tp_len, header->tp_mac, header->tp_net,
		    (char *)ring + i * 2048 + header->tp_net, from->sll_pkttype,
		    ntohs(from->sll_protocol));
		header->tp_status = TP_STATUS_KERNEL;
	}
	getsockopt(ours, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
	OUT("ring: %u packets, %u drops", stats.tp_packets, stats.tp_drops);
	send_frame(sender, 0, "frame 6");
	poll(&entry, 1, 1000);
	OUT("again: '%.7s'", (char *)ring + ((struct tpacket2_hdr *)ring)->tp_net);
	memset(&request, 0, sizeof(request));
	CHECK_ERRNO(a_mapped_ring_stays, ring_make(ours, TPACKET_V2, &request), EBUSY);
	munmap(ring, 8192);
	CHECK_EQ(another_goes, ring_make(ours, TPACKET_V2, &request), 0);
	close(ours);
	close(sender);
}

static void check_ring_blocks(void)
{
	struct tpacket_req3 request = { 4096, 3, 2048, 6, 40, 12, 0 };
	int ours = open_packet(SOCK_RAW, OURS), sender = socket(AF_PACKET, SOCK_RAW, 0);
	struct pollfd entry = { .fd = ours, .events = POLLIN };
	struct tpacket_block_desc *block;
	struct tpacket3_hdr *packet;
	uint8_t *ring;

	if (!CHECK_EQ(a_ring_of_blocks_is_made, ring_make(ours, TPACKET_V3, &request), 0))
		return;
	ring = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ours, 0);
	if (!CHECK(it_can_be_mapped, ring != MAP_FAILED))
		return;
	send_frame(sender, 0, "first of them");
	send_frame(sender, 0, "second");
	CHECK_EQ(time_closes_a_block, poll(&entry, 1, 2000), 1);
	block = (void *)ring;
	OUT("block: version %u, private at %u, status %x, %u packets, first at %u, length %u, "
	    "number %llu", block->version, block->offset_to_priv,
	    block->hdr.bh1.block_status & (TP_STATUS_USER | TP_STATUS_BLK_TMO),
	    block->hdr.bh1.num_pkts, block->hdr.bh1.offset_to_first_pkt, block->hdr.bh1.blk_len,
	    (unsigned long long)block->hdr.bh1.seq_num);
	packet = (void *)(ring + block->hdr.bh1.offset_to_first_pkt);
	for (unsigned i = 0; i < block->hdr.bh1.num_pkts && i < 2; i++) {
		OUT("packet %u: next %u, %u of %u, mac %d, net %d, text '%.6s'", i,
		    packet->tp_next_offset, packet->tp_snaplen, packet->tp_len, packet->tp_mac,
		    packet->tp_net, (char *)packet + packet->tp_net);
		packet = (void *)((uint8_t *)packet + packet->tp_next_offset);
	}
	block->hdr.bh1.block_status = TP_STATUS_KERNEL;
	for (int i = 0; i < 60; i++)
		send_frame(sender, 0, "a hundred of these will not go into what there is of room");
	poll(&entry, 1, 1000);
	block = (void *)(ring + 4096);
	OUT("full block: status %x, %u packets, length %u",
	    block->hdr.bh1.block_status & (TP_STATUS_USER | TP_STATUS_BLK_TMO),
	    block->hdr.bh1.num_pkts, block->hdr.bh1.blk_len);
	close(ours);
	send_frame(sender, 0, "nobody has it open any more, but it is mapped");
	CHECK_EQ(a_mapped_ring_outlives_its_descriptor, block->version, TPACKET_V3);
	munmap(ring, 3 * 4096);
	close(sender);
}

/* A ring that goes with the last area: replaced by another mapping, or with its process. */
static int lose_ring(void *data)
{
	struct tpacket_req3 request = { 4096, 3, 2048, 6, 40, 0, 0 };
	int ours = open_packet(SOCK_RAW, OURS), sender = socket(AF_PACKET, SOCK_RAW, 0);
	uint8_t *ring;

	if (ring_make(ours, TPACKET_V3, &request))
		return 1;
	ring = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ours, 0);
	if (ring == MAP_FAILED)
		return 2;
	send_frame(sender, 0, "lost");
	close(ours);
	if (data)
		mmap(ring, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	return 0;
}

int main(void)
{
	lo_set(true);
	check_making();
	check_names();
	check_passing();
	check_receiving();
	check_options();
	check_auxdata();
	check_filter();
	check_memberships();
	check_ring_frames();
	check_ring_blocks();
	CHECK_EQ(a_ring_goes_with_its_process, check_in_child(lose_ring, NULL), 0);
	CHECK_EQ(a_ring_goes_when_it_is_mapped_over, check_in_child(lose_ring, &(int){ 1 }), 0);
	check_errors();
	return 0;
}
