/*
 * pidfd: a file that stands for a process, whatever becomes of its number. pidfd_open(2), clone(2)
 * (CLONE_PIDFD).
 *
 * It polls readable when the process has ended (all its tasks), and cannot be read.
 */
#pragma once

#include "lib/types.h"

struct file;
struct pid;
struct proc;

/*
 * A file for `pid`, of which it takes a reference of its own. `flags`: O_NONBLOCK. -ENFILE,
 * -ENOMEM. May sleep.
 */
int __must_check pidfd_create(struct pid *pid, unsigned int flags, struct file **out);

/* The pid behind a pidfd, borrowed from the file; NULL when it is none. */
struct pid *pidfd_pid(const struct file *file);
