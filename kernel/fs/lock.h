/*
 * Advisory locks on files: record locks of a process (F_SETLK), of an open file (F_OFD_SETLK), and
 * flock(2). fcntl_locking(2), flock(2).
 *
 * All locks of an inode are in its struct lock_set, made when the first is wanted: record locks of
 * both kinds sorted by owner and start, flocks beside them. The owner of a record lock is the
 * descriptor table (F_SETLK) or the open file (F_OFD_SETLK), that of a flock the open file. Who
 * must wait sleeps on the set's queue; a wait that would close a circle of processes is EDEADLK.
 *
 * Locking: one spinlock (RANK_FILE_LOCKS) over all sets and waiters: locks are rare, circles span
 * inodes. Release: lock_release_owner() at each close of a descriptor, lock_release_file() with the
 * last reference; both cost a load when the inode never had a lock.
 */
#pragma once

#include <linux/fcntl.h>

#include "lib/types.h"

struct file;
struct inode;
struct lock_set;

enum lock_kind { LOCK_RECORD, LOCK_OFD, LOCK_FLOCK };

struct lock_request {
	enum lock_kind kind;
	short          type;       /* F_RDLCK, F_WRLCK, F_UNLCK */
	pos_t          start, end; /* inclusive; INT64_MAX: to the end of the file */
	const void    *owner;      /* a descriptor table, or the file */
	pid_t          pid;        /* shown by F_GETLK and /proc/locks; -1 for OFD locks */
};

/*
 * Take, change or (F_UNLCK) release. Waits if `wait`. EAGAIN, EDEADLK, ENOMEM (ENOLCK for records),
 * -ERESTARTSYS by a signal. May sleep.
 */
int __must_check lock_apply(struct file *file, const struct lock_request *request, bool wait);
/* The first lock that is in the way replaces *request; type F_UNLCK: none is. */
void lock_test(struct file *file, struct lock_request *request);

/* A descriptor of `file` in the table `owner` was closed: its record locks on the inode go. */
void lock_release_owner(struct file *file, const void *owner);
/* The last reference of the file goes: its flock and OFD locks go. */
void lock_release_file(struct file *file);
/* The inode goes. */
void lock_set_free(struct inode *inode);

/*
 * For /proc/locks: the index-th lock, as one line without its number, like snprintf(); -1: no more.
 */
int lock_show(unsigned int index, char *buf, size_t size);
