/*
 * Metadata operations and rounds: how blocks of metadata change in memory and reach the disk in an
 * order that a power cut may stop anywhere.
 *
 *     meta_op_begin(meta);
 *     err = meta_modify(meta, block, META_NODE, &data);     data: the block, to be changed now
 *     meta_op_end(meta);
 *
 * Blocks live in the page cache of their device, which the layer marks PAGE_PRIVATE while they are
 * dirty. Everything changed by operations of one round goes to the disk together: every 5 s, when
 * somebody waits for it (meta_commit()), or when there is too much of it. A commit
 *
 *   1 closes the gate: operations that run end, new ones wait. The blocks of META_NODE and META_DIR
 *     are copied; ops->freeze() puts into META_TABLE blocks what the file system keeps in other
 *     forms (inodes, counters); the gate opens, and what changes now belongs to the next round;
 *   2 ops->write_data(): the data that the frozen blocks lead to is written, and waited for;
 *   3 META_NODE and META_TABLE blocks are written (bitmaps, indirect blocks, inodes); flush;
 *   4 META_DIR blocks are written; flush. ops->names_patch() has made of each a version in which
 *     nothing that moved is missing; where there was such, ops->names_settle() makes the final
 *     version, which is written, too;
 *   5 ops->names_written(): links that are gone are taken off their inodes (META_TABLE blocks),
 *     which are written; flush;
 *   6 ops->done(): what the round freed may be used again.
 *
 * So a name on the disk leads to an inode on the disk, an inode to blocks that are its own and hold
 * its data, and none of those is reused before the disk has forgotten who led to it. META_TABLE
 * blocks change only in freeze() and names_written(), so they are written without a copy.
 *
 * A round that could not be written is not lost: its blocks join the open round. ops->error() says
 * what to do about it.
 *
 * Another implementation of the same calls may be a journal.
 *
 * Locking: `commit_lock` (RANK_META_COMMIT) over a commit; `gate` (RANK_META): operations hold it
 * for reading, freezing for writing. `lock` over the tree of dirty blocks. Inside an operation
 * nobody waits for a commit, for pages of files, or begins another one.
 */
#pragma once

#include "core/spinlock.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "sched/mutex.h"
#include "sched/rwlock.h"
#include "sched/wait.h"

struct block_device;
struct mapping;
struct meta;
struct page;

enum meta_kind {
	META_NODE,  /* bitmaps, indirect blocks, attributes: copied when the round is frozen */
	META_TABLE, /* inodes, descriptors, super block: change in freeze() only */
	META_DIR,   /* names: written behind all others */
	META_KINDS,
};

/* A dirty block of one round. */
struct meta_block {
	struct rb_node node __guarded_by(lock); /* in the tree of its round */
	uint64_t       block __const_after_init;
	struct page   *page __const_after_init; /* a reference */
	uint8_t       *data __const_after_init; /* in the page */
	uint8_t       *copy; /* what is written instead; NULL: data itself */
	enum meta_kind kind __const_after_init;
	bool           is_due; /* to be written in the present step of the commit */
};

struct meta_ops {
	int (*freeze)(struct meta *meta);
	int (*write_data)(struct meta *meta);
	/* Before META_DIR blocks are written, and after: by meta_frozen(). NULL: nothing. */
	void (*names_patch)(struct meta *meta);
	void (*names_settle)(struct meta *meta);
	/* Changes META_TABLE blocks by meta_modify_table(). True if there were any. */
	bool (*names_written)(struct meta *meta);
	/* err != 0: the round was not written, and is part of the open one again. */
	void (*done)(struct meta *meta, int err);
	void (*error)(struct meta *meta, int err);
};

struct meta {
	struct block_device   *device __const_after_init;
	struct mapping        *mapping __const_after_init; /* of the device */
	uint32_t               block_bits __const_after_init;
	const struct meta_ops *ops __const_after_init;
	void                  *owner __const_after_init;
	struct mutex           commit_lock;
	struct rwlock          gate;
	struct spinlock        lock;
	struct rbtree          dirty __guarded_by(lock); /* of the open round */
	uint32_t               nr_dirty __guarded_by(lock);
	struct rbtree          frozen __guarded_by(commit_lock);
	uint64_t               open_round __guarded_by(gate); /* counts from 1 */
	uint64_t               done_round __guarded_by(commit_lock); /* all up to it rest */
	bool                   is_wanted __guarded_by(gate); /* freeze() has something to put in */
	bool                   is_kicked __atomic;
	bool                   is_stopping __atomic;
	bool                   has_thread __guarded_by(lock);
	struct wait_queue      wait; /* of the thread, and for its end */
};

/* Where a block is; a reference on its page. */
struct meta_view {
	struct page *page;
	uint8_t     *data;
};

/* mapping: of the device, which outlives it. In place. */
void meta_init(struct meta *meta, struct block_device *device, struct mapping *mapping,
               uint32_t block_bits, const struct meta_ops *ops, void *owner);
/*
 * Everything was committed, or is dropped (the device is gone). Ends the thread. Sleeps.
 */
void meta_fini(struct meta *meta);

/* ---- reading ------------------------------------------------------------------------------- */

/* The block, read if need be; its number is checked by the caller. EIO, ENOMEM. Sleeps. */
int __must_check meta_read(struct meta *meta, uint64_t block, struct meta_view *out);
void meta_view_put(struct meta_view *view);
/* Starts reading nr blocks from here, and does not wait. */
void meta_read_ahead(struct meta *meta, uint64_t block, uint64_t nr);

/* ---- changing ------------------------------------------------------------------------------ */

void meta_op_begin(struct meta *meta);
void meta_op_end(struct meta *meta);
/*
 * The block, dirty in the open round: *data may be changed until meta_op_end(). Who changes it has
 * a lock of the file system over its content. A block is of one kind for a round. Inside an
 * operation or freeze(). EIO, ENOMEM. Sleeps.
 */
int __must_check meta_modify(struct meta *meta, uint64_t block, enum meta_kind kind,
                             uint8_t **data);
/* The same for a block that was free: zeroed, not read. */
int __must_check meta_modify_new(struct meta *meta, uint64_t block, enum meta_kind kind,
                                 uint8_t **data);
/* Inside an operation: freeze() will have something to put into blocks. */
void meta_want_freeze(struct meta *meta);
/* Number of the open round. Inside an operation it stays. */
uint64_t meta_round(const struct meta *meta);

/* In names_patch(), names_settle(): the version of a META_DIR block to be written; NULL: none. */
uint8_t *meta_frozen(struct meta *meta, uint64_t block);
/* In names_written(): a block of inodes, to be changed and written before done(). EIO, ENOMEM. */
int __must_check meta_modify_table(struct meta *meta, uint64_t block, uint8_t **data);

/* ---- committing ---------------------------------------------------------------------------- */

/*
 * Everything up to that round rests on the disk when it returns 0. Not inside an operation, nor
 * with a lock that write_data() or done() want. First error. Sleeps.
 */
int meta_commit(struct meta *meta, uint64_t round);
/* The same for all that has been changed until now; false: there was nothing (nor a flush). */
bool meta_commit_all(struct meta *meta, int *err);
/* Soon, by the thread. Any context. */
void meta_kick(struct meta *meta);

/* True if all of it was written and flushed. */
static inline bool meta_is_done(const struct meta *meta, uint64_t round)
{
	return READ_ONCE(meta->done_round) >= round;
}
