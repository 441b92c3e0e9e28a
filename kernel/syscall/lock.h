/*
 * What fcntl(2) hands on: record locks, and whom a file tells of readiness.
 */
#pragma once

struct file;

/* F_GETLK F_SETLK F_SETLKW F_OFD_GETLK F_OFD_SETLK F_OFD_SETLKW; fd is the descriptor of file. */
long fcntl_lock(int fd, struct file *file, unsigned int command, unsigned long arg);
/* F_SETOWN F_GETOWN F_SETOWN_EX F_GETOWN_EX F_GETOWNER_UIDS F_SETSIG F_GETSIG */
long fcntl_owner(struct file *file, unsigned int command, unsigned long arg);
