/*
 * Areas and their tree. Every node carries the free gap below it (guard gaps taken off) and the
 * largest gap of its subtree; area_insert, area_remove and area_resize keep both right for the area
 * and for its successor, whose gap they change too.
 */
#include "vm/area.h"

#include <linux/errno.h>

#include "core/panic.h"
#include "lib/math.h"
#include "mem/slab.h"
#include "vm/backing.h"
#include "vm/space_impl.h"

static struct cache area_cache = CACHE("area", struct area);

static struct area *node_area(struct rb_node *node)
{
	return rb_entry_or_null(node, struct area, node);
}

static uint64_t node_max_gap(struct rb_node *node)
{
	return node ? rb_entry(node, struct area, node)->max_gap : 0;
}

/* Recomputes a node's summary; true if it changed. */
static bool area_update(struct rb_node *node)
{
	struct area *area = rb_entry(node, struct area, node);
	uint64_t max_gap = max(node_max_gap(node->left), node_max_gap(node->right));

	max_gap = max(max_gap, area->gap);
	if (max_gap == area->max_gap)
		return false;
	area->max_gap = max_gap;
	return true;
}

void areas_init(struct rbtree *tree)
{
	rbtree_init(tree, area_update);
}

static uint64_t gap_between(const struct area *prev, const struct area *area)
{
	uaddr_t low = prev ? prev->end : 0, high = area_low(area);

	return high > low ? high - low : 0;
}

/* The gaps below area and below its successor have changed. */
static void gaps_refresh(struct area *area)
{
	struct area *next = area_next(area);

	area->gap = gap_between(area_prev(area), area);
	rbtree_refresh(&area->space->areas, &area->node);
	if (next) {
		next->gap = gap_between(area, next);
		rbtree_refresh(&area->space->areas, &next->node);
	}
}

static void backing_file_get(struct area *area)
{
	const struct backing *backing = area->backing;

	if (backing && backing->ops->area_get)
		backing->ops->area_get(area->backing, area->file, area->flags);
}

struct area *area_create(struct space *space, const struct area_params *params)
{
	struct area *area = cache_zalloc(&area_cache, ALLOC_KERNEL);

	if (!area)
		return NULL;
	area->start = params->start;
	area->end = params->end;
	area->flags = params->flags;
	area->pgoff = params->pgoff;
	area->backing = params->backing;
	area->file = params->file;
	area->name = params->name;
	area->space = space;
	backing_file_get(area);
	return area;
}

static void area_free(struct rcu_head *head)
{
	cache_free(&area_cache, container_of(head, struct area, rcu));
}

void area_destroy(struct area *area)
{
	const struct backing *backing = area->backing;

	if (backing && backing->ops->area_put)
		backing->ops->area_put(area->backing, area->file, area->flags);
	rcu_call(&area->rcu, area_free);
}

void areas_destroy(struct area *dead)
{
	while (dead) {
		struct area *next = dead->next_dead;

		area_destroy(dead);
		dead = next;
	}
}

static bool is_writable_shared(const struct area *area)
{
	return (area->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE);
}

static void backing_add_locked(struct area *area)
{
	struct backing *backing = area->backing;

	area->in_mapping.first = area->pgoff;
	area->in_mapping.last = area->pgoff + area_pages(area) - 1;
	interval_insert(&backing->areas, &area->in_mapping);
	backing->nr_writable_shared += is_writable_shared(area);
}

static void backing_remove_locked(struct area *area)
{
	struct backing *backing = area->backing;

	interval_remove(&backing->areas, &area->in_mapping);
	backing->nr_writable_shared -= is_writable_shared(area);
}

static void tree_insert(struct area *area)
{
	struct rbtree *tree = &area->space->areas;
	struct rb_node *parent = NULL, **link = &tree->root;

	while (*link) {
		parent = *link;
		link = area->start < node_area(parent)->start ? &parent->left : &parent->right;
	}
	area->gap = 0;
	area->max_gap = 0;
	rbtree_insert_at(tree, &area->node, parent, link);
}

static void backing_add(struct area *area)
{
	struct backing *backing = area->backing;

	area->space->nr_areas++;
	if (!backing)
		return;
	mutex_lock(&backing->lock);
	backing_add_locked(area);
	mutex_unlock(&backing->lock);
}

void area_insert(struct area *area)
{
	tree_insert(area);
	gaps_refresh(area);
	backing_add(area);
}

void area_insert_last(struct area *area, struct area *prev)
{
	struct rbtree *tree = &area->space->areas;

	debug_assert(prev ? prev->end <= area->start && !area_next(prev) : !tree->root);
	area->gap = gap_between(prev, area);
	area->max_gap = 0;
	rbtree_insert_at(tree, &area->node, prev ? &prev->node : NULL,
	                 prev ? &prev->node.right : &tree->root);
	backing_add(area);
}

static void backing_remove(struct area *area)
{
	struct backing *backing = area->backing;

	if (!backing)
		return;
	mutex_lock(&backing->lock);
	backing_remove_locked(area);
	mutex_unlock(&backing->lock);
}

struct area *areas_take_all(struct space *space)
{
	struct rb_node *node = rbtree_first_postorder(&space->areas);
	struct area *chain = NULL;

	while (node) {
		struct area *area = node_area(node);

		node = rb_next_postorder(node);
		backing_remove(area);
		area->next_dead = chain;
		chain = area;
	}
	areas_init(&space->areas);
	space->last_found = NULL;
	space->nr_areas = 0;
	return chain;
}

void area_remove(struct area *area)
{
	struct space *space = area->space;
	struct area *next = area_next(area), *prev = area_prev(area);

	if (space->last_found == area)
		atomic_store_relaxed(&space->last_found, NULL);
	rbtree_remove(&space->areas, &area->node);
	space->nr_areas--;
	if (next) {
		next->gap = gap_between(prev, next);
		rbtree_refresh(&space->areas, &next->node);
	}
	backing_remove(area);
}

void area_resize(struct area *area, uaddr_t start, uaddr_t end)
{
	struct backing *backing = area->backing;

	debug_assert(start < end);
	if (backing) {
		mutex_lock(&backing->lock);
		backing_remove_locked(area);
	}
	area->pgoff += (pgoff_t)((int64_t)(start - area->start) >> PAGE_SHIFT);
	area->start = start;
	area->end = end;
	if (backing) {
		backing_add_locked(area);
		mutex_unlock(&backing->lock);
	}
	gaps_refresh(area);
}

int area_split(struct area *area, uaddr_t addr, struct area **upper)
{
	struct area_params params = {
		.start = addr,
		.end = area->end,
		.flags = area->flags,
		.pgoff = area_pgoff(area, addr),
		.backing = area->backing,
		.file = area->file,
		.name = area->name,
	};
	struct area *rest;

	debug_assert(addr > area->start && addr < area->end);
	if (area->space->nr_areas >= AREAS_MAX)
		return -ENOMEM;
	if (area_owns_leaf(area, addr)
	    && space_unshare_locked(area->space, addr, addr + PAGE_SIZE))
		return -ENOMEM;
	rest = area_create(area->space, &params);
	if (!rest)
		return -ENOMEM;
	rest->has_anon = area->has_anon;
	area_resize(area, area->start, addr);
	area_insert(rest);
	if (upper)
		*upper = rest;
	return 0;
}

static bool is_same_kind(const struct area *area, const struct area_params *params)
{
	return area->flags == params->flags && area->backing == params->backing
		&& area->file == params->file && area->name == params->name;
}

bool area_can_append(const struct area *low, const struct area_params *params)
{
	return low->end == params->start && is_same_kind(low, params)
		&& low->pgoff + area_pages(low) == params->pgoff;
}

bool area_can_prepend(const struct area *high, const struct area_params *params)
{
	return high->start == params->end && is_same_kind(high, params)
		&& params->pgoff + ((params->end - params->start) >> PAGE_SHIFT) == high->pgoff;
}

bool area_can_merge(const struct area *low, const struct area *high)
{
	struct area_params params = {
		.start = high->start,
		.end = high->end,
		.flags = high->flags,
		.pgoff = high->pgoff,
		.backing = high->backing,
		.file = high->file,
		.name = high->name,
	};

	return area_can_append(low, &params);
}

void areas_merge(struct space *space, uaddr_t start, uaddr_t end, struct area **dead)
{
	struct area *low = space_next_area_locked(space, start ? start - 1 : 0);

	while (low && low->end <= end) {
		struct area *high = area_next(low);

		if (!high || !area_can_merge(low, high)) {
			low = high;
			continue;
		}
		uaddr_t high_end = high->end;

		low->has_anon |= high->has_anon;
		area_remove(high);
		area_resize(low, low->start, high_end);
		high->next_dead = *dead;
		*dead = high;
	}
}

/* Where len bytes fit into the gap below area, as high as may be within [low, high); 0: nowhere. */
static uaddr_t gap_fit(const struct area *area, size_t len, uaddr_t low, uaddr_t high)
{
	uaddr_t gap_end = area_low(area), gap_start = gap_end - area->gap;

	gap_end = min(gap_end, high);
	gap_start = max(gap_start, low);
	return gap_end > gap_start && gap_end - gap_start >= len ? gap_end - len : 0;
}

/*
 * From high to low: right subtree, the gap below the node, left subtree; subtrees without a gap
 * that is large enough, or that lie wholly above high, are passed by.
 */
uaddr_t areas_find_gap(const struct space *space, size_t len, uaddr_t low, uaddr_t high)
{
	struct area *last = node_area(rbtree_last(&space->areas));
	uaddr_t free_start = max(last ? last->end : 0, low);
	struct rb_node *node = space->areas.root;

	if (high > free_start && high - free_start >= len)
		return high - len;
	if (node_max_gap(node) < len)
		return 0;
descend:
	while (node_area(node)->end < high && node_max_gap(node->right) >= len)
		node = node->right;
	for (;;) {
		struct rb_node *child;
		uaddr_t addr = gap_fit(node_area(node), len, low, high);

		if (addr)
			return addr;
		if (area_low(node_area(node)) <= low)
			return 0;
		if (node_max_gap(node->left) >= len) {
			node = node->left;
			goto descend;
		}
		do {
			child = node;
			node = rb_parent(node);
			if (!node)
				return 0;
		} while (node->left == child);
	}
}
