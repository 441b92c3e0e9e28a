/*
 * Descriptor tables. See fdtable.h.
 *
 * A small table is one allocation: its first slots are embedded. A larger one has an array
 * elsewhere, which only grows; readers under RCU see the old array or the new one, both with the
 * same files up to the old capacity.
 */
#include "fs/fdtable.h"

#include <linux/errno.h>

#include "core/panic.h"
#include "fs/inode.h"
#include "fs/lock.h"
#include "lib/bitmap.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/slab.h"
#include "sched/sched.h"

static struct cache table_slab = CACHE("fd_table", struct fdtable);

/* ---- slots --------------------------------------------------------------------------------- */

static void slots_use_embedded(struct fdtable *table)
{
	table->first.capacity = FD_EMBEDDED;
	table->first.files = table->first_files;
	table->first.used = table->first_used;
	table->first.cloexec = table->first_cloexec;
	table->slots = &table->first;
}

/* Room for `capacity` descriptors in one piece: header, files, two bitmaps. */
static struct fd_slots *slots_alloc(uint32_t capacity)
{
	size_t words = bitmap_words(capacity);
	struct fd_slots *slots;

	slots = kvmalloc(sizeof(*slots) + capacity * sizeof(struct file *) +
	                 2 * words * sizeof(uint64_t), ALLOC_KERNEL | ALLOC_ZERO);
	if (!slots)
		return NULL;
	slots->capacity = capacity;
	slots->files = (struct file **)(slots + 1);
	slots->used = (uint64_t *)(slots->files + capacity);
	slots->cloexec = slots->used + words;
	return slots;
}

static void slots_free_rcu(struct rcu_head *head)
{
	kvfree(container_of(head, struct fd_slots, rcu));
}

static void slots_copy(struct fd_slots *to, const struct fd_slots *from)
{
	size_t words = bitmap_words(from->capacity);

	memcpy(to->files, from->files, from->capacity * sizeof(struct file *));
	memcpy(to->used, from->used, words * sizeof(uint64_t));
	memcpy(to->cloexec, from->cloexec, words * sizeof(uint64_t));
}

/* Makes room for descriptor fd. Takes and drops the lock. */
static int table_grow(struct fdtable *table, uint32_t fd)
{
	uint32_t capacity = FD_EMBEDDED;
	struct fd_slots *slots, *old;

	while (capacity <= fd)
		capacity *= 2;
	slots = slots_alloc(capacity);
	if (!slots)
		return -ENOMEM;
	spin_lock(&table->lock);
	old = table->slots;
	if (old->capacity >= capacity) {
		spin_unlock(&table->lock);
		kvfree(slots);
		return 0;
	}
	slots_copy(slots, old);
	rcu_assign(&table->slots, slots);
	spin_unlock(&table->lock);
	if (old != &table->first)
		rcu_call(&old->rcu, slots_free_rcu);
	return 0;
}

/* ---- tables -------------------------------------------------------------------------------- */

int fdtable_create(struct fdtable **out)
{
	struct fdtable *table = cache_zalloc(&table_slab, ALLOC_KERNEL);

	if (!table)
		return -ENOMEM;
	refcount_init(&table->users, 1);
	refcount_init(&table->refs, 1);
	spin_lock_init(&table->lock, RANK_FD_TABLE);
	slots_use_embedded(table);
	*out = table;
	return 0;
}

/* One more than the highest descriptor in use below limit. */
static uint32_t slots_end(const struct fd_slots *slots, uint32_t limit)
{
	size_t word = bitmap_words(slots->capacity);

	while (word && !slots->used[word - 1])
		word--;
	if (!word)
		return 0;
	return (uint32_t)min((word - 1) * 64 + bit_highest(slots->used[word - 1]) + 1,
	                     (size_t)limit);
}

/* Copies what is open below end; slots that are only reserved stay free. Old table locked. */
static void files_copy(struct fdtable *table, const struct fd_slots *from, uint32_t end)
{
	struct fd_slots *to = table->slots;

	for (uint32_t fd = 0; fd < end; fd++) {
		struct file *file = from->files[fd];

		if (!file)
			continue;
		to->files[fd] = file_get(file);
		bitmap_set(to->used, fd);
		if (bitmap_test(from->cloexec, fd))
			bitmap_set(to->cloexec, fd);
	}
	table->next = (uint32_t)bitmap_find_first_zero(to->used, to->capacity);
}

int fdtable_copy(struct fdtable *old, uint32_t limit, struct fdtable **out)
{
	struct fdtable *table;
	uint32_t end;
	int err = fdtable_create(&table);

	if (err)
		return err;
	for (;;) {
		spin_lock(&old->lock);
		end = slots_end(old->slots, limit);
		if (end <= table->slots->capacity)
			break;
		spin_unlock(&old->lock);
		err = table_grow(table, end - 1);
		if (err) {
			fdtable_put(table);
			return err;
		}
	}
	files_copy(table, old->slots, end);
	spin_unlock(&old->lock);
	*out = table;
	return 0;
}

struct fdtable *fdtable_get(struct fdtable *table)
{
	refcount_get(&table->users);
	return table;
}

static void close_all(struct fdtable *table)
{
	refcount_init(&table->users, 1);
	for (int fd = fd_next(table, 0); fd >= 0; fd = fd_next(table, fd + 1)) {
		fd_close(table, fd);
		cond_resched();
	}
}

void fdtable_put(struct fdtable *table)
{
	if (!refcount_put(&table->users))
		return;
	close_all(table);
	fdtable_memory_put(table);
}

struct fdtable *fdtable_memory_get(struct fdtable *table)
{
	refcount_get(&table->refs);
	return table;
}

void fdtable_memory_put(struct fdtable *table)
{
	if (!refcount_put(&table->refs))
		return;
	if (table->slots != &table->first)
		kvfree(table->slots);
	cache_free(&table_slab, table);
}

static size_t file_footprint(const struct file *file)
{
	bool has_more = file->mode & FILE_OPENED && file->ops->footprint;

	return sizeof(*file) + (has_more ? file->ops->footprint(file) : 0);
}

size_t fdtable_footprint(struct fdtable *table)
{
	const struct fd_slots *slots;
	size_t bytes;

	spin_lock(&table->lock);
	slots = table->slots;
	bytes = sizeof(*table) + slots->capacity * sizeof(struct file *);
	for (uint32_t fd = 0; fd < slots->capacity; fd++) {
		if (!slots->used[fd / 64])
			fd |= 63;
		else if (slots->files[fd])
			bytes += file_footprint(slots->files[fd]);
	}
	spin_unlock(&table->lock);
	return bytes;
}

/* ---- finding ------------------------------------------------------------------------ */

struct file *fd_find_counted(struct fdtable *table, uint32_t fd)
{
	struct file *file = NULL;

	rcu_read_lock();
	for (;;) {
		const struct fd_slots *slots = rcu_dereference(&table->slots);

		if (fd >= slots->capacity)
			break;
		file = rcu_dereference(&slots->files[fd]);
		if (!file)
			break;
		/* A dying file means that the slot has just changed: look again. */
		if (!file_try_get(file))
			continue;
		if (rcu_dereference(&slots->files[fd]) == file &&
		    rcu_dereference(&table->slots) == slots)
			break;
		rcu_read_unlock();
		file_put(file);
		rcu_read_lock();
		file = NULL;
	}
	rcu_read_unlock();
	return file;
}

struct file *fdtable_get_file(struct fdtable *table, int fd)
{
	return fd_find_counted(table, (uint32_t)fd);
}

int fd_next(struct fdtable *table, int fd)
{
	const struct fd_slots *slots;
	size_t next;

	if (fd < 0)
		fd = 0;
	spin_lock(&table->lock);
	slots = table->slots;
	next = bitmap_find_next_set(slots->used, slots->capacity, (size_t)fd);
	while (next < slots->capacity && !slots->files[next])
		next = bitmap_find_next_set(slots->used, slots->capacity, next + 1);
	if (next >= slots->capacity)
		next = (size_t)-1;
	spin_unlock(&table->lock);
	return (int)next;
}

int fd_mode(struct fdtable *table, int fd)
{
	const struct fd_slots *slots;
	int mode = -EBADF;

	spin_lock(&table->lock);
	slots = table->slots;
	if ((uint32_t)fd < slots->capacity && slots->files[fd])
		mode = (int)slots->files[fd]->mode;
	spin_unlock(&table->lock);
	return mode;
}

uint32_t fdtable_capacity(struct fdtable *table)
{
	uint32_t capacity;

	rcu_read_lock();
	capacity = rcu_dereference(&table->slots)->capacity;
	rcu_read_unlock();
	return capacity;
}

/* ---- reserving, installing, closing -------------------------------------------------------- */

static void slot_set_cloexec(struct fdtable *table, uint32_t fd, bool cloexec)
{
	if (cloexec)
		bitmap_set(table->slots->cloexec, fd);
	else
		bitmap_clear(table->slots->cloexec, fd);
}

/* A slot that is free is never marked as to be closed. */
static inline void slot_take_free(struct fdtable *table, uint32_t fd, bool cloexec)
{
	bitmap_set(table->slots->used, fd);
	if (cloexec)
		bitmap_set(table->slots->cloexec, fd);
}

static void slot_clear(struct fdtable *table, uint32_t fd)
{
	struct fd_slots *slots = table->slots;

	bitmap_clear(slots->used, fd);
	bitmap_clear(slots->cloexec, fd);
	if (fd < table->next)
		table->next = fd;
}

/* The lowest free descriptor at or above from; beyond the capacity if there is none yet. */
static uint32_t lowest_free(const struct fdtable *table, uint32_t from)
{
	const struct fd_slots *slots = table->slots;
	uint32_t fd = max(from, table->next);

	if (fd < slots->capacity && bitmap_test(slots->used, fd))
		fd = (uint32_t)bitmap_find_next_zero(slots->used, slots->capacity, fd);
	return fd;
}

int fd_reserve(struct fdtable *table, uint32_t from, uint32_t limit, bool cloexec)
{
	uint32_t fd;
	int err;

	limit = min(limit, (uint32_t)FD_MAX);
	for (;;) {
		spin_lock(&table->lock);
		fd = lowest_free(table, from);
		if (fd >= limit) {
			spin_unlock(&table->lock);
			return -EMFILE;
		}
		if (fd < table->slots->capacity)
			break;
		spin_unlock(&table->lock);
		err = table_grow(table, fd);
		if (err)
			return err;
	}
	slot_take_free(table, fd, cloexec);
	if (from <= table->next)
		table->next = fd + 1;
	spin_unlock(&table->lock);
	return (int)fd;
}

void fd_release(struct fdtable *table, int fd)
{
	spin_lock(&table->lock);
	debug_assert(!table->slots->files[fd]);
	slot_clear(table, (uint32_t)fd);
	spin_unlock(&table->lock);
}

void fd_install(struct fdtable *table, int fd, struct file *file)
{
	spin_lock(&table->lock);
	debug_assert(!table->slots->files[fd]);
	rcu_assign(&table->slots->files[fd], file);
	spin_unlock(&table->lock);
}

int fd_add(struct fdtable *table, struct file *file, uint32_t limit, bool cloexec)
{
	int fd = fd_reserve(table, 0, limit, cloexec);

	if (fd >= 0)
		fd_install(table, fd, file);
	return fd;
}

/* What close(2) does with a file that has left its slot. */
static int file_close(struct fdtable *table, struct file *file)
{
	int err = file_flush(file);

	/* The slot is empty before; pairs with the look at the slot of who has made a lock. */
	smp_mb();
	if (unlikely(atomic_load_relaxed(&file->inode->locks)))
		lock_release_owner(file, table);
	file_put(file);
	return err;
}

static struct file *slot_take(struct fdtable *table, uint32_t fd)
{
	struct file *file = NULL;

	spin_lock(&table->lock);
	if (fd < table->slots->capacity)
		file = table->slots->files[fd];
	if (file) {
		rcu_assign(&table->slots->files[fd], NULL);
		slot_clear(table, fd);
	}
	spin_unlock(&table->lock);
	return file;
}

int fd_close(struct fdtable *table, int fd)
{
	struct file *file = slot_take(table, (uint32_t)fd);

	return file ? file_close(table, file) : -EBADF;
}

int fd_replace(struct fdtable *table, int to, struct file *file, uint32_t limit, bool cloexec)
{
	uint32_t fd = (uint32_t)to;
	struct file *old;
	int err;

	if (fd >= min(limit, (uint32_t)FD_MAX))
		return -EBADF;
	err = fd >= fdtable_capacity(table) ? table_grow(table, fd) : 0;
	if (err)
		return err;
	spin_lock(&table->lock);
	old = table->slots->files[fd];
	if (!old && bitmap_test(table->slots->used, fd)) {
		spin_unlock(&table->lock);
		return -EBUSY;
	}
	rcu_assign(&table->slots->files[fd], file);
	bitmap_set(table->slots->used, fd);
	slot_set_cloexec(table, fd, cloexec);
	spin_unlock(&table->lock);
	if (old)
		file_close(table, old);
	return to;
}

/* Those of first .. last that are in use. */
static void range_set_cloexec(struct fd_slots *slots, uint32_t first, uint32_t last)
{
	bitmap_set_range(slots->cloexec, first, last - first + 1);
	for (uint32_t word = first / 64; word <= last / 64; word++)
		slots->cloexec[word] &= slots->used[word];
}

int fd_close_range(struct fdtable *table, uint32_t first, uint32_t last, bool only_mark_cloexec)
{
	uint32_t end;

	if (first > last)
		return -EINVAL;
	spin_lock(&table->lock);
	end = slots_end(table->slots, UINT32_MAX);
	if (only_mark_cloexec && first < end)
		range_set_cloexec(table->slots, first, min(last, end - 1));
	spin_unlock(&table->lock);
	if (only_mark_cloexec)
		return 0;
	for (uint32_t fd = first; fd < end && fd <= last; fd++) {
		fd_close(table, (int)fd);
		cond_resched();
	}
	return 0;
}

void fd_close_on_exec(struct fdtable *table)
{
	size_t fd = 0;

	for (;;) {
		spin_lock(&table->lock);
		fd = bitmap_find_next_set(table->slots->cloexec, table->slots->capacity, fd);
		if (fd >= table->slots->capacity)
			break;
		bitmap_clear(table->slots->cloexec, fd);
		spin_unlock(&table->lock);
		fd_close(table, (int)fd);
	}
	spin_unlock(&table->lock);
}

/* The slot is open. Lock held. */
static bool slot_is_open(struct fdtable *table, int fd)
{
	return (uint32_t)fd < table->slots->capacity && table->slots->files[fd];
}

int fd_get_cloexec(struct fdtable *table, int fd)
{
	int result = -EBADF;

	spin_lock(&table->lock);
	if (slot_is_open(table, fd))
		result = bitmap_test(table->slots->cloexec, (size_t)fd);
	spin_unlock(&table->lock);
	return result;
}

int fd_set_cloexec(struct fdtable *table, int fd, bool cloexec)
{
	int result = -EBADF;

	spin_lock(&table->lock);
	if (slot_is_open(table, fd)) {
		slot_set_cloexec(table, (uint32_t)fd, cloexec);
		result = 0;
	}
	spin_unlock(&table->lock);
	return result;
}
