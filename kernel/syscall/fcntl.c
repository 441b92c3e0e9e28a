/*
 * The rest of fcntl(2). See syscall/fcntl.h.
 */
#include "syscall/fcntl.h"

#include <linux/errno.h>

#include "lib/types.h"

long fcntl_other(struct file *file, int fd, unsigned int command, unsigned long arg)
{
	return -EINVAL;
}
