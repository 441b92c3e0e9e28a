/*
 * How pipes and FIFOs begin and end: pipe2(2), opening and closing, capacity and its limits.
 * fifo(7), pipe(7).
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/magic.h>

#include "abi/errno.h"
#include "fs/inode.h"
#include "fs/nameless.h"
#include "fs/pipe.h"
#include "fs/pipe_impl.h"
#include "fs/super.h"
#include "id/cred.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "mem/slab.h"

struct pipe_limits pipe_limits = { .max_size = 1 << 20, .user_pages_soft = 16384 };

static struct nameless_fs pipefs = NAMELESS_FS("pipefs", "pipe", PIPEFS_MAGIC);
static struct cache pipe_slab = CACHE("pipe", struct pipe);

void pipe_init(void)
{
	nameless_register(&pipefs);
	inode_register_fifo(&pipe_file_ops);
}

/* ---- limits ------------------------------------------------------------------------- */

static bool is_privileged(const struct cred *cred)
{
	return cred_capable(cred, CAP_SYS_RESOURCE) || cred_capable(cred, CAP_SYS_ADMIN);
}

static bool is_over(int64_t pages, uint32_t limit)
{
	return limit && pages > limit;
}

static int64_t user_charge(struct user *user, int64_t slots)
{
	return atomic_add_return(&user->pipe_pages, slots);
}

/* How many slots a new pipe of this user gets, charged; 0: none. */
static uint32_t slots_grant(const struct cred *cred)
{
	uint32_t slots = PIPE_SLOTS, max_slots = pipe_limits.max_size >> PAGE_SHIFT;
	int64_t charged;

	if (slots > max_slots && !cred_capable(cred, CAP_SYS_RESOURCE))
		slots = max_slots;
	charged = user_charge(cred->user, slots);
	if (is_over(charged, pipe_limits.user_pages_soft) && !is_privileged(cred)) {
		charged = user_charge(cred->user, (int64_t)PIPE_SLOTS_LOW - slots);
		slots = PIPE_SLOTS_LOW;
	}
	if (is_over(charged, pipe_limits.user_pages_hard) && !is_privileged(cred)) {
		user_charge(cred->user, -(int64_t)slots);
		return 0;
	}
	return slots;
}

/* ---- life --------------------------------------------------------------------------- */

int pipe_alloc(const struct cred *cred, struct pipe **out)
{
	uint32_t slots = slots_grant(cred);
	struct pipe *pipe;

	if (!slots)
		return -ENFILE;
	pipe = cache_zalloc(&pipe_slab, ALLOC_KERNEL);
	if (!pipe)
		goto out_charge;
	pipe->buffers = kmalloc_array(slots, sizeof(*pipe->buffers), ALLOC_KERNEL);
	if (!pipe->buffers)
		goto out_pipe;
	mutex_init(&pipe->lock, RANK_PIPE);
	wait_queue_init(&pipe->readers);
	wait_queue_init(&pipe->writers);
	pipe->nr_slots = slots;
	pipe->nr_files = 1;
	pipe->user = user_hold(cred->user);
	*out = pipe;
	return 0;

out_pipe:
	cache_free(&pipe_slab, pipe);
out_charge:
	user_charge(cred->user, -(int64_t)slots);
	return -ENOMEM;
}

void pipe_free(struct pipe *pipe)
{
	while (!pipe_is_empty(pipe))
		pipe_consume(pipe, pipe_buffer_at(pipe, pipe->tail)->length);
	while (pipe->nr_spares)
		page_put(pipe->spares[--pipe->nr_spares]);
	user_charge(pipe->user, -(int64_t)pipe->nr_slots);
	user_put(pipe->user);
	kfree(pipe->buffers);
	cache_free(&pipe_slab, pipe);
}

/* A file lets go; the last one frees the pipe, and a FIFO gets a new one with its next open. */
static void pipe_put(struct inode *inode, struct pipe *pipe)
{
	bool is_last;

	spin_lock(&inode->short_lock);
	is_last = --pipe->nr_files == 0;
	if (is_last)
		inode->private = NULL;
	spin_unlock(&inode->short_lock);
	if (is_last)
		pipe_free(pipe);
}

/* The pipe of the inode, counted for one more file; made if there is none. */
static int pipe_get(struct inode *inode, const struct cred *cred, struct pipe **out)
{
	struct pipe *fresh = NULL;
	int err = 0;

	if (!READ_ONCE(inode->private))
		err = pipe_alloc(cred, &fresh);
	if (err)
		return err == -ENFILE ? -ENOMEM : err;
	for (;;) {
		spin_lock(&inode->short_lock);
		if (inode->private) {
			*out = inode->private;
			(*out)->nr_files++;
		} else if (fresh) {
			*out = inode->private = fresh;
			fresh = NULL;
		} else {
			*out = NULL;
		}
		spin_unlock(&inode->short_lock);
		if (*out)
			break;
		err = pipe_alloc(cred, &fresh);
		if (err)
			return err == -ENFILE ? -ENOMEM : err;
	}
	if (fresh)
		pipe_free(fresh);
	return 0;
}

static void end_init(struct file *file, struct pipe *pipe)
{
	file->private = pipe;
	file->mode &= ~(unsigned int)FILE_SEEK;
	file->mode |= FILE_STREAM | FILE_NOWAIT | FILE_ASYNC;
}

int pipe_create(const struct cred *cred, unsigned int flags, struct file *files[2])
{
	const struct new_inode new = {
		.mode = S_IFIFO | 0600,
		.uid = cred->fsuid,
		.gid = cred->fsgid,
	};
	struct pipe *pipe;
	struct path path;
	int err = pipe_alloc(cred, &pipe);

	if (err)
		return err;
	err = nameless_create(&pipefs, &new, &pipe_file_ops, &path);
	if (err)
		goto out_pipe;
	err = file_create(&path, cred, O_RDONLY | (flags & O_NONBLOCK), &files[0]);
	if (err)
		goto out_path;
	err = file_create(&path, cred, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)), &files[1]);
	if (err)
		goto out_file;
	path.dentry->inode->private = pipe;
	path_put(&path);
	pipe->nr_files = 2;
	pipe->nr_readers = pipe->nr_writers = 1;
	pipe->reader_opens = pipe->writer_opens = 1;
	for (int i = 0; i < 2; i++) {
		end_init(files[i], pipe);
		files[i]->mode |= FILE_OPENED;
	}
	return 0;

out_file:
	file_put(files[0]);
out_path:
	path_put(&path);
out_pipe:
	pipe_free(pipe);
	return err;
}

/* ---- opening and closing ------------------------------------------------------------ */

static void wake_everybody(struct pipe *pipe)
{
	wake_up_all(&pipe->readers);
	wake_up_all(&pipe->writers);
}

/* Sleeps until the other side was opened once more. Lock held, dropped in between. */
static int wait_for_partner(struct pipe *pipe, const uint32_t *opens)
{
	uint32_t seen = *opens;

	return wait_event_interruptible_unlock(&pipe->readers, READ_ONCE(*opens) != seen,
	                                       &pipe->lock);
}

static int open_for_reading(struct pipe *pipe, struct file *file, bool is_fifo)
{
	int err;

	pipe->reader_opens++;
	if (pipe->nr_readers++ == 0)
		wake_up_all(&pipe->readers);
	if (!is_fifo || pipe->nr_writers)
		return 0;
	if (file->flags & O_NONBLOCK) {
		/* No end of file for poll(2) until a writer has come and gone. */
		file->position = pipe->writer_opens;
		return 0;
	}
	err = wait_for_partner(pipe, &pipe->writer_opens);
	if (err && --pipe->nr_readers == 0)
		wake_up_all(&pipe->writers);
	return err;
}

static int open_for_writing(struct pipe *pipe, struct file *file, bool is_fifo)
{
	int err;

	if (is_fifo && file->flags & O_NONBLOCK && !pipe->nr_readers)
		return -ENXIO;
	pipe->writer_opens++;
	if (pipe->nr_writers++ == 0)
		wake_up_all(&pipe->readers);
	if (!is_fifo || pipe->nr_readers)
		return 0;
	err = wait_for_partner(pipe, &pipe->reader_opens);
	if (err && --pipe->nr_writers == 0)
		wake_up_all(&pipe->readers);
	return err;
}

static int open_for_both(struct pipe *pipe)
{
	pipe->nr_readers++;
	pipe->nr_writers++;
	pipe->reader_opens++;
	pipe->writer_opens++;
	if (pipe->nr_readers == 1 || pipe->nr_writers == 1)
		wake_up_all(&pipe->readers);
	return 0;
}

int fifo_open(struct inode *inode, struct file *file)
{
	bool is_fifo = inode->super->magic != PIPEFS_MAGIC;
	struct pipe *pipe;
	int err = pipe_get(inode, file->cred, &pipe);

	if (err)
		return err;
	end_init(file, pipe);
	file->position = -1;
	mutex_lock(&pipe->lock);
	switch (file->mode & (FILE_READ | FILE_WRITE)) {
	case FILE_READ:
		err = open_for_reading(pipe, file, is_fifo);
		break;
	case FILE_WRITE:
		err = open_for_writing(pipe, file, is_fifo);
		break;
	case FILE_READ | FILE_WRITE:
		err = open_for_both(pipe);
		break;
	default:
		err = -EINVAL;
	}
	mutex_unlock(&pipe->lock);
	if (err)
		pipe_put(inode, pipe);
	return err;
}

void pipe_release(struct file *file)
{
	struct pipe *pipe = to_pipe(file);

	mutex_lock(&pipe->lock);
	if (file->mode & FILE_READ)
		pipe->nr_readers--;
	if (file->mode & FILE_WRITE)
		pipe->nr_writers--;
	if (!pipe->nr_readers != !pipe->nr_writers)
		wake_everybody(pipe);
	mutex_unlock(&pipe->lock);
	pipe_put(file->inode, pipe);
}

/* ---- capacity ----------------------------------------------------------------------- */

bool file_is_pipe(const struct file *file)
{
	return file->mode & FILE_OPENED && file->ops == &pipe_file_ops;
}

long pipe_size(struct file *file)
{
	if (!file_is_pipe(file))
		return -EBADF;
	return (long)READ_ONCE(to_pipe(file)->nr_slots) << PAGE_SHIFT;
}

static int ring_resize(struct pipe *pipe, uint32_t slots)
{
	struct pipe_buffer *buffers, *old = pipe->buffers;
	uint32_t used = pipe_used(pipe);

	if (used > slots)
		return -EBUSY;
	buffers = kmalloc_array(slots, sizeof(*buffers), ALLOC_KERNEL | ALLOC_NOWARN);
	if (!buffers)
		return -ENOMEM;
	for (uint32_t i = 0; i < used; i++)
		buffers[i] = *pipe_buffer_at(pipe, pipe->tail + i);
	pipe->buffers = buffers;
	pipe->nr_slots = slots;
	pipe->tail = 0;
	pipe->head = used;
	kfree(old);
	return 0;
}

static uint32_t size_to_slots(unsigned long size_bytes)
{
	uint32_t slots = 1;

	if (size_bytes > 1ul << 31)
		return 0;
	while ((unsigned long)slots << PAGE_SHIFT < size_bytes)
		slots <<= 1;
	return slots;
}

/* May this user have a pipe larger by that much? */
static bool may_grow(const struct pipe *pipe, int64_t charged, const struct cred *cred)
{
	return is_privileged(cred) || (!is_over(charged, pipe_limits.user_pages_hard) &&
	                               !is_over(charged, pipe_limits.user_pages_soft));
}

long pipe_set_size(struct file *file, unsigned long size_bytes, const struct cred *cred)
{
	uint32_t slots = size_to_slots(size_bytes), old;
	struct pipe *pipe = to_pipe(file);
	int64_t charged;
	long err = 0;

	if (!file_is_pipe(file))
		return -EBADF;
	if (!slots)
		return -EINVAL;
	mutex_lock(&pipe->lock);
	old = pipe->nr_slots;
	if (slots > old && (unsigned long)slots << PAGE_SHIFT > pipe_limits.max_size &&
	    !cred_capable(cred, CAP_SYS_RESOURCE)) {
		mutex_unlock(&pipe->lock);
		return -EPERM;
	}
	charged = user_charge(pipe->user, (int64_t)slots - old);
	if (slots > old && !may_grow(pipe, charged, cred))
		err = -EPERM;
	else
		err = ring_resize(pipe, slots);
	if (err)
		user_charge(pipe->user, (int64_t)old - slots);
	mutex_unlock(&pipe->lock);
	if (!err && slots > old)
		wake_up_all(&pipe->writers);
	return err ? err : (long)slots << PAGE_SHIFT;
}
