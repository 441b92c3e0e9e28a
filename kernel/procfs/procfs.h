/*
 * /proc and the /sys that programs read. See README.md.
 */
#pragma once

/* Registers the types "proc" and "sysfs"; before the first program. Panics without memory. */
void procfs_init(void);

struct file;
struct pid;

/* The process whose directory /proc/PID is open in `file`, borrowed from it; NULL: another file. */
struct pid *procfs_pid(const struct file *file);
