/*
 * Pipes: the ring, reading and writing. See pipe.h and pipe_impl.h.
 *
 * A reader wakes writers only if the pipe was full, a writer wakes readers only if it was empty: in
 * between nobody can be asleep. Sleepers are exclusive; one that was woken and leaves something
 * behind wakes the next. A wake-up says that the waker is about to sleep, so that the peer runs at
 * once.
 */
#include "fs/pipe.h"

#include <asm/ioctls.h>
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "abi/errno.h"
#include "core/panic.h"
#include "fs/inode.h"
#include "fs/pipe_impl.h"
#include "lib/math.h"
#include "mem/buddy.h"
#include "sched/poll.h"
#include "vm/uio.h"

/* ---- the ring ----------------------------------------------------------------------- */

struct page *pipe_page_get(struct pipe *pipe)
{
	if (pipe->nr_spares)
		return pipe->spares[--pipe->nr_spares];
	return page_alloc(ALLOC_FILE);
}

void pipe_page_put(struct pipe *pipe, struct page *page)
{
	if (pipe->nr_spares < PIPE_SPARES && page_refs(page) == 1)
		pipe->spares[pipe->nr_spares++] = page;
	else
		page_put(page);
}

void pipe_push(struct pipe *pipe, struct page *page, uint32_t offset, uint32_t length,
               uint32_t flags)
{
	struct pipe_buffer *buffer = pipe_buffer_at(pipe, pipe->head);

	debug_assert(!pipe_is_full(pipe) && length);
	buffer->page = page;
	buffer->offset = offset;
	buffer->length = length;
	buffer->flags = flags;
	WRITE_ONCE(pipe->head, pipe->head + 1);
}

void pipe_consume(struct pipe *pipe, uint32_t n)
{
	struct pipe_buffer *buffer = pipe_buffer_at(pipe, pipe->tail);

	buffer->offset += n;
	buffer->length -= n;
	if (buffer->length)
		return;
	WRITE_ONCE(pipe->tail, pipe->tail + 1);
	if (buffer->flags & PIPE_BUFFER_OWN)
		pipe_page_put(pipe, buffer->page);
	else
		page_put(buffer->page);
}

static char *buffer_bytes(const struct pipe_buffer *buffer)
{
	return (char *)page_to_virt(buffer->page) + buffer->offset;
}

/* ---- waiting and waking ------------------------------------------------------------- */

static bool is_readable(const struct pipe *pipe)
{
	return !pipe_is_empty(pipe) || !READ_ONCE(pipe->nr_writers);
}

static bool is_writable(const struct pipe *pipe)
{
	return !pipe_is_full(pipe) || !READ_ONCE(pipe->nr_readers);
}

int pipe_wait_readable(struct pipe *pipe, bool nowait)
{
	if (is_readable(pipe))
		return 0;
	if (nowait)
		return -EAGAIN;
	return wait_event_interruptible_exclusive_unlock(&pipe->readers, is_readable(pipe),
	                                                 &pipe->lock);
}

int pipe_wait_writable(struct pipe *pipe, bool nowait)
{
	if (is_writable(pipe))
		return 0;
	if (nowait)
		return -EAGAIN;
	return wait_event_interruptible_exclusive_unlock(&pipe->writers, is_writable(pipe),
	                                                 &pipe->lock);
}

void pipe_wake_readers(struct pipe *pipe)
{
	wake_up_sync_key(&pipe->readers, EPOLLIN | EPOLLRDNORM);
}

void pipe_wake_writers(struct pipe *pipe)
{
	wake_up_sync_key(&pipe->writers, EPOLLOUT | EPOLLWRNORM);
}

/* ---- reading ------------------------------------------------------------------------ */

/* As much as there is and fits; 0 if the pipe is empty. EFAULT if nothing could be copied. */
static ssize_t ring_read(struct pipe *pipe, struct uio *uio)
{
	ssize_t done = 0;

	while (uio->remaining && !pipe_is_empty(pipe)) {
		struct pipe_buffer *buffer = pipe_buffer_at(pipe, pipe->tail);
		uint32_t n = (uint32_t)min((size_t)buffer->length, uio->remaining);
		bool is_packet = buffer->flags & PIPE_BUFFER_PACKET;

		if (unlikely(uio_copy_out(uio, buffer_bytes(buffer), n) < n))
			return done ? done : -EFAULT;
		done += n;
		pipe_consume(pipe, is_packet ? buffer->length : n);
		if (is_packet)
			break;
	}
	return done;
}

ssize_t pipe_read(struct io *io)
{
	struct pipe *pipe = to_pipe(io->file);
	bool was_full, wake_next = false;
	ssize_t n;

	if (!io->uio->remaining)
		return 0;
	mutex_lock(&pipe->lock);
	for (;;) {
		was_full = pipe_is_full(pipe);
		n = ring_read(pipe, io->uio);
		if (n || !pipe->nr_writers)
			break;
		n = pipe_wait_readable(pipe, !file_may_wait(io));
		if (n)
			break;
		wake_next = true;
	}
	wake_next = wake_next && !pipe_is_empty(pipe);
	mutex_unlock(&pipe->lock);
	if (was_full && n > 0)
		pipe_wake_writers(pipe);
	if (wake_next)
		pipe_wake_readers(pipe);
	if (n > 0)
		file_accessed(io->file);
	return n;
}

/* ---- writing ------------------------------------------------------------------------ */

/* The odd bytes of a write may go behind the last buffer's; the count, 0 if they may not. */
static __noinline ssize_t ring_append_odd(struct pipe *pipe, struct uio *uio, uint32_t n)
{
	struct pipe_buffer *last = pipe_buffer_at(pipe, pipe->head - 1);

	if (!(last->flags & PIPE_BUFFER_MERGE) || last->offset + last->length + n > PAGE_SIZE)
		return 0;
	if (unlikely(uio_copy_in(uio, buffer_bytes(last) + last->length, n) < n))
		return -EFAULT;
	last->length += n;
	return n;
}

static ssize_t ring_append(struct pipe *pipe, struct uio *uio)
{
	uint32_t n = uio->remaining & (PAGE_SIZE - 1);

	return n && !pipe_is_empty(pipe) ? ring_append_odd(pipe, uio, n) : 0;
}

/* The next page of a write. There is room. */
static ssize_t ring_add(struct pipe *pipe, struct uio *uio, uint32_t flags)
{
	uint32_t n = (uint32_t)min(uio->remaining, PAGE_SIZE);
	struct page *page = pipe_page_get(pipe);

	if (!page)
		return -ENOMEM;
	if (unlikely(uio_copy_in(uio, page_to_virt(page), n) < n)) {
		pipe_page_put(pipe, page);
		return -EFAULT;
	}
	pipe_push(pipe, page, 0, n, flags);
	return n;
}

/* Whoever reads is woken first, if it may be asleep. */
static __noinline int wait_for_room(struct pipe *pipe, struct io *io, bool *was_empty, bool *slept)
{
	bool nowait = !file_may_wait(io);
	int err;

	if (!nowait && *was_empty) {
		mutex_unlock(&pipe->lock);
		pipe_wake_readers(pipe);
		mutex_lock(&pipe->lock);
	}
	err = pipe_wait_writable(pipe, nowait);
	if (err)
		return err;
	*was_empty = pipe_is_empty(pipe);
	*slept = true;
	return 0;
}

/* Until all is written or something prevents it; done counts what was. */
static int ring_write(struct pipe *pipe, struct io *io, bool *was_empty, bool *slept)
{
	bool is_packet = io->file->flags & O_DIRECT;
	uint32_t flags = PIPE_BUFFER_OWN | (is_packet ? PIPE_BUFFER_PACKET : PIPE_BUFFER_MERGE);
	ssize_t n = ring_append(pipe, io->uio);

	while (n >= 0 && io->uio->remaining) {
		int err = pipe_is_full(pipe) ? wait_for_room(pipe, io, was_empty, slept) : 0;

		if (err)
			return err;
		if (!pipe->nr_readers)
			return -EPIPE;
		n = ring_add(pipe, io->uio, flags);
	}
	return n < 0 ? (int)n : 0;
}

ssize_t pipe_write(struct io *io)
{
	struct pipe *pipe = to_pipe(io->file);
	size_t before = io->uio->remaining, done;
	bool was_empty, wake_next = false;
	int err = -EPIPE;

	if (!before)
		return 0;
	mutex_lock(&pipe->lock);
	was_empty = pipe_is_empty(pipe);
	if (pipe->nr_readers)
		err = ring_write(pipe, io, &was_empty, &wake_next);
	wake_next = wake_next && !pipe_is_full(pipe);
	mutex_unlock(&pipe->lock);
	done = before - io->uio->remaining;
	if (unlikely(err == -EPIPE))
		io->flags |= IO_BROKEN;
	if (was_empty || atomic_load_relaxed(&pipe->is_polled))
		pipe_wake_readers(pipe);
	if (wake_next)
		pipe_wake_writers(pipe);
	if (!done)
		return err;
	inode_stamp(io->file->inode, ATTR_MTIME | ATTR_CTIME);
	return (ssize_t)done;
}

/* ---- the rest of an open pipe ------------------------------------------------------- */

static __noinline void poll_register(struct pipe *pipe, const struct file *file,
                                     struct poller *poller)
{
	atomic_store_relaxed(&pipe->is_polled, true);
	if (file->mode & FILE_READ)
		poller_add(poller, &pipe->readers);
	if (file->mode & FILE_WRITE)
		poller_add(poller, &pipe->writers);
}

unsigned int pipe_poll(struct file *file, struct poller *poller)
{
	struct pipe *pipe = to_pipe(file);
	unsigned int ready = 0;

	if (poller && poller->add)
		poll_register(pipe, file, poller);
	if (file->mode & FILE_READ) {
		if (!pipe_is_empty(pipe))
			ready |= EPOLLIN | EPOLLRDNORM;
		/* position: the opens for writing that a FIFO had seen; see fifo_open(). */
		if (!READ_ONCE(pipe->nr_writers) &&
		    (uint32_t)file->position != READ_ONCE(pipe->writer_opens))
			ready |= EPOLLHUP;
	}
	if (file->mode & FILE_WRITE) {
		if (!pipe_is_full(pipe))
			ready |= EPOLLOUT | EPOLLWRNORM;
		if (!READ_ONCE(pipe->nr_readers))
			ready |= EPOLLERR;
	}
	return ready;
}

long pipe_ioctl(struct file *file, unsigned int cmd, void *arg)
{
	struct pipe *pipe = to_pipe(file);
	int bytes = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&pipe->lock);
	for (uint32_t i = pipe->tail; i != pipe->head; i++)
		bytes += (int)pipe_buffer_at(pipe, i)->length;
	mutex_unlock(&pipe->lock);
	*(int *)arg = bytes;
	return 0;
}

/* Two ends share what is in it. */
static size_t pipe_footprint(const struct file *file)
{
	const struct pipe *pipe = to_pipe(file);
	size_t pages = pipe_used(pipe) + READ_ONCE(pipe->nr_spares);

	return (sizeof(*pipe) + READ_ONCE(pipe->nr_slots) * sizeof(struct pipe_buffer) +
		sizeof(struct inode) + pages * PAGE_SIZE) / 2;
}

const struct file_ops pipe_file_ops = {
	.footprint = pipe_footprint,
	.open = fifo_open,
	.release = pipe_release,
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
};
