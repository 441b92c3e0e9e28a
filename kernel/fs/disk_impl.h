/*
 * What the files of the page cache over disks ask of each other: disk_mapping.c (index, faults),
 * disk_read.c, disk_write.c, disk_direct.c, disk_truncate.c, disk_sync.c (writing out), and
 * disk_reclaim.c. The rules are at the head of disk_mapping.h.
 */
#pragma once

#include "dev/bio.h"
#include "fs/disk_mapping.h"
#include "fs/inode.h"
#include "lib/math.h"

struct uio;

enum {
	DISK_BATCH = 32,      /* pages that are handled under one lock, or held locked at once */
	READ_AHEAD_MAX = 128, /* pages of the largest window: 512 KiB */
};

static inline struct disk_mapping *disk_of(struct mapping *mapping)
{
	return to_disk_mapping(mapping);
}

static inline uint32_t blocks_per_page(const struct disk_mapping *disk)
{
	return 1u << (PAGE_SHIFT - disk->block_shift);
}

/* Pages, and blocks, that the content has. */
static inline pgoff_t mapping_size_pages(const struct mapping *mapping)
{
	return ((uint64_t)READ_ONCE(mapping->host->size) + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static inline uint64_t disk_size_blocks(const struct disk_mapping *disk)
{
	uint64_t size = (uint64_t)READ_ONCE(disk->mapping.host->size);

	return (size + (1ull << disk->block_shift) - 1) >> disk->block_shift;
}

/* Under the page lock, or with a reference that keeps reclaim off: still in this mapping. */
static inline bool page_is_of(const struct page *page, const struct mapping *mapping)
{
	return READ_ONCE(page->owner) == &mapping->backing;
}

/* ---- index (disk_mapping.c) ----------------------------------------------------------------- */

/*
 * Fresh pages, which the caller has references on, enter locked at first, first + 1 ...; how many
 * did until one was taken already (EEXIST) or memory ran out (*err).
 */
size_t disk_index_insert(struct mapping *mapping, pgoff_t first, struct page **pages, size_t nr,
                         int *err);
/*
 * The page leaves the index: locked, neither under write-back nor wanted by anybody but holders of
 * references. The index's reference is put; the lock stays the caller's, who has a reference.
 */
void disk_index_remove(struct mapping *mapping, struct page *page);
/* Marks pages dirty that the caller has locked or refers to. */
void disk_pages_dirty(struct mapping *mapping, struct page **pages, size_t nr);
/* Counts pages that reclaim took out itself. */
void disk_pages_count(const struct disk_mapping *disk, int64_t pages);
/* Dirty pages of all, for disk_sync.c. */
void dirty_pages_add(int64_t pages);

/* ---- extents (disk_extent.c) ---------------------------------------------------------------- */

/* Where blocks lie, as far as was asked last. */
struct extent_cursor {
	struct disk_extent extent; /* count 0: nothing is known */
	uint64_t           block;  /* the file's block at which it begins */
	uint32_t           removals, allocations;
};

/*
 * Where one block lies: out->count is what follows it. ahead: how many blocks will be asked for.
 * A page of the file that has the block is locked.
 */
int extent_find(struct disk_mapping *disk, struct extent_cursor *cursor, uint64_t block,
                uint32_t ahead, struct disk_extent *out);

/* Bios for consecutive blocks of pages, as large as they can be. */
struct page_bios {
	struct disk_mapping *disk;
	struct extent_cursor cursor;
	struct bio          *bio;         /* being filled */
	uint64_t             next_sector; /* where it would go on */
	struct page         *last_page;   /* the last one in it */
	void               (*done)(struct bio *bio);
	void               (*begin)(struct page_bios *bios, struct bio *bio); /* NULL: nothing */
	uint32_t             pages_ahead; /* that will still come */
	uint8_t              operation, flags;
};

/*
 * Adds length bytes of the page, which lie at the sector; each bio that the page is in counts once
 * in page->private_value. Sleeps.
 */
void page_bios_add(struct page_bios *bios, struct page *page, uint32_t offset, uint32_t length,
                   uint64_t sector);
/* What is gathered goes down. Before any wait for pages, and at the end. */
void page_bios_submit(struct page_bios *bios);
/* Calls fn once for each page of a bio that is done. */
void bio_for_each_page(struct bio *bio, void (*fn)(struct page *page, struct bio *bio));
/* One bio less, or the submitter, works on the page: true for the last. */
static inline bool page_io_put(struct page *page)
{
	return atomic_sub_return(&page->private_value, 1) == 0;
}

/* ---- writing -------------------------------------------------------------------------------- */

/*
 * Blocks of first .. first + count - 1 get places. Pages locked. How many blocks have one now in
 * *done.
 */
int disk_allocate(struct disk_mapping *disk, uint64_t first, uint64_t count, uint64_t *done);
/* The write through the cache; advances *position. Inode's lock held. */
ssize_t disk_write_buffered(struct mapping *mapping, struct uio *uio, pos_t *position);
/* Bytes up to `size` are there now. Inode's lock held. */
void disk_size_grow(struct inode *inode, pos_t size);
/* What the file has not been told of yet. */
int disk_file_errors(struct file *file);
/* O_DIRECT (disk_direct.c). The write with the inode's lock held; the read takes it. */
ssize_t disk_direct_read(struct io *io);
ssize_t disk_direct_write(struct io *io);
/* An error that nobody waits for: told to who asks later. */
void disk_mapping_set_error(struct disk_mapping *disk, int err);

/* ---- reclaim (disk_reclaim.c) --------------------------------------------------------------- */

void disk_reclaim_init(void);
