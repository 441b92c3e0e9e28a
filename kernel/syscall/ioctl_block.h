/*
 * ioctls of block devices whose argument is more than memory: a pointer inside it, or a descriptor.
 */
#pragma once

struct file;

/*
 * BLKPG, LOOP_SET_FD, LOOP_CHANGE_FD, LOOP_CONFIGURE: fetches what the argument (in kernel memory)
 * refers to and calls the file. -ENOIOCTLCMD: none of them.
 */
long ioctl_block(struct file *file, unsigned int command, void *arg);
