/*
 * Job control: which session a terminal controls, which of its groups is in the foreground, and who
 * is stopped for not being in it. credentials(7), setsid(2), tcsetpgrp(3), "job control" of POSIX.
 *
 * Locking: proc_tree_lock over tty->session, tty->foreground and session->tty. A session's pointer
 * to its terminal owns a reference.
 */
#pragma once

#include "lib/types.h"

struct file;
struct tty;

/*
 * May the current process touch the terminal now? 0; -EIO (it cannot be stopped for it);
 * -ERESTARTSYS after `sig` (SIGTTIN or SIGTTOU) went to its group.
 */
__must_check int tty_check_job(struct tty *tty, int sig);

/* To the foreground group, if there is one. Thread context. */
void tty_signal_foreground(struct tty *tty, int sig);

/* open(2) without O_NOCTTY by a session leader that has no terminal. */
void tty_claim_at_open(struct tty *tty, struct file *file);

/* TIOCSCTTY, TIOCNOTTY, TIOCGPGRP, TIOCSPGRP, TIOCGSID. is_master: asked through a pty's master. */
int  tty_set_controlling(struct tty *tty, struct file *file, bool steal);
int  tty_give_up(struct tty *tty);
int  tty_get_foreground(struct tty *tty, bool is_master, pid_t *pgid);
int  tty_set_foreground(struct tty *tty, pid_t pgid);
int  tty_get_session(struct tty *tty, bool is_master, pid_t *sid);

/* The controlling terminal of the current process with a reference, or NULL. */
struct tty *tty_current_get(void);
bool tty_is_current(const struct tty *tty);

/* Part of a hang-up: the leader hears of it, the session loses its terminal. May sleep. */
void tty_leave_session(struct tty *tty, bool exiting);
