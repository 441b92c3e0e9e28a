/*
 * Page tables: a user half for each address space, one kernel half shared by all, and the TLB.
 *
 * A leaf table holds the 512 PTEs of a 2 MiB range; callers work on pte_t in leaf tables and know
 * nothing of the levels above. Finding a leaf table needs the space's lock (any mode) or that the
 * caller excludes mmu_free_tables(); changing a PTE needs the lock of its leaf table. The CPU sets
 * the accessed and dirty bits without any lock: change a present PTE by pte_exchange() and look at
 * the old value. A PTE that is not present and not 0 belongs to the caller (bits 1..62 are free).
 *
 * After a present PTE lost a right, mmu_flush_*() must run before its frame is reused; after one
 * gained a right, no flush is needed (a spurious fault is harmless).
 */
#pragma once

#include "lib/types.h"

struct arch_mmu {
	/* the top table, whose upper half is the kernel's */
	paddr_t  root        __const_after_init;
	uint64_t cpus        __atomic; /* bit n: CPU n may hold translations of this space */
	/* goes up with each flush that a CPU might miss; one behind it flushes at load */
	uint64_t generation  __atomic;
	bool     is_dying    __atomic; /* mmu_fini() has begun: whoever borrows it leaves */
	uint64_t nr_tables   __atomic; /* pages used by tables, for VmPTE */
	uint64_t id          __const_after_init; /* never that of another; 0 where none is needed */
};

typedef uint64_t pte_t;

/* What a mapping allows. The numbers are ours, pte_make() translates. */
enum pte_prot {
	PROT_PTE_USER         = 1 << 0, /* user mode may access it */
	PROT_PTE_WRITE        = 1 << 1,
	PROT_PTE_EXEC         = 1 << 2,
	PROT_PTE_GLOBAL       = 1 << 3, /* kernel mappings only */
	PROT_PTE_NOCACHE      = 1 << 4, /* device registers */
	PROT_PTE_WRITECOMBINE = 1 << 5, /* frame buffers */
	/* set dirty and accessed at once, saving the CPU the trouble */
	PROT_PTE_DIRTY        = 1 << 6,
};

#define PTE_PRESENT    (1ul << 0)
#define PTE_WRITE      (1ul << 1)
#define PTE_USER       (1ul << 2)
#define PTE_PWT        (1ul << 3)
#define PTE_PCD        (1ul << 4)
#define PTE_ACCESSED   (1ul << 5)
#define PTE_DIRTY      (1ul << 6)
#define PTE_LARGE      (1ul << 7)
#define PTE_GLOBAL     (1ul << 8)
#define PTE_SOFT       (1ul << 9) /* free for the caller */
#define PTE_NX         (1ul << 63)
#define PTE_PADDR_MASK 0x000ffffffffff000ul

#define LEAF_SHIFT     21
#define LEAF_SIZE      (1ul << LEAF_SHIFT)
#define PTES_PER_TABLE 512

static inline pte_t pte_make(paddr_t paddr, uint32_t prot)
{
	pte_t pte = paddr | PTE_PRESENT | PTE_ACCESSED;

	pte |= prot & PROT_PTE_USER ? PTE_USER : 0;
	pte |= prot & PROT_PTE_WRITE ? PTE_WRITE : 0;
	pte |= prot & PROT_PTE_EXEC ? 0 : PTE_NX;
	pte |= prot & PROT_PTE_GLOBAL ? PTE_GLOBAL : 0;
	pte |= prot & PROT_PTE_NOCACHE ? PTE_PCD | PTE_PWT : 0;
	pte |= prot & PROT_PTE_WRITECOMBINE ? PTE_PWT : 0;
	pte |= prot & PROT_PTE_DIRTY ? PTE_DIRTY : 0;
	return pte;
}

static inline bool pte_is_none(pte_t pte)     { return pte == 0; }
static inline bool pte_is_present(pte_t pte)  { return pte & PTE_PRESENT; }
static inline bool pte_is_writable(pte_t pte) { return pte & PTE_WRITE; }
static inline bool pte_is_exec(pte_t pte)     { return !(pte & PTE_NX); }
static inline bool pte_is_dirty(pte_t pte)    { return pte & PTE_DIRTY; }
static inline bool pte_is_accessed(pte_t pte) { return pte & PTE_ACCESSED; }
static inline paddr_t pte_paddr(pte_t pte)    { return pte & PTE_PADDR_MASK; }

static inline pte_t pte_with_write(pte_t pte)       { return pte | PTE_WRITE; }
static inline pte_t pte_without_write(pte_t pte)    { return pte & ~PTE_WRITE; }
static inline pte_t pte_with_dirty(pte_t pte)       { return pte | PTE_DIRTY | PTE_ACCESSED; }
static inline pte_t pte_with_accessed(pte_t pte)    { return pte | PTE_ACCESSED; }
static inline pte_t pte_without_accessed(pte_t pte) { return pte & ~PTE_ACCESSED; }
static inline pte_t pte_with_exec(pte_t pte)        { return pte & ~PTE_NX; }
static inline pte_t pte_without_exec(pte_t pte)     { return pte | PTE_NX; }

static inline pte_t pte_read(const pte_t *slot)
{
	return READ_ONCE(*slot);
}

/* Only where the slot is not present: nobody else writes it then. */
static inline void pte_write(pte_t *slot, pte_t pte)
{
	WRITE_ONCE(*slot, pte);
}

/* Replaces a live PTE in one step; the result has the CPU's last word on accessed and dirty. */
static inline pte_t pte_exchange(pte_t *slot, pte_t pte)
{
	__asm__ volatile("xchg %0, %1" : "+r"(pte), "+m"(*slot) : : "memory");
	return pte;
}

/* Replaces *slot if it still is old; false if the CPU or another changed it. */
static inline bool pte_replace(pte_t *slot, pte_t old, pte_t pte)
{
	bool done;

	__asm__ volatile("lock cmpxchg %3, %1" : "=@ccz"(done), "+m"(*slot), "+a"(old)
		: "r"(pte) : "memory");
	return done;
}

/* An empty user half. -ENOMEM. */
__must_check int mmu_init(struct arch_mmu *mmu);

/*
 * Frees the tables that are left. No thread runs in the space any more; CPUs that still have it
 * loaded are made to leave. All PTEs are 0. Interrupts on.
 */
void mmu_fini(struct arch_mmu *mmu);

/*
 * This CPU runs in the space from now on; NULL is the kernel's own, with no user half. Interrupts
 * off. Writes CR3 only if another space was active or this CPU missed a flush.
 */
void mmu_activate(struct arch_mmu *mmu);

/*
 * This CPU goes on without a user half, but keeps the space loaded for who comes next; flushes need
 * not reach it. Interrupts off.
 */
void mmu_borrow(void);

/* The space active on this CPU, NULL for the kernel's own. */
struct arch_mmu *mmu_active(void);

/* This CPU leaves the space (before mmu_fini); does nothing if it is not the active one. */
void mmu_deactivate(struct arch_mmu *mmu);

/* The slot for addr, or NULL when there is no leaf table. Does not sleep. */
pte_t *mmu_leaf_find(struct arch_mmu *mmu, uaddr_t addr);

/* The slot for addr, its tables made as needed (may sleep for memory). -ENOMEM. */
__must_check int mmu_leaf_get(struct arch_mmu *mmu, uaddr_t addr, pte_t **slot);

/*
 * Walks what is populated: moves *addr up to the first address in [*addr, end) that has a leaf
 * table and returns its slot, or NULL when there is none. The caller may step through slots up to
 * the next LEAF_SIZE boundary, sets *addr to where it stopped, and calls again:
 *
 *     for (uaddr_t a = start; (slot = mmu_leaf_next(mmu, &a, end)); a = stop)
 *             for (stop = min(end, mmu_leaf_end(a)); a < stop; a += PAGE_SIZE, slot++) ...
 */
pte_t *mmu_leaf_next(struct arch_mmu *mmu, uaddr_t *addr, uaddr_t end);

/* The first address past the leaf table that maps addr. */
static inline uaddr_t mmu_leaf_end(uaddr_t addr)
{
	return (addr | (LEAF_SIZE - 1)) + 1;
}

/* The lock of the leaf table that holds the slot. Spins; rank "page-table page". */
void mmu_leaf_lock(pte_t *slot) __acquires(slot);
void mmu_leaf_unlock(pte_t *slot) __releases(slot);

/* Two tables of two spaces (fork): the lower address first, the same one once. */
void mmu_leaf_lock_two(pte_t *a, pte_t *b) __acquires(a) __acquires(b);
void mmu_leaf_unlock_two(pte_t *a, pte_t *b) __releases(a) __releases(b);

/*
 * Leaf tables with several users (fork). The entries that lead to such a table lack the right to
 * write, and nothing in it changes until a user has got a table of its own. share, unshare and drop
 * replace entries of upper tables: the caller holds the locks of the spaces for writing, so that no
 * slot of theirs is in use.
 */

/*
 * True if the table may have other users, or is still read-only as a whole: unshare before a
 * change.
 */
bool mmu_leaf_is_shared(const pte_t *slot);

/*
 * The table for addr in `from` serves `to` as well, which has none there. The caller flushes
 * `from`. The note is the caller's, the same for all users; it stays while the table is shared.
 * -ENOMEM.
 */
__must_check int mmu_leaf_share(struct arch_mmu *from, struct arch_mmu *to, uaddr_t addr,
                                uint32_t note);
uint32_t mmu_leaf_note(const pte_t *slot);

/*
 * The table for addr becomes this space's own: as it is if there is no other user any more, else a
 * new one that copy(from, to) fills under the lock of the old one. Slots found before are void.
 * -ENOMEM.
 */
__must_check int mmu_leaf_unshare(struct arch_mmu *mmu, uaddr_t addr,
                                  void (*copy)(pte_t *from, pte_t *to));

/*
 * Gives the table for addr up to its other users: true, and the space has none there any more,
 * which is flushed if asked. False, and nothing done, if there are no others.
 */
bool mmu_leaf_drop(struct arch_mmu *mmu, uaddr_t addr, bool flush);

/*
 * Frees the tables that lie wholly in [start, end), whose PTEs are all 0. The caller holds the
 * space's lock for writing. Flushes what the CPUs cached of them.
 */
void mmu_free_tables(struct arch_mmu *mmu, uaddr_t start, uaddr_t end);

/*
 * TLB. These return when no CPU can use an old translation any more. Interrupts on, no spinlock
 * that is ever taken with interrupts off (others must be able to answer).
 */
void mmu_flush_page(struct arch_mmu *mmu, uaddr_t addr);
void mmu_flush_range(struct arch_mmu *mmu, uaddr_t start, uaddr_t end);
void mmu_flush_all(struct arch_mmu *mmu);

/*
 * Every other CPU that runs in the space (NULL: every other CPU) has passed a full barrier and a
 * serialising instruction, out of an interrupt: membarrier(2). As the TLB's.
 */
void mmu_barrier(struct arch_mmu *mmu);

/*
 * Gathers flushes, so that many changes cost one: init, add for each PTE that lost a right, flush.
 */
struct tlb_batch {
	struct arch_mmu *mmu;
	uaddr_t          start, end; /* what was touched; start >= end when nothing was */
	uint32_t         nr_pages;
};

static inline void tlb_batch_init(struct tlb_batch *batch, struct arch_mmu *mmu)
{
	*batch = (struct tlb_batch){ .mmu = mmu, .start = ~0ul };
}

static inline void tlb_batch_add(struct tlb_batch *batch, uaddr_t addr)
{
	batch->start = addr < batch->start ? addr : batch->start;
	batch->end = addr + PAGE_SIZE > batch->end ? addr + PAGE_SIZE : batch->end;
	batch->nr_pages++;
}

/* Flushes what was added and empties the batch. Conditions as for mmu_flush_range(). */
void tlb_batch_flush(struct tlb_batch *batch);

/*
 * Kernel mappings outside the direct map (vmalloc). kaddr and paddr are page aligned; the range
 * was not mapped before. Neither sleeps; both take RANK_KERNEL_TABLE. -ENOMEM (nothing is mapped
 * then).
 */
__must_check int kmap_pages(kaddr_t kaddr, paddr_t paddr, size_t nr_pages, uint32_t prot);

/*
 * Unmaps and flushes on all CPUs; pages that were not mapped are skipped. Frames are the caller's.
 */
void kunmap_pages(kaddr_t kaddr, size_t nr_pages);

/* The physical address behind any mapped kernel address; false if there is none. */
bool kmap_lookup(kaddr_t kaddr, paddr_t *paddr);

/* Builds the final kernel page tables with the right to write or to execute, never both. */
void paging_init(void);

/*
 * From here on __ro_after_init data cannot be written, and nothing of the image from `from`
 * (init_start, or ktest_start, which lies before it) to init_end is mapped.
 */
void paging_seal(const char *from);

/*
 * Walks the kernel half of all page tables: nothing may be written and executed, text and constants
 * not be written by any way, nothing be the users'. After paging_seal(). Tells the log; false if
 * something was wrong.
 */
bool paging_check(void);
