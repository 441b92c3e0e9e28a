/*
 * execve(2): a new program in an old process.
 *
 * Everything that can fail is done on the side: file opened and checked, strings copied, a new
 * address space made, mapped and its stack written. Then comes the point of no return
 * (exec_commit.c), after which nothing fails any more; so a failed exec leaves the old image whole,
 * and an exec under CLONE_VM never touches the parent's memory.
 */
#pragma once

#include "lib/types.h"

/*
 * execveat(2) as the current task; name, argv, envp are user pointers. On success the registers at
 * the top of the kernel stack are the new program's and 0 is returned; otherwise -errno and nothing
 * has changed. Sleeps.
 */
long exec_user(int dirfd, const char __user *name, uaddr_t argv, uaddr_t envp, unsigned flags);

/* The same with kernel strings, for init/user.c; NULL ends each array. */
long exec_kernel(const char *name, const char *const argv[], const char *const envp[]);
