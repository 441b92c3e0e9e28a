/*
 * Running the in-kernel tests, in the order of linking, those whose names begin with the word
 * given.
 */
#include "core/ktest.h"

#include "core/cmdline.h"
#include "core/gauge.h"
#include "core/printk.h"
#include "lib/string.h"

enum { SETTLE_TRIES = 10 };

static struct {
	bool        wanted __const_after_init;
	const char *prefix __const_after_init;
} ktest = { .prefix = "" };

bool ktest_is_wanted(void)
{
	return ktest.wanted;
}

/* Run it between two readings of the gauges; how many of them differ. */
static unsigned int ktest_run_measured(const struct ktest *test, struct ktest_run *run, bool report)
{
	struct gauge_snapshot before, after;

	*run = (struct ktest_run){ 0 };
	gauge_drain_all();
	gauge_snapshot(&before);
	test->run(run);
	/* A thread that has said that it is done may be on its way out, on another CPU. */
	for (int tries = 0; tries < SETTLE_TRIES; tries++) {
		gauge_drain_all();
		gauge_snapshot(&after);
		if (!run->no_leak ||
		    !memcmp(&before, &after, gauge_count() * sizeof(before.value[0])))
			return 0;
	}
	return report ? gauge_report_changes(&before, &after) : 1;
}

static bool ktest_run_one(const struct ktest *test)
{
	struct ktest_run run;
	unsigned int leaks = ktest_run_measured(test, &run, false);

	/* What the first run set up for ever (a page table) is no leak; what every run loses is. */
	if (leaks && !run.failed_file)
		leaks = ktest_run_measured(test, &run, true);
	if (run.failed_file) {
		pr_err("ktest: %s FAILED: %s:%d: %s\n", test->name, run.failed_file,
		       run.failed_line, run.failed_condition);
		return false;
	}
	if (leaks) {
		pr_err("ktest: %s FAILED: it leaks\n", test->name);
		return false;
	}
	pr_info("ktest: %s ok\n", test->name);
	return true;
}

unsigned int ktest_run_all(void)
{
	unsigned int passed = 0, failed = 0;

	for (const struct ktest *test = ktests_start; test < ktests_end; test++) {
		if (!str_has_prefix(test->name, ktest.prefix))
			continue;
		if (ktest_run_one(test))
			passed++;
		else
			failed++;
	}
	pr_info("ktest: %u passed, %u failed\n", passed, failed);
	return failed;
}

static int parse_ktest(const char *value)
{
	ktest.wanted = true;
	if (value)
		ktest.prefix = value;
	return 0;
}

CMDLINE_PARAM("ktest", parse_ktest);
