/*
 * Soft and hard lock-ups. See sched/watchdog.h.
 *
 * Soft: whatever passes a safe point leaves a trace that the tick can see: it comes in user mode,
 * threads were switched, or TF_NEED_RESCHED is gone, which is set here when a second has passed
 * without the other two. So the safe points themselves know nothing of this.
 *
 * Hard: a busy CPU has a guard, a timer on the next CPU. It goes off every `watchdog_thresh`
 * seconds and looks for a sign of life: ticks or switches. A guard that sees none looks again a
 * second later; then asks by NMI; and if the CPU has answered and a further second brought no sign,
 * tells. One that finds its CPU idle since it looked last goes, until the CPU has work again.
 *
 * Locking: none. A CPU's own fields belong to its timer interrupt, a guard's to the timer's
 * callback; `is_guarded` passes between the two.
 */
#define pr_fmt(fmt) "watchdog: " fmt

#include "sched/watchdog.h"

#include <arch/percpu.h>
#include <arch/trace.h>
#include <linux/errno.h>

#include "core/backtrace.h"
#include "core/cmdline.h"
#include "core/nmi.h"
#include "core/panic.h"
#include "core/printk.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "sched/clock.h"
#include "sched/runqueue_impl.h"
#include "sched/watchdog_impl.h"

#define ASK_AFTER_TICKS (NS_PER_SEC / TICK_NS)
#define LOOK_AGAIN_NS   NS_PER_SEC

enum { THRESHOLD_S = 10 };

enum guard_state { LOOKING, SUSPECTING, ANSWERED, TOLD };

struct guard {
	struct timer timer;
	struct work  work;
	uint64_t     life; /* the signs of life when it looked last */
	uint32_t     cpu __const_after_init;
	enum guard_state state;
};

struct watch {
	ns_t         since __owned_by_cpu;    /* the last safe point that was seen */
	uint64_t     switches __owned_by_cpu; /* of the run queue, then */
	uint64_t     stuck_ticks __owned_by_cpu;
	uint64_t     tell_at __owned_by_cpu;  /* so many stuck ticks: it is told again */
	bool         has_asked __owned_by_cpu; /* TF_NEED_RESCHED was set from here */
	uint64_t     ticks __atomic;          /* ever; writer: own CPU */
	bool         is_guarded __atomic;
	struct guard guard; /* of this CPU; runs on another */
};

static DEFINE_PER_CPU(struct watch, watch);

struct watchdog_settings watchdog_settings = {
	.enabled = 1, .soft = 1, .hard = 1, .threshold_s = THRESHOLD_S,
};

/* ---- soft ------------------------------------------------------------------------------------ */

static uint64_t soft_limit_ticks(void)
{
	const struct watchdog_settings *set = &watchdog_settings;

	if (!set->enabled || !set->soft)
		return 0;
	return 2ul * (uint64_t)set->threshold_s * (NS_PER_SEC / TICK_NS);
}

static bool has_passed_safe_point(const struct watch *own, bool user)
{
	return user || this_runqueue()->nr_switches != own->switches ||
	       (own->has_asked && !thread_test_flag(thread_current(), TF_NEED_RESCHED));
}

static void soft_reset(struct watch *own, ns_t now)
{
	own->since = now;
	own->switches = this_runqueue()->nr_switches;
	own->stuck_ticks = own->tell_at = 0;
	own->has_asked = false;
}

static void soft_tell(const struct watch *own)
{
	const struct pt_regs *regs = trap_regs_interrupted();
	int pid = 0;
	const char *name = panic_hooks.thread_name(&pid);

	pr_emerg("BUG: soft lockup - CPU#%u stuck for %llds! [%s:%d]\n", cpu_id(),
	         (ns_t)own->stuck_ticks * TICK_NS / NS_PER_SEC, name, pid);
	print_where(LOG_EMERG);
	if (regs) {
		regs_print(LOG_EMERG, regs);
		backtrace_print_regs(LOG_EMERG, regs);
	}
	if (watchdog_settings.soft_shows_all)
		cpus_backtrace_print(LOG_EMERG);
	if (watchdog_settings.soft_panics)
		panic("softlockup: hung tasks");
}

static void soft_tick(struct watch *own, ns_t now, bool user)
{
	uint64_t limit = soft_limit_ticks();

	if (has_passed_safe_point(own, user) || !limit) {
		soft_reset(own, now);
		return;
	}
	own->stuck_ticks++;
	if (own->stuck_ticks == ASK_AFTER_TICKS) {
		thread_set_flag(thread_current(), TF_NEED_RESCHED);
		own->has_asked = true;
	}
	if (!own->tell_at)
		own->tell_at = limit;
	if (own->stuck_ticks < own->tell_at || now - own->since < (ns_t)(limit * TICK_NS))
		return;
	own->tell_at = own->stuck_ticks + limit;
	soft_tell(own);
}

/* ---- hard ------------------------------------------------------------------------------------ */

static uint64_t signs_of_life(uint32_t cpu)
{
	return atomic_load_relaxed(&per_cpu_ptr(watch, cpu)->ticks) +
	       READ_ONCE(per_cpu_ptr(runqueue, cpu)->nr_switches);
}

static bool is_hard_enabled(void)
{
	const struct watchdog_settings *set = &watchdog_settings;

	return set->enabled && set->hard && set->threshold_s > 0;
}

static bool is_idle(uint32_t cpu)
{
	const struct runqueue *rq = per_cpu_ptr(runqueue, cpu);

	return READ_ONCE(rq->current) == rq->idle;
}

static void hard_tell(uint32_t cpu)
{
	log_printf(LOG_EMERG, "NMI watchdog: Watchdog detected hard LOCKUP on cpu %u\n", cpu);
	if (watchdog_settings.hard_shows_all)
		cpus_backtrace_print(LOG_EMERG);
	else
		(void)cpu_backtrace_print(LOG_EMERG, cpu);
	if (watchdog_settings.hard_panics)
		panic("Hard LOCKUP");
}

/* No sign of life since it looked last. */
static void guard_suspect(struct guard *guard)
{
	switch (guard->state) {
	case LOOKING:
		guard->state = SUSPECTING;
		break;
	case SUSPECTING:
		if (cpu_is_answering(guard->cpu))
			guard->state = ANSWERED;
		break;
	case ANSWERED:
		hard_tell(guard->cpu);
		guard->state = TOLD;
		break;
	case TOLD:
		break;
	}
}

static void guard_look(struct timer *timer)
{
	struct guard *guard = container_of(timer, struct guard, timer);
	uint64_t life = signs_of_life(guard->cpu);
	bool is_silent = life == guard->life, idles = is_idle(guard->cpu);

	if ((idles && is_silent) || !is_hard_enabled()) {
		atomic_store(&per_cpu_ptr(watch, guard->cpu)->is_guarded, false);
		return;
	}
	if (is_silent)
		guard_suspect(guard);
	else
		guard->state = LOOKING;
	guard->life = life;
	timer_start(timer, clock_monotonic() +
	                           (guard->state == LOOKING || guard->state == TOLD
	                                    ? watchdog_settings.threshold_s * NS_PER_SEC
	                                    : LOOK_AGAIN_NS));
}

/* On the CPU that guards. */
static void guard_start(struct work *work)
{
	struct guard *guard = container_of(work, struct guard, work);

	guard->life = signs_of_life(guard->cpu);
	guard->state = LOOKING;
	timer_start(&guard->timer,
	            clock_monotonic() + watchdog_settings.threshold_s * NS_PER_SEC);
}

static void guard_ask_for(struct watch *own)
{
	if (likely(atomic_load_relaxed(&own->is_guarded)) || nr_cpus() == 1 || !is_hard_enabled())
		return;
	atomic_store(&own->is_guarded, true);
	work_queue_on(&own->guard.work, (cpu_id() + 1) % nr_cpus());
}

/* ---- for the rest of sched/ ------------------------------------------------------------------ */

void watchdog_tick(ns_t now, bool user)
{
	struct watch *own = this_cpu_ptr(watch);

	soft_tick(own, now, user);
	atomic_store_relaxed(&own->ticks, own->ticks + 1);
	guard_ask_for(own);
}

void watchdog_busy(void)
{
	guard_ask_for(this_cpu_ptr(watch));
}

void watchdog_init_cpu(uint32_t cpu)
{
	struct watch *its = per_cpu_ptr(watch, cpu);

	its->guard.cpu = cpu;
	timer_init(&its->guard.timer, guard_look);
	work_init(&its->guard.work, guard_start);
}

/* ---- the command line ------------------------------------------------------------------------ */

static int parse_off(const char *value)
{
	watchdog_settings.enabled = 0;
	return 0;
}

static int parse_no_soft(const char *value)
{
	watchdog_settings.soft = 0;
	return 0;
}

static int parse_soft_panics(const char *value)
{
	return cmdline_int(value, &watchdog_settings.soft_panics);
}

static int parse_threshold(const char *value)
{
	int seconds, err = cmdline_int(value, &seconds);

	if (err || seconds < 0 || seconds > 60)
		return -EINVAL;
	watchdog_settings.threshold_s = seconds;
	return 0;
}

/* nmi_watchdog=[panic,]0|1 */
static int parse_hard(const char *value)
{
	if (value && str_has_prefix(value, "panic")) {
		watchdog_settings.hard_panics = 1;
		value += strlen("panic");
		if (*value != ',')
			return *value ? -EINVAL : 0;
		value++;
	}
	return cmdline_int(value, &watchdog_settings.hard);
}

CMDLINE_PARAM("nowatchdog", parse_off);
CMDLINE_PARAM("nosoftlockup", parse_no_soft);
CMDLINE_PARAM("softlockup_panic", parse_soft_panics);
CMDLINE_PARAM("watchdog_thresh", parse_threshold);
CMDLINE_PARAM("nmi_watchdog", parse_hard);
