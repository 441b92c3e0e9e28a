/*
 * Moving data between files and pipes. See splice.h.
 */
#include "fs/splice.h"

#include <linux/errno.h>
#include <linux/fcntl.h>

#include "abi/errno.h"
#include "fs/disk_mapping.h"
#include "fs/inode.h"
#include "fs/pagecache.h"
#include "fs/pipe.h"
#include "fs/pipe_impl.h"
#include "lib/math.h"
#include "mem/buddy.h"
#include "sched/thread.h"
#include "vm/uio.h"

enum { SPANS_MAX = 16 }; /* pages that are written together */

/* ---- single pages ------------------------------------------------------------------- */

bool file_can_splice(const struct file *file)
{
	mode_t type = file->inode->mode & S_IFMT;

	return file->ops->read && (type == S_IFREG || type == S_IFBLK || type == S_IFSOCK);
}

/* Not one at which the next read-ahead begins: read(2) does that. */
static struct page *disk_page_lend(struct mapping *mapping, pgoff_t index)
{
	struct page *page = disk_page_borrow(mapping, index);

	if (!page || !page_is(page, PAGE_AHEAD))
		return page;
	page_put(page);
	return NULL;
}

/* The cached page at a position of a file, lent; false: none, or behind the end. */
static bool page_borrow(const struct io *in, size_t len, struct pipe_buffer *out)
{
	struct mapping *mapping = in->file->mapping;
	bool is_disk = in->file->mode & FILE_DIRECT && !(in->file->flags & O_DIRECT);
	pos_t left;

	if (!mapping || (in->file->ops->read != mapping_read && !is_disk))
		return false;
	left = READ_ONCE(mapping->host->size) - in->position;
	if (left <= 0)
		return false;
	out->page = is_disk ? disk_page_lend(mapping, (uint64_t)in->position >> PAGE_SHIFT)
	                    : mapping_find(mapping, (uint64_t)in->position >> PAGE_SHIFT);
	out->offset = (uint64_t)in->position & (PAGE_SIZE - 1);
	len = min((size_t)left, len);
	out->length = (uint32_t)min(len, PAGE_SIZE - out->offset);
	out->flags = 0;
	return out->page;
}

/* Reads up to a page at the position into `page`: bytes, 0 at the end, -errno. */
static ssize_t page_fill(const struct io *in, struct page *page, size_t len)
{
	struct uio uio;
	struct io io = {
		.file = in->file,
		.uio = &uio,
		.position = in->position,
		.flags = in->flags,
	};
	size_t room = PAGE_SIZE;

	/* In step with the pages of the file, so that the next ones can be lent. */
	if (in->file->mode & FILE_SEEK)
		room -= (uint64_t)in->position & (PAGE_SIZE - 1);
	uio_init_kernel(&uio, page_to_virt(page), min(len, room));
	return file_read(&io);
}

/* Writes the bytes to the file by copying them: how many, or -errno. */
static ssize_t span_write(struct io *out, const struct page_span *span)
{
	struct uio uio;
	struct io io = {
		.file = out->file,
		.uio = &uio,
		.position = out->position,
		.flags = out->flags,
		.size_limit = out->size_limit,
	};
	ssize_t done;

	uio_init_kernel(&uio, (char *)page_to_virt(span->page) + span->offset, span->length);
	done = file_write(&io);
	if (done > 0)
		out->position += done;
	return done;
}

/* Writes spans, if the file likes so by reference: bytes, fewer only at an obstacle, or -errno. */
static ssize_t spans_write(struct io *out, const struct page_span *spans, uint32_t nr,
                           bool has_more)
{
	struct io io = { .file = out->file, .flags = out->flags };
	ssize_t done = 0, n = file_write_pages(&io, spans, nr, has_more);

	if (n == -EOPNOTSUPP) {
		for (uint32_t i = 0; i < nr; i++) {
			n = span_write(out, &spans[i]);
			if (n > 0)
				done += n;
			if (n < (ssize_t)spans[i].length)
				break;
		}
	}
	if (n == -EPIPE && !(out->file->mode & FILE_QUIET))
		out->flags |= IO_BROKEN;
	return done ? done : n;
}

/* ---- into a pipe -------------------------------------------------------------------- */

/* One buffer from the file into the pipe, which has room: bytes, 0 at the end, -errno. */
static ssize_t fill_one(struct io *in, struct pipe *pipe, size_t len)
{
	struct pipe_buffer buffer;
	ssize_t n;

	if (page_borrow(in, len, &buffer)) {
		pipe_push(pipe, buffer.page, buffer.offset, buffer.length, 0);
		in->position += buffer.length;
		return buffer.length;
	}
	buffer.page = pipe_page_get(pipe);
	if (!buffer.page)
		return -ENOMEM;
	n = page_fill(in, buffer.page, len);
	if (n > 0) {
		pipe_push(pipe, buffer.page, 0, (uint32_t)n, PIPE_BUFFER_OWN);
		in->position += n;
	} else {
		pipe_page_put(pipe, buffer.page);
	}
	return n;
}

/* Room for a buffer; or EPIPE, EAGAIN, -ERESTARTSYS. Lock held. */
static int wait_for_room(struct pipe *pipe, bool nowait)
{
	int err = pipe->nr_readers ? pipe_wait_writable(pipe, nowait) : 0;

	return err ? err : pipe->nr_readers ? 0 : -EPIPE;
}

ssize_t splice_to_pipe(struct io *in, struct file *pipe_file, size_t len, bool nowait)
{
	struct pipe *pipe = to_pipe(pipe_file);
	ssize_t done = 0, n;
	int err;

	mutex_lock(&pipe->lock);
	err = wait_for_room(pipe, nowait);
	while (!err && len && !pipe_is_full(pipe)) {
		n = fill_one(in, pipe, len);
		if (n <= 0) {
			err = (int)n;
			break;
		}
		done += n;
		len -= (size_t)n;
		/* A stream gives what it has; more of it might have to be waited for. */
		if (!(in->file->mode & FILE_SEEK))
			break;
	}
	mutex_unlock(&pipe->lock);
	if (done)
		pipe_wake_readers(pipe);
	return done ? done : err;
}

/* ---- out of a pipe ------------------------------------------------------------------ */

/* The first buffers, up to len bytes, are written and consumed: bytes, or -errno. Lock held. */
static ssize_t buffers_write(struct pipe *pipe, struct io *out, size_t len)
{
	struct page_span spans[SPANS_MAX];
	ssize_t done, left;
	uint32_t nr = 0;

	for (uint32_t i = pipe->tail; len && nr < SPANS_MAX && i != pipe->head; i++) {
		const struct pipe_buffer *buffer = pipe_buffer_at(pipe, i);
		uint32_t n = (uint32_t)min((size_t)buffer->length, len);

		spans[nr++] = (struct page_span){ buffer->page, buffer->offset, n };
		len -= n;
	}
	done = left = spans_write(out, spans, nr, len && nr < pipe_used(pipe));
	while (left > 0) {
		uint32_t n = (uint32_t)min((ssize_t)pipe_buffer_at(pipe, pipe->tail)->length, left);

		pipe_consume(pipe, n);
		left -= n;
	}
	return done;
}

ssize_t splice_from_pipe(struct file *pipe_file, struct io *out, size_t len, bool nowait)
{
	struct pipe *pipe = to_pipe(pipe_file);
	bool was_full;
	ssize_t done = 0, n = 0;
	int err;

	mutex_lock(&pipe->lock);
	err = pipe_wait_readable(pipe, nowait);
	was_full = pipe_is_full(pipe);
	while (!err && len && !pipe_is_empty(pipe)) {
		n = buffers_write(pipe, out, len);
		if (n <= 0)
			break;
		done += n;
		len -= (size_t)n;
		if (thread_test_flag(thread_current(), TF_KILLED))
			err = -EINTR;
	}
	mutex_unlock(&pipe->lock);
	if (was_full && done)
		pipe_wake_writers(pipe);
	return done ? done : err ? err : n;
}

/* ---- from file to file -------------------------------------------------------------- */

/* Pages of a file that were lent, or read, to be written together. */
struct batch {
	struct page_span spans[SPANS_MAX]; /* with references */
	uint32_t         nr;
	size_t           bytes;
};

static void batch_add(struct batch *batch, struct page *page, uint32_t offset, uint32_t length)
{
	batch->spans[batch->nr++] = (struct page_span){ page, offset, length };
	batch->bytes += length;
}

static void batch_put(struct batch *batch)
{
	for (uint32_t i = 0; i < batch->nr; i++)
		page_put(batch->spans[i].page);
}

/* What cannot be lent is read into a page of our own: 0 also at the end, without one. */
static int batch_read(struct batch *batch, const struct io *at, size_t len)
{
	struct page *page = page_alloc(ALLOC_KERNEL);
	ssize_t n;

	if (!page)
		return -ENOMEM;
	n = page_fill(at, page, len);
	if (n <= 0) {
		page_put(page);
		return (int)n;
	}
	batch_add(batch, page, 0, (uint32_t)n);
	return 0;
}

/* Up to len bytes from `in` on: none at the end of the file. ENOMEM, or what reading says. */
static int batch_fill(struct batch *batch, const struct io *in, size_t len)
{
	struct pipe_buffer lent;
	struct io at = *in;

	batch->nr = 0;
	batch->bytes = 0;
	while (batch->nr < SPANS_MAX && batch->bytes < len) {
		if (!page_borrow(&at, len - batch->bytes, &lent))
			return batch->nr ? 0 : batch_read(batch, &at, len);
		batch_add(batch, lent.page, lent.offset, lent.length);
		at.position += lent.length;
	}
	return 0;
}

static bool is_end(const struct io *in, size_t ahead)
{
	const struct mapping *mapping = in->file->mapping;

	return mapping && in->position + (pos_t)ahead >= READ_ONCE(mapping->host->size);
}

ssize_t splice_file_to_file(struct io *in, struct io *out, size_t len)
{
	struct batch batch;
	ssize_t done = 0, n = 0;

	while (len && !thread_test_flag(thread_current(), TF_KILLED)) {
		n = batch_fill(&batch, in, len);
		if (n || !batch.nr)
			break;
		n = spans_write(out, batch.spans, batch.nr,
		                len > batch.bytes && !is_end(in, batch.bytes));
		batch_put(&batch);
		if (n <= 0)
			break;
		in->position += n;
		done += n;
		len -= (size_t)n;
		if ((size_t)n < batch.bytes)
			break;
		cond_resched();
	}
	if (done)
		file_accessed(in->file);
	return done ? done : n;
}

int splice_wait_writable(struct file *pipe_file)
{
	struct pipe *pipe = to_pipe(pipe_file);
	int err;

	mutex_lock(&pipe->lock);
	err = pipe->nr_readers ? pipe_wait_writable(pipe, false) : 0;
	mutex_unlock(&pipe->lock);
	return err;
}

/* ---- between pipes ------------------------------------------------------------------ */

static void lock_both(struct pipe *a, struct pipe *b)
{
	struct pipe *first = a < b ? a : b;

	mutex_lock(&first->lock);
	mutex_lock_nested(&(first == a ? b : a)->lock, 1);
}

static void unlock_both(struct pipe *a, struct pipe *b)
{
	mutex_unlock(&a->lock);
	mutex_unlock(&b->lock);
}

/* n bytes of the first buffer of `in` go behind those of `out`, wholly or as a second reference. */
static void buffer_move(struct pipe *in, struct pipe *out, uint32_t n)
{
	struct pipe_buffer *buffer = pipe_buffer_at(in, in->tail);

	if (n == buffer->length) {
		pipe_push(out, buffer->page, buffer->offset, n, buffer->flags);
		WRITE_ONCE(in->tail, in->tail + 1);
		return;
	}
	page_get(buffer->page);
	pipe_push(out, buffer->page, buffer->offset, n,
	          buffer->flags & ~(uint32_t)PIPE_BUFFER_MERGE);
	pipe_consume(in, n);
}

/* As much as can be moved at once. Both locked. */
static size_t buffers_move(struct pipe *in, struct pipe *out, size_t len)
{
	size_t done = 0;

	while (len > done && !pipe_is_empty(in) && !pipe_is_full(out)) {
		size_t first = pipe_buffer_at(in, in->tail)->length;
		uint32_t n = (uint32_t)min(first, len - done);

		buffer_move(in, out, n);
		done += n;
	}
	return done;
}

static size_t buffers_copy(struct pipe *in, struct pipe *out, size_t len)
{
	size_t done = 0;

	for (uint32_t i = in->tail; len > done && i != in->head && !pipe_is_full(out); i++) {
		const struct pipe_buffer *buffer = pipe_buffer_at(in, i);
		uint32_t n = (uint32_t)min((size_t)buffer->length, len - done);

		page_get(buffer->page);
		pipe_push(out, buffer->page, buffer->offset, n,
		          buffer->flags & ~(uint32_t)PIPE_BUFFER_MERGE);
		done += n;
	}
	return done;
}

/* Until there is something to move and room for it; 0 also at the end of `in`. */
static int wait_for_both(struct pipe *in, struct pipe *out, bool nowait)
{
	int err;

	mutex_lock(&in->lock);
	err = pipe_wait_readable(in, nowait);
	mutex_unlock(&in->lock);
	if (err)
		return err;
	mutex_lock(&out->lock);
	err = wait_for_room(out, nowait);
	mutex_unlock(&out->lock);
	return err;
}

static ssize_t pipe_to_pipe(struct file *in_file, struct file *out_file, size_t len, bool nowait,
                            size_t (*transfer)(struct pipe *in, struct pipe *out, size_t len))
{
	struct pipe *in = to_pipe(in_file), *out = to_pipe(out_file);
	bool was_full, is_over = false;
	size_t done = 0;
	int err = 0;

	while (!done && !is_over && !err) {
		err = wait_for_both(in, out, nowait);
		if (err)
			break;
		lock_both(in, out);
		was_full = pipe_is_full(in);
		if (!out->nr_readers)
			err = -EPIPE;
		else
			done = transfer(in, out, len);
		is_over = pipe_is_empty(in) && !in->nr_writers;
		was_full = was_full && !pipe_is_full(in);
		unlock_both(in, out);
		if (was_full)
			pipe_wake_writers(in);
	}
	if (done)
		pipe_wake_readers(out);
	return done ? (ssize_t)done : err;
}

ssize_t splice_pipe_to_pipe(struct file *in, struct file *out, size_t len, bool nowait)
{
	return pipe_to_pipe(in, out, len, nowait, buffers_move);
}

ssize_t tee_pipe_to_pipe(struct file *in, struct file *out, size_t len, bool nowait)
{
	return pipe_to_pipe(in, out, len, nowait, buffers_copy);
}
