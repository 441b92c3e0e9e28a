/*
 * What is done to places by name: open, create, remove, rename. The syscall and init floors, procfs
 * and the socket core call these; they check permissions, mount flags and types, take the locks in
 * their order and call the file system's operations.
 *
 * Every function takes kernel strings and a struct walk_from (fs/path.h), may sleep, and returns
 * the errno of the manual page it is named after.
 */
#pragma once

#include "fs/path.h"
#include "lib/types.h"

struct cred;
struct file;
struct inode;
struct new_inode;

/* What access is wanted of an inode. */
enum {
	MAY_EXEC   = 1 << 0,
	MAY_WRITE  = 1 << 1,
	MAY_READ   = 1 << 2,
	MAY_APPEND = 1 << 3,
	MAY_OPEN   = 1 << 4,
};

/*
 * /proc/sys/fs/protected_symlinks and protected_hardlinks, 0 or 1: links that others laid into
 * directories like /tmp are not followed, and files of others not linked to. Both are 1 in
 * Debian's kernel, and so here; see proc_sys_fs(5).
 */
extern int protected_symlinks __atomic;
extern int protected_hardlinks __atomic;
/*
 * /proc/sys/fs/protected_fifos and protected_regular, 0 to 2: open(2) with O_CREAT in a directory
 * like /tmp finds no FIFO or file of others. Both start as 0.
 */
extern int protected_fifos __atomic;
extern int protected_regular __atomic;

/* A link found as the last component of a path in this directory may be followed. EACCES. */
int __must_check link_follow_check(const struct inode *dir, const struct inode *link,
                                   const struct cred *cred);
/* O_CREAT has found this in a directory of that mode and owner. EACCES. */
int __must_check create_found_check(const struct inode *found, mode_t dir_mode, uid_t dir_uid,
                                    const struct cred *cred);
/* EPERM: a new name for this file may not be made. */
int __must_check link_source_check(struct inode *inode, const struct cred *cred);

/* open(2), openat2(2). flags: O_* of user space, checked; resolve: LOOKUP_NO_SYMLINKS ... */
struct open_request {
	unsigned int flags;
	mode_t       mode;    /* permission bits of a new file, umask not yet applied */
	unsigned int resolve; /* LOOKUP_* above bit 7 */
};
int __must_check file_open(const struct walk_from *from, const char *name,
                           const struct open_request *request, struct file **out);
/* Open a place that has been walked to: no creation, permissions checked for `cred`. */
int __must_check file_open_path(const struct path *path, const struct cred *cred,
                                unsigned int flags, struct file **out);
/* For the kernel itself: exec, init. O_RDONLY on a regular file with MAY_EXEC checked. */
int __must_check file_open_exec(const struct walk_from *from, const char *name,
                                unsigned int lookup_flags, struct file **out);

/* mknod(2), mkdir(2), symlink(2). made (may be NULL) gets the new place. */
int __must_check path_mknod(const struct walk_from *from, const char *name, mode_t mode, dev_t dev,
                            struct path *made);
int __must_check path_mkdir(const struct walk_from *from, const char *name, mode_t mode);
int __must_check path_symlink(const struct walk_from *from, const char *name, const char *target);
int __must_check path_link(const struct path *old, const struct walk_from *from, const char *name);
int __must_check path_unlink(const struct walk_from *from, const char *name);
int __must_check path_rmdir(const struct walk_from *from, const char *name);
/* flags: RENAME_NOREPLACE, RENAME_EXCHANGE. */
int __must_check path_rename(const struct walk_from *from, const char *old_name,
                             const struct walk_from *to, const char *new_name, unsigned int flags);
/* readlink(2): bytes put into buf, not terminated. */
ssize_t path_readlink(const struct path *path, const struct walk_from *from, char *buf,
                      size_t size);

/* Are the accesses in mask (MAY_*) allowed? Does not sleep. Without the mount's flags. */
int __must_check inode_permission(struct inode *inode, const struct cred *cred, unsigned int mask);
/* The same by mode bits and capabilities alone: the default of inode_ops.permission. */
int __must_check inode_check_mode(struct inode *inode, const struct cred *cred, unsigned int mask);
/*
 * With the mount's: EROFS for writing to read-only mounts, EACCES for MAY_EXEC of files on noexec
 * ones.
 */
int __must_check path_permission(const struct path *path, const struct cred *cred,
                                 unsigned int mask);
/* Owner or CAP_FOWNER. */
bool inode_is_owner(const struct inode *inode, const struct cred *cred);
/* Mode and ids of what `cred` makes in dir: umask, setgid directories. */
void inode_seed(const struct inode *dir, const struct walk_from *from, mode_t mode,
                struct new_inode *out);
