/*
 * Whom an open file tells that it became ready: F_SETOWN, F_SETSIG and O_ASYNC of fcntl(2).
 *
 * O_ASYNC works on every file that can be polled: while it is set, the file's owner waits on the
 * file's wait queues as poll(2) would, and each wake-up becomes a signal, sent from deferred work
 * since a wake-up may come from any context.
 *
 * Locking: `lock` (RANK_SPIN_OUTER) of struct file_owner over whom and what; entries are changed by
 * owner_set_async() under the file's position lock. Made on demand, freed with the file.
 */
#pragma once

#include <linux/fcntl.h>

#include "id/pid.h"
#include "lib/types.h"

struct cred;
struct file;

/*
 * pid NULL: nobody. fd is told with signals (si_fd). kind: PID_TID, PID_TGID or PID_PGID. Takes a
 * reference. ENOMEM.
 */
int __must_check owner_set(struct file *file, int fd, struct pid *pid, enum pid_kind kind,
                           const struct cred *cred);
/* The pid with a reference, or NULL. */
struct pid *owner_get(struct file *file, enum pid_kind *kind);
/* F_SETSIG: 0 is SIGIO without details. EINVAL, ENOMEM. */
int __must_check owner_set_signal(struct file *file, int fd, unsigned long sig);
int owner_signal(struct file *file);
/* F_GETOWNER_UIDS. */
void owner_uids(struct file *file, uid_t *uid, uid_t *euid);

/* O_ASYNC comes or goes. Called by file_set_flags(). ENOMEM. May sleep. */
int __must_check owner_set_async(struct file *file, bool on);
/* The file goes. */
void owner_free(struct file *file);
