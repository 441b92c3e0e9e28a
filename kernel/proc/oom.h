/*
 * Out of memory: the choice of a victim, as Linux makes it (proc(5), /proc/PID/oom_score,
 * oom_score_adj; Documentation/admin-guide/sysctl/vm.rst).
 *
 * A process is as bad as what killing it would give back: resident pages (anonymous, of files, of
 * tmpfs and shared memory), page tables, and, beyond Linux, what it keeps in pipes and sockets by
 * its descriptors and the arguments of an exec under way; plus oom_score_adj thousandths of all
 * memory. Init and processes with oom_score_adj -1000 are never chosen.
 *
 * The victim and whoever shares its memory get SIGKILL, which ends even killable sleeps. A kernel
 * thread, oom_reaper, takes the memory of one that does not die at once. Who needs memory waits for
 * that, and no other victim is chosen meanwhile; one from whom nothing more can be had is passed
 * over.
 */
#pragma once

#include "lib/types.h"

struct proc;
struct task;

/* /proc/sys/vm: panic_on_oom (0, 1, 2), oom_kill_allocating_task, oom_dump_tasks. */
struct oom_settings {
	int panic_on_oom __atomic;
	int kill_allocating_task __atomic;
	int dump_tasks __atomic;
};
extern struct oom_settings oom_settings;

/* SysRq `f`: a victim, whether memory is short or not. False: nobody can be chosen. May sleep. */
bool oom_kill_now(void);

/* Registers the hook of vm/reclaim.h and starts the reaper. */
void oom_init(void);

/* Badness as /proc/PID/oom_score shows it: about 0 to 2000. */
int64_t oom_score(struct proc *proc);

/*
 * Writes oom_score_adj, for the process of `task` and all that share its memory (vfork apart). Who
 * may not raise resources goes no lower than one who may has been; on the old scale of oom_adj not
 * even lower than now. -EACCES.
 */
int __must_check oom_set_adjustment(struct task *task, int adjust, bool is_old_scale);

/* The current process is a victim and has left its memory: who waits for that looks again. */
void oom_victim_gone(void);
