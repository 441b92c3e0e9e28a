/*
 * Blocks of metadata: reading, changing, operations. See meta.h; rounds are in meta_commit.c.
 *
 * A page of the device's cache that holds dirty blocks of ours has PAGE_PRIVATE, and their number
 * in private_value, both changed under the page lock.
 */
#include "fs/meta.h"

#include <linux/errno.h>

#include "core/panic.h"
#include "dev/block.h"
#include "fs/disk_mapping.h"
#include "fs/meta_impl.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/slab.h"
#include "sched/page_lock.h"

enum { DIRTY_MANY = 2048 };

static struct cache block_slab = CACHE("meta_block", struct meta_block);

void meta_init(struct meta *meta, struct block_device *device, struct mapping *mapping,
               uint32_t block_bits, const struct meta_ops *ops, void *owner)
{
	*meta = (struct meta){
		.device = device,
		.mapping = mapping,
		.block_bits = block_bits,
		.ops = ops,
		.owner = owner,
		.open_round = 1,
	};
	mutex_init(&meta->commit_lock, RANK_META_COMMIT);
	rwlock_init(&meta->gate, RANK_META);
	spin_lock_init(&meta->lock, RANK_INODE_CACHE);
	rbtree_init(&meta->dirty, NULL);
	rbtree_init(&meta->frozen, NULL);
	wait_queue_init(&meta->wait);
}

static pgoff_t page_index(const struct meta *meta, uint64_t block)
{
	return block >> (PAGE_SHIFT - meta->block_bits);
}

static uint8_t *data_in_page(const struct meta *meta, uint64_t block, struct page *page)
{
	uint64_t at = block << meta->block_bits & (PAGE_SIZE - 1);

	return (uint8_t *)page_to_virt(page) + at;
}

/* ---- reading ------------------------------------------------------------------------------- */

int meta_read(struct meta *meta, uint64_t block, struct meta_view *out)
{
	int err = disk_page_get(meta->mapping, page_index(meta, block), &out->page);

	if (!err)
		out->data = data_in_page(meta, block, out->page);
	return err;
}

void meta_view_put(struct meta_view *view)
{
	page_put(view->page);
}

void meta_read_ahead(struct meta *meta, uint64_t block, uint64_t nr)
{
	pgoff_t first = page_index(meta, block), last = page_index(meta, block + nr - 1);

	disk_mapping_read_ahead(meta->mapping, first, last - first + 1);
}

/* ---- the tree of dirty blocks -------------------------------------------------------------- */

struct meta_block *meta_tree_find(const struct rbtree *tree, uint64_t number)
{
	struct rb_node *node = tree->root;

	while (node) {
		struct meta_block *block = rb_entry(node, struct meta_block, node);

		if (block->block == number)
			return block;
		node = number < block->block ? node->left : node->right;
	}
	return NULL;
}

/* Unless somebody was faster: then that one. */
static struct meta_block *tree_insert(struct rbtree *tree, struct meta_block *fresh)
{
	struct rb_node *parent = NULL, **link = &tree->root;

	while (*link) {
		struct meta_block *block = rb_entry(*link, struct meta_block, node);

		if (block->block == fresh->block)
			return block;
		parent = *link;
		link = fresh->block < block->block ? &parent->left : &parent->right;
	}
	rbtree_insert_at(tree, &fresh->node, parent, link);
	return fresh;
}

static void page_claim(struct meta *meta, struct page *page)
{
	page_lock(page);
	page_wait(page, PAGE_WRITEBACK);
	if (!page_is(page, PAGE_PRIVATE)) {
		disk_page_clean(meta->mapping, page);
		page->private_value = 0;
		page_set(page, PAGE_PRIVATE);
	}
	page->private_value++;
	page_unlock(page);
}

static void page_let_go(struct page *page)
{
	page_lock(page);
	debug_assert(page_is(page, PAGE_PRIVATE) && page->private_value);
	if (--page->private_value == 0)
		page_clear(page, PAGE_PRIVATE);
	page_unlock(page);
}

static int page_get_new(struct meta *meta, uint64_t block, struct page **out)
{
	int err;

	if (meta->block_bits < PAGE_SHIFT)
		return disk_page_get(meta->mapping, page_index(meta, block), out);
	err = disk_page_grab(meta->mapping, page_index(meta, block), out);
	if (err)
		return err;
	disk_page_set_uptodate(*out);
	page_unlock(*out);
	return 0;
}

static int block_create(struct meta *meta, uint64_t number, enum meta_kind kind, bool is_new,
                        struct meta_block **out)
{
	struct meta_block *block = cache_zalloc(&block_slab, ALLOC_KERNEL);
	int err;

	if (!block)
		return -ENOMEM;
	err = is_new ? page_get_new(meta, number, &block->page)
	             : disk_page_get(meta->mapping, page_index(meta, number), &block->page);
	if (err) {
		cache_free(&block_slab, block);
		return err;
	}
	block->block = number;
	block->kind = kind;
	block->data = data_in_page(meta, number, block->page);
	page_claim(meta, block->page);
	*out = block;
	return 0;
}

static void block_free(struct meta_block *block)
{
	page_let_go(block->page);
	page_put(block->page);
	cache_free(&block_slab, block);
}

void meta_copy_free(struct meta *meta, struct meta_block *block)
{
	kfree(block->copy);
	block->copy = NULL;
}

void meta_block_destroy(struct meta *meta, struct rbtree *tree, struct meta_block *block)
{
	spin_lock(&meta->lock);
	rbtree_remove(tree, &block->node);
	spin_unlock(&meta->lock);
	meta_copy_free(meta, block);
	block_free(block);
}

int meta_tree_get(struct meta *meta, struct rbtree *tree, uint64_t number, enum meta_kind kind,
                  bool is_new, struct meta_block **out)
{
	struct meta_block *block, *there;
	int err;

	spin_lock(&meta->lock);
	block = meta_tree_find(tree, number);
	spin_unlock(&meta->lock);
	if (!block) {
		err = block_create(meta, number, kind, is_new, &block);
		if (err)
			return err;
		spin_lock(&meta->lock);
		there = tree_insert(tree, block);
		if (there == block && tree == &meta->dirty)
			meta->nr_dirty++;
		spin_unlock(&meta->lock);
		if (there != block) {
			block_free(block);
			block = there;
		}
	}
	debug_assert(block->kind == kind);
	*out = block;
	return 0;
}

/* ---- operations ---------------------------------------------------------------------------- */

void meta_op_begin(struct meta *meta)
{
	rwlock_read_lock(&meta->gate);
}

void meta_op_end(struct meta *meta)
{
	bool is_much = meta->nr_dirty > DIRTY_MANY;

	rwlock_read_unlock(&meta->gate);
	if (unlikely(is_much))
		meta_kick(meta);
}

uint64_t meta_round(const struct meta *meta)
{
	return READ_ONCE(meta->open_round);
}

void meta_want_freeze(struct meta *meta)
{
	if (!READ_ONCE(meta->is_wanted)) {
		WRITE_ONCE(meta->is_wanted, true);
		meta_thread_want(meta);
	}
}

int meta_modify(struct meta *meta, uint64_t number, enum meta_kind kind, uint8_t **data)
{
	struct meta_block *block;
	int err = meta_tree_get(meta, &meta->dirty, number, kind, false, &block);

	if (err)
		return err;
	meta_want_freeze(meta);
	*data = block->data;
	return 0;
}

int meta_modify_new(struct meta *meta, uint64_t number, enum meta_kind kind, uint8_t **data)
{
	struct meta_block *block;
	int err = meta_tree_get(meta, &meta->dirty, number, kind, true, &block);

	if (err)
		return err;
	meta_want_freeze(meta);
	memset(block->data, 0, 1ul << meta->block_bits);
	*data = block->data;
	return 0;
}
