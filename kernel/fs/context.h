/*
 * Where a task's paths start: root, working directory, umask. Shared by threads (CLONE_FS),
 * replaced whole by unshare. fs/ never asks who is current: callers hand the context in.
 *
 * Locking: `lock` over the two paths and the umask; a walk copies what it needs with references.
 */
#pragma once

#include "core/seqcount.h"
#include "core/spinlock.h"
#include "fs/path.h"
#include "lib/refcount.h"

struct fs_context {
	struct refcount refs;
	uint32_t        nr_visitors __guarded_by(lock); /* references that start no walks here */
	uint32_t        nr_execs __atomic; /* programs under way that rely on who shares it */
	struct spinlock lock; /* RANK_LEAF */
	struct seqcount seq;  /* of the paths; writers hold lock */
	mode_t          umask __guarded_by(lock);
	struct path     root __guarded_by(lock);
	struct path     cwd __guarded_by(lock);
};

/* A context with umask 022 at this directory. Takes references of its own on the path. */
int  fs_context_create(const struct path *root, struct fs_context **out);
int  fs_context_copy(struct fs_context *old, struct fs_context **out);
struct fs_context *fs_context_get(struct fs_context *context);
void fs_context_put(struct fs_context *context); /* may sleep */

/* A reference of somebody who looks at another task's context: counts as no user of it. */
struct fs_context *fs_context_visit(struct fs_context *context);
void fs_context_leave(struct fs_context *context); /* may sleep */

/* One user more (CLONE_FS). -EAGAIN while a program is executed that counts on who they are. */
int __must_check fs_context_share(struct fs_context *context);

/*
 * execve(2) of a program with rights of its own: false if others than these `nr_own` users share
 * the context, who could lead it astray (LSM_UNSAFE_SHARE). Until the end nobody more can.
 */
bool fs_context_exec_begin(struct fs_context *context, uint32_t nr_own);
void fs_context_exec_end(struct fs_context *context);

/* Copies with references for the caller to put. */
void fs_context_root(struct fs_context *context, struct path *out);
void fs_context_cwd(struct fs_context *context, struct path *out);
/* Both at one moment, as getcwd(2) needs them. */
void fs_context_both(struct fs_context *context, struct path *root, struct path *cwd);

/* Take references of their own. */
void fs_context_set_root(struct fs_context *context, const struct path *root);
void fs_context_set_cwd(struct fs_context *context, const struct path *cwd);
mode_t fs_context_set_umask(struct fs_context *context, mode_t umask); /* the old one */
/* Where the context stands at `from`, let it stand at `to`: pivot_root(2). */
void fs_context_replace(struct fs_context *context, const struct path *from, const struct path *to);
