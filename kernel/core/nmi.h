/*
 * What other CPUs are doing, and stopping them: by NMI, so that it works whatever they do.
 *
 *     cpus_backtrace_print();   where is everybody? (sysrq l, a lock-up)
 *     cpus_stop();              the end: for panic
 *
 * A CPU that is asked saves its registers, its backtrace and who runs on it into a place of its
 * own, says so, and goes on or halts. It prints nothing: what it interrupted may hold the log. The
 * one that asked prints, after a bounded wait. An NMI that nobody asked for is the machine's, and
 * is logged.
 *
 * In the handler itself the log keeps messages for later (core/printk.h).
 */
#pragma once

#include "core/printk.h"
#include "lib/types.h"

struct pt_regs;

/*
 * Stops all other CPUs for good; waits at most about a second. One that does not answer gets an
 * ordinary interrupt, too, and is named by cpus_stopped_print(). For panic: interrupts are off.
 */
void cpus_stop(void);

/* Where the others were when they were stopped. */
void cpus_stopped_print(void);

/*
 * Prints what each CPU is doing, this one first. False: somebody else is at it. Any context but an
 * NMI.
 */
bool cpus_backtrace_print(enum log_level level);

/* The same of one other CPU. False: it did not answer within a second, or somebody is at it. */
bool cpu_backtrace_print(enum log_level level, uint32_t cpu);

/* Asks and prints nothing: another CPU runs and takes NMIs. */
bool cpu_is_answering(uint32_t cpu);

/* True inside the handler on this CPU. */
bool nmi_is_active(void);

/* `unknown_nmi_panic`: an NMI without a known reason is a panic. For /proc/sys/kernel. */
extern int nmi_panic_on_unknown;
