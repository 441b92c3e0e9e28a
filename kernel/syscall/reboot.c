/*
 * The end of the machine: reboot(2).
 */
#include <linux/errno.h>
#include <linux/reboot.h>

#include "arch/power.h"
#include "core/nmi.h"
#include "core/printk.h"
#include "fs/super.h"
#include "proc/ctrl_alt_del.h"
#include "proc/task.h"
#include "sched/clock.h"
#include "syscall/prototypes.h"
#include "tty/tty.h"

/* What programs have written reaches disks and the console before the machine goes. */
static void finish_output(void)
{
	super_sync_all(true);
	console_wait_sent(clock_monotonic() + NS_PER_SEC);
}

/* Nobody goes on working while the machine goes, nor after a halt. */
static void stop_other_cpus(void)
{
	irq_disable();
	cpus_stop();
}

long sys_reboot(int magic1, int magic2, unsigned int command, void __user *arg)
{
	if (!cred_capable(task_current()->cred, CAP_SYS_BOOT))
		return -EPERM;
	if (magic1 != (int)LINUX_REBOOT_MAGIC1 ||
	    (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
	     magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	if (command == LINUX_REBOOT_CMD_POWER_OFF && !power_can_power_off())
		command = LINUX_REBOOT_CMD_HALT;
	switch (command) {
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		WRITE_ONCE(ctrl_alt_del_restarts, command == LINUX_REBOOT_CMD_CAD_ON);
		return 0;
	case LINUX_REBOOT_CMD_POWER_OFF:
		finish_output();
		pr_emerg("reboot: Power down\n");
		stop_other_cpus();
		power_off();
	case LINUX_REBOOT_CMD_HALT:
		finish_output();
		pr_emerg("reboot: System halted\n");
		stop_other_cpus();
		cpu_halt_forever();
	case LINUX_REBOOT_CMD_RESTART:
		finish_output();
		pr_emerg("reboot: Restarting system\n");
		stop_other_cpus();
		system_reset();
	default:
		return -EINVAL;
	}
}
