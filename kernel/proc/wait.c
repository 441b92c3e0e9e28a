/*
 * wait4(2) and waitid(2): looks at the children of the process, one after the other, until one has
 * something to tell.
 *
 * A child is claimed under proc_tree_lock, so two waiters never get the same news. Results are kept
 * in the request and copied to user space by the caller, after the lock is gone.
 */
#include "proc/wait.h"

#include <asm/signal.h>
#include <asm/siginfo.h>
#include <linux/errno.h>
#include <linux/wait.h>

#include "lib/math.h"
#include "proc/family.h"
#include "proc/proc.h"

#define STATUS_CONTINUED 0xffff

void usage_add(struct usage *sum, const struct usage *more)
{
	sum->user_ns += more->user_ns;
	sum->system_ns += more->system_ns;
	sum->min_faults += more->min_faults;
	sum->maj_faults += more->maj_faults;
	sum->voluntary_switches += more->voluntary_switches;
	sum->involuntary_switches += more->involuntary_switches;
	sum->max_rss_pages = max(sum->max_rss_pages, more->max_rss_pages);
}

/*
 * "Clone" children (whose exit signal is not SIGCHLD) are waited for only when asked: wait(2),
 * NOTES.
 */
static bool is_eligible(const struct proc *child, const struct wait_request *request)
{
	bool is_clone = child->leader->exit_signal != SIGCHLD;

	if (request->for_what == WAIT_PID && child->tgid != request->pid)
		return false;
	if (request->for_what == WAIT_PGID && child->pgid != request->pid)
		return false;
	return (request->options & __WALL) || is_clone == !!(request->options & __WCLONE);
}

static void describe(struct wait_request *request, struct proc *child, int code, int value)
{
	request->uid = child->leader->cred->uid;
	request->code = code;
	request->value = value;
	proc_usage_locked(child, &request->usage);
	usage_add(&request->usage, &child->child_usage);
}

static pid_t claim_zombie_locked(struct proc *parent, struct proc *child,
                                 struct wait_request *request)
{
	int status = family_exit_status_locked(child);
	pid_t nr = proc_tgid(child);
	unsigned long flags;

	describe(request, child, CLD_EXITED, status >> 8 & 0xff);
	if (status & 0x7f) {
		request->code = status & 0x80 ? CLD_DUMPED : CLD_KILLED;
		request->value = status & 0x7f;
	}
	request->status = status;
	if (request->options & WNOWAIT)
		return nr;
	flags = spin_lock_irqsave(&parent->lock);
	usage_add(&parent->child_usage, &request->usage);
	spin_unlock_irqrestore(&parent->lock, flags);
	family_unlink_locked(child);
	return nr;
}

/* A stop or continue that has not been reported; 0 when there is none that is asked for. */
static pid_t claim_stop_locked(struct proc *child, struct wait_request *request)
{
	unsigned long flags = spin_lock_irqsave(&child->lock);
	bool keep = request->options & WNOWAIT;
	pid_t nr = 0;

	if ((request->options & WSTOPPED) && child->stop == PROC_STOPPED &&
	    child->stop_unreported) {
		request->status = child->stop_signal << 8 | 0x7f;
		request->code = CLD_STOPPED;
		request->value = child->stop_signal;
		child->stop_unreported = keep;
		nr = proc_tgid(child);
	} else if ((request->options & WCONTINUED) && child->stop == PROC_CONTINUED) {
		request->status = STATUS_CONTINUED;
		request->code = CLD_CONTINUED;
		request->value = SIGCONT;
		if (!keep)
			child->stop = PROC_RUNNING;
		nr = proc_tgid(child);
	}
	spin_unlock_irqrestore(&child->lock, flags);
	if (nr)
		describe(request, child, request->code, request->value);
	return nr;
}

/* One look at all children: a pid, 0 (nothing yet), or -ECHILD. */
static long scan_children(struct wait_request *request)
{
	struct proc *parent = proc_current(), *child;
	long result = -ECHILD;

	spin_lock(&proc_tree_lock);
	list_for_each_entry(child, &parent->children, sibling) {
		if (!is_eligible(child, request))
			continue;
		result = 0;
		if (child->is_zombie) {
			if (request->options & WEXITED)
				result = claim_zombie_locked(parent, child, request);
		} else {
			result = claim_stop_locked(child, request);
		}
		if (result)
			break;
	}
	spin_unlock(&proc_tree_lock);
	return result;
}

long proc_wait(struct wait_request *request)
{
	long result = 0;
	int err;

	if (request->options & WNOHANG)
		return scan_children(request);
	err = wait_event_interruptible(&proc_current()->child_wait,
				       (result = scan_children(request)) != 0);
	return err ? err : result;
}
