/*
 * In-kernel tests of the log, symbols, random numbers and locks.
 */
#include "core/ktest.h"
#include "core/lockdep.h"
#include "core/lockstat.h"
#include "core/printk.h"
#include "core/random.h"
#include "core/spinlock.h"
#include "core/symbols.h"
#include "lib/math.h"
#include "lib/string.h"

static bool record_is(const struct log_record *record, const char *text)
{
	return record->len == strlen(text) && !memcmp(record->text, text, record->len);
}

KTEST(log_splits_lines_and_numbers_records_in_order)
{
	static struct log_record record;
	uint64_t next = log_next();

	pr_debug("ktest: first\nktest: second\n");
	KTEST_ASSERT(log_next() == next + 2);
	KTEST_ASSERT(log_read(next, &record) && record_is(&record, "ktest: first"));
	KTEST_ASSERT(log_read(next + 1, &record) && record_is(&record, "ktest: second"));
	KTEST_ASSERT(record.level == LOG_DEBUG && record.sequence == next + 1);
	KTEST_ASSERT(!log_read(next + 2, &record));
}

KTEST(log_ring_keeps_the_newest_records_when_it_wraps)
{
	static struct log_record record;
	int console_level = log_levels.console;
	uint64_t next = log_next();

	log_levels.console = 1;
	for (int i = 0; i < 5000; i++)
		pr_debug("ktest: wrap %d %.*s\n", i, i % 40,
			 "........................................");
	log_levels.console = console_level;
	KTEST_ASSERT(log_first() > next && log_next() == next + 5000);
	for (uint64_t at = log_first(); at < log_next(); at++)
		KTEST_ASSERT(log_read(at, &record) && record.sequence == at &&
			     !memcmp(record.text, "ktest: wrap ", 12));
	KTEST_ASSERT(log_read(0, &record) && record.sequence == log_first());
}

KTEST(symbol_tables_name_this_function_and_file)
{
	struct symbol symbol;
	struct source_line where;
	uintptr_t address = (uintptr_t)log_printf;

	KTEST_ASSERT(symbol_find(address, &symbol));
	KTEST_ASSERT(!strcmp(symbol.name, "log_printf") && symbol.offset == 0 && symbol.size > 0);
	KTEST_ASSERT(symbol_find_line(address, &where) &&
		     !strcmp(where.file, "kernel/core/printk.c"));
	KTEST_ASSERT(!symbol_find((uintptr_t)&symbol, &symbol));
}

static __noinline uintptr_t caller_address(void)
{
	return (uintptr_t)__builtin_return_address(0);
}

KTEST(symbol_lines_are_exact_at_a_call)
{
	struct source_line where;

	uintptr_t here = caller_address(); int line = __LINE__;

	KTEST_ASSERT(symbol_find_line(here - 1, &where));
	KTEST_ASSERT(!strcmp(where.file, "kernel/core/core_ktest.c") &&
		     where.line == (uint32_t)line);
}

KTEST(symbol_iteration_is_in_order_of_address)
{
	struct symbol symbol;
	uintptr_t address, last = 0;
	unsigned int count = 0;

	while (symbol_at(count, &address, &symbol)) {
		KTEST_ASSERT(address > last && symbol.name[0]);
		last = address;
		count++;
	}
	KTEST_ASSERT(count > 100);
}

KTEST(random_numbers_differ_and_stay_in_bounds)
{
	uint8_t bytes[200] = { 0 };
	uint64_t a = random_u64(), b = random_u64();

	random_bytes(bytes, sizeof(bytes));
	KTEST_ASSERT(a != b && !mem_is_zero(bytes + 100, 100));
	for (uint64_t bound = 1; bound < 100; bound++)
		KTEST_ASSERT(random_below(bound) < bound);
	KTEST_ASSERT(random_is_ready());
}

KTEST(ranks_have_the_names_of_the_enum)
{
	KTEST_ASSERT(!strcmp(lock_rank_name(RANK_NONE), "none"));
	KTEST_ASSERT(!strcmp(lock_rank_name(RANK_PAGE_TABLE), "page_table"));
	KTEST_ASSERT(!strcmp(lock_rank_name(RANK_COUNT - 1), "sink"));
	KTEST_ASSERT(!strcmp(lock_rank_name(RANK_COUNT), "?"));
}

KTEST(waits_are_counted_by_rank)
{
	struct lockstat before, after;

	lockstat_read(RANK_NETCORE, &before);
	lockstat_add(RANK_NETCORE, 300);
	lockstat_add(RANK_NETCORE, 100);
	lockstat_read(RANK_NETCORE, &after);
	KTEST_ASSERT(after.count - before.count == 2);
	KTEST_ASSERT(after.total_ns - before.total_ns == 400);
	KTEST_ASSERT(after.min_ns <= 100 && after.max_ns >= 300);
}

KTEST(spin_trylock_fails_while_the_lock_is_held)
{
	struct spinlock lock = SPINLOCK(RANK_LEAF);
	bool refused = true;

	spin_lock(&lock);
	if (spin_trylock(&lock)) {
		refused = false;
		spin_unlock(&lock);
	}
	bool held = spin_is_held(&lock);

	spin_unlock(&lock);
	KTEST_ASSERT(refused && held && !spin_is_held(&lock));
}
