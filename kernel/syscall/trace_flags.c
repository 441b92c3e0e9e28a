/*
 * The names that the tracer gives to flags and values: processes, memory, signals, sockets; and how
 * a value is taken apart by any such table.
 *
 * Constant tables, in which the first match counts; a field of several bits stands before the
 * bits that are part of it. What the UAPI headers lack stands as a number.
 */
#include <asm/prctl.h>
#include <asm/signal.h>
#include <linux/futex.h>
#include <linux/ipc.h>
#include <linux/membarrier.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/time.h>
#include <linux/wait.h>

#include "syscall/trace_impl.h"

const struct trace_name trace_set_arch_prctl[] = {
	TRACE_VALUE(ARCH_SET_GS), TRACE_VALUE(ARCH_SET_FS), TRACE_VALUE(ARCH_GET_FS),
	TRACE_VALUE(ARCH_GET_GS), TRACE_VALUE(ARCH_GET_CPUID), TRACE_VALUE(ARCH_SET_CPUID),
	TRACE_END,
};

const struct trace_name trace_set_clock[] = {
	TRACE_VALUE(CLOCK_REALTIME), TRACE_VALUE(CLOCK_MONOTONIC),
	TRACE_VALUE(CLOCK_PROCESS_CPUTIME_ID), TRACE_VALUE(CLOCK_THREAD_CPUTIME_ID),
	TRACE_VALUE(CLOCK_MONOTONIC_RAW), TRACE_VALUE(CLOCK_REALTIME_COARSE),
	TRACE_VALUE(CLOCK_MONOTONIC_COARSE), TRACE_VALUE(CLOCK_BOOTTIME),
	TRACE_VALUE(CLOCK_REALTIME_ALARM), TRACE_VALUE(CLOCK_BOOTTIME_ALARM),
	TRACE_VALUE(CLOCK_TAI),
	TRACE_END,
};

const struct trace_name trace_set_clone[] = {
	TRACE_FIELD(CSIGNAL, SIGCHLD), TRACE_FLAG(CLONE_VM), TRACE_FLAG(CLONE_FS),
	TRACE_FLAG(CLONE_FILES), TRACE_FLAG(CLONE_SIGHAND), TRACE_FLAG(CLONE_PIDFD),
	TRACE_FLAG(CLONE_PTRACE), TRACE_FLAG(CLONE_VFORK), TRACE_FLAG(CLONE_PARENT),
	TRACE_FLAG(CLONE_THREAD), TRACE_FLAG(CLONE_NEWNS), TRACE_FLAG(CLONE_SYSVSEM),
	TRACE_FLAG(CLONE_SETTLS), TRACE_FLAG(CLONE_PARENT_SETTID),
	TRACE_FLAG(CLONE_CHILD_CLEARTID), TRACE_FLAG(CLONE_UNTRACED),
	TRACE_FLAG(CLONE_CHILD_SETTID), TRACE_FLAG(CLONE_NEWCGROUP), TRACE_FLAG(CLONE_NEWUTS),
	TRACE_FLAG(CLONE_NEWIPC), TRACE_FLAG(CLONE_NEWUSER), TRACE_FLAG(CLONE_NEWPID),
	TRACE_FLAG(CLONE_NEWNET), TRACE_FLAG(CLONE_IO),
	TRACE_END,
};

const struct trace_name trace_set_futex[] = {
	TRACE_FLAG(FUTEX_PRIVATE_FLAG), TRACE_FLAG(FUTEX_CLOCK_REALTIME),
	TRACE_FIELD(FUTEX_CMD_MASK, FUTEX_WAIT), TRACE_FIELD(FUTEX_CMD_MASK, FUTEX_WAKE),
	TRACE_FIELD(FUTEX_CMD_MASK, FUTEX_FD), TRACE_FIELD(FUTEX_CMD_MASK, FUTEX_REQUEUE),
	TRACE_FIELD(FUTEX_CMD_MASK, FUTEX_CMP_REQUEUE),
	TRACE_FIELD(FUTEX_CMD_MASK, FUTEX_WAKE_OP), TRACE_FIELD(FUTEX_CMD_MASK, FUTEX_LOCK_PI),
	TRACE_FIELD(FUTEX_CMD_MASK, FUTEX_UNLOCK_PI),
	TRACE_FIELD(FUTEX_CMD_MASK, FUTEX_TRYLOCK_PI),
	TRACE_FIELD(FUTEX_CMD_MASK, FUTEX_WAIT_BITSET),
	TRACE_FIELD(FUTEX_CMD_MASK, FUTEX_WAKE_BITSET),
	TRACE_FIELD(FUTEX_CMD_MASK, FUTEX_WAIT_REQUEUE_PI),
	TRACE_FIELD(FUTEX_CMD_MASK, FUTEX_CMP_REQUEUE_PI),
	TRACE_FIELD(FUTEX_CMD_MASK, FUTEX_LOCK_PI2),
	TRACE_END,
};

const struct trace_name trace_set_getrandom[] = {
	TRACE_FLAG(GRND_NONBLOCK), TRACE_FLAG(GRND_RANDOM), TRACE_FLAG(GRND_INSECURE),
	TRACE_END,
};

const struct trace_name trace_set_itimer[] = {
	TRACE_VALUE(ITIMER_REAL), TRACE_VALUE(ITIMER_VIRTUAL), TRACE_VALUE(ITIMER_PROF),
	TRACE_END,
};

const struct trace_name trace_set_madvise[] = {
	TRACE_VALUE(MADV_NORMAL), TRACE_VALUE(MADV_RANDOM), TRACE_VALUE(MADV_SEQUENTIAL),
	TRACE_VALUE(MADV_WILLNEED), TRACE_VALUE(MADV_DONTNEED), TRACE_VALUE(MADV_FREE),
	TRACE_VALUE(MADV_REMOVE), TRACE_VALUE(MADV_DONTFORK), TRACE_VALUE(MADV_DOFORK),
	TRACE_VALUE(MADV_HUGEPAGE), TRACE_VALUE(MADV_NOHUGEPAGE), TRACE_VALUE(MADV_DONTDUMP),
	TRACE_VALUE(MADV_DODUMP), TRACE_VALUE(MADV_WIPEONFORK), TRACE_VALUE(MADV_KEEPONFORK),
	TRACE_VALUE(MADV_COLD), TRACE_VALUE(MADV_PAGEOUT), TRACE_VALUE(MADV_POPULATE_READ),
	TRACE_VALUE(MADV_POPULATE_WRITE),
	TRACE_END,
};

const struct trace_name trace_set_membarrier[] = {
	TRACE_VALUE(MEMBARRIER_CMD_QUERY), TRACE_VALUE(MEMBARRIER_CMD_GLOBAL),
	TRACE_VALUE(MEMBARRIER_CMD_GLOBAL_EXPEDITED),
	TRACE_VALUE(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED),
	TRACE_VALUE(MEMBARRIER_CMD_PRIVATE_EXPEDITED),
	TRACE_VALUE(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED),
	TRACE_END,
};

const struct trace_name trace_set_mlockall[] = {
	TRACE_FLAG(MCL_CURRENT), TRACE_FLAG(MCL_FUTURE), TRACE_FLAG(MCL_ONFAULT),
	TRACE_END,
};

const struct trace_name trace_set_mmap[] = {
	TRACE_FIELD(MAP_TYPE, MAP_SHARED), TRACE_FIELD(MAP_TYPE, MAP_PRIVATE),
	TRACE_FIELD(MAP_TYPE, MAP_SHARED_VALIDATE), TRACE_FLAG(MAP_FIXED),
	TRACE_FLAG(MAP_ANONYMOUS), TRACE_FLAG(MAP_32BIT), TRACE_FLAG(MAP_GROWSDOWN),
	TRACE_FLAG(MAP_DENYWRITE), TRACE_FLAG(MAP_EXECUTABLE), TRACE_FLAG(MAP_LOCKED),
	TRACE_FLAG(MAP_NORESERVE), TRACE_FLAG(MAP_POPULATE), TRACE_FLAG(MAP_NONBLOCK),
	TRACE_FLAG(MAP_STACK), TRACE_FLAG(MAP_HUGETLB), TRACE_FLAG(MAP_SYNC),
	TRACE_FLAG(MAP_FIXED_NOREPLACE),
	TRACE_END,
};

const struct trace_name trace_set_mremap[] = {
	TRACE_FLAG(MREMAP_MAYMOVE), TRACE_FLAG(MREMAP_FIXED), TRACE_FLAG(MREMAP_DONTUNMAP),
	TRACE_END,
};

const struct trace_name trace_set_msync[] = {
	TRACE_FLAG(MS_ASYNC), TRACE_FLAG(MS_INVALIDATE), TRACE_FLAG(MS_SYNC),
	TRACE_END,
};

const struct trace_name trace_set_prctl[] = {
	TRACE_VALUE(PR_SET_PDEATHSIG), TRACE_VALUE(PR_GET_PDEATHSIG),
	TRACE_VALUE(PR_GET_DUMPABLE), TRACE_VALUE(PR_SET_DUMPABLE),
	TRACE_VALUE(PR_GET_KEEPCAPS), TRACE_VALUE(PR_SET_KEEPCAPS), TRACE_VALUE(PR_SET_NAME),
	TRACE_VALUE(PR_GET_NAME), TRACE_VALUE(PR_GET_SECCOMP), TRACE_VALUE(PR_SET_SECCOMP),
	TRACE_VALUE(PR_CAPBSET_READ), TRACE_VALUE(PR_CAPBSET_DROP),
	TRACE_VALUE(PR_GET_SECUREBITS), TRACE_VALUE(PR_SET_SECUREBITS),
	TRACE_VALUE(PR_SET_TIMERSLACK), TRACE_VALUE(PR_GET_TIMERSLACK), TRACE_VALUE(PR_SET_MM),
	TRACE_VALUE(PR_SET_CHILD_SUBREAPER), TRACE_VALUE(PR_GET_CHILD_SUBREAPER),
	TRACE_VALUE(PR_SET_NO_NEW_PRIVS), TRACE_VALUE(PR_GET_NO_NEW_PRIVS),
	TRACE_VALUE(PR_GET_TID_ADDRESS), TRACE_VALUE(PR_SET_THP_DISABLE),
	TRACE_VALUE(PR_GET_THP_DISABLE), TRACE_VALUE(PR_CAP_AMBIENT), TRACE_VALUE(PR_SET_VMA),
	TRACE_END,
};

const struct trace_name trace_set_priority[] = {
	TRACE_VALUE(PRIO_PROCESS), TRACE_VALUE(PRIO_PGRP), TRACE_VALUE(PRIO_USER),
	TRACE_END,
};

const struct trace_name trace_set_prot[] = {
	TRACE_VALUE(PROT_NONE), TRACE_FLAG(PROT_READ), TRACE_FLAG(PROT_WRITE),
	TRACE_FLAG(PROT_EXEC), TRACE_FLAG(PROT_GROWSDOWN), TRACE_FLAG(PROT_GROWSUP),
	TRACE_END,
};

const struct trace_name trace_set_reboot[] = {
	TRACE_VALUE(LINUX_REBOOT_CMD_RESTART), TRACE_VALUE(LINUX_REBOOT_CMD_HALT),
	TRACE_VALUE(LINUX_REBOOT_CMD_CAD_ON), TRACE_VALUE(LINUX_REBOOT_CMD_CAD_OFF),
	TRACE_VALUE(LINUX_REBOOT_CMD_POWER_OFF), TRACE_VALUE(LINUX_REBOOT_CMD_RESTART2),
	TRACE_END,
};

const struct trace_name trace_set_rlimit[] = {
	TRACE_VALUE(RLIMIT_CPU), TRACE_VALUE(RLIMIT_FSIZE), TRACE_VALUE(RLIMIT_DATA),
	TRACE_VALUE(RLIMIT_STACK), TRACE_VALUE(RLIMIT_CORE), TRACE_VALUE(RLIMIT_RSS),
	TRACE_VALUE(RLIMIT_NPROC), TRACE_VALUE(RLIMIT_NOFILE), TRACE_VALUE(RLIMIT_MEMLOCK),
	TRACE_VALUE(RLIMIT_AS), TRACE_VALUE(RLIMIT_LOCKS), TRACE_VALUE(RLIMIT_SIGPENDING),
	TRACE_VALUE(RLIMIT_MSGQUEUE), TRACE_VALUE(RLIMIT_NICE), TRACE_VALUE(RLIMIT_RTPRIO),
	TRACE_VALUE(RLIMIT_RTTIME),
	TRACE_END,
};

const struct trace_name trace_set_rusage_who[] = {
	TRACE_VALUE(RUSAGE_SELF), TRACE_VALUE(RUSAGE_CHILDREN), TRACE_VALUE(RUSAGE_THREAD),
	TRACE_END,
};

const struct trace_name trace_set_sa[] = {
	TRACE_FLAG(SA_NOCLDSTOP), TRACE_FLAG(SA_NOCLDWAIT), TRACE_FLAG(SA_SIGINFO),
	TRACE_FLAG(SA_ONSTACK), TRACE_FLAG(SA_RESTART), TRACE_FLAG(SA_NODEFER),
	TRACE_FLAG(SA_RESETHAND), TRACE_FLAG(SA_RESTORER),
	TRACE_END,
};

const struct trace_name trace_set_sched_policy[] = {
	TRACE_FLAG(SCHED_RESET_ON_FORK), TRACE_FIELD(0xff, SCHED_NORMAL),
	TRACE_FIELD(0xff, SCHED_FIFO), TRACE_FIELD(0xff, SCHED_RR),
	TRACE_FIELD(0xff, SCHED_BATCH), TRACE_FIELD(0xff, SCHED_IDLE),
	TRACE_FIELD(0xff, SCHED_DEADLINE),
	TRACE_END,
};

const struct trace_name trace_set_sigprocmask[] = {
	TRACE_VALUE(SIG_BLOCK), TRACE_VALUE(SIG_UNBLOCK), TRACE_VALUE(SIG_SETMASK),
	TRACE_END,
};

const struct trace_name trace_set_timer_abstime[] = {
	TRACE_FLAG(TIMER_ABSTIME),
	TRACE_END,
};

const struct trace_name trace_set_wait[] = {
	TRACE_FLAG(WNOHANG), TRACE_FLAG(WUNTRACED), TRACE_FLAG(WEXITED),
	TRACE_FLAG(WCONTINUED), TRACE_FLAG(WNOWAIT), TRACE_FLAG(__WNOTHREAD),
	TRACE_FLAG(__WALL), TRACE_FLAG(__WCLONE),
	TRACE_END,
};

const struct trace_name trace_set_waitid[] = {
	TRACE_VALUE(P_ALL), TRACE_VALUE(P_PID), TRACE_VALUE(P_PGID), TRACE_VALUE(P_PIDFD),
	TRACE_END,
};

const struct trace_name trace_set_ipc_get[] = {
	TRACE_FLAG(IPC_CREAT), TRACE_FLAG(IPC_EXCL), TRACE_FLAG(IPC_NOWAIT),
	TRACE_END,
};

const struct trace_name trace_set_ipc_ctl[] = {
	TRACE_VALUE(IPC_RMID), TRACE_VALUE(IPC_SET), TRACE_VALUE(IPC_STAT),
	TRACE_VALUE(IPC_INFO),
	TRACE_END,
};

const struct trace_name trace_set_family[] = {
	{ ~0ull, 0, "AF_UNSPEC" }, { ~0ull, 1, "AF_UNIX" }, { ~0ull, 2, "AF_INET" },
	{ ~0ull, 10, "AF_INET6" }, { ~0ull, 16, "AF_NETLINK" }, { ~0ull, 17, "AF_PACKET" },
	TRACE_END,
};

const struct trace_name trace_set_sock_type[] = {
	{ 0xf, 1, "SOCK_STREAM" }, { 0xf, 2, "SOCK_DGRAM" }, { 0xf, 3, "SOCK_RAW" },
	{ 0xf, 5, "SOCK_SEQPACKET" }, { 02000000, 02000000, "SOCK_CLOEXEC" },
	{ 04000, 04000, "SOCK_NONBLOCK" },
	TRACE_END,
};

const struct trace_name trace_set_sock_level[] = {
	{ ~0ull, 0, "IPPROTO_IP" }, { ~0ull, 1, "SOL_SOCKET" }, { ~0ull, 6, "IPPROTO_TCP" },
	{ ~0ull, 17, "IPPROTO_UDP" }, { ~0ull, 41, "IPPROTO_IPV6" },
	{ ~0ull, 263, "SOL_PACKET" }, { ~0ull, 270, "SOL_NETLINK" },
	TRACE_END,
};

const struct trace_name trace_set_shutdown[] = {
	{ ~0ull, 0, "SHUT_RD" }, { ~0ull, 1, "SHUT_WR" }, { ~0ull, 2, "SHUT_RDWR" },
	TRACE_END,
};

const struct trace_name trace_set_msg[] = {
	{ 0x1, 0x1, "MSG_OOB" }, { 0x2, 0x2, "MSG_PEEK" }, { 0x4, 0x4, "MSG_DONTROUTE" },
	{ 0x8, 0x8, "MSG_CTRUNC" }, { 0x20, 0x20, "MSG_TRUNC" },
	{ 0x40, 0x40, "MSG_DONTWAIT" }, { 0x80, 0x80, "MSG_EOR" },
	{ 0x100, 0x100, "MSG_WAITALL" }, { 0x4000, 0x4000, "MSG_NOSIGNAL" },
	{ 0x8000, 0x8000, "MSG_MORE" }, { 0x10000, 0x10000, "MSG_WAITFORONE" },
	{ 0x40000000, 0x40000000, "MSG_CMSG_CLOEXEC" },
	TRACE_END,
};

#define TRACE_SET_ENTRY(name) [TRACE_SET_##name] = trace_set_##name,
static const struct trace_name *const sets[NR_TRACE_SETS] = { TRACE_SETS(TRACE_SET_ENTRY) };

void trace_put_set(struct trace_text *text, enum trace_set_id set, uint64_t value)
{
	uint64_t taken = 0; /* bits that have a name by now */
	const char *bar = "";

	for (const struct trace_name *name = sets[set]; name->name; name++) {
		if (name->mask & taken || (value & name->mask) != name->match)
			continue;
		trace_put(text, "%s%s", bar, name->name);
		taken |= name->mask;
		bar = "|";
	}
	if (value & ~taken)
		trace_put(text, "%s%#lx", bar, value & ~taken);
	else if (!*bar)
		trace_put(text, "0");
}

void trace_put_signal(struct trace_text *text, int sig)
{
	static const char names[][8] = {
		"0", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1",
		"SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP",
		"TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR",
		"SYS",
	};

	if (sig > 0 && sig < (int)array_size(names))
		trace_put(text, "SIG%s", names[sig]);
	else
		trace_put(text, sig >= SIGRTMIN && sig <= 64 ? "SIGRT_%d" : "%d",
		          sig >= SIGRTMIN && sig <= 64 ? sig - SIGRTMIN : sig);
}

void trace_put_sigset(struct trace_text *text, uint64_t set)
{
	const char *blank = "";

	if (set == ~0ull) {
		trace_put(text, "[all]");
		return;
	}
	trace_put(text, "[");
	for (int sig = 1; sig <= 64; sig++) {
		if (set >> (sig - 1) & 1) {
			trace_put(text, "%s", blank);
			trace_put_signal(text, sig);
			blank = " ";
		}
	}
	trace_put(text, "]");
}
