/*
 * Comparing TSCs: all CPUs take turns, by a lock, at reading theirs. Each must read no less than
 * the one before, whoever that was.
 */
#include "arch/x86_64/tsc_check.h"

#include <linux/errno.h>

#include <arch/cpu.h>
#include <arch/smp.h>
#include <arch/timer.h>

#include "core/cmdline.h"
#include "core/spinlock.h"
#include "lib/string.h"

enum { READINGS = 1000 };

static struct {
	struct spinlock lock;
	uint64_t last __guarded_by(lock); /* the latest reading of any CPU */
	bool     is_behind __guarded_by(lock);
	bool     begun __atomic;
	bool     is_trusted __const_after_init; /* tsc=reliable */
} check = { .lock = SPINLOCK(RANK_LEAF) };

static bool is_needed(void)
{
	return arch_clock.is_tsc && !cpu_has(CPU_EMULATOR) && !check.is_trusted;
}

static void take_turns(void)
{
	for (int i = 0; i < READINGS; i++) {
		spin_lock(&check.lock);
		uint64_t now = cpu_cycles_ordered();

		check.is_behind |= now < check.last;
		check.last = now;
		spin_unlock(&check.lock);
	}
}

void tsc_check_first(void)
{
	if (!is_needed())
		return;
	atomic_store_release(&check.begun, true); /* pairs with the acquire in tsc_check_other() */
	take_turns();
}

void tsc_check_other(void)
{
	if (!is_needed())
		return;
	while (!atomic_load_acquire(&check.begun))
		cpu_relax();
	take_turns();
}

bool smp_tsc_is_in_step(void)
{
	return !READ_ONCE(check.is_behind);
}

/* As on Linux: reliable is not looked at, unstable is not used when there is another clock. */
static int parse_tsc(const char *value)
{
	if (!value)
		return -EINVAL;
	check.is_trusted |= !strcmp(value, "reliable");
	check.is_behind |= !strcmp(value, "unstable");
	return 0;
}

CMDLINE_PARAM("tsc", parse_tsc);
