/*
 * /proc/PID/status: the same as stat and more, in words. Every line that Linux 6.1 has and programs
 * parse is here, in its order (proc(5)).
 */
#include "fs/context.h"
#include "fs/fdtable.h"
#include "id/cred.h"
#include "lib/bits.h"
#include "lib/math.h"
#include "proc/dump.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "procfs/cpu_list.h"
#include "procfs/pid.h"
#include "procfs/pid_state.h"
#include "sched/policy.h"
#include "vm/space.h"

static const char *state_text(char letter)
{
	switch (letter) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'D':
		return "D (disk sleep)";
	case 'T':
		return "T (stopped)";
	default:
		return "Z (zombie)";
	}
}

/* Newlines and backslashes as C writes them, so that each line stays one. */
static void put_name(struct text *text, const struct task *task)
{
	for (const char *c = task->thread.name; *c; c++) {
		if (*c == '\n')
			text_puts(text, "\\n");
		else if (*c == '\\')
			text_puts(text, "\\\\");
		else
			text_put(text, c, 1);
	}
}

static void put_umask(struct text *text, struct task *task)
{
	struct fs_context *fs = task_fs_get(task);

	if (!fs)
		return;
	text_printf(text, "Umask:\t%#04o\n", READ_ONCE(fs->umask));
	fs_context_leave(fs);
}

static void put_pids(struct text *text, struct task *task)
{
	text_printf(text, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
	            proc_tgid(task->proc), task_tid(task), proc_ppid(task->proc));
}

static void put_cred(struct text *text, const struct cred *cred)
{
	text_printf(text, "Uid:\t%u\t%u\t%u\t%u\n", cred->uid, cred->euid, cred->suid, cred->fsuid);
	text_printf(text, "Gid:\t%u\t%u\t%u\t%u\n", cred->gid, cred->egid, cred->sgid, cred->fsgid);
}

static void put_files(struct text *text, struct task *task)
{
	struct fdtable *files = task_files_look(task);

	text_printf(text, "FDSize:\t%u\n", files ? fdtable_capacity(files) : 0);
	if (files)
		fdtable_memory_put(files);
}

static void put_groups(struct text *text, const struct cred *cred)
{
	text_puts(text, "Groups:\t");
	for (uint32_t i = 0; i < cred->groups->count; i++)
		text_printf(text, "%s%u", i ? " " : "", cred->groups->gids[i]);
	text_puts(text, " \n");
}

static void put_ns_pids(struct text *text, struct task *task)
{
	text_printf(text, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n",
	            proc_tgid(task->proc), task_tid(task), proc_pgid(task->proc),
	            proc_sid(task->proc));
}

static void put_kb(struct text *text, const char *name, uint64_t pages)
{
	text_printf(text, "%s:\t%8lu kB\n", name, pages << (PAGE_SHIFT - 10));
}

static void put_memory(struct text *text, struct task *task)
{
	struct space *space = task_space_get(task);
	uint64_t own_text;

	if (!space)
		return;
	own_text = space_text_pages(space);
	put_kb(text, "VmPeak", max(space->hiwater_vm, space->total_vm));
	put_kb(text, "VmSize", space->total_vm);
	put_kb(text, "VmLck", space->locked_vm);
	put_kb(text, "VmPin", 0);
	put_kb(text, "VmHWM", space_hiwater_rss(space));
	put_kb(text, "VmRSS", space_rss(space));
	put_kb(text, "RssAnon", atomic_load_relaxed(&space->rss_anon));
	put_kb(text, "RssFile", atomic_load_relaxed(&space->rss_file));
	put_kb(text, "RssShmem", atomic_load_relaxed(&space->rss_shmem));
	put_kb(text, "VmData", space->data_vm);
	put_kb(text, "VmStk", space->stack_vm);
	put_kb(text, "VmExe", own_text);
	put_kb(text, "VmLib", space->exec_vm > own_text ? space->exec_vm - own_text : 0);
	put_kb(text, "VmPTE", atomic_load_relaxed(&space->mmu.nr_tables));
	put_kb(text, "VmSwap", 0);
	put_kb(text, "HugetlbPages", 0);
	text_puts(text, "CoreDumping:\t0\nTHP_enabled:\t0\n");
	space_put(space);
}

static void put_signals(struct text *text, struct task *task)
{
	struct signal_sets sets;

	signal_sets_read(task, &sets);
	text_printf(text, "Threads:\t%u\n", max(READ_ONCE(task->proc->nr_live), 1u));
	text_printf(text, "SigQ:\t%ld/%lu\n", sets.queued,
	            rlimit_get(&task->proc->limits, RLIMIT_SIGPENDING));
	text_printf(text, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n", sets.pending,
	            sets.shared_pending, sets.blocked);
	text_printf(text, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", sets.ignored, sets.caught);
}

static void put_caps(struct text *text, const struct cred *cred)
{
	text_printf(text, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n", cred->inheritable,
	            cred->permitted, cred->effective);
	text_printf(text, "CapBnd:\t%016lx\nCapAmb:\t%016lx\n", cred->bounding, cred->ambient);
	text_printf(text, "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n",
	            cred->no_new_privs);
}

static void put_cpus(struct text *text, struct task *task)
{
	const uint64_t cpus = sched_affinity_get(&task->thread) & cpus_possible();

	text_puts(text, "Cpus_allowed:\t");
	text_put_cpu_mask(text, cpus);
	text_puts(text, "\nCpus_allowed_list:\t");
	text_put_cpu_list(text, cpus);
	text_puts(text, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
}

static void put_switches(struct text *text, struct task *task)
{
	text_printf(text, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
	            task->thread.switches_voluntary, task->thread.switches_involuntary);
}

int show_pid_status(struct task *task, struct text *text)
{
	const struct cred *cred = task_cred_get(task);

	text_puts(text, "Name:\t");
	put_name(text, task);
	text_puts(text, "\n");
	put_umask(text, task);
	text_printf(text, "State:\t%s\n", state_text(task_state_letter(task)));
	put_pids(text, task);
	put_cred(text, cred);
	put_files(text, task);
	put_groups(text, cred);
	put_ns_pids(text, task);
	put_memory(text, task);
	put_signals(text, task);
	put_caps(text, cred);
	put_cpus(text, task);
	put_switches(text, task);
	cred_put(cred);
	return 0;
}
