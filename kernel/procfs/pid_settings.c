/*
 * The small files of a process: its name, limits, adjustments and counts, some of which can be
 * written (proc(5)).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/oom.h>

#include "arch/thread.h"
#include "lib/math.h"
#include "lib/parse.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "proc/dump.h"
#include "proc/oom.h"
#include "proc/proc.h"
#include "procfs/pid.h"

/* ---- comm ---------------------------------------------------------------------------------- */

int show_pid_comm(struct task *task, struct text *text)
{
	text_printf(text, "%s\n", task->thread.name);
	return 0;
}

/* A thread may be named by any thread of its process. */
int write_pid_comm(struct task *task, char *line, size_t len)
{
	if (task->proc != proc_current())
		return -EINVAL;
	thread_set_name(&task->thread, line);
	return 0;
}

/* ---- limits -------------------------------------------------------------------------------- */

static const struct {
	const char *name, *unit;
} limits[] = {
	[RLIMIT_CPU] = { "Max cpu time", "seconds" },
	[RLIMIT_FSIZE] = { "Max file size", "bytes" },
	[RLIMIT_DATA] = { "Max data size", "bytes" },
	[RLIMIT_STACK] = { "Max stack size", "bytes" },
	[RLIMIT_CORE] = { "Max core file size", "bytes" },
	[RLIMIT_RSS] = { "Max resident set", "bytes" },
	[RLIMIT_NPROC] = { "Max processes", "processes" },
	[RLIMIT_NOFILE] = { "Max open files", "files" },
	[RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" },
	[RLIMIT_AS] = { "Max address space", "bytes" },
	[RLIMIT_LOCKS] = { "Max file locks", "locks" },
	[RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
	[RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" },
	[RLIMIT_NICE] = { "Max nice priority", NULL },
	[RLIMIT_RTPRIO] = { "Max realtime priority", NULL },
	[RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
};

static void put_limit(struct text *text, uint64_t value)
{
	if (value == RLIM64_INFINITY)
		text_puts(text, "unlimited            ");
	else
		text_printf(text, "%-20lu ", value);
}

int show_pid_limits(struct task *task, struct text *text)
{
	text_puts(text, "Limit                     Soft Limit           Hard Limit           "
	                "Units     \n");
	for (unsigned int i = 0; i < RLIM_NLIMITS; i++) {
		text_printf(text, "%-25s ", limits[i].name);
		put_limit(text, rlimit_get(&task->proc->limits, i));
		put_limit(text, rlimit_hard(&task->proc->limits, i));
		if (limits[i].unit)
			text_printf(text, "%-10s\n", limits[i].unit);
		else
			text_puts(text, "\n");
	}
	return 0;
}

/* ---- out of memory ------------------------------------------------------------------------- */

int show_pid_oom_score(struct task *task, struct text *text)
{
	text_printf(text, "%ld\n", oom_score(task->proc));
	return 0;
}

int show_pid_oom_score_adj(struct task *task, struct text *text)
{
	text_printf(text, "%d\n", atomic_load_relaxed(&task->proc->oom_score_adj));
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* A number with spaces around it. */
static int parse_adjustment(char *line, int32_t *adjust)
{
	char *end = line + strlen(line);

	while (end > line && is_space(end[-1]))
		*--end = '\0';
	while (is_space(*line))
		line++;
	return parse_i32(line, adjust);
}

int write_pid_oom_score_adj(struct task *task, char *line, size_t len)
{
	int32_t adjust;
	int err = parse_adjustment(line, &adjust);

	if (err)
		return -EINVAL;
	if (adjust < OOM_SCORE_ADJ_MIN || adjust > OOM_SCORE_ADJ_MAX)
		return -EINVAL;
	return oom_set_adjustment(task, adjust, false);
}

/* The old scale of -17 to 15. */
int show_pid_oom_adj(struct task *task, struct text *text)
{
	int32_t adjust = atomic_load_relaxed(&task->proc->oom_score_adj);

	if (adjust == OOM_SCORE_ADJ_MAX)
		adjust = OOM_ADJUST_MAX;
	else
		adjust = min(adjust * -OOM_DISABLE / OOM_SCORE_ADJ_MAX, OOM_ADJUST_MAX);
	text_printf(text, "%d\n", adjust);
	return 0;
}

int write_pid_oom_adj(struct task *task, char *line, size_t len)
{
	int32_t adjust;
	int err = parse_adjustment(line, &adjust);

	if (err || ((adjust < OOM_ADJUST_MIN || adjust > OOM_ADJUST_MAX) && adjust != OOM_DISABLE))
		return -EINVAL;
	if (adjust == OOM_ADJUST_MAX)
		return oom_set_adjustment(task, OOM_SCORE_ADJ_MAX, true);
	return oom_set_adjustment(task, adjust * OOM_SCORE_ADJ_MAX / -OOM_DISABLE, true);
}

/* ---- counts and states --------------------------------------------------------------------- */

int show_pid_personality(struct task *task, struct text *text)
{
	text_printf(text, "%08x\n", task->proc->personality);
	return 0;
}

int show_pid_schedstat(struct task *task, struct text *text)
{
	text_printf(text, "%lu 0 %lu\n", thread_runtime(&task->thread),
	            task->thread.switches_voluntary + task->thread.switches_involuntary);
	return 0;
}

/* As on Linux where no hierarchy of control groups is mounted. */
int show_pid_cgroup(struct task *task, struct text *text)
{
	return 0;
}

int show_pid_wchan(struct task *task, struct text *text)
{
	text_puts(text, "0");
	return 0;
}

/* The call that a sleeping task is in; one that runs is not looked into. */
int show_pid_syscall(struct task *task, struct text *text)
{
	char state = task_state_letter(task);
	const struct pt_regs *regs;
	long args[6];

	if (state == 'R' || state == 'Z' || task == task_current()) {
		text_puts(text, "running\n");
		return 0;
	}
	regs = task_regs(task);
	if (arch_syscall_nr(regs) < 0) {
		text_printf(text, "%ld 0x%lx 0x%lx\n", arch_syscall_nr(regs), regs->rsp, regs->rip);
		return 0;
	}
	arch_syscall_args(regs, args);
	text_printf(text, "%ld 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n",
	            arch_syscall_nr(regs), args[0], args[1], args[2], args[3], args[4], args[5],
	            regs->rsp, regs->rip);
	return 0;
}

/* ---- timer slack --------------------------------------------------------------------------- */

int show_pid_timerslack(struct task *task, struct text *text)
{
	text_printf(text, "%lu\n", READ_ONCE(task->timer_slack_ns));
	return 0;
}

int write_pid_timerslack(struct task *task, char *line, size_t len)
{
	uint64_t slack;
	int err = parse_u64(line, &slack);

	if (err)
		return err;
	if (task != task_current() && !cred_capable(task_current()->cred, CAP_SYS_NICE))
		return -EPERM;
	WRITE_ONCE(task->timer_slack_ns, slack ? slack : 50 * NS_PER_USEC);
	return 0;
}
