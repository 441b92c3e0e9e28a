/*
 * The pipe as its files in this folder see it: pipe.c (ring, reading, writing), fifo.c (opening,
 * closing, polling, size), splice*.c (moving pages).
 *
 * head and tail count buffers ever added and removed; a buffer's slot is its count modulo the
 * number of slots, a power of two. A buffer is never empty.
 */
#pragma once

#include "fs/file.h"
#include "lib/types.h"
#include "sched/mutex.h"
#include "sched/wait.h"

struct page;
struct user;

enum {
	PIPE_BUFFER_MERGE  = 1 << 0, /* a writer may append to the page */
	PIPE_BUFFER_PACKET = 1 << 1, /* O_DIRECT: a read takes it whole and no more */
	PIPE_BUFFER_OWN    = 1 << 2, /* a page that a pipe allocated: may be used again */
};

struct pipe_buffer {
	struct page *page; /* a reference */
	uint32_t     offset, length;
	uint32_t     flags; /* PIPE_BUFFER_* */
};

enum { PIPE_SPARES = 2, PIPE_SLOTS = 16, PIPE_SLOTS_LOW = 2 };

struct pipe {
	struct mutex        lock;
	struct wait_queue   readers;
	struct wait_queue   writers;
	uint32_t            head __guarded_by(lock);
	uint32_t            tail __guarded_by(lock);
	uint32_t            nr_slots __guarded_by(lock);
	uint32_t            nr_readers __guarded_by(lock); /* open files that may read */
	uint32_t            nr_writers __guarded_by(lock);
	/* ever; who waits for a partner looks */
	uint32_t            reader_opens __guarded_by(lock);
	uint32_t            writer_opens __guarded_by(lock);
	/* from then on every write wakes, not the first only */
	bool                is_polled __atomic;
	struct pipe_buffer *buffers __guarded_by(lock);
	struct page        *spares[PIPE_SPARES] __guarded_by(lock);
	uint32_t            nr_spares __guarded_by(lock);
	uint32_t            nr_files __guarded_by(inode->short_lock);
	struct user        *user __const_after_init; /* whose pipe_pages it counts for */
};

/* Made and freed by fifo.c. ENFILE over the user's hard limit, ENOMEM. */
int  pipe_alloc(const struct cred *cred, struct pipe **out);
void pipe_free(struct pipe *pipe);

static inline struct pipe *to_pipe(const struct file *file)
{
	return file->private;
}

static inline uint32_t pipe_used(const struct pipe *pipe)
{
	return READ_ONCE(pipe->head) - READ_ONCE(pipe->tail);
}

static inline bool pipe_is_empty(const struct pipe *pipe)
{
	return pipe_used(pipe) == 0;
}

static inline bool pipe_is_full(const struct pipe *pipe)
{
	return pipe_used(pipe) >= READ_ONCE(pipe->nr_slots);
}

/* The buffer that was added as number `count`. */
static inline struct pipe_buffer *pipe_buffer_at(struct pipe *pipe, uint32_t count)
{
	return &pipe->buffers[count & (pipe->nr_slots - 1)];
}

/* Puts a buffer behind the others; the page reference moves. There is room. Lock held. */
void pipe_push(struct pipe *pipe, struct page *page, uint32_t offset, uint32_t length,
               uint32_t flags);
/* Takes n bytes off the first buffer, and the buffer if that was all. Lock held. */
void pipe_consume(struct pipe *pipe, uint32_t n);
/* A page for new data: a spare one, or fresh and not cleared. Lock held. May sleep. NULL. */
struct page *pipe_page_get(struct pipe *pipe) __must_check;
void pipe_page_put(struct pipe *pipe, struct page *page);

/* Waits for data or the end; 0, EAGAIN if nowait, -ERESTARTSYS. Lock held, dropped in between. */
int __must_check pipe_wait_readable(struct pipe *pipe, bool nowait);
/* Waits for room or for the readers to be gone. */
int __must_check pipe_wait_writable(struct pipe *pipe, bool nowait);
/* After data came or went; without the lock. */
void pipe_wake_readers(struct pipe *pipe);
void pipe_wake_writers(struct pipe *pipe);

ssize_t      pipe_read(struct io *io);
ssize_t      pipe_write(struct io *io);
int          fifo_open(struct inode *inode, struct file *file);
void         pipe_release(struct file *file);
unsigned int pipe_poll(struct file *file, struct poller *poller);
long         pipe_ioctl(struct file *file, unsigned int cmd, void *arg);

extern const struct file_ops pipe_file_ops;
