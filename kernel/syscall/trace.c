/*
 * The tracer's walk over one call: arguments, the handler, the result, one line in the log.
 *
 * Arguments are put into a text on the stack before the handler runs, up to the first one that the
 * call writes; that one and those after it follow when the handler has returned. The handler may
 * replace the registers (exec), so the arguments are kept in an array. No locks: everything is the
 * current thread's own or constant. `level` is written once by the command line.
 */
#include "syscall/trace.h"

#include <arch/syscall.h>
#include <arch/upcalls.h>
#include <linux/fcntl.h>

#include "abi/errno.h"
#include "core/cmdline.h"
#include "core/printk.h"
#include "lib/errno_name.h"
#include "proc/task.h"
#include "syscall/dispatch.h"
#include "syscall/trace_impl.h"
#include "syscall/trace_table.h"

static int level __ro_after_init;

static int parse_strace(const char *value)
{
	return cmdline_int(value ? value : "1", &level);
}
CMDLINE_PARAM("strace", parse_strace);

static const struct trace_call calls[NR_SYSCALLS] = { TRACE_CALLS };

static void put_fd(struct trace_text *text, const struct trace_arg *arg, int fd)
{
	if (arg->kind == TRACE_AT_FD && fd == AT_FDCWD)
		trace_put(text, "AT_FDCWD");
	else
		trace_put(text, "%d", fd);
}

/* A value that says all by itself; false if it is an address of something to be shown. */
static bool put_register(struct trace_text *text, const struct trace_arg *arg, long value)
{
	uint64_t bits = arg->is_wide ? (uint64_t)value : (uint32_t)value;

	switch (arg->kind) {
	case TRACE_DEC:
		trace_put(text, "%ld", arg->is_wide ? value : (int)value);
		return true;
	case TRACE_UDEC:
		trace_put(text, "%lu", bits);
		return true;
	case TRACE_HEX:
		trace_put(text, "%#lx", bits);
		return true;
	case TRACE_OCT:
		trace_put(text, "%#lo", bits);
		return true;
	case TRACE_FD:
	case TRACE_AT_FD:
		put_fd(text, arg, (int)value);
		return true;
	case TRACE_SIG:
		trace_put_signal(text, (int)value);
		return true;
	case TRACE_SET:
		trace_put_set(text, arg->extra, bits);
		return true;
	default:
		return false;
	}
}

static int64_t length_of(const struct trace_arg *arg, const long *args, long result)
{
	return arg->extra == TRACE_LENGTH_IS_RESULT ? result : (int64_t)args[arg->extra];
}

static void put_arg(struct trace_text *text, const struct trace_arg *arg, const long *args,
                    long value, long result)
{
	uaddr_t addr = (uaddr_t)value;

	if (put_register(text, arg, value))
		return;
	if (!addr)
		trace_put(text, "NULL");
	else if ((arg->is_output && result < 0) || arg->kind == TRACE_PTR ||
	         !trace_put_memory(text, arg->kind, addr, length_of(arg, args, result)))
		trace_put(text, "%#lx", addr);
}

/* Puts arguments from `first` on; stops at one that the call writes, unless it has returned. */
static unsigned int put_args(struct trace_text *text, const struct trace_call *call,
                             const long *args, unsigned int first, const long *result)
{
	for (unsigned int i = first; i < call->nr_args; i++) {
		if (call->args[i].is_output && !result)
			return i;
		if (i)
			trace_put(text, ", ");
		put_arg(text, &call->args[i], args, args[i], result ? *result : 0);
	}
	return call->nr_args;
}

static void put_result(struct trace_text *text, const struct trace_arg *arg, long result)
{
	const char *name;

	trace_put(text, " = ");
	if (result >= 0 || result < -4095) {
		put_register(text, arg, result);
		return;
	}
	name = errno_name((int)result);
	if (name)
		trace_put(text, "%s %s", -result >= ERESTARTSYS ? "?" : "-1", name);
	else
		trace_put(text, "%ld", result);
}

static void print_line(const struct trace_text *text, const char *tail)
{
	log_printf(LOG_INFO, "[%d] %.*s%s", task_tid(task_current()), (int)text->used, text->bytes,
	           tail);
}

static long trace_known(long nr, const long *args)
{
	const struct trace_call *call = &calls[nr];
	struct trace_text text = { .used = 0 };
	unsigned int shown;
	long result;

	trace_put(&text, "%s(", call->name);
	shown = put_args(&text, call, args, 0, NULL);
	if (call->is_noreturn)
		print_line(&text, ") = ?");
	else if (level > 1)
		print_line(&text, shown == call->nr_args ? ") ..." : shown ? ", ..." : "...");

	result = syscall_handlers[nr](args[0], args[1], args[2], args[3], args[4], args[5]);

	put_args(&text, call, args, shown, &result);
	trace_put(&text, ")");
	put_result(&text, &call->result, result);
	print_line(&text, "");
	return result;
}

void upcall_syscall_traced(struct pt_regs *regs)
{
	long nr = (uint32_t)arch_syscall_nr(regs); /* the entry code too looks at eax alone */
	long args[6];
	long result;

	arch_syscall_args(regs, args);
	if (DEBUG)
		upcall_syscall_record(regs);
	if (nr >= NR_SYSCALLS)
		result = upcall_syscall_unknown(nr);
	else if (calls[nr].name && thread_test_trace(thread_current(), TF_TRACE_LOG))
		result = trace_known(nr, args);
	else
		result = syscall_handlers[nr](args[0], args[1], args[2], args[3], args[4], args[5]);
	arch_syscall_set_result(regs, result);
}

const char *trace_call_name(uint32_t nr)
{
	return nr < NR_SYSCALLS ? calls[nr].name : NULL;
}

unsigned int trace_call_args(uint32_t nr)
{
	return nr < NR_SYSCALLS ? calls[nr].nr_args : 0;
}

void trace_task_begin(struct task *task)
{
	if (level)
		thread_set_trace(&task->thread, TF_TRACE_LOG);
}
