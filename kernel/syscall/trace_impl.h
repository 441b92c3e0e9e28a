/*
 * What the tracer's files share: the description of a call, the text being built, the decoders.
 *
 * The descriptions come from syscalls.tbl through tools/gen-syscalls ("syscall/trace_table.h");
 * trace.c walks them, trace_values.c formats values and structures, trace_flags*.c names flags.
 * User memory may be anything: a decoder that cannot read it prints the address instead.
 */
#pragma once

#include "lib/types.h"

enum trace_kind {
	/* Values in the register itself. */
	TRACE_DEC, TRACE_UDEC, TRACE_HEX, TRACE_OCT, TRACE_PTR, TRACE_FD, TRACE_AT_FD, TRACE_SIG,
	TRACE_SET, /* extra: the set that names the bits or values */
	/* User memory. */
	TRACE_STR, TRACE_OUT_STR, TRACE_ARGV, TRACE_SIGSET, TRACE_FD_PAIR, TRACE_WSTATUS,
	TRACE_U32, TRACE_I32, TRACE_U64, TRACE_TIMESPECS, TRACE_TIMEVALS,
	/* User memory of a length told by another argument or by the result: extra. */
	TRACE_DATA, TRACE_IOVEC, TRACE_IODATA, TRACE_POLLFDS, TRACE_EPOLL_EVENTS, TRACE_SOCKADDR,
	TRACE_FDSET,
	/* Structures. */
	TRACE_STRUCT_STAT, TRACE_STRUCT_STATX, TRACE_STRUCT_TIMESPEC, TRACE_STRUCT_OLD_TIMEVAL,
	TRACE_STRUCT_ITIMERSPEC, TRACE_STRUCT_OLD_ITIMERVAL, TRACE_STRUCT_RLIMIT,
	TRACE_STRUCT_RLIMIT64, TRACE_STRUCT_SIGACTION, TRACE_STRUCT_SIGALTSTACK,
	TRACE_STRUCT_SIGINFO, TRACE_STRUCT_EPOLL_EVENT, TRACE_STRUCT_OPEN_HOW,
	TRACE_STRUCT_CLONE_ARGS, TRACE_STRUCT_NEW_UTSNAME, TRACE_STRUCT_STATFS,
	TRACE_STRUCT_SYSINFO,
};

/* `extra` of a counted kind that means: as long as the result says. */
#define TRACE_LENGTH_IS_RESULT 7

struct trace_arg {
	uint8_t kind;      /* enum trace_kind */
	uint8_t extra;     /* a set, or the number of the argument that holds the length */
	bool    is_output; /* written by the call: shown when it has returned */
	bool    is_wide;   /* 64 bits; otherwise the upper half is not looked at */
};

struct trace_call {
	const char      *name;
	uint8_t          nr_args;
	bool             is_noreturn;
	struct trace_arg result;
	struct trace_arg args[6];
};

/* The names of bits and values; the generated table says TRACE_SET_<name>. */
#define TRACE_SETS(X) \
	X(access) X(arch_prctl) X(at) X(at_unlink) X(clock) X(clone) X(close_range) X(epoll_ctl) \
	X(epoll_event) X(eventfd) X(fadvise) X(fallocate) X(family) X(fcntl) X(fd_flags) \
	X(flock) X(futex) X(getrandom) X(ioctl) X(ipc_ctl) X(ipc_get) X(itimer) X(madvise) \
	X(membarrier) X(memfd) X(mlockall) X(mmap) X(mount) X(mremap) X(msg) X(msync) X(open) \
	X(poll) X(prctl) X(priority) X(prot) X(reboot) X(rename) X(rlimit) X(rusage_who) X(rwf) \
	X(sa) X(sched_policy) X(seek) X(shutdown) X(sigprocmask) X(sock_level) X(sock_type) \
	X(splice) X(statx_mask) X(sync_range) X(timer_abstime) X(umount) X(wait) X(waitid)

#define TRACE_SET_ID(name) TRACE_SET_##name,
enum trace_set_id { TRACE_SETS(TRACE_SET_ID) NR_TRACE_SETS };

/* A value is named where (value & mask) == match; 32 bits do for all. A NULL name ends the list. */
struct trace_name {
	uint64_t    mask;
	uint64_t    match;
	const char *name;
};

#define TRACE_FLAG(f)        { (uint32_t)(f), (uint32_t)(f), #f }
#define TRACE_FIELD(mask, v) { (uint32_t)(mask), (uint32_t)(v), #v }
#define TRACE_VALUE(v)       { ~0ull, (uint32_t)(v), #v }
#define TRACE_END            { 0, 0, NULL }

#define TRACE_SET_LIST(name) extern const struct trace_name trace_set_##name[];
TRACE_SETS(TRACE_SET_LIST)

/* A line of output that is being built; what does not fit is cut. */
struct trace_text {
	size_t used;
	char   bytes[400];
};

void trace_put(struct trace_text *text, const char *fmt, ...) __printf(2, 3);

/* `A|B|0x40` by the names of a set; `0` for none. */
void trace_put_set(struct trace_text *text, enum trace_set_id set, uint64_t value);

/* SIGINT, SIGRT_3, or the number; and [INT CHLD] for a mask. */
void trace_put_signal(struct trace_text *text, int sig);
void trace_put_sigset(struct trace_text *text, uint64_t set);

/* Text in quotes with escapes, at most `max` characters of it and dots for the rest. */
void trace_put_quoted(struct trace_text *text, const char *bytes, size_t size, size_t max);

/*
 * The memory at `addr` as `kind` (one of user memory, not TRACE_PTR); `length` is for the counted
 * kinds. False if it cannot be read or the kind is not of memory: nothing was put then. May sleep.
 */
bool trace_put_memory(struct trace_text *text, enum trace_kind kind, uaddr_t addr, int64_t length);

/* The same for structures alone; `length` is that of a socket address. */
bool trace_put_struct(struct trace_text *text, enum trace_kind kind, int64_t length,
                      const void __user *from);
