/*
 * The table of SysRq keys, and those that need nothing of upper floors. See core/sysrq.h.
 *
 * The messages are Linux's (drivers/tty/sysrq.c): scripts wait for them.
 */
#define pr_fmt(fmt) "sysrq: " fmt

#include "core/sysrq.h"

#include <arch/percpu.h>
#include <arch/power.h>
#include <arch/trace.h>

#include "core/backtrace.h"
#include "core/cmdline.h"
#include "core/lockdep.h"
#include "core/nmi.h"
#include "core/panic.h"
#include "core/printk.h"
#include "lib/atomic.h"
#include "lib/printf.h"

enum { NR_KEYS = 10 + 26, LOG_LEVEL_SHOWN = 7 };

static struct {
	const struct sysrq_key *keys[NR_KEYS] __atomic;
} table;

int sysrq_mask_value = SYSRQ_DEFAULT;

static int key_index(char key)
{
	if (key >= '0' && key <= '9')
		return key - '0';
	return key >= 'a' && key <= 'z' ? key - 'a' + 10 : -1;
}

void sysrq_register(const struct sysrq_key *keys, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		for (char key = keys[i].first; key <= keys[i].last; key++) {
			int index = key_index(key);

			assert(index >= 0 && !table.keys[index]);
			atomic_store_release(&table.keys[index], &keys[i]);
		}
	}
}

/* ---- keys of this floor ---------------------------------------------------------------------- */

static void press_level(char key)
{
	log_levels.console = LOG_LEVEL_SHOWN;
	pr_info("Loglevel set to %d\n", key - '0');
	log_levels.console = key - '0';
}

static void press_reboot(char key)
{
	system_reset();
}

static void press_crash(char key)
{
	panic("sysrq triggered crash");
}

static void press_power_off(char key)
{
	power_off();
}

static void press_locks(char key)
{
	for_each_cpu(cpu)
		lockdep_print_held(cpu);
}

static void press_backtraces(char key)
{
	(void)cpus_backtrace_print(LOG_INFO);
}

/* Of what the interrupt interrupted; a writer to /proc has only itself to show. */
static void press_registers(char key)
{
	const struct pt_regs *regs = trap_regs_interrupted();

	print_where(LOG_INFO);
	if (regs) {
		regs_print(LOG_INFO, regs);
		backtrace_print_regs(LOG_INFO, regs);
	} else {
		backtrace_print(LOG_INFO);
	}
}

static const struct sysrq_key own_keys[] = {
	{ '0', '9', SYSRQ_LOG, "loglevel(0-9)", "Changing Loglevel", press_level },
	{ 'b', 'b', SYSRQ_BOOT, "reboot(b)", "Resetting", press_reboot },
	{ 'c', 'c', SYSRQ_DUMP, "crash(c)", "Trigger a crash", press_crash },
	{ 'l', 'l', SYSRQ_DUMP, "show-backtrace-all-active-cpus(l)",
	  "Show backtrace of all active CPUs", press_backtraces },
	{ 'o', 'o', SYSRQ_BOOT, "poweroff(o)", "Power Off", press_power_off },
	{ 'p', 'p', SYSRQ_DUMP, "show-registers(p)", "Show Regs", press_registers },
};

static const struct sysrq_key debug_keys[] = {
	{ 'd', 'd', SYSRQ_DUMP, "show-all-locks(d)", "Show Locks Held", press_locks },
};

void sysrq_init(void)
{
	sysrq_register(own_keys, array_size(own_keys));
	if (LOCK_DEBUG)
		sysrq_register(debug_keys, array_size(debug_keys));
}

/* ---- pressing -------------------------------------------------------------------------------- */

static void print_help(void)
{
	const struct sysrq_key *last = NULL;
	char text[LOG_LINE_MAX];
	int used = 0;

	for (int i = 0; i < NR_KEYS; i++) {
		const struct sysrq_key *key = atomic_load_acquire(&table.keys[i]);

		if (key && key != last)
			used += scnprintf(text + used, sizeof(text) - (size_t)used, "%s ",
			                  key->help);
		last = key;
	}
	pr_info("HELP : %.*s\n", used, text);
}

static bool is_allowed(const struct sysrq_key *key)
{
	int mask = READ_ONCE(sysrq_mask_value);

	return mask == SYSRQ_ALL || mask & key->mask;
}

/* The answer to a key is seen on the console whatever is hidden there otherwise. */
static void press(char name, bool is_masked)
{
	int index = key_index(name), level = log_levels.console;
	const struct sysrq_key *key = index < 0 ? NULL : atomic_load_acquire(&table.keys[index]);
	bool is_pressed = key && (!is_masked || is_allowed(key));

	if (level < LOG_LEVEL_SHOWN)
		log_levels.console = LOG_LEVEL_SHOWN;
	if (!key)
		print_help();
	else
		pr_info("%s\n", is_pressed ? key->action : "This sysrq operation is disabled.");
	log_levels.console = level;
	if (is_pressed)
		key->press(name);
}

void sysrq_press(char key)
{
	press(key, false);
}

void sysrq_press_masked(char key)
{
	if (READ_ONCE(sysrq_mask_value))
		press(key, true);
}

static int parse_always_enabled(const char *value)
{
	sysrq_mask_value = SYSRQ_ALL;
	return 0;
}

CMDLINE_PARAM("sysrq_always_enabled", parse_always_enabled);
