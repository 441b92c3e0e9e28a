/*
 * Rounds of metadata: freezing, writing in order, and the thread that does so every 5 s. See
 * meta.h.
 */
#include <linux/errno.h>

#include "core/panic.h"
#include "core/printk.h"
#include "dev/block.h"
#include "fs/disk_mapping.h"
#include "fs/meta.h"
#include "fs/meta_impl.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "sched/clock.h"
#include "sched/thread.h"

enum { BATCH_SEGMENTS = 32 };

static const ns_t period_ns = 5 * NS_PER_SEC;

/* ---- writing ------------------------------------------------------------------------------- */

/* Bios on their way; the last one done wakes the commit. */
struct batch {
	uint32_t          pending __atomic; /* bios, and one of the submitter */
	int               error __atomic;
	struct completion done;
};

static void batch_put(struct batch *batch)
{
	if (atomic_sub_return(&batch->pending, 1) == 0)
		complete(&batch->done);
}

static void bio_done(struct bio *bio)
{
	struct batch *batch = bio->private;

	if (bio->error)
		atomic_store(&batch->error, bio->error);
	bio_free(bio);
	batch_put(batch);
}

static void bio_send(struct batch *batch, struct bio *bio)
{
	bio->done = bio_done;
	bio->private = batch;
	bio->flags |= BIO_SYNC;
	atomic_inc(&batch->pending);
	bio_submit(bio);
}

static bool bio_add_block(struct meta *meta, struct bio *bio, const struct meta_block *block)
{
	uint8_t *from = block->copy ? block->copy : block->data;
	uintptr_t offset = (uintptr_t)from & (PAGE_SIZE - 1);

	return bio_add_page(bio, virt_to_page(from - offset), (uint32_t)offset,
	                    1u << meta->block_bits);
}

/* The next block due to be written, from this one on. */
static struct meta_block *next_due(struct meta_block *block)
{
	while (block && !block->is_due)
		block = rb_entry_or_null(rb_next(&block->node), struct meta_block, node);
	return block;
}

static struct meta_block *block_after(struct meta_block *block)
{
	return rb_entry_or_null(rb_next(&block->node), struct meta_block, node);
}

/* One bio of blocks that follow each other; the first block that did not fit. */
static struct meta_block *send_run(struct meta *meta, struct batch *batch,
                                   struct meta_block *block)
{
	struct bio *bio = bio_alloc(BATCH_SEGMENTS, ALLOC_KERNEL);
	uint64_t expected = block->block;

	if (!bio) {
		atomic_store(&batch->error, -ENOMEM);
		return NULL;
	}
	bio_target(bio, meta->device, BLOCK_WRITE,
	           block->block << (meta->block_bits - SECTOR_SHIFT));
	while (block && block->is_due && block->block == expected) {
		if (!bio_add_block(meta, bio, block))
			break;
		block->is_due = false;
		expected++;
		block = block_after(block);
	}
	bio_send(batch, bio);
	return next_due(block);
}

static int write_due(struct meta *meta)
{
	struct batch batch = { .pending = 1 };
	struct block_plug plug;
	struct meta_block *block;

	completion_init(&batch.done);
	block = next_due(rb_entry_or_null(rbtree_first(&meta->frozen), struct meta_block, node));
	block_plug_begin(&plug);
	while (block)
		block = send_run(meta, &batch, block);
	block_plug_end(&plug);
	batch_put(&batch);
	completion_wait(&batch.done);
	return batch.error;
}

static bool mark_due(struct meta *meta, bool dirs)
{
	struct meta_block *block;
	bool any = false;

	rbtree_for_each_entry(block, &meta->frozen, node) {
		block->is_due = (block->kind == META_DIR) == dirs;
		any |= block->is_due;
	}
	return any;
}

uint8_t *meta_frozen(struct meta *meta, uint64_t number)
{
	struct meta_block *block = meta_tree_find(&meta->frozen, number);

	if (!block)
		return NULL;
	block->is_due = true;
	return block->copy ? block->copy : block->data;
}

int meta_modify_table(struct meta *meta, uint64_t number, uint8_t **data)
{
	struct meta_block *block;
	int err = meta_tree_get(meta, &meta->frozen, number, META_TABLE, false, &block);

	if (err)
		return err;
	block->is_due = true;
	*data = block->data;
	return 0;
}

static int write_names(struct meta *meta)
{
	int err;

	if (!mark_due(meta, true))
		return 0;
	if (meta->ops->names_patch)
		meta->ops->names_patch(meta);
	err = write_due(meta);
	if (!err)
		err = block_flush(meta->device);
	if (err || !meta->ops->names_settle)
		return err;
	meta->ops->names_settle(meta);
	return write_due(meta);
}

static int write_round(struct meta *meta)
{
	int err = meta->ops->write_data(meta);

	if (!err && mark_due(meta, false))
		err = write_due(meta);
	if (!err)
		err = block_flush(meta->device);
	if (!err)
		err = write_names(meta);
	if (!err && meta->ops->names_written(meta)) {
		err = write_due(meta);
		if (!err)
			err = block_flush(meta->device);
	}
	return err;
}

/* ---- freezing ------------------------------------------------------------------------------ */

/* With the gate closed: what operations will change goes on in the page, the copy is written. */
static int copy_blocks(struct meta *meta)
{
	const size_t size = 1ul << meta->block_bits;
	struct meta_block *block;

	rbtree_for_each_entry(block, &meta->dirty, node) {
		if (block->kind == META_TABLE)
			continue;
		block->copy = kmalloc(size, ALLOC_KERNEL);
		if (!block->copy)
			return -ENOMEM;
		memcpy(block->copy, block->data, size);
	}
	return 0;
}

static void copies_free(struct meta *meta)
{
	struct meta_block *block;

	rbtree_for_each_entry(block, &meta->dirty, node)
		meta_copy_free(meta, block);
}

static void round_begin(struct meta *meta)
{
	spin_lock(&meta->lock);
	meta->frozen = meta->dirty;
	meta->dirty.root = NULL;
	meta->nr_dirty = 0;
	spin_unlock(&meta->lock);
	meta->is_wanted = false;
	WRITE_ONCE(meta->open_round, meta->open_round + 1);
}

/* What was not written is dirty in the open round again, as it is now. */
static void blocks_give_back(struct meta *meta)
{
	struct rb_node *node;

	while ((node = rbtree_first(&meta->frozen))) {
		struct meta_block *block = rb_entry(node, struct meta_block, node), *open;

		if (meta_tree_get(meta, &meta->dirty, block->block, block->kind, false, &open))
			pr_err("meta: block %lu is lost\n", block->block);
		meta_block_destroy(meta, &meta->frozen, block);
	}
	meta_want_freeze(meta);
}

static void blocks_forget(struct meta *meta)
{
	struct rb_node *node;

	while ((node = rbtree_first(&meta->frozen)))
		meta_block_destroy(meta, &meta->frozen, rb_entry(node, struct meta_block, node));
}

/* Closes the gate for a moment; what was open is frozen afterwards. */
static int round_freeze(struct meta *meta)
{
	int err;

	rwlock_write_lock(&meta->gate);
	err = copy_blocks(meta);
	if (!err)
		err = meta->ops->freeze(meta);
	if (err)
		copies_free(meta);
	else
		round_begin(meta);
	rwlock_write_unlock(&meta->gate);
	return err;
}

static int commit_locked(struct meta *meta)
{
	int err = round_freeze(meta);

	if (err) {
		meta->ops->error(meta, err);
		return err;
	}
	err = write_round(meta);
	if (err) {
		meta_op_begin(meta);
		blocks_give_back(meta);
		meta_op_end(meta);
	} else {
		blocks_forget(meta);
		WRITE_ONCE(meta->done_round, meta->open_round - 1);
	}
	meta->ops->done(meta, err);
	if (err)
		meta->ops->error(meta, err);
	return err;
}

int meta_commit(struct meta *meta, uint64_t round)
{
	int err = 0;

	mutex_lock(&meta->commit_lock);
	/* What failed is in the round that is open now. */
	if (round > meta->done_round)
		err = commit_locked(meta);
	mutex_unlock(&meta->commit_lock);
	return err;
}

bool meta_commit_all(struct meta *meta, int *err)
{
	bool any;

	*err = 0;
	mutex_lock(&meta->commit_lock);
	any = READ_ONCE(meta->is_wanted);
	if (any)
		*err = commit_locked(meta);
	mutex_unlock(&meta->commit_lock);
	return any;
}

/* ---- the thread ---------------------------------------------------------------------------- */

void meta_kick(struct meta *meta)
{
	atomic_store(&meta->is_kicked, true);
	wake_up_all(&meta->wait);
}

static bool is_called(struct meta *meta)
{
	return atomic_load(&meta->is_kicked) || atomic_load(&meta->is_stopping);
}

static void meta_thread(void *arg)
{
	struct meta *meta = arg;
	int err;

	for (;;) {
		wait_event(&meta->wait, READ_ONCE(meta->is_wanted) || is_called(meta));
		if (atomic_load(&meta->is_stopping))
			break;
		(void)wait_event_until(&meta->wait, is_called(meta), clock_monotonic() + period_ns);
		if (atomic_load(&meta->is_stopping))
			break;
		atomic_store(&meta->is_kicked, false);
		(void)meta_commit_all(meta, &err);
	}
	spin_lock(&meta->lock);
	meta->has_thread = false;
	wake_up_all(&meta->wait);
	spin_unlock(&meta->lock);
}

void meta_thread_want(struct meta *meta)
{
	struct thread *thread;
	bool is_first;

	spin_lock(&meta->lock);
	is_first = !meta->has_thread && !meta->is_stopping;
	if (is_first)
		meta->has_thread = true;
	spin_unlock(&meta->lock);
	if (is_first && kthread_create("meta", meta_thread, meta, &thread) == 0) {
		thread_start(thread);
		return;
	}
	if (is_first) {
		spin_lock(&meta->lock);
		meta->has_thread = false;
		spin_unlock(&meta->lock);
	}
	wake_up_all(&meta->wait);
}

static bool has_ended(struct meta *meta)
{
	bool ended;

	spin_lock(&meta->lock);
	ended = !meta->has_thread;
	spin_unlock(&meta->lock);
	return ended;
}

void meta_fini(struct meta *meta)
{
	struct rb_node *node;

	atomic_store(&meta->is_stopping, true);
	wake_up_all(&meta->wait);
	wait_event(&meta->wait, has_ended(meta));
	while ((node = rbtree_first(&meta->dirty)))
		meta_block_destroy(meta, &meta->dirty, rb_entry(node, struct meta_block, node));
}
