/*
 * Sockets as programs see them: families, types, flags, and the structures of socket(2), send(2),
 * recv(2) and their kin. Options (SO_*) are in <asm/socket.h>; SIOC* in <linux/sockios.h>;
 * addresses in <linux/un.h>, <linux/in.h>, <linux/in6.h>.
 *
 * Pointers in these structures are user pointers: a copied-in msghdr is still full of them.
 */
#pragma once

#include <asm/socket.h>
#include <linux/fcntl.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <sys/socket.h>

#include "lib/compiler.h"

#define AF_UNSPEC    0
#define AF_UNIX      1
#define AF_LOCAL     AF_UNIX
#define AF_INET      2
#define AF_AX25      3
#define AF_IPX       4
#define AF_APPLETALK 5
#define AF_NETROM    6
#define AF_BRIDGE    7
#define AF_ATMPVC    8
#define AF_X25       9
#define AF_INET6     10
#define AF_ROSE      11
#define AF_KEY       15
#define AF_NETLINK   16
#define AF_ROUTE     AF_NETLINK
#define AF_PACKET    17
#define AF_CAN       29
#define AF_TIPC      30
#define AF_BLUETOOTH 31
#define AF_ALG       38
#define AF_VSOCK     40
#define AF_XDP       44
#define AF_MAX       46

#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_RDM       4
#define SOCK_SEQPACKET 5
#define SOCK_DCCP      6
#define SOCK_PACKET    10
#define SOCK_TYPE_MASK 0xf
#define SOCK_CLOEXEC   O_CLOEXEC
#define SOCK_NONBLOCK  O_NONBLOCK

#define SHUT_RD   0
#define SHUT_WR   1
#define SHUT_RDWR 2

#define SOMAXCONN 4096

#define MSG_OOB          0x1
#define MSG_PEEK         0x2
#define MSG_DONTROUTE    0x4
#define MSG_CTRUNC       0x8
#define MSG_PROXY        0x10
#define MSG_TRUNC        0x20
#define MSG_DONTWAIT     0x40
#define MSG_EOR          0x80
#define MSG_WAITALL      0x100
#define MSG_FIN          0x200
#define MSG_SYN          0x400
#define MSG_CONFIRM      0x800
#define MSG_RST          0x1000
#define MSG_ERRQUEUE     0x2000
#define MSG_NOSIGNAL     0x4000
#define MSG_MORE         0x8000
#define MSG_WAITFORONE   0x10000
#define MSG_BATCH        0x40000
#define MSG_ZEROCOPY     0x4000000
#define MSG_FASTOPEN     0x20000000
#define MSG_CMSG_CLOEXEC 0x40000000

#define SOL_IP     0
#define SOL_TCP    6
#define SOL_UDP    17
#define SOL_IPV6   41
#define SOL_ICMPV6 58
#define SOL_RAW    255
#define SOL_PACKET 263
#define SOL_NETLINK 270

#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2

#define SCM_MAX_FD 253 /* descriptors in one message */

struct msghdr {
	void __user *msg_name;
	int msg_namelen;
	struct iovec __user *msg_iov;
	__kernel_size_t msg_iovlen;
	void __user *msg_control;
	__kernel_size_t msg_controllen;
	unsigned int msg_flags;
};

struct mmsghdr {
	struct msghdr msg_hdr;
	unsigned int msg_len;
};

struct cmsghdr {
	__kernel_size_t cmsg_len; /* with this header */
	int cmsg_level;
	int cmsg_type;
};

#define CMSG_ALIGN(size) (((size) + sizeof(long) - 1) & ~(sizeof(long) - 1))
#define CMSG_LEN(size)   (sizeof(struct cmsghdr) + (size))
#define CMSG_SPACE(size) (sizeof(struct cmsghdr) + CMSG_ALIGN(size))

struct linger {
	int l_onoff;
	int l_linger; /* seconds */
};

struct ucred {
	__u32 pid;
	__u32 uid;
	__u32 gid;
};
