/*
 * What the files of ext2 share: a mounted instance, its inodes, and what a round of metadata
 * (fs/meta.h) carries for it.
 *
 * Locks, outermost first: inodes' locks (the VFS's) > a metadata operation > the map lock of an
 * inode (which blocks it has) > the lock over attributes > the allocation lock (bitmaps, counters).
 * `lists_lock` over what belongs to rounds. A directory's blocks and index change under its inode's
 * lock for writing; the fields of an inode that VFS does not know by its own lock or the map lock.
 */
#pragma once

#include "fs/ext2/blockmap.h"
#include "fs/ext2/dirblock.h"
#include "fs/ext2/geometry.h"
#include "fs/ext2/rawinode.h"
#include "fs/inode.h"
#include "fs/inode_cache.h"
#include "fs/meta.h"
#include "fs/super.h"
#include "sched/mutex.h"

struct bdev;
struct dentry_name;
struct dir_sink;
struct disk_extent;
struct ext2_dir_index;
struct file;

/* Blocks that may be used again when the round has been written. */
struct ext2_freed {
	struct list link;
	uint64_t    block;
	uint64_t    count;
};

/*
 * The old name of something that was moved: on the disk it stays until the new one is there. In the
 * page its entry has inode 0 already.
 */
struct ext2_moved {
	struct list link;
	uint64_t    block;
	uint32_t    offset;
	uint32_t    ino;
	mode_t      mode;
};

/* What one round carries. Guarded by lists_lock while open, by the commit when frozen. */
struct ext2_round {
	struct list changed; /* inodes to be stored: ext2_part.link, each with a reference */
	struct list dead;    /* inodes that lost their last name: dead_link, a reference */
	struct list freed;   /* struct ext2_freed */
	struct list moved;   /* struct ext2_moved */
};

struct ext2_options {
	uint32_t errors; /* EXT2_ERRORS_* */
	uid_t    resuid;
	gid_t    resgid;
	bool     minixdf;
	bool     no_user_xattr;
};

struct ext2_super {
	struct superblock   *super __const_after_init;
	struct bdev         *bdev __const_after_init;
	struct ext2_geometry geometry __const_after_init;
	const char          *readonly_reason __const_after_init; /* NULL: it can be written */
	struct meta          meta;
	struct ext2_options  options __guarded_by(super->lock);
	bool                 is_writable __guarded_by(super->lock); /* mounted so, marked so */
	uint16_t             state __guarded_by(super->lock); /* EXT2_STATE_* on the disk now */
	bool                 is_mounting __guarded_by(super->lock); /* counts a mount */
	bool                 has_meta __const_after_init;
	bool                 has_large_files __guarded_by(gate); /* the feature is to be told */
	bool                 has_errors __atomic;
	bool                 is_broken __atomic; /* writing failed: nothing is written any more */
	uint64_t             overhead __const_after_init;

	struct mutex         alloc_lock; /* RANK_META_ALLOC */
	struct ext2_group   *groups __guarded_by(alloc_lock);
	uint64_t            *desc_dirty __guarded_by(alloc_lock); /* bit: a block of descriptors */
	uint64_t             free_blocks __guarded_by(alloc_lock);
	uint64_t             free_inodes __guarded_by(alloc_lock);
	uint64_t             freed_blocks __guarded_by(alloc_lock); /* to be free in a while */
	uint32_t             next_generation __guarded_by(alloc_lock);

	struct mutex         xattr_lock; /* RANK_META_XATTR */
	struct spinlock      lists_lock;
	struct ext2_round    rounds[2]; /* by the round's number, odd and even */
};

/* An inode's part in one round. */
struct ext2_part {
	struct list link __guarded_by(lists_lock);
	bool        is_listed __guarded_by(lists_lock);
	bool        has_data __guarded_by(lists_lock); /* new blocks: their data goes first */
	uint64_t    first, last __guarded_by(lists_lock); /* those blocks of the file */
};

struct ext2_inode {
	struct disk_inode disk; /* first */
	struct mutex      map_lock; /* RANK_META_MAP */
	__le32            block[EXT2_N_BLOCKS] __guarded_by(map_lock);
	uint32_t          flags __guarded_by(disk.inode.lock); /* EXT2_*_FL */
	uint32_t          dtime;
	uint32_t          extra_isize __const_after_init;
	uint64_t          xattr_block __guarded_by(xattr_lock);
	uint8_t          *xattr_image __guarded_by(xattr_lock); /* what goes behind the fields */
	uint64_t          goal __guarded_by(map_lock); /* where the next block would be good */
	uint64_t          changed_round __atomic; /* the last in which it or a name changed */
	uint64_t          born_round __const_after_init;
	/* the round in which it lost its last name; 0: it has one */
	uint64_t          dead_round __guarded_by(disk.inode.lock);
	uint64_t          moved_round __guarded_by(disk.inode.lock); /* directory: a name left it */
	bool              may_use_reserve __guarded_by(disk.inode.lock);
	/*
	 * Directory: where its one name is, so that no other can lead to it (0: not known yet). A
	 * disk that gives it two, or a circle, would have us lock it twice.
	 */
	uint32_t          named_in __guarded_by(lists_lock);
	uint32_t          named_hash __guarded_by(lists_lock);
	uint32_t          room __guarded_by(disk.inode.lock); /* directory: room may begin here */
	struct ext2_dir_index *index __guarded_by(disk.inode.lock);
	char             *target __atomic; /* a slow link's text, once read */
	struct list       dead_link __guarded_by(lists_lock);
	bool              is_listed_dead __guarded_by(lists_lock);
	struct ext2_part  parts[2];
};

static inline struct ext2_inode *to_ext2(const struct inode *inode)
{
	return container_of((struct inode *)(uintptr_t)inode, struct ext2_inode, disk.inode);
}

static inline struct ext2_super *ext2_super(const struct inode *inode)
{
	return inode->super->private;
}

static inline uint32_t ext2_sectors_per_block(const struct ext2_super *es)
{
	return es->geometry.block_size >> 9;
}

/* ---- super.c -------------------------------------------------------------------------------- */

/* The disk says what cannot be: one line, and what errors= asks for. Returns -EUCLEAN. */
int ext2_corrupt(struct ext2_super *es, const char *what, uint64_t number);
/* Room for a change is scarce, and some comes free soon: makes it so. No locks of files held. */
void ext2_make_room(struct ext2_super *es, uint64_t blocks);

/* ---- alloc.c -------------------------------------------------------------------------------- */

/* All inside an operation. A run of up to `wanted` blocks, near goal. ENOSPC, EIO. */
int ext2_blocks_alloc(struct ext2_super *es, uint64_t goal, uint32_t wanted, bool privileged,
                      uint64_t *first, uint32_t *count);
/* Free when the round has been written; now, if nothing on the disk leads there any more. */
void ext2_blocks_free_later(struct ext2_super *es, uint64_t first, uint64_t count);
void ext2_blocks_free(struct ext2_super *es, uint64_t first, uint64_t count);
int  ext2_ino_alloc(struct ext2_super *es, const struct inode *dir, mode_t mode, uint32_t *ino);
void ext2_ino_free(struct ext2_super *es, uint32_t ino, bool is_dir);
/* Of a group's first block: where its inodes' content begins to be looked for. */
uint64_t ext2_ino_goal(const struct ext2_super *es, uint32_t ino);

/* ---- round.c -------------------------------------------------------------------------------- */

extern const struct meta_ops ext2_meta_ops;
void ext2_rounds_init(struct ext2_super *es);
/* The inode is stored with the open round. Inside an operation. */
void ext2_changed(struct inode *inode);
/* Blocks first .. last of the file are new: their data goes before the round. */
void ext2_has_new_data(struct inode *inode, uint64_t first, uint64_t last);
/* nlink became 0. */
void ext2_died(struct inode *inode);
/* The entry, emptied in the page, stays on the disk until the round is done. ENOMEM. */
int ext2_name_moved(struct inode *dir, uint64_t block, uint32_t offset, const struct inode *inode);
struct ext2_round *ext2_open_round(struct ext2_super *es);

/* ---- inode.c -------------------------------------------------------------------------------- */

int  ext2_read_inode(struct superblock *super, ino_t ino, struct inode **out);
void ext2_evict(struct inode *inode);
void ext2_free_inode(struct inode *inode);
int  ext2_write_inode(struct inode *inode, bool wait);
/* Inside an operation: a new one, not in the directory yet. The caller drops it on failure. */
int  ext2_inode_create(struct inode *dir, const struct new_inode *new, struct inode **out);
/* Where an inode lies in its table. */
void ext2_inode_place(const struct ext2_super *es, uint32_t ino, uint64_t *block,
                      uint32_t *offset);
/* As its fields are now, into its place in the table. */
void ext2_inode_store(struct inode *inode, uint8_t *raw);
/* INODE_* from EXT2_*_FL. */
void ext2_flags_apply(struct inode *inode);

/* ---- map.c, truncate.c ---------------------------------------------------------------------- */

extern const struct disk_mapping_ops ext2_disk_ops;
int ext2_map(struct inode *inode, uint64_t block, uint32_t count, bool allocate,
             struct disk_extent *out);
/* The same inside an operation; the block of metadata is zeroed and dirty. */
int ext2_map_new_block(struct inode *inode, uint64_t block, enum meta_kind kind, uint64_t *number,
                       uint8_t **data);
/* Blocks from .. to - 1 become holes; pages are gone already. Not inside an operation. */
int ext2_blocks_remove(struct inode *inode, uint64_t from, uint64_t to);
/* The same inside one; of an inode that is deleted: everything. */
void ext2_blocks_delete(struct inode *inode);
int  ext2_resize(struct inode *inode, pos_t size);

/* ---- dir.c, index.c ------------------------------------------------------------------------- */

/* A name found: the entry, and where. */
struct ext2_slot {
	struct meta_view view; /* a reference */
	uint64_t         block;
	uint32_t         offset;
	uint32_t         ino;
};

int  ext2_dir_lookup(struct inode *dir, const struct dentry_name *name, struct ext2_slot *out);
/* Inside an operation, all of these. ENOSPC, EIO. */
int  ext2_dir_add(struct inode *dir, const struct dentry_name *name, uint32_t ino, mode_t mode);
/* moved: see ext2_name_moved(). */
int  ext2_dir_delete(struct inode *dir, const struct dentry_name *name, const struct inode *moved);
int  ext2_dir_replace(struct inode *dir, const struct dentry_name *name, const struct inode *to);
int  ext2_dir_make(struct inode *dir, struct inode *parent);
int  ext2_dir_set_parent(struct inode *dir, const struct inode *parent);
int  ext2_dir_is_empty(struct inode *dir);
int  ext2_iterate(struct file *file, struct dir_sink *sink);
void ext2_dir_view(const struct ext2_super *es, uint8_t *data, struct ext2_dir_block *out);

void ext2_index_free(struct ext2_inode *dir);
/* The index's answer: blocks of the directory to look at, one after the other. */
struct ext2_index_cursor {
	uint32_t probe;
	uint32_t steps;
};
/* False: no index; look at everything. */
bool ext2_index_ready(struct inode *dir);
bool ext2_index_next(const struct ext2_inode *dir, uint32_t hash, struct ext2_index_cursor *cursor,
                     uint32_t *block, uint32_t *offset);
void ext2_index_add(struct ext2_inode *dir, uint32_t hash, uint32_t block, uint32_t offset);
void ext2_index_remove(struct ext2_inode *dir, uint32_t hash, uint32_t block, uint32_t offset);

/* ---- namei.c, file.c, link.c, xattr.c -------------------------------------------------------- */

extern const struct inode_ops ext2_dir_inode_ops, ext2_file_inode_ops, ext2_link_inode_ops,
	ext2_node_inode_ops;
extern const struct file_ops ext2_file_ops, ext2_dir_file_ops;

int     ext2_setattr(struct inode *inode, const struct attr_change *change);
int     ext2_fsync(struct file *file, pos_t from, pos_t to, bool data_only);
uint32_t ext2_flags_get(const struct inode *inode);
int      ext2_flags_set(struct inode *inode, uint32_t fs_flags);
ssize_t ext2_xattr_get(struct inode *inode, const char *name, void *value, size_t size);
int     ext2_xattr_set(struct inode *inode, const char *name, const void *value, size_t size,
                       int flags);
ssize_t ext2_xattr_list(struct inode *inode, char *names, size_t size);
/* The inode is deleted: its share in a block of attributes goes. Inside an operation. */
void    ext2_xattrs_delete(struct inode *inode);
/* MS_SYNCHRONOUS, MS_DIRSYNC, O_SYNC-like flags: the operation that just ended is to rest. */
int     ext2_sync_after(struct inode *inode, bool is_name);
