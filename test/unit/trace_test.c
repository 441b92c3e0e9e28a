/*
 * syscall/trace: how the tracer shows values, flags, strings and vectors; memory that cannot be
 * read.
 *
 * sources: syscall/trace_flags.c syscall/trace_flags_files.c syscall/trace_values.c
 */
#include "unit.h"

#include "syscall/trace_impl.h"

/* User memory here is the test's own; addresses below a page fault. */
static bool is_bad(const void *from)
{
	return (uintptr_t)from < 4096;
}

size_t user_copy_in(void *dst, const void *src, size_t n)
{
	if (is_bad(src))
		return n;
	memcpy(dst, src, n);
	return 0;
}

int user_get_u32(uint32_t *value, const void *from)
{
	return user_copy_in(value, from, sizeof(*value)) ? -14 : 0;
}

int user_get_u64(uint64_t *value, const void *from)
{
	return user_copy_in(value, from, sizeof(*value)) ? -14 : 0;
}

ssize_t strncpy_from_user(char *dst, const char *src, size_t size)
{
	if (is_bad(src))
		return -14;
	snprintf(dst, size, "%s", src);
	return strlen(src) < size ? (ssize_t)strlen(src) : -36;
}

int vscnprintf(char *to, size_t size, const char *fmt, va_list args)
{
	int length = vsnprintf(to, size, fmt, args);

	return length >= (int)size ? (int)size - 1 : length;
}

bool trace_put_struct(struct trace_text *text, enum trace_kind kind, int64_t length,
                      const void *from)
{
	return false;
}

static struct trace_text text;

static const char *shown(void)
{
	static char copy[sizeof(text.bytes) + 1];

	memcpy(copy, text.bytes, text.used);
	copy[text.used] = '\0';
	text.used = 0;
	return copy;
}

static const char *set(enum trace_set_id id, uint64_t value)
{
	trace_put_set(&text, id, value);
	return shown();
}

static const char *memory(enum trace_kind kind, const void *at, int64_t length)
{
	return trace_put_memory(&text, kind, (uaddr_t)at, length) ? shown() : "unreadable";
}

TEST(flags_are_named_and_the_rest_is_a_number)
{
	assert_string_equal(set(TRACE_SET_open, 0), "O_RDONLY");
	assert_string_equal(set(TRACE_SET_open, 02102), "O_RDWR|O_CREAT|O_APPEND");
	assert_string_equal(set(TRACE_SET_open, 020200000), "O_RDONLY|O_TMPFILE");
	assert_string_equal(set(TRACE_SET_open, 0x10000000), "O_RDONLY|0x10000000");
	assert_string_equal(set(TRACE_SET_prot, 0), "PROT_NONE");
	assert_string_equal(set(TRACE_SET_prot, 3), "PROT_READ|PROT_WRITE");
	assert_string_equal(set(TRACE_SET_mmap, 0x22), "MAP_PRIVATE|MAP_ANONYMOUS");
	assert_string_equal(set(TRACE_SET_wait, 0), "0");
	assert_string_equal(set(TRACE_SET_seek, 9), "0x9");
	assert_string_equal(set(TRACE_SET_rusage_who, 0xffffffff), "RUSAGE_CHILDREN");
	assert_string_equal(set(TRACE_SET_futex, 0x89), "FUTEX_PRIVATE_FLAG|FUTEX_WAIT_BITSET");
}

TEST(signals_have_names)
{
	trace_put_signal(&text, 11);
	assert_string_equal(shown(), "SIGSEGV");
	trace_put_signal(&text, 34);
	assert_string_equal(shown(), "SIGRT_2");
	trace_put_signal(&text, 99);
	assert_string_equal(shown(), "99");
	trace_put_sigset(&text, 1 << 1 | 1 << 16);
	assert_string_equal(shown(), "[SIGINT SIGCHLD]");
	trace_put_sigset(&text, ~0ull);
	assert_string_equal(shown(), "[all]");
}

TEST(strings_are_quoted_escaped_and_cut)
{
	char longer[64];

	memset(longer, 'x', sizeof(longer));
	assert_string_equal(memory(TRACE_STR, "a\n\"b\\\001\177", 0), "\"a\\n\\\"b\\\\\\1\\177\"");
	assert_string_equal(memory(TRACE_DATA, "ab\0c", 4), "\"ab\\0c\"");
	assert_string_equal(memory(TRACE_DATA, longer, 64),
	                    "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"...");
	assert_string_equal(memory(TRACE_DATA, "", 0), "\"\"");
}

TEST(memory_that_cannot_be_read_is_said_to_be_so)
{
	const void *bad = (const void *)16;

	for (enum trace_kind kind = TRACE_STR; kind <= TRACE_TIMEVALS; kind++)
		assert_string_equal(memory(kind, bad, 0), "unreadable");
	for (enum trace_kind kind = TRACE_DATA; kind <= TRACE_FDSET; kind++)
		assert_string_equal(memory(kind, bad, 4), "unreadable");
	assert_string_equal(memory(TRACE_DATA, "abc", -14), "unreadable");
	assert_int_equal(text.used, 0);
}

TEST(vectors_are_shown_to_their_end_and_no_further_than_eight)
{
	const char *argv[] = { "ls", "-l", NULL };
	const char *many[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9", NULL };
	uint64_t fds[16] = { 1 << 3, 1 };
	struct { const char *base; size_t len; } iov[] = { { "ab", 2 }, { "c", 1 } };

	assert_string_equal(memory(TRACE_ARGV, argv, 0), "[\"ls\", \"-l\"]");
	assert_string_equal(memory(TRACE_ARGV, many, 0),
	                    "[\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", ...]");
	assert_string_equal(memory(TRACE_FDSET, fds, 65), "[3 64]");
	assert_string_equal(memory(TRACE_FDSET, fds, 64), "[3]");
	assert_string_equal(memory(TRACE_IODATA, iov, 2), "[{\"ab\", 2}, {\"c\", 1}]");
}

TEST(wait_statuses_are_told_apart)
{
	int status = 3 << 8;

	assert_string_equal(memory(TRACE_WSTATUS, &status, 0), "[exit 3]");
	status = 9;
	assert_string_equal(memory(TRACE_WSTATUS, &status, 0), "[killed SIGKILL]");
	status = 11 | 0x80;
	assert_string_equal(memory(TRACE_WSTATUS, &status, 0), "[killed SIGSEGV, core]");
	status = 19 << 8 | 0x7f;
	assert_string_equal(memory(TRACE_WSTATUS, &status, 0), "[stopped SIGSTOP]");
	status = 0xffff;
	assert_string_equal(memory(TRACE_WSTATUS, &status, 0), "[continued]");
}

TEST(a_full_line_is_cut_and_not_overrun)
{
	for (int i = 0; i < 100; i++)
		trace_put(&text, "%s", "0123456789");
	assert_int_equal(text.used, sizeof(text.bytes) - 1);
	text.used = 0;
}

UNIT_TESTS(T(flags_are_named_and_the_rest_is_a_number), T(signals_have_names),
           T(strings_are_quoted_escaped_and_cut), T(memory_that_cannot_be_read_is_said_to_be_so),
           T(vectors_are_shown_to_their_end_and_no_further_than_eight),
           T(wait_statuses_are_told_apart), T(a_full_line_is_cut_and_not_overrun))
