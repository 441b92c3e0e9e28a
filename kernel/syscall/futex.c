/*
 * futex(2), set_robust_list(2), get_robust_list(2).
 */
#include "proc/futex.h"

#include <linux/errno.h>
#include <linux/futex.h>
#include <linux/time_types.h>

#include "proc/proc.h"
#include "syscall/prototypes.h"
#include "syscall/timespec.h"
#include "vm/usercopy.h"

static bool takes_timeout(int operation)
{
	int command = operation & FUTEX_CMD_MASK;

	return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
}

long sys_futex(uint32_t __user *word, int operation, uint32_t value, const void __user *timeout,
	       uint32_t __user *word2, uint32_t value3)
{
	struct futex_request request = {
		.address = (uaddr_t)word,
		.op = (unsigned)operation,
		.value = value,
		.value2 = (uint32_t)(uaddr_t)timeout,
		.value3 = value3,
		.address2 = (uaddr_t)word2,
	};

	if (timeout && takes_timeout(operation)) {
		int err = timespec_read(timeout, &request.timeout_ns);

		if (err)
			return err;
		request.has_timeout = true;
	}
	return futex_operate(&request);
}

long sys_set_robust_list(struct robust_list_head __user *head, size_t size)
{
	if (size != sizeof(struct robust_list_head))
		return -EINVAL;
	task_current()->robust_list = (uaddr_t)head;
	return 0;
}

long sys_get_robust_list(pid_t pid, uaddr_t __user *head, size_t __user *size)
{
	struct task *task = task_current();
	uaddr_t list;
	int err = 0;

	if (pid)
		task = task_lookup(pid);
	else
		task_get(task);
	if (!task)
		return -ESRCH;
	err = task_may_access(task);
	list = task->robust_list;
	task_put(task);
	if (err)
		return err;
	if (put_user(sizeof(struct robust_list_head), size) || put_user(list, head))
		return -EFAULT;
	return 0;
}
