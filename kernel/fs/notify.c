/*
 * Who watches what, and what they are told. See notify.h and notify_impl.h.
 */
#include "fs/notify.h"

#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/notify_impl.h"
#include "id/cred.h"
#include "mem/slab.h"

/* Kept in a watch beside the events: how, not what. */
#define NO_ISDIR (IN_DELETE_SELF | IN_MOVE_SELF)

struct spinlock notify_lock = SPINLOCK(RANK_NOTIFY);
uint32_t notify_watches;

static struct {
	struct list watches __guarded_by(notify_lock);
	uint32_t    last_cookie __atomic;
} notify = { .watches = LIST_INIT(notify.watches) };

/* ---- watches ------------------------------------------------------------------------ */

void watch_link_locked(struct watch *watch)
{
	hlist_add(&watch->inode->watches, &watch->in_inode);
	list_add_tail(&notify.watches, &watch->in_all);
	WRITE_ONCE(notify_watches, notify_watches + 1);
}

void watch_end_locked(struct watch *watch, struct list *dead)
{
	const struct inotify_event ignored = { .wd = watch->number, .mask = IN_IGNORED };

	inotify_queue_locked(watch->instance, &ignored, NULL);
	inotify_forget_locked(watch);
	hlist_remove(&watch->in_inode);
	list_remove(&watch->in_all);
	list_add_tail(dead, &watch->in_all);
	WRITE_ONCE(notify_watches, notify_watches - 1);
}

void watches_free(struct list *dead)
{
	while (!list_is_empty(dead)) {
		struct watch *watch = list_first_entry(dead, struct watch, in_all);

		list_remove(&watch->in_all);
		inode_put(watch->inode);
		kfree(watch);
	}
}

/* ---- telling ------------------------------------------------------------------------ */

/* What one event means for all watches of an inode. */
struct telling {
	uint32_t                event; /* with IN_ISDIR */
	uint32_t                cookie;
	const struct component *name;  /* NULL: of the inode itself */
	bool                    is_unlinked;
	struct list             dead;  /* watches that end with it */
};

static void tell_locked(struct inode *inode, struct telling *telling)
{
	struct hlist_node *ahead;
	struct watch *watch;

	hlist_for_each_entry_safe(watch, ahead, &inode->watches, in_inode) {
		const struct inotify_event head = {
			.wd = watch->number,
			.mask = telling->event & NO_ISDIR ? telling->event & ~(uint32_t)IN_ISDIR
							  : telling->event,
			.cookie = telling->cookie,
		};

		if (!(watch->mask & telling->event & (IN_ALL_EVENTS | IN_UNMOUNT)))
			continue;
		if (watch->mask & IN_EXCL_UNLINK && telling->name && telling->is_unlinked)
			continue;
		inotify_queue_locked(watch->instance, &head, telling->name);
		if (watch->mask & IN_ONESHOT)
			watch_end_locked(watch, &telling->dead);
	}
}

static uint32_t event_for(const struct inode *inode, uint32_t event)
{
	return inode_is_dir(inode) ? event | IN_ISDIR : event;
}

void notify_inode_watchers(struct inode *inode, uint32_t event)
{
	struct telling telling = {
		.event = event_for(inode, event),
		.dead = LIST_INIT(telling.dead),
	};

	if (hlist_is_empty(&inode->watches))
		return;
	spin_lock(&notify_lock);
	tell_locked(inode, &telling);
	spin_unlock(&notify_lock);
	watches_free(&telling.dead);
}

void notify_entry_watchers(struct inode *dir, const struct component *name,
			   const struct inode *inode, uint32_t event, uint32_t cookie)
{
	struct telling telling = {
		.event = event_for(inode, event),
		.cookie = cookie,
		.name = name,
		.dead = LIST_INIT(telling.dead),
	};

	if (hlist_is_empty(&dir->watches))
		return;
	spin_lock(&notify_lock);
	tell_locked(dir, &telling);
	spin_unlock(&notify_lock);
	watches_free(&telling.dead);
}

/* The directory first, by the name that the dentry has now. Its lock keeps both as they are. */
static void tell_parent(struct dentry *dentry, struct telling *telling)
{
	struct component name;

	spin_lock(&dentry->lock);
	if (!hlist_is_empty(&dentry->parent->inode->watches)) {
		name = (struct component){ .text = dentry->name->text };
		name.len = dentry->name->len;
		telling->name = &name;
		telling->is_unlinked = dentry_is_unlinked(dentry);
		spin_lock(&notify_lock);
		tell_locked(dentry->parent->inode, telling);
		spin_unlock(&notify_lock);
	}
	spin_unlock(&dentry->lock);
	telling->name = NULL;
}

void notify_dentry_watchers(struct dentry *dentry, uint32_t event)
{
	struct inode *inode = dentry->inode;
	struct telling telling = {
		.event = event_for(inode, event),
		.dead = LIST_INIT(telling.dead),
	};

	if (!dentry_is_root(dentry) && !(dentry->flags & DENTRY_DETACHED))
		tell_parent(dentry, &telling);
	if (!hlist_is_empty(&inode->watches)) {
		spin_lock(&notify_lock);
		tell_locked(inode, &telling);
		spin_unlock(&notify_lock);
	}
	watches_free(&telling.dead);
}

void notify_move(const struct notify_move *move)
{
	uint32_t cookie;

	if (!notify_is_wanted())
		return;
	cookie = atomic_add_return(&notify.last_cookie, 1);
	notify_entry_watchers(move->from_dir, move->from_name, move->inode, IN_MOVED_FROM, cookie);
	notify_entry_watchers(move->to_dir, move->to_name, move->inode, IN_MOVED_TO, cookie);
	if (move->replaced)
		notify_inode_watchers(move->replaced, IN_ATTRIB);
	notify_inode_watchers(move->inode, IN_MOVE_SELF);
}

/* ---- ends --------------------------------------------------------------------------- */

/* A last event, and all watches of the inode end. */
static void end_locked(struct inode *inode, struct telling *telling)
{
	struct hlist_node *ahead;
	struct watch *watch;

	tell_locked(inode, telling);
	hlist_for_each_entry_safe(watch, ahead, &inode->watches, in_inode)
		watch_end_locked(watch, &telling->dead);
}

void notify_gone_watchers(struct inode *inode)
{
	struct telling telling = { .event = IN_DELETE_SELF, .dead = LIST_INIT(telling.dead) };

	if (hlist_is_empty(&inode->watches) ||
	    (inode->nlink && !(inode->flags & INODE_DEAD)))
		return;
	spin_lock(&notify_lock);
	end_locked(inode, &telling);
	spin_unlock(&notify_lock);
	watches_free(&telling.dead);
}

void notify_super_watchers(struct superblock *super)
{
	struct telling telling = { .event = IN_UNMOUNT, .dead = LIST_INIT(telling.dead) };
	struct watch *watch;
	bool found;

	spin_lock(&notify_lock);
	do {
		found = false;
		list_for_each_entry(watch, &notify.watches, in_all) {
			if (watch->inode->super != super)
				continue;
			end_locked(watch->inode, &telling);
			found = true;
			break;
		}
	} while (found);
	spin_unlock(&notify_lock);
	watches_free(&telling.dead);
}

/* Linux's fsnotify_change() */
uint32_t notify_event_of_change(unsigned int valid)
{
	const unsigned int times = ATTR_ATIME | ATTR_MTIME;
	uint32_t event = 0;

	if (valid & (ATTR_UID | ATTR_GID | ATTR_MODE))
		event |= IN_ATTRIB;
	if (valid & ATTR_SIZE)
		event |= IN_MODIFY;
	if ((valid & times) == times)
		event |= IN_ATTRIB;
	else if (valid & ATTR_ATIME)
		event |= IN_ACCESS;
	else if (valid & ATTR_MTIME)
		event |= IN_MODIFY;
	return event;
}
