/*
 * Radix trees: pointers indexed by uint64_t, 64 to a node, as deep as the highest index needs. Page
 * caches, tables of numbers, anything sparse. A tree whose only entry is at index 0 has no nodes.
 *
 * Entries are pointers with bit 0 clear. Each has three tag bits that searches can follow without
 * visiting untagged parts of the tree; their meaning is the owner's.
 *
 * Locking: one writer at a time (insert, remove, replace, tags), under the owner's lock. Lookups
 * and searches also run without it, inside an RCU read-side section: slots are published by
 * release stores, pair with acquire loads, and nodes are freed through the allocator's
 * free_deferred() after a grace period. Such a reader may see an entry that is just being
 * removed, or miss one that is just being inserted: it takes a reference and then checks that the
 * entry is still what and where it ought to be.
 */
#pragma once

#include "lib/types.h"

enum radix_tag {
	RADIX_DIRTY,
	RADIX_WRITEBACK,
	RADIX_TOWRITE,
	RADIX_NR_TAGS,
};

struct radix_node;

/* Bytes of one node, for the slab cache behind the allocator. */
extern const size_t radix_node_size;

struct radix_allocator {
	/*
	 * radix_node_size bytes, zeroed or not; NULL when there are none. Called by radix_insert().
	 */
	void *(*alloc)(void);
	/* Frees what alloc() gave, when all readers of now are done. */
	void (*free_deferred)(void *node);
	/* Frees at once what was never published. */
	void (*free)(void *node);
};

struct radix {
	void *root; /* NULL, the entry of index 0, or a node with bit 0 set */
	const struct radix_allocator *allocator __const_after_init;
	uint8_t root_tags; /* of the entry, when it is the root */
};

void radix_init(struct radix *radix, const struct radix_allocator *allocator);

static inline bool radix_is_empty(const struct radix *radix)
{
	return !READ_ONCE(radix->root);
}

/* Frees all nodes at once and forgets the entries: no reader may be left. */
void radix_fini(struct radix *radix);

/* 0, -EEXIST if the index is taken, -ENOMEM; entry is neither NULL nor odd. Its tags are clear. */
int __must_check radix_insert(struct radix *radix, uint64_t index, void *entry);

/* The entry taken out, or NULL. Its tags are forgotten. */
void *radix_remove(struct radix *radix, uint64_t index);

/* Puts entry where another is and keeps the tags; the old one, or NULL (and nothing done). */
void *radix_replace(struct radix *radix, uint64_t index, void *entry);

void *radix_lookup(const struct radix *radix, uint64_t index);

/*
 * The first entry at *index or behind it, its place in *index; NULL if there is none. To go on,
 * add one to *index (and stop when that wraps to 0).
 */
void *radix_next(const struct radix *radix, uint64_t *index);
void *radix_next_tagged(const struct radix *radix, uint64_t *index, enum radix_tag tag);

/*
 * Up to max entries with first <= index <= last, in order. How many were found; fewer than max
 * means there are no more.
 */
size_t radix_gather(const struct radix *radix, uint64_t first, uint64_t last, void **entries,
                    size_t max);
size_t radix_gather_tagged(const struct radix *radix, uint64_t first, uint64_t last,
                           enum radix_tag tag, void **entries, size_t max);

/* The first index at or behind from that holds nothing; false if all up to UINT64_MAX are taken. */
bool radix_next_hole(const struct radix *radix, uint64_t from, uint64_t *index);

/* Tags of the entry at index; nothing happens (false) where there is none. */
void radix_tag_set(struct radix *radix, uint64_t index, enum radix_tag tag);
void radix_tag_clear(struct radix *radix, uint64_t index, enum radix_tag tag);
bool radix_tag_get(const struct radix *radix, uint64_t index, enum radix_tag tag);

/* Whether any entry has the tag. */
bool radix_is_tagged(const struct radix *radix, enum radix_tag tag);
