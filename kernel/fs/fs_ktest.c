/*
 * Tests of the file floor inside the kernel: names, files, mounts, the page cache, directories.
 * Each works in a tmpfs of its own, mounted in a namespace of its own.
 */
#include <linux/errno.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "core/ktest.h"
#include "fs/attr.h"
#include "fs/context.h"
#include "fs/fdtable.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/tmpfs/tmpfs.h"
#include "id/cred.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "vm/uio.h"

struct fixture {
	struct mount_namespace *ns;
	struct fs_context *context;
	struct walk_from from;
};

static bool setup(struct fixture *f)
{
	struct path root;

	if (mount_ns_create_first(&rootfs_type, "", &f->ns))
		return false;
	root = (struct path){ f->ns->root, f->ns->root->root };
	if (fs_context_create(&root, &f->context))
		return false;
	f->from = (struct walk_from){ .fs = f->context, .cred = &cred_root };
	return true;
}

static void teardown(struct fixture *f)
{
	fs_context_put(f->context);
	mount_ns_put(f->ns);
}

static int open_at(struct fixture *f, const char *name, unsigned int flags, struct file **out)
{
	const struct open_request request = { .flags = flags, .mode = 0644 };

	return file_open(&f->from, name, &request, out);
}

static int touch(struct fixture *f, const char *name, const char *text)
{
	struct file *file;
	int err = open_at(f, name, O_CREAT | O_WRONLY | O_TRUNC, &file);
	ssize_t n;

	if (err)
		return err;
	n = file_write_kernel(file, text, strlen(text), 0);
	file_put(file);
	return n == (ssize_t)strlen(text) ? 0 : -EIO;
}

static bool contains(struct fixture *f, const char *name, const char *text)
{
	struct file *file;
	char buf[64];
	ssize_t n;

	if (open_at(f, name, O_RDONLY, &file))
		return false;
	n = file_read_kernel(file, buf, sizeof(buf), 0);
	file_put(file);
	return n == (ssize_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

static int lookup_error(struct fixture *f, const char *name, unsigned int flags)
{
	struct path path;
	int err = path_lookup(&f->from, name, flags, &path);

	if (!err)
		path_put(&path);
	return err;
}

KTEST(fs_what_is_written_is_read_back_through_every_name)
{
	struct fixture f;
	struct path path;

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&f));
	KTEST_ASSERT(path_mkdir(&f.from, "/d", 0755) == 0);
	KTEST_ASSERT(path_mkdir(&f.from, "/d", 0755) == -EEXIST);
	KTEST_ASSERT(touch(&f, "/d/file", "hello") == 0);
	KTEST_ASSERT(contains(&f, "d/file", "hello"));
	KTEST_ASSERT(contains(&f, "//d/./../d//file", "hello"));
	KTEST_ASSERT(path_lookup(&f.from, "/d/file", 0, &path) == 0);
	KTEST_ASSERT(path_link(&path, &f.from, "/second") == 0);
	KTEST_ASSERT(path.dentry->inode->nlink == 2);
	path_put(&path);
	KTEST_ASSERT(path_unlink(&f.from, "/d/file") == 0);
	KTEST_ASSERT(lookup_error(&f, "/d/file", 0) == -ENOENT);
	KTEST_ASSERT(contains(&f, "/second", "hello"));
	KTEST_ASSERT(path_rmdir(&f.from, "/d") == 0);
	KTEST_ASSERT(path_rmdir(&f.from, "/d") == -ENOENT);
	teardown(&f);
}

KTEST(fs_walk_follows_links_and_stops_at_forty)
{
	struct fixture f;
	char name[16], target[16];

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&f));
	KTEST_ASSERT(path_mkdir(&f.from, "/a", 0755) == 0);
	KTEST_ASSERT(touch(&f, "/a/file", "x") == 0);
	KTEST_ASSERT(path_symlink(&f.from, "/rel", "a") == 0);
	KTEST_ASSERT(path_symlink(&f.from, "/abs", "/rel/../rel/") == 0);
	KTEST_ASSERT(contains(&f, "/abs/file", "x"));
	KTEST_ASSERT(lookup_error(&f, "/abs/file/", LOOKUP_FOLLOW) == -ENOTDIR);
	KTEST_ASSERT(path_symlink(&f.from, "/loop", "loop") == 0);
	KTEST_ASSERT(lookup_error(&f, "/loop", LOOKUP_FOLLOW) == -ELOOP);
	KTEST_ASSERT(lookup_error(&f, "/loop", 0) == 0);
	KTEST_ASSERT(lookup_error(&f, "/loop/x", 0) == -ELOOP);
	KTEST_ASSERT(path_symlink(&f.from, "/l0", "a") == 0);
	for (int i = 1; i <= 40; i++) {
		snprintf(name, sizeof(name), "/l%d", i);
		snprintf(target, sizeof(target), "l%d", i - 1);
		KTEST_ASSERT(path_symlink(&f.from, name, target) == 0);
	}
	KTEST_ASSERT(contains(&f, "/l39/file", "x"));
	KTEST_ASSERT(lookup_error(&f, "/l40/file", 0) == -ELOOP);
	KTEST_ASSERT(lookup_error(&f, "", 0) == -ENOENT);
	teardown(&f);
}

KTEST(fs_names_longer_than_255_bytes_are_refused)
{
	struct fixture f;
	char name[300];

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&f));
	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	KTEST_ASSERT(touch(&f, name, "long") == 0);
	KTEST_ASSERT(contains(&f, name, "long"));
	name[255] = 'n';
	name[256] = '\0';
	KTEST_ASSERT(touch(&f, name, "long") == -ENAMETOOLONG);
	KTEST_ASSERT(lookup_error(&f, name, 0) == -ENAMETOOLONG);
	teardown(&f);
}

KTEST(fs_rename_replaces_exchanges_and_refuses_loops)
{
	struct fixture f;

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&f));
	KTEST_ASSERT(path_mkdir(&f.from, "/a", 0755) == 0);
	KTEST_ASSERT(path_mkdir(&f.from, "/a/b", 0755) == 0);
	KTEST_ASSERT(path_mkdir(&f.from, "/c", 0755) == 0);
	KTEST_ASSERT(touch(&f, "/a/x", "x") == 0);
	KTEST_ASSERT(touch(&f, "/c/y", "y") == 0);
	KTEST_ASSERT(path_rename(&f.from, "/a", &f.from, "/a/b/z", 0) == -EINVAL);
	KTEST_ASSERT(path_rename(&f.from, "/a/b", &f.from, "/a", 0) == -ENOTEMPTY);
	KTEST_ASSERT(path_rename(&f.from, "/a/x", &f.from, "/c/y", RENAME_NOREPLACE) == -EEXIST);
	KTEST_ASSERT(path_rename(&f.from, "/a/x", &f.from, "/c/y", RENAME_EXCHANGE) == 0);
	KTEST_ASSERT(contains(&f, "/a/x", "y") && contains(&f, "/c/y", "x"));
	KTEST_ASSERT(path_rename(&f.from, "/a/x", &f.from, "/c/y", 0) == 0);
	KTEST_ASSERT(contains(&f, "/c/y", "y"));
	KTEST_ASSERT(lookup_error(&f, "/a/x", 0) == -ENOENT);
	KTEST_ASSERT(path_rename(&f.from, "/a/b", &f.from, "/c/b", 0) == 0);
	KTEST_ASSERT(path_rename(&f.from, "/a", &f.from, "/c/b", 0) == 0);
	KTEST_ASSERT(lookup_error(&f, "/c/b/..", LOOKUP_DIRECTORY) == 0);
	KTEST_ASSERT(path_rename(&f.from, "/c", &f.from, "/c/y", 0) == -EINVAL);
	teardown(&f);
}

KTEST(fs_holes_read_as_zeroes_and_take_no_blocks)
{
	struct fixture f;
	struct file *file;
	char bytes[4] = "abc", back[8];

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&f));
	KTEST_ASSERT(open_at(&f, "/sparse", O_CREAT | O_RDWR, &file) == 0);
	KTEST_ASSERT(file_write_kernel(file, bytes, 3, 1 << 20) == 3);
	KTEST_ASSERT(file->inode->size == (1 << 20) + 3 && file->inode->blocks == 8);
	KTEST_ASSERT(file_read_kernel(file, back, 8, (1 << 20) - 5) == 8);
	KTEST_ASSERT(memcmp(back, "\0\0\0\0\0abc", 8) == 0);
	KTEST_ASSERT(file_seek(file, 0, SEEK_DATA) == 1 << 20);
	KTEST_ASSERT(file_seek(file, 0, SEEK_HOLE) == 0);
	KTEST_ASSERT(file_seek(file, 1 << 20, SEEK_HOLE) == (1 << 20) + 3);
	KTEST_ASSERT(file_fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1 << 20, 1,
	                            UINT64_MAX) == 0);
	KTEST_ASSERT(file_read_kernel(file, back, 3, 1 << 20) == 3 && memcmp(back, "\0bc", 3) == 0);
	KTEST_ASSERT(file_truncate(file, (1 << 20) + 2, UINT64_MAX) == 0);
	KTEST_ASSERT(file_truncate(file, (1 << 20) + 3, UINT64_MAX) == 0);
	KTEST_ASSERT(file_read_kernel(file, back, 3, 1 << 20) == 3);
	KTEST_ASSERT(memcmp(back, "\0b\0", 3) == 0);
	KTEST_ASSERT(file_truncate(file, 0, UINT64_MAX) == 0 && file->inode->blocks == 0);
	KTEST_ASSERT(file_fallocate(file, 0, 0, 10000, UINT64_MAX) == 0);
	KTEST_ASSERT(file->inode->size == 10000 && file->inode->blocks == 24);
	file_put(file);
	teardown(&f);
}

/* Removes what it is shown, as `rm -r` does between two reads of a directory. */
struct remover {
	struct dir_sink sink;
	char names[4][16];
	unsigned int nr, seen;
};

static bool remember(struct dir_sink *sink, const char *name, size_t len, ino_t ino,
                     unsigned int type)
{
	struct remover *r = container_of(sink, struct remover, sink);

	if (r->nr == array_size(r->names))
		return false;
	if (name[0] != '.') {
		str_copy_n(r->names[r->nr++], sizeof(r->names[0]), name, len);
		r->seen++;
	}
	return true;
}

KTEST(fs_directory_reader_keeps_its_place_while_entries_are_removed)
{
	struct remover r = { .sink.entry = remember };
	struct fixture f;
	struct file *dir;
	char name[32];

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&f));
	KTEST_ASSERT(path_mkdir(&f.from, "/dir", 0755) == 0);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "/dir/file%d", i);
		KTEST_ASSERT(touch(&f, name, "") == 0);
	}
	KTEST_ASSERT(open_at(&f, "/dir", O_RDONLY | O_DIRECTORY, &dir) == 0);
	do {
		r.nr = 0;
		KTEST_ASSERT(file_iterate(dir, &r.sink) == 0);
		for (unsigned int i = 0; i < r.nr; i++) {
			snprintf(name, sizeof(name), "/dir/%s", r.names[i]);
			KTEST_ASSERT(path_unlink(&f.from, name) == 0);
		}
	} while (r.nr);
	file_put(dir);
	KTEST_ASSERT(r.seen == 50);
	KTEST_ASSERT(path_rmdir(&f.from, "/dir") == 0);
	teardown(&f);
}

static int mount_tmpfs(struct fixture *f, const char *at, const char *options)
{
	const struct mount_options request = { .type = "tmpfs", .source = "t", .options = options,
	                                       .flags = MS_RELATIME, .cred = &cred_root };
	struct path path;
	int err = path_lookup(&f->from, at, LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	err = mount_new(f->ns, &path, &request);
	path_put(&path);
	return err;
}

static int umount(struct fixture *f, const char *at, unsigned int flags)
{
	struct path path;
	int err = path_lookup(&f->from, at, LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	err = mount_umount(f->ns, &path, flags);
	path_put(&path);
	return err;
}

KTEST(fs_mounts_hide_and_reveal_what_is_below)
{
	struct fixture f;
	struct file *file;

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&f));
	KTEST_ASSERT(path_mkdir(&f.from, "/m", 0755) == 0);
	KTEST_ASSERT(touch(&f, "/m/below", "1") == 0);
	KTEST_ASSERT(mount_tmpfs(&f, "/m", "size=8k,nr_inodes=4") == 0);
	KTEST_ASSERT(lookup_error(&f, "/m/below", 0) == -ENOENT);
	KTEST_ASSERT(lookup_error(&f, "/m/../m/..", 0) == 0);
	KTEST_ASSERT(path_rmdir(&f.from, "/m") == -EBUSY);
	KTEST_ASSERT(open_at(&f, "/m/file", O_CREAT | O_RDWR, &file) == 0);
	KTEST_ASSERT(file_fallocate(file, 0, 0, 3 * PAGE_SIZE, UINT64_MAX) == -ENOSPC);
	KTEST_ASSERT(umount(&f, "/m", 0) == -EBUSY);
	KTEST_ASSERT(path_rename(&f.from, "/m/file", &f.from, "/file", 0) == -EXDEV);
	KTEST_ASSERT(touch(&f, "/m/2", "") == 0 && touch(&f, "/m/3", "") == 0);
	KTEST_ASSERT(touch(&f, "/m/4", "") == -ENOSPC);
	KTEST_ASSERT(mount_tmpfs(&f, "/m", "nonsense=1") == -EINVAL);
	KTEST_ASSERT(umount(&f, "/m", MNT_DETACH) == 0);
	KTEST_ASSERT(file_write_kernel(file, "x", 1, 0) == 1);
	file_put(file);
	KTEST_ASSERT(contains(&f, "/m/below", "1"));
	KTEST_ASSERT(path_unlink(&f.from, "/m/below") == 0 && path_rmdir(&f.from, "/m") == 0);
	teardown(&f);
}

static int set_propagation(struct fixture *f, const char *at, unsigned int flags)
{
	struct path path;
	int err = path_lookup(&f->from, at, LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	err = mount_set_propagation(f->ns, &path, flags);
	path_put(&path);
	return err;
}

static int bind(struct fixture *f, const char *from, const char *at, bool recursive)
{
	struct path source, target;
	int err = path_lookup(&f->from, from, LOOKUP_FOLLOW, &source);

	if (err)
		return err;
	err = path_lookup(&f->from, at, LOOKUP_FOLLOW, &target);
	if (!err) {
		err = mount_bind(f->ns, &source, &target, recursive);
		path_put(&target);
	}
	path_put(&source);
	return err;
}

KTEST(fs_mounts_propagate_to_peers_and_slaves_but_not_back)
{
	struct fixture f;

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&f));
	KTEST_ASSERT(path_mkdir(&f.from, "/a", 0755) == 0);
	KTEST_ASSERT(path_mkdir(&f.from, "/peer", 0755) == 0);
	KTEST_ASSERT(path_mkdir(&f.from, "/slave", 0755) == 0);
	KTEST_ASSERT(mount_tmpfs(&f, "/a", "") == 0);
	KTEST_ASSERT(path_mkdir(&f.from, "/a/x", 0755) == 0);
	KTEST_ASSERT(path_mkdir(&f.from, "/a/y", 0755) == 0);
	KTEST_ASSERT(set_propagation(&f, "/a", MS_SHARED) == 0);
	KTEST_ASSERT(bind(&f, "/a", "/peer", false) == 0);
	KTEST_ASSERT(bind(&f, "/a", "/slave", false) == 0);
	KTEST_ASSERT(set_propagation(&f, "/slave", MS_SLAVE) == 0);
	KTEST_ASSERT(mount_tmpfs(&f, "/a/x", "") == 0);
	KTEST_ASSERT(touch(&f, "/a/x/file", "seen") == 0);
	KTEST_ASSERT(contains(&f, "/peer/x/file", "seen") && contains(&f, "/slave/x/file", "seen"));
	KTEST_ASSERT(mount_tmpfs(&f, "/slave/y", "") == 0);
	KTEST_ASSERT(touch(&f, "/slave/y/file", "own") == 0);
	KTEST_ASSERT(lookup_error(&f, "/a/y/file", 0) == -ENOENT);
	KTEST_ASSERT(umount(&f, "/peer/x", 0) == 0);
	KTEST_ASSERT(lookup_error(&f, "/a/x/file", 0) == -ENOENT);
	KTEST_ASSERT(lookup_error(&f, "/slave/x/file", 0) == -ENOENT);
	teardown(&f);
}

KTEST(fs_namespace_copies_are_apart)
{
	struct mount_namespace *copy;
	struct fs_context *context;
	struct fixture f, g;

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&f));
	KTEST_ASSERT(path_mkdir(&f.from, "/m", 0755) == 0);
	KTEST_ASSERT(mount_tmpfs(&f, "/m", "") == 0);
	KTEST_ASSERT(touch(&f, "/m/file", "both") == 0);
	KTEST_ASSERT(fs_context_copy(f.context, &context) == 0);
	KTEST_ASSERT(mount_ns_copy(f.ns, context, &copy) == 0);
	g = (struct fixture){ copy, context, { .fs = context, .cred = &cred_root } };
	KTEST_ASSERT(contains(&g, "/m/file", "both"));
	KTEST_ASSERT(umount(&g, "/m", 0) == 0);
	KTEST_ASSERT(lookup_error(&g, "/m/file", 0) == -ENOENT);
	KTEST_ASSERT(contains(&f, "/m/file", "both"));
	teardown(&g);
	teardown(&f);
}

KTEST(fs_descriptors_are_the_lowest_free_and_tables_grow)
{
	struct fdtable *table, *copy;
	struct fd_borrow ref;
	struct fixture f;
	struct file *file;

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&f));
	KTEST_ASSERT(open_at(&f, "/f", O_CREAT | O_RDWR, &file) == 0);
	KTEST_ASSERT(fdtable_create(&table) == 0);
	for (int i = 0; i < 300; i++)
		KTEST_ASSERT(fd_add(table, file_get(file), 300, i % 2) == i);
	KTEST_ASSERT(fd_add(table, file, 300, false) == -EMFILE);
	KTEST_ASSERT(fd_close(table, 7) == 0 && fd_close(table, 7) == -EBADF);
	KTEST_ASSERT(!fd_borrow(table, 7, &ref) && fd_borrow(table, 299, &ref));
	fd_return(&ref);
	KTEST_ASSERT(fd_add(table, file_get(file), 300, false) == 7);
	KTEST_ASSERT(fdtable_copy(table, UINT32_MAX, &copy) == 0);
	fd_close_on_exec(copy);
	KTEST_ASSERT(fd_next(copy, 9) == 10 && fd_get_cloexec(table, 9) == 1);
	KTEST_ASSERT(fd_close_range(copy, 3, UINT32_MAX, false) == 0 && fd_next(copy, 3) == -1);
	fdtable_put(copy);
	fdtable_put(table);
	file_put(file);
	teardown(&f);
}

KTEST(fs_places_are_shown_by_name)
{
	struct path path, root;
	struct fixture f;
	char buf[64], *text;

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&f));
	KTEST_ASSERT(path_mkdir(&f.from, "/m", 0755) == 0);
	KTEST_ASSERT(mount_tmpfs(&f, "/m", "") == 0);
	KTEST_ASSERT(path_mkdir(&f.from, "/m/d", 0755) == 0);
	KTEST_ASSERT(path_lookup(&f.from, "/m/d", 0, &path) == 0);
	fs_context_root(f.context, &root);
	KTEST_ASSERT(path_render(&path, &root, true, buf, sizeof(buf), &text) == 0);
	KTEST_ASSERT(strcmp(text, "/m/d") == 0);
	KTEST_ASSERT(path_rmdir(&f.from, "/m/d") == 0);
	KTEST_ASSERT(path_render(&path, &root, true, buf, sizeof(buf), &text) == 0);
	KTEST_ASSERT(strcmp(text, "/m/d (deleted)") == 0);
	KTEST_ASSERT(path_render(&root, &root, true, buf, sizeof(buf), &text) == 0);
	KTEST_ASSERT(strcmp(text, "/") == 0);
	path_put(&path);
	path_put(&root);
	teardown(&f);
}

KTEST(fs_devices_answer_through_devtmpfs)
{
	const struct mount_options request = { .type = "devtmpfs", .source = "d", .options = "",
	                                       .cred = &cred_root };
	struct fixture f;
	struct file *file;
	struct path path;
	char bytes[4] = "xyz";

	KTEST_NO_LEAK();
	KTEST_ASSERT(setup(&f));
	KTEST_ASSERT(path_mkdir(&f.from, "/dev", 0755) == 0);
	KTEST_ASSERT(path_lookup(&f.from, "/dev", 0, &path) == 0);
	KTEST_ASSERT(mount_new(f.ns, &path, &request) == 0);
	path_put(&path);
	KTEST_ASSERT(open_at(&f, "/dev/zero", O_RDWR, &file) == 0);
	KTEST_ASSERT(file_read_kernel(file, bytes, 3, 0) == 3 && bytes[2] == 0);
	file_put(file);
	KTEST_ASSERT(open_at(&f, "/dev/full", O_WRONLY, &file) == 0);
	KTEST_ASSERT(file_write_kernel(file, bytes, 1, 0) == -ENOSPC);
	file_put(file);
	KTEST_ASSERT(path_mknod(&f.from, "/dev/odd", S_IFCHR | 0600, 0xfff00000u, NULL) == 0);
	KTEST_ASSERT(open_at(&f, "/dev/odd", O_RDWR, &file) == -ENXIO);
	KTEST_ASSERT(path_unlink(&f.from, "/dev/odd") == 0);
	teardown(&f);
}

/* Everything that allocates, in a row; each step may fail, and the next ones then fail too. */
static void all_that_allocates(struct fixture *f)
{
	struct fs_context *context;
	struct mount_namespace *copy;
	struct fdtable *table;
	struct file *file;
	struct path path;

	(void)!path_mkdir(&f->from, "/x", 0755);
	(void)!path_mkdir(&f->from, "/y", 0755);
	(void)!touch(f, "/x/a-name-that-is-too-long-for-the-dentry-itself-to-hold-it", "text");
	(void)!path_symlink(&f->from, "/x/link", "../y");
	(void)!lookup_error(f, "/x/link/nothing", 0);
	(void)!path_rename(&f->from, "/x/link", &f->from, "/y/other", 0);
	(void)!mount_tmpfs(f, "/x", "size=1m,mode=700");
	(void)!touch(f, "/x/f", "text");
	(void)!set_propagation(f, "/x", MS_SHARED);
	(void)!bind(f, "/x", "/y", true);
	(void)!path_mkdir(&f->from, "/x/sub", 0755);
	(void)!mount_tmpfs(f, "/x/sub", "");
	if (!path_lookup(&f->from, "/x/f", 0, &path)) {
		(void)!path_link(&path, &f->from, "/x/g");
		path_put(&path);
	}
	if (!tmpfs_file_create_anonymous("memfd:t", 4096, TMPFS_SEALABLE, &cred_root, &file)) {
		(void)!file_write_kernel(file, "text", 4, 100000);
		if (!fdtable_create(&table)) {
			for (int i = 0; i < 100; i++) {
				if (fd_replace(table, i, file_get(file), 100, false) < 0)
					file_put(file);
			}
			fdtable_put(table);
		}
		file_put(file);
	}
	if (!fs_context_copy(f->context, &context)) {
		if (!mount_ns_copy(f->ns, context, &copy))
			mount_ns_put(copy);
		fs_context_put(context);
	}
}

KTEST(fs_survives_the_failure_of_any_allocation)
{
	struct fixture f;

	KTEST_NO_LEAK();
	for (uint64_t n = 1; n < 400; n++) {
		KTEST_ASSERT(setup(&f));
		alloc_fail_set(n % 200 + 1, n >= 200);
		all_that_allocates(&f);
		alloc_fail_set(0, false);
		KTEST_ASSERT(lookup_error(&f, "/", 0) == 0);
		teardown(&f);
	}
}
