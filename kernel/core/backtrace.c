/*
 * Backtraces in words. See core/backtrace.h.
 */
#include "core/backtrace.h"

#include <arch/percpu.h>
#include <arch/trace.h>

#include "core/panic.h"
#include "core/symbols.h"
#include "lib/string.h"

enum { LINES_MAX = 40 };

/* The frames of the telling itself say nothing. */
static bool is_own_frame(uint64_t address)
{
	struct symbol symbol;

	return symbol_find(address - 1, &symbol) &&
	       (str_has_prefix(symbol.name, "backtrace_print") ||
		str_has_prefix(symbol.name, "panic"));
}

static size_t run_length(const uint64_t *addresses, size_t nr)
{
	size_t n = 1;

	while (n < nr && addresses[n] == addresses[0])
		n++;
	return n;
}

void print_where(enum log_level level)
{
	int pid = 0;
	const char *name = panic_hooks.thread_name ? panic_hooks.thread_name(&pid) : "start-up";

	log_printf(level, "CPU: %u PID: %d Comm: %s\n", cpu_id(), pid, name);
}

void backtrace_print_addresses(enum log_level level, const uint64_t *addresses, size_t nr,
                               bool is_exact)
{
	char text[192];
	size_t run;

	log_printf(level, "Call Trace:\n");
	for (size_t i = 0, lines = 0; i < nr && lines < LINES_MAX; i += run, lines++) {
		run = run_length(addresses + i, nr - i);
		symbol_format(addresses[i], i || !is_exact, text, sizeof(text));
		log_printf(level, " %s\n", text);
		if (run > 1)
			log_printf(level, " ... and %zu times more\n", run - 1);
	}
}

void backtrace_print_regs(enum log_level level, const struct pt_regs *regs)
{
	uint64_t addresses[BACKTRACE_MAX];

	backtrace_print_addresses(level, addresses,
	                          backtrace_collect(regs, addresses, BACKTRACE_MAX), true);
}

void backtrace_print(enum log_level level)
{
	uint64_t addresses[BACKTRACE_MAX];
	size_t nr = backtrace_collect(NULL, addresses, BACKTRACE_MAX), own = 0;

	while (own < nr && is_own_frame(addresses[own]))
		own++;
	backtrace_print_addresses(level, addresses + own, nr - own, false);
}
