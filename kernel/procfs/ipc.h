/*
 * System V IPC in /proc: its lists, and its limits for sysctl_kernel.c.
 */
#pragma once

#include "ipc/msg.h"
#include "ipc/shm.h"
#include "procfs/sysctl.h"

extern const struct directory sysvipc_directory; /* /proc/sysvipc */

extern const struct sysctl_int sysctl_shmmni, sysctl_msgmni;

/* entry->arg: a uint64_t that is read and written atomically. */
int show_ipc_limit(const struct node *node, struct text *text);
int write_ipc_limit(const struct node *node, char *line, size_t len);
/* The four numbers of kernel.sem. */
int show_sem_limits(const struct node *node, struct text *text);
int write_sem_limits(const struct node *node, char *line, size_t len);
