/*
 * The tracer's view of user memory: strings, bytes, vectors and small arrays.
 *
 * Everything is copied first and shown from the copy. What cannot be read makes the function
 * return false before it has put anything, and the caller shows the address. An array is shown
 * up to ITEMS_MAX elements. Structures are in trace_structs.c. No locks, no state.
 */
#include <linux/poll.h>
#include <linux/eventpoll.h>
#include <linux/time_types.h>
#include <linux/uio.h>

#include "lib/printf.h"
#include "syscall/trace_impl.h"
#include "vm/usercopy.h"

enum { ITEMS_MAX = 8, STRING_MAX = 160, DATA_SHOWN = 32 };

void trace_put(struct trace_text *text, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text->used += (size_t)vscnprintf(text->bytes + text->used,
	                                 sizeof(text->bytes) - text->used, fmt, args);
	va_end(args);
}

static void put_escaped(struct trace_text *text, unsigned char c)
{
	static const char letters[] = "\a\b\t\n\v\f\r", names[] = "abtnvfr";

	for (size_t i = 0; c && i < sizeof(letters) - 1; i++) {
		if (letters[i] == (char)c) {
			trace_put(text, "\\%c", names[i]);
			return;
		}
	}
	if (c == '"' || c == '\\')
		trace_put(text, "\\%c", c);
	else if (c >= ' ' && c < 0x7f)
		trace_put(text, "%c", c);
	else
		trace_put(text, "\\%o", c);
}

void trace_put_quoted(struct trace_text *text, const char *bytes, size_t size, size_t max)
{
	trace_put(text, "\"");
	for (size_t i = 0; i < size && i < max; i++)
		put_escaped(text, (unsigned char)bytes[i]);
	trace_put(text, size > max ? "\"..." : "\"");
}

static bool put_data(struct trace_text *text, const void __user *from, int64_t length)
{
	char bytes[DATA_SHOWN];
	size_t shown = length > DATA_SHOWN ? DATA_SHOWN : (size_t)length;

	if (length < 0 || copy_from_user(bytes, from, shown))
		return false;
	trace_put_quoted(text, bytes, (size_t)length, DATA_SHOWN);
	return true;
}

static bool put_string(struct trace_text *text, const char __user *from)
{
	char bytes[STRING_MAX];
	ssize_t length = strncpy_from_user(bytes, from, sizeof(bytes));

	if (length == -ENAMETOOLONG) {
		trace_put_quoted(text, bytes, sizeof(bytes), sizeof(bytes) - 1);
		return true;
	}
	if (length < 0)
		return false;
	trace_put_quoted(text, bytes, (size_t)length, (size_t)length);
	return true;
}

static bool put_string_vector(struct trace_text *text, const uaddr_t __user *from)
{
	uaddr_t addr;

	if (get_user(addr, from))
		return false;
	trace_put(text, "[");
	for (unsigned int i = 0; addr && i < ITEMS_MAX; i++) {
		if (i)
			trace_put(text, ", ");
		if (!put_string(text, (const char __user *)addr))
			trace_put(text, "%#lx", addr);
		if (get_user(addr, from + i + 1))
			break;
	}
	trace_put(text, addr ? ", ...]" : "]");
	return true;
}

/* How many of `length` elements are shown; the end of the list says whether there are more. */
static size_t items_shown(int64_t length)
{
	if (length < 0)
		return 0;
	return length > ITEMS_MAX ? ITEMS_MAX : (size_t)length;
}

static void put_items_end(struct trace_text *text, int64_t length)
{
	trace_put(text, length > ITEMS_MAX ? ", ...]" : "]");
}

static bool put_iovec(struct trace_text *text, const void __user *from, int64_t length,
                      bool has_data)
{
	struct iovec iov[ITEMS_MAX];
	size_t shown = items_shown(length);

	if (copy_from_user(iov, from, shown * sizeof(*iov)))
		return false;
	trace_put(text, "[");
	for (size_t i = 0; i < shown; i++) {
		const void __user *base = (const void __user *)(uaddr_t)iov[i].iov_base;

		trace_put(text, i ? ", {" : "{");
		if (!has_data || !put_data(text, base, (int64_t)iov[i].iov_len))
			trace_put(text, "%#lx", (uaddr_t)base);
		trace_put(text, ", %lu}", (unsigned long)iov[i].iov_len);
	}
	put_items_end(text, length);
	return true;
}

static bool put_pollfds(struct trace_text *text, const void __user *from, int64_t length)
{
	struct pollfd fds[ITEMS_MAX];
	size_t shown = items_shown(length);

	if (copy_from_user(fds, from, shown * sizeof(*fds)))
		return false;
	trace_put(text, "[");
	for (size_t i = 0; i < shown; i++) {
		trace_put(text, "%s{%d, ", i ? ", " : "", fds[i].fd);
		trace_put_set(text, TRACE_SET_poll, (uint16_t)fds[i].events);
		trace_put(text, " -> ");
		trace_put_set(text, TRACE_SET_poll, (uint16_t)fds[i].revents);
		trace_put(text, "}");
	}
	put_items_end(text, length);
	return true;
}

static bool put_epoll_events(struct trace_text *text, const void __user *from, int64_t length)
{
	struct epoll_event events[ITEMS_MAX];
	size_t shown = items_shown(length);

	if (copy_from_user(events, from, shown * sizeof(*events)))
		return false;
	trace_put(text, "[");
	for (size_t i = 0; i < shown; i++) {
		trace_put(text, i ? ", {" : "{");
		trace_put_set(text, TRACE_SET_epoll_event, (__force uint32_t)events[i].events);
		trace_put(text, ", %#llx}", (unsigned long long)events[i].data);
	}
	put_items_end(text, length);
	return true;
}

static bool put_fdset(struct trace_text *text, const void __user *from, int64_t nr_fds)
{
	uint64_t words[16]; /* 1024 descriptors, as many as select(2) of libc can have */
	size_t limit = nr_fds > 1024 ? 1024 : items_shown(nr_fds) ? (size_t)nr_fds : 0;
	const char *blank = "";

	if (copy_from_user(words, from, (limit + 63) / 64 * 8))
		return false;
	trace_put(text, "[");
	for (size_t fd = 0; fd < limit; fd++) {
		if (words[fd / 64] >> fd % 64 & 1) {
			trace_put(text, "%s%zu", blank, fd);
			blank = " ";
		}
	}
	trace_put(text, "]");
	return true;
}

static bool put_wait_status(struct trace_text *text, const int __user *from)
{
	int status;

	if (get_user(status, from))
		return false;
	if ((status & 0x7f) == 0) {
		trace_put(text, "[exit %d]", status >> 8 & 0xff);
		return true;
	}
	if (status == 0xffff) {
		trace_put(text, "[continued]");
		return true;
	}
	trace_put(text, (status & 0xff) == 0x7f ? "[stopped " : "[killed ");
	trace_put_signal(text, (status & 0xff) == 0x7f ? status >> 8 & 0xff : status & 0x7f);
	trace_put(text, status & 0x80 && (status & 0x7f) != 0x7f ? ", core]" : "]");
	return true;
}

static bool put_integer(struct trace_text *text, enum trace_kind kind, const void __user *from)
{
	uint64_t value = 0;

	if (copy_from_user(&value, from, kind == TRACE_U64 || kind == TRACE_SIGSET ? 8 : 4))
		return false;
	if (kind == TRACE_SIGSET)
		trace_put_sigset(text, value);
	else if (kind == TRACE_I32)
		trace_put(text, "[%d]", (int)value);
	else
		trace_put(text, "[%lu]", value);
	return true;
}

static bool put_fd_pair(struct trace_text *text, const void __user *from)
{
	int fds[2];

	if (copy_from_user(fds, from, sizeof(fds)))
		return false;
	trace_put(text, "[%d, %d]", fds[0], fds[1]);
	return true;
}

/* Two times, of seconds and of nano- or microseconds. */
static bool put_time_pair(struct trace_text *text, const void __user *from)
{
	struct __kernel_timespec times[2];

	if (copy_from_user(times, from, sizeof(times)))
		return false;
	trace_put(text, "[{%lld, %lld}, {%lld, %lld}]", times[0].tv_sec, times[0].tv_nsec,
	          times[1].tv_sec, times[1].tv_nsec);
	return true;
}

bool trace_put_memory(struct trace_text *text, enum trace_kind kind, uaddr_t addr, int64_t length)
{
	const void __user *from = (const void __user *)addr;

	switch (kind) {
	case TRACE_STR:
	case TRACE_OUT_STR:
		return put_string(text, from);
	case TRACE_ARGV:
		return put_string_vector(text, from);
	case TRACE_SIGSET:
	case TRACE_U32:
	case TRACE_I32:
	case TRACE_U64:
		return put_integer(text, kind, from);
	case TRACE_FD_PAIR:
		return put_fd_pair(text, from);
	case TRACE_WSTATUS:
		return put_wait_status(text, from);
	case TRACE_TIMESPECS:
	case TRACE_TIMEVALS:
		return put_time_pair(text, from);
	case TRACE_DATA:
		return put_data(text, from, length);
	case TRACE_IOVEC:
	case TRACE_IODATA:
		return put_iovec(text, from, length, kind == TRACE_IODATA);
	case TRACE_POLLFDS:
		return put_pollfds(text, from, length);
	case TRACE_EPOLL_EVENTS:
		return put_epoll_events(text, from, length);
	case TRACE_FDSET:
		return put_fdset(text, from, length);
	default:
		return trace_put_struct(text, kind, length, from);
	}
}
