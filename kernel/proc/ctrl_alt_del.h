/*
 * Ctrl-Alt-Del: restarts the machine at once, or, after reboot(2) with LINUX_REBOOT_CMD_CAD_OFF,
 * is SIGINT for init, which then restarts it in good order.
 */
#pragma once

#include "lib/types.h"

/* The keys were pressed. Any context. */
void ctrl_alt_del_press(void);

/* What they mean from now on. Any context. */
void ctrl_alt_del_set(bool restarts);
bool ctrl_alt_del_restarts(void);
