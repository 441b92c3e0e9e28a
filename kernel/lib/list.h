/*
 * Doubly linked circular lists, intrusive: the links are a field of the entry.
 *
 *     struct list threads;                          the head, list_init()ed
 *     struct thread { ...; struct list in_queue; }; the entry
 *     list_add_tail(&threads, &thread->in_queue);
 *     list_for_each_entry(thread, &threads, in_queue) ...
 *
 * The head comes first in every argument list, the entry second. An entry is on at most one list
 * through one field. list_remove() leaves the entry's links poisoned (a second removal faults);
 * list_remove_init() leaves it empty, so that list_is_empty(&entry) means "on no list".
 *
 * Locking is the caller's. For readers without a lock use lib/hlist.h.
 */
#pragma once

#include "lib/types.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name) { &(name), &(name) }

/* Where links of removed entries point: not canonical, so that any use faults. */
#define LIST_POISON ((struct list *)0xdead4ead00000100ul)

static inline void list_init(struct list *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_is_empty(const struct list *list)
{
	return READ_ONCE(list->next) == list;
}

/* Puts entry between two neighbours; for list_add_*(). */
static inline void list_insert_between(struct list *before, struct list *entry, struct list *after)
{
	entry->prev = before;
	entry->next = after;
	after->prev = entry;
	WRITE_ONCE(before->next, entry);
}

static inline void list_add_head(struct list *list, struct list *entry)
{
	list_insert_between(list, entry, list->next);
}

static inline void list_add_tail(struct list *list, struct list *entry)
{
	list_insert_between(list->prev, entry, list);
}

/* Takes the entry out of its list and leaves its links as they were; for list_remove*(). */
static inline void list_unlink(struct list *entry)
{
	entry->next->prev = entry->prev;
	WRITE_ONCE(entry->prev->next, entry->next);
}

static inline void list_remove(struct list *entry)
{
	list_unlink(entry);
	entry->next = LIST_POISON;
	entry->prev = LIST_POISON;
}

static inline void list_remove_init(struct list *entry)
{
	list_unlink(entry);
	list_init(entry);
}

static inline void list_move_tail(struct list *list, struct list *entry)
{
	list_unlink(entry);
	list_add_tail(list, entry);
}

static inline void list_move_head(struct list *list, struct list *entry)
{
	list_unlink(entry);
	list_add_head(list, entry);
}

/* new takes old's place; old's links are left stale. */
static inline void list_replace(struct list *old, struct list *new)
{
	list_insert_between(old->prev, new, old->next);
}

static inline bool list_is_singular(const struct list *list)
{
	return !list_is_empty(list) && list->next == list->prev;
}

/* Moves all entries of from to the end of list; from is empty afterwards. */
static inline void list_splice_tail(struct list *list, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = list->prev;
	list->prev->next = from->next;
	from->prev->next = list;
	list->prev = from->prev;
	list_init(from);
}

/* Moves all entries of from to the front of list; from is empty afterwards. */
static inline void list_splice_head(struct list *list, struct list *from)
{
	list_splice_tail(list->next, from);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)

/* The list must not be empty. */
#define list_first_entry(list, type, member) list_entry((list)->next, type, member)
#define list_last_entry(list, type, member)  list_entry((list)->prev, type, member)
#define list_next_entry(entry, member) \
	list_entry((entry)->member.next, __typeof__(*(entry)), member)
#define list_prev_entry(entry, member) \
	list_entry((entry)->member.prev, __typeof__(*(entry)), member)

/* NULL if the list is empty. */
#define list_first_entry_or_null(list, type, member) \
	(list_is_empty(list) ? NULL : list_first_entry(list, type, member))

#define list_for_each_entry(entry, list, member)                             \
	for (entry = list_first_entry(list, __typeof__(*(entry)), member);   \
	     &(entry)->member != (list); entry = list_next_entry(entry, member))

#define list_for_each_entry_reverse(entry, list, member)                     \
	for (entry = list_last_entry(list, __typeof__(*(entry)), member);    \
	     &(entry)->member != (list); entry = list_prev_entry(entry, member))

/* The body may remove entry (and only entry); ahead is another variable of its type. */
#define list_for_each_entry_safe(entry, ahead, list, member)                 \
	for (entry = list_first_entry(list, __typeof__(*(entry)), member),   \
	    ahead = list_next_entry(entry, member);                          \
	     &(entry)->member != (list);                                     \
	     entry = ahead, ahead = list_next_entry(ahead, member))
