/*
 * ioctls that every file understands: ioctl_fionread(2), ioctl_iflags(2), fcntl-like ones.
 */
#pragma once

struct file;

/*
 * arg: kernel memory, by syscall/ioctl_table.h. -ENOIOCTLCMD: not one of them, or not for this kind
 * of file.
 */
long ioctl_any(struct file *file, int fd, unsigned int command, void *arg);
