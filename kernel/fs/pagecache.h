/*
 * The page cache: the pages of one inode's content, by index. read, write, mmap, sendfile and
 * splice all meet here, and for tmpfs there is nothing else.
 *
 * struct mapping embeds the struct backing through which address spaces map it (vm/backing.h). A
 * page in it has PAGE_CACHED, owner == &mapping->backing, its index, and one reference of the
 * mapping's. A hole is an index without a page; reading one gives zeroes and allocates nothing.
 *
 * Growing: a page is charged (ops->charge) before it enters, uncharged after it left. Shrinking:
 * truncation and hole punching take pages out of the index first and then out of all address spaces
 * (the protocol of vm/backing.h).
 *
 * Locking: `lock` (spinlock, RANK_PAGE_INDEX) over the index. Content is written under the inode's
 * lock held for writing; reads take no lock and may see half of a concurrent write, as on Linux.
 * Size changes by the inode's lock; a fault looks at the size after it has the page, and truncation
 * changes the size before it removes pages.
 */
#pragma once

#include "core/spinlock.h"
#include "lib/radix.h"
#include "lib/types.h"
#include "vm/backing.h"

struct file;
struct inode;
struct io;
struct map_request;
struct mapping;
struct page;

struct mapping_ops {
	/*
	 * Fill a fresh page that is locked. NULL: zeroes (what is not cached is a hole). May sleep.
	 */
	int  (*read_page)(struct mapping *mapping, struct page *page);
	/* May nr more pages enter? ENOSPC. NULL: always. */
	int  (*charge)(struct mapping *mapping, size_t nr);
	void (*uncharge)(struct mapping *mapping, size_t nr);
};

struct mapping {
	struct backing            backing; /* first */
	struct spinlock           lock;
	struct radix              pages __guarded_by(lock);
	size_t                    nr_pages __guarded_by(lock);
	struct inode             *host __const_after_init;
	const struct mapping_ops *ops __const_after_init;
	uint32_t                  seals __guarded_by(host->lock); /* F_SEAL_* */
};

void pagecache_init(void);

void mapping_init(struct mapping *mapping, struct inode *host, const struct mapping_ops *ops);
/* Asserts that no page is left: mapping_truncate(mapping, 0) goes before. */
void mapping_fini(struct mapping *mapping);

/* The cached page with a reference; NULL: hole. Does not sleep. */
struct page *mapping_find(struct mapping *mapping, pgoff_t index);
/* The page, made (zeroed or read) if need be, with a reference. ENOMEM, ENOSPC, EIO. Sleeps. */
int __must_check mapping_get_page(struct mapping *mapping, pgoff_t index, struct page **out);

/* A filled page enters, charged; the cache takes a reference of its own. EEXIST ENOMEM ENOSPC. */
int __must_check mapping_insert(struct mapping *mapping, pgoff_t index, struct page *page);

/* file_ops of regular files. */
ssize_t mapping_read(struct io *io);
ssize_t mapping_write(struct io *io);
int     mapping_mmap(struct file *file, struct map_request *request);
pos_t   mapping_seek(struct file *file, pos_t offset, int whence);

/*
 * The content ends at `size` bytes now: drop pages behind, zero the rest of the last one.
 * inode->size is changed already. Inode's lock held for writing.
 */
void mapping_truncate(struct mapping *mapping, pos_t size);
/* Bytes from .. to - 1 become a hole. Inode's lock held for writing. */
void mapping_punch(struct mapping *mapping, pos_t from, pos_t to);
/* The first position at or after `from` with data (or in a hole), below size; size if none. */
pos_t mapping_next_data(struct mapping *mapping, pos_t from, pos_t size);
pos_t mapping_next_hole(struct mapping *mapping, pos_t from, pos_t size);

/* All pages in all mappings: Cached and Shmem of /proc/meminfo. */
size_t pagecache_pages(void);

static inline struct mapping *to_mapping(struct backing *backing)
{
	return container_of(backing, struct mapping, backing);
}
