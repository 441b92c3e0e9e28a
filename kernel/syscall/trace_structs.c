/*
 * The tracer's view of structures: the fields that tell something, in braces.
 *
 * Each function copies the structure out of user memory and shows the copy; false if it cannot be
 * read. To show another structure, add its kind to trace_impl.h, its name to STRUCTS in
 * tools/gen-syscalls, and a function here. No locks, no state.
 */
#include <asm/signal.h>
#include <asm/siginfo.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/eventpoll.h>
#include <linux/in.h>
#include <linux/openat2.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/sysinfo.h>
#include <linux/time.h>
#include <linux/un.h>
#include <linux/utsname.h>

#include "lib/string.h"
#include "syscall/trace_impl.h"
#include "vm/usercopy.h"

static bool put_stat(struct trace_text *text, const void __user *from)
{
	struct stat st;

	if (copy_from_user(&st, from, sizeof(st)))
		return false;
	trace_put(text, "{mode=%#o, size=%ld, ino=%lu, nlink=%lu, ...}", st.st_mode, st.st_size,
	          st.st_ino, st.st_nlink);
	return true;
}

static bool put_statx(struct trace_text *text, const void __user *from)
{
	struct statx st;

	if (copy_from_user(&st, from, sizeof(st)))
		return false;
	trace_put(text, "{mask=");
	trace_put_set(text, TRACE_SET_statx_mask, st.stx_mask);
	trace_put(text, ", mode=%#o, size=%llu, ...}", st.stx_mode, st.stx_size);
	return true;
}

/* One time, or an interval and a time: 16 or 32 bytes of two or four numbers. */
static bool put_times(struct trace_text *text, const void __user *from, bool has_interval)
{
	int64_t t[4];

	if (copy_from_user(t, from, has_interval ? 32 : 16))
		return false;
	if (has_interval)
		trace_put(text, "{interval={%ld, %ld}, value={%ld, %ld}}", t[0], t[1], t[2], t[3]);
	else
		trace_put(text, "{%ld, %ld}", t[0], t[1]);
	return true;
}

static void put_limit(struct trace_text *text, uint64_t limit)
{
	if (limit == RLIM64_INFINITY)
		trace_put(text, "RLIM_INFINITY");
	else
		trace_put(text, "%lu", limit);
}

static bool put_rlimit(struct trace_text *text, const void __user *from)
{
	struct rlimit64 limit;

	if (copy_from_user(&limit, from, sizeof(limit)))
		return false;
	trace_put(text, "{cur=");
	put_limit(text, limit.rlim_cur);
	trace_put(text, ", max=");
	put_limit(text, limit.rlim_max);
	trace_put(text, "}");
	return true;
}

static bool put_sigaction(struct trace_text *text, const void __user *from)
{
	struct sigaction action;
	uint64_t handler;

	if (copy_from_user(&action, from, sizeof(action)))
		return false;
	handler = (uint64_t)action.sa_handler;
	if (handler <= 1)
		trace_put(text, "{%s, ", handler ? "SIG_IGN" : "SIG_DFL");
	else
		trace_put(text, "{%#lx, ", handler);
	trace_put_sigset(text, action.sa_mask);
	trace_put(text, ", ");
	trace_put_set(text, TRACE_SET_sa, action.sa_flags);
	trace_put(text, "}");
	return true;
}

static bool put_sigaltstack(struct trace_text *text, const void __user *from)
{
	stack_t stack;

	if (copy_from_user(&stack, from, sizeof(stack)))
		return false;
	trace_put(text, "{sp=%#lx, flags=%#x, size=%lu}", (unsigned long)stack.ss_sp,
	          stack.ss_flags, (unsigned long)stack.ss_size);
	return true;
}

static bool put_siginfo(struct trace_text *text, const void __user *from)
{
	siginfo_t info;

	if (copy_from_user(&info, from, sizeof(info)))
		return false;
	trace_put(text, "{");
	trace_put_signal(text, info.si_signo);
	trace_put(text, ", code=%d, pid=%d, uid=%u, ...}", info.si_code, info.si_pid, info.si_uid);
	return true;
}

static bool put_epoll_event(struct trace_text *text, const void __user *from)
{
	struct epoll_event event;

	if (copy_from_user(&event, from, sizeof(event)))
		return false;
	trace_put(text, "{");
	trace_put_set(text, TRACE_SET_epoll_event, (__force uint32_t)event.events);
	trace_put(text, ", %#llx}", (unsigned long long)event.data);
	return true;
}

static bool put_open_how(struct trace_text *text, const void __user *from)
{
	struct open_how how;

	if (copy_from_user(&how, from, sizeof(how)))
		return false;
	trace_put(text, "{flags=");
	trace_put_set(text, TRACE_SET_open, how.flags);
	trace_put(text, ", mode=%#llo, resolve=%#llx}", how.mode, how.resolve);
	return true;
}

static bool put_clone_args(struct trace_text *text, const void __user *from)
{
	struct clone_args args;

	if (copy_from_user(&args, from, CLONE_ARGS_SIZE_VER0))
		return false;
	trace_put(text, "{flags=");
	trace_put_set(text, TRACE_SET_clone, args.flags);
	trace_put(text, ", exit_signal=");
	trace_put_signal(text, (int)args.exit_signal);
	trace_put(text, ", stack=%#llx, stack_size=%#llx, tls=%#llx}", args.stack, args.stack_size,
	          args.tls);
	return true;
}

static bool put_utsname(struct trace_text *text, const void __user *from)
{
	struct new_utsname name;

	if (copy_from_user(&name, from, sizeof(name)))
		return false;
	trace_put(text, "{sysname=");
	trace_put_quoted(text, name.sysname, strnlen(name.sysname, 64), 64);
	trace_put(text, ", nodename=");
	trace_put_quoted(text, name.nodename, strnlen(name.nodename, 64), 64);
	trace_put(text, ", ...}");
	return true;
}

static bool put_statfs(struct trace_text *text, const void __user *from)
{
	struct statfs st;

	if (copy_from_user(&st, from, sizeof(st)))
		return false;
	trace_put(text, "{type=%#lx, bsize=%ld, blocks=%lu, bfree=%lu, ...}", st.f_type, st.f_bsize,
	          st.f_blocks, st.f_bfree);
	return true;
}

static bool put_sysinfo(struct trace_text *text, const void __user *from)
{
	struct sysinfo info;

	if (copy_from_user(&info, from, sizeof(info)))
		return false;
	trace_put(text, "{uptime=%ld, totalram=%lu, freeram=%lu, procs=%u, ...}", info.uptime,
	          info.totalram, info.freeram, info.procs);
	return true;
}

static void put_unix_address(struct trace_text *text, const struct sockaddr_un *addr, size_t length)
{
	bool is_abstract = length && !addr->sun_path[0];
	const char *name = addr->sun_path + is_abstract;
	size_t shown = is_abstract ? length - 1 : strnlen(name, length);

	trace_put(text, "{AF_UNIX, %s", is_abstract ? "@" : "");
	trace_put_quoted(text, name, shown, UNIX_PATH_MAX);
	trace_put(text, "}");
}

static bool put_sockaddr(struct trace_text *text, const void __user *from, int64_t length)
{
	union {
		__kernel_sa_family_t family;
		struct sockaddr_un un;
		struct sockaddr_in in;
	} addr = { .family = 0 };
	const size_t un_head = offsetof(struct sockaddr_un, sun_path);
	const uint8_t *ip = (const uint8_t *)&addr.in.sin_addr;

	if (length < (int64_t)sizeof(addr.family) || length > (int64_t)sizeof(addr) ||
	    copy_from_user(&addr, from, (size_t)length))
		return false;
	if (addr.family == 1 /* AF_UNIX */ && length >= (int64_t)un_head) {
		put_unix_address(text, &addr.un, (size_t)length - un_head);
		return true;
	}
	trace_put(text, "{");
	trace_put_set(text, TRACE_SET_family, addr.family);
	if (addr.family == 2 /* AF_INET */ && length >= (int64_t)sizeof(addr.in))
		trace_put(text, ", %u.%u.%u.%u:%u", ip[0], ip[1], ip[2], ip[3],
		          __builtin_bswap16((__force uint16_t)addr.in.sin_port));
	trace_put(text, "}");
	return true;
}

bool trace_put_struct(struct trace_text *text, enum trace_kind kind, int64_t length,
                      const void __user *from)
{
	switch (kind) {
	case TRACE_STRUCT_STAT:
		return put_stat(text, from);
	case TRACE_STRUCT_STATX:
		return put_statx(text, from);
	case TRACE_STRUCT_TIMESPEC:
	case TRACE_STRUCT_OLD_TIMEVAL:
		return put_times(text, from, false);
	case TRACE_STRUCT_ITIMERSPEC:
	case TRACE_STRUCT_OLD_ITIMERVAL:
		return put_times(text, from, true);
	case TRACE_STRUCT_RLIMIT:
	case TRACE_STRUCT_RLIMIT64:
		return put_rlimit(text, from);
	case TRACE_STRUCT_SIGACTION:
		return put_sigaction(text, from);
	case TRACE_STRUCT_SIGALTSTACK:
		return put_sigaltstack(text, from);
	case TRACE_STRUCT_SIGINFO:
		return put_siginfo(text, from);
	case TRACE_STRUCT_EPOLL_EVENT:
		return put_epoll_event(text, from);
	case TRACE_STRUCT_OPEN_HOW:
		return put_open_how(text, from);
	case TRACE_STRUCT_CLONE_ARGS:
		return put_clone_args(text, from);
	case TRACE_STRUCT_NEW_UTSNAME:
		return put_utsname(text, from);
	case TRACE_STRUCT_STATFS:
		return put_statfs(text, from);
	case TRACE_STRUCT_SYSINFO:
		return put_sysinfo(text, from);
	case TRACE_SOCKADDR:
		return put_sockaddr(text, from, length);
	default:
		return false;
	}
}
