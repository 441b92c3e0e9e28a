/*
 * An area: one run of addresses of a space with one protection and one origin, as a line of
 * /proc/PID/maps shows it. The areas of a space lie in a balanced tree by address; each node also
 * knows the largest free gap in its subtree, so that a free range is found in O(log n).
 *
 * Life: area_create -> area_insert (the space owns it) -> area_remove -> area_destroy (freed after
 * an RCU grace period). An area holds its space by not outliving it, its backing and file by
 * ops->area_get. Private areas without a backing are anonymous memory.
 *
 * Locks: start, end, flags, pgoff and the tree change with the space's lock held for writing (stack
 * growth included); in_mapping also under backing->lock.
 */
#pragma once

#include "lib/interval.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "sched/rcu.h"

struct backing;
struct file;
struct space;

/* Flags of an area, with Linux's values. */
#define VM_READ        0x00000001u
#define VM_WRITE       0x00000002u
#define VM_EXEC        0x00000004u
#define VM_SHARED      0x00000008u
#define VM_MAYREAD     0x00000010u /* mprotect may set VM_READ, ... */
#define VM_MAYWRITE    0x00000020u
#define VM_MAYEXEC     0x00000040u
#define VM_MAYSHARE    0x00000080u
#define VM_GROWSDOWN   0x00000100u
#define VM_LOCKED      0x00002000u
#define VM_SEQ_READ    0x00008000u /* MADV_SEQUENTIAL */
#define VM_RAND_READ   0x00010000u /* MADV_RANDOM */
#define VM_DONTFORK    0x00020000u
#define VM_LOCKONFAULT 0x00080000u
#define VM_ACCOUNT     0x00100000u /* counted as committed memory */
#define VM_NORESERVE   0x00200000u
#define VM_WIPEONFORK  0x02000000u
#define VM_DONTDUMP    0x04000000u
#define VM_KERNEL      0x40000000u /* [vvar], [vdso]: no expansion, no mlock, not dumped as data */

#define VM_ACCESS (VM_READ | VM_WRITE | VM_EXEC)
#define VM_MAYACCESS (VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)

struct area {
	struct rb_node node __guarded_by(space->lock);
	uaddr_t start __guarded_by(space->lock);
	uaddr_t end __guarded_by(space->lock); /* first byte after */
	uint64_t gap __guarded_by(space->lock); /* free bytes between the predecessor and start */
	uint64_t max_gap __guarded_by(space->lock); /* largest gap in this subtree */
	uint32_t flags __guarded_by(space->lock);
	/* of start in the backing; start / 4096 at birth if anonymous */
	pgoff_t pgoff __guarded_by(space->lock);
	struct backing *backing __const_after_init; /* NULL: anonymous */
	struct file *file __const_after_init;       /* opaque here; for /proc and for sync */
	const char *name __const_after_init;        /* "[vdso]", "[vvar]", or NULL; static */
	struct space *space __const_after_init;
	struct interval in_mapping __guarded_by(backing->lock);
	uaddr_t next_fault; /* where a fault in sequence would come; hint, races are harmless */
	uint8_t streak;     /* anonymous faults in sequence so far; hint */
	bool has_anon __atomic; /* some page of this area is or was a private copy; never cleared */
	/* chain of areas that are to be destroyed after the lock is let go */
	struct area *next_dead;
	struct rcu_head rcu;
};

/* The most areas a space may have, as Linux's default of /proc/sys/vm/max_map_count. */
#define AREAS_MAX 65530

/* Free addresses that are kept below an area that grows down. */
#define AREA_GUARD_GAP (256 * PAGE_SIZE)

static inline size_t area_pages(const struct area *area)
{
	return (area->end - area->start) >> PAGE_SHIFT;
}

static inline pgoff_t area_pgoff(const struct area *area, uaddr_t addr)
{
	return area->pgoff + ((addr - area->start) >> PAGE_SHIFT);
}

/* True if a write makes a private copy. */
static inline bool area_is_cow(const struct area *area)
{
	return (area->flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/* The lowest address that an area keeps for itself, its guard gap included. */
static inline uaddr_t area_low(const struct area *area)
{
	if (!(area->flags & VM_GROWSDOWN))
		return area->start;
	return area->start > AREA_GUARD_GAP ? area->start - AREA_GUARD_GAP : 0;
}

static inline struct area *area_next(const struct area *area)
{
	return rb_entry_or_null(rb_next(&area->node), struct area, node);
}

static inline struct area *area_prev(const struct area *area)
{
	return rb_entry_or_null(rb_prev(&area->node), struct area, node);
}

/* What an area is made from; the fields as in struct area. */
struct area_params {
	uaddr_t start, end;
	uint32_t flags;
	pgoff_t pgoff;
	struct backing *backing;
	struct file *file;
	const char *name;
};

/* An area that is in no space yet; takes its reference to the file. NULL: no memory. */
struct area *area_create(struct space *space, const struct area_params *params);
/* The area is in no tree. Lets the file go (may sleep), frees after a grace period. */
void area_destroy(struct area *area);
/* The same for a chain by next_dead. */
void areas_destroy(struct area *dead);

/*
 * Into and out of the space's tree and the backing's. The range is free. Space's lock for writing;
 * counters of the space are the caller's.
 */
void area_insert(struct area *area);
void area_remove(struct area *area);

/*
 * Into the tree behind prev, which is the last one there (NULL: none). For copies of whole spaces.
 */
void area_insert_last(struct area *area, struct area *prev);
/* Out of the trees with all areas of the space: a chain by next_dead. */
struct area *areas_take_all(struct space *space);

/* Moves one or both ends of an area that is inserted; pgoff follows start. The range is free. */
void area_resize(struct area *area, uaddr_t start, uaddr_t end);

/*
 * Cuts the area at addr, which lies inside: area keeps what is below, *upper (if not NULL) is the
 * rest, inserted. -ENOMEM, also if the space has its full number of areas.
 */
int __must_check area_split(struct area *area, uaddr_t addr, struct area **upper);

/* True if high may continue low as one area. */
bool area_can_merge(const struct area *low, const struct area *high);
/* The same for a range that is no area yet. */
bool area_can_append(const struct area *low, const struct area_params *params);
bool area_can_prepend(const struct area *high, const struct area_params *params);

/*
 * Joins neighbours where they fit, for all pairs that touch [start, end]. Areas that vanish go to
 * the chain *dead. Space's lock for writing.
 */
void areas_merge(struct space *space, uaddr_t start, uaddr_t end, struct area **dead);

/*
 * The highest address at which len bytes are free within [low, high), guard gaps kept; 0 if there
 * is none. Space's lock.
 */
uaddr_t areas_find_gap(const struct space *space, size_t len, uaddr_t low, uaddr_t high);

/* An empty tree of areas. */
void areas_init(struct rbtree *tree);
