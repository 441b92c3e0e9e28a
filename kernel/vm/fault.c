/*
 * The fault itself: find the area, judge the access, and hand over to the kind of memory that it
 * is. The lock is held for reading while a handler runs, and let go for what may take long.
 */
#include "vm/fault.h"

#include <asm/siginfo.h>
#include <linux/errno.h>
#include <linux/signal.h>

#include "sched/thread.h"
#include "vm/fault_impl.h"

static bool access_is_allowed(const struct fault *fault)
{
	uint32_t flags = fault->area->flags;

	if (fault->access & FAULT_FORCE && (!fault_is_write(fault) || area_is_cow(fault->area)))
		flags |= flags >> 4 & VM_ACCESS;
	if (fault_is_write(fault))
		return flags & VM_WRITE;
	if (fault->access & FAULT_EXEC)
		return flags & VM_EXEC;
	return flags & VM_ACCESS;
}

/* The lock is held for reading. */
static int fault_step(struct fault *fault)
{
	struct space *space = fault->space;
	struct area *area = space_next_area_locked(space, fault->addr);
	pte_t pte;

	if (!area)
		return fault_signal(fault, SIGSEGV, SEGV_MAPERR);
	if (unlikely(fault->addr < area->start)) {
		if (area->flags & VM_GROWSDOWN)
			return FAULT_GROW;
		return fault_signal(fault, SIGSEGV, SEGV_MAPERR);
	}
	fault->area = area;
	if (unlikely(!access_is_allowed(fault)))
		return fault_signal(fault, SIGSEGV, SEGV_ACCERR);
	if (unlikely(mmu_leaf_get(&space->mmu, fault->addr, &fault->slot)))
		return -ENOMEM;
	pte = pte_read(fault->slot);
	if (unlikely(mmu_leaf_is_shared(fault->slot))
	    && (fault_is_write(fault) || !pte_has_page(pte)))
		return FAULT_UNSHARE;
	if (!pte_has_page(pte))
		return area->backing ? fault_file(fault) : fault_anon(fault);
	if (fault_is_write(fault) && !pte_is_writable(pte))
		return area->flags & VM_SHARED ? fault_shared_write(fault) : fault_copy(fault);
	return FAULT_DONE;
}

int space_fault_access(struct space *space, uaddr_t addr, unsigned access,
                       struct fault_result *result)
{
	struct fault fault = {
		.space = space,
		.addr = addr & PAGE_MASK,
		.access = access,
		.result = result,
	};
	int err;

	*result = (struct fault_result){ 0 };
	if (addr >= USER_MAX)
		return fault_signal(&fault, SIGSEGV, SEGV_MAPERR);
	do {
		err = rwlock_read_lock_killable(&space->lock);
		if (err)
			break;
		err = fault_step(&fault);
		if (unlikely(err == FAULT_NEEDS_IO)) {
			err = fault_file_io(&fault);
			err = err ? err : FAULT_RETRY;
			continue;
		}
		rwlock_read_unlock(&space->lock);
		if (unlikely(err == FAULT_UNSHARE)) {
			err = space_unshare(space, fault.addr);
			err = err ? err : FAULT_RETRY;
		}
		if (unlikely(err == FAULT_GROW)) {
			err = FAULT_RETRY;
			if (space_grow_stack(space, fault.addr))
				err = fault_signal(&fault, SIGSEGV, SEGV_MAPERR);
		}
	} while (err > 0);
	if (fault.io_page)
		page_put(fault.io_page);
	return err;
}

int space_fault(struct space *space, uaddr_t addr, unsigned access, struct fault_result *result)
{
	return space_fault_access(space, addr, access, result);
}
