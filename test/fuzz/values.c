/*
 * values.c - arguments for system calls.
 */
#define _GNU_SOURCE
#include "values.h"

#include <fcntl.h>
#include <netpacket/packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define PICK(array) (array)[random_below(sizeof(array) / sizeof(*(array)))]

enum { SLOTS = 15, SLOT_SIZE = 0x1000, KEPT = 16 };

static uint64_t kept[KEPT];
static unsigned int nr_kept;

static uint64_t vdso;

void values_init(void)
{
	int file = open("/tmp/short", O_RDWR | O_CREAT, 0600);
	const int fixed = MAP_FIXED | MAP_PRIVATE;

	(void)!write(file, "short", 5);
	mmap((void *)ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE, fixed | MAP_ANONYMOUS, -1, 0);
	mmap((void *)READ_ONLY, 0x4000, PROT_READ, fixed | MAP_ANONYMOUS, -1, 0);
	mmap((void *)NO_ACCESS, 0x4000, PROT_NONE, fixed | MAP_ANONYMOUS, -1, 0);
	mmap((void *)PAST_END, 0x4000, PROT_READ | PROT_WRITE, fixed, file, 0x1000);
	close(file);
	vdso = getauxval(AT_SYSINFO_EHDR);
}

void value_remember(long result)
{
	if (result > 0)
		kept[nr_kept++ % KEPT] = (uint64_t)result;
}

static uint64_t any_word(void)
{
	static const uint64_t edges[] = {
		0,
		1,
		2,
		7,
		8,
		16,
		255,
		256,
		4095,
		4096,
		4097,
		65535,
		65536,
		1 << 20,
		0x7fffffff,
		0x80000000,
		0xfffff000,
		0xffffffff,
		1ULL << 32,
		0x7ffffffffffff000,
		0x7fffffffffffffff,
		1ULL << 63,
		~0ULL,
		~0ULL - 4095,
		0xffffffff80000000,
		0x00007ffffffff000,
	};

	switch (random_below(5)) {
	case 0:
		return PICK(edges);
	case 1:
		return random_below(16);
	case 2:
		return 1ULL << random_below(64);
	case 3:
		return PICK(kept);
	default:
		return random_word() >> random_below(61);
	}
}

static uint64_t bad_pointer(void)
{
	const uint64_t pointers[] = {
		0,
		1,
		8,
		0xfff,
		0x10000,
		NO_ACCESS,
		READ_ONLY,
		READ_ONLY + 4093,
		PAST_END,
		ARENA + ARENA_SIZE,
		ARENA + ARENA_SIZE - 1,
		ARENA + ARENA_SIZE - 8,
		0x00007fffffffeff8,
		0x00007ffffffff000,
		0x0000800000000000,
		0x8000000000000000,
		0xffff800000000000,
		0xffff888000000000,
		0xffffffff80000000,
		0xffffffff81000000,
		0xfffffffffffff000,
		~0ULL,
		~0ULL - 7,
		vdso,
		vdso + 0x1000,
		0x20000000,
	};

	return PICK(pointers);
}

/* A slot of the arena; one in eight begins so late that a structure runs into the hole. */
static void *slot(void)
{
	uint64_t at = ARENA + random_below(SLOTS) * SLOT_SIZE;

	if (random_chance(8))
		at = ARENA + ARENA_SIZE - 1 - random_below(64);
	return (void *)(at + (random_chance(16) ? random_below(8) : 0));
}

static void put(void *at, const void *data, size_t size)
{
	size_t room = ARENA + ARENA_SIZE - (uintptr_t)at;

	memcpy(at, data, size < room ? size : room);
}

static uint64_t fill_words(void)
{
	uint64_t words[24];
	void *at = slot();

	for (size_t i = 0; i < 24; i++)
		words[i] = random_chance(3)   ? random_below(8)
			   : random_chance(4) ? (uint64_t)slot()
					      : any_word();
	if (random_chance(2))
		put(at, words, sizeof(words));
	return (uint64_t)at;
}

static uint64_t fill_path(void)
{
	static const char *const paths[] = {
		"",
		"/",
		".",
		"..",
		"file",
		"dir",
		"dir/inner",
		"dir/new",
		"new",
		"newer",
		"link",
		"loop",
		"dangling",
		"fifo",
		"socket",
		"dir/",
		"file/",
		"dir/../file",
		"./dir/./inner",
		"//dir//",
		"/proc/self/exe",
		"/proc/self/maps",
		"/proc/self/fd/5",
		"/proc/self/fd",
		"/proc/self/mem",
		"/proc/self/ns/mnt",
		"/proc/self/cwd",
		"/proc/self/root/file",
		"/proc/self/task",
		"/proc/self/oom_score_adj",
		"/proc/self/comm",
		"/proc/mounts",
		"/proc/stat",
		"/proc/sys/kernel/hostname",
		"/proc",
		"/proc/thread-self",
		"/dev/null",
		"/dev/ptmx",
		"/dev/tty",
		"/dev/full",
		"/dev/zero",
		"/dev/random",
		"/dev/pts",
		"/dev/pts/0",
		"tmpfs",
		"proc",
		"devpts",
		"sysfs",
		"none",
		"user.name",
		"security.x",
		"trusted.y",
		"script",
	};
	char text[4200];
	void *at = slot();

	if (random_chance(24)) {
		memset(text, random_chance(2) ? 'n' : '/', sizeof(text));
		text[random_below(sizeof(text))] = '\0';
		put(at, text, sizeof(text));
	} else {
		snprintf(text, sizeof(text), "%s", PICK(paths));
		put(at, text, strlen(text) + 1);
	}
	return (uint64_t)at;
}

static uint64_t fill_iovecs(void)
{
	struct iovec iov[6];
	void *at = slot();

	for (size_t i = 0; i < 6; i++)
		iov[i] = (struct iovec){ (void *)value_of('P'), value_of('l') };
	put(at, iov, sizeof(iov));
	return (uint64_t)at;
}

static uint64_t fill_times(void)
{
	struct timespec times[4];
	void *at = slot();

	for (size_t i = 0; i < 4; i++) {
		times[i].tv_sec = random_chance(2) ? 0 : (time_t)any_word();
		times[i].tv_nsec =
			random_chance(6) ? (long)any_word() : (long)random_below(2000000);
	}
	put(at, times, sizeof(times));
	return (uint64_t)at;
}

/* Of the families on a network; ports and addresses that may be ours. */
static uint64_t fill_network_address(void)
{
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_ll link;
		struct {
			unsigned short family, pad;
			uint32_t port, groups;
		} netlink;
	} address = { 0 };
	uint64_t number = random_chance(4) ? random_below(4) : 40000 + random_below(4);
	uint16_t port = htons((uint16_t)number);
	void *at = slot();

	switch (random_below(4)) {
	case 0:
		address.in.sin_family = AF_INET;
		address.in.sin_port = port;
		address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		if (random_chance(4))
			address.in.sin_addr.s_addr = (uint32_t)any_word();
		break;
	case 1:
		address.in6.sin6_family = AF_INET6;
		address.in6.sin6_port = port;
		address.in6.sin6_addr = random_chance(2) ? in6addr_loopback : in6addr_any;
		address.in6.sin6_scope_id = (uint32_t)random_below(4);
		break;
	case 2:
		address.link.sll_family = AF_PACKET;
		address.link.sll_protocol = htons((uint16_t)random_below(0x900));
		address.link.sll_ifindex = (int)random_below(3);
		address.link.sll_halen = (unsigned char)random_below(9);
		break;
	default:
		address.netlink.family = AF_NETLINK;
		address.netlink.port = (uint32_t)random_below(3);
		address.netlink.groups = (uint32_t)random_word();
		break;
	}
	put(at, &address, sizeof(address));
	return (uint64_t)at;
}

static uint64_t fill_address(void)
{
	static const char *const names[] = {
		"socket", "new", "\0abstract", "\0other", "file", "dir"
	};
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	void *at = slot();

	if (random_chance(2))
		return fill_network_address();
	memcpy(address.sun_path, PICK(names), 6);
	if (random_chance(6))
		address.sun_family = (sa_family_t)random_below(48);
	put(at, &address, sizeof(address));
	return (uint64_t)at;
}

static uint64_t fill_message(void)
{
	struct {
		struct cmsghdr header;
		int fds[4];
	} control = { { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS }, { 0 } };
	struct msghdr message = { .msg_iov = (void *)fill_iovecs(), .msg_iovlen = random_below(7) };
	void *at = slot(), *rights = slot();

	for (size_t i = 0; i < 4; i++)
		control.fds[i] = (int)value_of('f');
	control.header.cmsg_len =
		random_chance(4) ? (socklen_t)any_word() : (socklen_t)(16 + 4 * random_below(5));
	control.header.cmsg_type = (int)(1 + random_below(3));
	if (random_chance(3)) {
		static const int levels[] = { IPPROTO_IP, IPPROTO_IPV6, SOL_PACKET, IPPROTO_UDP };

		control.header.cmsg_level = PICK(levels);
		control.header.cmsg_type = (int)random_below(80);
	}
	put(rights, &control, sizeof(control));
	if (random_chance(2)) {
		message.msg_name = (void *)fill_address();
		message.msg_namelen = (socklen_t)random_below(130);
	}
	message.msg_control = random_chance(3) ? NULL : rights;
	message.msg_controllen = random_chance(6) ? value_of('l') : sizeof(control);
	put(at, &message, sizeof(message));
	return (uint64_t)at;
}

static uint64_t fill_pollfds(void)
{
	struct pollfd fds[8];
	void *at = slot();

	for (size_t i = 0; i < 8; i++)
		fds[i] =
			(struct pollfd){ .fd = (int)value_of('f'), .events = (short)random_word() };
	put(at, fds, sizeof(fds));
	return (uint64_t)at;
}

static uint64_t fill_event(void)
{
	struct epoll_event event = { .events = (uint32_t)random_word(), .data.u64 = random_word() };
	void *at = slot();

	if (random_chance(2))
		event.events &= 0x1f;
	put(at, &event, sizeof(event));
	return (uint64_t)at;
}

static uint64_t fill_vector(void)
{
	uint64_t words[8] = { 0 };
	void *at = slot();

	for (uint64_t i = random_below(8); i-- > 0;)
		words[i] = value_of('p');
	put(at, words, sizeof(words));
	return (uint64_t)at;
}

static uint64_t pointer_of(char kind)
{
	if (random_chance(8))
		return bad_pointer();
	if (random_chance(12))
		return 0;
	switch (kind) {
	case 'p':
		return fill_path();
	case 'v':
		return fill_iovecs();
	case 't':
		return fill_times();
	case 'A':
		return fill_address();
	case 'M':
		return fill_message();
	case 'q':
		return fill_pollfds();
	case 'e':
		return fill_event();
	case 'x':
		return fill_vector();
	default:
		return fill_words();
	}
}

static uint64_t length(void)
{
	static const uint64_t usual[] = { 0,  1,  4,   8,   12,  16,   24,  32,
					  64, 88, 128, 256, 512, 4096, 8192 };

	return random_chance(5) ? any_word() : PICK(usual);
}

static uint64_t flags(void)
{
	uint64_t bits = 0;

	if (random_chance(4))
		return random_below(16);
	if (random_chance(10))
		return any_word();
	for (uint64_t n = random_below(4); n > 0; n--)
		bits |= 1ULL << random_below(random_chance(4) ? 32 : 22);
	return bits;
}

static uint64_t descriptor(void)
{
	static const int odd[] = { -1, AT_FDCWD, FDS_MAX, 1000, 0x7fffffff };

	if (random_chance(12))
		return (uint64_t)(int64_t)PICK(odd);
	return random_chance(4) ? kept[random_below(KEPT)] : random_below(44);
}

static uint64_t process(void)
{
	static const int odd[] = { 0, -1, 0x7fffffff, 40000, -40000 };
	uint64_t own = (uint64_t)getpid();

	if (random_chance(4))
		return own;
	return random_chance(3) ? own + random_below(8) : (uint64_t)(int64_t)PICK(odd);
}

static uint64_t address(void)
{
	uint64_t at = PLAYGROUND + random_below(PLAYGROUND_SIZE / 4096) * 4096;

	if (random_chance(10))
		return bad_pointer();
	return random_chance(10) ? at + random_below(4096) : at;
}

static uint64_t command(void)
{
	static const uint64_t bases[] = { 0x5400, 0x5440, 0x80045430, 0x40045430,
					  1024,   0x1000, 0x80045300 };

	return random_chance(2) ? random_below(70) : PICK(bases) + random_below(16 + 32);
}

uint64_t value_of(char kind)
{
	if (random_chance(24))
		return any_word();
	switch (kind) {
	case 'f':
		return descriptor();
	case 'l':
		return length();
	case 'g':
		return flags();
	case 'n':
		return process();
	case 's':
		return random_below(66);
	case 'a':
		return address();
	case 'o':
		return random_chance(3) ? any_word() : random_below(16) * 512;
	case 'c':
		return command();
	case 'u':
		return random_chance(5) ? any_word() : random_below(10);
	case '*':
		return any_word();
	default:
		return pointer_of(kind);
	}
}
