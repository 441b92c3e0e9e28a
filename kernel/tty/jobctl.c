/*
 * Job control. See tty/jobctl.h.
 */
#include "tty/jobctl.h"

#include <linux/errno.h>

#include "abi/errno.h"
#include "fs/file.h"
#include "id/cred.h"
#include "id/pid.h"
#include "proc/proc.h"
#include "proc/session.h"
#include "proc/signal.h"
#include "tty/tty.h"

static const struct session_tty_ops session_ops;

/* Blocked or ignored: the current task would never notice. */
static bool is_ignored(int sig)
{
	struct k_sigaction action;

	if (task_current()->blocked & SIGNAL_BIT(sig))
		return true;
	return !signal_action_set(sig, NULL, &action) && action.handler == (uaddr_t)SIG_IGN;
}

/* The current group is not the foreground group of its own terminal; pgid gets a reference then. */
static bool is_background(struct tty *tty, struct pid **pgid)
{
	struct proc *proc = proc_current();
	bool is_background;

	spin_lock(&proc_tree_lock);
	is_background = proc->session->tty == tty && tty->foreground &&
	                tty->foreground != proc->pgid;
	if (is_background)
		*pgid = pid_get(proc->pgid);
	spin_unlock(&proc_tree_lock);
	return is_background;
}

int tty_check_job(struct tty *tty, int sig)
{
	struct pid *pgid;
	int err;

	if (likely(!is_background(tty, &pgid)))
		return 0;
	if (is_ignored(sig)) {
		err = sig == SIGTTIN ? -EIO : 0;
	} else if (pgrp_is_orphaned(pgid)) {
		err = -EIO;
	} else {
		(void)signal_send_pgrp(pgid, sig, SIGINFO_KERNEL);
		err = -ERESTARTSYS;
	}
	pid_put(pgid);
	return err;
}

void tty_signal_foreground(struct tty *tty, int sig)
{
	spin_lock(&proc_tree_lock);
	if (tty->foreground)
		signal_send_pgrp_locked(tty->foreground, sig, SIGINFO_KERNEL);
	spin_unlock(&proc_tree_lock);
}

/* ---- who controls ---------------------------------------------------------------------------- */

static void control_locked(struct tty *tty, struct proc *leader)
{
	tty_get(tty);
	leader->session->tty = tty;
	leader->session->tty_ops = &session_ops;
	tty->session = leader->session;
	pid_put(tty->foreground);
	tty->foreground = pid_get(leader->pgid);
}

/* The session has no terminal any more: the reference to put, or NULL. */
static struct tty *uncontrol_locked(struct session *session)
{
	struct tty *tty = session->tty;

	session->tty = NULL;
	session->tty_ops = NULL;
	if (tty) {
		tty->session = NULL;
		pid_put(tty->foreground);
		tty->foreground = NULL;
	}
	return tty;
}

void tty_claim_at_open(struct tty *tty, struct file *file)
{
	struct proc *proc = proc_current();

	if (!(file->mode & FILE_READ) || (file->flags & O_NOCTTY))
		return;
	spin_lock(&proc_tree_lock);
	if (proc->session->leader == proc && !proc->session->tty && !tty->session)
		control_locked(tty, proc);
	spin_unlock(&proc_tree_lock);
}

static int set_controlling_locked(struct tty *tty, struct file *file, bool steal, struct tty **left)
{
	bool is_admin = cred_capable(task_current()->cred, CAP_SYS_ADMIN);
	struct proc *proc = proc_current();
	bool is_leader = proc->session->leader == proc;

	if (is_leader && tty->session == proc->session)
		return 0;
	if (!is_leader || proc->session->tty)
		return -EPERM;
	if (tty->session && !(steal && is_admin))
		return -EPERM;
	if (!(file->mode & FILE_READ) && !is_admin)
		return -EPERM;
	if (tty->session)
		*left = uncontrol_locked(tty->session);
	control_locked(tty, proc);
	return 0;
}

int tty_set_controlling(struct tty *tty, struct file *file, bool steal)
{
	struct tty *left = NULL;
	int err;

	spin_lock(&proc_tree_lock);
	err = set_controlling_locked(tty, file, steal, &left);
	spin_unlock(&proc_tree_lock);
	if (left)
		tty_put(left);
	return err;
}

int tty_give_up(struct tty *tty)
{
	struct proc *proc = proc_current();
	struct tty *left = NULL;

	spin_lock(&proc_tree_lock);
	if (proc->session->tty != tty) {
		spin_unlock(&proc_tree_lock);
		return -ENOTTY;
	}
	if (proc->session->leader == proc) {
		if (tty->foreground) {
			signal_send_pgrp_locked(tty->foreground, SIGHUP, SIGINFO_KERNEL);
			signal_send_pgrp_locked(tty->foreground, SIGCONT, SIGINFO_KERNEL);
		}
		left = uncontrol_locked(proc->session);
	}
	spin_unlock(&proc_tree_lock);
	if (left)
		tty_put(left);
	return 0;
}

bool tty_is_current(const struct tty *tty)
{
	bool is_current;

	spin_lock(&proc_tree_lock);
	is_current = proc_current()->session->tty == tty;
	spin_unlock(&proc_tree_lock);
	return is_current;
}

struct tty *tty_current_get(void)
{
	struct tty *tty;

	spin_lock(&proc_tree_lock);
	tty = proc_current()->session->tty;
	if (tty)
		tty_get(tty);
	spin_unlock(&proc_tree_lock);
	return tty;
}

/* ---- the foreground group -------------------------------------------------------------------- */

int tty_get_foreground(struct tty *tty, bool is_master, pid_t *pgid)
{
	if (!is_master && !tty_is_current(tty))
		return -ENOTTY;
	spin_lock(&proc_tree_lock);
	*pgid = pid_nr(tty->foreground);
	spin_unlock(&proc_tree_lock);
	return 0;
}

int tty_get_session(struct tty *tty, bool is_master, pid_t *sid)
{
	int err = 0;

	if (!is_master && !tty_is_current(tty))
		return -ENOTTY;
	spin_lock(&proc_tree_lock);
	if (tty->session)
		*sid = pid_nr(tty->session->sid);
	else
		err = -ENOTTY;
	spin_unlock(&proc_tree_lock);
	return err;
}

/* The session of a group, or of the process with its number. */
static struct session *session_of_locked(struct pid *pgid)
{
	struct pid_link *link = pid_first(pgid, PID_PGID);

	if (link)
		return container_of(link, struct proc, pgid_link)->session;
	link = pid_first(pgid, PID_TGID);
	return link ? container_of(link, struct proc, tgid_link)->session : NULL;
}

static int set_foreground_locked(struct tty *tty, pid_t number)
{
	struct session *session = proc_current()->session;
	struct pid *pgid;

	if (session->tty != tty || tty->session != session)
		return -ENOTTY;
	pgid = pid_find(number);
	if (!pgid)
		return -ESRCH;
	if (session_of_locked(pgid) != session)
		return -EPERM;
	pid_get(pgid);
	pid_put(tty->foreground);
	tty->foreground = pgid;
	return 0;
}

int tty_set_foreground(struct tty *tty, pid_t pgid)
{
	int err = tty_check_job(tty, SIGTTOU);

	if (err)
		return err == -EIO ? -ENOTTY : err;
	if (pgid < 0)
		return -EINVAL;
	rcu_read_lock();
	spin_lock(&proc_tree_lock);
	err = set_foreground_locked(tty, pgid);
	spin_unlock(&proc_tree_lock);
	rcu_read_unlock();
	return err;
}

/* ---- the end --------------------------------------------------------------------------------- */

void tty_leave_session(struct tty *tty, bool exiting)
{
	struct session *session;
	struct tty *left = NULL;

	spin_lock(&proc_tree_lock);
	session = tty->session;
	if (session) {
		if (session->leader) {
			(void)signal_send_proc(session->leader, SIGHUP, SIGINFO_KERNEL);
			(void)signal_send_proc(session->leader, SIGCONT, SIGINFO_KERNEL);
		}
		if (tty->foreground && exiting)
			signal_send_pgrp_locked(tty->foreground, SIGHUP, SIGINFO_KERNEL);
		else if (tty->foreground && session->leader && !session->hung_up_pgid)
			session->hung_up_pgid = pid_get(tty->foreground);
		left = uncontrol_locked(session);
	}
	spin_unlock(&proc_tree_lock);
	if (left)
		tty_put(left);
}

static void leader_exit(struct session *session, void *terminal)
{
	struct tty *tty = terminal, *left = NULL;

	/* The session's reference is all that we know of: another may have let go of it by now. */
	spin_lock(&proc_tree_lock);
	if (session->tty != tty)
		tty = NULL;
	else
		tty_get(tty);
	spin_unlock(&proc_tree_lock);
	if (!tty)
		return;
	if (!tty->ops->is_pty)
		tty_hangup(tty, true);
	spin_lock(&proc_tree_lock);
	if (session->tty == tty) {
		if (tty->foreground)
			signal_send_pgrp_locked(tty->foreground, SIGHUP, SIGINFO_KERNEL);
		left = uncontrol_locked(session);
	}
	spin_unlock(&proc_tree_lock);
	if (left)
		tty_put(left);
	tty_put(tty);
}

static dev_t device(void *tty)
{
	return ((struct tty *)tty)->dev;
}

static pid_t foreground(void *tty)
{
	return pid_nr(((struct tty *)tty)->foreground);
}

static const struct session_tty_ops session_ops = {
	.leader_exit = leader_exit,
	.device = device,
	.foreground = foreground,
};
