/*
 * /proc and the /sys that programs read. See README.md.
 */
#pragma once

/* Registers the types "proc" and "sysfs"; before the first program. Panics without memory. */
void procfs_init(void);
