/*
 * The devices that are memory: null, zero, full, random, urandom; and kmsg, the kernel's log as a
 * device.
 */
#pragma once

#include "lib/types.h"

struct file;
struct wait_queue;

/* Registers them. */
int memdev_init(void);
int kmsg_init(void);

/*
 * Waits until the random generator is seeded: getrandom(2). EAGAIN if may_wait is false,
 * ERESTARTSYS.
 */
int random_wait_ready(bool may_wait);

/*
 * What programs may write to /dev/kmsg, by name for /proc/sys/kernel/printk_devkmsg. -EINVAL: no
 * such name, or the command line has decided.
 */
enum kmsg_mode { KMSG_RATELIMIT, KMSG_ON, KMSG_OFF };
enum kmsg_mode kmsg_mode(void);
/* Whoever opens it to read may see the log (dmesg_restrict). */
bool kmsg_may_read(const struct file *file);
const char *kmsg_mode_name(void);
__must_check int kmsg_mode_set(const char *name);

/* Woken for every new record of the log: syslog(2) waits here too. */
extern struct wait_queue kmsg_readers;
