/*
 * Out of memory: the choice of a victim, Linux's badness (proc(5), /proc/PID/oom_score,
 * oom_score_adj).
 *
 * The victim gets SIGKILL, which ends even killable sleeps, and its anonymous memory is unmapped at
 * once (space_reap()), so that memory comes back before it has died. Init and processes with
 * oom_score_adj -1000 are never chosen.
 */
#pragma once

#include "lib/types.h"

struct proc;

/* Registers the hook of vm/reclaim.h. */
void oom_init(void);

/* Badness as /proc/PID/oom_score shows it: 0 to 2000. */
int oom_score(struct proc *proc);

/* A victim has given its memory back: the next may be chosen without waiting for its time. */
void oom_victim_gone(void);
