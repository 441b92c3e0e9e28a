/*
 * Telling watchers what happens to files and directories: the hooks of inotify(7) in this room.
 *
 * Whoever changes, opens or reads something says so, after it has been done: notify_file() and
 * notify_dentry() for what happens to an inode under a name, which its own watches get, and those
 * of its directory with the name; notify_entry() for what happens to a directory's entries. While
 * nobody watches anything that is one test. Events are the IN_* of <linux/inotify.h>; IN_ISDIR is
 * added here.
 *
 * None of them sleeps. All may be called under the locks of directories and files, not under those
 * of dentries; the caller holds a reference on what it tells about.
 */
#pragma once

#include <linux/inotify.h>

#include "fs/file.h"
#include "lib/atomic.h"

struct component;
struct dentry;
struct inode;
struct superblock;

/* How many watches there are. */
extern uint32_t notify_watches __atomic;

void notify_dentry_watchers(struct dentry *dentry, uint32_t event);
void notify_entry_watchers(struct inode *dir, const struct component *name,
			   const struct inode *inode, uint32_t event, uint32_t cookie);
void notify_inode_watchers(struct inode *inode, uint32_t event);
void notify_gone_watchers(struct inode *inode);
void notify_super_watchers(struct superblock *super);

static inline bool notify_is_wanted(void)
{
	return unlikely(READ_ONCE(notify_watches));
}

static inline void notify_dentry(struct dentry *dentry, uint32_t event)
{
	if (notify_is_wanted())
		notify_dentry_watchers(dentry, event);
}

static inline void notify_file(const struct file *file, uint32_t event)
{
	if (notify_is_wanted() && !(file->mode & FILE_PATH))
		notify_dentry_watchers(file->path.dentry, event);
}

/* An entry of `dir`; `inode` is what it names. */
static inline void notify_entry(struct inode *dir, const struct component *name,
				const struct inode *inode, uint32_t event)
{
	if (notify_is_wanted())
		notify_entry_watchers(dir, name, inode, event, 0);
}

/* The inode alone, whatever its names. */
static inline void notify_inode(struct inode *inode, uint32_t event)
{
	if (notify_is_wanted())
		notify_inode_watchers(inode, event);
}

/* An inode without links loses its last dentry: IN_DELETE_SELF, and nobody watches it any more. */
static inline void notify_gone(struct inode *inode)
{
	if (notify_is_wanted())
		notify_gone_watchers(inode);
}

/* A rename has been done: from_name of from_dir has become to_name of to_dir. */
struct notify_move {
	struct inode           *from_dir, *to_dir;
	const struct component *from_name, *to_name;
	struct inode           *inode;
	struct inode           *replaced; /* what had the new name; NULL: nothing */
};
void notify_move(const struct notify_move *move);

/* What the change of these attributes (ATTR_*) is for watchers; 0: nothing. */
uint32_t notify_event_of_change(unsigned int valid);

/* The super block ends: IN_UNMOUNT, and its inodes are let go of. May sleep. */
static inline void notify_super(struct superblock *super)
{
	if (notify_is_wanted())
		notify_super_watchers(super);
}
