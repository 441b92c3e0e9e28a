/*
 * The path walk, as path.c and open.c share it.
 *
 *	walk_begin(&walk, from, name, flags)  where to start; then
 *	walk_to_last(&walk, name)             through all but the last component, walk.last
 *	walk_last(&walk, follow)              onto the last one; 1: it was a link, *text has to
 *	                                      be walked to its last in the same way
 *	walk_end(&walk)                       drops what the walk holds; walk.path too, unless
 *	                                      it was taken
 *
 * The walk holds references on its place, on its root once it is known, and on every inode whose
 * link text is being walked, so that it may sleep anywhere.
 */
#pragma once

#include "fs/path.h"

/* A link text that is walked later to its end: rest points into it. */
struct walk_text {
	const char   *rest;
	struct inode *inode;  /* keeps the text; NULL for the caller's name */
	void         *buffer; /* to be freed, or NULL */
};

struct walk {
	struct path             path;
	struct path             root; /* mount NULL: not known yet */
	const struct walk_from *from;
	unsigned int            flags;
	unsigned int            links; /* followed so far */
	unsigned int            depth;
	struct last_component   last;
	struct walk_text        text; /* being walked */
	struct walk_text        outer[PATH_LINKS_MAX];
};

/* The whole walk of path_lookup() without references; ECHILD: not so simple, walk by references. */
int  walk_rcu(const struct walk_from *from, const char *name, unsigned int flags,
              struct path *out);

int  walk_begin(struct walk *walk, const struct walk_from *from, const char *name,
                unsigned int flags);
int  walk_to_last(struct walk *walk, const char *name);
int  walk_last(struct walk *walk, bool follow, const char **text);
void walk_end(struct walk *walk);

/*
 * The child of a directory, looked up by the file system if need be, with a reference; may be
 * negative.
 */
int  walk_child(struct dentry *dir, const struct component *name, struct dentry **out);
/* The same for one who holds dir's inode lock for writing. */
int  walk_child_locked(struct dentry *dir, const struct component *name, struct dentry **out);
/* Steps onto a child that was found (consumed) as the last component; results as walk_last(). */
int  walk_onto(struct walk *walk, struct dentry *child, bool follow, const char **text);
