/*
 * Where a path argument points: the pair (directory descriptor, user string) that openat(2) and its
 * kin take, as the walk_from and kernel string that fs/ works with.
 *
 *     struct place place;
 *     err = place_init(&place, dfd, path, 0);
 *     if (err) return err;
 *     err = path_mkdir(&place.from, place.name, mode);
 *     place_fini(&place);
 *
 * The name is copied once. A short one stays inside the struct, so the usual call allocates
 * nothing.
 */
#pragma once

#include "fs/fdtable.h"
#include "fs/path.h"
#include "lib/types.h"

#define PLACE_OWN_NAME 104

struct place {
	struct walk_from from;
	const char      *name;
	struct fd_borrow base;      /* of a relative name with a descriptor */
	char            *allocated; /* a long name; NULL: own_name */
	char             own_name[PLACE_OWN_NAME];
};

/*
 * `flags` of fs/path.h: only LOOKUP_EMPTY matters here, which lets the empty name stand for the
 * base itself. -EFAULT, -ENOENT (empty), -ENAMETOOLONG, -EBADF, -ENOTDIR, -ENOMEM. After an error
 * there is nothing to fini.
 */
int __must_check place_init(struct place *place, int dfd, const char __user *path, unsigned flags);
void place_fini(struct place *place);

/* The place that exists, in one step, with a reference to put. */
int __must_check place_lookup(int dfd, const char __user *path, unsigned flags, struct path *out);

/*
 * AT_SYMLINK_NOFOLLOW, AT_SYMLINK_FOLLOW and AT_EMPTY_PATH as LOOKUP_* where links are followed by
 * default.
 */
unsigned place_lookup_flags(int at_flags);
