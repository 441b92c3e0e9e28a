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
	pgoff_t pgoff __guarded_by(space->lock); /* of start in the backing; start / 4096 at birth if anonymous */
	struct backing *backing __const_after_init; /* NULL: anonymous */
	struct file *file __const_after_init;       /* opaque here; for /proc and for sync */
	const char *name __const_after_init;        /* "[vdso]", "[vvar]", or NULL; static */
	struct space *space __const_after_init;
	struct interval in_mapping __guarded_by(backing->lock);
	uaddr_t last_fault; /* hint: the next anonymous fault in sequence; races are harmless */
	struct rcu_head rcu;
};

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
