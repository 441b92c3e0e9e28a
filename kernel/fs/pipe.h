/*
 * Pipes and FIFOs: pipe(7), fifo(7).
 *
 * A pipe is a ring of buffers, each a reference on a page with a range in it. Writers append to the
 * last page while it has room; a write of at most PIPE_BUF bytes goes into one page, so it is
 * never split nor mixed with another. Readers take from the other end. splice(2) moves references
 * from and to the ring (fs/splice.h).
 *
 * A pipe lives as long as files refer to it; a FIFO's inode gets one at the first open and loses it
 * at the last close. file->private is the pipe, inode->private too.
 *
 * Locking: pipe->lock, a mutex of RANK_FILE_PRIVATE, over everything; user memory is copied under
 * it. Wait queues: readers sleep on one, writers on the other, exclusively.
 */
#pragma once

#include "lib/types.h"

struct cred;
struct file;

/* PIPE_BUF of limits.h: writes up to here are atomic. */
enum { PIPE_ATOMIC_BYTES = 4096 };

/* Once, before the first pipe: the file system of pipes, and the operations of FIFOs. */
void pipe_init(void);

/*
 * A fresh pipe: files[0] reads, files[1] writes. flags: O_NONBLOCK, O_DIRECT. ENFILE, ENOMEM. May
 * sleep.
 */
int __must_check pipe_create(const struct cred *cred, unsigned int flags, struct file *files[2]);

/* The file is an end of a pipe or FIFO. */
bool file_is_pipe(const struct file *file);

/*
 * F_GETPIPE_SZ and F_SETPIPE_SZ: bytes, or EBADF (no pipe), EPERM (over the limit without
 * CAP_SYS_RESOURCE), EBUSY (more than that is in it), EINVAL, ENOMEM. fcntl(2)
 */
long pipe_size(struct file *file);
long pipe_set_size(struct file *file, unsigned long size_bytes, const struct cred *cred);

/* /proc/sys/fs/pipe-max-size, pipe-user-pages-soft and -hard; EINVAL. */
struct pipe_limits {
	uint32_t max_size;
	uint32_t user_pages_soft, user_pages_hard; /* 0: none */
};
extern struct pipe_limits pipe_limits;
