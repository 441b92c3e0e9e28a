/*
 * /proc/provoke-crash: goes wrong on purpose, to see that it is noticed and told well. There only
 * with `provoke` on the command line; the words are those of Linux's dump test module
 * (Documentation/fault-injection/provoke-crashes.rst) where it has them. test/boot/panic.py looks
 * for these functions, and for the lines in them, in what is printed.
 */
#include <arch/percpu.h>
#include <linux/errno.h>

#include "core/cmdline.h"
#include "core/lockdep.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/spinlock.h"
#include "lib/string.h"
#include "procfs/provoke.h"
#include "procfs/root.h"
#include "sched/policy.h"
#include "sched/thread.h"
#include "sched/wait.h"

static bool is_wanted __ro_after_init;

static struct spinlock outer = SPINLOCK(RANK_SPIN_OUTER);
static struct spinlock inner = SPINLOCK(RANK_LEAF);
static struct spinlock stuck = SPINLOCK(RANK_SPIN_OUTER);
static volatile uint64_t endless = UINT64_MAX;
static volatile uint32_t go;

static void provoke_panic(void)
{
	panic("dumptest");
}

static void provoke_assert(void)
{
	assert(endless == 0);
}

static void provoke_warning(void)
{
	warn_once(endless != 0);
}

static __noinline void provoke_null(void)
{
	*(volatile int *)NULL = 1;
}

static __noinline uint64_t provoke_recursion(uint64_t depth)
{
	volatile uint64_t room[16] = { 0 };

	room[depth % 16] = depth;
	if (depth == endless)
		return 0;
	return provoke_recursion(depth + 1) + room[0];
}

static void provoke_overflow(void)
{
	provoke_recursion(0);
}

/* An exception that cannot be delivered: there is nothing to push its frame onto. */
static __noinline void provoke_double_fault(void)
{
	__asm__ volatile("mov %0, %%rsp; ud2" : : "r"(0x800000000000ul) : "memory");
}

/* Debug kernel: one more bit than there is. */
static __noinline void provoke_shift(void)
{
	endless = 1ul << (endless & 64);
}

static __noinline void provoke_inversion(void)
{
	spin_lock(&inner);
	spin_lock(&outer);
	spin_unlock(&outer);
	spin_unlock(&inner);
}

static void provoke_holder(void *arg) __acquires(&stuck)
{
	spin_lock(&stuck);
	while (endless)
		cpu_relax();
}

static struct thread *start_elsewhere(void (*fn)(void *arg))
{
	struct thread *thread;

	if (nr_cpus() == 1 || kthread_create("provoke", fn, NULL, &thread))
		return NULL;
	if (sched_affinity_set(thread, ~(1ul << cpu_id())))
		return NULL;
	thread_start(thread);
	return thread;
}

/* For a lock that another CPU never lets go of; on one CPU, that nobody has any more. */
static __noinline void provoke_spin(void) __acquires(&stuck)
{
	if (!start_elsewhere(provoke_holder))
		stuck.is_held = true;
	while (!READ_ONCE(stuck.is_held))
		cpu_relax();
	spin_lock(&stuck);
}

static __noinline void provoke_soft_lockup(void)
{
	while (endless)
		cpu_relax();
}

static __noinline void provoke_hard_lockup(void)
{
	irq_disable();
	while (endless)
		cpu_relax();
}

static void provoke_hung_task(void)
{
	static struct wait_queue nobody = WAIT_QUEUE(nobody);

	wait_event(&nobody, endless == 0);
}

static void panic_with_others(void *arg)
{
	go = 1;
	panic("the other");
}

static void provoke_two_panics(void)
{
	if (start_elsewhere(panic_with_others))
		while (!go)
			cpu_relax();
	panic("the one");
}

static void panic_again(void)
{
	*(volatile int *)NULL = 2;
}

static void provoke_panic_in_panic(void)
{
	panic_hooks.print_calls = panic_again;
	panic("dumptest");
}

/* Inside the log, with its lock held. */
static void provoke_log(void)
{
	log_read(log_first(), (struct log_record *)16);
}

static void sink_write(struct log_sink *sink, const char *text, size_t len)
{
	if (!log_in_panic())
		panic("a console crashes");
}

/* Inside a console's output, where nobody else may print. */
static void provoke_console(void)
{
	static struct log_sink sink = { .name = "provoke", .write = sink_write };

	log_sink_register(&sink);
	pr_info("this is for a console that crashes\n");
}

static const struct provocation provocations[] = {
	{ "PANIC", provoke_panic, false },
	{ "BUG", provoke_assert, false },
	{ "WARNING", provoke_warning, false },
	{ "EXCEPTION", provoke_null, false },
	{ "EXHAUST_STACK", provoke_overflow, false },
	{ "DOUBLE_FAULT", provoke_double_fault, false },
	{ "SHIFT", provoke_shift, true },
	{ "LOCK_INVERSION", provoke_inversion, true },
	{ "SPINLOCKUP", provoke_spin, true },
	{ "SOFTLOCKUP", provoke_soft_lockup, false },
	{ "HARDLOCKUP", provoke_hard_lockup, false },
	{ "HUNG_TASK", provoke_hung_task, false },
	{ "TWO_PANICS", provoke_two_panics, false },
	{ "PANIC_IN_PANIC", provoke_panic_in_panic, false },
	{ "LOG", provoke_log, false },
	{ "CONSOLE", provoke_console, false },
	{ NULL, NULL, false },
};

bool provoke_exists(void)
{
	return is_wanted;
}

static const struct provocation *find(const struct provocation *list, const char *name)
{
	for (; list->name; list++) {
		if (!strcmp(list->name, name) && (DEBUG || !list->is_debug_only))
			return list;
	}
	return NULL;
}

/* One word. -EINVAL: there is no such thing, or only in the debug kernel. */
int write_provoke(const struct node *node, char *line, size_t len)
{
	char *end = strchr(line, '\n');

	if (end)
		*end = '\0';
	const struct provocation *it = find(provocations, line);

	if (!it)
		it = find(lock_provocations, line);
	if (!it)
		it = find(protection_provocations, line);
	if (!it)
		return -EINVAL;
	pr_notice("provoke: %s\n", it->name);
	it->run();
	return 0;
}

static int parse_provoke(const char *value)
{
	is_wanted = true;
	return 0;
}

CMDLINE_PARAM("provoke", parse_provoke);
