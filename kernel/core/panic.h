/*
 * The end: panic() says why, where and with what at hand, and then halts or restarts.
 *
 * Printed, in this order, by the first CPU that panics: `Kernel panic - not syncing: <message>`
 * (Linux's words, which the tools of others look for), CPU and thread, registers, backtrace with
 * function and source line, locks held, system calls, where the other CPUs were, and the last log
 * lines if the console was quiet; then the line `---[ end Kernel panic - not syncing: <message>
 * ]---`. Other CPUs are stopped first, by NMI. `panic=N`: N > 0 restarts after N seconds, N < 0 at
 * once, 0 (the default) halts for ever. A panic inside a panic says so once and halts or restarts
 * with nothing further tried; one on another CPU at the same time is mentioned by the first.
 *
 * An exception of the kernel's own code is always a panic (`oops=panic` on Linux): nothing that it
 * held or was changing could be trusted afterwards.
 *
 * assert() is for programmer errors in both kernels, debug_assert() in the debug kernel only; never
 * for what users, disks, networks or devices can send.
 */
#pragma once

#include "lib/types.h"

struct pt_regs;

void panic(const char *fmt, ...) __printf(1, 2) __noreturn __cold;

/* The same for an exception of the kernel: shows these registers and their backtrace. */
void panic_regs(const struct pt_regs *regs, const char *fmt, ...) __printf(2, 3) __noreturn __cold;

/* The same for ud2 where the compiler's checks for undefined behaviour put it: names the line. */
void panic_undefined(const struct pt_regs *regs) __noreturn __cold;

void assert_failed(const char *condition, const char *file, int line) __noreturn __cold;

#define assert(condition)                                                     \
	do {                                                                  \
		if (unlikely(!(condition)))                                   \
			assert_failed(#condition, __FILE__, __LINE__);        \
	} while (0)

#define debug_assert(condition)                                               \
	do {                                                                  \
		if (DEBUG)                                                    \
			assert(condition);                                    \
	} while (0)

/* The compiler's name for what a function calls that finds its stack frame overwritten. */
void __stack_chk_fail(void) __noreturn __cold;

/*
 * Says so once, with a backtrace, and life goes on, unless `panic_on_warn`; the value is the
 * condition.
 */
void warn_print(const char *condition, const char *file, int line) __cold;
#define warn_once(condition)                                                  \
	({                                                                    \
		static bool said_here;                                        \
		bool holds_here = (condition);                                \
		if (unlikely(holds_here && !said_here)) {                     \
			said_here = true;                                     \
			warn_print(#condition, __FILE__, __LINE__);           \
		}                                                             \
		holds_here;                                                   \
	})

/*
 * What floors above register; each may be absent and is called with interrupts off and no locks
 * honoured.
 */
struct panic_hooks {
	const char *(*thread_name)(int *pid);     /* who runs on this CPU; from an NMI, too */
	void        (*delay_ms)(unsigned int ms); /* busy wait */
	void        (*print_calls)(void);         /* the latest system calls */
};
extern struct panic_hooks panic_hooks;

/* /proc/sys/kernel and the command line. */
struct panic_settings {
	int timeout __atomic; /* `panic=` */
	int on_warn __atomic; /* `panic_on_warn` */
	int on_oops __atomic; /* always 1 */
};
extern struct panic_settings panic_settings;
