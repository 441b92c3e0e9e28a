/*
 * Robust lists: locks that a dying task leaves behind are marked for the next owner.
 * set_robust_list(2), Documentation/locking/robust-futex-ABI of Linux.
 *
 * Everything here is the program's own memory and may be anything: the walk is bounded, every
 * access may fail, and the next entry is read before the present one is given away.
 */
#include <linux/futex.h>

#include "arch/usercopy.h"
#include "proc/futex.h"
#include "proc/proc.h"
#include "vm/usercopy.h"

/* In the list pointers: a priority-inheritance lock, which is never waited for here. */
#define PI_BIT 1ul

/* Marks the lock word as left by its dead owner and wakes one waiter. False: the memory is bad. */
static bool give_up_lock(uaddr_t address, pid_t tid, bool is_pending)
{
	uint32_t __user *word = (uint32_t __user *)address;
	uint32_t now, old;

	if (address % sizeof(uint32_t) || user_get_u32(&now, word))
		return false;
	/* An unlock that was cut short between its store and its wake-up. */
	if (is_pending && !now) {
		futex_wake_address(address, 1);
		return true;
	}
	for (; (now & FUTEX_TID_MASK) == (uint32_t)tid; now = old) {
		if (user_cmpxchg_u32(word, now, (now & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &old))
			return false;
		if (old == now) {
			if (now & FUTEX_WAITERS)
				futex_wake_address(address, 1);
			break;
		}
	}
	return true;
}

void futex_task_exits(struct task *task)
{
	uaddr_t head = task->robust_list, entry, next, pending;
	struct robust_list_head copy;
	pid_t tid = task_tid(task);

	task->robust_list = 0;
	if (!head || copy_from_user(&copy, (const void __user *)head, sizeof(copy)))
		return;
	entry = (uaddr_t)copy.list.next;
	pending = (uaddr_t)copy.list_op_pending;
	for (int left = ROBUST_LIST_LIMIT; (entry & ~PI_BIT) != head && left;
	     left--, entry = next) {
		bool is_bad =
			copy_from_user(&next, (const void __user *)(entry & ~PI_BIT), sizeof(next));

		if ((entry & ~PI_BIT) != (pending & ~PI_BIT) &&
		    !give_up_lock((entry & ~PI_BIT) + (uaddr_t)copy.futex_offset, tid, false))
			return;
		if (is_bad)
			return;
		cond_resched();
	}
	if (pending & ~PI_BIT)
		(void)give_up_lock((pending & ~PI_BIT) + (uaddr_t)copy.futex_offset, tid, true);
}
