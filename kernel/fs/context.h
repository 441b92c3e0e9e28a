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
	struct spinlock lock; /* RANK_FD_TABLE */
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
