/*
 * The commands of fcntl(2) that are a room of their own: record locks, owners and signals, pipe
 * sizes, leases.
 */
#pragma once

struct file;

/* -EINVAL for what no room knows. `file` is open for I/O and borrowed. May sleep (F_SETLKW). */
long fcntl_other(struct file *file, int fd, unsigned int command, unsigned long arg);

/* F_SETOWN and F_GETOWN: a process, or as a negative number a group. As owner_set(). */
long fcntl_owner_set(struct file *file, int fd, int who);
long fcntl_owner_get(struct file *file);
