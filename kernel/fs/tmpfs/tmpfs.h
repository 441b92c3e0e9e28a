/*
 * tmpfs: files that are nothing but their page cache. Root file system, /tmp, /dev (devfs is an
 * instance), shared anonymous memory, memfd.
 *
 * A directory is a tree of entries by name and one by cookie; cookies are never reused, so that a
 * reader of the directory keeps its place while entries come and go. See README.md.
 */
#pragma once

#include "lib/types.h"

struct cred;
struct file;
struct fs_type;
struct inode;
struct superblock;

extern const struct fs_type tmpfs_type, ramfs_type, rootfs_type;

/* Register the types and make the internal instance. */
int tmpfs_init(void);

/*
 * A file without a name in any tree, size bytes long, shown as "/`name` (deleted)":
 * shared anonymous memory, memfd, SysV segments. flags: TMPFS_*. Pages are charged as they are
 * touched.
 */
enum {
	/* fcntl(F_ADD_SEALS) works; otherwise the file is sealed against seals */
	TMPFS_SEALABLE = 1 << 0,
	TMPFS_NOEXEC   = 1 << 1,
	TMPFS_RESERVED = 1 << 2, /* all of its size is promised at once (vm/commit.h): -ENOMEM */
};
int tmpfs_file_create_anonymous(const char *name, pos_t size, unsigned int flags,
                                const struct cred *cred, struct file **out);

/* fcntl(2) F_ADD_SEALS and F_GET_SEALS. EINVAL: not a file of tmpfs. */
int tmpfs_add_seals(struct file *file, unsigned int seals);
int tmpfs_get_seals(struct file *file);

/* An instance for devfs, with these option words. */
int tmpfs_super_create(const struct fs_type *type, const char *options, unsigned int flags,
                       struct superblock **out);
