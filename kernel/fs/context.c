/*
 * Root, working directory and umask of tasks. See context.h.
 */
#include "fs/context.h"

#include <linux/errno.h>

#include "mem/alloc.h"
#include "mem/slab.h"

static struct cache context_slab = CACHE("fs_context", struct fs_context);

int fs_context_create(const struct path *root, struct fs_context **out)
{
	struct fs_context *context = cache_alloc(&context_slab, ALLOC_KERNEL);

	if (!context)
		return -ENOMEM;
	refcount_init(&context->refs, 1);
	context->nr_visitors = 0;
	context->nr_execs = 0;
	spin_lock_init(&context->lock, RANK_LEAF);
	context->seq = SEQCOUNT;
	context->umask = 022;
	context->root = *root;
	context->cwd = *root;
	path_get(&context->root);
	path_get(&context->cwd);
	*out = context;
	return 0;
}

int fs_context_copy(struct fs_context *old, struct fs_context **out)
{
	struct fs_context *context = cache_alloc(&context_slab, ALLOC_KERNEL);

	if (!context)
		return -ENOMEM;
	refcount_init(&context->refs, 1);
	context->nr_visitors = 0;
	context->nr_execs = 0;
	spin_lock_init(&context->lock, RANK_LEAF);
	context->seq = SEQCOUNT;
	spin_lock(&old->lock);
	context->umask = old->umask;
	context->root = old->root;
	context->cwd = old->cwd;
	path_get(&context->root);
	path_get(&context->cwd);
	spin_unlock(&old->lock);
	*out = context;
	return 0;
}

struct fs_context *fs_context_get(struct fs_context *context)
{
	refcount_get(&context->refs);
	return context;
}

struct fs_context *fs_context_visit(struct fs_context *context)
{
	spin_lock(&context->lock);
	context->nr_visitors++;
	refcount_get(&context->refs);
	spin_unlock(&context->lock);
	return context;
}

void fs_context_leave(struct fs_context *context)
{
	spin_lock(&context->lock);
	context->nr_visitors--;
	spin_unlock(&context->lock);
	fs_context_put(context);
}

int fs_context_share(struct fs_context *context)
{
	refcount_get(&context->refs);
	/* Either the new reference is counted by fs_context_exec_begin(), or that is seen here. */
	smp_mb();
	if (likely(!atomic_load_relaxed(&context->nr_execs)))
		return 0;
	fs_context_put(context);
	return -EAGAIN;
}

bool fs_context_exec_begin(struct fs_context *context, uint32_t nr_own)
{
	bool is_own;

	spin_lock(&context->lock);
	atomic_inc(&context->nr_execs);
	smp_mb(); /* pairs with the one in fs_context_share() */
	is_own = refcount_read(&context->refs) - context->nr_visitors <= nr_own;
	spin_unlock(&context->lock);
	return is_own;
}

void fs_context_exec_end(struct fs_context *context)
{
	atomic_dec(&context->nr_execs);
}

void fs_context_put(struct fs_context *context)
{
	if (!refcount_put(&context->refs))
		return;
	path_put(&context->root);
	path_put(&context->cwd);
	cache_free(&context_slab, context);
}

void fs_context_root(struct fs_context *context, struct path *out)
{
	spin_lock(&context->lock);
	*out = context->root;
	path_get(out);
	spin_unlock(&context->lock);
}

void fs_context_cwd(struct fs_context *context, struct path *out)
{
	spin_lock(&context->lock);
	*out = context->cwd;
	path_get(out);
	spin_unlock(&context->lock);
}

void fs_context_both(struct fs_context *context, struct path *root, struct path *cwd)
{
	spin_lock(&context->lock);
	*root = context->root;
	*cwd = context->cwd;
	path_get(root);
	path_get(cwd);
	spin_unlock(&context->lock);
}

/* Puts a reference of its own into the slot; the old one is put without the lock. */
static void slot_set(struct fs_context *context, struct path *slot, const struct path *path)
{
	struct path old, new = *path;

	path_get(&new);
	spin_lock(&context->lock);
	old = *slot;
	seqcount_write_begin(&context->seq);
	*slot = new;
	seqcount_write_end(&context->seq);
	spin_unlock(&context->lock);
	path_put(&old);
}

void fs_context_set_root(struct fs_context *context, const struct path *root)
{
	slot_set(context, &context->root, root);
}

void fs_context_set_cwd(struct fs_context *context, const struct path *cwd)
{
	slot_set(context, &context->cwd, cwd);
}

mode_t fs_context_set_umask(struct fs_context *context, mode_t umask)
{
	mode_t old;

	spin_lock(&context->lock);
	old = context->umask;
	context->umask = umask & 0777;
	spin_unlock(&context->lock);
	return old;
}

void fs_context_replace(struct fs_context *context, const struct path *from, const struct path *to)
{
	struct path *slots[] = { &context->root, &context->cwd };
	unsigned int replaced = 0;

	spin_lock(&context->lock);
	for (size_t i = 0; i < array_size(slots); i++) {
		if (!path_equal(slots[i], from))
			continue;
		seqcount_write_begin(&context->seq);
		*slots[i] = *to;
		seqcount_write_end(&context->seq);
		path_get(slots[i]);
		replaced++;
	}
	spin_unlock(&context->lock);
	while (replaced--) {
		struct path old = *from;

		path_put(&old);
	}
}
