/*
 * /proc/sysrq-trigger: what a key pressed with SysRq does on Linux, for those that make sense here
 * (Documentation/admin-guide/sysrq.rst).
 */
#include "arch/power.h"
#include "core/panic.h"
#include "core/printk.h"
#include "fs/super.h"
#include "procfs/root.h"

static void help(void)
{
	pr_info("sysrq: HELP : reboot(b) crash(c) poweroff(o) sync(s)\n");
}

static void act(char key)
{
	switch (key) {
	case 'b':
		pr_emerg("sysrq: Resetting\n");
		system_reset();
	case 'c':
		panic("sysrq triggered crash");
	case 'o':
		pr_emerg("sysrq: Power Off\n");
		power_off();
	case 's':
		pr_info("sysrq: Emergency Sync\n");
		super_sync_all(true);
		break;
	default:
		help();
		break;
	}
}

/* Only the first byte is a command. */
int write_sysrq_trigger(const struct node *node, char *line, size_t len)
{
	if (len)
		act(line[0]);
	return 0;
}
