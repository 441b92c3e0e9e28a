/*
 * Between the choice (oom.c), the log (oom_report.c) and the reaper (oom_reaper.c).
 */
#pragma once

#include "lib/types.h"
#include "sched/thread.h"

struct proc;
struct space;

/* A process and what the choice knows of it. */
struct oom_candidate {
	struct proc  *proc;   /* a reference */
	struct space *space;  /* a reference on the struct: it may be torn down meanwhile */
	int64_t       points; /* INT64_MIN: never to be chosen */
	size_t        file_pages; /* of points: what its descriptors hold */
};

/* False if the process has no memory any more. candidate_put() it. */
bool oom_candidate_get(struct proc *proc, struct oom_candidate *out);
void oom_candidate_put(struct oom_candidate *candidate);

/* Its name and real user, of the leader. */
struct oom_title {
	char  name[THREAD_NAME_SIZE];
	uid_t uid;
};
void oom_title_read(struct proc *proc, struct oom_title *out);

/* Who asked for what, memory as it is, and the table of tasks; not more than once a second. */
void oom_report(unsigned int order, unsigned int flags);
/* The line about the victim, always. */
void oom_report_victim(const struct oom_candidate *victim, bool was_allocating);

/* The reaper looks after this space from now on; it takes references of its own. */
void oom_reaper_add(const struct oom_candidate *victim);
/* A victim still has memory to give back. */
bool oom_reaper_is_busy(void);
/* Sleeps until a victim has given memory back, for a bounded time; a fatal signal ends it too. */
void oom_reaper_wait(void);
void oom_reaper_init(void);
