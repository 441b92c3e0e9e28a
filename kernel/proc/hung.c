/*
 * The search for hung tasks. See proc/hung.h.
 *
 * Locking: `timeout_s` is atomic; the rest belongs to the one work that looks.
 */
#include "proc/hung.h"

#include "core/cmdline.h"
#include "core/nmi.h"
#include "core/panic.h"
#include "core/printk.h"
#include "id/nsproxy.h"
#include "lib/atomic.h"
#include "proc/dump.h"
#include "proc/task.h"
#include "sched/clock.h"
#include "sched/sched.h"
#include "sched/timer.h"
#include "sched/work.h"

#define TIMEOUT_FILE "/proc/sys/kernel/hung_task_timeout_secs"

enum { TIMEOUT_S = 120, WARNINGS = 10, LOOKS = 3 };

struct hung_settings hung_settings = { .warnings = WARNINGS };

static void look_soon(struct timer *timer);
static void look(struct work *work);

static struct {
	struct timer timer;
	struct work  work;
	int64_t      timeout_s __atomic;
} hung = { .work = WORK(look), .timeout_s = TIMEOUT_S };

static void tell(struct task *task, int64_t timeout_s)
{
	if (hung_settings.warnings) {
		if (hung_settings.warnings > 0)
			hung_settings.warnings--;
		pr_err("INFO: task %s:%d blocked for more than %ld seconds.\n", task->thread.name,
		       task_tid(task), timeout_s);
		pr_err("      Not tainted %s %s\n", uts_release, uts_version);
		pr_err("\"echo 0 > %s\" disables this message.\n", TIMEOUT_FILE);
		task_print(LOG_INFO, task);
		if (hung_settings.shows_all)
			cpus_backtrace_print(LOG_INFO);
	}
	if (hung_settings.panics)
		panic("hung_task: blocked tasks");
}

static void look_at(struct task *task, ns_t now, int64_t timeout_s)
{
	const struct thread *thread = &task->thread;
	uint64_t switches = READ_ONCE(thread->switches_voluntary) +
	                    READ_ONCE(thread->switches_involuntary);

	if (atomic_load_relaxed(&thread->state) != THREAD_UNINTERRUPTIBLE) {
		task->hung_looks = 0;
		return;
	}
	if (!task->hung_looks || switches != task->hung_switches) {
		task->hung_switches = switches;
		task->hung_since = now;
		task->hung_looks = 1;
		return;
	}
	if (++task->hung_looks < LOOKS || now - task->hung_since < timeout_s * NS_PER_SEC)
		return;
	task->hung_looks = 0;
	tell(task, timeout_s);
}

static void look(struct work *work)
{
	int64_t timeout_s = atomic_load_relaxed(&hung.timeout_s);
	ns_t now = clock_monotonic();
	struct pid *pid;

	if (!timeout_s)
		return;
	for (pid_t next = 1; (pid = pid_next(next)) != NULL; pid_put(pid)) {
		struct task *task = task_of_pid(pid);

		next = pid_nr(pid) + 1;
		if (task) {
			look_at(task, now, timeout_s);
			task_put(task);
		}
		cond_resched();
	}
}

static void look_later(void)
{
	int64_t timeout_s = atomic_load_relaxed(&hung.timeout_s);

	if (timeout_s)
		timer_start(&hung.timer, clock_monotonic() + timeout_s * (NS_PER_SEC / 2));
}

/* Nobody sleeps that way: nobody needs to be woken to see it. */
static void look_soon(struct timer *timer)
{
	if (sched_nr_uninterruptible() > 0)
		work_queue_sleeping(&hung.work);
	look_later();
}

int64_t hung_timeout_get(void)
{
	return atomic_load_relaxed(&hung.timeout_s);
}

int hung_timeout_set(int64_t seconds)
{
	atomic_store(&hung.timeout_s, seconds);
	timer_cancel_sync(&hung.timer);
	look_later();
	return 0;
}

void hung_init(void)
{
	timer_init(&hung.timer, look_soon);
	look_later();
}

static int parse_panic(const char *value)
{
	return cmdline_int(value, &hung_settings.panics);
}

CMDLINE_PARAM("hung_task_panic", parse_panic);
