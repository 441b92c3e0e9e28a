/*
 * Places as text: getcwd(2), /proc/PID/fd, /proc/mounts. See path_render() in path.h.
 *
 * The text grows from the end of the buffer to its front, while climbing without references; if a
 * rename or a mount came in between, it is done again.
 */
#include <linux/errno.h>

#include "core/seqcount.h"
#include "fs/dentry.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "lib/string.h"
#include "sched/rcu.h"

struct text {
	char  *at;
	size_t room;
};

static bool text_prepend(struct text *text, const char *bytes, size_t len)
{
	if (len > text->room)
		return false;
	text->at -= len;
	text->room -= len;
	memcpy(text->at, bytes, len);
	return true;
}

static bool text_prepend_name(struct text *text, const struct dentry *dentry)
{
	const struct dentry_name *name = rcu_dereference(&dentry->name);

	return text_prepend(text, name->text, name->len) && text_prepend(text, "/", 1);
}

static bool text_open(struct text *text, char *buf, size_t size, struct dentry *dentry)
{
	text->at = buf + size;
	text->room = size;
	if (!text_prepend(text, "", 1))
		return false;
	return !dentry_is_unlinked(dentry) || text_prepend(text, " (deleted)", 10);
}

/* Climbs from the place to root, or to where it is attached. */
static bool climb(struct text *text, const struct path *path, const struct path *root, bool mark)
{
	const struct mount *mount = path->mount;
	const struct dentry *dentry = path->dentry;
	const char *end = text->at;

	while (mount != root->mount || dentry != root->dentry) {
		if (dentry == mount->root || dentry_is_root(dentry)) {
			const struct mount *parent = READ_ONCE(mount->parent);

			if (parent == mount || dentry != mount->root) {
				if (text->at == end && !text_prepend(text, "/", 1))
					return false;
				return !mark || text_prepend(text, "(unreachable)", 13);
			}
			dentry = READ_ONCE(mount->mountpoint);
			mount = parent;
			if (!dentry)
				return true;
			continue;
		}
		if (!text_prepend_name(text, dentry))
			return false;
		dentry = READ_ONCE(dentry->parent);
	}
	return text->at != end || text_prepend(text, "/", 1);
}

static int render_detached(struct dentry *dentry, char *buf, size_t size, char **text)
{
	int len;

	*text = buf;
	if (dentry->ops && dentry->ops->describe)
		len = dentry->ops->describe(dentry, buf, size);
	else
		len = (int)str_copy(buf, dentry->name->text, size);
	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

int path_render(const struct path *path, const struct path *root, bool mark, char *buf,
                size_t size, char **out)
{
	struct text text;
	unsigned int moves, mounts;
	bool fits;

	if (path->dentry->flags & DENTRY_DETACHED)
		return render_detached(path->dentry, buf, size, out);
	rcu_read_lock();
	do {
		moves = dentry_rename_begin();
		mounts = mount_change_begin();
		fits = text_open(&text, buf, size, path->dentry) && climb(&text, path, root, mark);
	} while (dentry_rename_retry(moves) || mount_change_retry(mounts));
	rcu_read_unlock();
	*out = text.at;
	return fits ? 0 : -ENAMETOOLONG;
}

int dentry_render(struct dentry *dentry, char *buf, size_t size, char **out)
{
	struct text text;
	unsigned int moves;
	bool fits;

	rcu_read_lock();
	do {
		const struct dentry *at = dentry;

		moves = dentry_rename_begin();
		fits = text_open(&text, buf, size, dentry);
		if (dentry_is_root(at))
			fits = fits && text_prepend(&text, "/", 1);
		for (; fits && !dentry_is_root(at); at = READ_ONCE(at->parent))
			fits = text_prepend_name(&text, at);
	} while (dentry_rename_retry(moves));
	rcu_read_unlock();
	*out = text.at;
	return fits ? 0 : -ENAMETOOLONG;
}
