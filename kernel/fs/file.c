/*
 * Open files: their life, and the entry to every operation on them. See file.h.
 * check-style: includes: everything that may hang on a file lets go of it here.
 */
#include "fs/file.h"

#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/mount.h>

#include "core/gauge.h"
#include "core/panic.h"
#include "core/printk.h"
#include "fs/attr.h"
#include "fs/epoll.h"
#include "fs/errors.h"
#include "fs/inode.h"
#include "fs/lock.h"
#include "fs/mount.h"
#include "fs/notify.h"
#include "fs/owner.h"
#include "fs/super.h"
#include "id/cred.h"
#include "lib/math.h"
#include "mem/slab.h"
#include "vm/area.h"
#include "vm/space.h"
#include "vm/uio.h"

static struct cache file_slab = CACHE("file", struct file);
/* Counted down, so that an open asks for the limit and counts in one instruction. */
static struct {
	int64_t max __atomic;
	int64_t left __atomic; /* of max: below 0 only for the privileged */
} files = { INT64_MAX, INT64_MAX };

/* ---- life --------------------------------------------------------------------------- */

/* FILE_* for O_* of open(2): O_WRONLY | O_RDWR together means neither reading nor writing. */
static unsigned int mode_of_flags(unsigned int flags)
{
	if (flags & O_PATH)
		return FILE_PATH;
	return (flags + 1) & O_ACCMODE;
}

int file_create_at(const struct path *path, const struct cred *cred, unsigned int flags,
                   struct file **out)
{
	static_assert(FILE_READ == 1 && FILE_WRITE == 2, "O_ACCMODE + 1 is the mode");
	struct file *file = cache_alloc(&file_slab, ALLOC_KERNEL);

	if (!file)
		return -ENOMEM;
	if (unlikely(atomic_dec_return(&files.left) < 0) && !cred_capable(cred, CAP_SYS_ADMIN)) {
		pr_info_ratelimited("VFS: file-max limit %ld reached\n", file_max());
		atomic_inc(&files.left);
		cache_free(&file_slab, file);
		return -ENFILE;
	}
	file->inode = path->dentry->inode;
	file->ops = file->inode->fops;
	file->path = *path;
	file->mapping = file->inode->mapping;
	file->mode = mode_of_flags(flags) | FILE_SEEK;
	file->flags = flags & ~(unsigned int)(O_CREAT | O_TRUNC);
	refcount_init(&file->refs, 1);
	file->position = 0;
	file->position_lock = (struct mutex)MUTEX(file->position_lock, RANK_FILE_POSITION);
	file->cred = cred_get(cred);
	file->private = NULL;
	file->owner = NULL;
	list_init(&file->watchers);
	file->readahead = 0;
	file->read_next = 0;
	*out = file;
	return 0;
}

int file_create(const struct path *path, const struct cred *cred, unsigned int flags,
                struct file **out)
{
	int err = file_create_at(path, cred, flags, out);

	if (!err)
		path_get(&(*out)->path);
	return err;
}

struct file *file_get(struct file *file)
{
	refcount_get(&file->refs);
	return file;
}

bool file_try_get(struct file *file)
{
	return refcount_try_get(&file->refs);
}

static void file_free_rcu(struct rcu_head *head)
{
	cache_free(&file_slab, container_of(head, struct file, rcu));
	atomic_inc(&files.left);
}

/* What keeps the file from being executed, or written. */
static void busy_put(struct file *file)
{
	if (file->mode & FILE_WRITER) {
		inode_write_put(file->inode);
		mount_write_put(file->path.mount);
	}
	if (file->mode & FILE_EXEC)
		inode_deny_write_put(file->inode);
}

static void file_destroy(struct file *file)
{
	if (notify_is_wanted() && file->mode & FILE_OPENED)
		notify_file(file, file->mode & FILE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	if (unlikely(!list_is_empty(&file->watchers)))
		epoll_forget_file(file);
	if (unlikely(atomic_load_acquire(&file->inode->locks))) /* pairs with set_get() */
		lock_release_file(file);
	if (unlikely(file->owner))
		owner_free(file);
	if (file->mode & FILE_OPENED && file->ops->release)
		file->ops->release(file);
	if (unlikely(file->mode & (FILE_WRITER | FILE_EXEC)))
		busy_put(file);
	path_put(&file->path);
	cred_put(file->cred);
	rcu_call(&file->rcu, file_free_rcu);
}

void file_put(struct file *file)
{
	if (refcount_put(&file->refs))
		file_destroy(file);
}

int file_start(struct file *file)
{
	mode_t type = file->inode->mode & S_IFMT;
	int err;

	if (file->mode & FILE_WRITE && (type == S_IFREG || type == S_IFDIR)) {
		err = mount_write_get(file->path.mount);
		if (err)
			return err;
		err = inode_write_get(file->inode);
		if (err) {
			mount_write_put(file->path.mount);
			return err;
		}
		file->mode |= FILE_WRITER;
	}
	if (file->ops->open) {
		err = file->ops->open(file->inode, file);
		if (err)
			return err;
	}
	/* open() of a terminal, of a block device, has seen them */
	file->flags &= ~(unsigned int)(O_NOCTTY | O_EXCL);
	file->mode |= FILE_OPENED;
	return 0;
}

int file_flush(struct file *file)
{
	return file->ops->flush ? file->ops->flush(file) : 0;
}

int64_t file_max(void)
{
	return atomic_load_relaxed(&files.max);
}

void file_max_set(int64_t max)
{
	int64_t old = atomic_xchg(&files.max, max);

	atomic_add(&files.left, max - old);
}

int64_t file_count(void)
{
	return file_max() - atomic_load_relaxed(&files.left);
}
GAUGE("files", file_count);

/* ---- position ----------------------------------------------------------------------- */

/* A file that only this call can reach needs no lock; true if one was taken. */
static bool position_lock(struct file *file)
{
	if (likely(refcount_read(&file->refs) == 1) || file->mode & FILE_STREAM)
		return false;
	mutex_lock(&file->position_lock);
	return true;
}

static void position_unlock(struct file *file, bool locked)
{
	if (locked)
		mutex_unlock(&file->position_lock);
}

pos_t file_seek_size(struct file *file, pos_t offset, int whence, pos_t size)
{
	pos_t base = 0, position;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = file->position;
		break;
	case SEEK_END:
		base = size;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (offset < 0 || offset >= size)
			return -ENXIO;
		if (whence == SEEK_HOLE)
			offset = size;
		break;
	default:
		return -EINVAL;
	}
	if (!checked_add(base, offset, &position))
		return -EINVAL;
	if (position < 0 || position > file->inode->super->max_size)
		return -EINVAL;
	file->position = position;
	return position;
}

pos_t file_seek_nowhere(struct file *file, pos_t offset, int whence)
{
	return 0;
}

pos_t file_seek(struct file *file, pos_t offset, int whence)
{
	bool locked;
	pos_t result;

	if (!(file->mode & FILE_SEEK))
		return file->ops->seek == file_seek_nowhere ? 0 : -ESPIPE;
	locked = position_lock(file);
	if (file->ops->seek)
		result = file->ops->seek(file, offset, whence);
	else
		result = file_seek_size(file, offset, whence, file->inode->size);
	position_unlock(file, locked);
	return result;
}

/* ---- reading and writing ------------------------------------------------------------ */

static ssize_t io_at_position(struct io *io, ssize_t (*transfer)(struct io *io))
{
	struct file *file = io->file;
	bool locked = position_lock(file);
	ssize_t n;

	io->position = file->position;
	n = transfer(io);
	if (n > 0)
		file->position = io->position;
	position_unlock(file, locked);
	return n;
}

/* With somebody who watches something, who is told of what is done. */
static __cold ssize_t transfer_watched(struct io *io, ssize_t (*transfer)(struct io *io),
				       uint32_t event)
{
	ssize_t n = io->flags & IO_POSITION ? io_at_position(io, transfer) : transfer(io);

	if (n > 0)
		notify_file(io->file, event);
	return n;
}

ssize_t file_read(struct io *io)
{
	struct file *file = io->file;

	if (unlikely(!(file->mode & FILE_READ)))
		return -EBADF;
	if (unlikely(!file->ops->read))
		return S_ISDIR(file->inode->mode) ? -EISDIR : -EINVAL;
	if (file->flags & O_NONBLOCK)
		io->flags |= IO_NOWAIT;
	if (notify_is_wanted())
		return transfer_watched(io, file->ops->read, IN_ACCESS);
	if (io->flags & IO_POSITION)
		return io_at_position(io, file->ops->read);
	return file->ops->read(io);
}

static unsigned int write_flags(unsigned int flags)
{
	return (flags & O_NONBLOCK ? IO_NOWAIT : 0) | (flags & O_APPEND ? IO_APPEND : 0) |
	       (flags & O_DSYNC ? IO_DSYNC : 0) | (flags & __O_SYNC ? IO_SYNC : 0);
}

ssize_t file_write(struct io *io)
{
	struct file *file = io->file;
	unsigned int flags = file->flags;

	if (unlikely(!(file->mode & FILE_WRITE)))
		return -EBADF;
	if (unlikely(!file->ops->write))
		return -EINVAL;
	if (flags & (O_NONBLOCK | O_APPEND | O_DSYNC | __O_SYNC))
		io->flags |= write_flags(flags);
	if (notify_is_wanted())
		return transfer_watched(io, file->ops->write, IN_MODIFY);
	if (io->flags & IO_POSITION)
		return io_at_position(io, file->ops->write);
	return file->ops->write(io);
}

ssize_t file_write_pages(struct io *io, const struct page_span *spans, uint32_t nr, bool has_more)
{
	struct file *file = io->file;

	if (!file->ops->write_pages)
		return -EOPNOTSUPP;
	if (!(file->mode & FILE_WRITE))
		return -EBADF;
	io->flags |= write_flags(file->flags);
	return file->ops->write_pages(io, spans, nr, has_more);
}

static ssize_t kernel_transfer(struct file *file, void *buf, size_t size, pos_t position,
                               ssize_t (*transfer)(struct io *io))
{
	size_t done = 0;

	while (done < size) {
		struct uio uio;
		struct io io = { .file = file, .uio = &uio, .position = position + (pos_t)done,
		                 .size_limit = UINT64_MAX };
		ssize_t n;

		uio_init_kernel(&uio, (char *)buf + done, size - done);
		n = transfer(&io);
		if (n < 0)
			return done ? (ssize_t)done : n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t file_read_kernel(struct file *file, void *buf, size_t size, pos_t position)
{
	return kernel_transfer(file, buf, size, position, file_read);
}

ssize_t file_write_kernel(struct file *file, const void *buf, size_t size, pos_t position)
{
	return kernel_transfer(file, (void *)(uintptr_t)buf, size, position, file_write);
}

/* ---- the other operations ----------------------------------------------------------- */

int file_iterate(struct file *file, struct dir_sink *sink)
{
	bool locked;
	int err;

	if (!file->ops->iterate)
		return -ENOTDIR;
	locked = position_lock(file);
	rwlock_read_lock(&file->inode->lock);
	err = -ENOENT;
	if (!(file->inode->flags & INODE_DEAD)) {
		sink->position = file->position;
		err = file->ops->iterate(file, sink);
		file->position = sink->position;
	}
	rwlock_read_unlock(&file->inode->lock);
	position_unlock(file, locked);
	if (!err) {
		file_accessed(file);
		notify_file(file, IN_ACCESS);
	}
	return err;
}

int file_mmap(struct file *file, struct map_request *request)
{
	if (!(file->mode & FILE_READ))
		return -EACCES;
	if (file->path.mount->flags & MS_NOEXEC) {
		if (request->vm_flags & VM_EXEC)
			return -EPERM;
		request->vm_flags &= ~VM_MAYEXEC;
	}
	if (request->vm_flags & VM_SHARED && !(file->mode & FILE_WRITE)) {
		if (request->vm_flags & VM_WRITE)
			return -EACCES;
		request->vm_flags &= ~VM_MAYWRITE;
	}
	return file->ops->mmap ? file->ops->mmap(file, request) : -ENODEV;
}

int file_sync(struct file *file, pos_t from, pos_t to, bool data_only)
{
	return file->ops->fsync ? file->ops->fsync(file, from, to, data_only) : -EINVAL;
}

int file_sync_super(struct file *file)
{
	struct superblock *super = file->path.mount->super;
	int err = super_sync(super, true), told = 0;

	if (file->mode & FILE_ERRORS && file->inode->super == super)
		told = error_sequence_check_and_advance(&super->errors, &file->super_errors_seen);
	return err ? err : told;
}

int file_fallocate(struct file *file, int mode, pos_t offset, pos_t len, uint64_t size_limit)
{
	const mode_t type = file->inode->mode & S_IFMT;
	pos_t end;
	int err;

	if (offset < 0 || len <= 0)
		return -EINVAL;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |
	             FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!(file->mode & FILE_WRITE))
		return -EBADF;
	if (file->inode->flags & (INODE_IMMUTABLE | (mode ? INODE_APPEND : 0)))
		return -EPERM;
	if (type == S_IFIFO)
		return -ESPIPE;
	if (type == S_IFDIR)
		return -EISDIR;
	if (type != S_IFREG && type != S_IFBLK)
		return -ENODEV;
	if (!checked_add(offset, len, &end) || end > file->inode->super->max_size)
		return -EFBIG;
	if (!file->ops->fallocate)
		return -EOPNOTSUPP;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > file->inode->size && (uint64_t)end > size_limit)
		return -EFBIG;
	err = file->ops->fallocate(file, mode, offset, len);
	if (!err)
		notify_file(file, IN_MODIFY);
	return err;
}

unsigned int file_poll(struct file *file, struct poller *poller)
{
	if (file->ops->poll)
		return file->ops->poll(file, poller);
	return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
}

int file_set_flags(struct file *file, unsigned int flags)
{
	const unsigned int settable = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME |
				      (file->mode & FILE_ASYNC ? FASYNC : 0);
	unsigned int old = file->flags, new = (old & ~settable) | (flags & settable);
	int err;

	if (old & O_APPEND && !(new & O_APPEND) && file->inode->flags & INODE_APPEND)
		return -EPERM;
	if (new & ~old & O_NOATIME && file->cred->fsuid != file->inode->uid &&
	    !cred_capable(file->cred, CAP_FOWNER))
		return -EPERM;
	if (new & O_DIRECT && !S_ISFIFO(file->inode->mode) && !(file->mode & FILE_DIRECT))
		return -EINVAL;
	err = file->ops->set_flags ? file->ops->set_flags(file, new) : 0;
	if (!err && (old ^ new) & FASYNC)
		err = owner_set_async(file, new & FASYNC);
	if (!err)
		atomic_store_relaxed(&file->flags, new);
	return err;
}

static bool atime_is_due(const struct file *file, ns_t now)
{
	const struct inode *inode = file->inode;
	unsigned int mount_flags = file->path.mount->flags;

	if (file->flags & O_NOATIME || inode->flags & INODE_NOATIME || mount_flags & MS_NOATIME)
		return false;
	if (mount_flags & MS_RDONLY || inode->super->flags & MS_RDONLY)
		return false;
	if (mount_flags & MS_NODIRATIME && S_ISDIR(inode->mode))
		return false;
	if (!(mount_flags & MS_RELATIME))
		return inode->atime != now;
	return inode->atime <= inode->mtime || inode->atime <= inode->ctime ||
	       now - inode->atime >= 24 * 3600 * NS_PER_SEC;
}

void file_accessed(struct file *file)
{
	if (unlikely(atime_is_due(file, inode_now())))
		inode_touch(file->inode, ATTR_ATIME);
}
