/*
 * What a mapping needs of the object behind it: a file's page cache, a tmpfs object, an image of
 * the kernel's own. The owner (fs/pagecache) embeds a struct backing and provides the operations;
 * vm asks it for pages, and the owner tells vm when pages go away (truncation, eviction,
 * write-back).
 *
 * Truncation against faults. The owner first takes the pages out of its cache (page->owner becomes
 * NULL under its own lock), then calls backing_unmap_range. A fault maps a page only after it has
 * seen page->owner == backing under the lock of the page table, so either it sees the removal and
 * looks again, or backing_unmap_range comes after it and takes the mapping away.
 *
 * Locks: backing->lock (mutex, rank "interval tree of areas", inside vm space and page lock) guards
 * the tree of areas. The operations are called with the space's lock held for reading, except where
 * said otherwise.
 */
#pragma once

#include "lib/interval.h"
#include "lib/types.h"
#include "sched/mutex.h"

struct area;
struct backing;
struct file;
struct page;

struct backing_ops {
	/*
	 * The page at pgoff, up to date, with a reference for the caller; read from the medium if
	 * it must be. Called WITHOUT the space's lock; sleeps. access is FAULT_WRITE if a shared
	 * mapping wants to write (space is to be allocated now, so that the store cannot be lost).
	 * -ENOMEM; -EIO (SIGBUS); -EFAULT past the end of the object (SIGBUS); -EINTR for a fatal
	 * signal.
	 */
	int (*fault)(struct backing *backing, pgoff_t pgoff, unsigned access, struct page **out);

	/*
	 * Up-to-date pages in the cache of first .. first + nr - 1, without any I/O or sleep:
	 * stores each with a reference in pages[0 .. nr - 1], or NULL where there is none or it
	 * lies past the end. Returns how many were found. NULL: nothing is ever found, fault is
	 * asked.
	 */
	unsigned (*lookup)(struct backing *backing, pgoff_t first, unsigned nr,
	                   struct page **pages);

	/*
	 * The page is about to become writable in a shared mapping: mark it dirty. Called with the
	 * space's lock, so it does no I/O and takes only locks inside that. 0; -EAGAIN: fault()
	 * must be asked with FAULT_WRITE first (no space is allocated for it yet). NULL: nothing to
	 * note.
	 */
	int (*dirty)(struct backing *backing, struct page *page);

	/*
	 * An area keeps the object alive through its file: take or drop a reference for an area
	 * with these VM_* flags (VM_SHARED and VM_MAYWRITE together make a writable mapping, for
	 * seals and ETXTBSY). file is what space_map was given; NULL if there is none. May sleep in
	 * put, which is called without the space's lock if that is possible, but must not rely on
	 * it. NULL: nothing.
	 */
	void (*area_get)(struct backing *backing, struct file *file, unsigned vm_flags);
	void (*area_put)(struct backing *backing, struct file *file, unsigned vm_flags);

	/* msync(2): write pages first .. last out and wait. Without the space's lock. NULL: 0. */
	int (*sync)(struct backing *backing, struct file *file, pgoff_t first, pgoff_t last);

	/* madvise(MADV_WILLNEED): start reading. Without the space's lock. NULL: nothing. */
	void (*will_need)(struct backing *backing, struct file *file, pgoff_t first, size_t nr);
};

struct backing {
	const struct backing_ops *ops __const_after_init;
	struct mutex lock;
	struct interval_tree areas __guarded_by(lock); /* by page offset; area->in_mapping */
	/* areas with VM_SHARED and VM_MAYWRITE, and those on their way */
	uint32_t nr_writable_shared __guarded_by(lock);
	bool is_shmem __const_after_init;               /* counted as RssShmem, not RssFile */
	uint64_t number __atomic;                       /* see backing_number(); 0: none yet */
};

/* In place, before the object can be mapped; fini asserts that no area is left. */
void backing_init(struct backing *backing, const struct backing_ops *ops);
void backing_fini(struct backing *backing);

/* What the object is known by to those who hold no reference: never 0, never another's. */
uint64_t backing_number(struct backing *backing);

/* True if some area maps the object; a hint unless the caller prevents new mappings. */
bool backing_is_mapped(const struct backing *backing);

/*
 * A writable shared mapping is on its way: it counts from before the owner is asked whether it may
 * be until it is there. Who forbids such mappings looks at nr_writable_shared and forbids under one
 * hold of backing->lock.
 */
void backing_writable_get(struct backing *backing);
void backing_writable_put(struct backing *backing);

/*
 * Takes the mappings of pages first .. last (inclusive) out of every space that has them; their
 * next access faults. even_cow: private copies go as well (truncation); otherwise only pages of the
 * object (invalidation, eviction). Sleeps; caller may hold the inode's lock and page locks.
 */
void backing_unmap_range(struct backing *backing, pgoff_t first, pgoff_t last, bool even_cow);

/*
 * Takes the permission to store away from all shared mappings of first .. last: the next store
 * faults, and asks dirty(). No processor stores through an old translation when it returns. Sleeps;
 * caller may hold page locks.
 */
void backing_write_protect(struct backing *backing, pgoff_t first, pgoff_t last);

/*
 * For reclaim, which cannot know what its caller holds: unmaps one page as backing_unmap_range()
 * without even_cow, if backing->lock is free. *was_used: some mapping was used since it was made or
 * last looked at. False: nothing was done.
 */
bool __must_check backing_try_unmap(struct backing *backing, pgoff_t index, bool *was_used);
