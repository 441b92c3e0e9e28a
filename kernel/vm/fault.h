/*
 * Page faults: what the processor could not reach, explained and, if it may be, made reachable.
 *
 * proc's upcall calls space_fault for faults of user code, and for faults of kernel code on user
 * addresses (then, if it fails, the exception table decides). Interrupts are on; may sleep; the
 * caller holds no lock that a fault may want. docs/life-of-a-page-fault.md tells the story.
 */
#pragma once

#include <arch/upcalls.h>

#include "lib/types.h"

struct space;

/*
 * access: enum fault_access of <arch/upcalls.h>: FAULT_WRITE, FAULT_EXEC, FAULT_USER,
 * FAULT_PRESENT.
 */

struct fault_result {
	int signo;    /* SIGSEGV or SIGBUS, 0 if none */
	int code;     /* SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR */
	bool is_major; /* needed I/O: ru_majflt, else ru_minflt */
};

/*
 * Resolves one fault of the space. 0: the access can be retried. -EFAULT: result has the signal.
 * -ENOMEM: out of memory after reclaim and the OOM hook (the caller kills or retries). -EINTR: a
 * fatal signal is pending. result is always filled.
 */
int __must_check space_fault(struct space *space, uaddr_t addr, unsigned access,
                             struct fault_result *result);
