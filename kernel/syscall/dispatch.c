/*
 * The dispatch table, made from syscalls.tbl, and the end of every unknown number.
 *
 * There is no lock: the table is constant, and the memory of which numbers were complained about
 * is a bitmap whose bits are only ever set, atomically.
 */
#define pr_fmt(fmt) "syscall: " fmt

#include "syscall/dispatch.h"

#include <asm/ptrace.h>
#include <linux/errno.h>

#include "core/printk.h"
#include "proc/task.h"
#include "syscall/prototypes.h"
#include "syscall/table.h"

static uint64_t complained[(NR_SYSCALLS + 63) / 64] __atomic;

/* True the first time that it is asked about a number of the table. */
static bool complaint_is_first(unsigned long nr)
{
	uint64_t bit = 1ull << nr % 64;

	return !(__atomic_fetch_or(&complained[nr / 64], bit, __ATOMIC_RELAXED) & bit);
}

long sys_enosys(void)
{
	unsigned long nr = task_regs(task_current())->orig_rax;

	if (nr >= NR_SYSCALLS)
		pr_info_ratelimited("number %ld is not a system call\n", (long)nr);
	else if (complaint_is_first(nr))
		pr_info("number %lu is not supported\n", nr);
	return -ENOSYS;
}

const uint64_t syscall_irqsoff[] = { SYSCALLS_IRQSOFF };

const syscall_fn syscall_table[] = { SYSCALL_ENTRIES };
