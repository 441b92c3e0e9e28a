/*
 * Epolls that watch epolls: no circles, and short, few chains, so that a wake-up which climbs them
 * ends soon. epoll_ctl(2): ELOOP, EINVAL.
 *
 * Everything here runs under epoll_graph, the only lock under which the graph of epolls changes.
 */
#include <linux/errno.h>

#include "fs/epoll_impl.h"
#include "lib/math.h"

/* How many chains of each length may end in one file; the shortest are not counted. */
static const uint32_t paths_max[EPOLL_NEST_MAX + 1] = { UINT32_MAX, 500, 100, 50, 10 };

static struct {
	uint64_t visit; /* number of the last walk; under epoll_graph */
} graph;

static struct epoll *item_target(const struct epoll_item *item)
{
	return item->file->ops == &epoll_file_ops ? to_epoll(item->file) : NULL;
}

/* The longest chain of epolls below this one; more than is allowed if it leads to `sought`. */
static uint32_t depth_below(struct epoll *epoll, const struct epoll *sought, uint32_t nested)
{
	struct epoll_item *item;
	uint32_t depth = 0;

	if (epoll == sought || nested > EPOLL_NEST_MAX)
		return EPOLL_NEST_MAX + 1;
	if (epoll->visit == graph.visit)
		return epoll->depth;
	mutex_lock_nested(&epoll->lock, nested);
	rbtree_for_each_entry(item, &epoll->items, node) {
		struct epoll *target = item_target(item);

		if (target)
			depth = max(depth, depth_below(target, sought, nested + 1) + 1);
		if (depth > EPOLL_NEST_MAX)
			break;
	}
	mutex_unlock(&epoll->lock);
	epoll->visit = graph.visit;
	epoll->depth = depth;
	return depth;
}

/* The longest chain of epolls above this one, each of which is looked at once. watch_lock held. */
static uint32_t height_above(struct epoll *epoll)
{
	const struct epoll_item *item;

	if (epoll->visit == graph.visit)
		return epoll->height;
	epoll->visit = graph.visit;
	epoll->height = 0;
	list_for_each_entry(item, &epoll->file->watchers, in_file)
		epoll->height = max(epoll->height, height_above(item->epoll) + 1);
	return epoll->height;
}

int epoll_check_loop(struct epoll *epoll, struct epoll *target)
{
	uint32_t height, depth;

	graph.visit++;
	depth = depth_below(target, epoll, 0);
	spin_lock(&watch_lock);
	height = height_above(epoll);
	spin_unlock(&watch_lock);
	return depth + 1 + height > EPOLL_NEST_MAX ? -ELOOP : 0;
}

/* Climbs from a file along its watchers and counts the tops by distance. watch_lock held. */
static int climb(const struct file *file, unsigned int depth, uint32_t *counts)
{
	const struct epoll_item *item;
	int err;

	if (depth > EPOLL_NEST_MAX)
		return -EINVAL;
	list_for_each_entry(item, &file->watchers, in_file) {
		const struct file *above = item->epoll->file;

		if (!list_is_empty(&above->watchers))
			err = climb(above, depth + 1, counts);
		else
			err = ++counts[depth] > paths_max[depth] ? -EINVAL : 0;
		if (err)
			return err;
	}
	return 0;
}

/* Looks up from every file that is no epoll, at or below `file`. */
static int check_leaves(struct file *file, unsigned int depth)
{
	uint32_t counts[EPOLL_NEST_MAX + 1] = { 0 };
	struct epoll_item *item;
	struct epoll *epoll;
	int err = 0;

	if (file->ops != &epoll_file_ops) {
		spin_lock(&watch_lock);
		err = climb(file, 0, counts);
		spin_unlock(&watch_lock);
		return err;
	}
	epoll = to_epoll(file);
	if (epoll->visit == graph.visit)
		return 0;
	epoll->visit = graph.visit;
	mutex_lock_nested(&epoll->lock, depth);
	rbtree_for_each_entry(item, &epoll->items, node) {
		err = check_leaves(item->file, depth + 1);
		if (err)
			break;
	}
	mutex_unlock(&epoll->lock);
	return err;
}

int epoll_check_paths(struct epoll_item *item)
{
	graph.visit++;
	return check_leaves(item->file, 1);
}

static void raise_level_locked(struct epoll *epoll, uint32_t level)
{
	const struct epoll_item *item;

	if (epoll->level >= level)
		return;
	WRITE_ONCE(epoll->level, level);
	list_for_each_entry(item, &epoll->file->watchers, in_file)
		raise_level_locked(item->epoll, level + 1);
}

void epoll_raise_level(struct epoll *epoll, uint32_t level)
{
	spin_lock(&watch_lock);
	raise_level_locked(epoll, level);
	spin_unlock(&watch_lock);
}
