/*
 * Tests that run inside the kernel: what cannot be built on the host. They stand beside what they
 * test, in <name>_ktest.c, and run when `ktest` (all) or `ktest=prefix` is on the command line,
 * after start-up and before the first program; the machine powers off afterwards.
 *
 *	KTEST(buddy_merges_back_to_the_largest_order)
 *	{
 *		KTEST_ASSERT(pages_free_count() == before);
 *	}
 *
 * Names are the promise that is proven. A failed check ends the test and the next one runs: so a
 * test holds no lock when it checks. Printed: `ktest: NAME ok` or `ktest: NAME FAILED: file:line:
 * condition`, and `ktest: N passed, M failed` at the end. Gauges (core/gauge.h) are compared around
 * each test that declares KTEST_NO_LEAK().
 */
#pragma once

#include "lib/types.h"

struct ktest_run {
	const char *failed_file; /* NULL while all is well */
	int         failed_line;
	const char *failed_condition;
	bool        no_leak;     /* the gauges must be as before */
};

struct ktest {
	const char *name;
	void      (*run)(struct ktest_run *run);
};

/* All of them, gathered by the linker. */
extern const struct ktest ktests_start[];
extern const struct ktest ktests_end[];

#define KTEST(test)                                                           \
	static void ktest_##test(struct ktest_run *ktest_run);                \
	static const struct ktest ktest_entry_##test __used                   \
		__section(".ktests") __aligned(8) = { #test, ktest_##test };  \
	static void ktest_##test(struct ktest_run *ktest_run __maybe_unused)

/* The one macro that hides a return: the test is over. */
#define KTEST_ASSERT(condition)                                               \
	do {                                                                  \
		if (!(condition)) {                                           \
			ktest_run->failed_file = __FILE__;                    \
			ktest_run->failed_line = __LINE__;                    \
			ktest_run->failed_condition = #condition;             \
			return;                                               \
		}                                                             \
	} while (0)

#define KTEST_NO_LEAK() (ktest_run->no_leak = true)

/* True if the command line asks for tests. */
bool ktest_is_wanted(void);

/* Run them in a thread that may sleep; returns the number that failed. The caller powers off. */
unsigned int ktest_run_all(void);
