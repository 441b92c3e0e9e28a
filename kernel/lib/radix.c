/*
 * Radix trees.
 *
 * A node covers 64 slots of 2^shift indices each. marks[PRESENT] has a bit for every slot in use,
 * the other marks one for every slot with a tag in it or below it, so that all searches are
 * searches for a bit. The tree is exactly as deep as it must be: it grows by a new node above the
 * old top, and shrinks when the top has nothing but slot 0.
 *
 * Readers without the lock start at whatever root they loaded. Growing keeps the old top valid for
 * them; a node that was unlinked keeps its slots until the grace period is over. Marks are hints to
 * them: a set mark over an empty slot is passed by.
 */
#include <linux/errno.h>

#include "lib/radix.h"

#include "lib/atomic.h"
#include "lib/bits.h"
#include "lib/string.h"

#define FANOUT_SHIFT 6
#define FANOUT       (1u << FANOUT_SHIFT)

enum { PRESENT, FIRST_TAG, NR_MARKS = FIRST_TAG + RADIX_NR_TAGS };

struct radix_node {
	void *slots[FANOUT] __atomic;          /* nodes, or entries where shift is 0 */
	uint64_t marks[NR_MARKS] __atomic;
	struct radix_node *parent;             /* for the writer only */
	uint8_t shift __const_after_init;
	uint8_t slot_in_parent __const_after_init;
};

const size_t radix_node_size = sizeof(struct radix_node);

static inline bool is_node(const void *root)
{
	return (uintptr_t)root & 1;
}

static inline struct radix_node *to_node(void *root)
{
	return (struct radix_node *)((uintptr_t)root - 1);
}

static inline void set_root(struct radix *radix, void *entry)
{
	/* pairs with the acquire loads in load_root() */
	atomic_store_release(&radix->root, entry);
}

static inline void set_root_node(struct radix *radix, struct radix_node *node)
{
	set_root(radix, (char *)node + 1);
}

static inline void *load_root(const struct radix *radix)
{
	/* pairs with set_root() */
	return atomic_load_acquire(&radix->root);
}

static inline void *load_slot(const struct radix_node *node, unsigned slot)
{
	/* pairs with the release in set_slot() */
	return atomic_load_acquire(&node->slots[slot]);
}

static inline void set_slot(struct radix_node *node, unsigned slot, void *to)
{
	/* pairs with the acquire in load_slot() */
	atomic_store_release(&node->slots[slot], to);
}

static inline unsigned slot_of(const struct radix_node *node, uint64_t index)
{
	return (index >> node->shift) & (FANOUT - 1);
}

/* The indices below node, as a mask. */
static inline uint64_t span_of(const struct radix_node *node)
{
	unsigned bits = node->shift + FANOUT_SHIFT;

	return bits >= 64 ? UINT64_MAX : BIT(bits) - 1;
}

static inline bool is_marked(const struct radix_node *node, unsigned slot, unsigned mark)
{
	return (READ_ONCE(node->marks[mark]) >> slot) & 1;
}

static void add_mark(struct radix_node *node, unsigned slot, unsigned mark)
{
	WRITE_ONCE(node->marks[mark], node->marks[mark] | BIT(slot));
}

static void remove_mark(struct radix_node *node, unsigned slot, unsigned mark)
{
	WRITE_ONCE(node->marks[mark], node->marks[mark] & ~BIT(slot));
}

void radix_init(struct radix *radix, const struct radix_allocator *allocator)
{
	*radix = (struct radix){ .allocator = allocator };
}

void radix_fini(struct radix *radix)
{
	struct radix_node *node = is_node(radix->root) ? to_node(radix->root) : NULL;

	radix->root = NULL;
	radix->root_tags = 0;
	while (node) {
		struct radix_node *parent = node->parent;

		if (node->shift && node->marks[PRESENT]) {
			unsigned slot = bit_lowest(node->marks[PRESENT]);

			remove_mark(node, slot, PRESENT);
			node = node->slots[slot];
			continue;
		}
		radix->allocator->free(node);
		node = parent;
	}
}

static struct radix_node *node_create(struct radix *radix, struct radix_node *parent,
                                      unsigned slot_in_parent, unsigned shift)
{
	struct radix_node *node = radix->allocator->alloc();

	if (!node)
		return NULL;
	memset(node, 0, sizeof(*node));
	node->parent = parent;
	node->slot_in_parent = (uint8_t)slot_in_parent;
	node->shift = (uint8_t)shift;
	return node;
}

/* Tag bits go up until a level has them already; they come down when a node has none left. */
static void tag_upwards(struct radix_node *node, unsigned slot, unsigned mark)
{
	while (node && !is_marked(node, slot, mark)) {
		add_mark(node, slot, mark);
		slot = node->slot_in_parent;
		node = node->parent;
	}
}

static void untag_upwards(struct radix_node *node, unsigned slot, unsigned mark)
{
	while (node && is_marked(node, slot, mark)) {
		remove_mark(node, slot, mark);
		if (node->marks[mark])
			return;
		slot = node->slot_in_parent;
		node = node->parent;
	}
}

/* Takes off tops that only lead to their slot 0. */
static void shrink(struct radix *radix)
{
	while (is_node(radix->root)) {
		struct radix_node *top = to_node(radix->root), *below;

		if (top->marks[PRESENT] != 1)
			return;
		if (top->shift) {
			below = top->slots[0];
			below->parent = NULL;
			set_root_node(radix, below);
		} else {
			radix->root_tags = 0;
			for (unsigned tag = 0; tag < RADIX_NR_TAGS; tag++)
				radix->root_tags |= is_marked(top, 0, FIRST_TAG + tag) << tag;
			set_root(radix, top->slots[0]);
		}
		radix->allocator->free_deferred(top);
	}
}

/* Unlinks node and what is above it as far as it is empty. */
static void prune(struct radix *radix, struct radix_node *node)
{
	while (node && !node->marks[PRESENT]) {
		struct radix_node *parent = node->parent;

		if (parent) {
			set_slot(parent, node->slot_in_parent, NULL);
			remove_mark(parent, node->slot_in_parent, PRESENT);
		} else {
			set_root(radix, NULL);
		}
		radix->allocator->free_deferred(node);
		node = parent;
	}
	shrink(radix);
}

/* A new top over the old one, which is an entry or a node, or over nothing. */
static int grow_once(struct radix *radix, uint64_t index)
{
	void *old = radix->root;
	struct radix_node *below = is_node(old) ? to_node(old) : NULL;
	unsigned shift = below ? below->shift + FANOUT_SHIFT : 0;
	struct radix_node *top;

	if (!old)
		shift = bit_highest(index) / FANOUT_SHIFT * FANOUT_SHIFT;
	top = node_create(radix, NULL, 0, shift);
	if (!top)
		return -ENOMEM;
	if (old) {
		top->slots[0] = below ? (void *)below : old;
		add_mark(top, 0, PRESENT);
		for (unsigned tag = 0; tag < RADIX_NR_TAGS; tag++) {
			if (below ? below->marks[FIRST_TAG + tag] : radix->root_tags >> tag & 1u)
				add_mark(top, 0, FIRST_TAG + tag);
		}
	}
	if (below)
		below->parent = top;
	set_root_node(radix, top);
	return 0;
}

/* The leaf for index, made on the way if need be. */
static int reach_leaf(struct radix *radix, uint64_t index, struct radix_node **leaf)
{
	struct radix_node *node;

	while (!is_node(radix->root) || index > span_of(to_node(radix->root))) {
		if (grow_once(radix, index)) {
			shrink(radix);
			return -ENOMEM;
		}
	}
	node = to_node(radix->root);
	while (node->shift) {
		unsigned slot = slot_of(node, index);
		struct radix_node *below = node->slots[slot];

		if (!below) {
			below = node_create(radix, node, slot, node->shift - FANOUT_SHIFT);
			if (!below) {
				prune(radix, node);
				return -ENOMEM;
			}
			add_mark(node, slot, PRESENT);
			set_slot(node, slot, below);
		}
		node = below;
	}
	*leaf = node;
	return 0;
}

int radix_insert(struct radix *radix, uint64_t index, void *entry)
{
	struct radix_node *leaf;
	unsigned slot;
	int err;

	if (index == 0 && !is_node(radix->root)) {
		if (radix->root)
			return -EEXIST;
		radix->root_tags = 0;
		set_root(radix, entry);
		return 0;
	}
	err = reach_leaf(radix, index, &leaf);
	if (err)
		return err;
	slot = slot_of(leaf, index);
	if (leaf->slots[slot])
		return -EEXIST;
	set_slot(leaf, slot, entry);
	add_mark(leaf, slot, PRESENT);
	return 0;
}

/* The leaf where index has its slot; NULL if there is none. */
static struct radix_node *find_leaf(const struct radix *radix, uint64_t index)
{
	void *root = load_root(radix);
	struct radix_node *node;

	if (!is_node(root))
		return NULL;
	node = to_node(root);
	if (index > span_of(node))
		return NULL;
	while (node && node->shift)
		node = load_slot(node, slot_of(node, index));
	return node;
}

static bool is_root_entry(const struct radix *radix, uint64_t index)
{
	return index == 0 && radix->root && !is_node(radix->root);
}

void *radix_lookup(const struct radix *radix, uint64_t index)
{
	void *root = load_root(radix);
	struct radix_node *node;

	if (!is_node(root))
		return index ? NULL : root;
	node = to_node(root);
	if (index > span_of(node))
		return NULL;
	while (node && node->shift)
		node = load_slot(node, slot_of(node, index));
	return node ? load_slot(node, slot_of(node, index)) : NULL;
}

void *radix_remove(struct radix *radix, uint64_t index)
{
	struct radix_node *leaf = find_leaf(radix, index);
	unsigned slot;
	void *entry;

	if (is_root_entry(radix, index)) {
		entry = radix->root;
		set_root(radix, NULL);
		radix->root_tags = 0;
		return entry;
	}
	if (!leaf)
		return NULL;
	slot = slot_of(leaf, index);
	entry = leaf->slots[slot];
	if (!entry)
		return NULL;
	for (unsigned tag = FIRST_TAG; tag < NR_MARKS; tag++)
		untag_upwards(leaf, slot, tag);
	remove_mark(leaf, slot, PRESENT);
	set_slot(leaf, slot, NULL);
	prune(radix, leaf);
	return entry;
}

void *radix_replace(struct radix *radix, uint64_t index, void *entry)
{
	struct radix_node *leaf = find_leaf(radix, index);
	void *old;

	if (is_root_entry(radix, index)) {
		old = radix->root;
		set_root(radix, entry);
		return old;
	}
	old = leaf ? leaf->slots[slot_of(leaf, index)] : NULL;
	if (old)
		set_slot(leaf, slot_of(leaf, index), entry);
	return old;
}

void radix_tag_set(struct radix *radix, uint64_t index, enum radix_tag tag)
{
	struct radix_node *leaf = find_leaf(radix, index);

	if (is_root_entry(radix, index))
		radix->root_tags |= (uint8_t)(1u << tag);
	else if (leaf && leaf->slots[slot_of(leaf, index)])
		tag_upwards(leaf, slot_of(leaf, index), FIRST_TAG + tag);
}

void radix_tag_clear(struct radix *radix, uint64_t index, enum radix_tag tag)
{
	struct radix_node *leaf = find_leaf(radix, index);

	if (is_root_entry(radix, index))
		radix->root_tags &= (uint8_t)~(1u << tag);
	else if (leaf)
		untag_upwards(leaf, slot_of(leaf, index), FIRST_TAG + tag);
}

bool radix_tag_get(const struct radix *radix, uint64_t index, enum radix_tag tag)
{
	struct radix_node *leaf = find_leaf(radix, index);

	if (is_root_entry(radix, index))
		return radix->root_tags >> tag & 1;
	return leaf && is_marked(leaf, slot_of(leaf, index), FIRST_TAG + tag);
}

bool radix_is_tagged(const struct radix *radix, enum radix_tag tag)
{
	void *root = load_root(radix);

	if (is_node(root))
		return READ_ONCE(to_node(root)->marks[FIRST_TAG + tag]);
	return root && (radix->root_tags >> tag & 1);
}

/*
 * Walks towards *index through slots with the mark, moving *index up to the first there is. True:
 * *entry (maybe NULL, to a reader without the lock) is at *index. False: nothing in this part of
 * the tree, *index is where the next part begins, or 0 when there is no next.
 */
static bool walk_marked(const struct radix_node *node, uint64_t *index, unsigned mark, void **entry)
{
	for (;;) {
		unsigned slot = slot_of(node, *index), found;
		uint64_t marks = READ_ONCE(node->marks[mark]) & (~0ul << slot);

		if (!marks) {
			*index = (*index | span_of(node)) + 1;
			return false;
		}
		found = bit_lowest(marks);
		if (found != slot)
			*index = (*index & ~span_of(node)) | ((uint64_t)found << node->shift);
		*entry = load_slot(node, found);
		if (!node->shift)
			return true;
		if (!*entry) {
			*index = (*index | (BIT(node->shift) - 1)) + 1;
			return false;
		}
		node = *entry;
	}
}

static void *next_marked(const struct radix *radix, uint64_t *index, unsigned mark)
{
	void *root = load_root(radix), *entry = NULL;

	if (!is_node(root)) {
		if (*index || !root)
			return NULL;
		if (mark != PRESENT && !(radix->root_tags >> (mark - FIRST_TAG) & 1))
			return NULL;
		return root;
	}
	while (*index <= span_of(to_node(root))) {
		bool found = walk_marked(to_node(root), index, mark, &entry);

		if (found && entry)
			return entry;
		if (found)
			++*index;
		if (!*index)
			return NULL;
	}
	return NULL;
}

void *radix_next(const struct radix *radix, uint64_t *index)
{
	return next_marked(radix, index, PRESENT);
}

void *radix_next_tagged(const struct radix *radix, uint64_t *index, enum radix_tag tag)
{
	return next_marked(radix, index, FIRST_TAG + tag);
}

static size_t gather(const struct radix *radix, uint64_t first, uint64_t last, unsigned mark,
                     void **entries, size_t max)
{
	uint64_t index = first;
	size_t n = 0;

	while (n < max && index <= last) {
		void *entry = next_marked(radix, &index, mark);

		if (!entry || index > last)
			break;
		entries[n++] = entry;
		if (!++index)
			break;
	}
	return n;
}

size_t radix_gather(const struct radix *radix, uint64_t first, uint64_t last, void **entries,
                    size_t max)
{
	return gather(radix, first, last, PRESENT, entries, max);
}

size_t radix_gather_tagged(const struct radix *radix, uint64_t first, uint64_t last,
                           enum radix_tag tag, void **entries, size_t max)
{
	return gather(radix, first, last, FIRST_TAG + tag, entries, max);
}

bool radix_next_hole(const struct radix *radix, uint64_t from, uint64_t *index)
{
	void *root = load_root(radix);

	if (!is_node(root)) {
		*index = from + (root && from == 0);
		return true;
	}
	while (from <= span_of(to_node(root))) {
		const struct radix_node *node = find_leaf(radix, from);
		uint64_t holes;

		*index = from;
		if (!node)
			return true;
		holes = ~READ_ONCE(node->marks[PRESENT]) & (~0ul << slot_of(node, from));
		if (holes) {
			*index = (from & ~span_of(node)) | bit_lowest(holes);
			return true;
		}
		from = (from | span_of(node)) + 1;
		if (!from)
			return false;
	}
	*index = from;
	return true;
}
