/*
 * Panic, assertions, backtraces.
 *
 * The first CPU to panic wins `panic_state.cpu` and tells; another one that panics halts at once;
 * the same one panicking again (while it tells) skips what is left and goes to the end, and a third
 * time just stops. Nothing here takes a lock: printk is in panic mode, and the arch functions
 * promise not to.
 */
#include "core/panic.h"

#include <arch/percpu.h>
#include <arch/power.h>
#include <arch/trace.h>

#include "core/cmdline.h"
#include "core/lockdep.h"
#include "core/printk.h"
#include "core/symbols.h"
#include "lib/atomic.h"
#include "lib/printf.h"
#include "lib/string.h"

enum { BACKTRACE_MAX = 32, UNSHOWN_LINES = 40 };

static struct {
	uint32_t cpu __atomic;   /* number + 1 of the CPU that panicked first */
	uint32_t depth __owned_by_cpu;
	char     message[LOG_LINE_MAX - 64];
} panic_state;

struct panic_hooks panic_hooks;
int panic_timeout;

/* The frames of this file itself say nothing. */
static bool is_own_frame(uint64_t address)
{
	struct symbol symbol;

	return symbol_find(address - 1, &symbol) &&
	       (str_has_prefix(symbol.name, "backtrace_print") ||
		str_has_prefix(symbol.name, "panic"));
}

static void print_addresses(const uint64_t *addresses, size_t n, bool first_is_exact)
{
	char text[192];
	size_t i = 0;

	pr_emerg("Call Trace:\n");
	while (!first_is_exact && i < n && is_own_frame(addresses[i]))
		i++;
	for (; i < n; i++) {
		symbol_format(addresses[i], i || !first_is_exact, text, sizeof(text));
		pr_emerg(" %s\n", text);
	}
}

void backtrace_print_regs(const struct pt_regs *regs)
{
	uint64_t addresses[BACKTRACE_MAX];

	print_addresses(addresses, backtrace_collect(regs, addresses, BACKTRACE_MAX), regs != NULL);
}

void backtrace_print(void)
{
	backtrace_print_regs(NULL);
}

static void print_where(void)
{
	int pid = 0;
	const char *name = panic_hooks.thread_name ? panic_hooks.thread_name(&pid) : "start-up";

	pr_emerg("CPU: %u PID: %d Comm: %s\n", cpu_id(), pid, name);
}

static void __noreturn panic_end(void)
{
	if (panic_timeout > 0) {
		pr_emerg("Rebooting in %d seconds..\n", panic_timeout);
		for (int left = panic_timeout; left > 0 && panic_hooks.delay_ms; left--)
			panic_hooks.delay_ms(1000);
	}
	if (panic_timeout != 0)
		system_reset();
	system_halt();
}

/* Claim the right to tell; who has lost it does not come back. */
static void panic_enter(void)
{
	uint32_t nobody = 0;
	uint32_t me = cpu_id() + 1;

	irq_disable();
	if (!atomic_cmpxchg(&panic_state.cpu, &nobody, me) && nobody != me)
		cpu_halt_forever();
	panic_state.depth++;
	if (panic_state.depth > 2)
		system_halt();
	log_enter_panic();
}

static void panic_tell(const struct pt_regs *regs)
{
	cpu_stop_others();
	pr_emerg("Kernel panic - not syncing: %s\n", panic_state.message);
	print_where();
	if (regs)
		regs_print(regs);
	backtrace_print_regs(regs);
	lockdep_print_held();
	log_print_unshown(UNSHOWN_LINES);
	pr_emerg("---[ end Kernel panic - not syncing: %s ]---\n", panic_state.message);
}

static void __noreturn panic_with(const struct pt_regs *regs, const char *fmt, va_list args)
{
	char again[160];

	panic_enter();
	if (panic_state.depth == 1) {
		vscnprintf(panic_state.message, sizeof(panic_state.message), fmt, args);
		panic_tell(regs);
	} else {
		vscnprintf(again, sizeof(again), fmt, args);
		pr_emerg("Kernel panic inside a panic: %s\n", again);
	}
	panic_end();
}

void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	panic_with(trap_regs_current(), fmt, args);
}

void panic_regs(const struct pt_regs *regs, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	panic_with(regs, fmt, args);
}

void panic_undefined(const struct pt_regs *regs)
{
	struct source_line where = { "?", 0 };

	symbol_find_line(regs->rip, &where);
	panic_regs(regs, "undefined behaviour at %s:%u", where.file, where.line);
}

void assert_failed(const char *condition, const char *file, int line)
{
	panic("assertion failed: %s at %s:%d", condition, file, line);
}

void warn_print(const char *condition, const char *file, int line)
{
	pr_warn("WARNING: %s at %s:%d\n", condition, file, line);
	print_where();
	backtrace_print();
}

static int parse_panic(const char *value)
{
	return cmdline_int(value, &panic_timeout);
}

CMDLINE_PARAM("panic", parse_panic);
