/*
 * The open file: what a descriptor refers to. It is made by open(2), pipe(2), socket(2) ..., shared
 * by dup and fork, and released when its last reference goes. These functions work without any
 * task: credentials and position are in the file.
 *
 * I/O goes by struct io: which file, where, how, and the uio (vm/uio.h) that is the memory.
 * file_read() and file_write() check the mode, take the position and its lock only when the file
 * may be shared, and call the operation.
 *
 * Locking: `position_lock` (RANK_FILE_POSITION) over position while the file has several
 * references. Files are freed through RCU, so that descriptors can be read without a lock.
 * Operations may sleep unless said otherwise.
 *
 * An operation left NULL has the default written beside it.
 */
#pragma once

#include <linux/fcntl.h>

#include "fs/path.h"
#include "lib/list.h"
#include "lib/refcount.h"
#include "lib/types.h"
#include "sched/mutex.h"
#include "sched/rcu.h"

struct cred;
struct file;
struct file_owner;
struct inode;
struct map_request;
struct mapping;
struct page;
struct poller;
struct uio;

enum {
	IO_POSITION = 1 << 0, /* read and advance the file's own position */
	/* These are added from the file's flags by file_read() and file_write(). */
	IO_NOWAIT   = 1 << 1, /* EAGAIN rather than sleep: O_NONBLOCK or RWF_NOWAIT */
	IO_APPEND   = 1 << 2,
	IO_DSYNC    = 1 << 3,
	IO_SYNC     = 1 << 4,
	IO_BROKEN   = 1 << 5, /* out: nobody reads any more, whatever was written before */
};

struct io {
	struct file *file;
	struct uio  *uio;
	pos_t        position;   /* where; advanced by what was done */
	unsigned int flags;      /* IO_* */
	uint64_t     size_limit; /* RLIMIT_FSIZE: a write stops there, EFBIG at it */
};

/* Bytes in a page. */
struct page_span {
	struct page *page;
	uint32_t     offset, length;
};

/* Given to iterate(): takes one entry after the other, false when full. */
struct dir_sink {
	bool (*entry)(struct dir_sink *sink, const char *name, size_t len, ino_t ino,
	              unsigned int type); /* DT_* */
	/* iterate() sets it before each entry() to where the entry is, and at the end behind */
	pos_t position;
};

struct file_ops {
	/* default: nothing; may replace file->ops */
	int (*open)(struct inode *inode, struct file *file);
	int (*flush)(struct file *file);     /* at each close of a descriptor */
	void (*release)(struct file *file);  /* the last reference is gone */
	ssize_t (*read)(struct io *io);      /* NULL: EINVAL */
	ssize_t (*write)(struct io *io);     /* NULL: EINVAL */
	int (*iterate)(struct file *file, struct dir_sink *sink); /* NULL: ENOTDIR */
	/* NULL: file_seek_size(); ESPIPE for streams */
	pos_t (*seek)(struct file *file, pos_t offset, int whence);
	/* EPOLL*; NULL: always IN|OUT */
	unsigned int (*poll)(struct file *file, struct poller *poller);
	/*
	 * arg: what the syscall floor's ioctl table copied in (and copies out afterwards), or the
	 * bare argument as a number in a pointer for commands without memory. ENOTTY: not mine.
	 */
	long (*ioctl)(struct file *file, unsigned int cmd, void *arg);
	/*
	 * mmap(2): set request->backing and, if need be, less permission in vm_flags. Without the
	 * space's lock. NULL: ENODEV; mapping_mmap() is that of the page cache. It may set
	 * request->file to another file, whose reference is then the caller's to put after mapping.
	 */
	int (*mmap)(struct file *file, struct map_request *request);
	/*
	 * An area that maps the file has come, or is going (its reference goes next). NULL: fine.
	 */
	void (*mapped)(struct file *file, bool is_there);
	int (*fsync)(struct file *file, pos_t from, pos_t to, bool data_only); /* NULL: EINVAL */
	/* NULL: EOPNOTSUPP */
	int (*fallocate)(struct file *file, int mode, pos_t offset, pos_t len);
	/*
	 * For splice(2) and sendfile(2): a write of bytes that lie in pages, of which the file may
	 * take references of its own. has_more: another call follows at once. The uio is not used.
	 * NULL, or EOPNOTSUPP: through write.
	 */
	ssize_t (*write_pages)(struct io *io, const struct page_span *spans, uint32_t nr,
	                       bool has_more);
	int (*set_flags)(struct file *file, unsigned int flags); /* fcntl(F_SETFL); NULL: fine */
	int (*lock)(struct file *file, int cmd, void *lock);      /* NULL: the generic lock sets */
	/*
	 * Bytes of kernel memory behind the file, for the choice of an OOM victim. Under spinlocks,
	 * without any lock of the file: roughly. NULL: none to speak of.
	 */
	size_t (*footprint)(const struct file *file);
	/* extra lines, like snprintf() */
	int (*show_fdinfo)(struct file *file, char *buf, size_t size);
};

enum {
	FILE_READ    = 1 << 0, /* may be read */
	FILE_WRITE   = 1 << 1,
	FILE_SEEK    = 1 << 2, /* has a position */
	FILE_PATH    = 1 << 3, /* O_PATH: only a place */
	FILE_EXEC    = 1 << 4, /* opened for exec */
	FILE_WRITER  = 1 << 5, /* counted in inode and mount as a writer */
	FILE_STREAM  = 1 << 6, /* no position at all: never take the position lock */
	FILE_NOWAIT  = 1 << 7, /* read and write honour IO_NOWAIT */
	FILE_OPENED  = 1 << 8, /* ops->open succeeded: release() is due */
	FILE_QUIET   = 1 << 9, /* EPIPE raises no SIGPIPE: sockets of datagrams */
	FILE_HOLDER  = 1 << 13, /* O_EXCL of a block device: it is its holder */
	FILE_ASYNC   = 1 << 10, /* O_ASYNC can be set: its readiness raises SIGIO */
	FILE_DIRECT  = 1 << 11, /* over a cache of a disk: O_DIRECT works, and disk_file_*() */
	FILE_ERRORS  = 1 << 12, /* hears of errors of write-back: errors_seen is valid */
};

/* file->readahead: none is wanted, POSIX_FADV_RANDOM. */
#define READAHEAD_NONE UINT32_MAX

struct file {
	const struct file_ops *ops __const_after_init;
	struct inode          *inode __const_after_init; /* of path.dentry, or where it leads */
	struct path            path __const_after_init;
	struct mapping        *mapping __const_after_init;
	unsigned int           mode __const_after_init; /* FILE_* */
	unsigned int           flags __atomic; /* O_*, without creation flags */
	struct refcount        refs;
	pos_t                  position __guarded_by(position_lock);
	struct mutex           position_lock;
	const struct cred     *cred __const_after_init; /* who opened it */
	void                  *private __const_after_init;
	struct file_owner     *owner __atomic; /* whom SIGIO goes to; NULL: nobody yet */
	struct list            watchers __guarded_by(fs/epoll.c); /* epoll items on this file */
	/* hints of disks (disk_read.c): pages of the last window, the page after the last */
	uint32_t               readahead __atomic;
	uint32_t               read_next __atomic;
	/* what was told already (fs/errors.h); set with FILE_ERRORS */
	uint32_t               errors_seen __atomic, super_errors_seen __atomic;
	struct rcu_head        rcu;
};

/*
 * A file at this place with these flags, its operations those of the inode, not yet opened. ENFILE,
 * ENOMEM.
 */
int file_create(const struct path *path, const struct cred *cred, unsigned int flags,
                struct file **out);
/* The same, but the references of path become the file's; not on failure. */
int file_create_at(const struct path *path, const struct cred *cred, unsigned int flags,
                   struct file **out);
/*
 * A file without a place in the tree: `name` as /proc/PID/fd shows it ("anon_inode:[eventfd]");
 * private is handed to ops->release when the file goes (not on failure). flags: O_RDONLY ...,
 * O_NONBLOCK.
 */
int file_create_anonymous(const char *name, const struct file_ops *ops, void *private,
                          const struct cred *cred, unsigned int flags, struct file **out);
struct file *file_get(struct file *file);
bool __must_check file_try_get(struct file *file); /* inside an RCU section */
void file_put(struct file *file); /* may sleep */

/* Common open: counts writers, calls ops->open. On failure the file must be put all the same. */
int file_start(struct file *file);

/* EBADF by mode, EINVAL without operation; ESPIPE is the caller's. Counts, or -errno. */
ssize_t file_read(struct io *io);
ssize_t file_write(struct io *io);
/*
 * Bytes that lie in pages, as ops->write_pages takes them: EOPNOTSUPP if it takes none. io: the
 * file; no uio, no position.
 */
ssize_t file_write_pages(struct io *io, const struct page_span *spans, uint32_t nr, bool has_more);
/* Kernel memory, at a position; loops until size, end of file or an error. */
ssize_t file_read_kernel(struct file *file, void *buf, size_t size, pos_t position);
ssize_t file_write_kernel(struct file *file, const void *buf, size_t size, pos_t position);

/*
 * What every close of a descriptor does first: ops->flush, and locks of the closer are the
 * caller's.
 */
int file_flush(struct file *file);

pos_t file_seek(struct file *file, pos_t offset, int whence);
/* Seek of event files, which have no position but do not say so. */
pos_t file_seek_nowhere(struct file *file, pos_t offset, int whence);
/* Seek for a file of this size, SEEK_DATA and SEEK_HOLE as if it were dense. */
pos_t file_seek_size(struct file *file, pos_t offset, int whence, pos_t size);
int file_iterate(struct file *file, struct dir_sink *sink);
int file_mmap(struct file *file, struct map_request *request); /* EACCES by mode, ENODEV */
int file_sync(struct file *file, pos_t from, pos_t to, bool data_only);
/* syncfs(2): everything of the file's super block; its errors once per open file. */
int file_sync_super(struct file *file);
int file_fallocate(struct file *file, int mode, pos_t offset, pos_t len, uint64_t size_limit);
unsigned int file_poll(struct file *file, struct poller *poller);
/* fcntl(F_SETFL): O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC of the new value. */
int file_set_flags(struct file *file, unsigned int flags);

/* Mark accessed: by the rules of relatime and noatime. */
void file_accessed(struct file *file);

/* All open files, for leak checks and /proc/sys/fs/file-nr; its limit. */
int64_t file_count(void);

/* /proc/sys/fs/file-max: open files that the unprivileged may bring it to. */
int64_t file_max(void);
void    file_max_set(int64_t max);

static inline bool file_may_wait(const struct io *io)
{
	return !(io->flags & IO_NOWAIT);
}
