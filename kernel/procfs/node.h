/*
 * Nodes: the files, directories and links of /proc and /sys, made from static tables.
 *
 * A directory is a table of entries and, behind them, names that come and go (processes,
 * descriptors, CPUs), found by a function. An entry says what a name is and how its content comes
 * about: text shown when it is read, text taken when it is written, operations of its own, where a
 * link leads, or another table. An inode (struct node) is made when a name is looked up, and goes
 * with its last user; so do dentries, which are never kept unused.
 *
 * A file's text is made when it is read at position 0, or anywhere without having been read before,
 * and served from there on, so that short reads see one consistent text. It is kept until its end
 * has been read or the file is closed.
 *
 * Nodes below a process know its struct pid, not the task: whoever shows something asks for the
 * task (node_task()) and answers ESRCH when there is none any more.
 *
 * Locking: nodes are constant but for owner and mode. `show`, `link` and `write` run without locks
 * other than a file's position; `lookup` and `next` run with the directory's inode lock held.
 */
#pragma once

#include "fs/inode.h"
#include "fs/path.h"
#include "lib/types.h"
#include "procfs/text.h"

struct dir_sink;
struct entry;
struct file;
struct file_ops;
struct node;
struct pid;
struct poller;
struct space;
struct task;

/* What a name turned out to be: an entry, and what it is about. */
struct child {
	const struct entry *entry;
	struct pid         *pid; /* a reference; NULL: no process */
	uint64_t            key; /* descriptor, CPU ... : whatever the entry's functions want */
	mode_t              mode; /* type and permissions; 0: the entry's */
	uint32_t            size; /* bytes that stat(2) tells of a file */
};

struct directory {
	const struct entry *entries;
	size_t              count;
	/*
	 * A name that is not in the table; -ENOENT: nor elsewhere. NULL: nothing is. Must not
	 * sleep on locks of rank RANK_DIRECTORY_INODE or less.
	 */
	int (*lookup)(const struct node *dir, const char *name, struct child *out);
	/*
	 * The first such name with a key of *key or more: it goes to name[NODE_NAME_MAX], its key
	 * to *key, and the entry is the answer. NULL: no more.
	 */
	const struct entry *(*next)(const struct node *dir, uint64_t *key, char *name);
};

enum { NODE_NAME_MAX = 32 };

enum entry_flag {
	ENTRY_PRIVATE  = 1 << 0, /* of a process: only for those who may look into it; EACCES */
	ENTRY_PTRACE   = 1 << 1, /* the same, but EPERM */
	ENTRY_STRICT   = 1 << 2, /* its mode binds even those with capabilities: /proc/sys */
};

struct entry {
	const char *name;
	mode_t      mode; /* type and permissions */
	unsigned    flags; /* ENTRY_* */
	const void *arg;  /* for functions that serve several entries */
	bool      (*exists)(void); /* NULL: always */

	/* S_IFDIR */
	const struct directory *dir;

	/* S_IFLNK */
	int (*link)(const struct node *node, struct link_target *out);

	/*
	 * S_IFREG. One of three makes the text; 0 or -errno. A task is alive or a zombie; a space
	 * is that of the time of opening, and the text is empty when nobody runs in it any more.
	 */
	int (*show)(const struct node *node, struct text *text);
	int (*show_task)(struct task *task, struct text *text);
	int (*show_space)(struct space *space, struct text *text);
	/* Takes `len` bytes, terminated; 0 or -errno. */
	int (*write)(const struct node *node, char *line, size_t len);
	int (*write_task)(struct task *task, char *line, size_t len);
	/*
	 * What changed since *seen, which is updated: EPOLL*. With ops = &node_polled_file_ops.
	 */
	unsigned int (*poll)(const struct node *node, uint64_t *seen, struct poller *poller);
	/* Or all by itself: NULL for the above. */
	const struct file_ops *ops;
};

struct node {
	struct inode        inode;
	const struct entry *entry;
	struct pid         *pid; /* a reference; NULL: no process */
	uint64_t            key;
};

static inline struct node *to_node(const struct inode *inode)
{
	return (struct node *)(uintptr_t)container_of(inode, struct node, inode);
}

#define DIRECTORY(table) { .entries = (table), .count = array_size(table) }

/* A super block with a root that is this directory entry, kept for ever. Start-up only. */
struct fs_type;
__must_check int node_super_create(const struct fs_type *type, uint32_t magic,
                                   const struct entry *root, struct superblock **out);
/* mount() of a type with one instance, which has no options. */
int node_super_mount(struct superblock *super, const char *options, struct superblock **out);

/* The task that the node is about, with a reference; NULL: it is gone. */
struct task *node_task(const struct node *node);

/* The node of an open directory of /proc or /sys; NULL: it is no such thing. */
const struct node *node_of_directory(const struct file *file);

/* Its owner as of now: the effective ids of the task, or root for one that may not be dumped. */
void node_update_owner(struct node *node);

/* May the current task see private things of this node's process? 0, -EACCES, -ESRCH. */
int node_may_access(const struct node *node);

/* A decimal number without sign and leading zeroes, at most INT32_MAX. */
bool node_name_number(const char *name, uint64_t *number);

/* A link's text from printf. -ENOMEM. */
int link_printf(struct link_target *out, const char *fmt, ...) __printf(2, 3);

/* node_file.c: regular files; the second kind can be waited for. */
extern const struct file_ops node_file_ops, node_polled_file_ops;
