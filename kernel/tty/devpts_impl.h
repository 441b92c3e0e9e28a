/*
 * Inside devpts: an instance.
 */
#pragma once

#include "core/spinlock.h"
#include "fs/super.h"
#include "lib/bitmap.h"
#include "lib/types.h"
#include "tty/devpts.h"

struct inode;
struct new_inode;
struct super_ops;

enum { INO_ROOT = 1, INO_PTMX = 2, INO_FIRST = 3, NAME_SIZE = 12, PTMX_MINOR = 2 };

struct devpts {
	struct superblock *super __const_after_init; /* each slot has a reference */
	struct inode      *ptmx __const_after_init;  /* a reference, until the root goes */
	uid_t              uid __guarded_by(lock);
	gid_t              gid __guarded_by(lock);
	bool               has_uid, has_gid __guarded_by(lock);
	mode_t             mode, ptmx_mode __guarded_by(lock);
	uint32_t           max __guarded_by(lock);
	struct spinlock    lock;
	uint64_t           used[bitmap_words(DEVPTS_MAX)] __guarded_by(lock);
	struct inode      *nodes[DEVPTS_MAX] __guarded_by(lock); /* references; private: the pty */
};

static inline struct devpts *devpts_of(const struct superblock *super)
{
	return super->private;
}

extern const struct super_ops devpts_super_ops;

/* A directory (INO_ROOT), ptmx or slave node. ENOMEM. */
__must_check int devpts_node_create(struct superblock *super, ino_t ino,
                                    const struct new_inode *new, struct inode **out);
