/*
 * The dispatch tables, made from syscalls.tbl, and the end of every unknown number.
 *
 * There is no lock: the tables are constant, and the memory of which numbers were complained about
 * is a bitmap whose bits are only ever set, atomically.
 */
#define pr_fmt(fmt) "syscall: " fmt

#include "syscall/dispatch.h"

#include <arch/syscall.h>
#include <arch/upcalls.h>
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

long upcall_syscall_unknown(long nr)
{
	if ((unsigned long)nr >= NR_SYSCALLS)
		pr_info_ratelimited("number %ld is not a system call\n", nr);
	else if (complaint_is_first((unsigned long)nr))
		pr_info("number %ld is not supported\n", nr);
	return -ENOSYS;
}

long sys_enosys(void)
{
	return upcall_syscall_unknown((uint32_t)arch_syscall_nr(task_regs(task_current())));
}

const uint64_t syscall_table_size = NR_SYSCALLS;

const syscall_handler syscall_table[] = { SYSCALL_ENTRIES };

const syscall_handler syscall_handlers[] = { SYSCALL_HANDLERS };
