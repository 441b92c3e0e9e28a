/*
 * Waiting for children: the one operation behind wait4(2) and waitid(2).
 */
#pragma once

#include "lib/types.h"
#include "proc/task.h"

struct pid;

enum wait_for { WAIT_ANY, WAIT_PID, WAIT_PGID };

struct wait_request {
	enum wait_for for_what;
	struct pid   *pid;     /* with WAIT_PID and WAIT_PGID; lent */
	unsigned      options; /* W* and __W*, validated by the caller */
	bool          is_nonblocking; /* the caller's own note: -EAGAIN instead of 0 */

	/* Results, valid when proc_wait() returned a pid. */
	uid_t         uid;
	int           status;  /* as wait4(2) stores it */
	int           code;    /* si_code: CLD_* */
	int           value;   /* si_status: exit code or signal */
	struct usage  usage;   /* of the child, with what it had waited for */
};

/*
 * Waits for a child of the current process to change state as `options` ask and takes note of it (a
 * zombie is reaped) unless WNOWAIT. Returns its pid, 0 (WNOHANG and none), -ECHILD, -ERESTARTSYS.
 * Sleeps.
 */
long proc_wait(struct wait_request *request);

/* Adds `more` to `sum`; max_rss_pages takes the larger. */
void usage_add(struct usage *sum, const struct usage *more);
