/*
 * The sizes and places that are ABI: if a header or a compiler switch changed one of these, no
 * program would run. Nothing but assertions; test/unit/abi_test.c compares the values that UAPI
 * lacks with the C library's.
 */
#include <asm/posix_types.h>
#include <asm/sigcontext.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <asm/termbits.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/resource.h>
#include <linux/rseq.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/sysinfo.h>
#include <linux/time.h>
#include <linux/times.h>
#include <linux/utsname.h>

#include "abi/dirent.h"
#include "abi/signal.h"
#include "abi/socket.h"
#include "abi/user.h"
#include "lib/types.h"

#include <asm/ucontext.h>

static_assert(sizeof(struct stat) == 144, "");
static_assert(sizeof(struct statx) == 256, "");
static_assert(sizeof(struct statfs) == 120, "");
static_assert(sizeof(siginfo_t) == 128, "");
static_assert(sizeof(struct sigcontext) == 256, "");
static_assert(sizeof(struct ucontext) == 304, "");
static_assert(offsetof(struct ucontext, uc_mcontext) == 40, "");
static_assert(offsetof(struct ucontext, uc_sigmask) == 296, "");
static_assert(sizeof(struct _fpstate_64) == 512, "");
static_assert(sizeof(sigset_t) == SIGSET_SIZE, "");
static_assert(sizeof(struct sigaction) == 32, "");
static_assert(sizeof(stack_t) == 24, "");
static_assert(sizeof(struct termios) == 36, "");
static_assert(sizeof(struct timespec) == 16, "");
static_assert(sizeof(struct timeval) == 16, "");
static_assert(sizeof(struct itimerval) == 32, "");
static_assert(sizeof(struct itimerspec) == 32, "");
static_assert(sizeof(struct rusage) == 144, "");
static_assert(sizeof(struct rlimit64) == 16, "");
static_assert(sizeof(struct sysinfo) == 112, "");
static_assert(sizeof(struct new_utsname) == 390, "");
static_assert(sizeof(struct tms) == 32, "");
static_assert(sizeof(struct epoll_event) == 12, "");
static_assert(sizeof(struct pollfd) == 8, "");
static_assert(sizeof(struct clone_args) == 88, "");
static_assert(sizeof(struct rseq) == 32, "");
static_assert(sizeof(struct flock) == 32, "");
static_assert(sizeof(struct iovec) == 16, "");
static_assert(sizeof(struct sockaddr) == 16, "");
static_assert(sizeof(struct msghdr) == 56, "");
static_assert(sizeof(struct mmsghdr) == 64, "");
static_assert(sizeof(struct cmsghdr) == 16, "");
static_assert(sizeof(struct linger) == 8, "");
static_assert(sizeof(struct ucred) == 12, "");
static_assert(sizeof(struct user_regs_struct) == 216, "");
static_assert(offsetof(struct linux_dirent64, d_name) == 19, "");
static_assert(offsetof(struct linux_dirent, d_name) == 18, "");
