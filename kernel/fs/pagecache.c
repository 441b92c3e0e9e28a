/*
 * The page cache: index, growth and shrinking, and what address spaces ask of it. See pagecache.h;
 * the file operations on it are in pagecache_io.c.
 *
 * Lookups run under RCU without the lock: a page found in the index is taken by page_try_get() and
 * counts only if the index still has it afterwards, because a page leaves the index before its
 * reference there is put.
 */
#include "fs/pagecache.h"

#include <arch/upcalls.h>

#include "core/gauge.h"
#include "core/panic.h"
#include "fs/pagecache_impl.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "mem/page.h"
#include "mem/slab.h"
#include "sched/rcu.h"

static size_t cached_pages __atomic;

size_t pagecache_pages(void)
{
	return atomic_load_relaxed(&cached_pages);
}

static int64_t pagecache_gauge(void)
{
	return (int64_t)pagecache_pages();
}
GAUGE("page_cache", pagecache_gauge);

/*
 * ---- nodes of the index -------------------------------------------------------------------------
 */

/* Room for the largest node the radix tree uses, and for its way through RCU behind it. */
struct index_node {
	struct rcu_head rcu;
	_Alignas(16) char body[];
};

static struct cache *node_cache __ro_after_init;

static void *node_alloc(void)
{
	/* Under the mapping's spinlock: never sleeps. index_refill() makes room when it fails. */
	struct index_node *node = cache_alloc(node_cache, ALLOC_ATOMIC | ALLOC_NOWARN);

	return node ? node->body : NULL;
}

static void node_free(void *body)
{
	cache_free(node_cache, container_of(body, struct index_node, body));
}

static void node_free_rcu(struct rcu_head *head)
{
	cache_free(node_cache, container_of(head, struct index_node, rcu));
}

static void node_free_deferred(void *body)
{
	struct index_node *node = container_of(body, struct index_node, body);

	rcu_call(&node->rcu, node_free_rcu);
}

static const struct radix_allocator index_allocator = {
	.alloc = node_alloc,
	.free = node_free,
	.free_deferred = node_free_deferred,
};

int index_refill(void)
{
	void *node = cache_alloc(node_cache, ALLOC_KERNEL);

	if (!node)
		return -ENOMEM;
	cache_free(node_cache, node);
	return 0;
}

void pagecache_init(void)
{
	if (cache_create("index_node", sizeof(struct index_node) + radix_node_size, 16,
	                 &node_cache))
		panic("no memory for the page cache");
}

/* ---- pages in and out ---------------------------------------------------------------------- */

struct page *mapping_find(struct mapping *mapping, pgoff_t index)
{
	struct page *page;

	rcu_read_lock();
	for (;;) {
		page = radix_lookup(&mapping->pages, index);
		if (!page)
			break;
		if (!page_try_get(page))
			continue;
		if (likely(radix_lookup(&mapping->pages, index) == page))
			break;
		page_put(page);
	}
	rcu_read_unlock();
	return page;
}

static bool is_past_end(const struct mapping *mapping, pgoff_t index)
{
	uint64_t size = (uint64_t)READ_ONCE(mapping->host->size);

	return index >= (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/*
 * A truncation sets the size first and then takes the lock to remove pages: what is seen to lie
 * within the size here is found there.
 */
static int index_insert(struct mapping *mapping, pgoff_t index, struct page *page, bool within_size)
{
	int err = 0;

	spin_lock(&mapping->lock);
	if (within_size && unlikely(is_past_end(mapping, index)))
		err = -EFAULT;
	if (!err)
		err = radix_insert(&mapping->pages, index, page);
	if (!err) {
		page->owner = &mapping->backing;
		page->index = index;
		page_get(page);
		page_set(page, PAGE_CACHED | PAGE_UPTODATE | PAGE_UNEVICTABLE);
		mapping->nr_pages++;
	}
	spin_unlock(&mapping->lock);
	return err;
}

static int insert_charged(struct mapping *mapping, pgoff_t index, struct page *page,
			  bool within_size)
{
	int err = mapping->ops->charge ? mapping->ops->charge(mapping, 1) : 0;

	if (err)
		return err;
	while ((err = index_insert(mapping, index, page, within_size)) == -ENOMEM) {
		err = index_refill();
		if (err)
			break;
	}
	if (!err)
		atomic_add(&cached_pages, 1);
	else if (mapping->ops->uncharge)
		mapping->ops->uncharge(mapping, 1);
	return err;
}

int mapping_insert(struct mapping *mapping, pgoff_t index, struct page *page)
{
	return insert_charged(mapping, index, page, false);
}

static int get_page(struct mapping *mapping, pgoff_t index, bool within_size, struct page **out)
{
	struct page *page;
	int err;

	for (;;) {
		*out = mapping_find(mapping, index);
		if (*out)
			return 0;
		page = page_alloc(ALLOC_USER | ALLOC_ZERO);
		if (!page)
			return -ENOMEM;
		err = mapping->ops->read_page ? mapping->ops->read_page(mapping, page) : 0;
		if (!err)
			err = insert_charged(mapping, index, page, within_size);
		if (!err) {
			*out = page;
			return 0;
		}
		page_put(page);
		if (err != -EEXIST)
			return err;
	}
}

int mapping_get_page(struct mapping *mapping, pgoff_t index, struct page **out)
{
	return get_page(mapping, index, false, out);
}

enum { REMOVE_BATCH = 32 };

/* Takes up to a batch of pages out of the index; where to go on, or 0 if there are no more. */
static pgoff_t remove_batch(struct mapping *mapping, pgoff_t first, pgoff_t last, size_t *removed)
{
	void *pages[REMOVE_BATCH];
	pgoff_t next = 0;
	size_t nr;

	spin_lock(&mapping->lock);
	nr = radix_gather(&mapping->pages, first, last, pages, REMOVE_BATCH);
	for (size_t i = 0; i < nr; i++) {
		struct page *page = pages[i];

		next = page->index + 1;
		radix_remove(&mapping->pages, page->index);
		page->owner = NULL;
		page_clear(page, PAGE_CACHED | PAGE_UNEVICTABLE);
	}
	mapping->nr_pages -= nr;
	spin_unlock(&mapping->lock);
	for (size_t i = 0; i < nr; i++)
		page_put(pages[i]);
	*removed += nr;
	return nr == REMOVE_BATCH ? next : 0;
}

/* Pages first .. last leave the cache and every address space. */
static void pages_remove(struct mapping *mapping, pgoff_t first, pgoff_t last, bool even_cow)
{
	size_t removed = 0;
	pgoff_t at = first;

	do {
		at = remove_batch(mapping, at, last, &removed);
		cond_resched();
	} while (at && at <= last);
	if (backing_is_mapped(&mapping->backing))
		backing_unmap_range(&mapping->backing, first, last, even_cow);
	if (!removed)
		return;
	atomic_sub(&cached_pages, removed);
	if (mapping->ops->uncharge)
		mapping->ops->uncharge(mapping, removed);
}

static void page_zero_range(struct mapping *mapping, pgoff_t index, size_t from, size_t to)
{
	struct page *page = mapping_find(mapping, index);

	if (!page)
		return;
	memset((char *)page_to_virt(page) + from, 0, to - from);
	page_put(page);
}

void mapping_truncate(struct mapping *mapping, pos_t size)
{
	pgoff_t first = ((uint64_t)size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	size_t tail = (uint64_t)size & (PAGE_SIZE - 1);

	if (tail)
		page_zero_range(mapping, (uint64_t)size >> PAGE_SHIFT, tail, PAGE_SIZE);
	if (mapping->nr_pages || backing_is_mapped(&mapping->backing))
		pages_remove(mapping, first, UINT64_MAX >> PAGE_SHIFT, true);
}

void mapping_punch(struct mapping *mapping, pos_t from, pos_t to)
{
	pgoff_t first = ((uint64_t)from + PAGE_SIZE - 1) >> PAGE_SHIFT;
	pgoff_t end = (uint64_t)to >> PAGE_SHIFT;
	size_t head = (uint64_t)from & (PAGE_SIZE - 1), tail = (uint64_t)to & (PAGE_SIZE - 1);

	if (first > end) {
		page_zero_range(mapping, end, head, tail);
		return;
	}
	if (head)
		page_zero_range(mapping, first - 1, head, PAGE_SIZE);
	if (tail)
		page_zero_range(mapping, end, 0, tail);
	if (end > first)
		pages_remove(mapping, first, end - 1, false);
}

pos_t mapping_next_data(struct mapping *mapping, pos_t from, pos_t size)
{
	uint64_t index = (uint64_t)from >> PAGE_SHIFT;
	pos_t at;

	rcu_read_lock();
	if (!radix_next(&mapping->pages, &index)) {
		rcu_read_unlock();
		return size;
	}
	rcu_read_unlock();
	at = max(from, (pos_t)(index << PAGE_SHIFT));
	return min(at, size);
}

pos_t mapping_next_hole(struct mapping *mapping, pos_t from, pos_t size)
{
	uint64_t index = (uint64_t)from >> PAGE_SHIFT;
	bool found;

	rcu_read_lock();
	found = radix_next_hole(&mapping->pages, index, &index);
	rcu_read_unlock();
	if (!found || index > (uint64_t)size >> PAGE_SHIFT)
		return size;
	return min(max(from, (pos_t)(index << PAGE_SHIFT)), size);
}

/* ---- what address spaces ask --------------------------------------------------------------- */

static int mapping_fault(struct backing *backing, pgoff_t pgoff, unsigned access, struct page **out)
{
	struct mapping *mapping = to_mapping(backing);
	int err;

	if (is_past_end(mapping, pgoff))
		return -EFAULT;
	/* A truncation that comes now takes the page out again, and its mapping (vm/backing.h). */
	err = get_page(mapping, pgoff, true, out);
	return !err || err == -ENOMEM || err == -EFAULT ? err : -EIO;
}

static unsigned mapping_lookup(struct backing *backing, pgoff_t first, unsigned nr,
                               struct page **pages)
{
	struct mapping *mapping = to_mapping(backing);
	unsigned found = 0;

	for (unsigned i = 0; i < nr; i++) {
		pages[i] = NULL;
		if (!is_past_end(mapping, first + i))
			pages[i] = mapping_find(mapping, first + i);
		found += pages[i] != NULL;
	}
	return found;
}

static void mapping_area_get(struct backing *backing, struct file *file, unsigned vm_flags)
{
	file_get(file);
	if (file->ops->mapped)
		file->ops->mapped(file, true);
}

static void mapping_area_put(struct backing *backing, struct file *file, unsigned vm_flags)
{
	if (file->ops->mapped)
		file->ops->mapped(file, false);
	file_put(file);
}

static int mapping_sync(struct backing *backing, struct file *file, pgoff_t first, pgoff_t last)
{
	pos_t from = (pos_t)(first << PAGE_SHIFT), to = (pos_t)((last + 1) << PAGE_SHIFT) - 1;

	return file->ops->fsync ? file->ops->fsync(file, from, to, true) : 0;
}

static const struct backing_ops mapping_backing_ops = {
	.fault = mapping_fault,
	.lookup = mapping_lookup,
	.area_get = mapping_area_get,
	.area_put = mapping_area_put,
	.sync = mapping_sync,
};

void mapping_init(struct mapping *mapping, struct inode *host, const struct mapping_ops *ops)
{
	backing_init(&mapping->backing, &mapping_backing_ops);
	spin_lock_init(&mapping->lock, RANK_PAGE_INDEX);
	radix_init(&mapping->pages, &index_allocator);
	mapping->nr_pages = 0;
	mapping->host = host;
	mapping->ops = ops;
	mapping->seals = 0;
}

void mapping_fini(struct mapping *mapping)
{
	assert(mapping->nr_pages == 0);
	radix_fini(&mapping->pages);
	backing_fini(&mapping->backing);
}
