/*
 * Sessions and process groups: setsid(2), setpgid(2), credentials(7), "job control" of POSIX.
 *
 * A session knows its controlling terminal only as operations that the tty floor sets, so this
 * floor never looks up. The tty floor owns the rules of TIOCSCTTY and the reference on the
 * terminal. A process group is nothing but a struct pid with members.
 *
 * Locks: membership and the terminal pointer change under proc_tree_lock.
 */
#pragma once

#include "core/spinlock.h"
#include "lib/refcount.h"
#include "lib/types.h"

struct pid;
struct proc;
struct session;

/* What a terminal does for the session that it controls; set by tty. */
struct session_tty_ops {
	/*
	 * The leader exits: disassociate, hang up the foreground group (setsid(2), NOTES). No
	 * locks.
	 */
	void (*leader_exit)(struct session *session, void *tty);
	/*
	 * Device number for /proc/PID/stat field 7, and the foreground group's number for field 8.
	 * With proc_tree_lock held.
	 */
	dev_t (*device)(void *tty);
	pid_t (*foreground)(void *tty);
};

struct session {
	struct refcount               refs;
	struct pid                   *sid     __const_after_init;
	/* NULL once it has exited */
	struct proc                  *leader  __guarded_by(proc_tree_lock);
	void                         *tty     __guarded_by(proc_tree_lock); /* NULL: none */
	const struct session_tty_ops *tty_ops __guarded_by(proc_tree_lock);
	/*
	 * The foreground group of a terminal that hung up: told when the leader exits. A reference.
	 */
	struct pid                   *hung_up_pgid __guarded_by(proc_tree_lock);
};

void session_get(struct session *session);
void session_put(struct session *session);

/*
 * A new session with the current process as leader and its pid as only group. 0, -EPERM, -ENOMEM.
 */
int session_create(pid_t *sid);

/* setpgid(2), with all its errors. pid 0: the caller; pgid 0: the same as pid. */
int proc_setpgid(pid_t pid, pid_t pgid);

/*
 * True when no member of the group has a parent in another group of the same session: nobody can
 * continue such a group (its background reads of a terminal give EIO).
 */
bool pgrp_is_orphaned(struct pid *pgid);

/* As above with proc_tree_lock held, leaving `ignored` out of account (it exits just now). */
bool pgrp_is_orphaned_locked(struct pid *pgid, const struct proc *ignored);

/* True when a member of the group is stopped; with proc_tree_lock held. */
bool pgrp_has_stopped_locked(struct pid *pgid);
