/*
 * devpts: the file system of /dev/pts, whose nodes are the slaves of the ptys that were opened
 * through it.
 *
 * Each mount is an instance of its own, with numbers from 0 (mount(8), "newinstance" is what every
 * mount does). /dev/ptmx finds the instance that is mounted at "pts" beside it; the instance has a
 * node ptmx as well. Options: uid=, gid=, mode= of new nodes, ptmxmode=, max=, newinstance.
 *
 * Locking: a spinlock per instance over its slots. A slot is a number in use; its node can go
 * before it.
 */
#pragma once

#include "lib/types.h"

struct cred;
struct devpts;
struct inode;
struct path;
struct pty;

enum { DEVPTS_MAX = 4096 };

/* Registers the type. */
__must_check int devpts_init(void);

/*
 * The root of the instance that a ptmx node belongs to; the caller puts the path. ENOENT, ENODEV:
 * there is no devpts where it should be. May sleep.
 */
__must_check int devpts_find(const struct path *ptmx, struct path *root);

/*
 * A number and a node in the instance with this root, for a pty of this owner. The instance stays
 * until devpts_free(). ENOSPC, ENOMEM. May sleep.
 */
__must_check int devpts_add(const struct path *root, struct pty *pty, const struct cred *cred,
                            struct devpts **instance, uint32_t *index);
/* The node goes, nobody finds the pty any more. May sleep. */
void devpts_hide(struct devpts *instance, uint32_t index);
/* The number is free again; lets go of the instance. May sleep. */
void devpts_free(struct devpts *instance, uint32_t index);

/*
 * The pty of a node, with a reference on its terminal; NULL: it has gone, or this is no node of
 * devpts.
 */
struct pty *devpts_pty_get(struct inode *inode);
/* The path's root belongs to this instance. */
bool devpts_is_root(const struct devpts *instance, const struct path *root);
