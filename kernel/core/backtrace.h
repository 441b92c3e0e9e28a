/*
 * Backtraces in words: function, offset, file and line of each return address.
 *
 * Collecting them is <arch/trace.h>'s; the names are core/symbols.h's. A run of the same address,
 * as a recursion leaves it, is one line. Everything here works in any context but an NMI, and takes
 * no lock but the log's.
 */
#pragma once

#include "core/printk.h"
#include "lib/types.h"

struct pt_regs;

/* Enough for most; who wants to see the other end of an overflown stack brings more. */
enum { BACKTRACE_MAX = 32 };

/* `CPU: 0 PID: 12 Comm: sh`: who runs here. */
void print_where(enum log_level level);

/* The caller's own. */
void backtrace_print(enum log_level level);

/* Of code that was interrupted with these registers; nothing but the heading for user code. */
void backtrace_print_regs(enum log_level level, const struct pt_regs *regs);

/* Addresses collected before. is_exact: the first is where code was, not where it returns to. */
void backtrace_print_addresses(enum log_level level, const uint64_t *addresses, size_t nr,
                               bool is_exact);
