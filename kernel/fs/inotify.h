/*
 * inotify(7): instances, and what they watch. Where events come from is in notify.h.
 *
 * An instance is an open file without a place, charged to the user who made it, as its watches are.
 * Limits are those of /proc/sys/fs/inotify.
 */
#pragma once

#include "lib/types.h"

struct cred;
struct file;
struct path;

struct inotify_limits {
	int64_t max_queued_events __atomic;  /* of one instance */
	int64_t max_user_instances __atomic;
	int64_t max_user_watches __atomic;
};
extern struct inotify_limits inotify_limits;

/* Sets the limit of watches by the size of memory; once, at start-up. */
void inotify_init(void);

/* flags: O_NONBLOCK. EMFILE, ENFILE, ENOMEM. */
int __must_check inotify_create(const struct cred *cred, unsigned int flags, struct file **out);
bool file_is_inotify(const struct file *file);

/*
 * inotify_add_watch(2): the number of the new watch, or of the one that was there, whose mask
 * changes. EEXIST (IN_MASK_CREATE), ENOSPC, ENOMEM.
 */
int __must_check inotify_add(struct file *file, const struct path *path, uint32_t mask);
/* inotify_rm_watch(2): EINVAL. */
int __must_check inotify_remove(struct file *file, int number);
