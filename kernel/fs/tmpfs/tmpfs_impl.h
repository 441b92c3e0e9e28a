/*
 * What the files of tmpfs share.
 */
#pragma once

#include "core/spinlock.h"
#include "fs/inode.h"
#include "fs/pagecache.h"
#include "fs/super.h"
#include "fs/tmpfs/tmpfs.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "sched/mutex.h"

/* One name in a directory. */
struct tmpfs_entry {
	struct rb_node by_name;
	struct rb_node by_cookie;
	pos_t          cookie; /* never given to another entry of this directory */
	struct inode  *inode;  /* a reference */
	uint32_t       hash;
	uint32_t       len;
	char           name[];
};

struct tmpfs_xattr {
	struct list link;
	size_t      size;
	void       *value;
	char        name[];
};

struct tmpfs_inode {
	struct inode inode;
	struct list  xattrs __guarded_by(inode.lock);
	size_t       reserved __const_after_init; /* pages promised at once; 0: as they come */
	union {
		struct mapping mapping; /* of a regular file */
		struct {                /* of a directory */
			struct rbtree        by_name __guarded_by(inode.lock);
			struct rbtree        by_cookie __guarded_by(inode.lock);
			pos_t                next_cookie __guarded_by(inode.lock); /* counts down */
			/* for ".."; no reference */
			struct inode        *parent __guarded_by(inode.lock);
		};
		char *target; /* of a symbolic link */
	};
};

/* All memory of a file without a name is promised when it is made, and as long as it lives. */
int tmpfs_reserve(struct tmpfs_inode *tmpfs, pos_t size);
void tmpfs_unreserve(struct tmpfs_inode *tmpfs);

/* The limits of one instance; 0 is no limit. */
struct tmpfs_super {
	struct spinlock lock;
	uint64_t max_blocks __guarded_by(lock);  /* in pages */
	uint64_t used_blocks __guarded_by(lock);
	uint64_t max_inodes __guarded_by(lock);
	uint64_t used_inodes __guarded_by(lock);
	mode_t   mode;
	uid_t    uid;
	gid_t    gid;
	bool     limited; /* ramfs is not: no sizes in statfs */
};

static inline struct tmpfs_inode *to_tmpfs(const struct inode *inode)
{
	return container_of((struct inode *)(uintptr_t)inode, struct tmpfs_inode, inode);
}

static inline struct tmpfs_super *tmpfs_super(const struct superblock *super)
{
	return super->private;
}

extern const struct inode_ops tmpfs_dir_ops, tmpfs_file_inode_ops, tmpfs_link_ops, tmpfs_node_ops;
extern const struct file_ops tmpfs_file_ops, tmpfs_dir_file_ops;
extern const struct mapping_ops tmpfs_mapping_ops;

/* An inode of the kind that `new` says, with its trees or mapping; ENOSPC by nr_inodes, ENOMEM. */
int  tmpfs_inode_create(struct superblock *super, const struct new_inode *new, struct inode **out);

/* tmpfs/dir.c: what evict does with a directory. */
void tmpfs_dir_init(struct tmpfs_inode *dir, struct inode *parent);
void tmpfs_dir_clear(struct tmpfs_inode *dir);

/* tmpfs/xattr.c */
ssize_t tmpfs_xattr_get(struct inode *inode, const char *name, void *value, size_t size);
int     tmpfs_xattr_set(struct inode *inode, const char *name, const void *value, size_t size,
                        int flags);
ssize_t tmpfs_xattr_list(struct inode *inode, char *names, size_t size);

/* Flags of chattr(1), kept in inode->flags; and what an inode made in dir has of them. */
uint32_t tmpfs_flags_get(const struct inode *inode);
int      tmpfs_flags_set(struct inode *inode, uint32_t fs_flags);
void     tmpfs_flags_inherit(const struct inode *dir, struct inode *inode);
void    tmpfs_xattrs_free(struct tmpfs_inode *inode);
