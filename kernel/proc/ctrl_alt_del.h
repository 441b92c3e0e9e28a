/*
 * Ctrl-Alt-Del: restarts the machine at once, or, after reboot(2) with LINUX_REBOOT_CMD_CAD_OFF,
 * is SIGINT for init, which then restarts it in good order.
 */
#pragma once

/* The keys were pressed. Any context. */
void ctrl_alt_del_press(void);

/* 1: they restart; 0: they are init's. Atomic. /proc/sys/kernel/ctrl-alt-del. */
extern int ctrl_alt_del_restarts;
