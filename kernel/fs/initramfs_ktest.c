/*
 * Tests of the unpacking of initramfs archives, made in memory here.
 */
#include <linux/errno.h>

#include "core/ktest.h"
#include "fs/attr.h"
#include "fs/context.h"
#include "fs/inode.h"
#include "fs/initramfs.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/tmpfs/tmpfs.h"
#include "id/cred.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"

enum { ARCHIVE_MAX = 4096 };

struct archive {
	char  *data;
	size_t size;
};

static void pad(struct archive *archive)
{
	while (archive->size % 4)
		archive->data[archive->size++] = '\0';
}

/* One newc entry; ino tells hard links apart, mtime is 1000 * ino. */
static void add(struct archive *archive, const char *name, unsigned int ino, unsigned int nlink,
                mode_t mode, const char *text)
{
	archive->size += (size_t)snprintf(
		archive->data + archive->size, ARCHIVE_MAX - archive->size,
		"070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s", ino, mode, 7, 8,
		nlink, ino * 1000, (unsigned int)strlen(text), 0, 0, 5, 1,
		(unsigned int)strlen(name) + 1, 0, name) + 1;
	pad(archive);
	memcpy(archive->data + archive->size, text, strlen(text));
	archive->size += strlen(text);
	pad(archive);
}

struct tree {
	struct mount_namespace *ns;
	struct fs_context      *context;
	struct path             root;
	struct archive          archive;
};

static bool setup(struct tree *tree)
{
	tree->archive = (struct archive){ .data = kzalloc(ARCHIVE_MAX, ALLOC_KERNEL) };
	if (!tree->archive.data || mount_ns_create_first(&rootfs_type, "", &tree->ns))
		return false;
	tree->root = (struct path){ tree->ns->root, tree->ns->root->root };
	return fs_context_create(&tree->root, &tree->context) == 0;
}

static void teardown(struct tree *tree)
{
	fs_context_put(tree->context);
	mount_ns_put(tree->ns);
	kfree(tree->archive.data);
}

static int unpack(struct tree *tree)
{
	return initramfs_unpack(tree->archive.data, tree->archive.size, &tree->root, NULL);
}

static int stat_of(struct tree *tree, const char *name, struct kstat *stat)
{
	const struct walk_from from = { .fs = tree->context, .cred = &cred_root };
	struct path path;
	int err = path_lookup(&from, name, 0, &path);

	if (err)
		return err;
	err = path_stat(&path, stat);
	path_put(&path);
	return err;
}

KTEST(initramfs_keeps_links_modes_owners_times_and_nodes)
{
	struct kstat stat, other;
	struct tree tree;

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&tree));
	add(&tree.archive, "d", 1, 2, S_IFDIR | 01755, "");
	add(&tree.archive, "d/one", 2, 2, S_IFREG | 0640, "");
	add(&tree.archive, "d/two", 2, 2, S_IFREG | 0640, "content");
	add(&tree.archive, "link", 3, 1, S_IFLNK | 0777, "d/one");
	add(&tree.archive, "console", 4, 1, S_IFCHR | 0600, "");
	add(&tree.archive, "TRAILER!!!", 0, 1, 0, "");
	KTEST_ASSERT(unpack(&tree) == 0);
	KTEST_ASSERT(stat_of(&tree, "/d", &stat) == 0);
	KTEST_ASSERT(stat.mode == (S_IFDIR | 01755) && stat.mtime == 1000 * NS_PER_SEC);
	KTEST_ASSERT(stat_of(&tree, "/d/one", &stat) == 0 && stat_of(&tree, "/d/two", &other) == 0);
	KTEST_ASSERT(stat.ino == other.ino && stat.nlink == 2 && stat.size == 7);
	KTEST_ASSERT(stat.mode == (S_IFREG | 0640) && stat.uid == 7 && stat.gid == 8);
	KTEST_ASSERT(stat_of(&tree, "/link", &stat) == 0 && S_ISLNK(stat.mode) && stat.size == 5);
	KTEST_ASSERT(stat_of(&tree, "/console", &stat) == 0 && stat.rdev == (5u << 20 | 1));
	teardown(&tree);
}

KTEST(initramfs_that_is_cut_off_is_an_error_and_keeps_what_came_before)
{
	struct kstat stat;
	struct tree tree;

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&tree));
	add(&tree.archive, "whole", 1, 1, S_IFREG | 0600, "content");
	add(&tree.archive, "cut", 2, 1, S_IFREG | 0600, "content");
	tree.archive.size -= 6;
	KTEST_ASSERT(unpack(&tree) == -EINVAL);
	KTEST_ASSERT(stat_of(&tree, "/whole", &stat) == 0 && stat.size == 7);
	KTEST_ASSERT(stat_of(&tree, "/cut", &stat) == -ENOENT);
	teardown(&tree);
}

KTEST(initramfs_of_an_unknown_or_unsupported_format_is_refused)
{
	struct tree tree;

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&tree));
	memcpy(tree.archive.data, "\xfd" "7zXZ\0 and so on", 16);
	tree.archive.size = 100;
	KTEST_ASSERT(unpack(&tree) == -EOPNOTSUPP);
	memcpy(tree.archive.data, "this is no archive", 16);
	KTEST_ASSERT(unpack(&tree) == -EINVAL);
	teardown(&tree);
}
