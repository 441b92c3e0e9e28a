/*
 * The descriptor table of a task, shared by CLONE_FILES.
 *
 * A system call borrows the file of a descriptor:
 *
 *	struct fd_borrow ref;
 *	if (!fd_borrow(table, fd, &ref))
 *		return -EBADF;
 *	... ref.file ...
 *	fd_return(&ref);
 *
 * A table with one user lends the file without lock or reference (nobody else can close it); a
 * shared one is read under RCU and the file gets a reference. Others than the owner (procfs,
 * pidfd_getfd) are no users: they keep the memory by fdtable_memory_get(), and use
 * fdtable_get_file(), which always references.
 *
 * Locking: `lock` (RANK_FD_TABLE) over slots and bitmaps; readers go by RCU. Arrays that have grown
 * are freed by RCU. Limits (RLIMIT_NOFILE) come in as arguments.
 */
#pragma once

#include "core/spinlock.h"
#include "fs/file.h"
#include "lib/atomic.h"
#include "lib/refcount.h"
#include "lib/types.h"

enum { FD_EMBEDDED = 64, FD_MAX = 1 << 20 };

struct fd_slots {
	uint32_t      capacity __const_after_init; /* a multiple of 64 */
	struct file **files __guarded_by(lock);    /* read by RCU */
	/* also while reserved, when the slot is still NULL */
	uint64_t     *used __guarded_by(lock);
	uint64_t     *cloexec __guarded_by(lock);
	struct rcu_head rcu;
};

struct fdtable {
	struct refcount  users; /* tasks; without them it is empty */
	struct refcount  refs;  /* of those who look into it, and one for all users */
	struct spinlock  lock;
	struct fd_slots *slots __guarded_by(lock); /* read by RCU */
	uint32_t         next __guarded_by(lock); /* no descriptor below is free */
	struct fd_slots  first; /* the slots of a small table */
	struct file     *first_files[FD_EMBEDDED];
	uint64_t         first_used[FD_EMBEDDED / 64];
	uint64_t         first_cloexec[FD_EMBEDDED / 64];
};

struct fd_borrow {
	struct file *file;
	bool         counted;
};

int fdtable_create(struct fdtable **out);
/*
 * A copy of descriptors below `limit` (close_range(2) with CLOSE_RANGE_UNSHARE; UINT32_MAX: all).
 */
int fdtable_copy(struct fdtable *old, uint32_t limit, struct fdtable **out);
struct fdtable *fdtable_get(struct fdtable *table);
void fdtable_put(struct fdtable *table); /* may sleep: the last closes everything */
/*
 * For others than its tasks (procfs): it stays in memory, but its files may all be closed
 * meanwhile. Do not sleep.
 */
struct fdtable *fdtable_memory_get(struct fdtable *table);
void fdtable_memory_put(struct fdtable *table);

struct file *fd_find_counted(struct fdtable *table, uint32_t fd); /* for fd_borrow() */

/* False: EBADF. O_PATH files are lent too: ask fd_borrow_io() for files that can do I/O. */
static inline bool __must_check fd_borrow(struct fdtable *table, int fd, struct fd_borrow *out)
{
	if (likely(refcount_read(&table->users) == 1)) {
		const struct fd_slots *slots = table->slots;

		out->counted = false;
		out->file = (uint32_t)fd < slots->capacity ? slots->files[(uint32_t)fd] : NULL;
	} else {
		out->file = fd_find_counted(table, (uint32_t)fd);
		out->counted = out->file;
	}
	return out->file;
}

static inline void fd_return(const struct fd_borrow *borrow)
{
	if (unlikely(borrow->counted))
		file_put(borrow->file);
}

/* The same, but an O_PATH file is EBADF: what read, write, ioctl, ... want. */
static inline bool __must_check fd_borrow_io(struct fdtable *table, int fd, struct fd_borrow *out)
{
	if (!fd_borrow(table, fd, out))
		return false;
	if (likely(!(out->file->mode & FILE_PATH)))
		return true;
	fd_return(out);
	return false;
}

/* With a reference, for any caller that keeps the table alive; NULL: none. */
struct file *fdtable_get_file(struct fdtable *table, int fd);

/*
 * Reserve the lowest free descriptor at or above `from` and below `limit`: the number, EMFILE,
 * EINVAL (from beyond limit), ENOMEM. It is visible to others only after fd_install(), which
 * consumes the file reference.
 */
int  fd_reserve(struct fdtable *table, uint32_t from, uint32_t limit, bool cloexec);
void fd_release(struct fdtable *table, int fd); /* give a reservation back */
void fd_install(struct fdtable *table, int fd, struct file *file);
/* All in one; consumes file on success only. */
int  fd_add(struct fdtable *table, struct file *file, uint32_t limit, bool cloexec);

/*
 * Bytes of kernel memory that are there for the sake of the table: itself, its files, and what
 * those say of themselves (file_ops.footprint). Takes the table's lock.
 */
size_t fdtable_footprint(struct fdtable *table);

int fd_close(struct fdtable *table, int fd); /* close(2): EBADF, or what flush says */
/*
 * dup2 and dup3 onto `to`: closes what was there. Consumes file on success only. EBADF, EBUSY
 * (reserved by another).
 */
int fd_replace(struct fdtable *table, int to, struct file *file, uint32_t limit, bool cloexec);
int fd_close_range(struct fdtable *table, uint32_t first, uint32_t last, bool only_mark_cloexec);
void fd_close_on_exec(struct fdtable *table);
int  fd_get_cloexec(struct fdtable *table, int fd); /* 0, 1 or EBADF */
int  fd_set_cloexec(struct fdtable *table, int fd, bool cloexec);
/* The first open descriptor at or above fd; -1: none. For /proc/PID/fd. */
int  fd_next(struct fdtable *table, int fd);
/* FILE_* of the open file; -EBADF: none. Does not sleep. */
int  fd_mode(struct fdtable *table, int fd);
uint32_t fdtable_capacity(struct fdtable *table);
