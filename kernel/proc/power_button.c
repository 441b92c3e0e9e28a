/*
 * The power button. See proc/power_button.h. Its interrupt only queues; a thread acts.
 */
#include "proc/power_button.h"

#include <arch/cpu.h>
#include <arch/power.h>

#include "core/nmi.h"
#include "core/printk.h"
#include "dev/power_button.h"
#include "fs/super.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "proc/signal_impl.h"
#include "proc/task.h"
#include "sched/clock.h"
#include "sched/work.h"

#define PATIENCE (10 * NS_PER_SEC)

/* When init was asked; 0: never. Of the work alone, which runs one at a time. */
static ns_t asked_at;

static bool catches(struct proc *init)
{
	struct task *leader = proc_leader_get(init);
	bool does = false;
	uint64_t flags;

	if (!leader)
		return false;
	flags = spin_lock_irqsave(&init->lock);
	if (leader->sighand)
		does = sighand_handler(leader->sighand, SIGUSR2) > HANDLER_IGNORE;
	spin_unlock_irqrestore(&init->lock, flags);
	task_put(leader);
	return does;
}

static void act(struct work *work)
{
	struct proc *init = proc_init();
	ns_t now = clock_monotonic();

	if (init && catches(init) && (!asked_at || now - asked_at > PATIENCE)) {
		asked_at = now;
		pr_notice("power button: init is told\n");
		(void)signal_send_proc(init, SIGUSR2, SIGINFO_KERNEL);
		return;
	}
	super_sync_all(true);
	pr_emerg("reboot: Power down\n");
	irq_disable();
	cpus_stop();
	power_off();
}

static struct work work = WORK(act);

static void press(void)
{
	work_queue_sleeping(&work);
}

void power_button_init(void)
{
	power_button_set_client(press);
}
