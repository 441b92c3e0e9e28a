/*
 * An address space: the user half that the threads of a process share.
 *
 * Two counts. users: threads that run in it (and others that work on it, such as /proc); when the
 * last one goes, the areas and pages go (may sleep long). refs: who needs only the struct, such as
 * a CPU that still has it loaded; all users together hold one. A space is made by space_create
 * (exec) or space_fork.
 *
 * Lock: space->lock, a sleeping rwlock, rank "vm space". Areas and layout change under it for
 * writing; faults take it for reading, and let go while they read from a disk. PTEs change under
 * the lock of their leaf table. Counters are atomic. All functions here sleep and take the lock
 * themselves, unless they say otherwise.
 *
 * Addresses from the caller need not be valid: everything is checked here. Errors are those of the
 * system calls.
 */
#pragma once

#include <arch/mmu.h>

#include "lib/rbtree.h"
#include "lib/refcount.h"
#include "lib/types.h"
#include "sched/rwlock.h"
#include "vm/area.h"

struct backing;
struct file;
struct page;

/* Limits that the space enforces; copies of the rlimits, ~0ul is RLIM_INFINITY. Bytes. */
struct space_limits {
	size_t as;      /* RLIMIT_AS: all areas */
	size_t data;    /* RLIMIT_DATA: brk and private writable areas */
	size_t stack;   /* RLIMIT_STACK: growth of the stack, place of the mmap area */
	size_t memlock; /* RLIMIT_MEMLOCK; see space_set_lock_limit */
};

/* Where exec put things, for /proc/PID/stat and prctl(PR_SET_MM). */
struct space_bounds {
	uaddr_t start_code, end_code, start_data, end_data;
	uaddr_t start_stack, arg_start, arg_end, env_start, env_end;
	uaddr_t auxv; /* on the stack; 0: none */
};

struct space {
	struct refcount users;
	struct refcount refs;
	struct arch_mmu mmu;
	struct rwlock lock;
	struct rbtree areas __guarded_by(lock);
	struct area *last_found __atomic; /* hint for lookups; cleared when areas go */
	uint32_t nr_areas __guarded_by(lock);
	/* MEMBARRIER_CMD_REGISTER_*, as syscall/rseq.c uses them; fork inherits them */
	uint32_t membarriers __atomic;
	/* proc/oom.c: nothing more is to be gained here, another victim may be chosen */
	bool is_passed_over __atomic;

	uaddr_t brk_start __guarded_by(lock); /* end of the data segment, page aligned by ASLR */
	uaddr_t brk_now __guarded_by(lock);
	uaddr_t mmap_base __guarded_by(lock);  /* searches go down from here */
	uaddr_t stack_top __guarded_by(lock);  /* end of the stack's area */
	uaddr_t vdso __guarded_by(lock);       /* for AT_SYSINFO_EHDR; 0 if unmapped */
	struct space_bounds bounds __guarded_by(lock);
	struct space_limits limits __guarded_by(lock);
	/* mlockall(MCL_FUTURE): VM_LOCKED, VM_LOCKONFAULT */
	uint32_t future_lock __guarded_by(lock);

	/* In pages. */
	uint64_t total_vm __guarded_by(lock);
	uint64_t data_vm __guarded_by(lock);  /* private writable, not stack */
	uint64_t stack_vm __guarded_by(lock);
	uint64_t exec_vm __guarded_by(lock);
	uint64_t locked_vm __guarded_by(lock);
	uint64_t rss_anon __atomic;
	uint64_t rss_file __atomic;
	uint64_t rss_shmem __atomic;
	uint64_t hiwater_rss __atomic; /* may lag: see space_hiwater_rss */
	uint64_t hiwater_vm __guarded_by(lock);
};

/*
 * /proc/sys/kernel/randomize_va_space: 0 nothing, 1 mmap base, stack, program and vDSO, 2 also the
 * heap.
 */
extern int space_randomize __atomic;

/* An empty space for exec. randomize: ASLR of mmap base, stack and brk. -ENOMEM. */
int __must_check space_create(const struct space_limits *limits, bool randomize,
                              struct space **out);

/*
 * A copy for a new process: areas and contents, copy-on-write on both sides; MADV_DONTFORK and
 * MADV_WIPEONFORK are honoured, locks are not inherited. users and refs are 1. -ENOMEM, -EINTR.
 */
int __must_check space_fork(struct space *parent, struct space **child);

/* Users. try_get fails if the last user has gone: for looking at another process. */
void space_get(struct space *space);
bool space_try_get(struct space *space);
void space_put(struct space *space);

/* References to the struct alone. Do not sleep. */
void space_ref(struct space *space);
void space_unref(struct space *space);

/* New rlimits (exec, prlimit); does not look at what is mapped already. */
void space_set_limits(struct space *space, const struct space_limits *limits);

/* What to map. flags: VM_*, of which the VM_MAY* are the caller's decision. */
struct map_request {
	uaddr_t addr;            /* hint, or the place with MAP_FIXED* */
	size_t len;              /* bytes, rounded up to pages; 0 is -EINVAL */
	uint32_t vm_flags;       /* VM_READ WRITE EXEC SHARED MAY* GROWSDOWN LOCKED NORESERVE ... */
	uint32_t map_flags;      /* of MAP_*: FIXED FIXED_NOREPLACE 32BIT POPULATE NONBLOCK */
	struct backing *backing; /* NULL: anonymous, private */
	struct file *file;       /* lent; the area takes its own reference by ops->area_get */
	pgoff_t pgoff;           /* of addr in the backing */
	const char *name;        /* see struct area */
	bool may_map_low;        /* CAP_SYS_RAWIO: MAP_FIXED below vm.mmap_min_addr */
};

/*
 * Maps. The address in *out. mmap(2): -EINVAL -ENOMEM -EEXIST -EAGAIN (RLIMIT_MEMLOCK) -EPERM
 * -EOVERFLOW. With MAP_POPULATE or VM_LOCKED the pages are made resident (failure is not an error).
 */
int __must_check space_map(struct space *space, const struct map_request *request, uaddr_t *out);

/* munmap(2). */
int __must_check space_unmap(struct space *space, uaddr_t addr, size_t len);

/* mprotect(2); prot is of PROT_READ WRITE EXEC GROWSDOWN GROWSUP. */
int __must_check space_protect(struct space *space, uaddr_t addr, size_t len, unsigned prot);

struct remap_request {
	uaddr_t addr;
	size_t old_len, new_len;
	unsigned flags; /* MREMAP_* */
	uaddr_t new_addr;
};

/* mremap(2). */
int __must_check space_remap(struct space *space, const struct remap_request *request,
                             uaddr_t *out);

/* brk(2): returns the new break, which is the old one if the wish cannot be met (0 asks). */
uaddr_t space_brk(struct space *space, uaddr_t brk);

/* exec: the heap begins behind the end of the program's data, at a random distance with ASLR. */
void space_set_brk_start(struct space *space, uaddr_t end_of_data, bool randomize);

/* madvise(2), MADV_POPULATE_* included. */
int __must_check space_advise(struct space *space, uaddr_t addr, size_t len, int advice);

/* msync(2); flags of MS_*, judged here. */
int __must_check space_sync(struct space *space, uaddr_t addr, size_t len, unsigned flags);

/* mlock2(2) and munlock(2): on is 0, VM_LOCKED, or VM_LOCKED | VM_LOCKONFAULT. */
int __must_check space_lock(struct space *space, uaddr_t addr, size_t len, uint32_t on);

/* The limit for what follows: RLIMIT_MEMLOCK, or ~0ul for one who has CAP_IPC_LOCK. */
void space_set_lock_limit(struct space *space, size_t memlock);

/* mlockall(2), flags of MCL_*; 0: munlockall. */
int __must_check space_lock_all(struct space *space, unsigned flags);

/*
 * mincore(2) for nr pages from addr: bit 0 of vec[i] is set if the page is resident. -ENOMEM if
 * some address is not mapped (addr + nr pages lie in the user half).
 */
int __must_check space_resident(struct space *space, uaddr_t addr, size_t nr, uint8_t *vec);

/*
 * The stack for exec: an area of 132 KiB that grows down to RLIMIT_STACK, executable if asked; *top
 * is its end, 16-byte aligned and randomised. The caller writes the strings by space_access or,
 * once the space is active, by copies.
 */
int __must_check space_stack_create(struct space *space, bool executable, bool randomize,
                                    uaddr_t *top);

/* Maps [vvar] and [vdso] and sets space->vdso. */
int __must_check space_map_vdso(struct space *space);

/*
 * Copies between the space and kernel memory, of whichever process: ptrace, /proc/PID/mem,
 * process_vm_readv, exec's argument strings. Returns the bytes copied (short at the first address
 * that is not accessible). force ignores missing VM_READ and VM_WRITE as ptrace does (a write to a
 * private mapping makes a private copy).
 */
#define SPACE_ACCESS_WRITE 1u
#define SPACE_ACCESS_FORCE 2u
size_t space_access(struct space *space, uaddr_t addr, void *buf, size_t n, unsigned how);

/*
 * The page behind a user address and a reference to it, faulted in (writable if write): for futexes
 * in shared memory, vmsplice, direct I/O. -EFAULT, -ENOMEM, -EINTR.
 */
int __must_check space_get_page(struct space *space, uaddr_t addr, bool write, struct page **out);

/*
 * Which object and offset a futex word is keyed by: for a shared mapping the object's number
 * (backing_number()) and the byte in it; for a private one *object is 0. -EFAULT, -EINTR.
 */
int __must_check space_shared_key(struct space *space, uaddr_t addr, uint64_t *object,
                                  uint64_t *offset);

/* The area that contains addr, or NULL. The caller holds the lock, and only borrows the area. */
struct area *space_find_area_locked(struct space *space, uaddr_t addr);
/* The first area whose end lies above addr, or NULL. */
struct area *space_next_area_locked(struct space *space, uaddr_t addr);

/* A copy of what one area is, for /proc/PID/maps. */
struct area_info {
	uaddr_t start, end;
	uint32_t flags;
	pgoff_t pgoff;
	struct backing *backing;
	struct file *file; /* held: give back by area_info_put */
	const char *name;  /* "[heap]", "[stack]", "[vdso]", "[vvar]" or NULL */
	size_t nr_resident, nr_anon; /* pages, and the private copies among them; if counted */
};

/*
 * Describes the first area that ends above addr: true, and a reference to its file; false at the
 * end. Walk by passing info.end of the one before.
 */
bool space_area_info(struct space *space, uaddr_t addr, struct area_info *info);
/* Up to nr of them under one hold of the lock; `count` their pages. How many: 0 at the end. */
size_t space_areas_info(struct space *space, uaddr_t addr, struct area_info *infos, size_t nr,
                        bool count);
void area_info_put(struct area_info *info);

/* In pages. */
uint64_t space_rss(const struct space *space);
uint64_t space_hiwater_rss(const struct space *space);

/*
 * Takes the private memory of a process back that is being killed for want of it, without waiting
 * for it to die: from then on its threads get EFAULT there. -EBUSY: a writer holds the lock. The
 * caller is a user of the space and holds no lock.
 */
int __must_check space_reap(struct space *space);

/* Start-up: the page of zeroes, the vDSO, the reclaim hook. After pages can be allocated. */
void vm_init(void);
