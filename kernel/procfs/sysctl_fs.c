/*
 * /proc/sys/fs: limits and counts of files (Linux's Documentation/admin-guide/sysctl/fs.rst).
 */
#include <linux/errno.h>

#include "fs/dentry.h"
#include "fs/epoll.h"
#include "fs/fdtable.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/inotify.h"
#include "fs/namei.h"
#include "fs/pipe.h"
#include "id/rlimit.h"
#include "lib/bits.h"
#include "procfs/sysctl.h"

static int show_file_nr(const struct node *node, struct text *text)
{
	text_printf(text, "%ld\t0\t%ld\n", file_count(), file_max());
	return 0;
}

static int show_inode_nr(const struct node *node, struct text *text)
{
	text_printf(text, "%ld\t0\n", inode_count());
	return 0;
}

static int show_inode_state(const struct node *node, struct text *text)
{
	text_printf(text, "%ld\t0\t0\t0\t0\t0\t0\n", inode_count());
	return 0;
}

static int show_dentry_state(const struct node *node, struct text *text)
{
	text_printf(text, "%ld\t%zu\t45\t0\t0\t0\n", dentry_count(), dentry_unused_count());
	return 0;
}

static int64_t get_nr_open(void)
{
	return (int64_t)rlimit_nr_open;
}

static int set_nr_open(int64_t max)
{
	rlimit_nr_open = (uint64_t)max;
	return 0;
}

static const struct sysctl_int nr_open = { get_nr_open, set_nr_open, 64, FD_MAX };

static int64_t get_file_max(void)
{
	return file_max();
}

static int set_file_max(int64_t max)
{
	file_max_set(max);
	return 0;
}

static const struct sysctl_int file_max_sysctl = { get_file_max, set_file_max, 0, INT64_MAX };

/* ---- pipes --------------------------------------------------------------------------------- */

static int64_t get_pipe_max(void)
{
	return pipe_limits.max_size;
}

/* Rounded up to a power of two of pages, as the sizes of pipes are. */
static int set_pipe_max(int64_t bytes)
{
	uint32_t size = 4096;

	while (size < bytes)
		size *= 2;
	pipe_limits.max_size = size;
	return 0;
}

static const struct sysctl_int pipe_max_size = { get_pipe_max, set_pipe_max, 1, 1u << 31 };

static int64_t get_pipe_soft(void)
{
	return pipe_limits.user_pages_soft;
}

static int set_pipe_soft(int64_t pages)
{
	pipe_limits.user_pages_soft = (uint32_t)pages;
	return 0;
}

static int64_t get_pipe_hard(void)
{
	return pipe_limits.user_pages_hard;
}

static int set_pipe_hard(int64_t pages)
{
	pipe_limits.user_pages_hard = (uint32_t)pages;
	return 0;
}

static const struct sysctl_int pipe_soft = { get_pipe_soft, set_pipe_soft, 0, UINT32_MAX };
static const struct sysctl_int pipe_hard = { get_pipe_hard, set_pipe_hard, 0, UINT32_MAX };

/* ---- links of others ----------------------------------------------------------------------- */

static int64_t get_hardlinks(void)
{
	return atomic_load_relaxed(&protected_hardlinks);
}

static int set_hardlinks(int64_t on)
{
	atomic_store_relaxed(&protected_hardlinks, (int)on);
	return 0;
}

static int64_t get_symlinks(void)
{
	return atomic_load_relaxed(&protected_symlinks);
}

static int set_symlinks(int64_t on)
{
	atomic_store_relaxed(&protected_symlinks, (int)on);
	return 0;
}

static int64_t get_fifos(void)
{
	return atomic_load_relaxed(&protected_fifos);
}

static int set_fifos(int64_t level)
{
	atomic_store_relaxed(&protected_fifos, (int)level);
	return 0;
}

static int64_t get_regular(void)
{
	return atomic_load_relaxed(&protected_regular);
}

static int set_regular(int64_t level)
{
	atomic_store_relaxed(&protected_regular, (int)level);
	return 0;
}

static const struct sysctl_int fifos = { get_fifos, set_fifos, 0, 2 };
static const struct sysctl_int regular = { get_regular, set_regular, 0, 2 };
static const struct sysctl_int hardlinks = { get_hardlinks, set_hardlinks, 0, 1 };
static const struct sysctl_int symlinks = { get_symlinks, set_symlinks, 0, 1 };

/* ---- epoll --------------------------------------------------------------------------------- */

static int64_t get_watches(void)
{
	return epoll_max_user_watches;
}

static int set_watches(int64_t watches)
{
	epoll_max_user_watches = watches;
	return 0;
}

static const struct sysctl_int max_user_watches = { get_watches, set_watches, 0, INT64_MAX };

static const struct entry epoll_entries[] = {
	SYSCTL_INT("max_user_watches", 0644, &max_user_watches),
};

static const struct directory epoll_directory = DIRECTORY(epoll_entries);

/* ---- inotify ------------------------------------------------------------------------------- */

static int64_t get_queued_events(void)
{
	return atomic_load_relaxed(&inotify_limits.max_queued_events);
}

static int set_queued_events(int64_t max)
{
	atomic_store_relaxed(&inotify_limits.max_queued_events, max);
	return 0;
}

static int64_t get_instances(void)
{
	return atomic_load_relaxed(&inotify_limits.max_user_instances);
}

static int set_instances(int64_t max)
{
	atomic_store_relaxed(&inotify_limits.max_user_instances, max);
	return 0;
}

static int64_t get_inotify_watches(void)
{
	return atomic_load_relaxed(&inotify_limits.max_user_watches);
}

static int set_inotify_watches(int64_t max)
{
	atomic_store_relaxed(&inotify_limits.max_user_watches, max);
	return 0;
}

static const struct sysctl_int queued_events = { get_queued_events, set_queued_events, 0,
	                                         INT32_MAX };
static const struct sysctl_int instances = { get_instances, set_instances, 0, INT32_MAX };
static const struct sysctl_int inotify_watches = { get_inotify_watches, set_inotify_watches, 0,
	                                           INT32_MAX };

static const struct entry inotify_entries[] = {
	SYSCTL_INT("max_queued_events", 0644, &queued_events),
	SYSCTL_INT("max_user_instances", 0644, &instances),
	SYSCTL_INT("max_user_watches", 0644, &inotify_watches),
};

static const struct directory inotify_directory = DIRECTORY(inotify_entries);

/* ---- the table ----------------------------------------------------------------------------- */

static const struct entry entries[] = {
	{ "dentry-state", S_IFREG | 0444, ENTRY_STRICT, .show = show_dentry_state },
	{ "epoll", S_IFDIR | 0555, .dir = &epoll_directory },
	SYSCTL_INT("file-max", 0644, &file_max_sysctl),
	{ "file-nr", S_IFREG | 0444, ENTRY_STRICT, .show = show_file_nr },
	{ "inode-nr", S_IFREG | 0444, ENTRY_STRICT, .show = show_inode_nr },
	{ "inode-state", S_IFREG | 0444, ENTRY_STRICT, .show = show_inode_state },
	{ "inotify", S_IFDIR | 0555, .dir = &inotify_directory },
	SYSCTL_INT("nr_open", 0644, &nr_open),
	SYSCTL_INT("pipe-max-size", 0644, &pipe_max_size),
	SYSCTL_INT("pipe-user-pages-hard", 0644, &pipe_hard),
	SYSCTL_INT("pipe-user-pages-soft", 0644, &pipe_soft),
	SYSCTL_INT("protected_fifos", 0600, &fifos),
	SYSCTL_INT("protected_hardlinks", 0600, &hardlinks),
	SYSCTL_INT("protected_regular", 0600, &regular),
	SYSCTL_INT("protected_symlinks", 0600, &symlinks),
};

const struct directory sysctl_fs_directory = DIRECTORY(entries);
