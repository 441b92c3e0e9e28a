/*
 * Every constant, size and offset that kernel/abi adds to UAPI and that the C library has too. Read
 * twice: by abi_kernel.c against our headers, by abi_test.c against the C library's.
 */
#define ABI_NAMES(V, S, O)                                                                         \
	V(DT_UNKNOWN) V(DT_FIFO) V(DT_CHR) V(DT_DIR) V(DT_BLK) V(DT_REG) V(DT_LNK) V(DT_SOCK)      \
	V(DT_WHT) V(F_OK) V(X_OK) V(W_OK) V(R_OK)                                                  \
	V(EFD_SEMAPHORE) V(EFD_CLOEXEC) V(EFD_NONBLOCK)                                            \
	V(MNT_FORCE) V(MNT_DETACH) V(MNT_EXPIRE) V(UMOUNT_NOFOLLOW)                                \
	V(R_X86_64_NONE) V(R_X86_64_64) V(R_X86_64_PC32) V(R_X86_64_PLT32) V(R_X86_64_GLOB_DAT)    \
	V(R_X86_64_RELATIVE) V(R_X86_64_32) V(R_X86_64_32S) V(R_X86_64_PC64)                       \
	V(AF_UNSPEC) V(AF_UNIX) V(AF_LOCAL) V(AF_INET) V(AF_AX25) V(AF_IPX) V(AF_APPLETALK)        \
	V(AF_NETROM) V(AF_BRIDGE) V(AF_ATMPVC) V(AF_X25) V(AF_INET6) V(AF_ROSE) V(AF_KEY)          \
	V(AF_NETLINK) V(AF_ROUTE) V(AF_PACKET) V(AF_CAN) V(AF_TIPC) V(AF_BLUETOOTH) V(AF_ALG)      \
	V(AF_VSOCK) V(AF_XDP) V(AF_MAX)                                                            \
	V(SOCK_STREAM) V(SOCK_DGRAM) V(SOCK_RAW) V(SOCK_RDM) V(SOCK_SEQPACKET) V(SOCK_DCCP)        \
	V(SOCK_PACKET) V(SOCK_CLOEXEC) V(SOCK_NONBLOCK)                                            \
	V(SHUT_RD) V(SHUT_WR) V(SHUT_RDWR) V(SOMAXCONN)                                            \
	V(MSG_OOB) V(MSG_PEEK) V(MSG_DONTROUTE) V(MSG_CTRUNC) V(MSG_PROXY) V(MSG_TRUNC)            \
	V(MSG_DONTWAIT) V(MSG_EOR) V(MSG_WAITALL) V(MSG_FIN) V(MSG_SYN) V(MSG_CONFIRM) V(MSG_RST)  \
	V(MSG_ERRQUEUE) V(MSG_NOSIGNAL) V(MSG_MORE) V(MSG_WAITFORONE) V(MSG_BATCH)                 \
	V(MSG_ZEROCOPY) V(MSG_FASTOPEN) V(MSG_CMSG_CLOEXEC)                                        \
	V(SOL_IP) V(SOL_IPV6) V(SOL_ICMPV6) V(SOL_RAW) V(SOL_PACKET) V(SOL_NETLINK) V(SOL_TCP)     \
	V(SOL_UDP) V(SCM_RIGHTS) V(SCM_CREDENTIALS)                                                \
	V(CMSG_ALIGN(5)) V(CMSG_LEN(12)) V(CMSG_SPACE(12))                                         \
	S(struct sockaddr) S(struct msghdr) S(struct mmsghdr) S(struct cmsghdr) S(struct linger)   \
	S(struct ucred) S(struct user_regs_struct) S(struct sigaltstack)                           \
	O(struct sockaddr, sa_data)                                                                \
	O(struct msghdr, msg_namelen) O(struct msghdr, msg_iov) O(struct msghdr, msg_iovlen)       \
	O(struct msghdr, msg_control) O(struct msghdr, msg_controllen) O(struct msghdr, msg_flags) \
	O(struct mmsghdr, msg_len) O(struct cmsghdr, cmsg_level) O(struct cmsghdr, cmsg_type)      \
	O(struct linger, l_linger) O(struct ucred, uid) O(struct ucred, gid)                       \
	O(struct linux_dirent64, d_off) O(struct linux_dirent64, d_reclen)                         \
	O(struct linux_dirent64, d_type) O(struct linux_dirent64, d_name)                          \
	O(struct user_regs_struct, rbp) O(struct user_regs_struct, rax)                            \
	O(struct user_regs_struct, orig_rax) O(struct user_regs_struct, rip)                       \
	O(struct user_regs_struct, rsp) O(struct user_regs_struct, fs_base)                        \
	O(struct user_regs_struct, gs)

struct abi_value {
	const char *name;
	long value;
};

/* Defined in abi_kernel.c; the last has no name and the number of signals. */
extern const struct abi_value abi_of_kernel[];

#define ABI_V(name)         { #name, (long)(name) },
#define ABI_S(type)         { "sizeof " #type, (long)sizeof(type) },
#define ABI_O(type, member) { #type "." #member, (long)__builtin_offsetof(type, member) },
