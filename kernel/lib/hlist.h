/*
 * Hash chains: lists with a head of one pointer, so that a table of buckets stays small.
 *
 *     struct hlist table[256];                       zeroed memory is an empty table
 *     struct dentry { ...; struct hlist_node in_hash; };
 *     hlist_add(&table[hash & 255], &dentry->in_hash);
 *
 * A zeroed node is on no chain (hlist_is_linked() is false), and so is a removed one, unless
 * hlist_remove_rcu() took it out: that one keeps its next pointer for readers still standing on it.
 *
 * Locking: writers hold the chain's lock. With the _rcu functions, readers inside an RCU read-side
 * section need none: an entry is published by a release store that pairs with the acquire load in
 * hlist_for_each_entry_rcu(), and its memory is freed only after a grace period.
 */
#pragma once

#include "lib/atomic.h"
#include "lib/types.h"

struct hlist_node {
	struct hlist_node *next;
	struct hlist_node **link; /* the pointer that points here; NULL: on no chain */
};

struct hlist {
	struct hlist_node *first;
};

static inline void hlist_init(struct hlist *hlist)
{
	hlist->first = NULL;
}

static inline void hlist_node_init(struct hlist_node *node)
{
	node->next = NULL;
	node->link = NULL;
}

static inline bool hlist_is_empty(const struct hlist *hlist)
{
	return !READ_ONCE(hlist->first);
}

static inline bool hlist_is_linked(const struct hlist_node *node)
{
	return READ_ONCE(node->link) != NULL;
}

/* Adds node at the front; safe against readers of the _rcu kind. */
static inline void hlist_add_rcu(struct hlist *hlist, struct hlist_node *node)
{
	struct hlist_node *first = hlist->first;

	node->next = first;
	node->link = &hlist->first;
	if (first)
		first->link = &node->next;
	/* pairs with the acquire load in hlist_first_rcu() */
	atomic_store_release(&hlist->first, node);
}

static inline void hlist_add(struct hlist *hlist, struct hlist_node *node)
{
	hlist_add_rcu(hlist, node);
}

/* Takes node out; readers standing on it still find their way to the end of the chain. */
static inline void hlist_remove_rcu(struct hlist_node *node)
{
	if (node->next)
		node->next->link = node->link;
	/* pairs with the acquire loads in hlist_first_rcu() and hlist_next_rcu() */
	atomic_store_release(node->link, node->next);
	WRITE_ONCE(node->link, NULL);
}

static inline void hlist_remove(struct hlist_node *node)
{
	hlist_remove_rcu(node);
	node->next = NULL;
}

/* Gives all of from's entries to to, which is empty; from is empty afterwards. */
static inline void hlist_move(struct hlist *to, struct hlist *from)
{
	to->first = from->first;
	if (to->first)
		to->first->link = &to->first;
	from->first = NULL;
}

static inline struct hlist_node *hlist_first_rcu(const struct hlist *hlist)
{
	/* pairs with the release store in hlist_add_rcu() */
	return atomic_load_acquire(&hlist->first);
}

static inline struct hlist_node *hlist_next_rcu(const struct hlist_node *node)
{
	/* pairs with the release stores in hlist_add_rcu() and hlist_remove_rcu() */
	return atomic_load_acquire(&node->next);
}

#define hlist_entry_or_null(ptr, type, member)                                 \
	({                                                                     \
		__typeof__(ptr) node_ = (ptr);                                 \
		node_ ? container_of(node_, type, member) : NULL;              \
	})

#define hlist_for_each_entry(entry, hlist, member)                                            \
	for (entry = hlist_entry_or_null((hlist)->first, __typeof__(*(entry)), member);       \
	     entry;                                                                           \
	     entry = hlist_entry_or_null((entry)->member.next, __typeof__(*(entry)), member))

#define hlist_for_each_entry_rcu(entry, hlist, member)                                        \
	for (entry = hlist_entry_or_null(hlist_first_rcu(hlist), __typeof__(*(entry)), member); \
	     entry;                                                                           \
	     entry = hlist_entry_or_null(hlist_next_rcu(&(entry)->member),                    \
	                                 __typeof__(*(entry)), member))

/* The body may remove entry; ahead is a struct hlist_node *. */
#define hlist_for_each_entry_safe(entry, ahead, hlist, member)                                \
	for (entry = hlist_entry_or_null((hlist)->first, __typeof__(*(entry)), member);       \
	     entry && (ahead = (entry)->member.next, true);                                   \
	     entry = hlist_entry_or_null(ahead, __typeof__(*(entry)), member))
