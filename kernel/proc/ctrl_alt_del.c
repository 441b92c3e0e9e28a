/*
 * Ctrl-Alt-Del. See proc/ctrl_alt_del.h. The keyboard's interrupt only queues; restarting or
 * sending the signal is done by a thread.
 */
#include "proc/ctrl_alt_del.h"

#include <arch/power.h>

#include "core/printk.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "sched/work.h"

int ctrl_alt_del_restarts __atomic = 1;

static void act(struct work *work)
{
	struct proc *init = proc_init();

	if (READ_ONCE(ctrl_alt_del_restarts) || !init) {
		pr_emerg("reboot: Restarting system\n");
		system_reset();
	}
	(void)signal_send_proc(init, SIGINT, SIGINFO_KERNEL);
}

static struct work work = WORK(act);

void ctrl_alt_del_press(void)
{
	work_queue_sleeping(&work);
}
