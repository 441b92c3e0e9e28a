/*
 * Unpacking the initramfs. See initramfs.h.
 *
 * The outer loop looks at what comes next: zero padding, a plain archive, or a compressed one,
 * which is unpacked into memory and read in the same way. Entries are made by the same functions
 * that system calls use, as root with umask 0. As on Linux an entry that cannot be made is passed
 * by, a missing parent directory included; the first such one is logged, with the number of all.
 * Times of directories are set at the end, when nothing is made in them any more.
 *
 * check-style: includes: an archive holds every kind of file, packed in every way
 */
#include "fs/initramfs.h"

#include <linux/errno.h>
#include <linux/fcntl.h>

#include "core/printk.h"
#include "fs/attr.h"
#include "fs/context.h"
#include "lib/devnum.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "id/cred.h"
#include "lib/cpio.h"
#include "lib/decompress.h"
#include "lib/hash.h"
#include "lib/hlist.h"
#include "lib/list.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/buddy.h"

enum { LINK_BUCKETS = 32, GIVE_BACK_BYTES = 1 << 20 };

/* The first name of a file that has several. */
struct hard_link {
	struct hlist_node node;
	unsigned int      archive;
	uint32_t          major, minor;
	uint64_t          ino;
	char              name[];
};

struct directory_time {
	struct list link;
	ns_t        mtime;
	char        name[];
};

struct unpacking {
	struct fs_context *context;
	struct hlist       links[LINK_BUCKETS];
	struct list        directories;
	unsigned int       failed; /* entries passed by */
	const char        *given_to; /* archive memory before this is given back */
	void             (*give_back)(const void *from, size_t size);
	const char        *error;
};

static struct walk_from from_root(const struct unpacking *u)
{
	return (struct walk_from){ .fs = u->context, .cred = &cred_root };
}

/* ---- hard links ---------------------------------------------------------------------------- */

static struct hlist *links_of(struct unpacking *u, const struct cpio_entry *entry)
{
	return &u->links[hash_u64(entry->ino ^ entry->archive) % LINK_BUCKETS];
}

static const struct hard_link *link_find(struct unpacking *u, const struct cpio_entry *entry)
{
	struct hard_link *link;

	hlist_for_each_entry(link, links_of(u, entry), node) {
		if (link->ino == entry->ino && link->archive == entry->archive &&
		    link->major == entry->major && link->minor == entry->minor)
			return link;
	}
	return NULL;
}

static int link_remember(struct unpacking *u, const struct cpio_entry *entry)
{
	size_t len = strlen(entry->name);
	struct hard_link *link = kmalloc(sizeof(*link) + len + 1, ALLOC_KERNEL);

	if (!link)
		return -ENOMEM;
	link->archive = entry->archive;
	link->major = entry->major;
	link->minor = entry->minor;
	link->ino = entry->ino;
	memcpy(link->name, entry->name, len + 1);
	hlist_add(links_of(u, entry), &link->node);
	return 0;
}

static int link_make(const struct walk_from *from, const char *old, const char *name)
{
	struct path path;
	int err = path_lookup(from, old, 0, &path);

	if (err)
		return err;
	err = path_link(&path, from, name);
	path_put(&path);
	return err;
}

/* ---- entries ------------------------------------------------------------------------------- */

static int attributes_set(const struct walk_from *from, const struct cpio_entry *entry)
{
	const struct time_change times = { UTIME_SET, UTIME_SET, entry->mtime * NS_PER_SEC,
	                                   entry->mtime * NS_PER_SEC };
	struct path path;
	int err = path_lookup(from, entry->name, 0, &path);

	if (err)
		return err;
	err = path_chown(&path, &cred_root, entry->uid, entry->gid);
	if (!err && !S_ISLNK(entry->mode))
		err = path_chmod(&path, &cred_root, entry->mode & 07777);
	if (!err && !S_ISDIR(entry->mode))
		err = path_utimes(&path, &cred_root, &times);
	path_put(&path);
	return err;
}

/* An older entry of another kind makes room. */
static void other_kind_remove(const struct walk_from *from, const struct cpio_entry *entry)
{
	struct path path;
	mode_t mode;

	if (path_lookup(from, entry->name, 0, &path))
		return;
	mode = path.dentry->inode->mode;
	path_put(&path);
	if ((mode & S_IFMT) == (entry->mode & S_IFMT) && !S_ISLNK(mode))
		return;
	/* If it cannot go, making the new one will say so. */
	if (S_ISDIR(mode) ? path_rmdir(from, entry->name) : path_unlink(from, entry->name))
		pr_debug("initramfs: %s is in the way\n", entry->name);
}

static int file_write_all(struct file *file, const struct cpio_entry *entry)
{
	ssize_t n = file_write_kernel(file, entry->data, entry->size, 0);

	if (n < 0)
		return (int)n;
	return (size_t)n == entry->size ? 0 : -ENOSPC;
}

static int file_make(struct unpacking *u, const struct walk_from *from,
                     const struct cpio_entry *entry)
{
	const struct hard_link *link = entry->nlink > 1 ? link_find(u, entry) : NULL;
	struct open_request request = { .flags = O_WRONLY | O_CREAT, .mode = entry->mode & 07777 };
	struct file *file;
	int err = 0;

	if (link) {
		err = link_make(from, link->name, entry->name);
		/* The data come with one of the names. */
		if (err || !entry->size)
			return err;
	} else {
		request.flags |= O_TRUNC;
		if (entry->nlink > 1)
			err = link_remember(u, entry);
	}
	if (!err)
		err = file_open(from, entry->name, &request, &file);
	if (err)
		return err;
	err = file_write_all(file, entry);
	file_put(file);
	return err;
}

static int directory_make(struct unpacking *u, const struct walk_from *from,
                          const struct cpio_entry *entry)
{
	size_t len = strlen(entry->name);
	struct directory_time *time;
	int err = path_mkdir(from, entry->name, entry->mode & 07777);

	if (err && err != -EEXIST)
		return err;
	time = kmalloc(sizeof(*time) + len + 1, ALLOC_KERNEL);
	if (!time)
		return -ENOMEM;
	time->mtime = entry->mtime * NS_PER_SEC;
	memcpy(time->name, entry->name, len + 1);
	list_add_head(&u->directories, &time->link);
	return 0;
}

static int link_text_make(const struct walk_from *from, const struct cpio_entry *entry)
{
	char *target = kmalloc(entry->size + 1, ALLOC_KERNEL);
	int err;

	if (!target)
		return -ENOMEM;
	memcpy(target, entry->data, entry->size);
	target[entry->size] = '\0';
	err = *target ? path_symlink(from, entry->name, target) : -ENOENT;
	kfree(target);
	return err;
}

static int node_make(struct unpacking *u, const struct walk_from *from,
                     const struct cpio_entry *entry)
{
	const struct hard_link *link = entry->nlink > 1 ? link_find(u, entry) : NULL;
	int err;

	if (link)
		return link_make(from, link->name, entry->name);
	err = entry->nlink > 1 ? link_remember(u, entry) : 0;
	if (!err)
		err = path_mknod(from, entry->name, entry->mode,
		                 dev_make(entry->rmajor, entry->rminor), NULL);
	/* Of a device that is there already only the attributes change. */
	return err == -EEXIST ? 0 : err;
}

static int entry_make(struct unpacking *u, const struct cpio_entry *entry)
{
	const struct walk_from from = from_root(u);
	int err;

	if (entry->name_length >= PATH_LEN_MAX ||
	    (S_ISLNK(entry->mode) && entry->size >= PATH_LEN_MAX))
		return -ENAMETOOLONG;
	other_kind_remove(&from, entry);
	switch (entry->mode & S_IFMT) {
	case S_IFREG:
		err = file_make(u, &from, entry);
		break;
	case S_IFDIR:
		err = directory_make(u, &from, entry);
		break;
	case S_IFLNK:
		err = link_text_make(&from, entry);
		break;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		err = node_make(u, &from, entry);
		break;
	default:
		err = -EINVAL;
	}
	return err ? err : attributes_set(&from, entry);
}

/* ---- archives ------------------------------------------------------------------------------ */

static void archive_give_back(struct unpacking *u, const void *up_to)
{
	uintptr_t from = ((uintptr_t)u->given_to + PAGE_SIZE - 1) & PAGE_MASK;
	uintptr_t to = (uintptr_t)up_to & PAGE_MASK;

	if (!u->give_back || to <= from)
		return;
	u->give_back((const void *)from, to - from);
	u->given_to = (const char *)to;
}

/* One archive's entries. *consumed: bytes read. `in_place`: its memory may be given back. */
static int cpio_unpack(struct unpacking *u, const void *data, size_t size, bool in_place,
                       size_t *consumed)
{
	struct cpio_entry entry;
	struct cpio cpio;
	int n, err;

	cpio_init(&cpio, data, size);
	while ((n = cpio_next(&cpio, &entry)) > 0) {
		err = entry_make(u, &entry);
		if (err == -ENOMEM || err == -ENOSPC) {
			u->error = err == -ENOMEM ? "not enough memory"
			                          : "does not fit into the root file system";
			return err;
		}
		if (err && !u->failed++)
			pr_warn("initramfs: cannot make %s: error %d\n", entry.name, -err);
		if (in_place && (const char *)cpio.at - u->given_to > GIVE_BACK_BYTES)
			archive_give_back(u, cpio.at);
	}
	*consumed = size - cpio_rest(&cpio);
	u->error = cpio.error;
	return n;
}

static void *output_alloc(size_t size)
{
	return kvmalloc(size, ALLOC_KERNEL | ALLOC_NOWARN);
}

static void output_free(void *memory, size_t size)
{
	kvfree(memory);
}

static const struct decompress_memory output_memory = { .alloc = output_alloc,
                                                       .free = output_free };

static int compressed_unpack(struct unpacking *u, const void *data, size_t size, size_t *consumed)
{
	struct decompressed output;
	size_t inner;
	int err = decompress(data, size, pages_free_count() * PAGE_SIZE, &output_memory, &output);

	if (err) {
		u->error = output.error;
		return err;
	}
	archive_give_back(u, (const char *)data + output.consumed);
	*consumed = output.consumed;
	err = cpio_unpack(u, output.data, output.size, false, &inner);
	if (!err && !mem_is_zero((const char *)output.data + inner, output.size - inner)) {
		u->error = "what is compressed in it is not a cpio archive";
		err = -EINVAL;
	}
	kvfree(output.data);
	return err;
}

static int unpack_next(struct unpacking *u, const char *at, size_t size, size_t *consumed)
{
	enum format format = format_detect(at, size);

	switch (format) {
	case FORMAT_CPIO:
		return cpio_unpack(u, at, size, true, consumed);
	case FORMAT_GZIP:
	case FORMAT_ZSTD:
		return compressed_unpack(u, at, size, consumed);
	case FORMAT_UNKNOWN:
		u->error = "neither a cpio archive (newc) nor one compressed by gzip or zstd";
		return -EINVAL;
	default:
		pr_info("initramfs: gzip, zstd or no compression at all, please\n");
		u->error = format_name(format);
		return -EOPNOTSUPP;
	}
}

static int unpack_all(struct unpacking *u, const char *data, size_t size)
{
	size_t at = 0;

	while (at < size) {
		size_t consumed = 0;
		int err;

		if (!data[at]) {
			at++;
			continue;
		}
		err = unpack_next(u, data + at, size - at, &consumed);
		if (err || !consumed) {
			pr_emerg("Initramfs unpacking failed: %s%s, at byte %lu\n",
				 err == -EOPNOTSUPP ? "compressed by " : "",
				 u->error ? u->error : "malformed", at);
			return err ? err : -EINVAL;
		}
		at += consumed;
	}
	return 0;
}

static void directories_finish(struct unpacking *u)
{
	const struct walk_from from = from_root(u);

	while (!list_is_empty(&u->directories)) {
		struct directory_time *time = list_first_entry(&u->directories,
		                                               struct directory_time, link);
		const struct time_change times = { UTIME_SET, UTIME_SET, time->mtime, time->mtime };
		struct path path;

		if (!path_lookup(&from, time->name, 0, &path)) {
			if (path_utimes(&path, &cred_root, &times))
				u->failed++;
			path_put(&path);
		}
		list_remove(&time->link);
		kfree(time);
	}
}

static void links_forget(struct unpacking *u)
{
	for (size_t i = 0; i < LINK_BUCKETS; i++) {
		struct hlist_node *ahead;
		struct hard_link *link;

		hlist_for_each_entry_safe(link, ahead, &u->links[i], node) {
			hlist_remove(&link->node);
			kfree(link);
		}
	}
}

int initramfs_unpack(const void *data, size_t size, const struct path *root,
                     void (*give_back)(const void *from, size_t size))
{
	struct unpacking u = { .given_to = data, .give_back = give_back };
	int err = fs_context_create(root, &u.context);

	if (err)
		return err;
	list_init(&u.directories);
	fs_context_set_umask(u.context, 0);
	err = unpack_all(&u, data, size);
	directories_finish(&u);
	links_forget(&u);
	if (u.failed)
		pr_warn("initramfs: %u entries could not be made\n", u.failed);
	if (give_back)
		archive_give_back(&u, (const char *)data + size);
	fs_context_put(u.context);
	return err;
}
