/*
 * Paths: a place in the tree is a mount and a dentry in it. The walk from a name to such a place is
 * path_lookup(); what is done with places by name (open, mkdir, rename ...) is in fs/namei.h.
 *
 * A walk starts at the root, at the working directory, or at `base` (an open directory), under the
 * credentials given; all three come in one struct walk_from. A path handed out carries
 * one reference on the mount and one on the dentry; path_put() drops both.
 *
 * Symbolic links are followed at most 40 times, `..` climbs over mounts and stops at the root, a
 * component has at most 255 bytes (path_resolution(7), openat2(2)).
 */
#pragma once

#include "fs/dentry.h"
#include "lib/types.h"

struct cred;
struct fs_context;
struct mount;

struct path {
	struct mount  *mount;
	struct dentry *dentry;
};

struct walk_from {
	struct fs_context  *fs;
	const struct cred  *cred;
	const struct path  *base; /* of relative names; NULL: the working directory */
};

enum {
	LOOKUP_FOLLOW      = 1 << 0, /* follow a link in the last component */
	LOOKUP_DIRECTORY   = 1 << 1, /* the result must be a directory */
	LOOKUP_EMPTY       = 1 << 2, /* "" is the base itself */
	LOOKUP_NO_SYMLINKS = 1 << 8, /* RESOLVE_NO_SYMLINKS; and so on */
	LOOKUP_NO_MAGIC    = 1 << 9,
	LOOKUP_NO_XDEV     = 1 << 10,
	LOOKUP_BENEATH     = 1 << 11,
	LOOKUP_IN_ROOT     = 1 << 12,
};

enum { PATH_LINKS_MAX = 40, PATH_NAME_MAX = 255, PATH_LEN_MAX = 4096 /* with the NUL */ };

/*
 * What get_link() answers: a text to walk on with (from where the link stands), or a place to jump
 * to (magic links of /proc; the walk takes over the references).
 */
struct link_target {
	const char *text;   /* NULL: jump */
	void       *buffer; /* kfree()d after use; NULL if text lives as long as the inode */
	struct path jump;
};

/* The last component of a name whose parent was walked to. */
enum last_type { LAST_NORMAL, LAST_ROOT, LAST_DOT, LAST_DOTDOT };

struct last_component {
	struct component name;
	enum last_type   type;
	bool             trailing_slash;
};

struct path *path_get(struct path *path);
void path_put(struct path *path); /* may sleep */

static inline bool path_equal(const struct path *a, const struct path *b)
{
	return a->mount == b->mount && a->dentry == b->dentry;
}

/* Walk to a place that exists. name is a kernel string below PATH_LEN_MAX. May sleep. */
int __must_check path_lookup(const struct walk_from *from, const char *name, unsigned int flags,
                             struct path *out);
/*
 * Walk to the parent of the last component, which stays unlooked-at. last points into name.
 */
int __must_check path_lookup_parent(const struct walk_from *from, const char *name,
                                    unsigned int flags, struct path *parent,
                                    struct last_component *last);

/*
 * The absolute name of a place below root, built in buf[size]; *text points at it inside buf.
 * Removed names end in " (deleted)"; what root does not reach begins with "(unreachable)" if `mark`
 * is set (getcwd(2)), and is shown from where it is attached otherwise. ENAMETOOLONG.
 */
int path_render(const struct path *path, const struct path *root, bool mark, char *buf,
                size_t size, char **text);
/* The name of a dentry within its file system: mountinfo's fourth field. */
int dentry_render(struct dentry *dentry, char *buf, size_t size, char **text);
