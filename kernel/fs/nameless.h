/*
 * File systems of nameless inodes: pipes and sockets. Each kind has one, never mounted by users, so
 * that every pipe and socket has an inode number, a type and times of its own.
 *
 *	static struct nameless_fs pipefs = NAMELESS_FS("pipefs", PIPEFS_MAGIC);
 *	nameless_register(&pipefs);                                   at start
 *	nameless_create(&pipefs, &new_inode, ops, &path);             "pipe:[INO]"
 */
#pragma once

#include "fs/path.h"
#include "fs/super.h"
#include "lib/types.h"

struct file_ops;
struct mount;
struct new_inode;

struct nameless_fs {
	struct fs_type type __const_after_init;
	const char    *prefix __const_after_init; /* of the names that /proc/PID/fd shows */
	uint32_t       magic __const_after_init;
	struct mount  *mount __const_after_init;
};

int nameless_mount(const struct fs_type *type, const struct mount_request *request,
                   struct superblock **out);

#define NAMELESS_FS(fs_name, fs_prefix, fs_magic)                                              \
	{ .type = { .name = (fs_name), .flags = FS_HIDDEN, .mount = nameless_mount },          \
	  .prefix = (fs_prefix), .magic = (fs_magic) }

/* Once, after the mount tables exist. Panics without memory. */
void nameless_register(struct nameless_fs *fs);

/*
 * A fresh inode with these file operations and a place for it; path_put() is due. ENOMEM. May
 * sleep.
 */
int __must_check nameless_create(struct nameless_fs *fs, const struct new_inode *new,
                                 const struct file_ops *ops, struct path *out);
