/*
 * What the files of vm/ share about spaces: taking ranges apart, counting, and walking what is
 * mapped. Every function here wants the space's lock for writing unless it says otherwise.
 */
#pragma once

#include "mem/page.h"
#include "vm/backing.h"
#include "vm/space.h"

/* The lowest address that programs without CAP_SYS_RAWIO may map, as /proc/sys/vm/mmap_min_addr. */
#define MMAP_MIN_ADDR 65536ul

/* A PTE of an area without any access: the frame stays, the processor sees nothing. */
static inline bool pte_has_page(pte_t pte)
{
	return !pte_is_none(pte);
}

static inline struct page *pte_page(pte_t pte)
{
	return phys_to_page(pte_paddr(pte));
}

/* The page of zeroes that untouched anonymous memory is read from; it has no counts. */
extern struct page *zero_page __const_after_init;

/* Takes the lock for writing; -EINTR if a fatal signal comes first. */
static inline int __must_check space_write_lock(struct space *space)
{
	return rwlock_write_lock_killable(&space->lock);
}

static inline void space_write_unlock(struct space *space)
{
	rwlock_write_unlock(&space->lock);
}

/* Address and length of a system call: aligned start, length rounded up, all in the user half. */
struct range {
	uaddr_t start, end;
};
/* 0, -EINVAL (not aligned; past the user half). len 0 gives an empty range. */
int __must_check range_init(struct range *range, uaddr_t addr, size_t len);

/* Counters of one area that comes (sign 1) or goes (sign -1), commitment included in uncharge. */
void space_account(struct space *space, const struct area *area, int64_t sign);
void space_account_pages(struct space *space, uint32_t flags, int64_t pages);

/* Limits before nr pages with these flags are added: 0 or -ENOMEM. */
int __must_check space_check_growth(const struct space *space, uint32_t flags, size_t nr);
/* RLIMIT_MEMLOCK for nr more locked pages: 0 or error. */
bool space_may_lock(const struct space *space, size_t nr);

/*
 * Takes [start, end) out of the space: areas go to *dead, pages and tables are freed. -ENOMEM if a
 * split failed (nothing is changed then, but areas may be split).
 */
int __must_check space_unmap_locked(struct space *space, uaddr_t start, uaddr_t end,
                                    struct area **dead);

/* Splits areas so that start and end are boundaries. -ENOMEM. */
int __must_check space_split_locked(struct space *space, uaddr_t start, uaddr_t end);

/*
 * Makes the pages of [start, end) resident (write: private ones writable). No lock held on entry.
 * 0, or the error of the first page that cannot be: -ENOMEM, -EFAULT (SIGSEGV or SIGBUS), -EINTR.
 */
int __must_check space_populate(struct space *space, uaddr_t start, uaddr_t end, bool write);

/* What may be locked and populated: not the kernel's own areas. */
static inline bool area_is_lockable(const struct area *area)
{
	return !(area->flags & VM_KERNEL);
}

/* PTE rights of a page of the area; write only where a store may go through at once. */
static inline pte_t area_pte(const struct area *area, const struct page *page, bool write)
{
	uint32_t prot = PROT_PTE_USER;
	pte_t pte;

	if (area->flags & VM_EXEC)
		prot |= PROT_PTE_EXEC;
	if (write)
		prot |= PROT_PTE_WRITE | PROT_PTE_DIRTY;
	pte = pte_make(page_to_phys(page), prot);
	return area->flags & VM_ACCESS ? pte : pte & ~PTE_PRESENT;
}

/* Which of the rss counters a page in this area counts for. */
static inline uint64_t *space_rss_counter(struct space *space, const struct area *area,
                                          const struct page *page)
{
	if (page_is(page, PAGE_ANON))
		return &space->rss_anon;
	return area->backing && area->backing->is_shmem ? &space->rss_shmem : &space->rss_file;
}

/*
 * Tables shared by fork, vm/share.c. Before PTEs of [start, end) change: every table there becomes
 * the space's own. -ENOMEM.
 */
int __must_check space_unshare_locked(struct space *space, uaddr_t start, uaddr_t end);
/* The same for the table of one address, taking the lock. -ENOMEM, -EINTR. */
int __must_check space_unshare(struct space *space, uaddr_t addr);
/* True if some table of the range is shared. The lock in any mode. */
bool space_has_shared(struct space *space, uaddr_t start, uaddr_t end);
/* True if nothing else than this anonymous area uses the leaf table of addr. */
bool area_owns_leaf(const struct area *area, uaddr_t addr);
/* Pages that a leaf table maps, the page of zeroes not counted. */
uint32_t leaf_count_pages(const pte_t *table);

/* ASLR; vm/layout.c. */
void layout_init(struct space *space, bool randomize);
uaddr_t layout_stack_top(bool randomize);
uaddr_t layout_brk_start(uaddr_t end_of_data, bool randomize);

/* Adds the pages of the area that info describes to its counts. The space is locked. */
void area_count_resident_locked(struct space *space, struct area_info *info);
