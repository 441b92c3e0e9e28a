/*
 * Shared memory segments. See ipc/shm.h.
 */
#include "ipc/shm.h"

#include <asm/mman.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "fs/file.h"
#include "fs/pagecache.h"
#include "fs/tmpfs/tmpfs.h"
#include "id/cred.h"
#include "ipc/object.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "mem/slab.h"
#include "proc/proc.h"
#include "proc/task.h"
#include "vm/area.h"
#include "vm/commit.h"
#include "vm/space.h"

struct segment {
	struct ipc_object ipc;
	struct file *file __const_after_init; /* a reference */
	size_t   size __const_after_init;
	int64_t  attached, detached, changed __guarded_by(ipc.lock); /* seconds */
	pid_t    maker __const_after_init;
	pid_t    last __guarded_by(ipc.lock);
	uint64_t nr_attached __guarded_by(ipc.lock); /* areas, and those on their way */
};

struct request {
	int    key;
	size_t size;
	int    flags;
};

#define SHM_UNLIMITED (UINT64_MAX - (1ul << 24))

static struct cache segment_slab = CACHE("shm_segment", struct segment);
struct shm_limits shm_limits = { .max_size = SHM_UNLIMITED, .max_pages = SHM_UNLIMITED };
static int64_t shm_pages __atomic; /* of all segments */

static const struct file_ops attached_ops;

static struct segment *to_segment(struct ipc_object *object)
{
	return container_of(object, struct segment, ipc);
}

static int64_t pages_of(size_t size)
{
	return (int64_t)(align_up(size, PAGE_SIZE) >> PAGE_SHIFT);
}

/* ---- making ---------------------------------------------------------------------------------- */

static int memory_make(const struct request *request, struct file **out)
{
	const bool reserves = !(request->flags & SHM_NORESERVE) || commit_is_strict();
	char name[16];

	snprintf(name, sizeof(name), "SYSV%08x", (unsigned int)request->key);
	return tmpfs_file_create_anonymous(name, (pos_t)request->size,
	                                   reserves ? TMPFS_RESERVED : 0, task_current()->cred,
	                                   out);
}

static int pages_charge(const struct request *request)
{
	const int64_t pages = pages_of(request->size);

	if (request->size < SHMMIN || request->size > READ_ONCE(shm_limits.max_size) ||
	    request->size > INT64_MAX - PAGE_SIZE)
		return request->size > INT64_MAX - PAGE_SIZE && request->size <= SHM_UNLIMITED
			       ? -ENOSPC : -EINVAL;
	if ((uint64_t)atomic_add_return(&shm_pages, pages) > READ_ONCE(shm_limits.max_pages)) {
		atomic_fetch_sub(&shm_pages, pages);
		return -ENOSPC;
	}
	return 0;
}

static int segment_create(const void *data, struct ipc_object **out)
{
	const struct request *request = data;
	struct segment *segment;
	int err = request->flags & SHM_HUGETLB ? -EINVAL : pages_charge(request);

	if (err)
		return err;
	segment = cache_alloc(&segment_slab, ALLOC_KERNEL | ALLOC_ZERO);
	err = segment ? memory_make(request, &segment->file) : -ENOMEM;
	if (err)
		goto out_pages;
	segment->size = request->size;
	segment->changed = ipc_now();
	segment->maker = proc_tgid(proc_current());
	*out = &segment->ipc;
	return 0;

out_pages:
	if (segment)
		cache_free(&segment_slab, segment);
	atomic_fetch_sub(&shm_pages, pages_of(request->size));
	return err;
}

static int segment_check(const struct ipc_object *object, const void *data)
{
	const struct segment *segment = container_of(object, const struct segment, ipc);
	const struct request *request = data;

	return segment->size < request->size ? -EINVAL : 0;
}

static void segment_free(struct ipc_object *object)
{
	struct segment *segment = to_segment(object);

	file_put(segment->file);
	atomic_fetch_sub(&shm_pages, pages_of(segment->size));
	cache_free(&segment_slab, segment);
}

static const struct ipc_kind segment_kind = {
	.create = segment_create, .check = segment_check, .free = segment_free,
};

static struct ipc_ids shm_ids = IPC_IDS(&segment_kind, SHMMNI);

int shm_get(int key, size_t size, int flags)
{
	const struct request request = { key, size, flags };

	return ipc_get(&shm_ids, key, flags, &request);
}

int shm_max_segments(void)
{
	return atomic_load_relaxed(&shm_ids.max);
}

int shm_set_max_segments(int max)
{
	if (max < 0 || max > IPC_SLOTS_MAX)
		return -EINVAL;
	atomic_store_relaxed(&shm_ids.max, max);
	return 0;
}

/* ---- attaching ------------------------------------------------------------------------------- */

/* One less is attached; the last one takes a segment with it that nobody can find. Locked. */
static void uncount_locked(struct segment *segment)
{
	if (--segment->nr_attached == 0 && segment->ipc.mode & SHM_DEST && !segment->ipc.is_removed)
		ipc_remove_locked(&segment->ipc);
}

/* An area of an attachment has come, or gone. */
static void attached_changes(struct file *file, bool is_there)
{
	struct segment *segment = file->private;

	refcount_get(&segment->ipc.refs);
	spin_lock(&segment->ipc.lock);
	if (is_there) {
		segment->nr_attached++;
		segment->attached = ipc_now();
	} else {
		segment->detached = ipc_now();
		uncount_locked(segment);
	}
	if (thread_is_task(thread_current()))
		segment->last = proc_tgid(proc_current());
	__release(&segment->ipc.lock);
	ipc_unlock(&segment->ipc);
}

static void attached_release(struct file *file)
{
	struct segment *segment = file->private;

	ipc_put(&segment->ipc);
}

static const struct file_ops attached_ops = {
	.release = attached_release,
	.mmap = mapping_mmap,
	.mapped = attached_changes,
};

/*
 * An open file through which the segment is mapped. The reference to the segment becomes its own.
 */
static int attachment_open(struct segment *segment, bool may_write, struct file **out)
{
	struct file *file;
	int err = file_create(&segment->file->path, task_current()->cred,
	                      (may_write ? O_RDWR : O_RDONLY) | O_LARGEFILE, &file);

	if (err)
		return err;
	file->ops = &attached_ops;
	file->private = segment;
	file->mode |= FILE_OPENED;
	*out = file;
	return 0;
}

static int attachment_map(struct file *file, size_t size, int flags, uaddr_t *addr)
{
	const bool may_write = !(flags & SHM_RDONLY);
	struct map_request request = {
		.addr = *addr,
		.len = size,
		.vm_flags = VM_READ | VM_SHARED | VM_MAYSHARE | VM_MAYACCESS |
		            (flags & SHM_EXEC ? VM_EXEC : 0) | (may_write ? VM_WRITE : 0),
		.map_flags = *addr ? (flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE) : 0,
		.file = file,
		.may_map_low = cred_capable(task_current()->cred, CAP_SYS_RAWIO),
	};
	int err;

	if (!may_write)
		request.vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
	err = file_mmap(file, &request);
	if (!err)
		err = space_map(task_current()->space, &request, addr);
	return err == -EEXIST ? -EINVAL : err;
}

/* The place that is asked for, rounded if that is wanted. */
static int place_check(uaddr_t *addr, int flags)
{
	if (*addr & (SHMLBA - 1)) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		*addr &= ~(uaddr_t)(SHMLBA - 1);
		if (!*addr && flags & SHM_REMAP)
			return -EINVAL;
	} else if (!*addr && flags & SHM_REMAP) {
		return -EINVAL;
	}
	return 0;
}

static int segment_attach(struct segment *segment, uaddr_t addr, int flags, uaddr_t *out)
{
	struct file *file;
	int err = attachment_open(segment, !(flags & SHM_RDONLY), &file);

	if (err)
		return err;
	refcount_get(&segment->ipc.refs); /* the file's */
	*out = addr;
	err = attachment_map(file, segment->size, flags, out);
	file_put(file);
	return err;
}

int shm_attach(int id, uaddr_t addr, int flags, uaddr_t *out)
{
	const int mode = (flags & SHM_RDONLY ? 0444 : 0666) | (flags & SHM_EXEC ? 0111 : 0);
	struct ipc_object *object;
	int err = place_check(&addr, flags);

	if (!err)
		err = ipc_lock(&shm_ids, id, &object);
	if (err)
		return err;
	__acquire(&object->lock);
	err = ipc_check(object, task_current()->cred, mode);
	if (!err)
		to_segment(object)->nr_attached++; /* it stays while we are at it */
	spin_unlock(&object->lock);
	if (!err) {
		err = segment_attach(to_segment(object), addr, flags, out);
		spin_lock(&object->lock);
		uncount_locked(to_segment(object));
		spin_unlock(&object->lock);
	}
	ipc_put(object);
	return err;
}

/* Is it the area that lies where this attachment at addr put its page? */
static bool is_part(const struct area_info *info, uaddr_t addr)
{
	return info->file && info->file->ops == &attached_ops && info->start >= addr &&
	       (info->start - addr) >> PAGE_SHIFT == info->pgoff;
}

int shm_detach(uaddr_t addr)
{
	struct space *space = task_current()->space;
	struct file *file = NULL;
	uaddr_t at = addr, end = USER_MAX;
	struct area_info info;
	int err = -EINVAL;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	while (at < end && space_area_info(space, at, &info) && info.start < end) {
		if (is_part(&info, addr) && (!file || file == info.file)) {
			if (!file) {
				file = file_get(info.file);
				end = addr + align_up(((struct segment *)file->private)->size,
				                      PAGE_SIZE);
			}
			err = space_unmap(space, info.start, info.end - info.start);
		}
		at = info.end;
		area_info_put(&info);
		if (err && err != -EINVAL)
			break;
	}
	if (file)
		file_put(file);
	return err;
}

/* ---- shmctl(2) ------------------------------------------------------------------------------- */

static void stat_fill(const struct segment *segment, struct shmid64_ds *out)
{
	*out = (struct shmid64_ds){
		.shm_segsz = segment->size,
		.shm_atime = segment->attached,
		.shm_dtime = segment->detached,
		.shm_ctime = segment->changed,
		.shm_cpid = segment->maker,
		.shm_lpid = segment->last,
		.shm_nattch = segment->nr_attached,
	};
	ipc_perm_fill(&segment->ipc, &out->shm_perm);
}

int shm_stat(int id, int command, struct shmid64_ds *out)
{
	struct ipc_object *object;
	int result = command == IPC_STAT ? ipc_lock(&shm_ids, id, &object)
	                                 : ipc_lock_slot(&shm_ids, id, &object);

	if (result)
		return result;
	if (command != SHM_STAT_ANY)
		result = ipc_check(object, task_current()->cred, 0444);
	if (!result) {
		stat_fill(to_segment(object), out);
		result = command == IPC_STAT ? 0 : object->id;
	}
	ipc_unlock(object);
	return result;
}

int shm_change(int id, const struct shmid64_ds *wanted)
{
	struct ipc_object *object;
	int err = ipc_lock(&shm_ids, id, &object);

	if (err)
		return err;
	err = ipc_check_owner(object, task_current()->cred);
	if (!err)
		err = ipc_perm_set(object, &wanted->shm_perm);
	if (!err)
		to_segment(object)->changed = ipc_now();
	ipc_unlock(object);
	return err;
}

int shm_remove(int id)
{
	struct ipc_object *object;
	int err = ipc_lock(&shm_ids, id, &object);

	if (err)
		return err;
	err = ipc_check_owner(object, task_current()->cred);
	if (!err && to_segment(object)->nr_attached) {
		object->mode |= SHM_DEST;
		WRITE_ONCE(object->key, IPC_PRIVATE);
	} else if (!err) {
		ipc_remove_locked(object);
	}
	ipc_unlock(object);
	return err;
}

int shm_set_locked(int id, bool is_locked)
{
	const struct cred *cred = task_current()->cred;
	struct ipc_object *object;
	int err = ipc_lock(&shm_ids, id, &object);

	if (err)
		return err;
	if (!cred_capable(cred, CAP_IPC_LOCK) &&
	    ((cred->euid != object->uid && cred->euid != object->cuid) ||
	     (is_locked && !proc_limit(RLIMIT_MEMLOCK))))
		err = -EPERM;
	else if (is_locked)
		object->mode |= SHM_LOCKED;
	else
		object->mode &= ~(mode_t)SHM_LOCKED;
	ipc_unlock(object);
	return err;
}

int shm_info(struct shminfo64 *out)
{
	*out = (struct shminfo64){
		.shmmax = READ_ONCE(shm_limits.max_size),
		.shmmin = SHMMIN,
		.shmmni = (unsigned long)shm_max_segments(),
		.shmseg = (unsigned long)shm_max_segments(),
		.shmall = READ_ONCE(shm_limits.max_pages),
	};
	return ipc_highest_slot(&shm_ids);
}

bool shm_next(uint32_t *slot, struct shm_line *out)
{
	struct ipc_object *object = ipc_lock_next(&shm_ids, slot);

	if (!object)
		return false;
	out->id = object->id;
	stat_fill(to_segment(object), &out->ds);
	out->resident = READ_ONCE(to_segment(object)->file->mapping->nr_pages);
	ipc_unlock(object);
	return true;
}

int shm_usage(struct shm_info *out)
{
	struct shm_line line;

	*out = (struct shm_info){
		.used_ids = (int)ipc_in_use(&shm_ids),
		.shm_tot = (unsigned long)atomic_load_relaxed(&shm_pages),
	};
	for (uint32_t slot = 0; shm_next(&slot, &line); slot++)
		out->shm_rss += line.resident;
	return ipc_highest_slot(&shm_ids);
}
