/*
 * Restartable sequences. See proc/rseq.h; the layout is linux/rseq.h's.
 */
#include "proc/rseq.h"

#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/rseq.h>

#include "arch/percpu.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "vm/usercopy.h"

static struct rseq __user *own_area(void)
{
	return (struct rseq __user *)task_current()->rseq_area;
}

int rseq_register(uaddr_t area, uint32_t size, uint32_t signature)
{
	struct task *task = task_current();

	if (task->rseq_area) {
		if (task->rseq_area != area || size != sizeof(struct rseq))
			return -EINVAL;
		return task->rseq_signature == signature ? -EBUSY : -EPERM;
	}
	if (area % __alignof__(struct rseq) || size != sizeof(struct rseq))
		return -EINVAL;
	if (!user_range_ok((void __user *)area, size))
		return -EFAULT;
	task->rseq_area = area;
	task->rseq_signature = signature;
	thread_set_flag(&task->thread, TF_NOTIFY);
	return 0;
}

static int write_cpu(uint32_t cpu_start, uint32_t cpu)
{
	struct rseq __user *area = own_area();

	return put_user(cpu_start, &area->cpu_id_start) || put_user(cpu, &area->cpu_id) ? -EFAULT
											: 0;
}

int rseq_unregister(uaddr_t area, uint32_t size, uint32_t signature)
{
	struct task *task = task_current();

	if (!task->rseq_area || task->rseq_area != area || size != sizeof(struct rseq))
		return -EINVAL;
	if (task->rseq_signature != signature)
		return -EPERM;
	if (write_cpu(0, RSEQ_CPU_ID_UNINITIALIZED))
		return -EFAULT;
	task->rseq_area = 0;
	return 0;
}

/*
 * The section must be sane and its abort handler carry the signature: else any memory could be
 * jumped to.
 */
static int check_section(const struct rseq_cs *section)
{
	uint32_t signature;

	if (section->version || section->flags ||
	    section->start_ip + section->post_commit_offset < section->start_ip ||
	    section->abort_ip - section->start_ip < section->post_commit_offset)
		return -EINVAL;
	if (get_user(signature, (const uint32_t __user *)(section->abort_ip - sizeof(signature))))
		return -EFAULT;
	return signature == task_current()->rseq_signature ? 0 : -EINVAL;
}

static int leave_section(struct pt_regs *regs)
{
	struct rseq __user *area = own_area();
	struct rseq_cs section;
	uint64_t pointer;

	if (get_user(pointer, (const uint64_t __user *)&area->rseq_cs))
		return -EFAULT;
	if (!pointer)
		return 0;
	if (copy_from_user(&section, (const void __user *)pointer, sizeof(section)) ||
	    check_section(&section))
		return -EFAULT;
	if (regs->rip - section.start_ip < section.post_commit_offset)
		regs->rip = section.abort_ip;
	pointer = 0;
	return put_user(pointer, (uint64_t __user *)&area->rseq_cs);
}

void rseq_resume_registered(struct pt_regs *regs)
{
	uint32_t cpu = cpu_id();

	if (leave_section(regs) || write_cpu(cpu, cpu))
		signal_force(SIGSEGV, SIGINFO_KERNEL);
}
