/*
 * One fault on its way through fault.c, fault_anon.c and fault_file.c.
 *
 * The handlers run with the space's lock held for reading and return 0 (done), a negative error, or
 * one of the steps below, which fault.c takes for them. -EFAULT comes with result->signo set.
 */
#pragma once

#include <linux/errno.h>

#include "vm/fault.h"
#include "vm/space_impl.h"

/* Internal access bit: rights of the area do not count, as for ptrace. */
#define FAULT_FORCE (1u << 16)

enum fault_step {
	FAULT_DONE,
	FAULT_RETRY,    /* something changed under way: look again */
	FAULT_NEEDS_IO, /* ask the backing's fault operation, without the lock, and look again */
	/* the leaf table is shared since a fork: one of our own, with the lock for writing */
	FAULT_UNSHARE,
	FAULT_GROW,     /* the stack's area has to grow down to addr, with the lock for writing */
};

struct fault {
	struct space *space;
	uaddr_t addr; /* page aligned */
	unsigned access;
	struct fault_result *result;

	/* While the lock is held. */
	struct area *area;
	pte_t *slot;

	/* What the backing's fault operation brought, with a reference; NULL: nothing yet. */
	struct page *io_page;
	struct backing *io_backing;
	pgoff_t io_pgoff;
};

static inline bool fault_is_write(const struct fault *fault)
{
	return fault->access & FAULT_WRITE;
}

/* Notes the signal and gives the error that goes with it. */
static inline int fault_signal(struct fault *fault, int signo, int code)
{
	fault->result->signo = signo;
	fault->result->code = code;
	return -EFAULT;
}

/* No page yet, in memory without a backing. */
int fault_anon(struct fault *fault);

/* A store to a page that is there, read-only, in a private area. */
int fault_copy(struct fault *fault);

/*
 * Puts a private copy of page (with a reference that it consumes; zero_page has none) into the
 * slot, which must still hold pte. Flushes if there was something.
 */
int fault_install_copy(struct fault *fault, struct page *page, pte_t pte);

/* No page yet, in a mapping of an object. */
int fault_file(struct fault *fault);

/* A store to a page that is there, read-only, in a shared area. */
int fault_shared_write(struct fault *fault);

/* The I/O of FAULT_NEEDS_IO. Called with the lock, lets it go. 0 or -errno. */
int fault_file_io(struct fault *fault);

/* As space_fault, with FAULT_FORCE allowed. */
int space_fault_access(struct space *space, uaddr_t addr, unsigned access,
                       struct fault_result *result);

/* Makes the stack's area reach down to addr; -ENOMEM if it may not. Takes the lock for writing. */
int space_grow_stack(struct space *space, uaddr_t addr);
