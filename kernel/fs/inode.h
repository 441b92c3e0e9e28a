/*
 * The inode: one file, directory, link, device, pipe or socket, whatever its names.
 *
 * A file system embeds struct inode in its own, fills it with inode_init() and gives it to the
 * dentries that name it. Life: a reference is held by each dentry and each open file; when the last
 * goes, the super block's evict() frees the content (nlink tells whether the file is dead) and
 * free_inode() the memory, after an RCU grace period, because path walks read inodes without
 * references.
 *
 * Locking: `lock` is the sleeping lock of the file (RANK_FILE_INODE) or directory
 * (RANK_DIRECTORY_INODE): held for writing over every change of content, size, attributes or
 * entries, for reading over a read that must not see half of one. Attributes are single words, read
 * without it. `short_lock` guards what is changed from everywhere for a moment (times, blocks).
 *
 * Operations get values that are checked already: names exist or do not as they should, permissions
 * are granted, the mount is writable. An operation left NULL has the default written beside it.
 */
#pragma once

#include <linux/stat.h>

#include "core/spinlock.h"
#include "lib/hlist.h"
#include "lib/list.h"
#include "lib/refcount.h"
#include "lib/types.h"
#include "sched/rcu.h"
#include "sched/rwlock.h"

struct cred;
struct dentry;
struct file_ops;
struct inode;
struct kstat;
struct link_target;
struct lock_set;
struct mapping;
struct path;
struct superblock;
struct walk_from;

/* What a new inode shall be: decided by the VFS from mode, umask, cred and the directory. */
struct new_inode {
	mode_t      mode;   /* type and permissions; the type says file, directory, link ... */
	uid_t       uid;
	gid_t       gid;
	dev_t       rdev;   /* S_IFCHR, S_IFBLK */
	const char *target; /* S_IFLNK: the text, NUL-terminated */
};

/* A change of attributes: the fields named in `valid`, checked and complete. */
enum {
	ATTR_MODE  = 1 << 0,
	ATTR_UID   = 1 << 1,
	ATTR_GID   = 1 << 2,
	ATTR_SIZE  = 1 << 3,
	ATTR_ATIME = 1 << 4,
	ATTR_MTIME = 1 << 5,
	ATTR_CTIME = 1 << 6,
};

struct attr_change {
	unsigned int valid; /* ATTR_* */
	mode_t       mode;  /* permission bits only */
	uid_t        uid;
	gid_t        gid;
	pos_t        size;
	ns_t         atime, mtime, ctime;
};

struct inode_ops {
	/*
	 * Find dentry's name in dir: dentry_attach() the inode found, or leave the dentry negative.
	 * 0 in both cases. dir->lock is held for writing.
	 */
	int (*lookup)(struct inode *dir, struct dentry *dentry);
	/*
	 * Make the inode that `new` describes and attach it to the negative dentry. All types. Both
	 * of dir->lock and the negative dentry are the caller's. NULL: EPERM (EACCES for files).
	 */
	int (*create)(struct inode *dir, struct dentry *dentry, const struct new_inode *new);
	int (*link)(struct inode *dir, struct dentry *dentry, struct inode *inode);
	int (*unlink)(struct inode *dir, struct dentry *dentry);
	int (*rmdir)(struct inode *dir, struct dentry *dentry); /* ENOTEMPTY is its to say */
	/*
	 * flags: 0 (to may be positive: it is replaced) or RENAME_EXCHANGE. Both dirs are locked.
	 */
	int (*rename)(struct inode *from_dir, struct dentry *from, struct inode *to_dir,
	              struct dentry *to, unsigned int flags);
	/* O_TMPFILE: an inode with nlink 0. NULL: EOPNOTSUPP. */
	int (*tmpfile)(struct inode *dir, const struct new_inode *new, struct inode **out);

	/* Default: attr_apply(). inode->lock is held for writing. */
	int (*setattr)(struct inode *inode, const struct attr_change *change);
	/* Default: kstat_fill(). No lock. */
	int (*getattr)(struct inode *inode, struct kstat *stat);
	/*
	 * mask of MAY_*; default: inode_check_mode(). May be called inside an RCU section: no
	 * sleep.
	 */
	int (*permission)(struct inode *inode, const struct cred *cred, unsigned int mask);
	/* Where a symbolic link leads; see struct link_target. May sleep. */
	int (*get_link)(struct inode *inode, const struct walk_from *from, struct link_target *out);

	/*
	 * Extended attributes by full name. value NULL removes; size 0 asks for the size. NULL:
	 * EOPNOTSUPP.
	 */
	ssize_t (*xattr_get)(struct inode *inode, const char *name, void *value, size_t size);
	int     (*xattr_set)(struct inode *inode, const char *name, const void *value, size_t size,
	                     int flags);
	ssize_t (*xattr_list)(struct inode *inode, char *names, size_t size);

	/*
	 * FS_*_FL of chattr(1), see fs/inode_flags.h; setting with inode->lock held for writing.
	 * NULL: ENOTTY.
	 */
	uint32_t (*flags_get)(const struct inode *inode);
	int      (*flags_set)(struct inode *inode, uint32_t fs_flags);
};

enum {
	INODE_APPEND    = 1 << 0, /* only appending writes (FS_APPEND_FL) */
	INODE_IMMUTABLE = 1 << 1,
	INODE_NOATIME   = 1 << 2,
	INODE_NO_CMTIME = 1 << 3, /* kernel-internal: times do not change by writing */
	INODE_NODUMP    = 1 << 6, /* dump(8) leaves it out */
	INODE_LINKABLE  = 1 << 5, /* nlink 0, but link(2) may give it a name: O_TMPFILE */
	INODE_DEAD      = 1 << 4, /* a directory that was removed: nothing is created in it */
};

struct inode {
	const struct inode_ops *ops __const_after_init;
	const struct file_ops  *fops __const_after_init; /* of files opened on it */
	struct superblock      *super __const_after_init;
	struct mapping         *mapping __const_after_init; /* its page cache; NULL: none */
	ino_t                   ino __const_after_init;
	mode_t                  mode __guarded_by(lock);
	uid_t                   uid __guarded_by(lock);
	gid_t                   gid __guarded_by(lock);
	uint32_t                nlink __guarded_by(lock);
	dev_t                   rdev __const_after_init;
	uint32_t                flags __guarded_by(lock); /* INODE_* */
	struct refcount         refs;
	/* > 0: open for writing; < 0: executed, not writable */
	int32_t                 writers __atomic;
	pos_t                   size __guarded_by(lock);
	uint64_t                blocks __guarded_by(short_lock); /* of 512 bytes */
	ns_t                    atime __guarded_by(short_lock); /* since the epoch; so all four */
	ns_t                    mtime __guarded_by(short_lock);
	ns_t                    ctime __guarded_by(short_lock);
	ns_t                    btime __const_after_init;
	struct spinlock         short_lock;
	uint32_t                generation __const_after_init;
	struct rwlock           lock;
	void                   *private __guarded_by(lock); /* pipe, socket, device: its owner's */
	/* record locks and flocks; made when first needed */
	struct lock_set        *locks __atomic;
	struct hlist            watches __guarded_by(notify_lock); /* fs/notify.h */
	struct rcu_head         rcu;
};

/*
 * Fill the generic part of a fresh inode of this super block: one reference, nlink 1 (2 for a
 * directory), all times now, an inode number of the super block's counter. The ops are the
 * caller's.
 */
void inode_init(struct inode *inode, struct superblock *super, const struct new_inode *new);

struct inode *inode_get(struct inode *inode);
void inode_put(struct inode *inode); /* may sleep: the last one evicts */

/* Wall clock for time stamps: coarse, as Linux's. */
ns_t inode_now(void);
/* Set the times named by ATTR_ATIME | ATTR_MTIME | ATTR_CTIME to now. Any context that may spin. */
void inode_touch(struct inode *inode, unsigned int which);
/* The same without a word to super_ops.dirty_inode: the caller says it, or nobody needs to. */
void inode_stamp(struct inode *inode, unsigned int which);
void inode_nlink_add(struct inode *inode, int delta);

/* Counting of blocks of 512 bytes. */
void inode_blocks_add(struct inode *inode, int64_t blocks);

/*
 * Text is busy: files open for writing are not executed, executed ones are not opened for
 * writing. ETXTBSY, or 0 and the matching put is due.
 */
int  __must_check inode_write_get(struct inode *inode);
void inode_write_put(struct inode *inode);
int  __must_check inode_deny_write_get(struct inode *inode);
void inode_deny_write_put(struct inode *inode);

/* Number of inodes alive, for leak checks. */
int64_t inode_count(void);

static inline bool inode_is_dir(const struct inode *inode)
{
	return S_ISDIR(inode->mode);
}

/*
 * Give an inode of a device, pipe or socket the operations of its kind: those of a file system that
 * only stores such nodes.
 */
void inode_set_special(struct inode *inode);
/* The pipe's part of that; once, at start-up. */
void inode_register_fifo(const struct file_ops *ops);
